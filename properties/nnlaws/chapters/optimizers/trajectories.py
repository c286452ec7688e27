"""What mistakes and sound variants share: the rate of each step, and θ walked by steps that are given."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

Rates = float | tuple[float, ...]


def rates(learning_rate: Rates, grads: Array) -> tuple[float, ...]:
    """The learning rate of each step."""
    return learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)


def column(numbers: Sequence[float], like: Array) -> Array:
    """One number a step, (T, 1), each rounded once."""
    return np.array(numbers, np.float64)[:, None].astype(like.dtype)


def shares(beta: float, values: Array, first: int = 1) -> Array:
    """1 − β^t of each step, (T, 1), the first step being of that number."""
    return column([1 - beta**t for t in range(first, first + len(values))], values)


def decays(learning_rate: Rates, grads: Array, weight_decay: float) -> list[float]:
    """α_t λ of each step: what θ loses of itself, where it decays."""
    return [rate * weight_decay for rate in rates(learning_rate, grads)]


def walked(theta: Array, steps: Array, lost: Sequence[Any] = (), kept: Callable[[Array], Array] = np.asarray) -> Array:
    """θ_t = θ_{t−1} − step_t, or where θ decays θ_{t−1} − lost_t θ_{t−1} − step_t; kept: how an iterate is rounded."""
    iterates = np.empty_like(steps)
    for t, step in enumerate(steps):
        shrunk = theta - lost[t] * theta if lost else theta
        iterates[t] = theta = kept(shrunk - step)
    return iterates
