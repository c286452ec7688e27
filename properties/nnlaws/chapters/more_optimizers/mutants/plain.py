"""Mistakes in SGD, and in Lion.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.authoring.trajectories import Rates, steps

CLASSROOM = "classroom"
VELOCITY = "v = d at the first step, then v = beta * v + (1 - dampening) * d; theta = theta - learning_rate * v"
DECAY = "d = g + weight_decay * theta, whatever beta is, and d goes through the velocity"
NO_MEMORY = "where beta is 0 there is no velocity: theta = theta - learning_rate * d"
SIGN = "theta = theta - learning_rate * (np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta)"
AVERAGE = "after the step, m = beta2 * m + (1 - beta2) * g"

Velocity = Callable[[int, Array, Array], Array]
"""Of the step's number, the old velocity and d, the new one."""


def _sgd(theta: Array, grads: Array, learning_rate: Rates, weight_decay: float, velocity: Velocity) -> Array:
    iterates, v = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        v = velocity(t, v, gradient + weight_decay * theta)
        iterates[t - 1] = theta = theta - rate * v
    return iterates


def _right(beta: float, dampening: float) -> Velocity:
    return lambda t, v, d: d if t == 1 or not beta else beta * v + (1 - dampening) * d


@mutant("sgd", "the first gradient is dampened too, undeclared", VELOCITY, "mlx PR 473")
def first_dampened(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=lambda t, v, d: beta * v + (1 - dampening) * d if beta else d)


@mutant("sgd", "nothing is dampened", VELOCITY, "accelerated-model-architectures PR 436")
def never_dampened(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=_right(beta, 0.0))


@mutant("sgd", "dampened by the momentum, whatever is asked for", VELOCITY, "torch/optim #163")
def dampened_by_momentum(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=_right(beta, beta))


@mutant("sgd", "the dampening is what is kept of a gradient", VELOCITY, CLASSROOM)
def dampening_kept(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=_right(beta, 1 - dampening))


