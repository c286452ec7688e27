"""Learning-rate decay: the learning rate of each epoch, epochs counted from 0.

Epochs are an array of any shape, so that a schedule is one call; the result has its shape and dtype. It is computed in
float64, which holds every epoch and every option as it is, and rounded once: a rate that is raised to the power 1000 in
float32 is off by a thousand roundings.
"""

from math import inf

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    """α = α₀ / (1 + rate · epoch) (LR-1).

    epoch: whole numbers ≥ 0, of a floating dtype; initial α₀, rate: finite, ≥ 0.
    Raises ValueError for other epochs, another dtype, or another initial or rate.
    """
    initial, rate = _checked("initial", initial), _checked("rate", rate)
    return _rounded(initial / (1 + rate * _counted(epoch)), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    """α = α₀ · rate^epoch (LR-2).

    epoch, initial and errors as for inverse_time_decay; rate: in (0, 1].
    """
    initial, rate = _checked("initial", initial), _checked_factor(rate)
    return _rounded(initial * rate ** _counted(epoch), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """α = α₀ · rate^⌊epoch / every⌋ (LR-3).

    As exponential_decay; every: the epochs on one stair, finite, > 0.
    """
    initial, rate = _checked("initial", initial), _checked_factor(rate)
    if not 0 < every < inf:
        raise ValueError(f"expected every finite and > 0, the epochs on one stair, got {every}; 10 is usual")
    # // takes the floor of the exact quotient: that of a rounded one may be one too many
    return _rounded(initial * rate ** (_counted(epoch) // float(every)), epoch)


def inverse_root_decay(epoch: Array, *, initial: float, factor: float) -> Array:
    """α = α₀ · factor / √(epoch + 1) (LR-4).

    epoch, initial and errors as for inverse_time_decay; factor: finite, ≥ 0.
    """
    initial, factor = _checked("initial", initial), _checked("factor", factor)
    return _rounded(initial * (factor / np.sqrt(_counted(epoch) + 1)), epoch)


def _counted(epoch: Array) -> Array:
    """The epochs in float64."""
    working_dtype(epoch.dtype)  # refuses what is not floating
    counted = epoch.astype(np.float64, order="C")
    wrong = ~(np.isfinite(counted) & (counted >= 0) & (counted == np.floor(counted)))
    if wrong.any():
        raise ValueError(f"expected epochs to be whole numbers, counted from 0, got {counted[wrong][0]}")
    return counted


def _rounded(alpha: Array, epoch: Array) -> Array:
    """One rounding to the epochs' dtype; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(alpha, dtype=epoch.dtype, order="C")


# Each of these gives a Python float: NumPy's own would be computed with in their own dtype.


def _checked(name: str, number: float) -> float:
    if not 0 <= number < inf:
        raise ValueError(f"expected {name} finite and ≥ 0, got {number}")
    return float(number)


def _checked_factor(rate: float) -> float:
    if not 0 < rate <= 1:
        raise ValueError(f"expected rate in (0, 1], the factor from one epoch or stair to the next, got {rate}")
    return float(rate)
