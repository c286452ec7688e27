"""Exponentially weighted averages, gradient descent, momentum, RMSprop, Adam and AdamW.

Each comes twice: as a pure step on parameters of any shape with its state in the open (momentum_init, momentum_update),
and as the trajectory of T steps made of it. State is kept in the working dtype, float32 for narrow types. A step
returns parameters of the dtype that it was given: keep them in float32 too, or each step rounds them.
"""

from collections.abc import Callable, Sequence
from math import expm1, inf, log
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype

LearningRate: TypeAlias = float | Sequence[float]
"""One for all steps, or one a step."""

State = TypeVar("State")


class AverageState(NamedTuple):
    """The average, not corrected, and how many values it has taken."""

    average: Array
    steps: int


class MomentumState(NamedTuple):
    """The average of the gradients."""

    velocity: Array


class RMSPropState(NamedTuple):
    """The average of the gradients' squares."""

    square: Array


class AdamState(NamedTuple):
    """The averages of the gradients and of their squares, not corrected, and how many steps were taken."""

    first: Array
    second: Array
    steps: int


def average_init(value: Array) -> AverageState:
    """Before any value: 0, of the shape of `value`, whose own numbers do not matter."""
    return AverageState(_zeros(value), 0)


def average_update(
    state: AverageState, value: Array, *, beta: float = 0.9, bias_correction: bool
) -> tuple[Array, AverageState]:
    """The average with one value more, v = β v + (1 − β) x (OP-1); or v/(1 − β^t) of it, the state being v (OP-2).

    value: of the state's shape; beta: in [0, 1). Returns the average, of value's dtype, and the next state.
    Raises ValueError for another beta, shape or dtype.
    """
    beta = _checked_beta("beta", beta)
    _fits(value, average=state.average)
    steps = state.steps + 1
    average = _averaged(state.average, _wide(value), beta)
    result = average / _weight(beta, steps) if bias_correction else average
    return _narrowed(result, value), AverageState(average, steps)


def gradient_descent_update(theta: Array, grad: Array, *, learning_rate: float) -> Array:
    """θ − α g (OP-7): the parameters after one step, of theta's dtype.

    grad: of theta's shape and dtype; learning_rate: finite, ≥ 0. Raises ValueError otherwise. There is no state.
    """
    rate = _checked_rate(learning_rate)
    _same(theta, grad)
    return _narrowed(_wide(theta) - rate * _wide(grad), theta)


def momentum_init(theta: Array) -> MomentumState:
    """Before any step: a velocity of 0, of theta's shape."""
    return MomentumState(_zeros(theta))


def momentum_update(
    state: MomentumState, theta: Array, grad: Array, *, learning_rate: float, beta: float = 0.9
) -> tuple[Array, MomentumState]:
    """One step of v = β v + (1 − β) g, θ = θ − α v (OP-8): the parameters, of theta's dtype, and the next state.

    grad: of theta's shape and dtype; learning_rate: finite, ≥ 0; beta: in [0, 1). Raises ValueError otherwise, and
    where the state does not fit theta. Nothing that is given is changed.
    """
    rate, beta = _checked_rate(learning_rate), _checked_beta("beta", beta)
    _same(theta, grad)
    _fits(theta, velocity=state.velocity)
    velocity = _averaged(state.velocity, _wide(grad), beta)
    return _narrowed(_wide(theta) - rate * velocity, theta), MomentumState(velocity)


def rmsprop_init(theta: Array) -> RMSPropState:
    """Before any step: a mean square of 0, of theta's shape."""
    return RMSPropState(_zeros(theta))


def rmsprop_update(
    state: RMSPropState, theta: Array, grad: Array, *, learning_rate: float, beta: float, eps: float = 1e-8
) -> tuple[Array, RMSPropState]:
    """One step of s = β s + (1 − β) g², θ = θ − α g/(√s + ε) (OP-9): the parameters and the next state.

    Arguments, results and errors as for momentum_update; eps: finite, ≥ 0. At eps = 0 a gradient that was always 0 is
    0/0, and NaN.
    """
    rate, beta, eps = _checked_rate(learning_rate), _checked_beta("beta", beta), _checked_eps(eps)
    _same(theta, grad)
    _fits(theta, square=state.square)
    wide = _wide(grad)
    square = _averaged(state.square, wide * wide, beta)
    return _narrowed(_wide(theta) - rate * (wide / (np.sqrt(square) + eps)), theta), RMSPropState(square)


