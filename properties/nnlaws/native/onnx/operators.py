"""Nodes that are softmax, its logarithm, its loss, or batch norm, as targets."""

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.names import Unrecognised
from nnlaws.native.numpy import KIT
from nnlaws.native.onnx.files import Model, attributes, called
from nnlaws.native.onnx.layout import free
from nnlaws.native.onnx.nodes import Node, by_rows, chosen, rank_of
from nnlaws.native.onnx.runtimes import described

FLAT = 13  # the version from which on Softmax is along one axis, and does not flatten those from it on
TRAINED = 14  # the version from which on BatchNormalization has a training_mode
FIRST = 7  # and from which on it has no is_test
VECTORS = ("scale", "B", "input_mean", "input_var")


def rows(model: Model, proto: onnx.NodeProto, settings: Mapping[str, str]) -> SimpleNamespace:
    """A target: Softmax or LogSoftmax."""
    name = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}[proto.op_type]
    flat = model.version("") < FLAT
    axis = int(attributes(proto).get("axis", 1 if flat else -1))
    least = max(2, axis + 1 if axis >= 0 else -axis)
    rank = rank_of(model, proto.input[0], settings.get("input", ""), least)
    axis %= rank
    layout = free(rank, axis, rank if flat else None)

    def make(runtime: str) -> Node:
        return Node(proto, model, runtime, {"x": rank}, {"y": rank})

    def call(node: Node, x: Array) -> Array:
        return node(x=x)[0]

    def probe(node: Node, dtype: np.dtype[Any]) -> None:
        by_rows(layout, partial(call, node))(np.zeros((2, 3), dtype))

    node, dtypes, why = chosen(settings.get("runtime", ""), make, probe)
    last = axis == rank - 1
    along = f"axis {axis} of {rank}" if not flat or last else f"the axes from {axis} on of {rank}, flattened"
    took = f"taken for {name} along {along}, {run_by(node, why)}"
    single = () if layout.growing else ("its rows are given one by one",)
    about_it = about(proto, node, took, *single)
    return functions.rows(KIT, name, by_rows(layout, partial(call, node)), dtypes=dtypes, **about_it)


def loss(model: Model, proto: onnx.NodeProto, settings: Mapping[str, str]) -> SimpleNamespace:
    """A target: SoftmaxCrossEntropyLoss, of class numbers; and, where it gives them, the logarithms of softmax."""
    own = attributes(proto)
    ignored, reduction = own.get("ignore_index"), own.get("reduction", b"mean").decode()
    if ignored is not None and ignored >= 0:
        raise Unrecognised(
            f"its ignore_index is {ignored}, a class, whose samples count nothing: that is none of our operations; "
            "with a negative one it is cross entropy"
        )
    rank = rank_of(model, proto.input[0], settings.get("input", ""), 2)
    layout, weighted = free(rank, 1), len(proto.input) > 2 and bool(proto.input[2])
    inputs = {"scores": rank, "labels": rank - 1, **({"weights": 1} if weighted else {})}
    logs = len(proto.output) > 1 and bool(proto.output[1])
    outputs = {"loss": rank - 1 if reduction == "none" else 0, **({"log_prob": rank} if logs else {})}

    def make(runtime: str) -> Node:
        return Node(proto, model, runtime, inputs, outputs, ("labels",))

    def call(node: Node, z: Array, labels: Array) -> tuple[Array, ...]:
        ones = {"weights": np.ones(z.shape[1], z.dtype)} if weighted else {}
        return node(scores=layout.tensor(z), labels=layout.numbers(labels.astype(np.int64)), **ones)

    def probe(node: Node, dtype: np.dtype[Any]) -> None:
        call(node, np.zeros((2, 3), dtype), np.zeros(2))

    node, dtypes, why = chosen(settings.get("runtime", ""), make, probe)
    words = {"mean": "the mean over samples", "sum": "the sum over samples", "none": "the values one by one"}[reduction]
    took = f"taken for cross entropy of logits and class numbers, {words}, {run_by(node, why)}"
    weights = ("its weights of classes are all 1",) if weighted else ()
    made = functions.loss(
        KIT,
        lambda z, labels: call(node, z, labels)[0],
        targets="indices",
        reduction=reduction,
        dtypes=dtypes,
        conventions={"cross_entropy.arithmetic": "narrow"},  # by its definition samples' values are of the type
        **about(proto, node, took, *weights),
    )
    if logs:

        def log_softmax(z: Array) -> Array:
            return layout.matrix(call(node, z, np.zeros(len(z)))[1], z.shape[1])

        made.log_softmax = log_softmax
    return made


