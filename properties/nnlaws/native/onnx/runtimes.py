"""What a model of ONNX is run by: ONNX Runtime on the CPU, or the reference evaluator of ONNX itself."""

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
from nnlaws_reference.dtypes import Array
from onnx.reference import ReferenceEvaluator

from nnlaws.native.names import Unrecognised

Run = Callable[[Mapping[str, Array]], tuple[Array, ...]]
"""The outputs of a model, in order, for its inputs by name."""
ONNXRUNTIME, REFERENCE = "onnxruntime", "reference"
_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
FATAL = 4  # of ONNX Runtime's levels of what is told: what it refuses it raises besides


class Unrun(Exception):
    """The runtime does not take the model; the message says why."""


def choices(wanted: str) -> tuple[str, ...]:
    """The runtimes to try, in order. wanted: the one that is asked for, or nothing. Raises Unrecognised."""
    there = (*((ONNXRUNTIME,) if find_spec(ONNXRUNTIME) else ()), REFERENCE)
    if not wanted:
        return there
    if wanted not in (ONNXRUNTIME, REFERENCE):
        raise Unrecognised(f"runtime={wanted}: expected runtime={ONNXRUNTIME} or runtime={REFERENCE}")
    if wanted not in there:
        raise Unrecognised(
            f"runtime={wanted}: the package {ONNXRUNTIME} is not installed; runtime={REFERENCE} needs none"
        )
    return (wanted,)


def described(runtime: str) -> str:
    """What it is called, with its version."""
    if runtime == REFERENCE:
        return f"ONNX {onnx.__version__} ReferenceEvaluator"
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__} on CPU"


def run(model: onnx.ModelProto, runtime: str) -> Run:
    """The model, ready to be called. Raises Unrun."""
    return _by_reference(model) if runtime == REFERENCE else _by_onnxruntime(model)


def _by_reference(model: onnx.ModelProto) -> Run:
    try:
        evaluator = ReferenceEvaluator(model)
    except Exception as error:
        raise Unrun(_first(error)) from error

    def call(given: Mapping[str, Array]) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            found: Any = evaluator.run(None, dict(given))
        return tuple(np.asarray(x) for x in found)

    return call


def _by_onnxruntime(model: onnx.ModelProto) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # arrays are small, and every session keeps its threads
    options.log_severity_level = FATAL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Unrun(_first(error)) from error

    def call(given: Mapping[str, Array]) -> tuple[Array, ...]:
        found: Any = session.run(None, dict(given))
        return tuple(np.asarray(x) for x in found)

    return call


def without(runtime: str, reason: str) -> str:
    """Why a runtime is not used, as the end of a line."""
    return f", since {runtime} does not run it ({reason})"


def _first(error: Exception) -> str:
    """The first line of what it says, without ONNX Runtime's number of the error."""
    return _CODE.sub("", next(iter(str(error).splitlines()), type(error).__name__))[:200]
