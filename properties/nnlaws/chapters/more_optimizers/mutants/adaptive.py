"""Mistakes in AdaGrad, and in AMSGrad.

`seen` gives a thread or release; "classroom" means homework.
"""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.authoring.trajectories import Rates, averaged, before, moments, rated, shares, walked

CLASSROOM = "classroom"
SUM = "s = s + g**2 from s = initial_accumulator, before the step, and divide g by np.sqrt(s) + eps"
START = "s starts from initial_accumulator, a number like any other, and squares are added to it"
OUTSIDE = "add eps to the root: np.sqrt(s) + eps"
LARGEST = "w = np.maximum(w, v), of v that is not corrected; then divide by np.sqrt(w / (1 - beta2**t)) + eps"
APART = "keep w beside v: v is averaged as in Adam"
CORRECT = "m_hat = m / (1 - beta1**t) and w / (1 - beta2**t), t = 1 at the first step; keep m, v and w"
SAVED = "save and restore the whole state"


def _totals(squares: Array, start: float) -> Array:
    first = np.full_like(squares[:1], start)
    return np.cumsum(np.concatenate([first, squares]), axis=0)[1:]


def _adagrad(theta: Array, grads: Array, learning_rate: Rates, divisor: Array) -> Array:
    return walked(theta, rated(learning_rate, grads / divisor))


@mutant("adagrad", "ε is inside the root, undeclared", OUTSIDE, "tf-keras #315, torch/optim #99")
def epsilon_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, initial_accumulator) + eps))


@mutant("adagrad", "ε is 1e-10, whatever is asked for", "use the eps that is given", "higher PR 44")
def epsilon_not_taken(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, initial_accumulator)) + 1e-10)


@mutant("adagrad", "ε is added to s at each step", OUTSIDE, CLASSROOM)
def epsilon_added_up(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads + eps, initial_accumulator)))


@mutant("adagrad", "s starts from 0, whatever is asked for", START, "pytorch PR 6616, which added it")
def from_zero(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, 0)) + eps)


@mutant("adagrad", "s starts from 0.1 where 0 is asked for, as by `initial or 0.1`", START, CLASSROOM)
def from_a_tenth(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    start = initial_accumulator or 0.1
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, start)) + eps)


@mutant("adagrad", "what s starts from is added to the root, at each step", START, CLASSROOM)
def start_outside(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, 0)) + initial_accumulator + eps)


@mutant("adagrad", "a step is divided by the sum before it", SUM, CLASSROOM)
def before_it(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    squares = before(grads * grads)
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(squares, initial_accumulator)) + eps)


@mutant("adagrad", "the squares are averaged, not added up", SUM, CLASSROOM)
def averaged_squares(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    t = np.arange(1, len(grads) + 1, dtype=grads.dtype)[:, None]
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(grads * grads, initial_accumulator) / t) + eps)


