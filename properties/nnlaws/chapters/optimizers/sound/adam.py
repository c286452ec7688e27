"""Right ways to step by Adam."""

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


@sound("adam")
@stored
def both_corrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    return walked(theta, adam_updates(grads, learning_rate, beta1, beta2, eps))


@sound("adam")
@stored
def corrections_folded(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """The step is α √(1 − β2^t)/(1 − β1^t) m/(√v + ε √(1 − β2^t))."""
    m, v = moments(grads, beta1, beta2)
    given = rates(learning_rate, grads)
    roots = [sqrt(1 - beta2**t) for t in range(1, len(grads) + 1)]
    sizes = [rate * root / (1 - beta1**t) for t, (rate, root) in enumerate(zip(given, roots, strict=True), 1)]
    return walked(theta, column(sizes, grads) * m / (np.sqrt(v) + column([eps * root for root in roots], grads)))


@sound("adam")
@stored
def root_over_root(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """√v/√(1 − β2^t) + ε divides m, and α/(1 − β1^t) multiplies; m + (1 − β1)(g − m)."""
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = m + (1 - beta1) * (gradient - m)
        v = v * beta2 + (1 - beta2) * gradient * gradient
        divisor = np.sqrt(v) / sqrt(1 - beta2**t) + eps
        iterates[t - 1] = theta = theta - (rate / (1 - beta1**t)) * (m / divisor)
    return iterates


@sound("adam")
@stored
def powers_multiplied_up(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """β^t from β^{t−1}, and reciprocals multiplied."""
    power1, power2 = 1.0, 1.0
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m, power1 = beta1 * m + (1 - beta1) * gradient, beta1 * power1
        v, power2 = beta2 * v + gradient * ((1 - beta2) * gradient), beta2 * power2
        root = np.sqrt(v * (1 / (1 - power2)))
        iterates[t - 1] = theta = theta - (m * (1 / (1 - power1))) * (rate * (1 / (root + eps)))
    return iterates


@sound("adam")
@stored
def updates_added_up(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """θ₀ less the sum of all updates so far."""
    return np.asarray(theta - adam_updates(grads, learning_rate, beta1, beta2, eps).cumsum(axis=0))


@sound("adam")
@stored
def corrected_as_they_go(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """m̂ and v̂ themselves are kept, the new having weight (1 − β)/(1 − β^t), and 1 − β^t from 1 − β^{t−1}."""
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    first, second = 0.0, 0.0
    for t, gradient, rate in steps(grads, learning_rate):
        first, second = beta1 * first + (1 - beta1), beta2 * second + (1 - beta2)
        m = m + (1 - beta1) / first * (gradient - m)
        v = v + (1 - beta2) / second * (gradient * gradient - v)
        iterates[t - 1] = theta = theta - rate * (m / (np.sqrt(v) + eps))
    return iterates


@sound("adam")
@in_float64
def wide_adam(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    return walked(theta, adam_updates(grads, learning_rate, beta1, beta2, eps))


@sound("adam")
@stored
def adam_state_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    """After `save_at` steps the state is copied and the copy goes on, while the first is overwritten."""
    state, iterates = Moments(theta.copy(), np.zeros_like(theta), np.zeros_like(theta)), np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state.steps += 1
        state.m += (1 - beta1) * (gradient - state.m)
        state.v += (1 - beta2) * (gradient * gradient - state.v)
        m, v = state.m / (1 - beta1**state.steps), state.v / (1 - beta2**state.steps)
        state.theta -= rate * m / (np.sqrt(v) + eps)
        iterates[t - 1] = state.theta
        if t == save_at:
            state, old = deepcopy(state), state
            old.m[...] = old.v[...] = old.theta[...] = np.nan
    return iterates


@sound("adam", adam_form="epsilon_inside")
@stored
def epsilon_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return walked(theta, given * (m / shares(beta1, grads)) / np.sqrt(v / shares(beta2, grads) + eps))


@sound("adam", adam_form="epsilon_hat")
@stored
def epsilon_hat(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return walked(theta, given * np.sqrt(shares(beta2, grads)) / shares(beta1, grads) * m / (np.sqrt(v) + eps))


@sound("adam", adam_form="uncorrected")
@stored
def uncorrected(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return walked(theta, given * m / (np.sqrt(v) + eps))


@sound("adam", hyperparameters="working")
@stored
def adam_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """Options, 1 − β and β^t in the type computed in."""
    kind = theta.dtype.type
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        first, second = (one - old ** kind(t) for old in (old1, old2))
        iterates[t - 1] = theta = theta - kind(rate) * ((m / first) / (np.sqrt(v / second) + kind(eps)))
    return iterates


@sound("adam", state="narrow")
def adam_state_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """Computed in float32, θ, m and v rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m, v = np.zeros_like(current), np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        step = rate * ((m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps))
        iterates[t - 1] = current = kept(current - step)
    return iterates.astype(theta.dtype)


@sound("adam", arithmetic="narrow")
def adam_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """Every operation in θ's own type."""
    kind = theta.dtype.type
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        root = np.sqrt(v / kind(1 - beta2**t)) + kind(eps)
        divisor = np.where(root == 0, kind(1), root)
        iterates[t - 1] = theta = theta - kind(rate) * ((m / kind(1 - beta1**t)) / divisor)
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
