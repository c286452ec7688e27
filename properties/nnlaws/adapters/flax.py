"""Flax on CPU: nnx.BatchNorm as it is by default, and with use_fast_variance=False, the target `two_pass`; under jit.

So is a layer of nnx.Linear and nnx.BatchNorm.

The layer's dtype and its parameters' are the arguments'. Flax keeps the running averages in float32, whatever the
dtype. Its momentum is the weight of the old statistics, as decay is.
"""

from functools import lru_cache, partial

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from nnlaws_reference.dtypes import Array

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64


class BatchNorm:
    """What a target declares, and its operations."""

    dtypes = ("float32", "float64", "float16", "bfloat16")

    def __init__(self, *, fast: bool) -> None:
        self.description = (
            f"Flax {flax.__version__} on CPU: nnx.BatchNorm(use_fast_variance={fast}), nnx.Linear, jax.vjp, jax.jit"
        )
        narrow = ("batch_norm_backward", "batch_norm_inference", "batch_norm_layer", "batch_norm_layer_backward")
        self.conventions = {f"{operation}.arithmetic": "narrow" for operation in narrow}
        if fast:
            self.conventions["variance"] = "one_pass"
        self.fast = fast

    def batch_norm_train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        out, mean, var = _train(z, gamma, beta, eps, fast=self.fast)
        return np.asarray(out), _narrow(mean, z), _narrow(var, z)

    def batch_norm_backward(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        dz, dgamma, dbeta = _backward(dout, z, gamma, eps, fast=self.fast)
        return np.asarray(dz), np.asarray(dgamma), np.asarray(dbeta)

    def batch_norm_running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        mean, var = _start(batches.shape[-1], batches.dtype)
        for batch in batches:
            mean, var = _update(mean, var, batch, decay, fast=self.fast)
        return _narrow(mean, batches), _narrow(var, batches)

    def batch_norm_inference(
        self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
    ) -> Array:
        return np.asarray(_compiled_inference(z, gamma, beta, mean, var, eps))

    def batch_norm_layer(self, x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
        return np.asarray(_compiled_dense(x, W, b, gamma, beta, eps, fast=self.fast))

    def batch_norm_layer_backward(
        self, dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float
    ) -> tuple[Array, ...]:
        return tuple(map(np.asarray, _dense_backward(dout, x, W, b, gamma, eps, fast=self.fast)))


def _layer(z: jax.Array, **options: float | jax.Array) -> nnx.BatchNorm:
    return nnx.BatchNorm(z.shape[-1], dtype=z.dtype, param_dtype=z.dtype, rngs=nnx.Rngs(0), **options)


@lru_cache(maxsize=64)
def _start(n: int, dtype: np.dtype) -> tuple[jax.Array, jax.Array]:
    """The averages of a new layer."""
    layer = _layer(jnp.zeros((0, n), dtype))
    return layer.mean[...], layer.var[...]


@partial(jax.jit, static_argnames="fast")
def _train(
    z: jax.Array, gamma: jax.Array, beta: jax.Array, eps: jax.Array, *, fast: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    layer = _layer(z, epsilon=eps, momentum=0.0, use_fast_variance=fast)
    layer.scale[...], layer.bias[...] = gamma, beta
    return layer(z), layer.mean[...], layer.var[...]


@partial(jax.jit, static_argnames="fast")
def _backward(
    dout: jax.Array, z: jax.Array, gamma: jax.Array, eps: jax.Array, *, fast: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    def forward(z: jax.Array, gamma: jax.Array, beta: jax.Array) -> jax.Array:
        layer = _layer(z, epsilon=eps, use_fast_variance=fast)
        layer.scale[...], layer.bias[...] = gamma, beta
        return layer(z)

    _, pull_back = jax.vjp(forward, z, gamma, jnp.zeros_like(gamma))
    dz, dgamma, dbeta = pull_back(dout)
    return dz, dgamma, dbeta


@partial(jax.jit, static_argnames="fast")
def _update(
    mean: jax.Array, var: jax.Array, batch: jax.Array, decay: jax.Array, *, fast: bool
) -> tuple[jax.Array, jax.Array]:
    layer = _layer(batch, momentum=decay, use_fast_variance=fast)
    layer.mean[...], layer.var[...] = mean, var
    layer(batch)
    return layer.mean[...], layer.var[...]


def _inference(
    z: jax.Array, gamma: jax.Array, beta: jax.Array, mean: jax.Array, var: jax.Array, eps: jax.Array
) -> jax.Array:
    layer = _layer(z, epsilon=eps)
    layer.scale[...], layer.bias[...] = gamma, beta
    layer.mean.set_value(mean)  # as a checkpoint would; layer.mean[...] = mean would round float64 to float32
    layer.var.set_value(var)
    return layer(z, use_running_average=True)


_compiled_inference = jax.jit(_inference)


def _dense(
    x: jax.Array, W: jax.Array, b: jax.Array, gamma: jax.Array, beta: jax.Array, eps: jax.Array, *, fast: bool
) -> jax.Array:
    n, k = W.shape
    linear = nnx.Linear(k, n, dtype=x.dtype, param_dtype=x.dtype, rngs=nnx.Rngs(0))
    linear.kernel[...], linear.bias[...] = W.T, b
    z = linear(x)
    layer = _layer(z, epsilon=eps, use_fast_variance=fast)
    layer.scale[...], layer.bias[...] = gamma, beta
    return layer(z)


_compiled_dense = jax.jit(_dense, static_argnames="fast")


@partial(jax.jit, static_argnames="fast")
def _dense_backward(
    dout: jax.Array, x: jax.Array, W: jax.Array, b: jax.Array, gamma: jax.Array, eps: jax.Array, *, fast: bool
) -> tuple[jax.Array, ...]:
    _, pull_back = jax.vjp(partial(_dense, eps=eps, fast=fast), x, W, b, gamma, jnp.zeros_like(gamma))
    return tuple(pull_back(dout))


def _narrow(x: jax.Array, like: Array) -> Array:
    return np.asarray(x).astype(like.dtype)


one_pass = BatchNorm(fast=True)
two_pass = BatchNorm(fast=False)
