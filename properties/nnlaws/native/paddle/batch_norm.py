"""Batch norm of Paddle, of any rank, channels first or last, called as the four operations."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from nnlaws.native import layers
from nnlaws.native.names import Keywords, Parameters, parameters
from nnlaws.native.paddle.arrays import array, tensor
from nnlaws.native.probed import ALSO

LAYOUT = ("data_format", "data_layout")


def recognised(
    kind: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """The target that a class of batch norm, or a function that makes it, is. Raises Unrecognised."""
    last = _layout(parameters(kind), given).endswith("C")
    library = layers.Library(tensor, array, kept, _put, _forward, _pull, features=-1 if last else 1)
    return layers.recognised(library, kind, given, about, input=settings.get("input", ""))


def kept(layer: Any) -> dict[str, Any]:
    """What a layer itself keeps, by name."""
    own = [*layer.named_parameters(include_sublayers=False), *layer.named_buffers(include_sublayers=False)]
    return dict(own)


def has_averages(layer: Any) -> bool:
    """Whether it keeps a mean and a variance, as a layer of batch norm does."""
    there = kept(layer)
    return all(any(name in there for name in (word, *ALSO[word])) for word in ("running_mean", "running_var"))


def _layout(there: Parameters, given: Keywords) -> str:
    return str(next((given.get(name, there[name].default) for name in LAYOUT if name in there), ""))


def _put(layer: Any, values: Mapping[str, Any]) -> None:
    layer.to(dtype=next(iter(values.values())).dtype)
    for name, value in values.items():
        getattr(layer, name).set_value(value)


def _forward(layer: Any, x: Any, training: bool) -> Any:
    (layer.train if training else layer.eval)()
    return layer(x)


def _pull(layer: Any, x: Any, dout: Any, names: Sequence[str]) -> Sequence[Any]:
    x.stop_gradient = False
    learnt = [getattr(layer, name) for name in names]
    _forward(layer, x, True).backward(dout)
    return [each.grad for each in (x, *learnt)]