@mutant("sgd", "the old velocity is dampened with the gradient", VELOCITY, CLASSROOM)
def velocity_dampened(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    def velocity(t: int, v: Array, d: Array) -> Array:
        return d if t == 1 or not beta else (1 - dampening) * (beta * v + d)

    return _sgd(theta, grads, **options, velocity=velocity)


@mutant("sgd", "without momentum gradients are dampened too", NO_MEMORY, CLASSROOM)
def dampened_without_momentum(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=lambda t, v, d: d if t == 1 else beta * v + (1 - dampening) * d)


@mutant("sgd", "the velocity is cleared at each step", VELOCITY, "pytorch_optimizer PR 516")
def velocity_cleared(theta: Array, grads: Array, *, beta: float, dampening: float, **options: Any) -> Array:
    return _sgd(theta, grads, **options, velocity=lambda t, v, d: d if t == 1 or not beta else (1 - dampening) * d)


@mutant("sgd", "steps by d + βv, as Nesterov's look-ahead, undeclared", VELOCITY, CLASSROOM)
def always_ahead(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    iterates, v, right = np.empty_like(grads), np.zeros_like(theta), _right(beta, dampening)
    for t, gradient, rate in steps(grads, learning_rate):
        d = gradient + weight_decay * theta
        v = right(t, v, d)
        iterates[t - 1] = theta = theta - rate * (d + beta * v)
    return iterates


@mutant("sgd", "without momentum nothing decays", DECAY, "mlx #440")
def no_decay_without_momentum(
    theta: Array, grads: Array, *, beta: float, dampening: float, weight_decay: float, **options: Any
) -> Array:
    decay = weight_decay if beta else 0.0
    return _sgd(theta, grads, **options, weight_decay=decay, velocity=_right(beta, dampening))


@mutant("sgd", "nothing decays", DECAY, "pytorch_optimizer PR 518, of SignSGD")
def no_decay(
    theta: Array, grads: Array, *, beta: float, dampening: float, weight_decay: float, **options: Any
) -> Array:
    return _sgd(theta, grads, **options, weight_decay=0.0, velocity=_right(beta, dampening))


@mutant("sgd", "the decay has the wrong sign: weights grow", DECAY, CLASSROOM)
def weights_grow(
    theta: Array, grads: Array, *, beta: float, dampening: float, weight_decay: float, **options: Any
) -> Array:
    return _sgd(theta, grads, **options, weight_decay=-weight_decay, velocity=_right(beta, dampening))


@mutant("sgd", "the weights decay besides, and not through the velocity", DECAY, CLASSROOM)
def decoupled(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    iterates, v, right = np.empty_like(grads), np.zeros_like(theta), _right(beta, dampening)
    for t, gradient, rate in steps(grads, learning_rate):
        v = right(t, v, gradient)
        iterates[t - 1] = theta = theta - rate * weight_decay * theta - rate * v
    return iterates


@mutant("sgd", "the rate is inside the velocity", VELOCITY, "mxnet #15533")
def rate_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, beta: float, dampening: float, weight_decay: float
) -> Array:
    iterates, v, right = np.empty_like(grads), np.zeros_like(theta), _right(beta, dampening)
    for t, gradient, rate in steps(grads, learning_rate):
        v = right(t, v, rate * (gradient + weight_decay * theta))
        iterates[t - 1] = theta = theta - v
    return iterates


@mutant("sgd", "once resumed, the first step counts as the first of all", "save whether there is a velocity", CLASSROOM)
def first_again(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta: float,
    dampening: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    def velocity(t: int, v: Array, d: Array) -> Array:
        return d if t == 1 or not beta else beta * v + (1.0 if t - 1 == save_at else 1 - dampening) * d

    return _sgd(theta, grads, learning_rate, weight_decay, velocity)


# --- Lion ---

Along = Callable[[Array, Array, Array], Array]
"""Of the average, the gradient and θ, what the learning rate multiplies."""


def _lion(theta: Array, grads: Array, learning_rate: Rates, beta2: float, along: Along) -> Array:
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        iterates[t - 1] = theta = theta - rate * along(m, gradient, theta)
        m = beta2 * m + (1 - beta2) * gradient
    return iterates


@mutant("lion", "the step is by the average that has this gradient already", AVERAGE, "Optimisers.jl PR 129")
def averaged_first(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.sign(beta1 * (beta2 * m + (1 - beta2) * g) + (1 - beta1) * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "β₁ averages too", AVERAGE, CLASSROOM)
def one_beta(theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta1, along=along)


@mutant("lion", "β₁ and β₂ are swapped", AVERAGE, CLASSROOM)
def betas_swapped(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.sign(beta2 * m + (1 - beta2) * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta1, along=along)


@mutant("lion", "the weights of the average and of the gradient are swapped", SIGN, CLASSROOM)
def weights_swapped(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.sign((1 - beta1) * m + beta1 * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "there is no sign: a step is as long as the average", SIGN, CLASSROOM)
def no_sign(theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return beta1 * m + (1 - beta1) * g + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "the average has no part in the sign", SIGN, CLASSROOM)
def sign_of_the_gradient(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    return _lion(theta, grads, **options, beta2=beta2, along=lambda m, g, theta: np.sign(g) + weight_decay * theta)


@mutant("lion", "the gradient has no part in the sign", SIGN, CLASSROOM)
def sign_of_the_average(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    return _lion(theta, grads, **options, beta2=beta2, along=lambda m, g, theta: np.sign(m) + weight_decay * theta)


@mutant("lion", "the sign of 0 is 1: what has no gradient moves", "take np.sign, of which that of 0 is 0", CLASSROOM)
def zero_is_positive(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.where(beta1 * m + (1 - beta1) * g >= 0, 1, -1).astype(g.dtype) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "the sign is smoothed: tanh in its place", SIGN, CLASSROOM)
def smooth(theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return np.tanh(beta1 * m + (1 - beta1) * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "the rate is scaled by the momentum", SIGN, "AiDotNet PR 431")
def rate_scaled(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    def along(m: Array, g: Array, theta: Array) -> Array:
        return (1 - beta1) * np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta

    return _lion(theta, grads, **options, beta2=beta2, along=along)


@mutant("lion", "the decay is a term of the gradient", SIGN, CLASSROOM)
def decay_in_the_gradient(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        g = gradient + weight_decay * theta
        iterates[t - 1] = theta = theta - rate * np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
    return iterates


@mutant("lion", "the decay is not multiplied by the rate", SIGN, CLASSROOM)
def decay_without_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, weight_decay: float
) -> Array:
    iterates, m = np.empty_like(grads), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        iterates[t - 1] = theta = theta - weight_decay * theta - rate * np.sign(beta1 * m + (1 - beta1) * gradient)
        m = beta2 * m + (1 - beta2) * gradient
    return iterates


@mutant("lion", "nothing decays", SIGN, CLASSROOM)
def lion_without_decay(
    theta: Array, grads: Array, *, beta1: float, beta2: float, weight_decay: float, **options: Any
) -> Array:
    return _lion(theta, grads, **options, beta2=beta2, along=lambda m, g, theta: np.sign(beta1 * m + (1 - beta1) * g))


MUTANTS: tuple[Mutant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
