"""What mistakes and sound variants share: the rate of each step, and θ walked by steps that are given."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

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


def steps(grads: Array, learning_rate: Rates) -> Iterator[tuple[int, Array, float]]:
    """Each step's number t, from 1 on, its gradient and its learning rate."""
    for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, grads), strict=True), 1):
        yield t, gradient, rate


def through(dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    """Rounds to the dtype, where that is narrow, and goes on in float32."""
    wide = working_dtype(dtype)
    return lambda x: x.astype(dtype).astype(wide)


def moments(grads: Array, beta1: float, beta2: float) -> tuple[Array, Array]:
    """m and v of each step, not corrected."""
    first, second = np.empty_like(grads), np.empty_like(grads)
    m, v = np.zeros_like(grads[0]), np.zeros_like(grads[0])
    for t, gradient in enumerate(grads):
        first[t] = m = beta1 * m + (1 - beta1) * gradient
        second[t] = v = beta2 * v + (1 - beta2) * (gradient * gradient)
    return first, second


def rated(learning_rate: Rates, steps: Array) -> Array:
    """Each step times its own learning rate."""
    return column(rates(learning_rate, steps), steps) * steps


def averaged(values: Array, beta: float, start: float = 0) -> Array:
    """v_t = β v_{t−1} + (1 − β) x_t, each of them: (T, n)."""
    averages, average = np.empty_like(values), np.zeros_like(values[0]) + start
    for t, value in enumerate(values):
        averages[t] = average = beta * average + (1 - beta) * value
    return averages


def accumulated(values: Array, kept: float, new: float = 1) -> Array:
    """v_t = kept v_{t−1} + new x_t."""
    totals, total = np.empty_like(values), np.zeros_like(values[0])
    for t, value in enumerate(values):
        totals[t] = total = kept * total + new * value
    return totals


def before(values: Array) -> Array:
    """Each value's predecessor; 0 is the first's."""
    return np.concatenate([np.zeros_like(values[:1]), values[:-1]])
