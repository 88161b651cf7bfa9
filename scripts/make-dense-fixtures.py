"""Writes test/fixtures/dense.json: what PyTorch, NumPy and scikit-learn compute of maps of places, greedy coresets, PatchCore's score of
an image, SPADE's scores, and AnomalyDINO's mask of the foreground.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy scikit-learn==1.9.1
    venv/bin/python scripts/make-dense-fixtures.py

Numbers come from a hash that the tests compute too (`pattern`).
"""

import json
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional as F

out = Path(__file__).parent.parent / "test/fixtures/dense.json"


def pattern(count, salt):
    """Uniform in [-1, 1): murmur3's finaliser of the index, as in make-network-fixtures.py."""
    x = ((np.arange(count, dtype=np.uint64) + 1) * 2654435761 + salt * 40503) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x.astype(np.float64) / 2147483648 - 1


def rounded(values):
    return [float(f"{v:.9g}") for v in np.asarray(values, dtype=np.float64).reshape(-1)]


# ------------------------------------------------------------------------------------------------------------- maps of places


def joined(neighbourhood):
    """Two images; maps of 6 × 6 places with 3 channels and of 3 × 3 with 5, as PatchCore joins them: mean over the neighbours that
    there are, then bilinear to the first one's size."""
    maps = [
        torch.tensor(pattern(2 * c * s * s, salt).astype(np.float32).astype(np.float64).reshape(2, s, s, c)).permute(0, 3, 1, 2)
        for c, s, salt in ((3, 6, 21), (5, 3, 22))
    ]
    pad = neighbourhood // 2
    means = [F.avg_pool2d(m, neighbourhood, 1, pad, count_include_pad=False) for m in maps]
    same = [means[0], F.interpolate(means[1], size=(6, 6), mode="bilinear", align_corners=False)]
    return rounded(torch.cat(same, 1).permute(0, 2, 3, 1))


# --------------------------------------------------------------------------------------------------- maps and tokens of a network


