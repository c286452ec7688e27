"""Batch norm of Haiku, under jit: hk.transform_with_state of a function that makes a layer and calls it."""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from nnlaws.native import jitted
from nnlaws.native.names import Keywords, Unrecognised

NEEDED = ("create_scale", "create_offset", "decay_rate", "eps")
PARAMETERS, AVERAGES = ("scale", "offset"), ("mean_ema", "var_ema")


def batch_norm(factory: Callable[..., hk.Module], **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(create_scale=True, create_offset=True, decay_rate=…, eps=…)`,
    called with `is_training`, whose parameters are scale and offset, and whose state has mean_ema and var_ema. Its
    decay_rate is the weight of the old statistics, as decay is. declared: description, dtypes, conventions.
    """

    def made(eps: Any, decay: Any) -> hk.TransformedWithState:
        def forward(z: Any, is_training: bool) -> Any:
            return factory(create_scale=True, create_offset=True, decay_rate=decay, eps=eps)(z, is_training=is_training)

        return hk.transform_with_state(forward)

    def start(z: Any) -> Any:
        return made(1e-5, 0.5).init(jax.random.key(0), z, True)[1]

    def given(z: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Parameters and state as they are initialised, with these in place of the parameters."""
        parameters, state = made(1e-5, 0.5).init(jax.random.key(0), z, True)
        return _put(_put(parameters, "scale", gamma), "offset", beta), state

    def train(z: Any, gamma: Any, beta: Any, state: Any, eps: Any, decay: Any) -> tuple[Any, Any]:
        out, after = made(eps, decay).apply(given(z, gamma, beta)[0], state, None, z, True)
        return out, after

    def averages(state: Any, decay: Any) -> tuple[Any, Any]:
        return _average(state, "mean_ema"), _average(state, "var_ema")

    def infer(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: Any) -> Any:
        parameters, state = given(z, gamma, beta)
        for kept, value in (("mean_ema", mean), ("var_ema", var)):
            state = {**state, **_put({key: each for key, each in state.items() if _ends(key, kept)}, "average", value)}
        return made(eps, 0.5).apply(parameters, state, None, z, False)[0]

    return jitted.batch_norm(jitted.Layer(start, train, averages, infer), **declared)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A module class of Haiku that is batch norm; None for whatever else."""
    if not inspect.isclass(found) or not issubclass(found, hk.Module):
        return None
    return jitted.recognised(found, found, given, NEEDED, probe, batch_norm, f"Haiku {hk.__version__}")


def probe(factory: Callable[..., hk.Module]) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    made = hk.transform_with_state(
        lambda z: factory(create_scale=True, create_offset=True, decay_rate=0.5, eps=1e-5)(z, is_training=True)
    )
    parameters, state = made.init(jax.random.key(0), jnp.ones((2, 3)))
    names = {name for each in parameters.values() for name in each}
    absent = [name for name in PARAMETERS if name not in names]
    absent += [kept for kept in AVERAGES if sum(_ends(key, kept) for key in state) != 1]
    if absent:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected parameters scale and offset, and in the state "
                           "mean_ema and var_ema, one of each")  # fmt: skip


def _ends(key: str, kept: str) -> bool:
    return key.rpartition("/")[2] == kept


def _put(tree: Mapping[str, Mapping[str, Any]], name: str, value: Any) -> dict[str, dict[str, Any]]:
    """The same, with a value of the same shape and dtype in place of whatever is called so."""
    return {
        key: {each: value.reshape(old.shape).astype(old.dtype) if each == name else old for each, old in inner.items()}
        for key, inner in tree.items()
    }


def _average(state: Any, kept: str) -> Any:
    (found,) = (inner["average"] for key, inner in state.items() if _ends(key, kept))
    return found.reshape(-1)
