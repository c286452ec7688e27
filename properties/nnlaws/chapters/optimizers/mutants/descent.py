"""Mistakes in gradient descent, with and without momentum.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.authoring.trajectories import Rates, column, rates, shares, walked
from nnlaws.chapters.optimizers.mutants.common import (
    DESCENT,
    DOUBLE,
    SAVED,
    VELOCITY,
    WIDE,
    accumulated,
    apart,
    averaged,
    before,
    rated,
)

TAIL = "write back the vectors that the kernel steps in, not its scalar tail alone"


def _tail_alone(theta: Array, steps: Array) -> Array:
    """Steps of the coordinates that are left over when 16 at once are taken."""
    whole = len(theta) // 16 * 16
    return walked(theta, np.where(np.arange(len(theta)) < whole, 0, steps).astype(steps.dtype))


@mutant("gradient_descent", "the mean of all gradients so far in place of the last", DESCENT, "classroom")
def mean_of_gradients(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    means = grads.cumsum(axis=0) / column(range(1, len(grads) + 1), grads)
    return walked(theta, rated(learning_rate, means))


@mutant("gradient_descent", "the learning rate falls as 1/t, undeclared", DESCENT, "classroom")
def rate_over_step(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    falling = tuple(rate / t for t, rate in enumerate(rates(learning_rate, grads), 1))
    return walked(theta, rated(falling, grads))


@mutant("gradient_descent", "the gradient is not multiplied by the learning rate", DESCENT, "classroom")
def rate_missing(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    return walked(theta, grads)


@mutant("gradient_descent", "steps by the gradient's sign", DESCENT, "classroom")
def sign_alone(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    return walked(theta, rated(learning_rate, np.sign(grads)))


@mutant("gradient_descent", "each entry of the gradient is clipped to [−1, 1]", DESCENT, "classroom")
def entries_clipped(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    return walked(theta, rated(learning_rate, np.clip(grads, -1, 1)))


@mutant("gradient_descent", "θ decays by .01 of the learning rate, unasked", DESCENT, "classroom")
def decayed_unasked(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    given = rates(learning_rate, grads)
    return walked(theta, rated(given, grads), [rate * 0.01 for rate in given])


@mutant("gradient_descent", "a momentum of .9, undeclared", DESCENT, "classroom")
def momentum_unasked(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    return walked(theta, rated(learning_rate, averaged(grads, 0.9)))


@mutant("gradient_descent", "whole vectors of 16 coordinates are left as they were", TAIL, "pytorch #191763")
def vectors_left(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    return _tail_alone(theta, rated(learning_rate, grads))


@mutant("gradient_descent", "θ is rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_iterates(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current = np.empty_like(grads), theta.astype(wide)
    for t, step in enumerate(rated(learning_rate, grads.astype(wide))):
        current = (current - step).astype(narrow).astype(wide)
        iterates[t] = current.astype(theta.dtype)
    return iterates


@mutant(
    "momentum",
    "the gradient has weight 1: v = βv + g, as a heavy ball, undeclared",
    VELOCITY,
    "autograd #289, darknet #2203",
)
def heavy_ball(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, accumulated(grads, beta)))


@mutant(
    "momentum",
    "the velocity is of steps, v = βv + αg, so that an old rate works on when it has changed",
    VELOCITY,
    "mxnet #15533, aprender PR 2190",
)
def rate_inside(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, accumulated(rated(learning_rate, grads), beta))


@mutant(
    "momentum",
    "the velocity is the average of steps, v = βv + (1 − β)αg: an old rate works on when it has changed",
    VELOCITY,
    "classroom",
)
def average_of_steps(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, averaged(rated(learning_rate, grads), beta))


@mutant("momentum", "the first velocity is the first gradient, undeclared", VELOCITY, "pytorch PR 152833")
def first_gradient_undampened(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    velocity = np.concatenate([grads[:1], averaged(grads - grads[:1], beta)[1:] + grads[:1]])
    return walked(theta, rated(learning_rate, velocity))


@mutant("momentum", "looks ahead: βv + (1 − β)g in place of v, undeclared", VELOCITY, "classroom")
def nesterov(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, beta * averaged(grads, beta) + (1 - beta) * grads))


@mutant("momentum", "looks ahead twice", VELOCITY, "simd_neuralnet #17")
def nesterov_twice(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    once = beta * averaged(grads, beta) + (1 - beta) * grads
    return walked(theta, rated(learning_rate, beta * once + (1 - beta) * grads))


@mutant("momentum", "β weighs the gradient, and the velocity keeps weight 1: v + βg", VELOCITY, "AiDotNet #2008")
def beta_on_the_gradient(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, accumulated(grads, 1, beta)))


@mutant("momentum", "β and 1 − β are swapped", VELOCITY, "classroom")
def weights_swapped(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, averaged(grads, 1 - beta)))


@mutant("momentum", "the velocity is cleared at each step", VELOCITY, "pytorch_optimizer PR 516")
def velocity_cleared(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, (1 - beta) * grads))


@mutant("momentum", "the velocity is divided by 1 − β^t, undeclared", VELOCITY, "classroom")
def corrected_unasked(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, averaged(grads, beta) / shares(beta, grads)))


@mutant(
    "momentum",
    "the velocity is the gradient's own buffer, which the next gradient overwrites",
    "copy the gradient: v = (1 - beta) * g, a new array",
    "classroom",
)
def velocity_aliased(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    buffer, iterates = np.empty_like(theta), np.empty_like(grads)
    velocity = np.zeros_like(theta)
    for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, grads), strict=True)):
        buffer[...] = gradient
        buffer[...] = beta * velocity + (1 - beta) * buffer
        velocity = buffer
        iterates[t] = theta = theta - rate * velocity
    return iterates


@mutant("momentum", "θ moves before the velocity is updated: by that of the step before", VELOCITY, "classroom")
def velocity_late(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, before(averaged(grads, beta))))


@mutant("momentum", "β has no effect: gradient descent", VELOCITY, "classroom")
def beta_ignored(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, grads))


@mutant("momentum", "each entry of the velocity is clipped to [−1, 1]", VELOCITY, "classroom")
def velocity_clipped(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return walked(theta, rated(learning_rate, np.clip(averaged(grads, beta), -1, 1)))


@mutant("momentum", "θ decays by .01 of the learning rate, unasked", VELOCITY, "classroom")
def momentum_decayed_unasked(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    given = rates(learning_rate, grads)
    return walked(theta, rated(given, averaged(grads, beta)), [rate * 0.01 for rate in given])


@mutant("momentum", "whole vectors of 16 coordinates are left as they were", TAIL, "pytorch #191763")
def momentum_vectors_left(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    return _tail_alone(theta, rated(learning_rate, averaged(grads, beta)))


@mutant("momentum", "the velocity is not among what is saved", SAVED, "classroom")
def velocity_not_saved(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, save_at: int | None = None
) -> Array:
    return walked(theta, rated(learning_rate, apart(grads, save_at, lambda part: averaged(part, beta))))


@mutant("momentum", "θ and velocity are rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_state(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current, velocity = np.empty_like(grads), theta.astype(wide), np.zeros_like(theta, wide)
    for t, (gradient, rate) in enumerate(zip(grads.astype(wide), rates(learning_rate, grads), strict=True)):
        velocity = (beta * velocity + (1 - beta) * gradient).astype(narrow).astype(wide)
        current = (current - rate * velocity).astype(narrow).astype(wide)
        iterates[t] = current.astype(theta.dtype)
    return iterates


@mutant("momentum", "β is rounded to float32, and 1 − β is computed there", DOUBLE, "classroom")
def beta_in_float32(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    old = np.float32(beta)
    return walked(theta, rated(learning_rate, accumulated(grads, float(old), float(1 - old))))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
