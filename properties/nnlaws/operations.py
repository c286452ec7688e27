"""The contract: what each operation is called, what it takes, and what it returns.

An implementation is any module or object with attributes of these names. Arrays are NumPy arrays of one floating dtype,
samples first. The Protocols are for type checkers; OPERATIONS is what the harness reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

from nnlaws_reference.dtypes import Array


class Softmax(Protocol):
    """z: logits (m, C). Returns the class probabilities (m, C): each row e^z / Σ e^z (SM-1)."""

    def __call__(self, z: Array, /) -> Array: ...


class LogSoftmax(Protocol):
    """z: logits (m, C). Returns the log-probabilities (m, C): each row z − log Σ e^z (SM-11)."""

    def __call__(self, z: Array, /) -> Array: ...


class CrossEntropy(Protocol):
    """z: logits (m, C); y: targets (m, C), rows ≥ 0 that sum to 1.

    Returns the scalar J, the mean over the batch (SM-12, SM-13).
    """

    def __call__(self, z: Array, y: Array, /) -> Array: ...


class CrossEntropyGradient(Protocol):
    """z: logits (m, C); y: targets (m, C). Returns ∂J/∂z (m, C): softmax minus target, over m (SM-16)."""

    def __call__(self, z: Array, y: Array, /) -> Array: ...


@dataclass(frozen=True)
class Operation:
    """One operation: its `name`, `chapter`, argument names, and whether it returns one scalar for the batch.

    Its formula, reference and rounding bound are the functions of its name in the three modules of its chapter.
    """

    name: str
    chapter: str
    arguments: tuple[str, ...]
    scalar: bool
    protocol: type

    @property
    def meaning(self) -> str:
        """Arguments, result and clauses, in one sentence or two."""
        return " ".join(str(self.protocol.__doc__).split())

    @cached_property
    def formula(self) -> Callable[..., Any]:
        return self._in("nnlaws_spec.formulas")

    @cached_property
    def reference(self) -> Callable[..., Any]:
        return self._in("nnlaws_reference")

    @cached_property
    def bound(self) -> Callable[..., Any]:
        return self._in("nnlaws.bounds")

    def result_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the result for logits of this shape (m, C)."""
        return () if self.scalar else shape

    def _in(self, package: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"{package}.{self.chapter}"), self.name)
        return function


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("softmax", "softmax", ("z",), scalar=False, protocol=Softmax),
        Operation("log_softmax", "softmax", ("z",), scalar=False, protocol=LogSoftmax),
        Operation("cross_entropy", "softmax", ("z", "y"), scalar=True, protocol=CrossEntropy),
        Operation("cross_entropy_gradient", "softmax", ("z", "y"), scalar=False, protocol=CrossEntropyGradient),
    )
}
