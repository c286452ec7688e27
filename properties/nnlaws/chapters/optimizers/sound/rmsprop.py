"""Right ways to step by RMSprop."""

from copy import deepcopy
from dataclasses import dataclass
from math import sqrt

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, steps, through
from nnlaws.authoring.variant import SoundVariant, in_float64, sound


def _rmsprop(
    theta: Array, grads: Array, learning_rate: Rates, beta: float, eps: float, start: float = 0, inside: bool = False
) -> Array:
    """Word for word."""
    iterates, square = np.empty_like(grads), np.zeros_like(theta) + start
    for t, gradient, rate in steps(grads, learning_rate):
        square = beta * square + (1 - beta) * (gradient * gradient)
        root = np.sqrt(square + eps) if inside else np.sqrt(square) + eps
        iterates[t - 1] = theta = theta - rate * (gradient / root)
    return iterates


@sound("rmsprop")
@stored
def divided(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _rmsprop(theta, grads, learning_rate, beta, eps)


@sound("rmsprop")
@stored
def reciprocal_root(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """s + (1 − β)(g² − s), and (α·(1/(√s + ε)))·g."""
    iterates, square = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        square = square + (1 - beta) * (gradient * gradient - square)
        iterates[t - 1] = theta = theta - (rate * (1 / (np.sqrt(square) + eps))) * gradient
    return iterates


@sound("rmsprop")
@stored
def weighted_last(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """S = βS + g², and √(1 − β) √S; α multiplies g first."""
    iterates, square = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        square = beta * square + gradient * gradient
        iterates[t - 1] = theta = theta - rate * gradient / (sqrt(1 - beta) * np.sqrt(square) + eps)
    return iterates


@sound("rmsprop")
@in_float64
def wide_rmsprop(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _rmsprop(theta, grads, learning_rate, beta, eps)


@dataclass
class _MeanSquare:
    """All that RMSprop keeps."""

    theta: Array
    square: Array


@sound("rmsprop")
@stored
def rmsprop_state_in_the_open(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float, save_at: int | None = None
) -> Array:
    """After `save_at` steps the state is copied and the copy goes on, while the first is overwritten."""
    state, iterates = _MeanSquare(theta.copy(), np.zeros_like(theta)), np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state.square *= beta
        state.square += (1 - beta) * gradient * gradient
        state.theta -= rate * gradient / (np.sqrt(state.square) + eps)
        iterates[t - 1] = state.theta
        if t == save_at:
            state, old = deepcopy(state), state
            old.square[...] = old.theta[...] = np.nan
    return iterates


@sound("rmsprop", rmsprop_epsilon="inside")
@stored
def rmsprop_epsilon_inside(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _rmsprop(theta, grads, learning_rate, beta, eps, inside=True)


@sound("rmsprop", accumulator="one")
@stored
def started_from_one(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _rmsprop(theta, grads, learning_rate, beta, eps, start=1)


@sound("rmsprop", accumulator="one", rmsprop_epsilon="inside")
@stored
def started_from_one_inside(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    return _rmsprop(theta, grads, learning_rate, beta, eps, start=1, inside=True)


@sound("rmsprop", second_moment="centred")
@stored
def centred(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """s − a², where rounding makes it negative 0."""
    iterates, square, mean = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        square = beta * square + (1 - beta) * (gradient * gradient)
        mean = beta * mean + (1 - beta) * gradient
        root = np.sqrt(np.maximum(square - mean * mean, 0))
        iterates[t - 1] = theta = theta - rate * (gradient / (root + eps))
    return iterates


@sound("rmsprop", hyperparameters="working")
@stored
def rmsprop_in_working_type(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """1 − β in the type computed in."""
    kind, iterates, square = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    old = kind(beta)
    for t, gradient, rate in steps(grads, learning_rate):
        square = old * square + (kind(1) - old) * (gradient * gradient)
        iterates[t - 1] = theta = theta - kind(rate) * gradient / (np.sqrt(square) + kind(eps))
    return iterates


@sound("rmsprop", state="narrow")
def rmsprop_state_narrow(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """Computed in float32, θ and s rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    square = np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        square = kept(beta * square + (1 - beta) * (gradient * gradient))
        iterates[t - 1] = current = kept(current - rate * (gradient / (np.sqrt(square) + eps)))
    return iterates.astype(theta.dtype)


@sound("rmsprop", arithmetic="narrow")
def rmsprop_every_step_narrow(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """Every operation in θ's own type."""
    kind, iterates, square = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        square = kind(beta) * square + kind(1 - beta) * (gradient * gradient)
        root = np.sqrt(square) + kind(eps)
        iterates[t - 1] = theta = theta - kind(rate) * (gradient / np.where(root == 0, kind(1), root))
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
