"""Nodes of ai.onnx.preview.training, Momentum and Adam, as targets: driven over gradients."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from nnlaws_reference.dtypes import Array
from onnx import numpy_helper

from nnlaws.native.driver import Optimizer, driven
from nnlaws.native.names import Unrecognised
from nnlaws.native.onnx.files import Model, attributes
from nnlaws.native.onnx.nodes import Node, chosen
from nnlaws.native.onnx.operators import about, run_by

State = tuple[int, list[Array]]
"""The number T of the next step, and the tensors: the parameters and their averages."""
OFF = {"norm_coefficient": 0.0, "norm_coefficient_post": 0.0}
"""What adds multiples of the parameters to the gradient, or takes them off afterwards, is switched off."""


def optimizer(model: Model, proto: onnx.NodeProto, settings: Mapping[str, str]) -> SimpleNamespace:
    """A target: momentum or adam, by a node of one parameter tensor. settings: `first`, the number T of the first step,
    besides those of a node.
    """
    own, name = attributes(proto), {"Momentum": "momentum", "Adam": "adam"}[proto.op_type]
    first = settings.get("first", "1")
    if first not in ("0", "1"):
        raise Unrecognised(f"first={first}: expected 1, steps that are counted from T = 1, or 0")
    averages = ("v",) if name == "momentum" else ("v", "h")
    off = {key: value for key, value in OFF.items() if own.get(key, 0.0) != value}
    fixed = _momentum(own) if name == "momentum" else _adam(own)

    def make(runtime: str) -> Node:
        inputs = {"r": 0, "t": 0, "x": 1, "g": 1, **dict.fromkeys(averages, 1)}
        outputs = {f"new_{key}": 1 for key in ("x", *averages)}
        return Node(proto, model, runtime, inputs, outputs, ("t",), changed=off)

    def probe(node: Node, dtype: np.dtype[Any]) -> None:
        one = np.ones(2, dtype)
        _step(node, (1, [one] * (1 + len(averages))), one, 0.5)

    node, dtypes, why = chosen(settings.get("runtime", ""), make, probe)
    took = f"taken for {name}, its steps counted from T = {first}, {run_by(node, why)}"
    written = f"with {', '.join(f'{key} = {value:.9g}' for key, value in fixed.items())} written in"
    without = (f"with {', '.join(f'{key} = {value}' for key, value in off.items())}",) if off else ()

    def of(**options: Any) -> Optimizer[State]:
        def init(theta: Array) -> State:
            return int(first), [theta, *(np.zeros_like(theta) for _ in averages)]

        def step(state: State, gradient: Array, rate: float) -> State:
            return _step(node, state, gradient, rate)

        return Optimizer(init, step, lambda state: state[1][0], _restored)

    operations: dict[str, Callable[..., Array]] = {name: driven(name, of)}
    told = about(proto, node, took, written, *without)
    return SimpleNamespace(dtypes=dtypes, fixed=fixed, **told, **operations)


def _step(node: Node, state: State, gradient: Array, rate: float) -> State:
    number, (theta, *kept) = state
    names = [key for key in node.inputs if key not in ("r", "t", "x", "g")]
    given = {"r": np.array(rate, theta.dtype), "t": np.array(number), "x": theta, "g": gradient}
    new = node(**given, **dict(zip(names, kept, strict=True)))
    return number + 1, [x.astype(theta.dtype) for x in new]  # some come back as float64


def _restored(state: State) -> State:
    """From tensors that were serialised."""
    number, tensors = state
    saved = [numpy_helper.from_array(x).SerializeToString() for x in tensors]
    return number, [numpy_helper.to_array(onnx.TensorProto.FromString(bits)) for bits in saved]


def _adam(own: Mapping[str, Any]) -> dict[str, float]:
    given = (("beta1", "alpha", 0.9), ("beta2", "beta", 0.999), ("eps", "epsilon", 0.0))
    return {ours: float(np.float32(own.get(theirs, usual))) for ours, theirs, usual in given}


def _momentum(own: Mapping[str, Any]) -> dict[str, float]:
    """β of V = alpha V + beta G, which is momentum where beta is 1 or 1 − alpha. Raises Unrecognised elsewhere."""
    alpha, beta = (np.float32(own.get(name, np.nan)) for name in ("alpha", "beta"))
    for value in (float(alpha), float(str(alpha))):  # a weight as it is written, or as it was meant
        if beta in (np.float32(1), np.float32(1 - value)):
            return {"beta": value}
    raise Unrecognised(
        f"it adds {beta!s} of the gradient to {alpha!s} of the velocity; expected 1 of it (heavy ball), "
        f"or {1 - alpha:.7g} (an average)"
    )
