"""JAX on CPU: jax.nn's softmax and log_softmax, the mean of Optax's cross entropy, jax.grad, under jit; jax.random."""

from typing import Any

import jax
import numpy as np
import optax
from nnlaws_reference.dtypes import Array

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

description = (
    f"JAX {jax.__version__} on CPU: jax.nn.softmax, log_softmax, jax.grad, jax.jit, jax.random.uniform, randint and "
    f"choice; Optax {optax.__version__} softmax_cross_entropy, softmax_cross_entropy_with_integer_labels, "
    "smooth_labels, sigmoid_binary_cross_entropy"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "arithmetic": "narrow",
    "label_losses.normalisation": "lse",
    "label_losses_gradient.normalisation": "lse",
    "label_cross_entropy.normalisation": "lse",
    "label_cross_entropy_gradient.normalisation": "lse",
    "sigmoid_losses_gradient.sigmoid_form": "cancelling",
    "sample_integer.bounds": "half_open",
}


def softmax(z: Array) -> Array:
    return np.asarray(_softmax(z))


def log_softmax(z: Array) -> Array:
    return np.asarray(_log_softmax(z))


def cross_entropy(z: Array, y: Array) -> Array:
    return np.asarray(_cross_entropy(z, y))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    return np.asarray(_gradient(z, y))


def label_losses(z: Array, labels: Array, *, label_smoothing: float | None = None) -> Array:
    return np.asarray(_label_losses(z, labels, label_smoothing))


def label_losses_gradient(z: Array, labels: Array, upstream: Array, *, label_smoothing: float | None = None) -> Array:
    return np.asarray(_label_losses_gradient(z, labels, upstream, label_smoothing))


def label_cross_entropy(z: Array, labels: Array, *, label_smoothing: float | None = None) -> Array:
    return np.asarray(_label_cross_entropy(z, labels, label_smoothing))


def label_cross_entropy_gradient(z: Array, labels: Array, *, label_smoothing: float | None = None) -> Array:
    return np.asarray(_label_cross_entropy_gradient(z, labels, label_smoothing))


def sigmoid_losses(z: Array, y: Array) -> Array:
    return np.asarray(_sigmoid_losses(z, y))


def sigmoid_losses_gradient(z: Array, y: Array, upstream: Array) -> Array:
    return np.asarray(_sigmoid_losses_gradient(z, y, upstream))


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.uniform(jax.random.key(seed), (size,), np.float64, low, high))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.randint(jax.random.key(seed), (size,), low, high))


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    return np.asarray(jax.random.choice(jax.random.key(seed), len(weights), (size,), p=weights / weights.sum()))


def _loss(z: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy(z, y).mean()


def _losses(z: jax.Array, labels: jax.Array, label_smoothing: Any) -> jax.Array:
    if label_smoothing is None:
        return optax.softmax_cross_entropy_with_integer_labels(z, labels)
    hot = jax.nn.one_hot(labels, z.shape[-1], dtype=z.dtype)
    return optax.softmax_cross_entropy(z, optax.smooth_labels(hot, label_smoothing))


def _weighed(z: jax.Array, labels: jax.Array, upstream: jax.Array, label_smoothing: Any) -> jax.Array:
    return (_losses(z, labels, label_smoothing) * upstream).sum()


def _mean(z: jax.Array, labels: jax.Array, label_smoothing: Any) -> jax.Array:
    return _losses(z, labels, label_smoothing).mean()


def _of_sigmoids(z: jax.Array, y: jax.Array, upstream: jax.Array) -> jax.Array:
    return (optax.sigmoid_binary_cross_entropy(z, y) * upstream).sum()


_softmax = jax.jit(jax.nn.softmax)
_log_softmax = jax.jit(jax.nn.log_softmax)
_cross_entropy = jax.jit(_loss)
_gradient = jax.jit(jax.grad(_loss))
_label_losses = jax.jit(_losses)
_label_losses_gradient = jax.jit(jax.grad(_weighed))
_label_cross_entropy = jax.jit(_mean)
_label_cross_entropy_gradient = jax.jit(jax.grad(_mean))
_sigmoid_losses = jax.jit(optax.sigmoid_binary_cross_entropy)
_sigmoid_losses_gradient = jax.jit(jax.grad(_of_sigmoids))
