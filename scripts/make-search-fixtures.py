"""Reference values for the mathematics of searches: Sobol points and rank correlations of SciPy.

    python scripts/make-search-fixtures.py   # writes test/fixtures/search/scipy.json; needs scipy
"""

import json
import pathlib

import numpy
import scipy
from scipy.stats import qmc, spearmanr

points = qmc.Sobol(64, scramble=False, bits=32).random(1024)
numbers = [0, 1, 2, 3, 4, 5, 6, 7, 12, 31, 63, 100, 511, 777, 1023]

rng = numpy.random.default_rng(0)
pairs = []
for n, ties in [(3, False), (10, False), (10, True), (40, True), (200, False)]:
    a, b = rng.normal(size=(2, n))
    b += 0.7 * a
    if ties:
        a, b = numpy.round(a), numpy.round(b * 2)
    pairs.append({"a": a.tolist(), "b": b.tolist(), "spearman": float(spearmanr(a, b).statistic)})

out = pathlib.Path(__file__).parent.parent / "test/fixtures/search/scipy.json"
out.write_text(
    json.dumps(
        {
            "scipy": scipy.__version__,
            "sobol": [{"n": n, "point": points[n].tolist()} for n in numbers],
            "spearman": pairs,
        }
    )
    + "\n"
)
