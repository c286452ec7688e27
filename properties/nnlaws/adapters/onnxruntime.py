"""ONNX Runtime's CPU provider: Softmax, LogSoftmax, SoftmaxCrossEntropyLoss and BatchNormalization (opset 15), in
both of its modes.

ONNX's momentum is the weight of the old statistics, as decay is. Its attributes are float32: epsilon and momentum are
rounded to it, in a float64 model too. The provider has no bfloat16, and no derivative.
"""

from functools import lru_cache

import numpy as np
import onnx
import onnxruntime
from nnlaws_reference.dtypes import Array
from onnx import helper

Weight = tuple[float, ...] | None

description = (
    f"ONNX Runtime {onnxruntime.__version__} on CPU: Softmax, LogSoftmax, SoftmaxCrossEntropyLoss, BatchNormalization "
    "(opset 15)"
)
dtypes = ("float32", "float64", "float16")
conventions = {"batch_norm_running.arithmetic": "narrow"}  # the averages are of the dtype between the batches


def softmax(z: Array) -> Array:
    (result,) = _run(_session("Softmax", z.dtype, axis=-1), z)
    return result


def log_softmax(z: Array) -> Array:
    (result,) = _run(_session("LogSoftmax", z.dtype, axis=-1), z)
    return result


def batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, ...]:
    session = _session("BatchNormalization", z.dtype, vectors=4, averages=2, training_mode=1, epsilon=eps, momentum=0.0)
    return _run(session, z, gamma, beta, np.zeros_like(gamma), np.ones_like(gamma))


def batch_norm_running(batches: Array, *, decay: float) -> tuple[Array, ...]:
    session = _session("BatchNormalization", batches.dtype, vectors=4, averages=2, training_mode=1, momentum=decay)
    gamma = var = np.ones(batches.shape[-1], batches.dtype)
    beta = mean = np.zeros(batches.shape[-1], batches.dtype)
    for batch in batches:
        _, mean, var = _run(session, batch, gamma, beta, mean, var)
    return mean, var


def batch_norm_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    (result,) = _run(_session("BatchNormalization", z.dtype, vectors=4, epsilon=eps), z, gamma, beta, mean, var)
    return result


def label_losses(z: Array, labels: Array, *, ignore_index: int | None = None, weight: Weight = None) -> Array:
    return _label_loss(z, labels, "none", ignore_index, weight)


def label_cross_entropy(z: Array, labels: Array, *, ignore_index: int | None = None, weight: Weight = None) -> Array:
    return _label_loss(z, labels, "mean", ignore_index, weight)


def _label_loss(z: Array, labels: Array, reduction: str, ignore_index: int | None, weight: Weight) -> Array:
    ignored = {} if ignore_index is None else {"ignore_index": ignore_index}
    session = _of_labels(z.dtype, weight is not None, reduction=reduction, **ignored)
    (result,) = _run(session, z, labels, *(() if weight is None else (np.asarray(weight, z.dtype),)))
    return result


@lru_cache(maxsize=64)
def _of_labels(dtype: np.dtype, weighed: bool, **attributes: str | int) -> onnxruntime.InferenceSession:
    """A session of SoftmaxCrossEntropyLoss: scores (m, C) and labels (m,), and weights (C,), in."""
    element = helper.np_dtype_to_tensor_dtype(dtype)
    inputs = [
        helper.make_tensor_value_info("scores", element, ["m", "C"]),
        helper.make_tensor_value_info("labels", onnx.TensorProto.INT64, ["m"]),
    ]
    if weighed:
        inputs.append(helper.make_tensor_value_info("weights", element, ["C"]))
    shape = ["m"] if attributes["reduction"] == "none" else []
    outputs = [helper.make_tensor_value_info("loss", element, shape)]
    return _session_of("SoftmaxCrossEntropyLoss", inputs, outputs, **attributes)


@lru_cache(maxsize=64)
def _session(
    operator: str, dtype: np.dtype, *, vectors: int = 0, averages: int = 0, **attributes: float
) -> onnxruntime.InferenceSession:
    """A session of one operator: a matrix (m, n) in and out, beside it so many vectors (n,) in, and averages out."""
    element = helper.np_dtype_to_tensor_dtype(dtype)
    inputs = [helper.make_tensor_value_info("z", element, ["m", "n"])]
    inputs += [helper.make_tensor_value_info(f"vector{k}", element, ["n"]) for k in range(vectors)]
    outputs = [helper.make_tensor_value_info("out", element, ["m", "n"])]
    outputs += [helper.make_tensor_value_info(f"average{k}", element, ["n"]) for k in range(averages)]
    return _session_of(operator, inputs, outputs, **attributes)


def _session_of(
    operator: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], **attributes: float | str
) -> onnxruntime.InferenceSession:
    node = helper.make_node(operator, [x.name for x in inputs], [x.name for x in outputs], **attributes)
    graph = helper.make_graph([node], operator, inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the matrices are small, and every session keeps its threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, *arrays: Array) -> tuple[Array, ...]:
    names = [given.name for given in session.get_inputs()]
    return tuple(np.asarray(out) for out in session.run(None, dict(zip(names, arrays, strict=True))))
