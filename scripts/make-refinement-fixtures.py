"""Rows that an ensemble of Gaussians removes, by NumPy, for test/pipeline/stages/refinement.test.ts.

    pip install numpy
    python3 scripts/make-refinement-fixtures.py

Yoon et al. 2021, "Self-supervise, Refine, Repeat", algorithm 1: y = 1 - prod_k (1 - [s_k > eta_k]). Features are drawn as float32, so
that both sides start from the same numbers; all else is in double.
"""

import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/refinement.json"
rng = np.random.default_rng(23)

ROWS, COLUMNS = 83, 3
features = np.concatenate([rng.normal(size=(70, COLUMNS)), rng.normal(size=(13, COLUMNS)) * 0.7 + 2.5])
features = features[rng.permutation(ROWS)].astype(np.float32)
order = rng.permutation(ROWS)


def removed(parts, ratio):
    x = features.astype(float)
    anomalous = np.zeros(ROWS, bool)
    bounds = [k * ROWS // parts for k in range(parts + 1)]
    for first, last in zip(bounds, bounds[1:]):
        part = x[order[first:last]]
        mean = part.mean(axis=0)
        covariance = np.cov(part.T, bias=True) + 1e-6 * np.eye(COLUMNS)
        scores = np.einsum("ni,ij,nj->n", x - mean, np.linalg.inv(covariance), x - mean)
        eta = np.sort(scores)[::-1][int(ratio * ROWS)]  # so many are above it
        anomalous |= scores > eta
    return [int(i) for i in np.flatnonzero(anomalous)]


OUT.write_text(json.dumps({
    "numpy": np.__version__,
    "columns": COLUMNS,
    "features": [float(str(v)) for v in features.ravel()],
    "order": [int(i) for i in order],
    "cases": [{"parts": p, "ratio": r, "removed": removed(p, r)} for p, r in [(2, 0.1), (5, 0.1), (5, 0.25), (7, 0.02)]],
}, indent=1) + "\n")
