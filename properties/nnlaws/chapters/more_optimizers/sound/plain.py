"""Right ways to step by SGD, and by Lion."""

from copy import deepcopy
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, steps, through
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

# --- SGD ---


def _sgd(
    theta: Array,
    grads: Array,
    learning_rate: Rates,
    beta: float,
    dampening: float,
    weight_decay: float,
    first: float = 0.0,
    lookahead: bool = False,
) -> Array:
    """first: what is left out of the first gradient."""
    iterates, v = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + weight_decay * theta if weight_decay else gradient
        v = beta * v + (1 - (first if t == 1 else dampening)) * d if beta else d
        iterates[t - 1] = theta = theta - rate * (d + beta * v if lookahead and beta else v)
    return iterates


@sound("sgd")
@stored
def word_for_word(theta: Array, grads: Array, **options: Any) -> Array:
    return _sgd(theta, grads, **options)


@sound("sgd")
@in_float64
def wide_sgd(theta: Array, grads: Array, **options: Any) -> Array:
    return _sgd(theta, grads, **options)


@sound("sgd", lookahead="nesterov")
@stored
def ahead(theta: Array, grads: Array, **options: Any) -> Array:
    return _sgd(theta, grads, **options, lookahead=True)


@sound("sgd", lookahead="nesterov")
@stored
def ahead_in_two_terms(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    """θ less αd, and then less αβv."""
    iterates, v = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + weight_decay * theta
        v = d if t == 1 or not beta else beta * v + (1 - dampening) * d
        iterates[t - 1] = theta = (theta - rate * d) - (rate * beta) * v
    return iterates


@sound("sgd", first_velocity="dampened")
@stored
def dampened_from_zero(theta: Array, grads: Array, *, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, dampening=dampening, first=dampening)


@sound("sgd", first_velocity="dampened", lookahead="nesterov")
@stored
def dampened_ahead(theta: Array, grads: Array, *, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, dampening=dampening, first=dampening, lookahead=True)


@sound("sgd")
@stored
def velocity_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta: float,
    dampening: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    """No velocity before the first step; after `save_at` steps the state is copied, and the copy goes on."""
    state: dict[str, Array] = {}
    theta, iterates = theta.copy(), np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + weight_decay * theta
        if not beta:
            state["v"] = d
        elif "v" not in state:
            state["v"] = d.copy()
        else:
            state["v"] *= beta
            state["v"] += (1 - dampening) * d
        theta -= rate * state["v"]
        iterates[t - 1] = theta
        if t == save_at:
            old, state = state, deepcopy(state)
            old["v"][...] = np.nan
    return iterates


@sound("sgd", hyperparameters="working")
@stored
def sgd_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    kind, iterates, v = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    new, old = kind(1) - kind(dampening), kind(beta)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + kind(weight_decay) * theta
        v = d if t == 1 or not beta else old * v + new * d
        iterates[t - 1] = theta = theta - kind(rate) * v
    return iterates


@sound("sgd", state="narrow")
def sgd_kept_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    """Computed in float32, θ and velocity rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    v = np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        d = gradient + weight_decay * current
        v = kept(d if t == 1 or not beta else beta * v + (1 - dampening) * d)
        iterates[t - 1] = current = kept(current - rate * v)
    return iterates.astype(theta.dtype)


@sound("sgd", arithmetic="narrow")
def sgd_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    """Every operation in θ's own type."""
    kind, iterates, v = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + kind(weight_decay) * theta
        v = d if t == 1 or not beta else kind(beta) * v + kind(1 - dampening) * d
        iterates[t - 1] = theta = theta - kind(rate) * v
    return iterates


# --- Lion ---


@sound("lion")
@stored
def lion_word_for_word(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    """α(sign(c) + λθ)."""
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        c = beta1 * m + (1 - beta1) * gradient
        iterates[t - 1] = theta = theta - rate * (np.sign(c) + weight_decay * theta)
        m = beta2 * m + (1 - beta2) * gradient
    return iterates


@sound("lion")
@stored
def decayed_first(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    """(1 − αλ)θ, and m + (1 − β)(g − m)."""
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        theta = theta * (1 - rate * weight_decay)
        iterates[t - 1] = theta = theta - rate * np.sign(m + (1 - beta1) * (gradient - m))
        m = m + (1 - beta2) * (gradient - m)
    return iterates


@sound("lion")
@in_float64
def wide_lion(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        moved = np.sign(beta1 * m + (1 - beta1) * gradient)
        iterates[t - 1] = theta = theta - rate * weight_decay * theta - rate * moved
        m = beta2 * m + (1 - beta2) * gradient
    return iterates


@sound("lion")
@stored
def lion_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        theta = theta - (rate * weight_decay) * theta
        iterates[t - 1] = theta = theta - rate * np.sign(beta1 * m + (1 - beta1) * gradient)
        m *= beta2
        m += (1 - beta2) * gradient
        if t == save_at:
            old, m = m, m.copy()
            old[...] = np.nan
    return iterates


@sound("lion", hyperparameters="working")
@stored
def lion_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    kind, iterates, m = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    for t, gradient, rate in steps(grads, learning_rate):
        c = old1 * m + (one - old1) * gradient
        theta = theta - kind(rate) * kind(weight_decay) * theta
        iterates[t - 1] = theta = theta - kind(rate) * np.sign(c)
        m = old2 * m + (one - old2) * gradient
    return iterates


@sound("lion", state="narrow")
def lion_kept_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m = np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        c = beta1 * m + (1 - beta1) * gradient
        iterates[t - 1] = current = kept(current - rate * (np.sign(c) + weight_decay * current))
        m = kept(beta2 * m + (1 - beta2) * gradient)
    return iterates.astype(theta.dtype)


@sound("lion", arithmetic="narrow")
def lion_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    """Every operation in θ's own type; 1 − αλ in float32."""
    kind, wide = theta.dtype.type, working_dtype(theta.dtype)
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        c = kind(beta1) * m + kind(1 - beta1) * gradient
        theta = (theta.astype(wide) * wide.type(1 - rate * weight_decay)).astype(theta.dtype)
        iterates[t - 1] = theta = theta - kind(rate) * np.sign(c)
        m = kind(beta2) * m + kind(1 - beta2) * gradient
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
