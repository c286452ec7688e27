"""Losses of class numbers and of sigmoids, and their gradients: sound in every floating dtype and at every logit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaws_reference.dtypes import Array, working_dtype
from nnlaws_reference.softmax import shifted, working_log_softmax

Labels = NDArray[np.integer[Any]]
Weight = tuple[float, ...] | None


def label_losses(
    z: Array,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """The loss of each sample, −Σ_k w_k t_ik log a_ik (m,), of z's dtype (LO-1).

    z: finite logits (m, C). labels: class numbers (m,), of an integer dtype; those that are `ignore_index` have loss 0
    (LO-4). label_smoothing: in [0, 1], what is taken of a label and shared by all classes (LO-7). weight: one number
    ≥ 0 for each class (LO-6). Raises ValueError for a label that is no class, and for other shapes and dtypes.
    """
    with np.errstate(over="ignore"):
        return _losses(z, labels, ignore_index, label_smoothing, weight).astype(z.dtype)


def label_losses_gradient(
    z: Array,
    labels: Labels,
    upstream: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """∂L/∂z (m, C) of upstream = ∂L/∂J (m,): g_i (a_ik Σ_j w_j t_ij − w_k t_ik) (LO-3). Else as label_losses."""
    g = upstream.astype(working_dtype(z.dtype))
    return _gradient(z, labels, g, ignore_index, label_smoothing, weight)


def label_cross_entropy(
    z: Array,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """The sum of the losses over that of the weights of their labels: J, a scalar of z's dtype (LO-2, LO-6).

    NaN where all samples are ignored (LO-5). Else as label_losses. Raises ValueError for no samples too.
    """
    if len(z) == 0:
        raise ValueError("the mean loss of an empty batch is 0/0: expected at least one sample (m ≥ 1)")
    losses = _losses(z, labels, ignore_index, label_smoothing, weight)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(losses.sum() / np.float64(_counted(z, labels, ignore_index, weight))).astype(z.dtype)


def label_cross_entropy_gradient(
    z: Array,
    labels: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """∂J/∂z (m, C) of label_cross_entropy: as label_losses_gradient, of one over the sum of the weights (LO-3).

    0 where all samples are ignored.
    """
    count = _counted(z, labels, ignore_index, weight)
    share = np.full(labels.shape, 1 / count if count else 0, working_dtype(z.dtype))
    return _gradient(z, labels, share, ignore_index, label_smoothing, weight)


def sigmoid_losses(z: Array, y: Array) -> Array:
    """The loss of the sigmoid of each logit, −y log σ(z) − (1 − y) log(1 − σ(z)) (m, C), of z's dtype (LO-13).

    z: finite logits (m, C). y: targets in [0, 1] (not checked), of z's shape and dtype.
    """
    _same(z, y)
    wide, targets = (x.astype(working_dtype(z.dtype)) for x in (z, y))
    with np.errstate(over="ignore"):  # |z| is all that is left of max(z, 0) − z y, where y is 0 or 1 and z far off
        rest = np.log1p(np.exp(-np.abs(wide)))
        straight = np.where(wide > 0, (1 - targets) * wide, -targets * wide)
        return np.asarray((straight + rest).astype(z.dtype))


def sigmoid_losses_gradient(z: Array, y: Array, upstream: Array) -> Array:
    """∂L/∂z (m, C) of upstream = ∂L/∂J (m, C): g (σ(z) − y) (LO-14). z, y: as for sigmoid_losses."""
    _same(z, y)
    _same(z, upstream)
    wide, targets, g = (x.astype(working_dtype(z.dtype)) for x in (z, y, upstream))
    e = np.exp(-np.abs(wide))
    off = np.where(wide > 0, (1 - targets) - e / (1 + e), e / (1 + e) - targets)
    return np.asarray((g * off).astype(z.dtype))


def _losses(z: Array, labels: Labels, ignore_index: int | None, label_smoothing: float, weight: Weight) -> Array:
    """In the working dtype."""
    t = _targets(z, labels, ignore_index, label_smoothing, weight)
    logs = working_log_softmax(z)
    with np.errstate(invalid="ignore"):  # 0 · (−∞), of a class that has no part in the loss, is 0
        return np.asarray(-np.where(t > 0, t * logs, 0).sum(axis=-1))


def _gradient(
    z: Array, labels: Labels, g: Array, ignore_index: int | None, label_smoothing: float, weight: Weight
) -> Array:
    t = _targets(z, labels, ignore_index, label_smoothing, weight)
    e = np.exp(shifted(z))
    a = e / e.sum(axis=-1, keepdims=True)
    return np.asarray((g[:, None] * (a * t.sum(axis=-1, keepdims=True) - t)).astype(z.dtype))


def _targets(z: Array, labels: Labels, ignore_index: int | None, label_smoothing: float, weight: Weight) -> Array:
    """w_k t_ik (m, C) in the working dtype: what is ignored has none."""
    if z.ndim != 2 or z.shape[-1] == 0 or labels.shape != z.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"expected logits (m, C), with one class at least, and m class numbers of an integer dtype, got shape "
            f"{z.shape}, and {labels.dtype} of shape {labels.shape}"
        )
    classes, kept = z.shape[-1], labels != ignore_index
    wrong = labels[kept & ((labels < 0) | (labels >= classes))]
    if wrong.size:  # LO-8
        raise ValueError(f"expected class numbers from 0 to {classes - 1}, or {ignore_index} to ignore, got {wrong[0]}")
    if weight is not None and len(weight) != classes:
        raise ValueError(f"expected one weight for each of {classes} classes, got {len(weight)}")
    wide = working_dtype(z.dtype)
    t = np.full(z.shape, label_smoothing / classes, wide)
    t[np.arange(len(labels)), np.where(kept, labels, 0)] = 1 - label_smoothing + label_smoothing / classes
    return np.asarray(np.where(kept[:, None], t if weight is None else t * np.asarray(weight, wide), 0))


def _counted(z: Array, labels: Labels, ignore_index: int | None, weight: Weight) -> float:
    """What the sum of the losses is divided by."""
    kept = labels[labels != ignore_index]
    return float(len(kept) if weight is None else np.asarray(weight)[kept].sum())


def _same(z: Array, other: Array) -> None:
    if z.shape != other.shape or z.dtype != other.dtype:
        raise ValueError(
            f"expected arrays of one shape and dtype, {z.shape} {z.dtype}, got {other.shape} {other.dtype}"
        )
