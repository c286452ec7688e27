"""Batch norm of Flax's linen, under jit: its γ and β are params, its averages batch_stats."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen

from nnlaws.native import jitted
from nnlaws.native.names import Unrecognised

STATE = {"params": ("scale", "bias"), "batch_stats": ("mean", "var")}
NEEDED = ("epsilon", "momentum", "dtype", "param_dtype")


def batch_norm(factory: Callable[..., linen.Module], **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(dtype=…, param_dtype=…, epsilon=…, momentum=…)`, called with
    `use_running_average`, whose variables are params' scale and bias, and batch_stats' mean and var. Its momentum is
    the weight of the old statistics, as decay is. declared: description, dtypes, conventions.
    """

    def made(z: Any, **options: Any) -> linen.Module:
        return factory(dtype=z.dtype, param_dtype=z.dtype, **options)

    def start(z: Any) -> tuple[Any, Any]:
        averages = _variables(made(z), z)["batch_stats"]
        return averages["mean"], averages["var"]

    def train(z: Any, gamma: Any, beta: Any, state: tuple[Any, Any], eps: Any, decay: Any) -> tuple[Any, Any]:
        layer, given = made(z, epsilon=eps, momentum=decay), _given(gamma, beta, *state)
        out, changed = layer.apply(given, z, use_running_average=False, mutable=["batch_stats"])
        return out, (changed["batch_stats"]["mean"], changed["batch_stats"]["var"])

    def infer(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: Any) -> Any:
        return made(z, epsilon=eps).apply(_given(gamma, beta, mean, var), z, use_running_average=True)

    return jitted.batch_norm(jitted.Layer(start, train, lambda state, decay: state, infer), **declared)


def probe(factory: Callable[..., linen.Module]) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    found = _variables(factory(), jnp.zeros((1, 3)))
    absent = [f"{name} in {kind}" for kind, names in STATE.items() for name in names if name not in found.get(kind, {})]
    if absent:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected a layer with params scale and bias, and "
                           "batch_stats mean and var")  # fmt: skip


def _variables(layer: linen.Module, z: Any) -> Any:
    return layer.init(jax.random.key(0), z, use_running_average=False)


def _given(gamma: Any, beta: Any, mean: Any, var: Any) -> dict[str, dict[str, Any]]:
    return {"params": {"scale": gamma, "bias": beta}, "batch_stats": {"mean": mean, "var": var}}