def adam_init(theta: Array) -> AdamState:
    """Before any step: moments of 0, of theta's shape. AdamW's state is the same."""
    return AdamState(_zeros(theta), _zeros(theta), 0)


def adam_update(
    state: AdamState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Array, AdamState]:
    """One step of Adam, θ = θ − α m̂/(√v̂ + ε) with both moments corrected (OP-10): the parameters and the next state.

    Arguments, results and errors as for momentum_update; beta1, beta2: in [0, 1); eps: finite, ≥ 0. At eps = 0 a
    gradient that was always 0 is 0/0, and NaN.
    """
    return adamw_update(
        state, theta, grad, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.0
    )


adamw_init = adam_init


def adamw_update(
    state: AdamState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float,
) -> tuple[Array, AdamState]:
    """One step of Adam on decayed parameters, θ = θ − α λ θ − α m̂/(√v̂ + ε) (OP-11).

    As adam_update; weight_decay λ: finite, ≥ 0. The gradient and the moments know nothing of it.
    """
    rate, eps = _checked_rate(learning_rate), _checked_eps(eps)
    beta1, beta2 = _checked_beta("beta1", beta1), _checked_beta("beta2", beta2)
    decay = rate * _checked_decay(weight_decay)
    _same(theta, grad)
    _fits(theta, first=state.first, second=state.second)
    wide, steps = _wide(grad), state.steps + 1
    first = _averaged(state.first, wide, beta1)
    second = _averaged(state.second, wide * wide, beta2)
    step = first / _weight(beta1, steps) / (np.sqrt(second / _weight(beta2, steps)) + eps)
    current = _wide(theta)
    decayed = current - decay * current if decay else current
    return _narrowed(decayed - rate * step, theta), AdamState(first, second, steps)


def exponential_average(values: Array, *, beta: float = 0.9, bias_correction: bool) -> Array:
    """The averages after 1, 2, … T values: OP-1, and OP-2 where corrected.

    values: (T, …), of any shape but (); beta: in [0, 1). Returns (T, …) of values' dtype, each average rounded once.
    Raises ValueError for another shape, dtype or beta.
    """
    if values.ndim < 1:
        raise ValueError("expected values of shape (T, n) or (T, …), got shape (); for one value, use value[None]")
    beta = _checked_beta("beta", beta)
    wide = _wide(values)
    averages, state = np.empty_like(wide), AverageState(np.zeros(wide.shape[1:], wide.dtype), 0)
    for t, value in enumerate(wide):
        averages[t], state = average_update(state, np.asarray(value), beta=beta, bias_correction=bias_correction)
    return _narrowed(averages, values)


def gradient_descent(theta: Array, grads: Array, *, learning_rate: LearningRate) -> Array:
    """The T iterates of θ = θ − α g (OP-7), theta itself not among them.

    theta: the parameters to start from, of any shape; grads: (T, *theta.shape), of theta's dtype; learning_rate: one
    number ≥ 0, or T, one a step. Returns (T, *theta.shape) of theta's dtype, each iterate rounded once.
    Raises ValueError for other shapes, mixed dtypes, another number of rates, or a rate that is negative or not finite.
    """
    return _trajectory(
        theta,
        grads,
        learning_rate,
        None,
        lambda state, theta, grad, rate: (gradient_descent_update(theta, grad, learning_rate=rate), state),
    )


def momentum(theta: Array, grads: Array, *, learning_rate: LearningRate, beta: float = 0.9) -> Array:
    """The T iterates of v = β v + (1 − β) g, θ = θ − α v, from v = 0 (OP-8).

    Arguments, result and errors as for gradient_descent; beta: in [0, 1).
    """
    beta = _checked_beta("beta", beta)
    return _trajectory(
        theta,
        grads,
        learning_rate,
        momentum_init(theta),
        lambda state, theta, grad, rate: momentum_update(state, theta, grad, learning_rate=rate, beta=beta),
    )


def rmsprop(theta: Array, grads: Array, *, learning_rate: LearningRate, beta: float, eps: float = 1e-8) -> Array:
    """The T iterates of s = β s + (1 − β) g², θ = θ − α g/(√s + ε), from s = 0 (OP-9).

    Arguments, result and errors as for gradient_descent; beta: in [0, 1); eps: finite, ≥ 0. At eps = 0 a gradient that
    was always 0 is 0/0, and NaN.
    """
    beta, eps = _checked_beta("beta", beta), _checked_eps(eps)
    return _trajectory(
        theta,
        grads,
        learning_rate,
        rmsprop_init(theta),
        lambda state, theta, grad, rate: rmsprop_update(state, theta, grad, learning_rate=rate, beta=beta, eps=eps),
    )