def batch_norm(model: Model, proto: onnx.NodeProto, settings: Mapping[str, str]) -> SimpleNamespace:
    """A target: BatchNormalization at inference; or, with training_mode = 1, in training, and its running averages.

    ε and momentum are what the file has, float32 exactly. Mean and variance of a batch are not among a node's outputs:
    they are what the averages become where the momentum is 0.
    """
    own, version = attributes(proto), model.version("")
    training = bool(own.get("training_mode", 0))
    if version < FIRST or (version < TRAINED and sum(map(bool, proto.output)) > 1):
        raise Unrecognised(
            f"it is of version {version} of the operators, before {FIRST if version < FIRST else TRAINED}, where "
            "BatchNormalization is defined otherwise; convert the model (onnx.version_converter)"
        )
    rank = rank_of(model, proto.input[0], settings.get("input", ""), 2)
    if not own.get("spatial", 1) and rank > 2:
        raise Unrecognised(f"it has spatial = 0, statistics for each place of {rank} axes; expected those of a channel")
    layout = free(rank, 1)
    inputs = {"x": rank, **dict.fromkeys(VECTORS, 1)}
    outputs = {"y": rank, **({"running_mean": 1, "running_var": 1} if training else {})}
    fixed = {"eps": float(np.float32(own.get("epsilon", 1e-5)))}
    if training:
        fixed["decay"] = float(np.float32(own.get("momentum", 0.9)))

    def make(runtime: str, **changed: Any) -> Node:
        return Node(proto, model, runtime, inputs, outputs, changed=changed)

    def probe(node: Node, dtype: np.dtype[Any]) -> None:
        one = np.ones(3, dtype)
        call(node, np.zeros((2, 3), dtype), one, one, one, one)

    def call(node: Node, z: Array, *vectors: Array) -> tuple[Array, ...]:
        given = {name: np.ascontiguousarray(x) for name, x in zip(VECTORS, vectors, strict=True)}
        y, *averages = node(x=layout.tensor(z), **given)
        return layout.matrix(y, z.shape[1]), *averages

    node, dtypes, why = chosen(settings.get("runtime", ""), make, probe)
    what = "in training, its momentum the weight of the old" if training else "at inference"
    took = f"taken for batch norm {what}, on {rank} axes, {run_by(node, why)}"
    written = f"with {', '.join(f'{name} = {value:.9g}' for name, value in fixed.items())} written in"
    limits = {"dtypes": dtypes, "fixed": fixed}
    if not training:
        made = SimpleNamespace(**limits, **about(proto, node, took, written))

        def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
            return call(node, z, gamma, beta, mean, var)[0]

        made.batch_norm_inference = inference
        return made
    told = "mean and variance of a batch are its averages with momentum = 0"
    statistics = make(node.runtime, momentum=0.0)

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, ...]:
        start = np.zeros_like(gamma), np.ones_like(gamma)
        return call(node, z, gamma, beta, *start)[0], *call(statistics, z, gamma, beta, *start)[1:]

    def running(batches: Array, *, decay: float) -> tuple[Array, ...]:
        one = np.ones(batches.shape[-1], batches.dtype)
        zero = np.zeros_like(one)
        mean, var = zero, one
        for batch in batches:
            _, mean, var = call(node, batch, one, zero, mean, var)
        return mean, var

    return SimpleNamespace(
        **limits,
        conventions={"batch_norm_running.arithmetic": "narrow"},  # the averages are of the type between the batches
        **about(proto, node, took, written, told),
        batch_norm_train=train,
        batch_norm_running=running,
    )


def run_by(node: Node, why: str) -> str:
    """What runs it, and why that is not the first choice."""
    return f"run by {described(node.runtime)}{why}"


def about(proto: onnx.NodeProto, node: Node, *lines: str) -> dict[str, Any]:
    """What a target says of itself."""
    version = node.model.version(proto.domain)
    description = f"{described(node.runtime)}: {proto.op_type} (version {version}) of {called(proto)}"
    return {"description": description, "recognised": lines, "insisted": True}
