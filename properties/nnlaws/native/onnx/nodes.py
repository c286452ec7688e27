"""One node of a model, taken out of it: its attributes stay, all its inputs are given, and its shapes are free."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from nnlaws_reference.dtypes import DTYPES, Array
from onnx import helper

from nnlaws.native.kept import kept
from nnlaws.native.names import Unrecognised
from nnlaws.native.onnx.files import Model, attributes
from nnlaws.native.onnx.layout import Layout
from nnlaws.native.onnx.runtimes import Run, Unrun, choices, run, without

Axes = Mapping[str, int]
"""Of tensors by name, their ranks."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node, with the versions of operators that its model is written in, and what it is run by.

    inputs, outputs: the ranks of what it takes and gives, by names of ours. integers: which inputs are class numbers.
    """

    proto: onnx.NodeProto
    model: Model
    runtime: str
    inputs: Axes
    outputs: Axes
    integers: tuple[str, ...] = ()
    changed: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, **given: Array) -> tuple[Array, ...]:
        """Its outputs for inputs whose dtype is that of the first. Raises NotImplementedError where the runtime has no
        such operator in that dtype.
        """
        first = next(iter(given.values()))
        return _made(self, first.dtype)(given)

    @property
    def attributes(self) -> dict[str, Any]:
        return {**attributes(self.proto), **self.changed}

    def alone(self, dtype: np.dtype) -> onnx.ModelProto:
        """A model of this node, whose inputs and outputs are of one dtype."""
        element = helper.np_dtype_to_tensor_dtype(dtype)
        inputs = [_tensor(name, self._element(name, element), rank) for name, rank in self.inputs.items()]
        outputs = [_tensor(name, element, rank) for name, rank in self.outputs.items()]
        node = helper.make_node(
            self.proto.op_type, [*self.inputs], [*self.outputs], domain=self.proto.domain, **self.attributes
        )
        graph = helper.make_graph([node], self.proto.op_type, inputs, outputs)
        versions = [helper.make_opsetid(each.domain, each.version) for each in self.model.proto.opset_import]
        return helper.make_model(graph, opset_imports=versions, ir_version=self.model.proto.ir_version)

    def _element(self, name: str, element: int) -> int:
        return int(onnx.TensorProto.INT64) if name in self.integers else element


@kept(64)
def _made(node: Node, dtype: np.dtype) -> Run:
    try:
        return run(node.alone(dtype), node.runtime)
    except Unrun as error:
        raise NotImplementedError(f"{node.proto.op_type} in {dtype.name}: {error}") from None


def _tensor(name: str, element: int, rank: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, [f"{name}{axis}" for axis in range(rank)])


def chosen(
    wanted: str, make: Callable[[str], Node], probe: Callable[[Node, np.dtype], object]
) -> tuple[Node, tuple[str, ...], str]:
    """The node by the first runtime that has its operator; the dtypes that it has it in; and why it is not the first
    choice, if it is not. wanted: the runtime that is asked for. probe: calls it in a dtype. Raises Unrecognised.
    """
    reasons: list[str] = []
    for runtime in choices(wanted):
        node, reason = make(runtime), ""
        dtypes: list[str] = []
        for name, dtype in DTYPES.items():
            try:
                probe(node, dtype)
            except Exception as error:  # whatever a runtime raises of what it has not
                reason = reason or next(iter(str(error).splitlines()), type(error).__name__)[:200]
            else:
                dtypes.append(name)
        if dtypes:
            return node, tuple(dtypes), "".join(reasons)
        reasons.append(without(runtime, reason))
    raise Unrecognised(f"it cannot be run{''.join(reasons)}")


def rank_of(model: Model, name: str, asked: str, least: int) -> int:
    """The rank of a node's input: what --input asks for, what the file says, or the least that there may be."""
    if asked:
        if not (asked[:1].isdigit() and asked[1:] == "d" and int(asked[0]) >= least):
            raise Unrecognised(f"--input {asked}: expected {least}d or more axes, as in {max(least, 4)}d")
        return int(asked[0])
    dims = model.dims(name)
    return max(len(dims), least) if dims is not None else least


def by_rows(layout: Layout, call: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function of a matrix (m, C), by a function of tensors that takes each row by itself: rows that do not fill a
    tensor are made more by the last, and what does not fit into one is given in several.
    """

    def whole(z: Array) -> Array:
        rows, columns = z.shape
        step = layout.step
        if not layout.growing and not rows:
            raise NotImplementedError(f"it takes {step} rows at a time, so no empty batch")
        filled = np.concatenate([z, np.repeat(z[-1:], -rows % step, axis=0)]) if rows % step else z
        parts: Sequence[Array] = [filled] if layout.growing else np.split(filled, len(filled) // step)
        found = [layout.matrix(call(layout.tensor(part)), columns) for part in parts]
        return (found[0] if len(found) == 1 else np.concatenate(found))[:rows]

    return whole
