"""PyTorch's ResNet-18 train step: reads a number of steps a line, answers with the seconds they took.

The network of docs/paper-notes.md 1.1 for 32-pixel images (3x3 stem, no max-pool), SGD with momentum 0.9 and weight decay 3e-4:
the same step as ours. `rotation`: Dense(4) and cross-entropy; `contrastive`: the head of eight hidden layers and 128
columns, and InfoNCE of the first half of the batch against the second.

Words behind the learner: `cuda`; `graphs`, compiled into CUDA graphs; `tf32` or `bf16` (autocast).
"""
import contextlib
import sys
import time

import torch
from torch import nn

width, batch, threads = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
contrastive, words = sys.argv[4] == "contrastive", sys.argv[5:]
device = "cuda" if "cuda" in words else "cpu"
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in words
torch.set_num_threads(threads)
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, into, out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        same = stride == 1 and into == out
        self.way = nn.Identity() if same else nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return torch.relu(self.body(x) + self.way(x))


def network():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    into = 64
    for stage, channels in enumerate([64, 128, 256, 512]):
        out = int(channels * width)
        layers += [Block(into, out, 1 if stage == 0 else 2), Block(out, out, 1)]
        into = out
    head = [nn.Linear(into, 4)]
    if contrastive:
        inputs = [into] + [512] * 7
        hidden = [[nn.Linear(i, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU()] for i in inputs]
        head = [layer for three in hidden for layer in three] + [nn.Linear(512, 128, bias=False)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head).to(device, memory_format=torch.channels_last)


model = network()
optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=3e-4)
x = torch.rand(batch, 3, 32, 32).to(device, memory_format=torch.channels_last)
y = torch.arange(batch, device=device) % 4
cross_entropy = nn.CrossEntropyLoss()


def loss_of(made):
    if not contrastive:
        return cross_entropy(made, y)
    first, second = nn.functional.normalize(made).chunk(2)
    return cross_entropy(first @ second.T / 0.2, torch.arange(batch // 2, device=device))


def forward():
    rounded = torch.autocast(device, torch.bfloat16) if "bf16" in words else contextlib.nullcontext()
    with rounded:
        made = model(x)
    return loss_of(made.float())


def finish():
    if device == "cuda":
        torch.cuda.synchronize()


computed = torch.compile(forward, mode="reduce-overhead") if "graphs" in words else forward
if "graphs" in words:
    for _ in range(3):
        computed().backward()
finish()
print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        optimiser.zero_grad(set_to_none=True)
        computed().backward()
        optimiser.step()
    finish()
    print(time.perf_counter() - start, flush=True)
