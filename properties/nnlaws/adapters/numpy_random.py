"""NumPy: numpy.random.Generator's uniform, choice, and integers, which leaves the upper bound out unless asked."""

import numpy as np
from nnlaws_reference.dtypes import Array

description = f"NumPy {np.__version__}: numpy.random.default_rng(seed).uniform, integers, choice"
conventions = {"sample_integer.bounds": "half_open"}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(low, high, size)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(low, high, size)


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(len(weights), size, p=weights / weights.sum())
