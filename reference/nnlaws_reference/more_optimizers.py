"""SGD with all that it has, AdaGrad, AMSGrad, NAdam, RAdam and Lion.

Each comes twice, as those of `nnlaws_reference.optimizers` do: as a pure step with its state in the open, and as the
trajectory of T steps made of it. State is kept in the working dtype, float32 for narrow types.
"""

from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from nnlaws_reference.dtypes import Array
from nnlaws_reference.optimizers import AdamState
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

THRESHOLD = 5.0  # of RAdam: an average of fewer squares says too little of their mean


class SGDState(NamedTuple):
    """The velocity, and how many steps were taken: the first takes the gradient itself for it."""

    velocity: Array
    steps: int


class AdaGradState(NamedTuple):
    """What was there at first and the squares of all gradients, added up."""

    total: Array


class AMSGradState(NamedTuple):
    """Adam's moments, not corrected, the largest second one so far, and how many steps were taken."""

    first: Array
    second: Array
    largest: Array
    steps: int


class NAdamState(NamedTuple):
    """Adam's moments, not corrected, the product of all μ so far, and how many steps were taken."""

    first: Array
    second: Array
    product: float
    steps: int


class LionState(NamedTuple):
    """The average of the gradients."""

    average: Array


def sgd_init(theta: Array) -> SGDState:
    """Before any step: a velocity of 0, of theta's shape."""
    return SGDState(zeros(theta), 0)


def sgd_update(
    state: SGDState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta: float = 0.9,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
) -> tuple[Array, SGDState]:
    """One step of d = g + λ θ, v = β v + (1 − τ) d, θ = θ − α v (MO-1): the parameters and the next state.

    The first v is d, and so is every v where beta is 0. Arguments, results and errors as for momentum_update;
    dampening τ: in [0, 1]; weight_decay λ: finite, ≥ 0.
    """
    rate, beta, decay = checked_rate(learning_rate), checked_beta("beta", beta), checked_decay(weight_decay)
    if not 0 <= dampening <= 1:
        raise ValueError(f"expected dampening in [0, 1], got {dampening}; 0 is usual")
    same(theta, grad)
    fits(theta, velocity=state.velocity)
    current, descent = widened(theta), widened(grad)
    if decay:
        descent = descent + decay * current
    whole = state.steps == 0 or beta == 0
    velocity = descent if whole else beta * state.velocity + (1 - float(dampening)) * descent
    return narrowed(current - rate * velocity, theta), SGDState(np.asarray(velocity), state.steps + 1)


def adagrad_init(theta: Array, initial_accumulator: float = 0.0) -> AdaGradState:
    """Before any step: that accumulator everywhere. Raises ValueError where it is not finite and ≥ 0."""
    if not 0 <= initial_accumulator < inf:
        raise ValueError(f"expected initial_accumulator finite and ≥ 0, got {initial_accumulator}; 0 and 0.1 are usual")
    return AdaGradState(zeros(theta) + float(initial_accumulator))


def adagrad_update(
    state: AdaGradState, theta: Array, grad: Array, *, learning_rate: float, eps: float = 1e-10
) -> tuple[Array, AdaGradState]:
    """One step of s = s + g², θ = θ − α g/(√s + ε) (MO-2): the parameters and the next state.

    Arguments, results and errors as for momentum_update; eps: finite, ≥ 0. At eps = 0 a gradient that was always 0 is
    0/0 where the accumulator starts from 0, and NaN.
    """
    rate, eps = checked_rate(learning_rate), checked_eps(eps)
    same(theta, grad)
    fits(theta, total=state.total)
    wide = widened(grad)
    total = np.asarray(state.total + wide * wide)
    return narrowed(widened(theta) - rate * (wide / (np.sqrt(total) + eps)), theta), AdaGradState(total)


def amsgrad_init(theta: Array) -> AMSGradState:
    """Before any step: moments of 0, of theta's shape."""
    return AMSGradState(zeros(theta), zeros(theta), zeros(theta), 0)


def amsgrad_update(
    state: AMSGradState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Array, AMSGradState]:
    """One step of Adam by the largest second moment so far, corrected (MO-3): the parameters and the next state.

    Arguments, results and errors as for adam_update.
    """
    rate, eps = checked_rate(learning_rate), checked_eps(eps)
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    same(theta, grad)
    fits(theta, first=state.first, second=state.second, largest=state.largest)
    wide, steps = widened(grad), state.steps + 1
    first, second = averaged(state.first, wide, beta1), averaged(state.second, wide * wide, beta2)
    largest = np.asarray(np.maximum(state.largest, second))
    step = first / weight(beta1, steps) / (np.sqrt(largest / weight(beta2, steps)) + eps)
    return narrowed(widened(theta) - rate * step, theta), AMSGradState(first, second, largest, steps)


def nadam_init(theta: Array) -> NAdamState:
    """Before any step: moments of 0, of theta's shape, and a product of nothing."""
    return NAdamState(zeros(theta), zeros(theta), 1.0, 0)


