"""The same windows through PyTorch: unfold, float, the same network in evaluation mode, 64 windows at once; 841 with `cuda`.

Arguments: threads, then the width (default 0.25), then `cuda`.
"""
import sys
import time

import torch

threads, width = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "0.25"
words = sys.argv[3:]
sys.argv = [sys.argv[0], width, "64", threads, "rotation", *words]
import io

standard, sys.stdin = sys.stdin, io.StringIO("")  # of resnet_torch only the network is wanted
said, sys.stdout = sys.stdout, io.StringIO()
from resnet_torch import device, network

sys.stdin, sys.stdout = standard, said
encoder = network()[:-1].eval()  # without the logits
image = torch.randint(0, 256, (1, 3, 256, 256), dtype=torch.uint8)
batch = 841 if device == "cuda" else 64


def features():
    windows = image.to(device).unfold(2, 32, 8).unfold(3, 32, 8).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 32, 32)
    x = windows.float().div(255).contiguous(memory_format=torch.channels_last)
    return torch.cat([encoder(part) for part in x.split(batch)]).cpu()


print("ready", torch.__version__, flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            features()
        print(time.perf_counter() - start, flush=True)
