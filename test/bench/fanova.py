"""Importances by Optuna's FanovaImportanceEvaluator: mean and deviation over 20 seeds of its forest.

    python test/bench/fanova.py   # writes test/fixtures/search/fanova.json; needs optuna, scikit-learn
"""

import json
import math
import pathlib

import numpy
import optuna
import sklearn

optuna.logging.set_verbosity(optuna.logging.ERROR)


def value(trial):
    x = trial.suggest_float("x", 0, 1)
    y = trial.suggest_float("y", -2, 2)
    k = trial.suggest_int("k", 1, 9)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    trial.suggest_float("nothing", 0, 1)
    return math.sin(3 * x) + 0.4 * y * x + 0.05 * k + {"a": 0.0, "b": 0.3, "c": 0.1}[kind]


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(value, n_trials=150)
names = ["x", "y", "k", "kind", "nothing"]
runs = []
for seed in range(20):
    found = optuna.importance.FanovaImportanceEvaluator(n_trees=64, seed=seed).evaluate(study)
    runs.append([found[name] for name in names])
out = pathlib.Path(__file__).parent.parent / "fixtures/search/fanova.json"
out.write_text(
    json.dumps(
        {
            "made by": "test/bench/fanova.py",
            "versions": {"optuna": optuna.__version__, "scikit-learn": sklearn.__version__},
            "space": {
                "x": {"uniform": [0, 1]},
                "y": {"uniform": [-2, 2]},
                "k": {"integer": [1, 9]},
                "kind": ["a", "b", "c"],
                "nothing": {"uniform": [0, 1]},
            },
            "trials": [{"point": trial.params, "value": trial.value} for trial in study.trials],
            "optuna": {
                name: {"mean": float(mean), "deviation": float(deviation)}
                for name, mean, deviation in zip(names, numpy.mean(runs, axis=0), numpy.std(runs, axis=0))
            },
        }
    )
    + "\n"
)
