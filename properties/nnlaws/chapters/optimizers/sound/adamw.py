"""Right ways to step by AdamW."""

from copy import deepcopy
from math import sqrt

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.optimizers.sound.common import (
    Moments,
    Rates,
    adam_updates,
    column,
    in_float64,
    moments,
    rates,
    shares,
    steps,
    through,
    walked,
)


@sound("adamw")
@stored
def decayed_first(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """θ − αλθ, and then less the step."""
    return walked(
        theta,
        adam_updates(grads, learning_rate, beta1, beta2, eps),
        [rate * weight_decay for rate in rates(learning_rate, grads)],
    )


@sound("adamw")
@stored
def multiplied_first(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """θ(1 − αλ), and then less the step."""
    iterates, decays = np.empty_like(grads), [rate * weight_decay for rate in rates(learning_rate, grads)]
    for t, update in enumerate(adam_updates(grads, learning_rate, beta1, beta2, eps)):
        iterates[t] = theta = theta * (1 - decays[t]) - update
    return iterates


@sound("adamw")
@stored
def one_update(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """θ − α(m̂/(√v̂ + ε) + λθ)."""
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * (gradient * gradient)
        direction = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        iterates[t - 1] = theta = theta - rate * (direction + weight_decay * theta)
    return iterates


@sound("adamw")
@in_float64
def wide_adamw(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return walked(
        theta,
        adam_updates(grads, learning_rate, beta1, beta2, eps),
        [rate * weight_decay for rate in rates(learning_rate, grads)],
    )


@sound("adamw")
@stored
def adamw_state_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    """After `save_at` steps the state is copied and the copy goes on, while the first is overwritten."""
    state, iterates = Moments(theta.copy(), np.zeros_like(theta), np.zeros_like(theta)), np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state.steps += 1
        state.m += (1 - beta1) * (gradient - state.m)
        state.v += (1 - beta2) * (gradient * gradient - state.v)
        m, v = state.m / (1 - beta1**state.steps), state.v / (1 - beta2**state.steps)
        state.theta *= 1 - rate * weight_decay
        state.theta -= rate * m / (np.sqrt(v) + eps)
        iterates[t - 1] = state.theta
        if t == save_at:
            state, old = deepcopy(state), state
            old.m[...] = old.v[...] = old.theta[...] = np.nan
    return iterates


@sound("adamw", decoupling="without_rate")
@stored
def decay_without_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return walked(theta, adam_updates(grads, learning_rate, beta1, beta2, eps), [weight_decay] * len(grads))


@sound("adamw", decoupling="l2")
@stored
def penalty(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        given = gradient + weight_decay * theta
        m = beta1 * m + (1 - beta1) * given
        v = beta2 * v + (1 - beta2) * (given * given)
        step = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        iterates[t - 1] = theta = theta - rate * step
    return iterates


@sound("adamw", decoupling="l2", adam_form="epsilon_hat")
@stored
def penalty_and_epsilon_hat(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        given = gradient + weight_decay * theta
        m = beta1 * m + (1 - beta1) * given
        v = beta2 * v + (1 - beta2) * (given * given)
        size = rate * sqrt(1 - beta2**t) / (1 - beta1**t)
        iterates[t - 1] = theta = theta - size * m / (np.sqrt(v) + eps)
    return iterates


@sound("adamw", adam_form="epsilon_inside")
@stored
def decayed_with_epsilon_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    decays = [rate * weight_decay for rate in rates(learning_rate, grads)]
    return walked(theta, given * (m / shares(beta1, grads)) / np.sqrt(v / shares(beta2, grads) + eps), decays)


@sound("adamw", adam_form="epsilon_hat")
@stored
def decayed_with_epsilon_hat(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    decays = [rate * weight_decay for rate in rates(learning_rate, grads)]
    return walked(theta, given * np.sqrt(shares(beta2, grads)) / shares(beta1, grads) * m / (np.sqrt(v) + eps), decays)


@sound("adamw", adam_form="uncorrected")
@stored
def decayed_with_uncorrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    decays = [rate * weight_decay for rate in rates(learning_rate, grads)]
    return walked(theta, given * m / (np.sqrt(v) + eps), decays)


@sound("adamw", hyperparameters="working")
@stored
def adamw_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """Options, 1 − β and β^t in the type computed in."""
    kind = theta.dtype.type
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        first, second = (one - old ** kind(t) for old in (old1, old2))
        shrunk = theta * (one - kind(rate) * kind(weight_decay))
        iterates[t - 1] = theta = shrunk - kind(rate) * ((m / first) / (np.sqrt(v / second) + kind(eps)))
    return iterates


@sound("adamw", state="narrow")
def adamw_state_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """Computed in float32, θ, m and v rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m, v = np.zeros_like(current), np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        step = rate * ((m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps))
        iterates[t - 1] = current = kept(current - rate * weight_decay * current - step)
    return iterates.astype(theta.dtype)


@sound("adamw", arithmetic="narrow")
def adamw_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    """Every operation in θ's own type."""
    kind = theta.dtype.type
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        root = np.sqrt(v / kind(1 - beta2**t)) + kind(eps)
        step = kind(rate) * ((m / kind(1 - beta1**t)) / np.where(root == 0, kind(1), root))
        iterates[t - 1] = theta = theta - kind(rate * weight_decay) * theta - step
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
