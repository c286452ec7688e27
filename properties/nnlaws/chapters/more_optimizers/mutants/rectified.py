"""Mistakes in RAdam.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.authoring.trajectories import Rates, moments, rates, shares, walked

CLASSROOM = "classroom"
LENGTH = "rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t), rho_inf = 2 / (1 - beta2) - 1, in double"
FACTOR = "r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))"
RECTIFIED = "theta = theta - learning_rate * r * m_hat * sqrt(1 - beta2**t) / (sqrt(v) + eps) where rho > 5"
UNRECTIFIED = "theta = theta - learning_rate * m / (1 - beta1**t) where rho is not above 5"
MOMENTS = "m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g**2; keep both uncorrected"


def _longest(beta2: float) -> float:
    return 2 / (1 - beta2) - 1


def _length(t: int, beta2: float) -> float:
    return _longest(beta2) - 2 * t * beta2**t / (1 - beta2**t)


def _factor(t: int, beta2: float) -> float:
    length, longest = _length(t, beta2), _longest(beta2)
    return sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))


Adaptive = Callable[[int, Array, Array], Array]
"""Of a step's number, m̂ and v, what the learning rate multiplies where it is rectified."""


def _radam(
    theta: Array,
    grads: Array,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    adaptive: Adaptive,
    above: Callable[[int], bool] | None = None,
    plain: Callable[[int, Array], Array] = lambda t, m_hat: m_hat,
) -> Array:
    (m, v), updates = moments(grads, beta1, beta2), np.empty_like(grads)
    for t, rate in enumerate(rates(learning_rate, grads), 1):
        m_hat = m[t - 1] / (1 - beta1**t)
        rectified = above(t) if above else _length(t, beta2) > 5
        updates[t - 1] = rate * (adaptive(t, m_hat, v[t - 1]) if rectified else plain(t, m_hat))
    return walked(theta, updates)


def _right(beta2: float, eps: float) -> Adaptive:
    return lambda t, m_hat, v: _factor(t, beta2) * sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + eps)


