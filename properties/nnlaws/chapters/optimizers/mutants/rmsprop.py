"""Mistakes in RMSprop.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.authoring.trajectories import Rates, rates, shares, walked
from nnlaws.chapters.optimizers.mutants.common import (
    DOUBLE,
    OUTSIDE,
    ROOT_MEAN_SQUARE,
    SAVED,
    WIDE,
    accumulated,
    apart,
    averaged,
    before,
    rated,
)


def _walked(theta: Array, grads: Array, learning_rate: Rates, divisor: Array) -> Array:
    return walked(theta, rated(learning_rate, grads / divisor))


def _mean_squares(grads: Array, beta: float) -> Array:
    return averaged(grads * grads, beta)


@mutant(
    "rmsprop",
    "ε is inside the root: √(s + ε), undeclared",
    OUTSIDE,
    "pytorch #23796, chainer #4754, jax PR 1427, optax #532",
)
def epsilon_inside(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(_mean_squares(grads, beta) + eps))


@mutant("rmsprop", "ε is missing: 0/0 where a gradient is 0", OUTSIDE, "classroom")
def epsilon_missing(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(_mean_squares(grads, beta)))


@mutant("rmsprop", "ε is a lower limit: max(√s, ε) in place of √s + ε", OUTSIDE, "classroom")
def epsilon_as_limit(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.maximum(np.sqrt(_mean_squares(grads, beta)), eps))


@mutant("rmsprop", "the mean square starts from 1, undeclared", ROOT_MEAN_SQUARE, "TensorFlow 1's RMSProp")
def started_from_one(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(averaged(grads * grads, beta, 1)) + eps)


@mutant("rmsprop", "divided by the deviation: √(s − a²), undeclared", ROOT_MEAN_SQUARE, "classroom")
def centred(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    variance = _mean_squares(grads, beta) - averaged(grads, beta) ** 2
    return _walked(theta, grads, learning_rate, np.sqrt(np.maximum(variance, 0)) + eps)


@mutant("rmsprop", "divided by √(s − a² − ε), which is NaN for small gradients", ROOT_MEAN_SQUARE, "tf.js, centred")
def centred_less_epsilon(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    variance = _mean_squares(grads, beta) - averaged(grads, beta) ** 2
    return _walked(theta, grads, learning_rate, np.sqrt(variance - eps))


@mutant("rmsprop", "divided by s + ε, not by its root", ROOT_MEAN_SQUARE, "classroom")
def root_forgotten(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, _mean_squares(grads, beta) + eps)


@mutant("rmsprop", "the average is of |g|, not of g²", ROOT_MEAN_SQUARE, "classroom")
def mean_absolute(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, averaged(np.abs(grads), beta) + eps)


@mutant("rmsprop", "the gradient is averaged, then squared", ROOT_MEAN_SQUARE, "classroom")
def square_of_mean(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.abs(averaged(grads, beta)) + eps)


@mutant("rmsprop", "the square is not weighted: s = βs + g²", ROOT_MEAN_SQUARE, "classroom")
def new_not_weighted(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(accumulated(grads * grads, beta)) + eps)


@mutant("rmsprop", "the squares are added up and never forgotten, as in Adagrad", ROOT_MEAN_SQUARE, "classroom")
def sum_of_squares(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(accumulated(grads * grads, 1)) + eps)


@mutant("rmsprop", "β and 1 − β are swapped", ROOT_MEAN_SQUARE, "classroom")
def weights_swapped(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(_mean_squares(grads, 1 - beta)) + eps)


@mutant("rmsprop", "θ moves before s is updated: by s of the step before", ROOT_MEAN_SQUARE, "classroom")
def mean_square_late(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(before(_mean_squares(grads, beta))) + eps)


@mutant("rmsprop", "s is divided by 1 − β^t, undeclared", ROOT_MEAN_SQUARE, "classroom")
def corrected_unasked(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _walked(theta, grads, learning_rate, np.sqrt(_mean_squares(grads, beta) / shares(beta, grads)) + eps)


@mutant("rmsprop", "one mean square for all coordinates, the mean of theirs", ROOT_MEAN_SQUARE, "classroom")
def one_mean_square_for_all(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    root = np.sqrt(_mean_squares(grads, beta).mean(axis=1, keepdims=True))
    return _walked(theta, grads, learning_rate, root + eps)


@mutant("rmsprop", "the step is multiplied by the root, not divided", ROOT_MEAN_SQUARE, "classroom")
def root_multiplied(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return walked(theta, rated(learning_rate, grads * (np.sqrt(_mean_squares(grads, beta)) + eps)))


@mutant("rmsprop", "θ decays by .01 of the learning rate, unasked", ROOT_MEAN_SQUARE, "classroom")
def decayed_unasked(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    given, root = rates(learning_rate, grads), np.sqrt(_mean_squares(grads, beta))
    return walked(theta, rated(given, grads / (root + eps)), [rate * 0.01 for rate in given])


@mutant("rmsprop", "the mean square is not among what is saved", SAVED, "classroom")
def mean_square_not_saved(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float, save_at: int | None = None
) -> Array:
    squares = apart(grads, save_at, lambda part: _mean_squares(part, beta))
    return _walked(theta, grads, learning_rate, np.sqrt(squares) + eps)


@mutant("rmsprop", "θ and mean square are rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_state(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current, square = np.empty_like(grads), theta.astype(wide), np.zeros_like(theta, wide)
    for t, (gradient, rate) in enumerate(zip(grads.astype(wide), rates(learning_rate, grads), strict=True)):
        square = (beta * square + (1 - beta) * gradient * gradient).astype(narrow).astype(wide)
        current = (current - rate * gradient / (np.sqrt(square) + eps)).astype(narrow).astype(wide)
        iterates[t] = current.astype(theta.dtype)
    return iterates


@mutant("rmsprop", "β is rounded to float32, and 1 − β is computed there", DOUBLE, "classroom")
def beta_in_float32(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    old = np.float32(beta)
    squares = accumulated(grads * grads, float(old), float(1 - old))
    return _walked(theta, grads, learning_rate, np.sqrt(squares) + eps)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
