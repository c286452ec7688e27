"""Epochs and steps, which are whole numbers: how they are checked, and how what comes of them is rounded."""

from math import inf

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype


def counted(x: Array, what: str) -> Array:
    """x in float64. Raises ValueError, which calls them `what`, where they are not whole numbers ≥ 0."""
    working_dtype(x.dtype)  # refuses what is not floating
    wide = x.astype(np.float64, order="C")
    wrong = ~(np.isfinite(wide) & (wide >= 0) & (wide == np.floor(wide)))
    if wrong.any():
        raise ValueError(f"expected {what} to be whole numbers, counted from 0, got {wide[wrong][0]}")
    return wide


def rounded(alpha: Array, like: Array) -> Array:
    """One rounding to the dtype of `like`; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(alpha, dtype=like.dtype, order="C")


def at_least_0(name: str, number: float) -> float:
    """The number as a Python float: NumPy's own would be computed with in their own dtype. Raises ValueError."""
    if not 0 <= number < inf:
        raise ValueError(f"expected {name} finite and ≥ 0, got {number}")
    return float(number)
