"""Files of ONNX: read, with what is known of each tensor; and the nodes that can be judged by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import onnx
from nnlaws_reference.dtypes import DTYPES
from onnx import helper

from nnlaws.native.names import Unrecognised, raised
from nnlaws.native.onnx.layout import Dims

TRAINING = "ai.onnx.preview.training"
JUDGED: Mapping[tuple[str, str], str] = {
    ("", "Softmax"): "softmax",
    ("", "LogSoftmax"): "log_softmax",
    ("", "BatchNormalization"): "batch_norm",
    ("", "SoftmaxCrossEntropyLoss"): "cross_entropy",
    (TRAINING, "Momentum"): "momentum",
    (TRAINING, "Adam"): "adam",
}
"""The operators that are judged, by domain and name, and what each is, as --as says it."""
SHOWN = 12  # nodes that are listed


@dataclass(frozen=True)
class Model:
    """A model, where it came from, and what is asked of it by a node's name."""

    proto: onnx.ModelProto
    path: str

    @property
    def graph(self) -> onnx.GraphProto:
        return self.proto.graph

    def version(self, domain: str) -> int:
        """Of the operators of a domain."""
        return next((each.version for each in self.proto.opset_import if _domain(each.domain) == domain), 1)

    @cached_property
    def judged(self) -> list[onnx.NodeProto]:
        return [node for node in self.graph.node if operator(node) in JUDGED]

    def listed(self) -> str:
        """The nodes that can be judged, as one says it."""
        if not self.judged:
            kinds = dict.fromkeys(node.op_type for node in self.graph.node)
            there = ", ".join(each[1] for each in JUDGED)
            return f"none of its nodes can be judged: they are {', '.join([*kinds][:SHOWN])}, and none of {there}"
        names = [f"{self.path}:{called(node)} ({node.op_type})" for node in self.judged]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"nodes that can be judged by themselves: {', '.join(names[:SHOWN])}{more}"

    def node(self, name: str) -> onnx.NodeProto:
        """The node of that name; or the one whose output, or whose operator, is so named. Raises Unrecognised."""
        for key in (lambda node: [node.name], lambda node: node.output, lambda node: [node.op_type]):
            found = [node for node in self.graph.node if name in key(node)]
            if len(found) > 1:
                those = ", ".join(f"{self.path}:{node.output[0]}" for node in found[:SHOWN])
                raise Unrecognised(f"{len(found)} nodes are called so; say which by its output: {those}")
            if found and operator(found[0]) not in JUDGED:
                raise Unrecognised(
                    f"this node is {_article(found[0].op_type)}, which is none of our operations; {self.listed()}"
                )
            if found:
                return found[0]
        raise Unrecognised(f"there is no node of that name; {self.listed()}")

    @cached_property
    def known(self) -> Mapping[str, onnx.TypeProto.Tensor]:
        """What is known of the tensors' types and shapes."""
        try:
            graph = onnx.shape_inference.infer_shapes(self.proto).graph
        except Exception:  # then it is known of inputs and outputs alone
            graph = self.graph
        told = (*graph.input, *graph.value_info, *graph.output)
        return {each.name: each.type.tensor_type for each in told if each.type.HasField("tensor_type")}

    def dims(self, name: str) -> Dims | None:
        """The sizes of a tensor's axes; None where not even its rank is known."""
        for each in self.graph.initializer:
            if each.name == name:
                return tuple(each.dims)
        tensor = self.known.get(name)
        if tensor is None or not tensor.HasField("shape"):
            return None
        return tuple(axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim)

    def dtype(self, name: str) -> str:
        """The dtype of a tensor; nothing where it is none of ours."""
        tensor = self.known.get(name)
        found: str = DTYPE_OF.get(tensor.elem_type, "") if tensor is not None else ""
        return found

    def inputs(self) -> list[str]:
        """What has to be given: no initializers."""
        own = {each.name for each in (*self.graph.initializer,)}
        return [each.name for each in self.graph.input if each.name not in own]


DTYPE_OF = {helper.np_dtype_to_tensor_dtype(dtype): name for name, dtype in DTYPES.items()}
"""Of each element type, the dtype's name."""


def read(path: str) -> Model:
    """The model of a file. Data that lies in other files is not read yet. Raises Unrecognised."""
    try:
        proto = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise Unrecognised(f"it is no file of ONNX, or a broken one ({type(error).__name__})") from None
    if not proto.graph.node:
        raise Unrecognised("it is no file of ONNX, or one without a graph: it has no nodes")
    return Model(proto, path)


def complete(model: Model) -> Model:
    """The model with the data that lies in other files. Raises Unrecognised where one is missing."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model.proto)
    try:
        onnx.load_external_data_for_model(whole, str(Path(model.path).parent))
    except Exception as error:
        raise Unrecognised(
            f"its weights lie in another file, which cannot be read: that {raised(error)}; put it beside the model, or "
            "give a node, which needs none"
        ) from None
    return Model(whole, model.path)


def operator(node: onnx.NodeProto) -> tuple[str, str]:
    """Its domain and what it is called there."""
    return _domain(node.domain), str(node.op_type)


def called(node: onnx.NodeProto) -> str:
    """What a node is called here: by its name or, where it has none, its output's."""
    return str(node.name or next(filter(None, node.output), node.op_type))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """What is written into it, by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _article(word: str) -> str:
    return f"{'an' if word[:1] in 'AEIOU' else 'a'} {word}"
