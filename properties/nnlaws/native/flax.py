"""Batch norm of Flax's nnx, under jit: a layer as its library makes it, called as the four operations."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, parameters, told

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

Factory = Callable[..., Any]
STATE = ("scale", "bias", "mean", "var")
NEEDED = ("epsilon", "momentum", "rngs")


def batch_norm(factory: Factory, **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, dtype=…, param_dtype=…, epsilon=…, momentum=…, rngs=…)`, with
    scale, bias, mean and var. Its momentum is the weight of the old statistics, as decay is. declared: description,
    dtypes, conventions.
    """

    def layer(z: jax.Array, **options: Any) -> Any:
        made = factory(z.shape[-1], dtype=z.dtype, param_dtype=z.dtype, rngs=nnx.Rngs(0), **options)
        made.train()
        return made

    @partial(jax.jit)
    def trained(z: jax.Array, gamma: jax.Array, beta: jax.Array, eps: jax.Array) -> tuple[jax.Array, ...]:
        made = layer(z, epsilon=eps, momentum=0.0)
        made.scale[...], made.bias[...] = gamma, beta
        return made(z), made.mean[...], made.var[...]

    @partial(jax.jit)
    def pulled(dout: jax.Array, z: jax.Array, gamma: jax.Array, eps: jax.Array) -> tuple[jax.Array, ...]:
        def forward(z: jax.Array, gamma: jax.Array, beta: jax.Array) -> Any:
            made = layer(z, epsilon=eps)
            made.scale[...], made.bias[...] = gamma, beta
            return made(z)

        found: Any = jax.vjp(forward, z, gamma, jnp.zeros_like(gamma))
        return tuple(found[1](dout))

    @partial(jax.jit)
    def updated(mean: jax.Array, var: jax.Array, batch: jax.Array, decay: jax.Array) -> tuple[jax.Array, ...]:
        made = layer(batch, momentum=decay)
        made.mean[...], made.var[...] = mean, var
        made(batch)
        return made.mean[...], made.var[...]

    @partial(jax.jit)
    def inferred(z: jax.Array, state: tuple[jax.Array, ...], eps: jax.Array) -> Any:
        made = layer(z, epsilon=eps)
        made.eval()
        made.scale[...], made.bias[...] = state[:2]
        made.mean.set_value(state[2])  # as a checkpoint would; made.mean[...] = mean would round float64 to float32
        made.var.set_value(state[3])
        return made(z)

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        out, mean, var = trained(z, gamma, beta, eps)
        return np.asarray(out), _like(mean, z), _like(var, z)

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, ...]:
        return tuple(map(np.asarray, pulled(dout, z, gamma, eps)))

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        new = layer(jnp.zeros((0, batches.shape[-1]), batches.dtype))
        mean, var = new.mean[...], new.var[...]
        for batch in batches:
            mean, var = updated(mean, var, batch, decay)
        return _like(mean, batches), _like(var, batches)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        return np.asarray(inferred(z, (gamma, beta, mean, var), eps))

    return SimpleNamespace(
        **declared,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


def _like(x: Any, like: Array) -> Array:
    return np.asarray(x).astype(like.dtype)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer class of nnx that is batch norm; None for whatever else."""
    if not inspect.isclass(found) or not issubclass(found, nnx.Module):
        return None
    there = parameters(found.__init__)  # the class itself takes whatever there is
    lacking = [each for each in NEEDED if each not in there]
    if lacking:
        raise Unrecognised(f"its parameters are {', '.join(there)}; of batch norm's it has no {', '.join(lacking)}")
    left_to_laws(given, {*NEEDED})
    factory: Any = partial(found, **given) if given else found
    probe = factory(3, rngs=nnx.Rngs(0))
    absent = [each for each in STATE if getattr(probe, each, None) is None]
    if absent:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected a layer with {', '.join(STATE)}")
    lines = ("taken for batch norm, its momentum the weight of the old", *told(given))
    return batch_norm(factory, recognised=lines, insisted=True, description=f"Flax {flax.__version__}")
