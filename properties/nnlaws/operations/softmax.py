"""The operations of softmax, its loss and its gradient."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation


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


_NORMALISING = ("arithmetic", "normalisation")

OPERATIONS = (
    Operation("softmax", "softmax", "z(m,C) -> a(m,C)", Softmax, grades=_NORMALISING),
    Operation("log_softmax", "softmax", "z(m,C) -> l(m,C)", LogSoftmax, grades=_NORMALISING),
    Operation("cross_entropy", "softmax", "z(m,C), y(m,C) -> J()", CrossEntropy, grades=_NORMALISING),
    Operation(
        "cross_entropy_gradient", "softmax", "z(m,C), y(m,C) -> dz(m,C)", CrossEntropyGradient, grades=_NORMALISING
    ),
)
