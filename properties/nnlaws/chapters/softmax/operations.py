"""The operations of softmax, its loss and its gradient."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import softmax as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.softmax import bounds


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


TEXT = chapter("softmax")
_CONVENTIONS = (
    named(
        TEXT,
        "normalisation",
        "lse",
        "weaker bound",
        unseen="an error that grows with the largest |z| then goes unseen",
    ),
    named(
        TEXT,
        "normalisation",
        "logaddexp",
        "weaker bound",
        weaker_than=("lse",),
        unseen="an error that grows with the number of classes and the largest |z| then goes unseen",
    ),
    named(
        TEXT,
        "exponential",
        "scaled_first",
        "weaker bound",
        unseen="an error that grows with the largest |z| then goes unseen",
    ),
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
)
_operation = partial(
    Operation,
    formulas=formulas,
    reference_module=nnlaws_reference,
    bounds=bounds,
    conventions=_CONVENTIONS,
    in_range=formulas.shifted,
    proportional=True,
)

SOFTMAX = _operation("softmax", "z(m,C) -> a(m,C)", Softmax, apart="m")
LOG_SOFTMAX = _operation("log_softmax", "z(m,C) -> l(m,C)", LogSoftmax, apart="m")
CROSS_ENTROPY = _operation("cross_entropy", "z(m,C), y(m,C) -> J()", CrossEntropy)
CROSS_ENTROPY_GRADIENT = _operation("cross_entropy_gradient", "z(m,C), y(m,C) -> dz(m,C)", CrossEntropyGradient)

OPERATIONS = (SOFTMAX, LOG_SOFTMAX, CROSS_ENTROPY, CROSS_ENTROPY_GRADIENT)
