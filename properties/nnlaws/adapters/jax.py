"""JAX on CPU: jax.nn's softmax and log_softmax, the mean of Optax's cross entropy, jax.grad, under jit; jax.random."""

import jax
import numpy as np
import optax
from nnlaws_reference.dtypes import Array

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

description = (
    f"JAX {jax.__version__} on CPU: jax.nn.softmax, log_softmax, Optax {optax.__version__} softmax_cross_entropy, "
    "jax.grad, jax.jit, jax.random.uniform, randint, choice"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {"arithmetic": "narrow", "sample_integer.bounds": "half_open"}


def softmax(z: Array) -> Array:
    return np.asarray(_softmax(z))


def log_softmax(z: Array) -> Array:
    return np.asarray(_log_softmax(z))


def cross_entropy(z: Array, y: Array) -> Array:
    return np.asarray(_cross_entropy(z, y))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    return np.asarray(_gradient(z, y))


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.uniform(jax.random.key(seed), (size,), np.float64, low, high))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.randint(jax.random.key(seed), (size,), low, high))


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.choice(jax.random.key(seed), len(weights), (size,), p=weights / weights.sum()))


def _loss(z: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy(z, y).mean()


_softmax = jax.jit(jax.nn.softmax)
_log_softmax = jax.jit(jax.nn.log_softmax)
_cross_entropy = jax.jit(_loss)
_gradient = jax.jit(jax.grad(_loss))
