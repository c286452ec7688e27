"""The operations of losses with class numbers, and of sigmoids, and their gradients."""

from functools import partial
from typing import Any, Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import losses as formulas
from nnlaws_spec.formulas.softmax import shifted

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.losses import bounds


class LabelLosses(Protocol):
    """z: logits (m, C); labels: class numbers (m,), int64. May take ignore_index, label_smoothing and weight, a tuple
    of C floats (LO-4, LO-7, LO-6).

    Returns the losses (m,): −log a of each sample's class (LO-1).
    """

    def __call__(self, z: Array, labels: Array, /) -> Array: ...


class LabelLossesGradient(Protocol):
    """z, labels: as for label_losses; upstream: the gradient with respect to the losses (m,). May take the same.

    Returns the gradient (m, C): softmax minus target, times upstream (LO-3).
    """

    def __call__(self, z: Array, labels: Array, upstream: Array, /) -> Array: ...


class LabelCrossEntropy(Protocol):
    """z, labels: as for label_losses. May take the same.

    Returns the scalar J, the mean of the losses (LO-2).
    """

    def __call__(self, z: Array, labels: Array, /) -> Array: ...


class LabelCrossEntropyGradient(Protocol):
    """z, labels: as for label_losses. May take the same.

    Returns ∂J/∂z (m, C): softmax minus target, over m (LO-3).
    """

    def __call__(self, z: Array, labels: Array, /) -> Array: ...


class SigmoidLosses(Protocol):
    """z: logits (m, C); y: targets (m, C) in [0, 1].

    Returns the losses (m, C): −y log σ(z) − (1 − y) log(1 − σ(z)) of each entry (LO-13).
    """

    def __call__(self, z: Array, y: Array, /) -> Array: ...


class SigmoidLossesGradient(Protocol):
    """z: logits (m, C); y: targets (m, C) in [0, 1]; upstream: the gradient with respect to the losses (m, C).

    Returns the gradient (m, C): sigmoid minus target, times upstream (LO-14).
    """

    def __call__(self, z: Array, y: Array, upstream: Array, /) -> Array: ...


TEXT = chapter("losses")
_NARROW = named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW)
_LARGEST = "an error that grows with the largest |z| then goes unseen"
_ROUNDING = (
    named(TEXT, "normalisation", "lse", "weaker bound", unseen=_LARGEST),
    named(TEXT, "normalisation", "logaddexp", "weaker bound", weaker_than=("lse",), unseen=_LARGEST),
    named(TEXT, "exponential", "scaled_first", "weaker bound", unseen=_LARGEST),
    _NARROW,
)
_SMOOTHING = named(TEXT, "smoothing", "others")
_MEAN = (named(TEXT, "reduction", "sum"), named(TEXT, "mean_over", "samples"))
_CANCELLING = named(
    TEXT,
    "sigmoid_form",
    "cancelling",
    "weaker bound",
    unseen="a loss that is 0 where z is far below 0 then goes unseen",
)
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, proportional=True)
_of_labels: Any = partial(
    _operation,
    in_range=shifted,
    integers=("labels",),
    optional=("ignore_index", "label_smoothing", "weight"),
)

LABEL_LOSSES = _of_labels(
    "label_losses",
    "z(m,C), labels(m) -> losses(m)",
    LabelLosses,
    conventions=(*_ROUNDING, _SMOOTHING),
    apart="m",
)
LABEL_LOSSES_GRADIENT = _of_labels(
    "label_losses_gradient",
    "z(m,C), labels(m), upstream(m) -> dz(m,C)",
    LabelLossesGradient,
    conventions=(*_ROUNDING, _SMOOTHING),
    apart="m",
)
LABEL_CROSS_ENTROPY = _of_labels(
    "label_cross_entropy",
    "z(m,C), labels(m) -> J()",
    LabelCrossEntropy,
    conventions=(*_ROUNDING, *_MEAN, _SMOOTHING),
)
LABEL_CROSS_ENTROPY_GRADIENT = _of_labels(
    "label_cross_entropy_gradient",
    "z(m,C), labels(m) -> dz(m,C)",
    LabelCrossEntropyGradient,
    conventions=(*_ROUNDING, *_MEAN, _SMOOTHING),
)
SIGMOID_LOSSES = _operation(
    "sigmoid_losses", "z(m,C), y(m,C) -> losses(m,C)", SigmoidLosses, conventions=(_NARROW, _CANCELLING), apart="m"
)
SIGMOID_LOSSES_GRADIENT = _operation(
    "sigmoid_losses_gradient",
    "z(m,C), y(m,C), upstream(m,C) -> dz(m,C)",
    SigmoidLossesGradient,
    conventions=(_NARROW, _CANCELLING),
    apart="m",
)

OF_LABELS = (LABEL_LOSSES, LABEL_LOSSES_GRADIENT, LABEL_CROSS_ENTROPY, LABEL_CROSS_ENTROPY_GRADIENT)
OF_SIGMOIDS = (SIGMOID_LOSSES, SIGMOID_LOSSES_GRADIENT)
OPERATIONS = (*OF_LABELS, *OF_SIGMOIDS)
