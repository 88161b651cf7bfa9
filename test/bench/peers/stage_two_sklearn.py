"""scikit-learn's classifiers and metrics on the same data: a job a line, answered by the seconds it took."""
import json
import os
import sys
import time

import numpy as np
import sklearn
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity, NearestNeighbors
from sklearn.svm import OneClassSVM

folder = sys.argv[1]
sizes = json.load(open(os.path.join(folder, "sizes.json")))


def matrix(name):
    size = sizes[name]
    return np.fromfile(os.path.join(folder, name + ".f32"), np.float32).reshape(size["rows"], size["columns"])


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def oc_svm(train, test):
    train, test = unit(train), unit(test)
    gamma = 10 / (train.var() * train.shape[1])
    return lambda: OneClassSVM(kernel="rbf", nu=0.5, gamma=gamma).fit(train).score_samples(test)


def kde(train, test):
    train, test = unit(train), unit(test)
    gamma = 10 / (train.var() * train.shape[1])
    return lambda: KernelDensity(bandwidth=(2 * gamma) ** -0.5).fit(train).score_samples(test)


def gde(train, test):
    return lambda: EmpiricalCovariance().fit(train).mahalanobis(test)


def knn(train, test):
    return lambda: NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(train).kneighbors(test)


def pixel_auc():
    maps = np.fromfile(os.path.join(folder, "maps.f32"), np.float32)
    masks = np.fromfile(os.path.join(folder, "masks.u8"), np.uint8)
    return lambda: roc_auc_score(masks, maps)


classifiers = {"oc-svm": oc_svm, "kde": kde, "gde": gde, "knn": knn}
loaded = {}
print("ready", sklearn.__version__, flush=True)
for line in sys.stdin:
    name = line.strip()
    if name not in loaded:
        loaded[name] = pixel_auc() if name == "pixel-auc" else classifiers[name](matrix("train"), matrix("test"))
    start = time.perf_counter()
    loaded[name]()
    print(time.perf_counter() - start, flush=True)
