"""A whole graph, where it computes one of our operations: seen by trying it, as functions of logits are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from nnlaws_reference.dtypes import DTYPES, Array
from onnx import helper

from nnlaws.native import functions
from nnlaws.native.functions import ROWS
from nnlaws.native.kept import kept
from nnlaws.native.names import Unrecognised
from nnlaws.native.numpy import KIT
from nnlaws.native.onnx.files import Model, attributes, called, complete, operator
from nnlaws.native.onnx.layout import Dims, Layout
from nnlaws.native.onnx.nodes import by_rows
from nnlaws.native.onnx.operators import TRAINED, VECTORS
from nnlaws.native.onnx.runtimes import Run, Unrun, choices, described, run, without

NEAR = 0.05  # of a value, by which what is one of our operations at all may be off
CLASSES, SAMPLES = 3, 4
REDUCTIONS = {"mean": "the mean over samples", "sum": "the sum over samples", "none": "the values one by one"}


@dataclass(frozen=True, eq=False)
class Graph:
    """A model as it is, what it is run by, and the dtype that it is of. why: why that is not the first choice."""

    model: Model
    runtime: str
    dtype: str
    why: str = ""

    def __call__(self, **given: Array) -> Array:
        """Its first output. Raises NotImplementedError for arrays of another dtype."""
        first = next(iter(given.values()))
        if first.dtype != DTYPES[self.dtype]:
            raise NotImplementedError(f"the graph takes {self.dtype}, not {first.dtype}")
        return _ready(self)(given)[0]

    def about(self, *lines: str, **more: Any) -> dict[str, Any]:
        description = f"{described(self.runtime)}: the graph {self.model.graph.name or 'of the file'}"
        given = {"description": description, "dtypes": (self.dtype,), "insisted": True, **more}
        return {**given, "recognised": (f"{lines[0]}, run by {described(self.runtime)}{self.why}", *lines[1:])}


@kept(8)
def _ready(graph: Graph) -> Run:
    return run(graph.model.proto, graph.runtime)


def whole(model: Model, settings: Mapping[str, str]) -> SimpleNamespace:
    """The target that a graph is. Raises Unrecognised."""
    given, results = model.inputs(), [each.name for each in model.graph.output]
    kind = settings.get("as", "")
    try:
        if len(results) != 1:
            raise Unrecognised(f"it has {len(results)} outputs, {', '.join(results)}; expected one")
        dtype = model.dtype(given[0]) if given else ""
        if not dtype:
            raise Unrecognised(f"its first input is no array of {', '.join(DTYPES)}; expected logits, or activations")
        graph = _runnable(complete(model), dtype, settings.get("runtime", ""))
        if len(given) == 2:
            return _loss(graph, *given)
        if len(given) != 1:
            raise Unrecognised(f"it has {len(given)} inputs, {', '.join(given)}; expected one or two")
        return _of_one(graph, given[0], kind)
    except Unrecognised as reason:
        raise Unrecognised(f"as a whole it is none of our operations: {reason}; {model.listed()}") from None


def _runnable(model: Model, dtype: str, wanted: str) -> Graph:
    reasons: list[str] = []
    for runtime in choices(wanted):
        graph = Graph(model, runtime, dtype, "".join(reasons))
        try:
            _ready(graph)
        except Unrun as error:
            reasons.append(without(runtime, str(error)))
        else:
            return graph
    raise Unrecognised(f"it cannot be run{''.join(reasons)}")


def _of_one(graph: Graph, name: str, kind: str) -> SimpleNamespace:
    dims = graph.model.dims(name) or (None, None)
    told: list[str] = []
    if kind in ("", *ROWS):
        made = _rows(graph, name, dims, kind, told)
        if made is not None:
            return made
    if kind in ("", "batch_norm", "batch_norm_inference"):
        norms = [node for node in graph.model.graph.node if operator(node) == ("", "BatchNormalization")]
        if len(norms) == 1:
            try:
                return _batch_norm(graph, name, dims, norms[0])
            except Unrecognised as reason:
                told.append(str(reason))
        elif kind:
            told.append(f"it has {len(norms)} nodes of BatchNormalization; expected one")
    raise Unrecognised("; ".join(dict.fromkeys(told)) or f"{kind} is nothing that a graph of one input can be")


def _rows(graph: Graph, name: str, dims: Dims, kind: str, told: list[str]) -> SimpleNamespace | None:
    """Softmax or its logarithm, along the last axis or another. What speaks against it is told."""
    random, possible, raised = np.random.default_rng(0), list[tuple[str, Layout]](), list[str]()
    for axis in dict.fromkeys((len(dims) - 1, 1, *range(len(dims)))) if len(dims) > 1 else ():
        layout = Layout(dims, axis, axis + 1)
        z = random.standard_normal((SAMPLES, layout.columns or CLASSES)).astype(DTYPES[graph.dtype])
        try:
            out = by_rows(layout, _function(graph, name))(z).astype(np.float64)
        except Exception as error:
            raised.append(f"given {_shaped(dims)} it raised {type(error).__name__}: {str(error)[:120]}")
            continue
        shares = np.exp(z.astype(np.float64))
        shares /= shares.sum(axis=-1, keepdims=True)
        if out.shape != z.shape:
            continue
        for each, want in zip(ROWS, (shares, np.log(shares)), strict=True):
            if kind in ("", each) and bool((np.abs(out - want) <= NEAR * np.abs(want)).all()):
                return _by_rows(graph, name, layout, each)
        possible.append((functions.by_sums(out), layout))
    if kind and possible:  # one insists
        layout = next((layout for sums, layout in possible if sums == kind), possible[0][1])
        return _by_rows(graph, name, layout, kind)
    sums = next((sums for sums, _ in possible if sums), "")
    if raised and not possible:
        told += raised[:1]
    elif sums:
        told.append(f"its rows are those of {sums}, but not of its input (--as {sums} insists)")
    else:
        told.append("what it gives is neither softmax of its input nor the logarithm of that")
    return None


def _by_rows(graph: Graph, name: str, layout: Layout, kind: str) -> SimpleNamespace:
    rank = len(layout.dims)
    fixed: dict[str, int] = {} if layout.columns is None else {"C": layout.columns}
    took = f"taken for {kind} along axis {layout.first} of {rank}"
    about = graph.about(took, *_limits(fixed, layout), fixed=fixed)
    return functions.rows(KIT, kind, by_rows(layout, _function(graph, name)), **about)


def _limits(fixed: Mapping[str, int], layout: Layout | None = None) -> Iterable[str]:
    """What to say of fixed sizes."""
    if fixed:
        sizes = ", ".join(f"{letter} = {size}" for letter, size in fixed.items())
        yield f"{sizes} is fixed in the file: laws of other sizes are not offered (export these axes as dynamic ones)"
    if layout is not None and not layout.growing:
        yield f"its rows are given {layout.step} at a time, as many as the file has"
    elif layout is not None and layout.step > 1:
        yield f"its rows are given in multiples of {layout.step}, as the file has them"


def _function(graph: Graph, name: str) -> Callable[[Array], Array]:
    return lambda x: graph(**{name: x})


def _batch_norm(graph: Graph, name: str, dims: Dims, node: onnx.NodeProto) -> SimpleNamespace:
    """Batch norm at inference whose γ, β, mean and variance are in the file: they are made inputs."""
    own = attributes(node)
    if own.get("training_mode", 0) or (graph.model.version("") < TRAINED and sum(map(bool, node.output)) > 1):
        raise Unrecognised(f"its batch norm is in training; give the node, {graph.model.path}:{called(node)}")
    opened, inputs = _opened(graph.model, node, graph.dtype)
    changed = _runnable(opened, graph.dtype, graph.runtime)
    layout = Layout(dims, 1, 2)
    call = _normalised(changed, name, inputs, layout)
    eps, n = float(np.float32(own.get("epsilon", 1e-5))), layout.columns or CLASSES
    random = np.random.default_rng(0)
    z = random.standard_normal((SAMPLES, n)).astype(DTYPES[graph.dtype])
    vectors = [random.uniform(0.5, 2.0, n).astype(z.dtype) for _ in VECTORS]
    gamma, beta, mean, var = (x.astype(np.float64) for x in vectors)
    want = gamma * (z.astype(np.float64) - mean) / np.sqrt(var + eps) + beta
    try:
        out = call(z, *vectors, eps=eps).astype(np.float64)
    except Exception as error:
        raise Unrecognised(f"as batch norm of {n} features it raised {type(error).__name__}") from error
    if out.shape != want.shape or not bool((np.abs(out - want) <= NEAR * (1 + np.abs(want))).all()):
        raise Unrecognised("it has one node of BatchNormalization, and computes something else besides")
    fixed: dict[str, Any] = {"eps": eps, **({} if layout.columns is None else {"n": layout.columns})}
    lines = (
        f"taken for batch norm at inference on {len(dims)} axes, its γ, β, mean and variance given",
        f"with eps = {eps:.9g} written in",
        *_limits({key: value for key, value in fixed.items() if key == "n"}, layout),
    )
    return SimpleNamespace(**graph.about(*lines, fixed=fixed), batch_norm_inference=call)


def _normalised(graph: Graph, name: str, inputs: tuple[str, ...], layout: Layout) -> Callable[..., Array]:
    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        vectors = {key: np.ascontiguousarray(x) for key, x in zip(inputs, (gamma, beta, mean, var), strict=True)}
        return by_rows(layout, lambda x: graph(**{name: x, **vectors}))(z)

    return inference


def _opened(model: Model, node: onnx.NodeProto, dtype: str) -> tuple[Model, tuple[str, ...]]:
    """The model in which the node is given its vectors, and what these inputs are called."""
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    names = tuple(f"{node.output[0]}/{vector}" for vector in VECTORS)
    same = next(each for each in proto.graph.node if [*each.output] == [*node.output])
    same.input[1:5] = names
    element = helper.np_dtype_to_tensor_dtype(DTYPES[dtype])
    proto.graph.input.extend(helper.make_tensor_value_info(name, element, [f"{name}/n"]) for name in names)
    return Model(proto, model.path), names


def _loss(graph: Graph, first: str, second: str) -> SimpleNamespace:
    """Cross entropy of logits (m, C) and class numbers (m,) or probabilities (m, C)."""
    model, dims = graph.model, graph.model.dims(first) or (None, None)
    if len(dims) != 2:
        raise Unrecognised(f"{first} is of {_shaped(dims)}; expected logits (m, C)")
    numbers = not model.dtype(second)
    of_targets = model.dims(second) or ((None,) if numbers else (None, None))
    if len(of_targets) != (1 if numbers else 2):
        raise Unrecognised(f"{second} is of {_shaped(of_targets)}; expected class numbers (m,) or probabilities (m, C)")
    element = model.known[second].elem_type
    kind = helper.tensor_dtype_to_np_dtype(element) if numbers else DTYPES[graph.dtype]
    rows, columns = dims[0] or of_targets[0], dims[1] or (None if numbers else of_targets[1])

    def call(z: Array, y: Array) -> Array:
        return graph(**{first: np.ascontiguousarray(z), second: np.ascontiguousarray(y.astype(kind))})

    m, n = rows or SAMPLES, columns or CLASSES
    random = np.random.default_rng(0)
    z = random.standard_normal((m, n)).astype(DTYPES[graph.dtype])
    right = random.integers(0, n, m)
    y = np.eye(n)[right]
    wide = z.astype(np.float64)
    each = -(y * (wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True)))).sum(axis=-1)
    try:
        out = call(z, right if numbers else y).astype(np.float64)
    except Exception as error:
        raise Unrecognised(f"given logits and targets it raised {type(error).__name__}: {str(error)[:120]}") from None
    wanted = {"mean": each.mean(), "sum": each.sum(), "none": each}
    fitting = (
        name
        for name, want in wanted.items()
        if out.shape == np.shape(want) and bool((np.abs(out - want) <= NEAR * np.abs(want)).all())
    )
    reduction = next(fitting, "")
    if not reduction:
        told = np.array2string(out, precision=4, threshold=8)
        raise Unrecognised(f"of logits and targets it gives {told}, and the cross entropy's mean is {each.mean():.4g}")
    fixed = {letter: size for letter, size in (("m", rows), ("C", columns)) if size is not None}
    given = "class numbers" if numbers else "probabilities"
    about = graph.about(
        f"taken for cross entropy of logits and {given}, {REDUCTIONS[reduction]}", *_limits(fixed), fixed=fixed
    )
    return functions.loss(KIT, call, targets="indices" if numbers else given, reduction=reduction, **about)


def _shaped(dims: Dims) -> str:
    return f"shape ({', '.join('?' if size is None else str(size) for size in dims)})"
