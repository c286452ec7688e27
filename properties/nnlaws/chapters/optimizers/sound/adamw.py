"""Right ways to step by AdamW: those of Adam once θ has decayed, and its own."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, decays, rates, steps, through, walked
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.optimizers.sound import updates
from nnlaws.chapters.optimizers.sound.adam import state_in_the_open


def _decayed(theta: Array, found: Array, learning_rate: Rates, weight_decay: float) -> Array:
    """θ − αλθ, and then less the update, in each step."""
    return walked(theta, found, decays(learning_rate, found, weight_decay))


def _multiplied(theta: Array, found: Array, kept: Sequence[Any]) -> Array:
    """What is kept of θ, and then less the update, in each step."""
    iterates = np.empty_like(found)
    for t, update in enumerate(found):
        iterates[t] = theta = theta * kept[t] - update
    return iterates


@sound("adamw")
@stored
def decayed_first(theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float) -> Array:
    """θ − αλθ, and then less the step."""
    return _decayed(theta, updates.word_for_word(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw")
@stored
def multiplied_first(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    """θ(1 − αλ), and then less the step."""
    kept = [1 - decay for decay in decays(learning_rate, grads, weight_decay)]
    return _multiplied(theta, updates.word_for_word(grads, learning_rate, **options), kept)


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
def wide_adamw(theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float) -> Array:
    return _decayed(theta, updates.word_for_word(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw")
@stored
def adamw_state_in_the_open(theta: Array, grads: Array, *, save_at: int | None = None, **options: Any) -> Array:
    return state_in_the_open(theta, grads, save_at=save_at, **options)


@sound("adamw", decoupling="without_rate")
@stored
def decay_without_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    return walked(theta, updates.word_for_word(grads, learning_rate, **options), [weight_decay] * len(grads))


@sound("adamw", decoupling="rate_squared")
@stored
def decay_by_the_rate_squared(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    lost = [rate**2 * weight_decay for rate in rates(learning_rate, grads)]
    return walked(theta, updates.word_for_word(grads, learning_rate, **options), lost)


@sound("adamw", decoupling="rate_squared")
@stored
def multiplied_by_the_rate_squared(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    kept = [1 - weight_decay * rate * rate for rate in rates(learning_rate, grads)]
    return _multiplied(theta, updates.word_for_word(grads, learning_rate, **options), kept)


@sound("adamw", decoupling="after_step")
@stored
def decayed_last(theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float) -> Array:
    """Less the step, and then θ − αλθ of that."""
    iterates = updates.word_for_word(grads, learning_rate, **options)
    for t, decay in enumerate(decays(learning_rate, grads, weight_decay)):
        theta = theta - iterates[t]
        iterates[t] = theta = theta - decay * theta
    return iterates


@sound("adamw", decoupling="after_step")
@stored
def multiplied_last(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    """Less the step, and then θ(1 − αλ) of that."""
    iterates = updates.word_for_word(grads, learning_rate, **options)
    for t, decay in enumerate(decays(learning_rate, grads, weight_decay)):
        iterates[t] = theta = (theta - iterates[t]) * (1 - decay)
    return iterates


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
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    return _decayed(theta, updates.epsilon_inside(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw", adam_form="epsilon_hat")
@stored
def decayed_with_epsilon_hat(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    return _decayed(theta, updates.epsilon_hat(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw", adam_form="epsilon_hat_inside")
@stored
def decayed_with_epsilon_hat_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    return _decayed(theta, updates.epsilon_hat_inside(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw", adam_form="uncorrected")
@stored
def decayed_with_uncorrected(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    return _decayed(theta, updates.uncorrected(grads, learning_rate, **options), learning_rate, weight_decay)


@sound("adamw", hyperparameters="working")
@stored
def adamw_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    """Options, 1 − β, β^t and 1 − αλ in the type computed in."""
    kind = theta.dtype.type
    kept = [kind(1) - kind(rate) * kind(weight_decay) for rate in rates(learning_rate, grads)]
    return _multiplied(theta, updates.in_working_type(grads, learning_rate, **options), kept)


@sound("adamw", state="narrow")
def adamw_state_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    """Computed in float32, θ, m and v rounded to θ's own type after every step."""
    wide, found = theta.astype(working_dtype(theta.dtype)), updates.narrow_state(grads, learning_rate, **options)
    lost = decays(learning_rate, grads, weight_decay)
    return walked(wide, found, lost, kept=through(theta.dtype)).astype(theta.dtype)


@sound("adamw", arithmetic="narrow")
def adamw_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    lost = [theta.dtype.type(decay) for decay in decays(learning_rate, grads, weight_decay)]
    return walked(theta, updates.every_step_narrow(grads, learning_rate, **options), lost)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
