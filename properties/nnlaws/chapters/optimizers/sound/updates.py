"""What Adam subtracts from θ in each step, and AdamW once θ has decayed: right ways to compute it (T, n)."""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.trajectories import Rates, column, moments, rates, shares, steps, through


def word_for_word(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """α m̂/(√v̂ + ε)."""
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * ((m / shares(beta1, grads)) / (np.sqrt(v / shares(beta2, grads)) + eps))


def epsilon_inside(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * (m / shares(beta1, grads)) / np.sqrt(v / shares(beta2, grads) + eps)


def epsilon_hat(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * np.sqrt(shares(beta2, grads)) / shares(beta1, grads) * m / (np.sqrt(v) + eps)


def epsilon_hat_inside(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * np.sqrt(shares(beta2, grads)) / shares(beta1, grads) * m / np.sqrt(v + eps)


def epsilon_before_the_correction(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """The same, as m̂/√((v + ε)/(1 − β₂^t))."""
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * ((m / shares(beta1, grads)) / np.sqrt((v + eps) / shares(beta2, grads)))


def uncorrected(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    return given * m / (np.sqrt(v) + eps)


def in_working_type(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """Options, 1 − β and β^t in the type computed in."""
    kind = grads.dtype.type
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    updates, m, v = np.empty_like(grads), np.zeros_like(grads[0]), np.zeros_like(grads[0])
    for t, gradient, rate in steps(grads, learning_rate):
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        first, second = (one - old ** kind(t) for old in (old1, old2))
        updates[t - 1] = kind(rate) * ((m / first) / (np.sqrt(v / second) + kind(eps)))
    return updates


def narrow_state(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """Computed in float32, and returned so; m and v are rounded to the gradients' own type after every step."""
    kept, wide = through(grads.dtype), working_dtype(grads.dtype)
    updates, m, v = np.empty_like(grads, wide), np.zeros_like(grads[0], wide), np.zeros_like(grads[0], wide)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        updates[t - 1] = rate * ((m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps))
    return updates


def every_step_narrow(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """Every operation in the gradients' own type."""
    kind = grads.dtype.type
    updates, m, v = np.empty_like(grads), np.zeros_like(grads[0]), np.zeros_like(grads[0])
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        root = np.sqrt(v / kind(1 - beta2**t)) + kind(eps)
        updates[t - 1] = kind(rate) * ((m / kind(1 - beta1**t)) / np.where(root == 0, kind(1), root))
    return updates
