"""Reference values of the metrics of features by NumPy, SciPy and scikit-learn, for test/domain/metrics/features.test.ts.

    pip install scikit-learn==1.9.1 numpy scipy
    python3 scripts/make-feature-metric-fixtures.py

Features are drawn as float32, so that both sides start from the same numbers; all else is in double.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.spatial.distance import cdist, pdist
from sklearn.linear_model import LogisticRegression

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/feature-metrics.json"
rng = np.random.default_rng(21)


def numbers(values):
    return [float(v) for v in np.asarray(values).ravel()]


def float32(values):
    # The shortest decimal that reads back as the same float32.
    return [float(str(v)) for v in np.asarray(values, np.float32).ravel()]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def squared_mmd(x, y, sigma):
    kernel = lambda squared: np.exp(-squared / (2 * sigma**2))
    own = lambda a: kernel(pdist(a, "sqeuclidean")).mean()
    return float(own(x) + own(y) - 2 * kernel(cdist(x, y, "sqeuclidean")).mean())


columns = 8
draw = lambda rows, shift: np.maximum(rng.normal(size=(rows, columns)) + shift, 0).astype(np.float32)
features = draw(60, 0.4)
other = rng.normal(size=(50, columns)).astype(np.float32)
views = draw(60, 0.4)
x, y, v = (unit(a.astype(float)) for a in (features, other, views))

sigma = float(np.median(pdist(np.concatenate([x, y]))))

rows = np.concatenate([draw(150, 0.4), draw(90, 0.6)])
labels = np.repeat([0, 1], [150, 90])
probes = []
for normalise in (True, False):
    a = unit(rows.astype(float)) if normalise else rows.astype(float)
    for c in (1.0, 100.0):
        model = LogisticRegression(C=c, tol=1e-10, max_iter=10000).fit(a, labels)
        probes.append({
            "normalise": normalise,
            "c": c,
            "weights": numbers(model.coef_),
            "intercept": float(model.intercept_[0]),
            "decisions": numbers(model.decision_function(a)),
        })

OUT.write_text(
    json.dumps({
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit_learn": sklearn.__version__,
        "columns": columns,
        "features": float32(features),
        "other": float32(other),
        "views": float32(views),
        "uniformity": {t: float(np.log(np.exp(-float(t) * pdist(x, "sqeuclidean")).mean())) for t in ("2", "0.5", "5")},
        "median": sigma,
        "mmd": {"median": squared_mmd(x, y, sigma), "0.3": squared_mmd(x, y, 0.3)},
        "alignment": float(((x - v) ** 2).sum(axis=1).mean()),
        "rows": float32(rows),
        "labels": labels.tolist(),
        "probes": probes,
    })
    + "\n"
)
