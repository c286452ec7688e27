"""Right ways to step many coordinates, and to count many steps: in blocks, by tensors, fused, scanned, in chunks."""

from collections.abc import Callable
from functools import wraps
from math import sqrt
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, column, rates, shares, steps
from nnlaws.authoring.variant import SoundVariant, sound

BLOCK = 4096
TENSORS = 5


def in_blocks(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function, called with BLOCK coordinates at a time, through all steps."""

    @wraps(function)
    def run(*arguments: Array, **options: Any) -> Array:
        found = np.empty_like(arguments[-1])
        for at in range(0, found.shape[1], BLOCK):
            found[:, at : at + BLOCK] = function(*(each[..., at : at + BLOCK] for each in arguments), **options)
        return found

    return run


def _tensors(x: Array) -> list[Array]:
    """The coordinates of a model's tensors, of which the first are the larger ones."""
    return np.array_split(x, TENSORS, axis=-1)


def _scanned(values: Array, beta: float) -> Array:
    """Averages of all steps, from those of the last 1, 2, 4 ... of them."""
    sums, reach = (1 - beta) * values, 1
    while reach < len(values):
        sums = np.concatenate([sums[:reach], sums[reach:] + beta**reach * sums[:-reach]])
        reach *= 2
    return sums


# --- averages ---


@sound("exponential_average")
@stored
@in_blocks
def interpolated_in_blocks(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Blocks of 4096 coordinates, v + c (x − v) in place, and β^t from β^{t−1}, as a fused kernel with lerp."""
    averages, average, power = np.empty_like(values), np.zeros_like(values[0]), 1.0
    for t, value in enumerate(values):
        average += (1 - beta) * (value - average)
        power *= beta
        averages[t] = average / (1 - power) if bias_correction else average
    return averages


@sound("exponential_average")
@stored
def scanned(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Sums of the last 1, 2, 4 ... steps, each from two of half as many, as JAX's associative_scan."""
    averages = _scanned(values, beta)
    return averages / shares(beta, values) if bias_correction else averages


@sound("exponential_average")
@stored
def in_chunks_of_steps(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """32 steps by one matrix of weights, and β^k times what the chunk before left, as Mamba-2 takes a sequence."""
    averages, left = np.empty_like(values), np.zeros_like(values[0])
    age = np.arange(32)[:, None] - np.arange(32)
    weights = np.tril((1 - beta) * beta ** np.maximum(age, 0).astype(np.float64)).astype(values.dtype)
    old = column([beta**k for k in range(1, 33)], values)
    for at in range(0, len(values), 32):
        chunk = values[at : at + 32]
        averages[at : at + 32] = (weights[: len(chunk), : len(chunk), None] * chunk).sum(axis=1) + old[
            : len(chunk)
        ] * left
        left = averages[at + len(chunk) - 1]
    return averages / shares(beta, values) if bias_correction else averages


# --- descent ---


@sound("gradient_descent")
@stored
@in_blocks
def descent_in_blocks(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    """Blocks of 4096 coordinates in place, as bitsandbytes' kernels take them."""
    iterates, at = np.empty_like(grads), theta.copy()
    for t, gradient, rate in steps(grads, learning_rate):
        at -= rate * gradient
        iterates[t - 1] = at
    return iterates


@sound("gradient_descent")
@stored
def descent_of_tensors(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    """Each step of 5 tensors by one operation over the list of them, as PyTorch's foreach."""
    iterates, at = np.empty_like(grads), _tensors(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        at = [part - rate * its for part, its in zip(at, _tensors(gradient), strict=True)]
        iterates[t - 1] = np.concatenate(at)
    return iterates


@sound("momentum")
@stored
@in_blocks
def momentum_in_blocks(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """Blocks of 4096 coordinates, θ and velocity in place, as a fused kernel."""
    iterates, at, velocity = np.empty_like(grads), theta.copy(), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        velocity *= beta
        velocity += (1 - beta) * gradient
        at -= rate * velocity
        iterates[t - 1] = at
    return iterates


@sound("momentum")
@stored
def velocities_scanned(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    """Velocities of the last 1, 2, 4 ... steps, and θ less the sum of all updates so far, as JAX's associative_scan."""
    updates = column(rates(learning_rate, grads), grads) * _scanned(grads, beta)
    return np.asarray(theta - updates.cumsum(axis=0))


# --- RMSprop ---


@sound("rmsprop")
@stored
@in_blocks
def rmsprop_in_blocks(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    """Blocks of 4096 coordinates, and times α and the reciprocal of √s + ε, as a fused kernel."""
    iterates, at, square = np.empty_like(grads), theta.copy(), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        square += (1 - beta) * (gradient * gradient - square)
        at -= gradient * (1 / (np.sqrt(square) + eps)) * rate
        iterates[t - 1] = at
    return iterates


# --- Adam, and AdamW, which decays by λ first ---


def _fused(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> Array:
    """In place; what is made of the options alone is one number a step, and reciprocals are multiplied."""
    iterates, at, m, v = np.empty_like(grads), theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient, rate in steps(grads, learning_rate):
        m += (1 - beta1) * (gradient - m)
        v *= beta2
        v += gradient * gradient * (1 - beta2)
        size, share = rate / (1 - beta1**t), 1 / sqrt(1 - beta2**t)
        at *= 1 - rate * weight_decay
        at -= size * (m * (1 / (np.sqrt(v) * share + eps)))
        iterates[t - 1] = at
    return iterates


def _foreach(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> Array:
    """Every operation over a list of tensors; the step is a number in float32."""
    iterates, at, step = np.empty_like(grads), _tensors(theta), np.float32(0)
    first, second = ([np.zeros_like(part) for part in at] for _ in range(2))
    for t, gradient, rate in steps(grads, learning_rate):
        step += np.float32(1)
        now = _tensors(gradient)
        first = [m + (1 - beta1) * (g - m) for m, g in zip(first, now, strict=True)]
        second = [beta2 * v + (1 - beta2) * g * g for v, g in zip(second, now, strict=True)]
        share1, share2 = (1 - beta ** float(step) for beta in (beta1, beta2))
        roots = [np.sqrt(v) / sqrt(share2) + eps for v in second]
        at = [part * (1 - rate * weight_decay) for part in at]
        at = [part - rate / share1 * (m / root) for part, m, root in zip(at, first, roots, strict=True)]
        iterates[t - 1] = np.concatenate(at)
    return iterates


@sound("adam")
@stored
@in_blocks
def fused_in_blocks(theta: Array, grads: Array, **options: Any) -> Array:
    """Blocks of 4096 coordinates through all steps, in place, times reciprocals, as bitsandbytes' kernels."""
    return _fused(theta, grads, **options)


@sound("adam")
@stored
def step_in_float32(theta: Array, grads: Array, **options: Any) -> Array:
    """5 tensors by one operation over the list of them, and the step counted in float32, as PyTorch's foreach."""
    return _foreach(theta, grads, **options)


@sound("adam")
@stored
def step_in_int64(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """All coordinates at once, the step counted in int64, as Keras' iterations; β^t in double."""
    iterates, m, v, step = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta), np.int64(0)
    for t, gradient, rate in steps(grads, learning_rate):
        step += 1
        m = m + (gradient - m) * (1 - beta1)
        v = v + (gradient * gradient - v) * (1 - beta2)
        share1, share2 = (1 - float(np.power(beta, step, dtype=np.float64)) for beta in (beta1, beta2))
        iterates[t - 1] = theta = theta - rate * (m / share1) / (np.sqrt(v / share2) + eps)
    return iterates


@sound("adam")
@stored
def moments_scanned(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """Moments of the last 1, 2, 4 ... steps, and θ less the sum of all updates so far, as JAX's associative_scan."""
    m, v = _scanned(grads, beta1) / shares(beta1, grads), _scanned(grads * grads, beta2) / shares(beta2, grads)
    updates = column(rates(learning_rate, grads), grads) * (m / (np.sqrt(v) + eps))
    return np.asarray(theta - updates.cumsum(axis=0))


@sound("adam", hyperparameters="working")
@stored
def running_products_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """β^t from β^{t−1} in the type computed in, as TensorFlow 1's beta1_power, and 1 − β₁^t folded into the rate."""
    kind, iterates, m, v = theta.dtype.type, np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    power1, power2 = one, one
    for t, gradient, rate in steps(grads, learning_rate):
        power1, power2 = power1 * old1, power2 * old2
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        root = np.sqrt(v) / np.sqrt(one - power2) + kind(eps)
        iterates[t - 1] = theta = theta - kind(rate) / (one - power1) * m / root
    return iterates


@sound("adamw")
@stored
@in_blocks
def decayed_and_fused_in_blocks(theta: Array, grads: Array, **options: Any) -> Array:
    """Blocks of 4096 coordinates through all steps, θ(1 − αλ) in place, times reciprocals, as a fused kernel."""
    return _fused(theta, grads, **options)


@sound("adamw")
@stored
def decayed_tensors(theta: Array, grads: Array, **options: Any) -> Array:
    """5 tensors by one operation over the list of them, and the step counted in float32, as PyTorch's foreach."""
    return _foreach(theta, grads, **options)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
