"""SciPy's distributions: scipy.stats.loguniform, uniform, rv_discrete, and randint, which leaves its upper bound out;
and scipy.stats.qmc's LatinHypercube and Sobol.

They return float64, whatever they are given.
"""

import numpy as np
import scipy
from nnlaws_reference.dtypes import Array
from scipy import stats
from scipy.stats import qmc

description = (
    f"SciPy {scipy.__version__}: scipy.stats.loguniform, uniform, randint, rv_discrete; qmc.LatinHypercube, Sobol"
)
dtypes = ("float64",)
conventions = {
    "sample_integer.bounds": "half_open",
    "log_uniform_map.box": "rounded",  # ppf(5e-324, 1e-7, 1) is below 1e-7
}


def log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(stats.loguniform.ppf(u, low, high))


def log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(stats.loguniform.cdf(x, low, high))


def log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(stats.loguniform.pdf(x, low, high))


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(stats.uniform.rvs(low, high - low, size=size, random_state=seed))


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(stats.loguniform.rvs(low, high, size=size, random_state=seed))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.asarray(stats.randint.rvs(low, high, size=size, random_state=seed))


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    choice = stats.rv_discrete(values=(np.arange(len(weights)), weights / weights.sum()))
    return np.asarray(choice.rvs(size=size, random_state=seed))


def latin_hypercube(*, size: int, axes: int, seed: int) -> Array:
    return np.asarray(qmc.LatinHypercube(axes, rng=seed).random(size))


def sobol(*, size: int, axes: int, seed: int) -> Array:
    return np.asarray(qmc.Sobol(axes, rng=seed).random(size))
