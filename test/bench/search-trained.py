"""Optuna's trials on the trained configurations of table.json, for search-trained.js.

    python test/bench/search-trained.py   # writes test/fixtures/search/trained-optuna.json; needs optuna and PyYAML

A trial is one configuration. What is kept of it is its place in the table: training · settings + setting.
"""

import datetime
import itertools
import json
import pathlib
import platform

import optuna
import yaml

optuna.logging.set_verbosity(optuna.logging.ERROR)
SEEDS, TRIALS = 200, 50
HERE = pathlib.Path(__file__).parent.parent / "fixtures/search"
SPACE = yaml.safe_load((HERE / "table.yaml").read_text())["search"]["space"]
TRAININGS = json.loads((HERE / "table.json").read_text())["trainings"]
# In the table the first parameter varies slowest, and those of stage two are the last ones of the space.
PLACES = {point: place for place, point in enumerate(itertools.product(*SPACE.values()))}
SAMPLERS = {
    # Multivariate is Optuna 5's default.
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def places(objective, make, seed):
    """The configurations that are tried, in their order."""
    values = [value for training in TRAININGS for value in training[objective]]
    tried = []

    def value_of(trial):
        place = PLACES[tuple(trial.suggest_categorical(path, levels) for path, levels in SPACE.items())]
        tried.append(place)
        return values[place]

    optuna.create_study(sampler=make(seed), direction="maximize").optimize(value_of, n_trials=TRIALS)
    return tried


if __name__ == "__main__":
    kept = {
        objective: {name: [places(objective, make, seed) for seed in range(SEEDS)] for name, make in SAMPLERS.items()}
        for objective in ("validation", "test")
    }
    made = {
        "made by": "test/bench/search-trained.py",
        "date": datetime.date.today().isoformat(),
        "versions": {"optuna": optuna.__version__, "python": platform.python_version()},
    }
    (HERE / "trained-optuna.json").write_text(json.dumps({**made, "places": kept}, separators=(",", ":")) + "\n")
