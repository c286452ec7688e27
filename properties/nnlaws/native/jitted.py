"""Batch norm of JAX's libraries, under jit: a layer as pure functions, called as the four operations."""

from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.probed import Factory, recognised

__all__ = ["Factory", "Layer", "batch_norm", "recognised"]

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

State = Any


class Layer(NamedTuple):
    """A batch norm as pure functions of JAX's arrays: z (m, n); gamma, beta, mean, var (n,); numbers eps and decay, the
    weight of the old statistics. The state is whatever the library keeps.

    start(z): the state of a layer that was just made, for input like z. train(z, gamma, beta, state, eps, decay): the
    output, and the state after it. averages(state, decay): the mean and the variance that inference normalises by.
    infer(z, gamma, beta, mean, var, eps): the output by these. at_0(state): the state with averages of 0, where a new
    value is not kept as it is, but its difference from them added.
    """

    start: Callable[[Any], State]
    train: Callable[..., tuple[Any, State]]
    averages: Callable[[State, Any], tuple[Any, Any]]
    infer: Callable[..., Any]
    at_0: Callable[[State], State] = lambda state: state


def batch_norm(layer: Layer, **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by a layer. declared: description, dtypes, conventions."""

    @lru_cache(maxsize=4096)
    def made(n: int, dtype: np.dtype[Any], wide: bool) -> State:
        return layer.start(jnp.zeros((1, n), dtype))

    def start(like: Array) -> State:
        return made(like.shape[-1], like.dtype, jax.config.jax_enable_x64)  # by which its counters are wide or not

    @partial(jax.jit)
    def trained(z: Any, gamma: Any, beta: Any, state: State, eps: Any, decay: Any) -> tuple[Any, ...]:
        out, after = layer.train(z, gamma, beta, state, eps, decay)
        return out, *layer.averages(after, decay)

    @partial(jax.jit)
    def pulled(dout: Any, z: Any, gamma: Any, state: State, eps: Any) -> tuple[Any, ...]:
        def forward(z: Any, gamma: Any, beta: Any) -> Any:
            return layer.train(z, gamma, beta, state, eps, 0.5)[0]

        _, pull_back = jax.vjp(forward, z, gamma, jnp.zeros_like(gamma))
        return tuple(pull_back(dout))

    @partial(jax.jit)
    def updated(state: State, batch: Any, decay: Any) -> State:
        gamma = jnp.ones(batch.shape[-1:], batch.dtype)
        return layer.train(batch, gamma, jnp.zeros_like(gamma), state, 1e-5, decay)[1]

    averages, inferred = jax.jit(layer.averages), jax.jit(layer.infer)

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        out, mean, var = trained(z, gamma, beta, layer.at_0(start(z)), eps, 0.0)
        if len(z) % 2:
            out, *_ = trained(z, gamma, beta, start(z), eps, 0.5)
        return np.asarray(out), _like(mean, z), _like(var, z)

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, ...]:
        return tuple(map(np.asarray, pulled(dout, z, gamma, start(z), eps)))

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        state = start(batches)
        for batch in batches:
            state = updated(state, batch, decay)
        mean, var = averages(state, decay)
        return _like(mean, batches), _like(var, batches)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        return np.asarray(inferred(z, gamma, beta, mean, var, eps))

    return SimpleNamespace(
        **declared,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


def _like(x: Any, like: Array) -> Array:
    """Averages in the input's dtype: some libraries keep them in float32, whatever that is."""
    return np.asarray(x).astype(like.dtype)
