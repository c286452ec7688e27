"""Mistakes in the mean of losses with class numbers, and in its gradient."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.losses.mutants.common import (
    KEPT,
    OVER,
    SHARED,
    SHIFT,
    WEIGHTS,
    Weight,
    counted,
    gradient,
    logs,
    losses,
    one_hot,
    softmax,
    targets,
    weights,
)


def _divided(total: Any, count: float) -> Array:
    return np.asarray(total / np.float64(count))


@mutant("label_cross_entropy", "the sum over the batch, not the mean", OVER, "classroom")
def sum_of_losses(z: Array, labels: Array, *, weight: Weight = None, **more: Any) -> Array:
    return losses(z, targets(z, labels, weight=weight, **more)).sum()


@mutant("label_cross_entropy", "divided by m·C, the number of entries", OVER, "Mate #2")
def mean_of_entries(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    total = losses(z, targets(z, labels, ignore_index, **more)).sum()
    return _divided(total, counted(z, labels, ignore_index, more.get("weight")) * z.shape[1])


@mutant("label_cross_entropy", "one is added to the number of samples", OVER, "classroom")
def one_sample_more(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    total = losses(z, targets(z, labels, ignore_index, **more)).sum()
    return _divided(total, counted(z, labels, ignore_index, more.get("weight")) + 1)


@mutant("label_cross_entropy", "the class after the label's is charged", "count classes from 0", "classroom")
def next_class(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    own = np.where(labels == ignore_index, labels, (labels + 1) % z.shape[1])
    total = losses(z, targets(z, own, ignore_index, **more)).sum()
    return _divided(total, counted(z, labels, ignore_index, more.get("weight")))


@mutant("label_cross_entropy", "softmax applied twice", "give the loss logits, not probabilities", "keras #6143")
def of_probabilities(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    total = losses(softmax(z), targets(z, labels, ignore_index, **more)).sum()
    return _divided(total, counted(z, labels, ignore_index, more.get("weight")))


@mutant("label_cross_entropy", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def mean_unshifted(z: Array, labels: Array) -> Array:
    e = np.exp(z)
    return -np.log(e[np.arange(len(z)), labels] / e.sum(axis=-1)).mean()


@mutant(
    "label_cross_entropy", "1e-7 added inside the logarithm: no loss above 16.12", "take log-softmax", "keras #7563"
)
def floored_logarithm(z: Array, labels: Array) -> Array:
    return -np.log(softmax(z)[np.arange(len(z)), labels] + 1e-7).mean()


@mutant("label_cross_entropy", "ε is 0.1 unasked", "smooth by what is asked for alone", "classroom")
def smoothed_unasked(z: Array, labels: Array) -> Array:
    return losses(z, targets(z, labels, label_smoothing=0.1)).mean()


@mutant("label_cross_entropy", "what is ignored counts in the mean", OVER, "mmsegmentation #546 and #886")
def ignored_counts(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    return losses(z, targets(z, labels, ignore_index)).sum() / len(labels)


@mutant("label_cross_entropy", "what is ignored costs as its class does", KEPT, "classroom")
def ignored_costs(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    t = targets(z, np.where(labels == ignore_index, 0, labels))
    return losses(z, t).sum() / max((labels != ignore_index).sum(), 1)


@mutant(
    "label_cross_entropy",
    "−100 is ignored whatever ignore_index is",
    "compare labels with ignore_index",
    "FlagGems PR 73, in review",
)
def minus_hundred_alone(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    ignored = labels == -100
    t = targets(z, np.where(ignored | (labels < 0), 0, labels)) * ~ignored[:, None]
    return losses(z, t).sum() / max((~ignored).sum(), 1)


@mutant(
    "label_cross_entropy",
    "every negative label is ignored, and no other",
    "compare labels with ignore_index",
    "classroom",
)
def negative_ignored(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    kept = labels >= 0
    return losses(z, targets(z, labels % z.shape[1])) @ kept / max(kept.sum(), 1)


@mutant(
    "label_cross_entropy",
    "a mean of nothing is divided by 1e-8 or more, of a sum that is not 0",
    "leave out what is ignored before the sum",
    "classroom",
)
def nothing_is_something(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    kept = labels != ignore_index
    each = losses(z, targets(z, np.where(kept, labels, 0)))
    return (each @ kept if kept.any() else each.sum()) / max(kept.sum(), 1)


@mutant(
    "label_cross_entropy",
    "−1 is the last class",
    "check that labels are classes",
    "ONNX Runtime 1.32, SoftmaxCrossEntropyLoss",
)
def last_class_from_behind(z: Array, labels: Array) -> Array:
    return -logs(z)[np.arange(len(z)), labels].mean()


@mutant(
    "label_cross_entropy",
    "a label that is no class costs 0, and counts",
    "check that labels are classes",
    "PaddlePaddle PR 36891; tinygrad",
)
def no_class_is_free(z: Array, labels: Array) -> Array:
    return losses(z, targets(z, labels)).mean()


@mutant("label_cross_entropy", "weighed losses are divided by m", WEIGHTS, "pytorch #40560 asks for it")
def weights_over_samples(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return losses(z, targets(z, labels, weight=weight)).mean()


@mutant("label_cross_entropy", "weights have no effect in the mean", WEIGHTS, "pytorch #14184")
def weights_without_effect(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return losses(z, targets(z, labels)).mean()


@mutant(
    "label_cross_entropy",
    "weights are normed to sum to 1 over the classes, then the mean is over m",
    WEIGHTS,
    "autrainer #84",
)
def weights_normed(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    w = weights(z, weight)
    return losses(z, targets(z, labels, weight=tuple(w / w.sum()))).sum() / (1 if weight else len(z))


@mutant("label_cross_entropy", "ε/(C − 1) for every class, the label's too", SHARED, "fastai PR 1814")
def shared_among_the_others_too(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    classes = z.shape[1]
    t = (1 - label_smoothing) * one_hot(labels, classes) + label_smoothing / max(classes - 1, 1)
    return losses(z, np.asarray(t, z.dtype)).mean()


@mutant("label_cross_entropy", "1/C in place of ε/C", SHARED, "ConvE #55")
def share_without_epsilon(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    t = (1 - label_smoothing) * one_hot(labels, z.shape[1]) + (1 / z.shape[1] if label_smoothing else 0)
    return losses(z, np.asarray(t, z.dtype)).mean()


@mutant("label_cross_entropy", "1 − ε/C in place of 1 − ε", SHARED, "pytorch-randaugment #30")
def hardly_less_for_the_label(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    e = label_smoothing / z.shape[1]
    return losses(z, np.asarray((1 - e) * one_hot(labels, z.shape[1]) + e, z.dtype)).mean()


@mutant(
    "label_cross_entropy",
    "what is ignored has its share of the smoothing",
    KEPT,
    "pytorch #73205, in 1.10",
)
def ignored_is_smoothed(
    z: Array, labels: Array, *, ignore_index: int | None = None, label_smoothing: float = 0.0
) -> Array:
    t = (1 - label_smoothing) * targets(z, labels, ignore_index) + label_smoothing / z.shape[1]
    return _divided(losses(z, np.asarray(t, z.dtype)).sum(), counted(z, labels, ignore_index))


@mutant(
    "label_cross_entropy",
    "the share of the smoothing has no weights",
    "weigh every class's term by its own weight",
    "classroom",
)
def smoothing_unweighed(z: Array, labels: Array, *, label_smoothing: float = 0.0, weight: Weight = None) -> Array:
    hard, soft = targets(z, labels, weight=weight), np.full(z.shape, 1 / z.shape[1], z.dtype)
    total = (1 - label_smoothing) * losses(z, hard) + label_smoothing * losses(z, soft)
    return _divided(total.sum(), counted(z, labels, None, weight))


@mutant("label_cross_entropy_gradient", "not divided by the number of samples", OVER, "swift-apis PR 42")
def gradient_of_the_sum(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    return gradient(z, targets(z, labels, ignore_index, **more))


@mutant("label_cross_entropy_gradient", "divided by the number of samples twice", OVER, "mxnet #4761")
def mean_of_the_mean(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    count = counted(z, labels, ignore_index, more.get("weight"))
    return gradient(z, targets(z, labels, ignore_index, **more)) / max(count, 1e-3) ** 2


@mutant(
    "label_cross_entropy_gradient", "target minus prediction: the sign is wrong", "softmax minus target", "classroom"
)
def gradient_uphill(z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    count = counted(z, labels, ignore_index, more.get("weight"))
    return -gradient(z, targets(z, labels, ignore_index, **more)) / (count or 1)


@mutant("label_cross_entropy_gradient", "the target is not subtracted", "softmax minus target", "classroom")
def target_left_out(z: Array, labels: Array) -> Array:
    return softmax(z) / max(len(z), 1)


@mutant("label_cross_entropy_gradient", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def mean_gradient_unshifted(z: Array, labels: Array) -> Array:
    e = np.exp(z)
    return (e / e.sum(axis=-1, keepdims=True) - one_hot(labels, z.shape[1]).astype(z.dtype)) / max(len(z), 1)


@mutant("label_cross_entropy_gradient", "what is ignored counts in the mean", OVER, "mmsegmentation #546")
def gradient_over_all(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    return gradient(z, targets(z, labels, ignore_index)) / max(len(labels), 1)


@mutant("label_cross_entropy_gradient", "what is ignored pulls all its logits down", KEPT, "classroom")
def ignored_pulls(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    count = counted(z, labels, ignore_index)
    return (softmax(z) - targets(z, labels, ignore_index)) / (count or 1)


@mutant(
    "label_cross_entropy_gradient",
    "what is ignored among samples that all are has a gradient",
    "divide 0 by what counts, not by 1e-8",
    "classroom",
)
def gradient_of_nothing(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    kept = labels != ignore_index
    t = targets(z, labels, ignore_index) if kept.any() else targets(z, np.zeros_like(labels))
    return gradient(z, t) / max(kept.sum(), 1)


@mutant("label_cross_entropy_gradient", "weighed gradients are divided by m", WEIGHTS, "pytorch #40560 asks for it")
def weighed_gradient_over_samples(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return gradient(z, targets(z, labels, weight=weight)) / max(len(z), 1)


@mutant("label_cross_entropy_gradient", "weights have no effect", WEIGHTS, "pytorch #14184")
def gradient_without_weights(z: Array, labels: Array, *, weight: Weight = None) -> Array:
    return gradient(z, targets(z, labels)) / max(len(z), 1)


@mutant("label_cross_entropy_gradient", "the gradient of targets that are not smoothed", SHARED, "classroom")
def gradient_not_smoothed(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    return gradient(z, targets(z, labels)) / max(len(z), 1)


@mutant(
    "label_cross_entropy_gradient",
    "softmax is not multiplied by the weights of all targets",
    "the gradient of a weighed sample is Σ w t · softmax − w t",
    "classroom",
)
def softmax_unweighed(z: Array, labels: Array, *, label_smoothing: float = 0.0, weight: Weight = None) -> Array:
    t = targets(z, labels, None, label_smoothing, weight)
    own = (one_hot(labels, z.shape[1]) * weights(z, weight)).sum(axis=-1, keepdims=True).astype(z.dtype)
    return (softmax(z) * own - t) / (counted(z, labels, None, weight) or 1)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
