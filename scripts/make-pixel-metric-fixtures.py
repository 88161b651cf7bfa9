"""Reference values of metrics of pixels, for test/domain/metrics/regions.test.ts: curves by scikit-learn, regions by SciPy.

    pip install scikit-learn==1.9.1 numpy scipy
    python3 scripts/make-pixel-metric-fixtures.py

The per-region-overlap curve is computed the plain way: at every threshold, the found share of each region.
"""

import json
import pathlib

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/pixel-metrics.json"
rng = np.random.default_rng(5)


def aupro(maps, masks, limit):
    regions = [
        (i, found == region)
        for i, mask in enumerate(masks)
        for found, count in [label(mask, structure=np.ones((3, 3)))]
        for region in range(1, count + 1)
    ]
    rates, overlaps = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        found = maps >= threshold
        rates.append((found & (masks == 0)).sum() / (masks == 0).sum())
        overlaps.append(np.mean([found[i][where].mean() for i, where in regions]))
    rates, overlaps = np.array(rates), np.array(overlaps)
    inside = rates <= limit
    x, y = rates[inside], overlaps[inside]
    if x[-1] < limit:
        after = int(np.argmax(rates > limit))
        part = (limit - rates[after - 1]) / (rates[after] - rates[after - 1])
        x, y = np.append(x, limit), np.append(y, overlaps[after - 1] + part * (overlaps[after] - overlaps[after - 1]))
    return float(np.trapezoid(y, x) / limit), len(regions)


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


OUT.write_text(json.dumps({"cases": [case(4, 9, 13, 4), case(3, 16, 8, 1), case(2, 12, 12, 1000)]}) + "\n")