def adam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Array:
    """The T iterates of Adam, θ = θ − α m̂/(√v̂ + ε) with both moments corrected (OP-10).

    Arguments, result and errors as for gradient_descent; beta1, beta2: in [0, 1); eps as for rmsprop.
    """
    return adamw(theta, grads, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.0)


def adamw(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float,
) -> Array:
    """The T iterates of Adam with decoupled weight decay, θ = θ − α λ θ − α m̂/(√v̂ + ε) (OP-11).

    As adam; weight_decay λ: finite, ≥ 0.
    """
    beta1, beta2 = _checked_beta("beta1", beta1), _checked_beta("beta2", beta2)
    eps, weight_decay = _checked_eps(eps), _checked_decay(weight_decay)
    return _trajectory(
        theta,
        grads,
        learning_rate,
        adam_init(theta),
        lambda state, theta, grad, rate: adamw_update(
            *(state, theta, grad),
            learning_rate=rate,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
        ),
    )


def _trajectory(
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
    current, wide = _wide(theta), _wide(grads)
    iterates = np.empty_like(wide)
    for t, (grad, rate) in enumerate(zip(wide, _rates(learning_rate, len(wide)), strict=True)):
        current, state = update(state, current, np.asarray(grad), rate)
        iterates[t] = current
    return _narrowed(iterates, theta)


def _averaged(old: Array, new: Array, beta: float) -> Array:
    """β old + (1 − β) new, 1 − β taken in double and rounded once; an array, though of shape ()."""
    return np.asarray(beta * old + (1 - beta) * new)


def _weight(beta: float, steps: int) -> float:
    """1 − β^t, the sum of the weights of t values; taken of a rounded β^t near 1, it would be short of digits."""
    return -expm1(steps * log(beta)) if beta else 1.0


def _zeros(like: Array) -> Array:
    return np.zeros(like.shape, working_dtype(like.dtype))


def _wide(x: Array) -> Array:
    return x.astype(working_dtype(x.dtype), order="C")


def _narrowed(wide: Array, like: Array) -> Array:
    """One rounding to the dtype of `like`; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(wide, dtype=like.dtype, order="C")


def _same(theta: Array, grad: Array) -> None:
    if grad.shape != theta.shape:
        raise ValueError(f"expected grad of theta's shape {theta.shape}, got shape {grad.shape}")
    _same_dtype(theta, grad)


def _same_dtype(theta: Array, grads: Array) -> None:
    if grads.dtype != theta.dtype:
        raise ValueError(f"expected gradients of theta's dtype {theta.dtype}, got {grads.dtype}; use .astype")


def _fits(theta: Array, **state: Array) -> None:
    for name, each in state.items():
        if each.shape != theta.shape or each.dtype != working_dtype(theta.dtype):
            raise ValueError(
                f"expected a state whose {name} has shape {theta.shape} and dtype {working_dtype(theta.dtype)}, got "
                f"{each.shape} and {each.dtype}; make one of these parameters with the init function"
            )


def _rates(learning_rate: Any, total: int) -> list[float]:
    """The learning rate of each step."""
    if np.ndim(learning_rate) == 0:
        return [_checked_rate(learning_rate)] * total
    if len(learning_rate) != total:
        raise ValueError(f"expected one learning rate, or {total}, one a step, got {len(learning_rate)}")
    return [_checked_rate(rate) for rate in learning_rate]


# Each of these gives a Python float: NumPy's own float64 would widen float32 arrays.


def _checked_rate(learning_rate: float) -> float:
    if not 0 <= learning_rate < inf:
        raise ValueError(f"expected a learning rate finite and ≥ 0, got {learning_rate}")
    return float(learning_rate)


def _checked_beta(name: str, beta: float) -> float:
    if not 0 <= beta < 1:
        raise ValueError(f"expected {name} in [0, 1), the weight of the old average, got {beta}; 0.9 is usual")
    return float(beta)


def _checked_eps(eps: float) -> float:
    if not 0 <= eps < inf:
        raise ValueError(f"expected eps finite and ≥ 0, got {eps}; 1e-8 is usual")
    return float(eps)


def _checked_decay(weight_decay: float) -> float:
    if not 0 <= weight_decay < inf:
        raise ValueError(f"expected weight_decay finite and ≥ 0, got {weight_decay}; 0.01 is usual")
    return float(weight_decay)
