"""Batch norm of Equinox, under jit and vmap, in both of its modes.

In mode "ema" the layer normalises by its running averages in training too. The first batch makes these its own
statistics: training and the backward pass are those of the first batch. In mode "batch" it keeps sums that inference
divides by 1 − momentumᵗ: what counts as its averages is what inference normalises by.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from nnlaws.native import jitted
from nnlaws.native.names import Keywords, Unrecognised

NEEDED = ("axis_name", "eps", "momentum", "dtype")
AXIS = "samples"
Averages = tuple[Any, Any]


def batch_norm(factory: Callable[..., Any], **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, axis_name=…, eps=…, momentum=…, dtype=…)`, with weight and
    bias, that keeps ema_state_index and ema_first_time_index, or batch_state_index and batch_counter. Its momentum is
    the weight of the old statistics, as decay is. declared: description, dtypes, conventions.
    """

    def start(z: Any) -> tuple[Any, Averages]:
        return _kept(*_made(factory, z))

    def train(z: Any, gamma: Any, beta: Any, kept: Any, eps: Any, decay: Any) -> tuple[Any, Any]:
        layer, state = _made(factory, z, eps=eps, momentum=decay)
        out, after = _called(_learnt(layer, gamma, beta), _with(layer, state, kept), z, inference=False)
        return out, _kept(layer, after)

    def averages(kept: tuple[Any, Averages], decay: Any) -> Averages:
        return _used(*kept, decay)

    def infer(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: Any) -> Any:
        layer, state = _made(factory, z, eps=eps)
        before = _with(layer, state, (_unmoved(layer), (mean, var)))
        return _called(_learnt(layer, gamma, beta), before, z, inference=True)[0]

    return jitted.batch_norm(jitted.Layer(start, train, averages, infer), **declared)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A module class of Equinox that is batch norm; None for whatever else."""
    if not inspect.isclass(found) or not issubclass(found, eqx.Module):
        return None
    made = jitted.recognised(found, found, given, NEEDED, probe, batch_norm, f"Equinox {eqx.__version__}")
    if _is_ema(_made(partial(found, **given), jnp.zeros((1, 3)))[0]):
        made.recognised += (
            "training and backward pass are those of a first batch: it normalises later ones by averages",
        )
    return made


def probe(factory: Callable[..., Any]) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    z = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)), jnp.float32)
    layer, state = _made(factory, z, eps=0.5, momentum=0.25)
    absent = [name for name in ("weight", "bias") if getattr(layer, name, None) is None]
    if absent:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected a layer with weight and bias")
    kinds = (("ema_state_index", "ema_first_time_index"), ("batch_state_index", "batch_counter"))
    if not any(all(getattr(layer, name, None) is not None for name in names) for names in kinds):
        raise Unrecognised("it keeps neither ema_state_index and ema_first_time_index nor batch_state_index and "
                           "batch_counter, as Equinox 0.13 does")  # fmt: skip
    for _ in range(2):
        _, state = _called(layer, state, z, inference=False)
    out, _ = _called(layer, state, z, inference=True)
    mean, var = _used(*_kept(layer, state), 0.25)
    if not np.allclose(out, (z - mean) / jnp.sqrt(var + 0.5), atol=1e-5):
        raise Unrecognised("inference normalises by other averages than those that were found in its state")


def _made(factory: Callable[..., Any], z: Any, **numbers: Any) -> tuple[Any, Any]:
    """A new layer and its state. That its mode is the default is no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: tuple[Any, Any] = eqx.nn.make_with_state(factory)(z.shape[-1], axis_name=AXIS, dtype=z.dtype, **numbers)
    return made


def _called(layer: Any, state: Any, z: Any, *, inference: bool) -> tuple[Any, Any]:
    def one(sample: Any, state: Any) -> Any:
        return layer(sample, state, inference=inference)

    called: tuple[Any, Any] = jax.vmap(one, axis_name=AXIS, in_axes=(0, None), out_axes=(0, None))(z, state)
    return called


def _learnt(layer: Any, gamma: Any, beta: Any) -> Any:
    return eqx.tree_at(lambda each: (each.weight, each.bias), layer, (gamma, beta))


def _is_ema(layer: Any) -> bool:
    return getattr(layer, "ema_state_index", None) is not None


def _indices(layer: Any) -> tuple[Any, Any]:
    if _is_ema(layer):
        return layer.ema_first_time_index, layer.ema_state_index
    return layer.batch_counter, layer.batch_state_index


def _kept(layer: Any, state: Any) -> tuple[Any, Averages]:
    """Whether there was no batch, or how many there were; and the averages as they are kept."""
    first, second = _indices(layer)
    return state.get(first), state.get(second)


def _with(layer: Any, state: Any, kept: tuple[Any, Averages]) -> Any:
    first, second = _indices(layer)
    return state.set(first, kept[0]).set(second, kept[1])


def _unmoved(layer: Any) -> Any:
    """As after averages that need no correction."""
    return jnp.array(False) if _is_ema(layer) else jnp.array(0)


def _used(counted: Any, kept: Averages, decay: Any) -> Averages:
    """What inference normalises by."""
    if counted.dtype == bool:
        return kept
    scale = jnp.where(counted == 0, 1, 1 - decay**counted)
    return kept[0] / scale, kept[1] / scale
