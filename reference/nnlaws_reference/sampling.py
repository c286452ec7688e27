"""Samplers: independent draws of one hyperparameter, each on its scale.

A seed is a whole number ≥ 0, and the same one gives the same draws (SA-9); or a numpy.random.Generator, which goes on
from where it is. The first draws of a seed do not depend on how many are asked for.
"""

from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnlaws_reference.scales import log_uniform_map, one_minus_log_uniform_map

Seed: TypeAlias = int | np.random.Generator
"""A whole number ≥ 0, or the generator to draw from."""

Draws: TypeAlias = NDArray[np.float64]


def sample_uniform(low: float, high: float, *, size: int, seed: Seed) -> Draws:
    """`size` draws (size,), float64, uniform between low and high (SA-1).

    low < high, finite. Raises ValueError for another box or size, or a seed below 0.
    """
    if not -inf < low < high < inf:
        raise ValueError(f"expected low < high, both finite, got low = {low} and high = {high}")
    u = _units(size, seed)
    return np.clip(float(low) * (1 - u) + float(high) * u, low, high)  # high − low could overflow


def sample_log_uniform(low: float, high: float, *, size: int, seed: Seed) -> Draws:
    """`size` draws x (size,), float64, log x uniform between log low and log high (SA-2).

    0 < low < high, finite. Raises ValueError for another box or size, or a seed below 0.
    """
    return log_uniform_map(_units(size, seed), low=low, high=high)


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: Seed) -> Draws:
    """`size` draws x (size,), float64, log(1 − x) uniform between log(1 − low) and log(1 − high) (SA-3).

    low < high < 1, finite. Raises ValueError for another box or size, or a seed below 0.
    """
    return one_minus_log_uniform_map(_units(size, seed), low=low, high=high)


def sample_integer(low: int, high: int, *, size: int, seed: Seed) -> NDArray[np.int64]:
    """`size` draws (size,), int64, each whole number from low to high as likely, both included (SA-4).

    low ≤ high, whole numbers of int64. Raises ValueError for another box or size, or a seed below 0.
    """
    bounds = np.iinfo(np.int64)
    if not bounds.min <= low <= high <= bounds.max or int(low) != low or int(high) != high:
        raise ValueError(f"expected whole numbers low ≤ high of 64 bits, got low = {low} and high = {high}")
    # a rounded u · (high − low + 1) would not give each number the same share
    return np.random.default_rng(seed).integers(int(low), int(high), size=_counted(size), endpoint=True)


def _units(size: int, seed: Seed) -> Draws:
    return np.random.default_rng(seed).random(_counted(size))


def _counted(size: int) -> int:
    if size < 0 or int(size) != size:
        raise ValueError(f"expected size to be a whole number ≥ 0, how many to draw, got {size}")
    return int(size)
