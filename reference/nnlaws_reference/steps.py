"""What optimizers share: trajectories made of updates, averages and their weights, and what is refused."""

from collections.abc import Callable, Sequence
from math import expm1, inf, log
from typing import Any, TypeAlias, TypeVar

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype

LearningRate: TypeAlias = float | Sequence[float]
"""One for all steps, or one a step."""

State = TypeVar("State")


def trajectory(
    theta: Array,
    grads: Array,
    learning_rate: LearningRate,
    state: State,
    update: Callable[[State, Array, Array, float], tuple[Array, State]],
) -> Array:
    """The iterates of T updates, the parameters kept in the working dtype from step to step."""
    if grads.shape[1:] != theta.shape or not grads.ndim:
        raise ValueError(
            f"expected grads of shape (T, *theta.shape) for theta of shape {theta.shape}, got shape {grads.shape}; "
            "for one gradient, use grad[None]"
        )
    _same_dtype(theta, grads)
    current, wide = widened(theta), widened(grads)
    iterates = np.empty_like(wide)
    for t, (grad, rate) in enumerate(zip(wide, _rates(learning_rate, len(wide)), strict=True)):
        current, state = update(state, current, np.asarray(grad), rate)
        iterates[t] = current
    return narrowed(iterates, theta)


def averaged(old: Array, new: Array, beta: float) -> Array:
    """β old + (1 − β) new, 1 − β taken in double and rounded once; an array, though of shape ()."""
    return np.asarray(beta * old + (1 - beta) * new)


def weight(beta: float, steps: int) -> float:
    """1 − β^t, the sum of the weights of t values; taken of a rounded β^t near 1, it would be short of digits."""
    return -expm1(steps * log(beta)) if beta else 1.0


def zeros(like: Array) -> Array:
    return np.zeros(like.shape, working_dtype(like.dtype))


def widened(x: Array) -> Array:
    return x.astype(working_dtype(x.dtype), order="C")


def narrowed(wide: Array, like: Array) -> Array:
    """One rounding to the dtype of `like`; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(wide, dtype=like.dtype, order="C")


def same(theta: Array, grad: Array) -> None:
    if grad.shape != theta.shape:
        raise ValueError(f"expected grad of theta's shape {theta.shape}, got shape {grad.shape}")
    _same_dtype(theta, grad)


def _same_dtype(theta: Array, grads: Array) -> None:
    if grads.dtype != theta.dtype:
        raise ValueError(f"expected gradients of theta's dtype {theta.dtype}, got {grads.dtype}; use .astype")


def fits(theta: Array, **state: Array) -> None:
    for name, each in state.items():
        if each.shape != theta.shape or each.dtype != working_dtype(theta.dtype):
            raise ValueError(
                f"expected a state whose {name} has shape {theta.shape} and dtype {working_dtype(theta.dtype)}, got "
                f"{each.shape} and {each.dtype}; make one of these parameters with the init function"
            )


def _rates(learning_rate: Any, total: int) -> list[float]:
    """The learning rate of each step."""
    if np.ndim(learning_rate) == 0:
        return [checked_rate(learning_rate)] * total
    if len(learning_rate) != total:
        raise ValueError(f"expected one learning rate, or {total}, one a step, got {len(learning_rate)}")
    return [checked_rate(rate) for rate in learning_rate]


# Each of these gives a Python float: NumPy's own float64 would widen float32 arrays.


def checked_rate(learning_rate: float) -> float:
    if not 0 <= learning_rate < inf:
        raise ValueError(f"expected a learning rate finite and ≥ 0, got {learning_rate}")
    return float(learning_rate)


def checked_beta(name: str, beta: float) -> float:
    if not 0 <= beta < 1:
        raise ValueError(f"expected {name} in [0, 1), the weight of the old average, got {beta}; 0.9 is usual")
    return float(beta)


def checked_eps(eps: float) -> float:
    if not 0 <= eps < inf:
        raise ValueError(f"expected eps finite and ≥ 0, got {eps}; 1e-8 is usual")
    return float(eps)


def checked_decay(weight_decay: float) -> float:
    if not 0 <= weight_decay < inf:
        raise ValueError(f"expected weight_decay finite and ≥ 0, got {weight_decay}; 0.01 is usual")
    return float(weight_decay)
