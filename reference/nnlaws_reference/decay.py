"""Learning-rate decay: the learning rate of each epoch, epochs counted from 0.

Epochs are an array of any shape, so that a schedule is one call; the result has its shape and dtype. It is computed in
float64, which holds every epoch and every option as it is, and rounded once: a rate that is raised to the power 1000 in
float32 is off by a thousand roundings.
"""

from math import inf

import numpy as np

from nnlaws_reference.counts import at_least_0, counted, rounded
from nnlaws_reference.dtypes import Array


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    """α = α₀ / (1 + rate · epoch) (LR-1).

    epoch: whole numbers ≥ 0, of a floating dtype; initial α₀, rate: finite, ≥ 0.
    Raises ValueError for other epochs, another dtype, or another initial or rate.
    """
    initial, rate = at_least_0("initial", initial), at_least_0("rate", rate)
    return rounded(initial / (1 + rate * counted(epoch, "epochs")), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    """α = α₀ · rate^epoch (LR-2).

    epoch, initial and errors as for inverse_time_decay; rate: in (0, 1].
    """
    initial, rate = at_least_0("initial", initial), _factor(rate)
    return rounded(initial * rate ** counted(epoch, "epochs"), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """α = α₀ · rate^⌊epoch / every⌋ (LR-3).

    As exponential_decay; every: the epochs on one stair, finite, > 0.
    """
    initial, rate = at_least_0("initial", initial), _factor(rate)
    if not 0 < every < inf:
        raise ValueError(f"expected every finite and > 0, the epochs on one stair, got {every}; 10 is usual")
    # // takes the floor of the exact quotient: that of a rounded one may be one too many
    return rounded(initial * rate ** (counted(epoch, "epochs") // float(every)), epoch)


def inverse_root_decay(epoch: Array, *, initial: float, factor: float) -> Array:
    """α = α₀ · factor / √(epoch + 1) (LR-4).

    epoch, initial and errors as for inverse_time_decay; factor: finite, ≥ 0.
    """
    initial, factor = at_least_0("initial", initial), at_least_0("factor", factor)
    return rounded(initial * (factor / np.sqrt(counted(epoch, "epochs") + 1)), epoch)


def _factor(rate: float) -> float:
    if not 0 < rate <= 1:
        raise ValueError(f"expected rate in (0, 1], the factor from one epoch or stair to the next, got {rate}")
    return float(rate)
