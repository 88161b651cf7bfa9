"""Reference values of classifiers and metrics by scikit-learn, for test/domain/{classifiers,metrics}.

    pip install scikit-learn==1.9.1 numpy
    python3 scripts/make-classifier-fixtures.py

Features are drawn as float32, so that both sides start from the same numbers; all else is in double.
"""

import json
import pathlib

import numpy as np
import sklearn
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity, NearestNeighbors
from sklearn.svm import OneClassSVM

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/classifiers"
rng = np.random.default_rng(20)


def shorten(values):
    return [float(v) for v in np.asarray(values).ravel()]


def float32(values):
    # The shortest decimal that reads back as the same float32.
    return [float(str(v)) for v in np.asarray(values, np.float32).ravel()]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def classifiers():
    mix = rng.normal(size=(5, 16)) / 2
    draw = lambda n, shift: np.maximum(rng.normal(size=(n, 5)) @ mix + 0.3 * rng.normal(size=(n, 16)) + 0.2 + shift, 0)
    train = draw(200, 0).astype(np.float32)
    test = np.concatenate([draw(40, 0), draw(40, 0.6)]).astype(np.float32)
    raw, raw_test = train.astype(float), test.astype(float)
    normed, normed_test = unit(raw), unit(raw_test)
    gamma = 10 / (normed.shape[1] * normed.var())
    cases = []
    for kernel, nu, tol in [
        ("rbf", 0.5, 1e-8),
        ("rbf", 0.1, 1e-8),
        ("rbf", 0.013, 1e-8),
        ("rbf", 0.5, 1e-3),
        ("linear", 0.5, 1e-8),
        ("linear", 0.1, 1e-8),
        ("linear", 0.5, 1e-3),
    ]:
        a, b = (normed, normed_test) if kernel == "rbf" else (raw, raw_test)
        machine = OneClassSVM(kernel=kernel, nu=nu, gamma=gamma, tol=tol).fit(a)
        cases.append({
            "kernel": kernel,
            "nu": nu,
            "tolerance": tol,
            "support": len(machine.support_),
            "scores": shorten(-machine.score_samples(b)),
        })
    density = KernelDensity(bandwidth=(2 * gamma) ** -0.5, kernel="gaussian", rtol=0, atol=0).fit(normed)
    write("one-class.json", {
        "scikit_learn": sklearn.__version__,
        "columns": 16,
        "gamma": gamma,
        "train": float32(train),
        "test": float32(test),
        "machines": cases,
        "log_density": shorten(density.score_samples(normed_test)),
    })


def densities_and_neighbours():
    """More rows than columns, and fewer; on the features of `classifiers`."""
    known = json.loads((OUT / "one-class.json").read_text())
    of = lambda name: np.asarray(known[name], np.float32).reshape(-1, known["columns"])
    cases = []
    for rows in (200, 10):
        train, test = of("train")[:rows].astype(float), of("test").astype(float)
        normed, normed_test = unit(train), unit(test)
        for normalise, a, b in ((True, normed, normed_test), (False, train, test)):
            mixture = GaussianMixture(1, covariance_type="full", reg_covar=1e-6).fit(a)
            cases.append({"rows": rows, "type": "gde", "options": {"normalise": normalise, "log_determinant": True}, "scores": shorten(-mixture.score_samples(b))})
            shrunk = LedoitWolf().fit(a)
            gaussian = multivariate_normal(shrunk.location_, shrunk.covariance_ + 1e-6 * np.eye(a.shape[1]))
            cases.append({
                "rows": rows,
                "type": "gde",
                "options": {"normalise": normalise, "shrinkage": "ledoit-wolf", "log_determinant": True},
                "scores": shorten(-gaussian.logpdf(b)),
            })
        for k in (1, 5):
            distances, _ = NearestNeighbors(n_neighbors=k, metric="cosine").fit(train).kneighbors(test)
            cases.append({"rows": rows, "type": "knn", "options": {"k": k}, "scores": shorten(distances.mean(axis=1))})
    write("densities.json", {"scikit_learn": sklearn.__version__, "cases": cases})


def metrics():
    cases = []
    for name, n, levels, share in [
        ("no ties", 300, None, 0.3),
        ("heavy ties", 300, 7, 0.3),
        ("two levels", 100, 2, 0.5),
        ("all equal", 50, 1, 0.4),
        ("few positives", 400, 50, 0.02),
        ("few negatives", 400, 50, 0.98),
    ]:
        labels = (rng.random(n) < share).astype(int)
        labels[:2] = 0, 1
        scores = rng.normal(size=n) + 0.8 * labels
        if levels is not None:
            scores = np.floor(scores * levels / 6) if levels > 1 else np.zeros(n)
        fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
        precision, recall, _ = precision_recall_curve(labels, scores)
        cases.append({
            "name": name,
            "scores": shorten(scores),
            "labels": labels.tolist(),
            "auc": float(roc_auc_score(labels, scores)),
            "average-precision": float(average_precision_score(labels, scores)),
            "fpr95": float(fpr[tpr >= 0.95].min()),
            "f1-max": float((2 * precision * recall / np.maximum(precision + recall, 1e-300)).max()),
        })
    write("metrics.json", {"scikit_learn": sklearn.__version__, "cases": cases})


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(value) + "\n")


classifiers()
metrics()
densities_and_neighbours()
