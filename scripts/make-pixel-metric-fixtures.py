"""Reference values of metrics of pixels, for test/domain/metrics/regions.test.ts: curves by scikit-learn, regions by SciPy.

    pip install scikit-learn==1.9.1 numpy scipy
    python3 scripts/make-pixel-metric-fixtures.py

The per-region-overlap curves are computed the plain way: at every threshold, the found share of each region.
"""

import json
import pathlib

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/pixel-metrics.json"
rng = np.random.default_rng(5)


def aupro(maps, masks, limit):
    whole = [
        (i, found == region)
        for i, mask in enumerate(masks)
        for found, count in [label(mask, structure=np.ones((3, 3)))]
        for region in range(1, count + 1)
    ]
    return area(maps, masks, [(i, where, 1.0) for i, where in whole], limit), len(whole)


def area(maps, masks, regions, limit):
    """Under the saturated overlap of regions: image, pixels, and the share of these that is enough."""
    rates, overlaps = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        found = maps >= threshold
        rates.append((found & (masks == 0)).sum() / (masks == 0).sum())
        overlaps.append(np.mean([min(1.0, found[i][where].sum() / (share * where.sum())) for i, where, share in regions]))
    rates, overlaps = np.array(rates), np.array(overlaps)
    inside = rates <= limit
    x, y = rates[inside], overlaps[inside]
    if x[-1] < limit:
        after = int(np.argmax(rates > limit))
        part = (limit - rates[after - 1]) / (rates[after] - rates[after - 1])
        x, y = np.append(x, limit), np.append(y, overlaps[after - 1] + part * (overlaps[after] - overlaps[after - 1]))
    return float(np.trapezoid(y, x) / limit)


def saturated(count, height, width, levels):
    """Defects of several parts, some of which overlap, and different shares that are enough."""
    rng = np.random.default_rng(levels)
    regions = []
    for i in range(1, count):
        for share in (1.0, 0.5, 0.07, 0.3)[: 1 + i % 4]:
            where = np.zeros((height, width), bool)
            for _ in range(2):
                y, x = rng.integers(height - 3), rng.integers(width - 4)
                where[y : y + 3, x : x + 4] = True
            regions.append((i, where, share))
    masks = np.zeros((count, height, width), np.uint8)
    for i, where, _ in regions:
        masks[i] |= where
    maps = np.round((rng.normal(size=masks.shape) + 1.5 * masks) * levels) / levels
    maps = maps.astype(np.float32)
    return {
        "count": count, "height": height, "width": width,
        "maps": [float(v) for v in maps.ravel()], "masks": "".join(map(str, masks.ravel())),
        "regions": [[i, share, np.flatnonzero(where).tolist()] for i, where, share in regions],
        "spro": {str(limit): area(maps, masks, regions, limit) for limit in (0.05, 0.3, 1.0)},
    }


def best_f1(truth, scores):
    precision, recall, _ = precision_recall_curve(truth, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300)))


def case(count, height, width, levels):
    masks = (rng.random((count, height, width)) < 0.08).astype(np.uint8)
    masks |= np.roll(masks, 1, axis=2)
    masks[0] = 0
    # A few levels: many ties. Anomalous pixels score higher, as a rule.
    maps = np.round((rng.normal(size=masks.shape) + 1.2 * masks) * levels) / levels
    maps = maps.astype(np.float32)
    values = {}
    for limit in (0.05, 0.3, 1.0):
        values[str(limit)], regions = aupro(maps, masks, limit)
    return {
        "count": count, "height": height, "width": width, "regions": regions,
        "maps": [float(v) for v in maps.ravel()], "masks": "".join(map(str, masks.ravel())),
        "auc": float(roc_auc_score(masks.ravel(), maps.ravel())),
        "averagePrecision": float(average_precision_score(masks.ravel(), maps.ravel())),
        "f1": best_f1(masks.ravel(), maps.ravel()), "aupro": values,
    }


CASES = [case(4, 9, 13, 4), case(3, 16, 8, 1), case(2, 12, 12, 1000)]
SATURATED = [saturated(4, 10, 12, 3), saturated(6, 9, 11, 1000)]
OUT.write_text(json.dumps({"cases": CASES, "saturated": SATURATED}) + "\n")
