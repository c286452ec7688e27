"""JAX on CPU: jax.nn's softmax and log_softmax, the mean of Optax's cross entropy, jax.grad, under jit; jax.random."""

from typing import Any

import jax
import numpy as np
import optax
from nnlaws_reference.dtypes import Array

from nnlaws.native import labels
from nnlaws.native.jax import KIT

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

description = (
    f"JAX {jax.__version__} on CPU: jax.nn.softmax, log_softmax, jax.grad, jax.jit, jax.random.uniform, randint; Optax "
    f"{optax.__version__} softmax_cross_entropy, softmax_cross_entropy_with_integer_labels, smooth_labels, "
    "sigmoid_binary_cross_entropy"
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


def _loss(z: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy(z, y).mean()


def _each(z: Any, labels: Any, label_smoothing: float | None = None) -> Any:
    if label_smoothing is None:
        return optax.softmax_cross_entropy_with_integer_labels(z, labels)
    return optax.softmax_cross_entropy(
        z, optax.smooth_labels(jax.nn.one_hot(labels, z.shape[-1], dtype=z.dtype), label_smoothing)
    )


def _mean(z: Any, labels: Any, label_smoothing: float | None = None) -> Any:
    return _each(z, labels, label_smoothing).mean()


_labelled = labels.label_losses(KIT, jax.jit(_each), jax.jit(_mean), ("label_smoothing",))
label_losses = _labelled.label_losses
label_losses_gradient = _labelled.label_losses_gradient
label_cross_entropy = _labelled.label_cross_entropy
label_cross_entropy_gradient = _labelled.label_cross_entropy_gradient
_sigmoids = labels.sigmoid_losses(KIT, jax.jit(optax.sigmoid_binary_cross_entropy))
sigmoid_losses = _sigmoids.sigmoid_losses
sigmoid_losses_gradient = _sigmoids.sigmoid_losses_gradient
_softmax = jax.jit(jax.nn.softmax)
_log_softmax = jax.jit(jax.nn.log_softmax)
_cross_entropy = jax.jit(_loss)
_gradient = jax.jit(jax.grad(_loss))
