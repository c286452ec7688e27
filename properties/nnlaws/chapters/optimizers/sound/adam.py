"""Right ways to step by Adam."""

from copy import deepcopy
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, column, moments, rates, steps, through, walked
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.optimizers.sound import updates


@dataclass
class _State:
    """All that Adam keeps."""

    theta: Array
    m: Array
    v: Array
    steps: int = 0


def state_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
    save_at: int | None = None,
) -> Array:
    """After `save_at` steps the state is copied and the copy goes on, while the first is overwritten."""
    state, iterates = _State(theta.copy(), np.zeros_like(theta), np.zeros_like(theta)), np.empty_like(grads)
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


@sound("adam")
@stored
def both_corrected(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.word_for_word(grads, **options))


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
def updates_added_up(theta: Array, grads: Array, **options: Any) -> Array:
    """θ₀ less the sum of all updates so far."""
    return np.asarray(theta - updates.word_for_word(grads, **options).cumsum(axis=0))


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
def wide_adam(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.word_for_word(grads, **options))


@sound("adam")
@stored
def adam_state_in_the_open(theta: Array, grads: Array, *, save_at: int | None = None, **options: Any) -> Array:
    return state_in_the_open(theta, grads, save_at=save_at, **options)


@sound("adam", adam_form="epsilon_inside")
@stored
def epsilon_inside(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.epsilon_inside(grads, **options))


@sound("adam", adam_form="epsilon_hat")
@stored
def epsilon_hat(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.epsilon_hat(grads, **options))


@sound("adam", adam_form="epsilon_hat_inside")
@stored
def epsilon_hat_inside(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.epsilon_hat_inside(grads, **options))


@sound("adam", adam_form="epsilon_hat_inside")
@stored
def epsilon_before_the_correction(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.epsilon_before_the_correction(grads, **options))


@sound("adam", adam_form="uncorrected")
@stored
def uncorrected(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.uncorrected(grads, **options))


@sound("adam", hyperparameters="working")
@stored
def adam_in_working_type(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.in_working_type(grads, **options))


@sound("adam", state="narrow")
def adam_state_narrow(theta: Array, grads: Array, **options: Any) -> Array:
    """Computed in float32, θ, m and v rounded to θ's own type after every step."""
    return walked(
        theta.astype(working_dtype(theta.dtype)), updates.narrow_state(grads, **options), kept=through(theta.dtype)
    ).astype(theta.dtype)


@sound("adam", arithmetic="narrow")
def adam_every_step_narrow(theta: Array, grads: Array, **options: Any) -> Array:
    return walked(theta, updates.every_step_narrow(grads, **options))


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
