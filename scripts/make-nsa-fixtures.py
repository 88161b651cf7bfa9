"""Writes test/fixtures/nsa.json: seamless cloning by a direct solve, and the loss of the learner nsa, in float64.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python scripts/make-nsa-fixtures.py

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


def numbers(values):
    return [float(f"{v:.9g}") for v in np.asarray(values).reshape(-1)]


def clone(image, patch, top, left, mixed):
    """Equation 7 of Pérez et al. 2003 with one row of a dense matrix for each unknown."""
    height, width, _ = patch.shape
    unknowns = [(y, x) for y in range(1, height - 1) for x in range(1, width - 1)]
    number = {at: i for i, at in enumerate(unknowns)}
    out = image.copy()
    for c in range(3):
        a, b = np.zeros((len(unknowns),) * 2), np.zeros(len(unknowns))
        for (y, x), i in number.items():
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                q = (y + dy, x + dx)
                a[i, i] += 1
                guide = patch[y, x, c] - patch[q[0], q[1], c]
                below = image[top + y, left + x, c] - image[top + q[0], left + q[1], c]
                b[i] += below if mixed and abs(below) > abs(guide) else guide
                if q in number:
                    a[i, number[q]] -= 1
                else:
                    b[i] += image[top + q[0], left + q[1], c]
        for (y, x), value in zip(unknowns, np.linalg.solve(a, b)):
            out[top + y, left + x, c] = np.clip(value, image.min(), image.max())
    return out


def cloning(side, height, width, top, left):
    image = (0.5 + 0.5 * pattern(side * side * 3, 41)).astype(np.float32).astype(np.float64).reshape(side, side, 3)
    patch = (0.5 + 0.3 * pattern(height * width * 3, 42)).astype(np.float32).astype(np.float64).reshape(height, width, 3)
    results = {name: clone(image, patch, top, left, name == "mixed") for name in ("normal", "mixed")}
    window = np.s_[top : top + height, left : left + width]
    return {
        "side": side, "height": height, "width": width, "top": top, "left": left,
        **{name: numbers(result[window]) for name, result in results.items()},
    }


def grading(images, pixels, outputs, middle, width):
    """Behind the pixels, which are the pooled features: a linear head and two logits. The last image is not changed."""
    features = 3 * pixels
    before, after = (0.5 + 0.25 * pattern(images * features, salt).reshape(images, pixels, 3) for salt in (51, 52))
    after[:, ::2] = before[:, ::2]
    after[-1] = before[-1]
    labels = []
    for was, became in zip(before, after):
        changes = [change for change in np.abs(became - was).mean(1) if change > 1 / 255]
        labels.append(1 / (1 + math.exp((middle - sum(changes) / len(changes)) / width)) if changes else 0)
    head = torch.tensor(pattern(features * outputs, 1).reshape(features, outputs) * math.sqrt(6 / outputs)).requires_grad_()
    bias = torch.tensor(0.25 * pattern(outputs, 2)).requires_grad_()
    last = torch.tensor(pattern(outputs * 2, 3).reshape(outputs, 2) * math.sqrt(6 / 2)).requires_grad_()
    last_bias = torch.tensor(0.25 * pattern(2, 4)).requires_grad_()
    x = torch.tensor(np.concatenate([before, after]).reshape(2 * images, features))
    logits = (x @ head + bias) @ last + last_bias
    anomalous = torch.tensor([0.0] * images + labels)
    # Of two classes, that of the second is the sigmoid of the difference.
    loss = F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], anomalous)
    loss.backward()
    return {
        "images": images, "pixels": pixels, "outputs": outputs, "middle": middle, "width": width, "labels": labels, "loss": loss.item(),
        "gradients": {
            "head/embed/kernel": numbers(head.grad), "head/embed/bias": numbers(bias.grad),
            "head/logits/kernel": numbers(last.grad), "head/logits/bias": numbers(last_bias.grad),
        },
    }


path = Path(__file__).parent.parent / "test/fixtures/nsa.json"
path.write_text(json.dumps({"torch": torch.__version__, "cloning": cloning(11, 7, 6, 2, 4), "grading": grading(4, 6, 5, 0.1, 0.05)}) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
