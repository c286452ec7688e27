"""Flax on CPU: nnx.BatchNorm as it is by default, and with use_fast_variance=False, the target `two_pass`; under jit.

So is a layer of nnx.Linear and nnx.BatchNorm.

The layer's dtype and its parameters' are the arguments'. Flax keeps the running averages in float32, whatever the
dtype. Its momentum is the weight of the old statistics, as decay is.
"""

from functools import partial
from types import SimpleNamespace

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from nnlaws_reference.dtypes import Array

from nnlaws.native.flax import batch_norm

dtypes = ("float32", "float64", "float16", "bfloat16")
NARROW = ("batch_norm_backward", "batch_norm_inference", "batch_norm_layer", "batch_norm_layer_backward")


def _target(*, fast: bool) -> SimpleNamespace:
    """What a target declares, and its operations."""

    def batch_norm_layer(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
        return np.asarray(_compiled_dense(x, W, b, gamma, beta, eps, fast=fast))

    def batch_norm_layer_backward(
        dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float
    ) -> tuple[Array, ...]:
        return tuple(map(np.asarray, _dense_backward(dout, x, W, b, gamma, eps, fast=fast)))

    about = f"Flax {flax.__version__} on CPU: nnx.BatchNorm(use_fast_variance={fast}), nnx.Linear, jax.vjp, jax.jit"
    target = batch_norm(
        partial(nnx.BatchNorm, use_fast_variance=fast),
        description=about,
        dtypes=dtypes,
        conventions={
            **{f"{operation}.arithmetic": "narrow" for operation in NARROW},
            **({"variance": "one_pass"} if fast else {}),
        },
    )
    target.batch_norm_layer, target.batch_norm_layer_backward = batch_norm_layer, batch_norm_layer_backward
    return target


def _dense(
    x: jax.Array, W: jax.Array, b: jax.Array, gamma: jax.Array, beta: jax.Array, eps: jax.Array, *, fast: bool
) -> jax.Array:
    n, k = W.shape
    linear = nnx.Linear(k, n, dtype=x.dtype, param_dtype=x.dtype, rngs=nnx.Rngs(0))
    linear.kernel[...], linear.bias[...] = W.T, b
    z = linear(x)
    layer = nnx.BatchNorm(n, dtype=z.dtype, param_dtype=z.dtype, epsilon=eps, use_fast_variance=fast, rngs=nnx.Rngs(0))
    layer.scale[...], layer.bias[...] = gamma, beta
    return layer(z)


_compiled_dense = jax.jit(_dense, static_argnames="fast")


@partial(jax.jit, static_argnames="fast")
def _dense_backward(
    dout: jax.Array, x: jax.Array, W: jax.Array, b: jax.Array, gamma: jax.Array, eps: jax.Array, *, fast: bool
) -> tuple[jax.Array, ...]:
    _, pull_back = jax.vjp(partial(_dense, eps=eps, fast=fast), x, W, b, gamma, jnp.zeros_like(gamma))
    return tuple(pull_back(dout))


one_pass = _target(fast=True)
two_pass = _target(fast=False)
