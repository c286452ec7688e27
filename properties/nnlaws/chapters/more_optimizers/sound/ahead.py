"""Right ways to step by NAdam, and by RAdam."""

from copy import deepcopy
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, column, moments, rates, shares, steps, through, walked
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

# --- NAdam ---


def _weights(steps: int, beta1: float, decay: float | None) -> list[tuple[float, float]]:
    """(1 − μ_t)/(1 − P_t) and μ_{t+1}/(1 − P_{t+1}) of each step; no decay: μ is β₁."""
    mus = [beta1 * (1 - 0.5 * 0.96 ** (t * decay)) if decay is not None else beta1 for t in range(1, steps + 2)]
    found, product = [], 1.0
    for now, later in pairwise(mus):
        product *= now
        found.append(((1 - now) / (1 - product), later / (1 - product * later)))
    return found


def _nadam(
    theta: Array, grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float, decay: float | None
) -> Array:
    m, v = moments(grads, beta1, beta2)
    weights = _weights(len(grads), beta1, decay)
    ahead = column([a for a, _ in weights], grads) * grads + column([b for _, b in weights], grads) * m
    given = column(list(rates(learning_rate, grads)), grads)
    return walked(theta, given * (ahead / (np.sqrt(v / shares(beta2, grads)) + eps)))


@sound("nadam")
@stored
def both_added_up(theta: Array, grads: Array, *, momentum_decay: float, **options: Any) -> Array:
    return _nadam(theta, grads, **options, decay=momentum_decay)


@sound("nadam")
@in_float64
def wide_nadam(theta: Array, grads: Array, *, momentum_decay: float, **options: Any) -> Array:
    return _nadam(theta, grads, **options, decay=momentum_decay)


@sound("nadam", momentum_schedule="steady")
@stored
def constant_momentum(theta: Array, grads: Array, *, momentum_decay: float, **options: Any) -> Array:
    return _nadam(theta, grads, **options, decay=None)


@sound("nadam")
@stored
def one_term_after_the_other(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
    save_at: int | None = None,
) -> Array:
    """Each term is divided and subtracted by itself; the product of momenta is kept in the type computed in."""
    kind, weights = theta.dtype.type, range(1, len(grads) + 1)
    state = {"m": np.zeros_like(theta), "v": np.zeros_like(theta), "product": np.ones((), theta.dtype)}
    iterates = np.empty_like(grads)
    for t, (gradient, rate) in zip(weights, zip(grads, rates(learning_rate, grads), strict=True), strict=True):
        now, later = (beta1 * (1 - 0.5 * 0.96 ** (each * momentum_decay)) for each in (t, t + 1))
        state["product"] *= kind(now)
        state["m"] += (1 - beta1) * (gradient - state["m"])
        state["v"] *= beta2
        state["v"] += (1 - beta2) * (gradient * gradient)
        divisor, product = np.sqrt(state["v"] / (1 - beta2**t)) + eps, float(state["product"])
        theta = theta - (rate * (1 - now) / (1 - product)) * (gradient / divisor)
        iterates[t - 1] = theta = theta - (rate * later / (1 - product * later)) * (state["m"] / divisor)
        if t == save_at:
            old, state = state, deepcopy(state)
            for each in old.values():
                each[...] = np.nan
    return iterates


@sound("nadam", hyperparameters="working")
@stored
def nadam_in_working_type(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
) -> Array:
    kind = grads.dtype.type
    one, old1, old2, iterates = kind(1), kind(beta1), kind(beta2), np.empty_like(grads)
    m, v, product = np.zeros_like(theta), np.zeros_like(theta), kind(1)
    for t, gradient, rate in steps(grads, learning_rate):
        now, later = (old1 * (one - kind(0.5) * kind(0.96) ** (kind(k) * kind(momentum_decay))) for k in (t, t + 1))
        product = product * now
        m = m + (one - old1) * (gradient - m)
        v = v + (one - old2) * (gradient * gradient - v)
        ahead = (later * m) / (one - product * later) + ((one - now) * gradient) / (one - product)
        divisor = np.sqrt(v / (one - old2 ** kind(t))) + kind(eps)
        iterates[t - 1] = theta = theta - ahead * kind(rate) / divisor
    return iterates


@sound("nadam", state="narrow")
def nadam_kept_narrow(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
) -> Array:
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m, v, weights = np.zeros_like(current), np.zeros_like(current), _weights(len(grads), beta1, momentum_decay)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        ahead = weights[t - 1][0] * gradient + weights[t - 1][1] * m
        iterates[t - 1] = current = kept(current - rate * (ahead / (np.sqrt(v / (1 - beta2**t)) + eps)))
    return iterates.astype(theta.dtype)


