"""Exponentially weighted averages, gradient descent, momentum, RMSprop, Adam and AdamW.

Each comes twice: as a pure step on parameters of any shape with its state in the open (momentum_init, momentum_update),
and as the trajectory of T steps made of it. State is kept in the working dtype, float32 for narrow types. A step
returns parameters of the dtype that it was given: keep them in float32 too, or each step rounds them.
"""

from typing import NamedTuple

import numpy as np

from nnlaws_reference.dtypes import Array
from nnlaws_reference.steps import (
    LearningRate,
    averaged,
    checked_beta,
    checked_decay,
    checked_eps,
    checked_rate,
    fits,
    narrowed,
    same,
    trajectory,
    weight,
    widened,
    zeros,
)


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
    return AverageState(zeros(value), 0)


def average_update(
    state: AverageState, value: Array, *, beta: float = 0.9, bias_correction: bool
) -> tuple[Array, AverageState]:
    """The average with one value more, v = β v + (1 − β) x (OP-1); or v/(1 − β^t) of it, the state being v (OP-2).

    value: of the state's shape; beta: in [0, 1). Returns the average, of value's dtype, and the next state.
    Raises ValueError for another beta, shape or dtype.
    """
    beta = checked_beta("beta", beta)
    fits(value, average=state.average)
    steps = state.steps + 1
    average = averaged(state.average, widened(value), beta)
    result = average / weight(beta, steps) if bias_correction else average
    return narrowed(result, value), AverageState(average, steps)


def gradient_descent_update(theta: Array, grad: Array, *, learning_rate: float) -> Array:
    """θ − α g (OP-7): the parameters after one step, of theta's dtype.

    grad: of theta's shape and dtype; learning_rate: finite, ≥ 0. Raises ValueError otherwise. There is no state.
    """
    rate = checked_rate(learning_rate)
    same(theta, grad)
    return narrowed(widened(theta) - rate * widened(grad), theta)


def momentum_init(theta: Array) -> MomentumState:
    """Before any step: a velocity of 0, of theta's shape."""
    return MomentumState(zeros(theta))


def momentum_update(
    state: MomentumState, theta: Array, grad: Array, *, learning_rate: float, beta: float = 0.9
) -> tuple[Array, MomentumState]:
    """One step of v = β v + (1 − β) g, θ = θ − α v (OP-8): the parameters, of theta's dtype, and the next state.

    grad: of theta's shape and dtype; learning_rate: finite, ≥ 0; beta: in [0, 1). Raises ValueError otherwise, and
    where the state does not fit theta. Nothing that is given is changed.
    """
    rate, beta = checked_rate(learning_rate), checked_beta("beta", beta)
    same(theta, grad)
    fits(theta, velocity=state.velocity)
    velocity = averaged(state.velocity, widened(grad), beta)
    return narrowed(widened(theta) - rate * velocity, theta), MomentumState(velocity)


def rmsprop_init(theta: Array) -> RMSPropState:
    """Before any step: a mean square of 0, of theta's shape."""
    return RMSPropState(zeros(theta))


def rmsprop_update(
    state: RMSPropState, theta: Array, grad: Array, *, learning_rate: float, beta: float, eps: float = 1e-8
) -> tuple[Array, RMSPropState]:
    """One step of s = β s + (1 − β) g², θ = θ − α g/(√s + ε) (OP-9): the parameters and the next state.

    Arguments, results and errors as for momentum_update; eps: finite, ≥ 0. At eps = 0 a gradient that was always 0 is
    0/0, and NaN.
    """
    rate, beta, eps = checked_rate(learning_rate), checked_beta("beta", beta), checked_eps(eps)
    same(theta, grad)
    fits(theta, square=state.square)
    wide = widened(grad)
    square = averaged(state.square, wide * wide, beta)
    return narrowed(widened(theta) - rate * (wide / (np.sqrt(square) + eps)), theta), RMSPropState(square)


def adam_init(theta: Array) -> AdamState:
    """Before any step: moments of 0, of theta's shape. AdamW's state is the same."""
    return AdamState(zeros(theta), zeros(theta), 0)


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
    rate, eps = checked_rate(learning_rate), checked_eps(eps)
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    decay = rate * checked_decay(weight_decay)
    same(theta, grad)
    fits(theta, first=state.first, second=state.second)
    wide, steps = widened(grad), state.steps + 1
    first = averaged(state.first, wide, beta1)
    second = averaged(state.second, wide * wide, beta2)
    step = first / weight(beta1, steps) / (np.sqrt(second / weight(beta2, steps)) + eps)
    current = widened(theta)
    decayed = current - decay * current if decay else current
    return narrowed(decayed - rate * step, theta), AdamState(first, second, steps)


def exponential_average(values: Array, *, beta: float = 0.9, bias_correction: bool) -> Array:
    """The averages after 1, 2, … T values: OP-1, and OP-2 where corrected.

    values: (T, …), of any shape but (); beta: in [0, 1). Returns (T, …) of values' dtype, each average rounded once.
    Raises ValueError for another shape, dtype or beta.
    """
    if values.ndim < 1:
        raise ValueError("expected values of shape (T, n) or (T, …), got shape (); for one value, use value[None]")
    beta = checked_beta("beta", beta)
    wide = widened(values)
    averages, state = np.empty_like(wide), AverageState(np.zeros(wide.shape[1:], wide.dtype), 0)
    for t, value in enumerate(wide):
        averages[t], state = average_update(state, np.asarray(value), beta=beta, bias_correction=bias_correction)
    return narrowed(averages, values)


def gradient_descent(theta: Array, grads: Array, *, learning_rate: LearningRate) -> Array:
    """The T iterates of θ = θ − α g (OP-7), theta itself not among them.

    theta: the parameters to start from, of any shape; grads: (T, *theta.shape), of theta's dtype; learning_rate: one
    number ≥ 0, or T, one a step. Returns (T, *theta.shape) of theta's dtype, each iterate rounded once.
    Raises ValueError for other shapes, mixed dtypes, another number of rates, or a rate that is negative or not finite.
    """
    return trajectory(
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
    beta = checked_beta("beta", beta)
    return trajectory(
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
    beta, eps = checked_beta("beta", beta), checked_eps(eps)
    return trajectory(
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
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    eps, weight_decay = checked_eps(eps), checked_decay(weight_decay)
    return trajectory(
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