def nadam_update(
    state: NAdamState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    momentum_decay: float = 0.004,
) -> tuple[Array, NAdamState]:
    """One step of Adam with Nesterov's look-ahead (MO-4): the parameters and the next state.

    Arguments, results and errors as for adam_update; momentum_decay ψ: finite, ≥ 0.
    """
    rate, eps = checked_rate(learning_rate), checked_eps(eps)
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    if not 0 <= momentum_decay < inf:
        raise ValueError(f"expected momentum_decay finite and ≥ 0, got {momentum_decay}; 0.004 is usual")
    same(theta, grad)
    fits(theta, first=state.first, second=state.second)
    wide, steps = widened(grad), state.steps + 1
    first, second = averaged(state.first, wide, beta1), averaged(state.second, wide * wide, beta2)
    now, later = (beta1 * (1 - 0.5 * 0.96 ** (t * float(momentum_decay))) for t in (steps, steps + 1))
    product = state.product * now
    ahead = (1 - now) / (1 - product) * wide + later / (1 - product * later) * first
    step = ahead / (np.sqrt(second / weight(beta2, steps)) + eps)
    return narrowed(widened(theta) - rate * step, theta), NAdamState(first, second, product, steps)


def radam_init(theta: Array) -> AdamState:
    """Before any step: moments of 0, of theta's shape. It is Adam's state."""
    return AdamState(zeros(theta), zeros(theta), 0)


def radam_update(
    state: AdamState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Array, AdamState]:
    """One step of rectified Adam, and of momentum as long as too few squares are averaged (MO-5).

    Arguments, results and errors as for adam_update.
    """
    rate, eps = checked_rate(learning_rate), checked_eps(eps)
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    same(theta, grad)
    fits(theta, first=state.first, second=state.second)
    wide, steps = widened(grad), state.steps + 1
    first, second = averaged(state.first, wide, beta1), averaged(state.second, wide * wide, beta2)
    step = first / weight(beta1, steps)
    longest, share = 2 / (1 - beta2) - 1, weight(beta2, steps)
    length = longest - 2 * steps * beta2**steps / share
    if length > THRESHOLD:
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        step = sqrt(rectified * share) * (step / (np.sqrt(second) + eps))
    return narrowed(widened(theta) - rate * step, theta), AdamState(first, second, steps)


def lion_init(theta: Array) -> LionState:
    """Before any step: an average of 0, of theta's shape."""
    return LionState(zeros(theta))


def lion_update(
    state: LionState,
    theta: Array,
    grad: Array,
    *,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
) -> tuple[Array, LionState]:
    """One step of θ = θ − α (sign(β₁ m + (1 − β₁) g) + λ θ), m = β₂ m + (1 − β₂) g (MO-6).

    Arguments, results and errors as for adamw_update.
    """
    rate, decay = checked_rate(learning_rate), checked_decay(weight_decay)
    beta1, beta2 = checked_beta("beta1", beta1), checked_beta("beta2", beta2)
    same(theta, grad)
    fits(theta, average=state.average)
    current, wide = widened(theta), widened(grad)
    decayed = current - (rate * decay) * current if decay else current
    step = rate * np.sign(averaged(state.average, wide, beta1))
    return narrowed(decayed - step, theta), LionState(averaged(state.average, wide, beta2))


def sgd(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta: float = 0.9,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
) -> Array:
    """The T iterates of SGD with momentum, dampening and L2 decay (MO-1).

    theta: the parameters to start from, of any shape; grads: (T, *theta.shape), of theta's dtype; learning_rate: one
    number ≥ 0, or T, one a step; the rest as for sgd_update. Returns (T, *theta.shape) of theta's dtype, each iterate
    rounded once. Raises ValueError for other shapes, mixed dtypes, another number of rates, or numbers out of range.
    """
    return _run(
        sgd_init, sgd_update, theta, grads, learning_rate, beta=beta, dampening=dampening, weight_decay=weight_decay
    )


def adagrad(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    eps: float = 1e-10,
    initial_accumulator: float = 0.0,
) -> Array:
    """The T iterates of AdaGrad (MO-2). Arguments, result and errors as for sgd, adagrad_init and adagrad_update."""

    def init(theta: Array) -> AdaGradState:
        return adagrad_init(theta, initial_accumulator)

    return _run(init, adagrad_update, theta, grads, learning_rate, eps=eps)


def amsgrad(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Array:
    """The T iterates of AMSGrad (MO-3). Arguments, result and errors as for sgd and amsgrad_update."""
    return _run(amsgrad_init, amsgrad_update, theta, grads, learning_rate, beta1=beta1, beta2=beta2, eps=eps)


def nadam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    momentum_decay: float = 0.004,
) -> Array:
    """The T iterates of NAdam (MO-4). Arguments, result and errors as for sgd and nadam_update."""
    more = {"beta1": beta1, "beta2": beta2, "eps": eps, "momentum_decay": momentum_decay}
    return _run(nadam_init, nadam_update, theta, grads, learning_rate, **more)


def radam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Array:
    """The T iterates of RAdam (MO-5). Arguments, result and errors as for sgd and radam_update."""
    return _run(radam_init, radam_update, theta, grads, learning_rate, beta1=beta1, beta2=beta2, eps=eps)


def lion(
    theta: Array,
    grads: Array,
    *,
    learning_rate: LearningRate,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
) -> Array:
    """The T iterates of Lion (MO-6). Arguments, result and errors as for sgd and lion_update."""
    return _run(
        lion_init, lion_update, theta, grads, learning_rate, beta1=beta1, beta2=beta2, weight_decay=weight_decay
    )


def _run(init: Any, update: Any, theta: Array, grads: Array, learning_rate: LearningRate, **options: float) -> Array:
    """The trajectory; where there are no steps to refuse the options at, they are refused by one that is not kept."""

    def step(state: Any, theta: Array, grad: Array, rate: float) -> tuple[Array, Any]:
        moved: tuple[Array, Any] = update(state, theta, grad, learning_rate=rate, **options)
        return moved

    step(init(theta[:0]), widened(theta[:0]), widened(theta[:0]), 0.0)
    return trajectory(theta, grads, learning_rate, init(theta), step)
