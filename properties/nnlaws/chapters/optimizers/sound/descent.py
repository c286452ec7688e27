"""Right ways to descend, with and without momentum."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, column, rates, steps, through
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

# --- gradient descent ---


@sound("gradient_descent")
@stored
def one_after_another(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    iterates = np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        iterates[t - 1] = theta = theta - rate * gradient
    return iterates


@sound("gradient_descent")
@stored
def updates_added_up(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    """θ₀ less the sum of all updates so far, each step's at once."""
    updates = column(list(rates(learning_rate, grads)), grads) * grads
    return np.asarray(theta - updates.cumsum(axis=0))


@sound("gradient_descent")
@in_float64
def wide_descent(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    updates = column(list(rates(learning_rate, grads)), grads) * grads
    return np.concatenate([theta[None], -updates]).cumsum(axis=0)[1:]


@sound("gradient_descent", state="narrow")
def iterates_kept_narrow(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    """Computed in float32, and rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        iterates[t - 1] = current = kept(current - rate * gradient)
    return iterates.astype(theta.dtype)


@sound("gradient_descent", arithmetic="narrow")
def descent_every_step_narrow(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    """Every operation in θ's own type."""
    iterates = np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        iterates[t - 1] = theta = theta - theta.dtype.type(rate) * gradient
    return iterates


# --- momentum ---


@sound("momentum")
@stored
def averaged(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity + (1 - beta) * gradient
        iterates[t - 1] = theta = theta - rate * velocity
    return iterates


@sound("momentum")
@stored
def moved_towards_the_gradient(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """v + (1 − β)(g − v)."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = velocity + (1 - beta) * (gradient - velocity)
        iterates[t - 1] = theta = theta - rate * velocity
    return iterates


@sound("momentum")
@stored
def heavy_ball_at_a_smaller_rate(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """v = βv + g, and the rate α(1 − β)."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity + gradient
        iterates[t - 1] = theta = theta - (rate * (1 - beta)) * velocity
    return iterates


@sound("momentum")
@stored
def all_at_once(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """Every weight α_s Σ (1 − β) β^{s−j} of a gradient in an iterate, in one matrix."""
    each = np.arange(len(grads))
    age = np.maximum(each[:, None] - each, 0).astype(np.float64)
    weights = np.array(rates(learning_rate, grads))[:, None] * np.tril((1 - beta) * beta**age)
    summed = weights.cumsum(axis=0).astype(grads.dtype)
    return np.asarray(theta - (summed[:, :, None] * grads).sum(axis=1))


@sound("momentum")
@in_float64
def wide_momentum(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity + (1 - beta) * gradient
        iterates[t - 1] = theta = theta - rate * velocity
    return iterates


@dataclass
class _Velocity:
    """All that momentum keeps."""

    theta: Array
    velocity: Array


@sound("momentum")
@stored
def state_in_the_open(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, save_at: int | None = None
) -> Array:
    """After `save_at` steps the state is copied and the copy goes on, while the first is overwritten."""
    state, iterates = _Velocity(theta.copy(), np.zeros_like(theta)), np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state.velocity *= beta
        state.velocity += (1 - beta) * gradient
        state.theta -= rate * state.velocity
        iterates[t - 1] = state.theta
        if t == save_at:
            state, old = deepcopy(state), state
            old.velocity[...] = old.theta[...] = np.nan
    return iterates


@sound("momentum", velocity="heavy_ball")
@stored
def heavy_ball(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity + gradient
        iterates[t - 1] = theta = theta - rate * velocity
    return iterates


@sound("momentum", velocity="heavy_ball", lookahead="nesterov")
@stored
def heavy_ball_ahead(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """By g + βv, v being the new velocity."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity + gradient
        iterates[t - 1] = theta = theta - rate * (gradient + beta * velocity)
    return iterates


@sound("momentum", velocity="rate_inside")
@stored
def rate_inside(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """v = βv − αg, and θ + v."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity - rate * gradient
        iterates[t - 1] = theta = theta + velocity
    return iterates


@sound("momentum", velocity="rate_inside", lookahead="nesterov")
@stored
def rate_inside_ahead(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = beta * velocity - rate * gradient
        iterates[t - 1] = theta = theta + beta * velocity - rate * gradient
    return iterates


@sound("momentum", velocity="dampened")
@stored
def dampened(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """The first velocity is the first gradient."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = gradient if t == 1 else beta * velocity + (1 - beta) * gradient
        iterates[t - 1] = theta = theta - rate * velocity
    return iterates


@sound("momentum", velocity="dampened", lookahead="nesterov")
@stored
def dampened_ahead(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = gradient if t == 1 else beta * velocity + (1 - beta) * gradient
        iterates[t - 1] = theta = theta - rate * (beta * velocity + (1 - beta) * gradient)
    return iterates


@sound("momentum", lookahead="nesterov")
@stored
def averaged_ahead(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """By v + (1 − β)(g − v), v being the new velocity."""
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = velocity + (1 - beta) * (gradient - velocity)
        iterates[t - 1] = theta = theta - rate * (velocity + (1 - beta) * (gradient - velocity))
    return iterates


@sound("momentum", hyperparameters="working")
@stored
def beta_in_working_type(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """1 − β in the type computed in."""
    one, old = theta.dtype.type(1), theta.dtype.type(beta)
    iterates, velocity = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = old * velocity + (one - old) * gradient
        iterates[t - 1] = theta = theta - theta.dtype.type(rate) * velocity
    return iterates


@sound("momentum", state="narrow")
def state_kept_narrow(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """Computed in float32, θ and velocity rounded to θ's own type after every step."""
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    velocity = np.zeros_like(current)
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        velocity = kept(beta * velocity + (1 - beta) * gradient)
        iterates[t - 1] = current = kept(current - rate * velocity)
    return iterates.astype(theta.dtype)


@sound("momentum", arithmetic="narrow")
def momentum_every_step_narrow(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """Every operation in θ's own type."""
    kind, iterates, velocity = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity = kind(beta) * velocity + kind(1 - beta) * gradient
        iterates[t - 1] = theta = theta - kind(rate) * velocity
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
