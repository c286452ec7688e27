"""Mistakes in NAdam.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.authoring.trajectories import Rates, before, column, moments, rated, shares, walked

CLASSROOM = "classroom"
AHEAD = "(1 - mu) * g / (1 - product) + mu_next * m / (1 - product * mu_next), product being that of all mu so far"
RISING = "mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)), t = 1 at the first step"
MOMENTS = "m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g**2; keep both uncorrected"
SECOND = "divide v by 1 - beta2**t, and add eps to its root"
SAVED = "save and restore the whole state, with the product of all mu"


def mu(t: int, beta1: float, decay: float) -> float:
    return float(beta1 * (1 - 0.5 * 0.96 ** (t * decay)))


def _mus(steps: int, beta1: float, decay: float, first: int = 1) -> list[float]:
    """μ of each step, and of the one after the last."""
    return [mu(t, beta1, decay) for t in range(first, first + steps + 1)]


def _corrections(mus: list[float]) -> tuple[list[float], list[float]]:
    """1 − P_t and 1 − P_{t+1} of each step."""
    products = np.cumprod(mus)
    return (1 - products[:-1]).tolist(), (1 - products[1:]).tolist()


def _ahead(grads: Array, m: Array, mus: list[float], now: list[float], later: list[float]) -> Array:
    """The gradient's part, corrected by `now`, and that of its average, corrected by `later`."""
    of_gradient = [(1 - each) / share for each, share in zip(mus, now, strict=False)]
    of_average = [each / share for each, share in zip(mus[1:], later, strict=True)]
    return column(of_gradient, grads) * grads + column(of_average, grads) * m


def _step(theta: Array, grads: Array, learning_rate: Rates, beta2: float, eps: float, ahead: Array, v: Array) -> Array:
    return walked(theta, rated(learning_rate, ahead / (np.sqrt(v / shares(beta2, grads)) + eps)))


@mutant("nadam", "P_{t+1} has μ_t twice", AHEAD, "pytorch PR 92699")
def mu_twice(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    products = np.cumprod(mus)
    later = [1 - p * now * after for p, now, after in zip(products, mus, mus[1:], strict=False)]
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, _corrections(mus)[0], later), v)


@mutant("nadam", "both parts are corrected by P_{t+1}", AHEAD, CLASSROOM)
def later_for_both(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    _, later = _corrections(mus)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, later, later), v)


@mutant("nadam", "both parts are corrected by P_t", AHEAD, CLASSROOM)
def now_for_both(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    now, _ = _corrections(mus)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, now, now), v)


@mutant("nadam", "corrected by 1 − β₁^t, as Adam, not by the products of μ", AHEAD, CLASSROOM)
def corrected_as_adam(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    now, later = _corrections([beta1] * len(mus))
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, now, later), v)


@mutant("nadam", "nothing is corrected but v", AHEAD, CLASSROOM)
def not_corrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    ones = [1.0] * len(grads)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, ones, ones), v)


@mutant("nadam", "μ is β₁ from the first step on, undeclared", RISING, "Optax' nadam")
def momentum_constant(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), [beta1] * (len(grads) + 1)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, *_corrections(mus)), v)


@mutant("nadam", "ψ is 0.004, whatever is asked for", RISING, CLASSROOM)
def usual_decay(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, 0.004)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, *_corrections(mus)), v)


@mutant("nadam", "the half is left out: μ rises from 0", RISING, CLASSROOM)
def half_left_out(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    mus = [beta1 * (1 - 0.96 ** (t * momentum_decay)) for t in range(1, len(grads) + 2)]
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, *_corrections(mus)), v)


@mutant("nadam", "μ is counted from 0", RISING, CLASSROOM)
def counted_from_0(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay, first=0)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, *_corrections(mus)), v)


@mutant("nadam", "the average's part has μ_t in place of μ_{t+1}", AHEAD, CLASSROOM)
def not_ahead(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    now, later = _corrections(mus)
    parts = [(1 - each) / share for each, share in zip(mus, now, strict=False)]
    of_average = [each / share for each, share in zip(mus, later, strict=False)]
    ahead = column(parts, grads) * grads + column(of_average, grads) * m
    return _step(theta, grads, learning_rate, beta2, eps, ahead, v)


@mutant("nadam", "looks ahead from the average before this gradient", AHEAD, CLASSROOM)
def average_a_step_late(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, before(m), mus, *_corrections(mus)), v)


@mutant("nadam", "the gradient has no part of its own: Adam, by μ", AHEAD, CLASSROOM)
def average_alone(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    return _step(theta, grads, learning_rate, beta2, eps, m / shares(beta1, grads), v)


@mutant("nadam", "the corrected average is written back, and averaged on", MOMENTS, "nd4j PR 1891")
def written_back(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (_, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    now, later = _corrections(mus)
    m, ahead = np.zeros_like(theta), np.empty_like(grads)
    for t, gradient in enumerate(grads):
        m = (beta1 * m + (1 - beta1) * gradient) * mus[t + 1] / later[t]
        ahead[t] = (1 - mus[t]) / now[t] * gradient + m
    return _step(theta, grads, learning_rate, beta2, eps, ahead, v)


@mutant("nadam", "v is not corrected", SECOND, CLASSROOM)
def second_not_corrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    ahead = _ahead(grads, m, mus, *_corrections(mus))
    return walked(theta, rated(learning_rate, ahead / (np.sqrt(v) + eps)))


@mutant("nadam", "v̂ is multiplied by β₂, as in the paper's algorithm", SECOND, "optax, a comment on Dozat 2016")
def second_times_beta2(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, *_corrections(mus)), beta2 * v)


@mutant("nadam", "ε is inside the root", SECOND, CLASSROOM)
def nadam_epsilon_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, momentum_decay: float
) -> Array:
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    ahead = _ahead(grads, m, mus, *_corrections(mus))
    return walked(theta, rated(learning_rate, ahead / np.sqrt(v / shares(beta2, grads) + eps)))


@mutant("nadam", "the product of μ is not among what is saved", SAVED, CLASSROOM)
def product_not_saved(
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
    (m, v), mus = moments(grads, beta1, beta2), _mus(len(grads), beta1, momentum_decay)
    now, later = _corrections(mus)
    if save_at is not None:
        again = _corrections(mus[save_at:])
        now, later = [*now[:save_at], *again[0]], [*later[:save_at], *again[1]]
    return _step(theta, grads, learning_rate, beta2, eps, _ahead(grads, m, mus, now, later), v)


MUTANTS: tuple[Mutant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
