"""Optuna's regrets on the functions of search-functions.js: medians and quartiles over 50 seeds, for the table of docs/explanation/search.md.

    python test/bench/search.py [function …]   # writes test/fixtures/search/optuna.json; needs optuna
"""

import datetime
import json
import math
import pathlib
import platform
import sys

import numpy
import optuna
import scipy

optuna.logging.set_verbosity(optuna.logging.ERROR)
SEEDS, BUDGETS = 50, (10, 20, 50)


def branin(trial):
    x = trial.suggest_float("x", -5, 10)
    y = trial.suggest_float("y", 0, 15)
    return (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.39788735772973816


HARTMANN = (
    (1.0, 1.2, 3.0, 3.2),
    ((10, 3, 17, 3.5, 1.7, 8), (0.05, 10, 17, 0.1, 8, 14), (3, 3.5, 1.7, 10, 17, 8), (17, 8, 0.05, 10, 0.1, 14)),
    (
        (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
        (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
        (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
        (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
    ),
)


def hartmann6(trial):
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    weights, scales, centres = HARTMANN
    return 3.322368011415515 - sum(
        w * math.exp(-sum(s * (v - c) ** 2 for s, v, c in zip(scale, x, centre)))
        for w, scale, centre in zip(weights, scales, centres)
    )


def conditional(trial):
    """Like a search over a learner and a classifier: a log scale, integers, choices, and parameters of some classifiers only."""
    classifier = trial.suggest_categorical("classifier", ["oc-svm", "kde", "gde"])
    rate = trial.suggest_float("rate", 1e-4, 1, log=True)
    epochs = trial.suggest_int("epochs", 16, 512, log=True)
    batch = trial.suggest_categorical("batch", [32, 64, 128])
    regret = (math.log10(rate) + 1.7) ** 2 / 4 + math.log2(epochs / 200) ** 2 / 16 + {32: 0.05, 64: 0.0, 128: 0.1}[batch]
    if classifier == "oc-svm":
        nu = trial.suggest_float("nu", 0.05, 0.9, step=0.05)
        regret += (nu - 0.3) ** 2
    if classifier in ("oc-svm", "kde"):
        gamma = trial.suggest_float("gamma", 1e-3, 1e3, log=True)
        regret += (math.log10(gamma) - (0.8 if classifier == "oc-svm" else -1)) ** 2 / 10
    return regret + {"oc-svm": 0, "kde": 0.1, "gde": 0.15}[classifier]


def ackley(trial):
    x = [trial.suggest_float(f"x{i}", -15, 30) for i in range(4)]
    square = math.sqrt(sum(v * v for v in x) / 4)
    waves = sum(math.cos(2 * math.pi * v) for v in x) / 4
    return 20 + math.e - 20 * math.exp(-0.2 * square) - math.exp(waves)


def rosenbrock(trial):
    x = [trial.suggest_float(f"x{i}", -5, 10) for i in range(4)]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))


FUNCTIONS = (branin, hartmann6, conditional, ackley, rosenbrock)
SAMPLERS = {
    # Multivariate is Optuna 5's default. `group` models the parameters of each branch of a conditional space together.
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "tpe-group": lambda seed: optuna.samplers.TPESampler(seed=seed, group=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def regrets(function, make):
    best = []
    for seed in range(SEEDS):
        study = optuna.create_study(sampler=make(seed))
        study.optimize(function, n_trials=max(BUDGETS))
        best.append(numpy.minimum.accumulate([trial.value for trial in study.trials]))
    return {str(n): [float(f"{q:.6g}") for q in numpy.percentile([run[n - 1] for run in best], (25, 50, 75))] for n in BUDGETS}


if __name__ == "__main__":
    out = pathlib.Path(__file__).parent.parent / "fixtures/search/optuna.json"
    kept = json.loads(out.read_text()) if out.exists() else {}
    wanted = sys.argv[1:] or [function.__name__ for function in FUNCTIONS]
    table = kept.get("regrets", {})
    for function in FUNCTIONS:
        if function.__name__ in wanted:
            table[function.__name__] = {
                name: regrets(function, make)
                for name, make in SAMPLERS.items()
                if name != "tpe-group" or function is conditional  # elsewhere it is the same as "tpe"
            }
            print(function.__name__, json.dumps(table[function.__name__]), flush=True)
    made = {
        "made by": "test/bench/search.py",
        "date": datetime.date.today().isoformat(),
        "versions": {"optuna": optuna.__version__, "numpy": numpy.__version__, "scipy": scipy.__version__, "python": platform.python_version()},
        "seeds": SEEDS,
        "quantiles": [0.25, 0.5, 0.75],
    }
    out.write_text(json.dumps({**made, "regrets": table}, indent=1) + "\n")