@mutant("adagrad", "squares are forgotten, as by RMSprop", SUM, CLASSROOM)
def forgotten(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    s = averaged(grads * grads, 0.9, initial_accumulator)
    return _adagrad(theta, grads, learning_rate, np.sqrt(s) + eps)


@mutant("adagrad", "there is no root", SUM, CLASSROOM)
def no_root(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    return _adagrad(theta, grads, learning_rate, _totals(grads * grads, initial_accumulator) + eps)


@mutant("adagrad", "absolute values are added up, not squares", SUM, CLASSROOM)
def absolute_values(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(np.abs(grads), initial_accumulator)) + eps)


@mutant("adagrad", "one sum for all coordinates", "add up the squares of each coordinate by itself", CLASSROOM)
def one_sum(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    squares = (grads * grads).sum(axis=1, keepdims=True) + 0 * grads
    return _adagrad(theta, grads, learning_rate, np.sqrt(_totals(squares, initial_accumulator)) + eps)


@mutant("adagrad", "the sum is not among what is saved", SAVED, CLASSROOM)
def sum_not_saved(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    eps: float,
    initial_accumulator: float,
    save_at: int | None = None,
) -> Array:
    parts = [grads] if save_at is None else [grads[:save_at], grads[save_at:]]
    totals = np.concatenate([_totals(part * part, initial_accumulator) for part in parts])
    return _adagrad(theta, grads, learning_rate, np.sqrt(totals) + eps)


# --- AMSGrad ---


def _largest(v: Array) -> Array:
    return np.asarray(np.maximum.accumulate(v, axis=0))


def _step(
    theta: Array, grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float, m: Array, w: Array
) -> Array:
    """Of a first moment and of a second one that takes v's place, both corrected here."""
    divisor = np.sqrt(w / shares(beta2, grads)) + eps
    return walked(theta, rated(learning_rate, m / shares(beta1, grads) / divisor))


@mutant("amsgrad", "the largest is taken of corrected moments, undeclared", LARGEST, "pytorch #142323, optax #1389")
def corrected_before(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    divisor = np.sqrt(_largest(v / shares(beta2, grads))) + eps
    return walked(theta, rated(learning_rate, m / shares(beta1, grads) / divisor))


@mutant("amsgrad", "nothing is corrected, undeclared", CORRECT, "river PR 185")
def uncorrected(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    return walked(theta, rated(learning_rate, m / (np.sqrt(_largest(v)) + eps)))


@mutant("amsgrad", "m alone is corrected", CORRECT, CLASSROOM)
def first_corrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    divisor = np.sqrt(_largest(v)) + eps
    return walked(theta, rated(learning_rate, m / shares(beta1, grads) / divisor))


@mutant("amsgrad", "ε is added before √w is corrected, undeclared", LARGEST, CLASSROOM)
def epsilon_hat(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    factor = np.sqrt(shares(beta2, grads)) / shares(beta1, grads)
    return walked(theta, rated(learning_rate, m * factor / (np.sqrt(_largest(v)) + eps)))


@mutant("amsgrad", "the largest is not used: it is Adam", LARGEST, "GTS #16")
def not_used(theta: Array, grads: Array, **options: Any) -> Array:
    m, v = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=m, w=v)


@mutant("amsgrad", "the smallest in place of the largest", LARGEST, CLASSROOM)
def smallest(theta: Array, grads: Array, **options: Any) -> Array:
    m, v = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=m, w=np.minimum.accumulate(v, axis=0))


@mutant("amsgrad", "the largest is averaged in v's place, and never forgotten", APART, CLASSROOM)
def averaged_largest(theta: Array, grads: Array, **options: Any) -> Array:
    m, _ = moments(grads, options["beta1"], options["beta2"])
    w, found, beta2 = np.zeros_like(theta), np.empty_like(grads), options["beta2"]
    for t, gradient in enumerate(grads):
        found[t] = w = np.maximum(w, beta2 * w + (1 - beta2) * (gradient * gradient))
    return _step(theta, grads, **options, m=m, w=found)


@mutant("amsgrad", "the largest of the squares, not of their average", LARGEST, CLASSROOM)
def largest_square(theta: Array, grads: Array, **options: Any) -> Array:
    m, _ = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=m, w=_largest(grads * grads))


@mutant("amsgrad", "the largest of this step and the last one alone", LARGEST, CLASSROOM)
def largest_of_two(theta: Array, grads: Array, **options: Any) -> Array:
    m, v = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=m, w=np.maximum(v, before(v)))


@mutant("amsgrad", "the largest of all coordinates", "take the largest of each coordinate by itself", CLASSROOM)
def largest_of_all(theta: Array, grads: Array, **options: Any) -> Array:
    m, v = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=m, w=_largest(v).max(axis=1, keepdims=True) + 0 * v)


@mutant("amsgrad", "the largest first moment is kept too", APART, CLASSROOM)
def largest_first(theta: Array, grads: Array, **options: Any) -> Array:
    m, v = moments(grads, options["beta1"], options["beta2"])
    return _step(theta, grads, **options, m=np.sign(m) * _largest(np.abs(m)), w=_largest(v))


@mutant("amsgrad", "the largest is not among what is saved", SAVED, CLASSROOM)
def largest_not_saved(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    m, v = moments(grads, beta1, beta2)
    w = _largest(v) if save_at is None else np.concatenate([_largest(v[:save_at]), _largest(v[save_at:])])
    return _step(theta, grads, learning_rate, beta1, beta2, eps, m, w)


MUTANTS: tuple[Mutant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
