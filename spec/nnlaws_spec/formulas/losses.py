"""Losses of class numbers, and of sigmoids: the formulas of chapters/losses.md.

Samples first: z is (..., m, C); labels is (..., m), of whole numbers. weight has one number for each class. What is
computed with the options is computed in z's own kind of number, so in balls nothing is rounded away: not 1 − ε, not
ε/C. `mean_over`, `reduction` and `smoothing` are the chapter's conventions.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nnlaws_spec.formulas import Numbers
from nnlaws_spec.formulas.softmax import log_softmax, softmax

Labels = NDArray[np.integer[Any]]
Weight = tuple[float, ...] | None
MeanOver = Literal["weights", "samples"]
Reduction = Literal["mean", "sum"]
Smoothing = Literal["all", "others"]


def label_losses(
    z: Numbers,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
    smoothing: Smoothing = "all",
) -> Numbers:
    """LO-1, LO-4, LO-6, LO-7: J_i = −Σ_k w_k t_ik log a_ik."""
    return -(targets(z, labels, ignore_index, label_smoothing, weight, smoothing) * log_softmax(z)).sum(axis=-1)


def label_losses_gradient(
    z: Numbers,
    labels: Labels,
    upstream: Numbers,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
    smoothing: Smoothing = "all",
) -> Numbers:
    """LO-3: ∂L/∂z_ik = g_i (a_ik Σ_j w_j t_ij − w_k t_ik), where g_i = ∂L/∂J_i."""
    t = targets(z, labels, ignore_index, label_smoothing, weight, smoothing)
    return upstream[..., None] * (softmax(z) * t.sum(axis=-1, keepdims=True) - t)


def label_cross_entropy(
    z: Numbers,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
    smoothing: Smoothing = "all",
    mean_over: MeanOver = "weights",
    reduction: Reduction = "mean",
) -> Numbers:
    """LO-2: Σ_i J_i, divided by the weights of the labels of all samples that are not ignored."""
    each = label_losses(
        z, labels, ignore_index=ignore_index, label_smoothing=label_smoothing, weight=weight, smoothing=smoothing
    )
    return (each.sum(axis=-1, keepdims=True) / counted(z, labels, ignore_index, weight, mean_over, reduction))[..., 0]


def label_cross_entropy_gradient(
    z: Numbers,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
    smoothing: Smoothing = "all",
    mean_over: MeanOver = "weights",
    reduction: Reduction = "mean",
) -> Numbers:
    """LO-3, with g_i = 1/m or, of LO-4 and LO-6, one over the sum of the weights."""
    share = 1 / counted(z, labels, ignore_index, weight, mean_over, reduction)
    return label_losses_gradient(
        z,
        labels,
        share + 0 * z[..., 0],
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        weight=weight,
        smoothing=smoothing,
    )


def sigmoid_losses(z: Numbers, y: Numbers) -> Numbers:
    """LO-13: −y log σ(z) − (1 − y) log σ(−z), of each entry."""
    return y * np.log(1 + np.exp(-z)) + (1 - y) * np.log(1 + np.exp(z))


def sigmoid_losses_gradient(z: Numbers, y: Numbers, upstream: Numbers) -> Numbers:
    """LO-14: ∂L/∂z = g (σ(z) − y), of each entry."""
    return upstream * (1 / (1 + np.exp(-z)) - y)


def smoothed(labels: Labels, classes: int, label_smoothing: float, smoothing: Smoothing = "all") -> NDArray[np.float64]:
    """LO-7: the targets t (..., m, C) of labels, in floats."""
    return np.asarray(targets(np.zeros((*labels.shape, classes)), labels, None, label_smoothing, None, smoothing))


def targets(
    z: Numbers,
    labels: Labels,
    ignore_index: int | None,
    label_smoothing: float,
    weight: Weight,
    smoothing: Smoothing,
) -> Numbers:
    """LO-6, LO-7: w_k t_ik, in z's own kind of number; 0 for a sample that is ignored."""
    zero, classes = 0 * z, z.shape[-1]
    e = label_smoothing + zero
    share = e / classes if smoothing == "all" else e / max(classes - 1, 1)
    of_label = 1 - e + share if smoothing == "all" else 1 - e
    t = np.where(_hot(labels, classes), of_label, share) * _weights(z, weight)
    return np.where((labels == ignore_index)[..., None], zero, t)


def counted(
    z: Numbers,
    labels: Labels,
    ignore_index: int | None,
    weight: Weight,
    mean_over: MeanOver,
    reduction: Reduction,
) -> Numbers:
    """LO-2: what the sum of the losses is divided by (..., 1): Σ w_label of all that is not ignored; m; or 1."""
    zero = 0 * z[..., 0].sum(axis=-1, keepdims=True)
    if reduction == "sum":
        return 1 + zero
    if mean_over == "samples":
        return labels.shape[-1] + zero
    own = _hot(labels, z.shape[-1]) * _weights(z, weight)
    return np.where((labels == ignore_index)[..., None], 0.0, own + 0 * z).sum(axis=-1).sum(axis=-1, keepdims=True)


def _hot(labels: Labels, classes: int) -> NDArray[np.bool_]:
    """Whether a class is the label's."""
    return np.asarray(labels[..., None] == np.arange(classes))


def _weights(z: Numbers, weight: Weight) -> NDArray[np.float64]:
    return np.ones(z.shape[-1]) if weight is None else np.asarray(weight)
