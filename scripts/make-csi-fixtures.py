"""Writes test/fixtures/csi.json: what PyTorch computes in float64 for the loss of CSI and for its detection score.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python scripts/make-csi-fixtures.py

Inputs come from the hash that the test computes too (`pattern`), as in `make-network-fixtures.py`, so that only results are stored.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def pattern(count, salt):
    """Uniform in [-1, 1): murmur3's finaliser of the index, in float32."""
    x = ((np.arange(count, dtype=np.uint64) + 1) * 2654435761 + salt * 40503) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return (x.astype(np.float64) / 2147483648 - 1).astype(np.float32).astype(np.float64)


def nt_xent(first, second, temperature):
    """Term by term, as the paper writes it: -log of the partner's share among all others, both ways."""
    rows = torch.cat([first, second])
    n = len(first)
    total = 0
    for i in range(2 * n):
        cosines = F.cosine_similarity(rows[i : i + 1], rows) / temperature
        others = torch.cat([cosines[:i], cosines[i + 1 :]])
        total = total - cosines[(i + n) % (2 * n)] + torch.logsumexp(others, 0)
    return total / (2 * n)


def numbers(tensor):
    return [float(f"{v:.9g}") for v in tensor.reshape(-1)]


def contrastive(rows, columns, temperature):
    views = [torch.tensor(pattern(rows * columns, salt).reshape(rows, columns)).requires_grad_() for salt in (11, 12)]
    loss = nt_xent(*views, temperature)
    loss.backward()
    return {
        "rows": rows, "columns": columns, "temperature": temperature, "loss": loss.item(),
        "gradients": [numbers(view.grad) for view in views],
    }


def whole(features, outputs, images, copies, temperature, shift_weight):
    """Behind the pooled features: a linear head, and the classifier of shifts. Rows: view, then copy, then image."""
    def kernel(inputs, columns, salt):
        return torch.tensor(pattern(inputs * columns, salt).reshape(inputs, columns) * math.sqrt(6 / columns)).requires_grad_()

    head, shift = kernel(features, outputs, 1), kernel(features, copies, 2)
    bias = torch.tensor(0.25 * pattern(copies, 3)).requires_grad_()
    half = copies * images
    pooled = torch.tensor(pattern(2 * half * features, 13).reshape(2 * half, features)).requires_grad_()
    z = pooled @ head
    labels = torch.tensor([copy for _ in range(2) for copy in range(copies) for _ in range(images)])
    loss = nt_xent(z[:half], z[half:], temperature) + shift_weight * F.cross_entropy(pooled @ shift + bias, labels)
    loss.backward()
    return {
        "features": features, "outputs": outputs, "images": images, "copies": copies, "temperature": temperature,
        "shift_weight": shift_weight, "loss": loss.item(),
        "gradients": {"head/embed/kernel": numbers(head.grad), "head/shift/kernel": numbers(shift.grad), "head/shift/bias": numbers(bias.grad)},
        "pooled": numbers(pooled.grad),
    }


def score(train, test, columns, copies):
    """Equations 6 to 9 by loops over images; the larger, the more normal. Held out: each training image against the others."""
    known = pattern(train * copies * (columns + 1), 21).reshape(train, copies, columns + 1)
    known[:, :, -1] += 1.5  # logits of the right shift are positive
    new = pattern(test * copies * (columns + 1), 22).reshape(test, copies, columns + 1)

    def normality(x, memory):
        total = 0
        for s in range(copies):
            z, logit = x[s, :-1], x[s, -1]
            lengths = [np.linalg.norm(m[s, :-1]) for m in memory]
            cosines = [z @ m[s, :-1] / (np.linalg.norm(z) * np.linalg.norm(m[s, :-1])) for m in memory]
            total += max(cosines) * np.linalg.norm(z) * len(memory) / sum(lengths)
            total += logit * len(memory) / sum(m[s, -1] for m in memory)
        return total

    return {
        "train": train, "test": test, "columns": columns, "copies": copies,
        "normality": [normality(x, known) for x in new],
        "heldOut": [normality(known[i], np.delete(known, i, axis=0)) for i in range(train)],
    }


path = Path(__file__).parent.parent / "test/fixtures/csi.json"
path.write_text(json.dumps({
    "torch": torch.__version__, "contrastive": contrastive(6, 5, 0.5), "whole": whole(12, 8, 3, 4, 0.5, 0.7), "score": score(9, 6, 5, 4),
}) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
