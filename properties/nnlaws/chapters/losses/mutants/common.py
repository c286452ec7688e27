"""What the mutants of this chapter share: what is right, to be changed in one place."""

import numpy as np
from nnlaws_reference.dtypes import Array

OVER = "divide by the number of samples that are not ignored"
KEPT = "mask what is ignored in the losses and in the gradient"
WEIGHTS = "divide by the sum of the weights of the samples' classes"
SHARED = "targets are (1 − ε) one-hot + ε/C"
UPSTREAM = "multiply the gradient of each sample by what comes from above for it"
SHIFT = "subtract the row's maximum before the exponential"
Weight = tuple[float, ...] | None


def logs(z: Array) -> Array:
    """Log-softmax by rows."""
    below = z - z.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def softmax(z: Array) -> Array:
    return np.exp(logs(z))


def one_hot(labels: Array, classes: int) -> Array:
    return (labels[:, None] == np.arange(classes)).astype(float)


def targets(
    z: Array,
    labels: Array,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """w_k t_ik, 0 for what is ignored."""
    classes = z.shape[-1]
    t = (1 - label_smoothing) * one_hot(labels, classes) + label_smoothing / classes
    kept = (labels != ignore_index)[:, None]
    return np.asarray(t * weights(z, weight) * kept, z.dtype)


def weights(z: Array, weight: Weight) -> Array:
    return np.ones(z.shape[-1], z.dtype) if weight is None else np.asarray(weight, z.dtype)


def losses(z: Array, t: Array) -> Array:
    """−Σ t l by rows, 0 · ∞ being 0."""
    return np.asarray(-np.where(t > 0, t * logs(z), 0).sum(axis=-1))


def gradient(z: Array, t: Array) -> Array:
    return softmax(z) * t.sum(axis=-1, keepdims=True) - t


def counted(z: Array, labels: Array, ignore_index: int | None = None, weight: Weight = None) -> float:
    """Σ w of the labels that are not ignored."""
    own = (one_hot(labels, z.shape[-1]) * weights(z, weight)).sum(axis=-1)
    return float(np.where(labels == ignore_index, 0, own).sum())