@mutant("radam", "rectified where ρ is above 4, as in the paper, undeclared", LENGTH, "Ranger PR 2, swift-apis PR 564")
def above_4(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    return _radam(
        theta, grads, **options, beta2=beta2, adaptive=_right(beta2, eps), above=lambda t: _length(t, beta2) > 4
    )


@mutant("radam", "rectified by ρ above 5, and divided by √v where it is above 4", LENGTH, "Ranger #6")
def of_two_thresholds(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def plain(t: int, m_hat: Array) -> Array:
        return m_hat

    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        factor = _factor(t, beta2) * sqrt(1 - beta2**t) if _length(t, beta2) > 5 else 1.0
        return factor * m_hat / (np.sqrt(v) + eps)

    return _radam(
        theta, grads, **options, beta2=beta2, adaptive=adaptive, above=lambda t: _length(t, beta2) > 4, plain=plain
    )


@mutant("radam", "not rectified: r is 1 from the first step on", FACTOR, CLASSROOM)
def never_rectified(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        return sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive, above=lambda t: True)


@mutant("radam", "the root of r is missing", FACTOR, CLASSROOM)
def no_root_of_r(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        return _factor(t, beta2) ** 2 * sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive)


@mutant("radam", "r is upside down", FACTOR, CLASSROOM)
def upside_down(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        return sqrt(1 - beta2**t) / _factor(t, beta2) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive)


@mutant("radam", "ρ is computed in float32", LENGTH, "AiDotNet.Tensors PR 960")
def length_in_float32(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        one, two, old, step = np.float32(1), np.float32(2), np.float32(beta2), np.float32(t)
        power, longest = old**step, two / (one - old) - one
        length = longest - two * step * power / (one - power)
        four = np.float32(4)
        squared = (length - four) * (length - two) * longest / ((longest - four) * (longest - two) * length)
        return float(np.sqrt(np.maximum(squared, 0))) * sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive)


@mutant("radam", "ρ has t β₂^t in place of twice that", LENGTH, CLASSROOM)
def length_without_2(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def length(t: int) -> float:
        return _longest(beta2) - t * beta2**t / (1 - beta2**t)

    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        long, longest = length(t), _longest(beta2)
        r = sqrt((long - 4) * (long - 2) * longest / ((longest - 4) * (longest - 2) * long))
        return r * sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive, above=lambda t: length(t) > 5)


@mutant("radam", "v is not corrected where it is rectified", RECTIFIED, CLASSROOM)
def second_not_corrected(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        return _factor(t, beta2) * m_hat / (np.sqrt(v) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive)


@mutant("radam", "ε is added after the correction, undeclared", RECTIFIED, CLASSROOM)
def epsilon_outside(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    def adaptive(t: int, m_hat: Array, v: Array) -> Array:
        return _factor(t, beta2) * m_hat / (np.sqrt(v / (1 - beta2**t)) + eps)

    return _radam(theta, grads, **options, beta2=beta2, adaptive=adaptive)


@mutant("radam", "m is not corrected where it is not rectified", UNRECTIFIED, CLASSROOM)
def first_not_corrected(theta: Array, grads: Array, *, beta1: float, beta2: float, eps: float, **options: Any) -> Array:
    def plain(t: int, m_hat: Array) -> Array:
        return m_hat * (1 - beta1**t)

    return _radam(theta, grads, **options, beta1=beta1, beta2=beta2, adaptive=_right(beta2, eps), plain=plain)


@mutant("radam", "does not move where it is not rectified, undeclared", UNRECTIFIED, "RAdam, degenerated_to_sgd=False")
def does_not_move(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    return _radam(
        theta, grads, **options, beta2=beta2, adaptive=_right(beta2, eps), plain=lambda t, m_hat: np.zeros_like(m_hat)
    )


@mutant("radam", "goes by the gradient's sign where it is not rectified", UNRECTIFIED, CLASSROOM)
def by_the_sign(theta: Array, grads: Array, *, beta2: float, eps: float, **options: Any) -> Array:
    return _radam(
        theta, grads, **options, beta2=beta2, adaptive=_right(beta2, eps), plain=lambda t, m_hat: np.sign(m_hat)
    )


@mutant("radam", "the corrected averages are written back", MOMENTS, "holocron #1")
def written_back(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v, updates = np.zeros_like(theta), np.zeros_like(theta), np.empty_like(grads)
    for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, grads), strict=True), 1):
        m = (beta1 * m + (1 - beta1) * gradient) / (1 - beta1**t)
        v = (beta2 * v + (1 - beta2) * (gradient * gradient)) / (1 - beta2**t)
        along = _factor(t, beta2) * m / (np.sqrt(v) + eps) if _length(t, beta2) > 5 else m
        updates[t - 1] = rate * along
    return walked(theta, updates)


@mutant("radam", "it is Adam", RECTIFIED, CLASSROOM)
def adam(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    updates = np.empty_like(grads)
    for t, rate in enumerate(rates(learning_rate, grads)):
        updates[t] = rate * (m / shares(beta1, grads) / (np.sqrt(v / shares(beta2, grads)) + eps))[t]
    return walked(theta, updates)


@mutant("radam", "the step count is not among what is saved: the first steps are taken again", MOMENTS, CLASSROOM)
def count_not_saved(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    (m, v), updates, right = moments(grads, beta1, beta2), np.empty_like(grads), _right(beta2, eps)
    for number, rate in enumerate(rates(learning_rate, grads), 1):
        t = number if save_at is None or number <= save_at else number - save_at
        m_hat = m[number - 1] / (1 - beta1**t)
        updates[number - 1] = rate * (right(t, m_hat, v[number - 1]) if _length(t, beta2) > 5 else m_hat)
    return walked(theta, updates)


MUTANTS: tuple[Mutant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
