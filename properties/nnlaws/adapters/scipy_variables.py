"""SciPy's random variables: stats.Uniform, and LogUniform by make_distribution, which can be subtracted from 1.

So SciPy has the law of 1 − x too. They return float64, whatever they are given. There is none of whole numbers.
"""

from typing import Any

import numpy as np
import scipy
from nnlaws_reference.dtypes import Array
from scipy import stats

description = f"SciPy {scipy.__version__}: random variables of scipy.stats: Uniform, LogUniform, 1 - LogUniform"
dtypes = ("float64",)
conventions = {  # it does not clip; and 1 − low and 1 − high are rounded before SciPy sees them
    "log_uniform_map.box": "rounded",
    "one_minus_log_uniform_map.box": "rounded",
    "one_minus_log_uniform_inverse.box": "rounded",
}

_LogUniform = stats.make_distribution(stats.loguniform)


def log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_x(low, high).icdf(u))


def log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_x(low, high).cdf(x))


def log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_x(low, high).pdf(x))


def one_minus_log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_one_minus_x(low, high).icdf(u))


def one_minus_log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_one_minus_x(low, high).cdf(x))


def one_minus_log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(_of_one_minus_x(low, high).pdf(x))


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(stats.Uniform(a=low, b=high).sample(size, rng=seed))


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(_of_x(low, high).sample(size, rng=seed))


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(_of_one_minus_x(low, high).sample(size, rng=seed))


def _of_x(low: float, high: float) -> Any:
    return _LogUniform(a=low, b=high)


def _of_one_minus_x(low: float, high: float) -> Any:
    return 1 - _LogUniform(a=1 - high, b=1 - low)