@sound("nadam", arithmetic="narrow")
def nadam_every_step_narrow(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
) -> Array:
    kind, iterates = theta.dtype.type, np.empty_like(grads)
    m, v, weights = np.zeros_like(theta), np.zeros_like(theta), _weights(len(grads), beta1, momentum_decay)
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        ahead = kind(weights[t - 1][0]) * gradient + kind(weights[t - 1][1]) * m
        root = np.sqrt(v / kind(1 - beta2**t)) + kind(eps)
        iterates[t - 1] = theta = theta - kind(rate) * (ahead / np.where(root == 0, kind(1), root))
    return iterates


# --- RAdam ---


def _length(t: int, beta2: float) -> tuple[float, float]:
    """ρ_t, and r_t √(1 − β₂^t), which is NaN where there is none."""
    longest, power = 2 / (1 - beta2) - 1, beta2**t
    length = longest - 2 * t * power / (1 - power)
    if length <= 4:
        return length, np.nan
    squared = (length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2)
    return length, sqrt((1 - power) * squared)


def _radam(
    theta: Array,
    grads: Array,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    threshold: float = 5.0,
    form: str = "epsilon_hat",
    still: bool = False,
) -> Array:
    m, v = moments(grads, beta1, beta2)
    updates = np.zeros_like(grads)
    for t, rate in enumerate(rates(learning_rate, grads), 1):
        length, factor = _length(t, beta2)
        size = rate / (1 - beta1**t)
        if length > threshold and form == "epsilon_hat":
            updates[t - 1] = (size * factor) * (m[t - 1] / (np.sqrt(v[t - 1]) + eps))
        elif length > threshold:
            share = 1 - beta2**t
            updates[t - 1] = (size * (factor / sqrt(share))) * (m[t - 1] / (np.sqrt(v[t - 1] / share) + eps))
        elif not still:
            updates[t - 1] = size * m[t - 1]
    return walked(theta, updates)


@sound("radam")
@stored
def as_the_authors(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options)


@sound("radam")
@in_float64
def wide_radam(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options)


@sound("radam", radam_form="epsilon_outside")
@stored
def epsilon_outside(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options, form="epsilon_outside")


@sound("radam", rectified_above="four")
@stored
def above_four(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options, threshold=4.0)


@sound("radam", unrectified="still")
@stored
def still(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options, still=True)


@sound("radam", radam_form="epsilon_outside", rectified_above="four", unrectified="still")
@stored
def all_three(theta: Array, grads: Array, **options: Any) -> Array:
    return _radam(theta, grads, **options, form="epsilon_outside", threshold=4.0, still=True)


@sound("radam")
@stored
def one_factor_after_the_other(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    """m̂ α, √(1 − β₂^t)/(√v + ε), and r: as PyTorch multiplies them."""
    state, iterates = {"m": np.zeros_like(theta), "v": np.zeros_like(theta)}, np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state["m"] += (1 - beta1) * (gradient - state["m"])
        state["v"] *= beta2
        state["v"] += (1 - beta2) * (gradient * gradient)
        step, share = state["m"] / (1 - beta1**t) * rate, 1 - beta2**t
        length, factor = _length(t, beta2)
        if length > 5:
            step = step * (sqrt(share) / (np.sqrt(state["v"]) + eps)) * (factor / sqrt(share))
        iterates[t - 1] = theta = theta - step
        if t == save_at:
            old, state = state, deepcopy(state)
            for each in old.values():
                each[...] = np.nan
    return iterates


@sound("radam", hyperparameters="working")
@stored
def radam_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kind = grads.dtype.type
    one, two, old1, old2 = kind(1), kind(2), kind(beta1), kind(beta2)
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    longest = two / (one - old2) - one
    for t, gradient, rate in steps(grads, learning_rate):
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        power, step = old2 ** kind(t), m / (one - old1 ** kind(t))
        length = longest - two * kind(t) * power / (one - power)
        if length > 5:
            above, below = (length - kind(4)) * (length - two) * longest, (longest - kind(4)) * (longest - two) * length
            step = np.sqrt(above / below) * step * np.sqrt(one - power) / (np.sqrt(v) + kind(eps))
        iterates[t - 1] = theta = theta - kind(rate) * step
    return iterates


@sound("radam", state="narrow")
def radam_kept_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m, v = np.zeros_like(current), np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        length, factor = _length(t, beta2)
        step = rate / (1 - beta1**t) * m
        iterates[t - 1] = current = kept(current - (factor * step / (np.sqrt(v) + eps) if length > 5 else step))
    return iterates.astype(theta.dtype)


@sound("radam", arithmetic="narrow")
def radam_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kind, iterates = theta.dtype.type, np.empty_like(grads)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        length, factor = _length(t, beta2)
        step = m / kind(1 - beta1**t)
        if length > 5:
            root = np.sqrt(v) + kind(eps)
            step = kind(factor) * step / np.where(root == 0, kind(1), root)
        iterates[t - 1] = theta = theta - kind(rate) * step
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
