"""What the sound variants of averages and optimizers share."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.chapters.optimizers.trajectories import Rates, rates

Pair = tuple[Array, Array]


def steps(grads: Array, learning_rate: Rates) -> Iterator[tuple[int, Array, float]]:
    """Each step's number t, from 1 on, its gradient and its learning rate."""
    for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, grads), strict=True), 1):
        yield t, gradient, rate


def through(dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    """Rounds to the dtype, where that is narrow, and goes on in float32."""
    wide = working_dtype(dtype)
    return lambda x: x.astype(dtype).astype(wide)


def moments(grads: Array, beta1: float, beta2: float) -> Pair:
    """m and v of each step, not corrected."""
    first, second = np.empty_like(grads), np.empty_like(grads)
    m, v = np.zeros_like(grads[0]), np.zeros_like(grads[0])
    for t, gradient in enumerate(grads):
        first[t] = m = beta1 * m + (1 - beta1) * gradient
        second[t] = v = beta2 * v + (1 - beta2) * (gradient * gradient)
    return first, second
