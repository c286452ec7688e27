"""Batch norm of Flax's nnx, under jit."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flax import nnx

from nnlaws.native import jitted
from nnlaws.native.names import Unrecognised

STATE = ("scale", "bias", "mean", "var")
NEEDED = ("epsilon", "momentum", "rngs")


def batch_norm(factory: Callable[..., Any], **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, dtype=…, param_dtype=…, epsilon=…, momentum=…, rngs=…)`, with
    scale, bias, mean and var. Its momentum is the weight of the old statistics, as decay is. declared: description,
    dtypes, conventions.
    """

    def made(z: Any, **options: Any) -> Any:
        layer = factory(z.shape[-1], dtype=z.dtype, param_dtype=z.dtype, rngs=nnx.Rngs(0), **options)
        layer.train()
        return layer

    def start(z: Any) -> Any:
        return nnx.state(made(z))

    def train(z: Any, gamma: Any, beta: Any, state: Any, eps: Any, decay: Any) -> tuple[Any, Any]:
        layer = made(z, epsilon=eps, momentum=decay)
        nnx.update(layer, state)  # all that it has, a counter too
        layer.scale[...], layer.bias[...] = gamma, beta
        out = layer(z)
        return out, nnx.state(layer)

    def averages(state: Any, decay: Any) -> tuple[Any, Any]:
        return state["mean"][...], state["var"][...]

    def infer(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: Any) -> Any:
        layer = made(z, epsilon=eps)
        layer.eval()
        layer.scale[...], layer.bias[...] = gamma, beta
        layer.mean.set_value(mean)  # as a checkpoint would; layer.mean[...] = mean would round float64 to float32
        layer.var.set_value(var)
        return layer(z)

    return jitted.batch_norm(jitted.Layer(start, train, averages, infer), **declared)


def probe(factory: Callable[..., Any]) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    layer = factory(3, rngs=nnx.Rngs(0))
    if absent := [each for each in STATE if getattr(layer, each, None) is None]:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected a layer with {', '.join(STATE)}")
