"""Keras on CPU: BatchNormalization and optimizers, by the backend that the variable KERAS_BACKEND names, or PyTorch.

The layer and its variables have the arguments' dtype. Its momentum is the weight of the old statistics, as decay is.
"""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from nnlaws_reference.dtypes import Array

from nnlaws.adapters import keras_optimizers
from nnlaws.adapters.kept import kept
from nnlaws.adapters.keras_arrays import array, tensor

_BACKEND = keras.backend.backend()

description = (
    f"Keras {keras.__version__} on {_BACKEND}, CPU: layers.BatchNormalization, its automatic derivative, and optimizers"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "batch_norm_running.arithmetic": "narrow",  # the averages are rounded to the dtype after every batch
    **keras_optimizers.conventions,
}
if _BACKEND == "torch":
    conventions["variance"] = "one_pass"
if _BACKEND == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64


def batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    layer = _layer(z, gamma, beta, epsilon=eps, momentum=0.0)
    out = layer(tensor(z), training=True)
    return array(out), array(layer.moving_mean), array(layer.moving_variance)


def batch_norm_backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
    layer = _layer(z, gamma, epsilon=eps)
    dz, dgamma, dbeta = _GRADIENTS[_BACKEND](layer, tensor(z), tensor(dout))
    return array(dz), array(dgamma), array(dbeta)


def batch_norm_running(batches: Array, *, decay: float) -> tuple[Array, Array]:
    layer = _layer(batches, momentum=decay)
    for batch in batches:
        layer(tensor(batch), training=True)
    return array(layer.moving_mean), array(layer.moving_variance)


def batch_norm_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    layer = _layer(z, gamma, beta, mean, var, epsilon=eps)
    return array(layer(tensor(z), training=False))


exponential_average = keras_optimizers.exponential_average
gradient_descent = keras_optimizers.gradient_descent
momentum = keras_optimizers.momentum
rmsprop = keras_optimizers.rmsprop
adam = keras_optimizers.adam
adamw = keras_optimizers.adamw
inverse_time_decay = keras_optimizers.inverse_time_decay
exponential_decay = keras_optimizers.exponential_decay
staircase_decay = keras_optimizers.staircase_decay


def _layer(z: Array, *variables: Array, **options: float) -> keras.layers.BatchNormalization:
    """A layer as if new; its first variables, in the order gamma, beta, mean, variance, are set to those given."""
    layer, start = _built(z.shape[-1], z.dtype.name, **options)
    for variable, value in zip(layer.variables, start, strict=True):
        variable.assign(value)
    for variable, value in zip(layer.variables, variables, strict=False):
        variable.assign(tensor(value))
    return layer


@kept(1024)  # building a layer takes longer than anything that is done with it here
def _built(n: int, dtype: str, **options: float) -> tuple[keras.layers.BatchNormalization, list[Any]]:
    """A layer, and what its variables are at first."""
    layer = keras.layers.BatchNormalization(dtype=dtype, **options)
    layer.build((None, n))
    return layer, [keras.ops.copy(variable.value) for variable in layer.variables]


def _torch_gradients(layer: keras.layers.BatchNormalization, x: Any, dout: Any) -> tuple[Any, ...]:
    import torch

    out = layer(x.requires_grad_(), training=True)
    gradients: tuple[Any, ...] = torch.autograd.grad(out, (x, layer.gamma.value, layer.beta.value), dout)
    return gradients


def _tensorflow_gradients(layer: keras.layers.BatchNormalization, x: Any, dout: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x, training=True)
    return tuple(tape.gradient(out, (x, layer.gamma.value, layer.beta.value), output_gradients=dout))


def _jax_gradients(layer: keras.layers.BatchNormalization, x: Any, dout: Any) -> tuple[Any, ...]:
    def forward(x: Any, *parameters: Any) -> Any:
        averages = [variable.value for variable in layer.non_trainable_variables]
        out, _ = layer.stateless_call(parameters, averages, x, training=True)
        return out

    _, pull_back = jax.vjp(forward, x, layer.gamma.value, layer.beta.value)
    return tuple(pull_back(dout))


_GRADIENTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "torch": _torch_gradients,
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
}
