"""ONNX's reference evaluator: Adam and Momentum of the domain ai.onnx.preview.training (version 1).

The operators are given the number T of the step. The target `from_one` counts it from 1, as the notes do; `from_zero`
from 0, as the operators' documentation says: Momentum then gives the first gradient the weight 1, and Adam corrects
nothing in the first step. Momentum's two weights are alpha = β and beta = 1 − β, so that it averages. Its attributes
are float32, in a float64 model too.
"""

from functools import lru_cache

import numpy as np
import onnx
from nnlaws_reference.dtypes import Array
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from nnlaws.native.driver import Optimizer, stateful

State = tuple[int, list[Array]]
"""The number T of the next step, and the tensors: the parameters and their averages."""


class Operators:
    """What a target declares, and its operations; the first step is number `first`."""

    dtypes = ("float32", "float64")

    def __init__(self, first: int) -> None:
        self.description = (
            f"ONNX {onnx.__version__} ReferenceEvaluator: ai.onnx.preview.training Adam, Momentum, T from {first}"
        )
        self.conventions = {"hyperparameters": "working", "adam_form": "epsilon_hat"}
        if first == 0:
            self.conventions["velocity"] = "dampened"
        self.first = first

    @stateful
    def momentum(self, *, beta: float) -> Optimizer[State]:
        return self._optimizer("Momentum", 1, alpha=beta, beta=1 - beta, norm_coefficient=0.0, mode="standard")

    @stateful
    def adam(self, *, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
        return self._optimizer("Adam", 2, alpha=beta1, beta=beta2, epsilon=eps)

    def _optimizer(self, operator: str, averages: int, **attributes: float | str) -> Optimizer[State]:
        def init(theta: Array) -> State:
            return self.first, [theta, *(np.zeros_like(theta) for _ in range(averages))]

        def step(state: State, gradient: Array, rate: float) -> State:
            number, (theta, *kept) = state
            given = {"R": np.array(rate, theta.dtype), "T": np.array(number), "X": theta, "G": gradient}
            given |= {f"average{k}": average for k, average in enumerate(kept)}
            new = _evaluator(operator, averages, theta.dtype, **attributes).run(None, given)
            return number + 1, [x.astype(theta.dtype) for x in new]  # some come back as float64

        return Optimizer(init, step, lambda state: state[1][0], _restored)


def _restored(state: State) -> State:
    """From tensors that were serialised."""
    number, tensors = state
    saved = [numpy_helper.from_array(x).SerializeToString() for x in tensors]
    return number, [numpy_helper.to_array(onnx.TensorProto.FromString(bits)) for bits in saved]


@lru_cache(maxsize=1024)
def _evaluator(operator: str, averages: int, dtype: np.dtype, **attributes: float | str) -> ReferenceEvaluator:
    """Of one operator, for one tensor X with its gradient G and so many averages."""
    element = helper.np_dtype_to_tensor_dtype(dtype)
    kept = [f"average{k}" for k in range(averages)]
    inputs = [
        helper.make_tensor_value_info("R", element, []),
        helper.make_tensor_value_info("T", onnx.TensorProto.INT64, []),
        *(helper.make_tensor_value_info(name, element, ["n"]) for name in ("X", "G", *kept)),
    ]
    outputs = [helper.make_tensor_value_info(f"new_{name}", element, ["n"]) for name in ("X", *kept)]
    names = [x.name for x in inputs], [x.name for x in outputs]
    node = helper.make_node(operator, *names, domain="ai.onnx.preview.training", **attributes)
    graph = helper.make_graph([node], operator, inputs, outputs)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.preview.training", 1)]
    return ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets, ir_version=8))


from_one = Operators(1)
from_zero = Operators(0)
