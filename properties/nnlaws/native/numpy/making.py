"""Makes layers of NumPy that are ready to be called."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaws.native.names import Keywords, parameters
from nnlaws.native.numpy.places import Place, maker

FEATURES = (
    *("n_features", "num_features", "features", "in_features", "input_dim", "input_size", "dim", "size", "n", "D", "d"),
    *("n_in", "n_units", "units", "channels", "num_channels", "hidden_size", "n_neurons", "n_out"),
)


class Recorder:
    """An optimizer that leaves parameters as they are, and remembers the gradients that it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any]] = []

    def update(self, w: Any, grad: Any, *more: Any) -> Any:
        self.given.append((w, grad))
        return w

    def __deepcopy__(self, memo: Any) -> "Recorder":
        return self  # a layer copies it for each parameter


@dataclass(frozen=True)
class Maker:
    """Makes layers of n features, ready to be called."""

    kind: Callable[..., Any]
    there: Any
    fixed: Keywords
    attributes: dict[str, Place]

    def made(self, n: int, own: Keywords) -> Any:
        more: Keywords = {name: n for name in FEATURES if name in self.there and name not in self.fixed}
        more |= {name: np.ones(n) for name in ("gamma", "weight", "scale") if name in self.there}
        more |= {name: np.zeros(n) for name in ("beta", "bias", "shift") if _needed(self.there, name)}
        layer = maker(self.kind, self.attributes, {**more, **self.fixed})(**own)
        if callable(getattr(layer, "set_input_shape", None)):
            layer.set_input_shape((n,))
        initialize = getattr(layer, "initialize", None)
        if callable(initialize):
            initialize(*[Recorder()] * (len(parameters(initialize)) > 0))
        return layer


def _needed(there: Any, name: str) -> bool:
    return name in there and there[name].default is inspect.Parameter.empty