def images():
    """Those of make-model-fixtures.py, less ImageNet's mean, over its deviation: (5, 3, 8, 8)."""
    pixels = np.floor(128 + 127.9 * pattern(5 * 8 * 8 * 3, 5)).reshape(5, 8, 8, 3) / 255
    return torch.tensor((pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).permute(0, 3, 1, 2)


def layers():
    """The convolution of test/fixtures/models/tiny.onnx and its ReLU, joined with means over 3 × 3 places: (5, 4, 4, 8)."""
    weights = torch.tensor(pattern(4 * 3 * 9, 1).reshape(4, 3, 3, 3).astype(np.float32).astype(np.float64))
    shift = torch.tensor(pattern(4, 2).astype(np.float32).astype(np.float64))
    made = F.conv2d(images(), weights, shift, stride=2, padding=1)
    both = torch.cat([made, F.relu(made)], 1)
    return rounded(F.avg_pool2d(both, 3, 1, 1, count_include_pad=False).permute(0, 2, 3, 1))


def tokens():
    """tanh of a dense layer on patches of 2 × 2 pixels (row, column, colour): (5, 16, 6)."""
    patches = images().permute(0, 2, 3, 1).reshape(5, 4, 2, 4, 2, 3).permute(0, 1, 3, 2, 4, 5).reshape(5, 16, 12)
    weights = torch.tensor(pattern(12 * 6, 51).reshape(12, 6).astype(np.float32).astype(np.float64))
    return rounded(torch.tanh(patches @ weights))


# ---------------------------------------------------------------------------------------------------------------- coreset, score


def k_centres(rows, count, first):
    """Every distance of every step, in float64."""
    chosen = [first]
    least = ((rows - rows[first]) ** 2).sum(1)
    while len(chosen) < count:
        left = least.copy()
        left[chosen] = -1
        chosen.append(int(left.argmax()))
        least = np.minimum(least, ((rows - rows[chosen[-1]]) ** 2).sum(1))
    return chosen


bank = pattern(120 * 7, 31).astype(np.float32).astype(np.float64).reshape(120, 7)
probe = 1.5 * pattern(9 * 7, 32).astype(np.float32).astype(np.float64).reshape(9, 7)


def image_scores(about):
    """Roth et al. 2022, equations 6 and 7, with scikit-learn's neighbours."""
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(bank)
    distance, nearest = (found[:, 0] for found in index.kneighbors(probe))
    around = index.kneighbors(bank[nearest], n_neighbors=about, return_distance=False)
    weights = [1 - np.exp(d) / np.exp(np.linalg.norm(bank[a] - x, axis=1)).sum() for x, d, a in zip(probe, distance, around)]
    return {"about": about, "distances": rounded(distance), "scores": rounded(weights * distance)}


# ------------------------------------------------------------------------------------------------------------ similar images


def spade(count, k):
    """Cohen & Hoshen 2020: six training images of 20 places (the bank) with features as a whole, three images of three places (the
    probe). Equation 2: the mean squared distance to the nearest images; equation 3: the same of a place to those of these images."""
    whole = torch.tensor(pattern(6 * 4, 61).astype(np.float32).astype(np.float64).reshape(6, 4))
    own = torch.tensor(pattern(3 * 4, 62).astype(np.float32).astype(np.float64).reshape(3, 4))
    squares, images = (torch.cdist(own, whole, compute_mode="donot_use_mm_for_euclid_dist") ** 2).topk(min(count, 6), largest=False)
    places = []
    for image in range(3):
        gallery = torch.tensor(bank).reshape(6, 20, 7)[images[image]].reshape(-1, 7)
        asked = torch.tensor(probe).reshape(3, 3, 7)[image]
        far = torch.cdist(asked, gallery, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        places.append(far.topk(k, largest=False).values.mean(1).numpy())
    return {"similar": count, "k": k, "images": rounded(squares.mean(1).numpy()), "places": rounded(places)}


# -------------------------------------------------------------------------------------------------------------------- foreground


def dilated(mask, least):
    """3 × 3: whether any place around is marked; `least`: whether all are, outside counting as marked."""
    padded = np.pad(mask, 1, constant_values=least)
    around = [padded[y : y + mask.shape[0], x : x + mask.shape[1]] for y in range(3) for x in range(3)]
    return np.all(around, 0) if least else np.any(around, 0)


def foreground(sign):
    """Damm et al. 2024: features of 10 × 10 places, of a disc in the middle that differs from what is around it."""
    side, d, threshold = 10, 6, 1.0
    y, x = np.mgrid[:side, :side]
    disc = ((y - 4.5) ** 2 + (x - 4.5) ** 2 < 9).astype(np.float64).reshape(-1)
    direction = np.arange(1, d + 1)
    features = (sign * np.outer(disc, direction) + 0.3 * pattern(side * side * d, 41).reshape(-1, d)).astype(np.float32)
    first = PCA(n_components=1, svd_solver="full").fit_transform(features.astype(np.float64))[:, 0]
    middle = slice(int(0.2 * side), int(0.8 * side))
    mask = (first > threshold).reshape(side, side)
    if mask[middle, middle].sum() <= 0.35 * mask[middle, middle].size:
        mask = (-first > threshold).reshape(side, side)
    mask = dilated(mask, False)
    mask = dilated(dilated(mask, False), True)
    return {"side": side, "threshold": threshold, "features": rounded(features), "mask": mask.astype(int).reshape(-1).tolist()}


result = {
    "torch": torch.__version__,
    "scikit-learn": sklearn.__version__,
    "layers": layers(),
    "tokens": tokens(),
    "joined": {str(n): joined(n) for n in (1, 3, 5)},
    "coreset": k_centres(bank, 40, 17),
    "image_scores": [image_scores(about) for about in (2, 5)],
    "spade": [spade(*options) for options in ((2, 1), (4, 3), (50, 1))],
    "foreground": [foreground(sign) for sign in (1, -1)],
}
out.write_text(json.dumps(result) + "\n")
print(f"{out}: {out.stat().st_size} bytes")
