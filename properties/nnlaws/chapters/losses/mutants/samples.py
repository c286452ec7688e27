"""Mistakes in the losses of samples by class numbers, and in their gradient."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.losses.mutants.common import (
    KEPT,
    SHARED,
    SHIFT,
    UPSTREAM,
    Weight,
    gradient,
    logs,
    losses,
    one_hot,
    softmax,
    targets,
)

CHECKED = "check that labels are classes"


@mutant("label_losses", "the losses are divided by m", "divide where a mean is asked for", "classroom")
def each_over_m(z: Array, labels: Array, **more: Any) -> Array:
    return losses(z, targets(z, labels, **more)) / max(len(z), 1)


@mutant("label_losses", "the minus sign is missing", "J = −log a", "classroom")
def negative(z: Array, labels: Array, **more: Any) -> Array:
    return -losses(z, targets(z, labels, **more))


@mutant("label_losses", "a logarithm to base 2: bits, not nats", "use the natural logarithm", "classroom")
def in_bits(z: Array, labels: Array, **more: Any) -> Array:
    return losses(z, targets(z, labels, **more)) / z.dtype.type(np.log(2))


@mutant("label_losses", "the class before the label's is charged", "count classes from 0", "classroom")
def from_one(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    own = np.where(labels == ignore_index, labels, (labels - 1) % z.shape[1])
    return losses(z, targets(z, own, ignore_index, **more))


@mutant("label_losses", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def losses_unshifted(z: Array, labels: Array) -> Array:
    e = np.exp(z)
    return -np.log(e[np.arange(len(z)), labels] / e.sum(axis=-1))


@mutant("label_losses", "logits clipped to ±50", SHIFT, "classroom")
def losses_clipped(z: Array, labels: Array) -> Array:
    return losses(np.clip(z, -50, 50), targets(z, labels))


@mutant("label_losses", "shifted by the maximum of the whole batch: other rows underflow", SHIFT, "classroom")
def shifted_by_the_batch(z: Array, labels: Array) -> Array:
    e = np.exp(z - z.max(initial=-np.inf))
    return -np.log(e[np.arange(len(z)), labels] / e.sum(axis=-1))


@mutant("label_losses", "the probability is floored at 1e-12", "take log-softmax", "keras #7563")
def floored(z: Array, labels: Array) -> Array:
    return -np.log(np.maximum(softmax(z)[np.arange(len(z)), labels], 1e-12))


@mutant("label_losses", "what is ignored costs as class 0 does", KEPT, "classroom")
def ignored_is_class_zero(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    return losses(z, targets(z, np.where(labels == ignore_index, 0, labels)))


@mutant("label_losses", "an ignored sample's loss is NaN", KEPT, "classroom")
def ignored_is_nan(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    return np.where(labels == ignore_index, np.nan, losses(z, targets(z, labels, ignore_index)))


@mutant("label_losses", "−1 is the last class", CHECKED, "ONNX Runtime 1.32, SoftmaxCrossEntropyLoss")
def class_from_behind(z: Array, labels: Array) -> Array:
    return -logs(z)[np.arange(len(z)), labels]


@mutant("label_losses", "a label that is no class costs 0", CHECKED, "PaddlePaddle PR 36891; tinygrad")
def no_class_costs_nothing(z: Array, labels: Array) -> Array:
    return losses(z, targets(z, labels))


@mutant("label_losses", "weights have no effect", "multiply each loss by its class's weight", "pytorch #14184")
def losses_without_weights(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return losses(z, targets(z, labels))


@mutant("label_losses", "weights multiply logits", "multiply each loss by its class's weight", "classroom")
def weighed_logits(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return losses(z if weight is None else z * np.asarray(weight, z.dtype), targets(z, labels))


@mutant("label_losses", "the loss with the uniform distribution is a sum, not a mean", SHARED, "classroom")
def smoothing_by_the_sum(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    return (1 - label_smoothing) * losses(z, targets(z, labels)) - label_smoothing * logs(z).sum(axis=-1)


@mutant("label_losses", "1 − ε/C in place of 1 − ε", SHARED, "pytorch-randaugment #30")
def too_much_for_the_label(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    e = label_smoothing / z.shape[1]
    return losses(z, np.asarray((1 - e) * one_hot(labels, z.shape[1]) + e, z.dtype))


@mutant(
    "label_losses",
    "ignored samples keep the loss with the uniform distribution",
    KEPT,
    "pytorch #73205, in 1.10",
)
def smoothing_of_the_ignored(
    z: Array, labels: Array, *, ignore_index: int | None = None, label_smoothing: float = 0.0
) -> Array:
    t = (1 - label_smoothing) * targets(z, labels, ignore_index) + label_smoothing / z.shape[1]
    return losses(z, np.asarray(t, z.dtype))


@mutant("label_losses", "class numbers wrap at 65536", "keep class numbers in 32 bits", "classroom")
def labels_in_16_bits(z: Array, labels: Array) -> Array:
    return losses(z, targets(z, labels % 65536))


@mutant(
    "label_losses",
    "class numbers are rounded to the dtype of the logits",
    "keep class numbers integers",
    "keras #15012; Keras 3.15.1 again",
    raw=True,
)
def labels_in_the_narrow_type(z: Array, labels: Array) -> Array:
    own = np.minimum(labels.astype(np.float16 if z.dtype.itemsize > 2 else z.dtype).astype(np.int64), z.shape[1] - 1)
    wide = z.astype(np.float64)
    return losses(wide, targets(wide, own)).astype(z.dtype)


def _of(z: Array, upstream: Array, t: Array) -> Array:
    return upstream[:, None] * gradient(z, t)


@mutant("label_losses_gradient", "what comes from above is left out", UPSTREAM, "DirectML #740, where all of it was 0")
def upstream_left_out(z: Array, labels: Array, upstream: Array, **more: Any) -> Array:
    return gradient(z, targets(z, labels, **more))


@mutant(
    "label_losses_gradient",
    "all are multiplied by what comes from above for the first",
    UPSTREAM,
    "Liger-Kernel PR 1298",
)
def upstream_of_the_first(z: Array, labels: Array, upstream: Array, **more: Any) -> Array:
    return (upstream[0] if len(upstream) else 1) * gradient(z, targets(z, labels, **more))


@mutant("label_losses_gradient", "all are multiplied by the mean of what comes from above", UPSTREAM, "classroom")
def upstream_on_average(z: Array, labels: Array, upstream: Array, **more: Any) -> Array:
    return (upstream.mean() if len(upstream) else 1) * gradient(z, targets(z, labels, **more))


@mutant("label_losses_gradient", "the target is not multiplied by what comes from above", UPSTREAM, "classroom")
def upstream_of_softmax_alone(z: Array, labels: Array, upstream: Array, **more: Any) -> Array:
    t = targets(z, labels, **more)
    return softmax(z) * t.sum(axis=-1, keepdims=True) * upstream[:, None] - t


@mutant("label_losses_gradient", "divided by m besides", "divide where a mean is asked for", "classroom")
def upstream_over_m(z: Array, labels: Array, upstream: Array, **more: Any) -> Array:
    return _of(z, upstream, targets(z, labels, **more)) / max(len(z), 1)


@mutant("label_losses_gradient", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def gradients_unshifted(z: Array, labels: Array, upstream: Array) -> Array:
    e = np.exp(z)
    hot = one_hot(labels, z.shape[1]).astype(z.dtype)
    return upstream[:, None] * (e / e.sum(axis=-1, keepdims=True) - hot)


@mutant("label_losses_gradient", "what is ignored pulls all its logits down", KEPT, "Liger-Kernel #968")
def ignored_has_a_gradient(z: Array, labels: Array, upstream: Array, *, ignore_index: int | None = None) -> Array:
    return upstream[:, None] * (softmax(z) - targets(z, labels, ignore_index))


@mutant("label_losses_gradient", "weights have no effect", "multiply each gradient by its class's weight", "classroom")
def gradients_without_weights(z: Array, labels: Array, upstream: Array, *, weight: Weight = None) -> Array:
    return _of(z, upstream, targets(z, labels))


@mutant("label_losses_gradient", "the gradient of targets that are not smoothed", SHARED, "classroom")
def gradients_not_smoothed(z: Array, labels: Array, upstream: Array, *, label_smoothing: float = 0.0) -> Array:
    return _of(z, upstream, targets(z, labels))


@mutant(
    "label_losses_gradient",
    "softmax is weighed by the label's class alone",
    "the gradient of a weighed sample is Σ w t · softmax − w t",
    "classroom",
)
def softmax_of_one_weight(
    z: Array, labels: Array, upstream: Array, *, label_smoothing: float = 0.0, weight: Weight = None
) -> Array:
    t, own = targets(z, labels, None, label_smoothing, weight), targets(z, labels, None, 0.0, weight)
    return upstream[:, None] * (softmax(z) * own.sum(axis=-1, keepdims=True) - t)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
