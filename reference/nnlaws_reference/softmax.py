"""Softmax, log-softmax, cross entropy and its gradient: sound in every floating dtype, for every finite logit."""

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype


def softmax(z: Array) -> Array:
    """Class probabilities a_k = e^{z_k} / Σ_j e^{z_j}.

    z: logits (..., C), finite, or −∞ for a masked class (SM-10) though not for a whole row.
    Returns (..., C) of z's dtype, each row summing to 1 (SM-2).
    Raises ValueError if C = 0 or z is not of a floating dtype.
    Subtracting the row's maximum changes nothing (SM-3) and keeps e^z from overflowing (SM-6).
    """
    e = np.exp(shifted(z))
    return (e / e.sum(axis=-1, keepdims=True)).astype(z.dtype)  # SM-1


def log_softmax(z: Array) -> Array:
    """Log-probabilities l_k = z_k − log Σ_j e^{z_j}; accurate where softmax underflows to 0.

    Shapes, masks and errors as for softmax. An exact value beyond z's dtype becomes −∞ (SM-6).
    """
    with np.errstate(over="ignore"):
        return working_log_softmax(z).astype(z.dtype)


def cross_entropy(z: Array, y: Array) -> Array:
    """The mean over the batch of −Σ_k y_k log a_k: J, a scalar of z's dtype.

    z: logits (..., m, C). y: targets of z's shape and dtype, rows on the simplex (not checked).
    Raises ValueError if C = 0, m = 0, the shapes or dtypes differ, or z is not of a floating dtype.
    """
    _same(z, y)
    m = _samples(z)
    if m == 0:
        raise ValueError("the cross entropy of an empty batch is 0/0: expected at least one sample (m ≥ 1)")
    logs = working_log_softmax(z)
    with np.errstate(invalid="ignore"):
        terms = np.where(y > 0, y.astype(logs.dtype) * logs, 0)  # SM-12; 0 · (−∞) is 0 here
    return (-terms.sum(axis=(-2, -1)) / m).astype(z.dtype)  # SM-13


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    """∂J/∂z = (softmax(z) − y) / m, of z's shape and dtype.

    z, y: as for cross_entropy, but m = 0 is allowed and gives an empty gradient (CT-5).
    """
    _same(z, y)
    e = np.exp(shifted(z))
    a = e / e.sum(axis=-1, keepdims=True)
    return ((a - y.astype(a.dtype)) / max(_samples(z), 1)).astype(z.dtype)  # SM-16


def shifted(z: Array) -> Array:
    """z − max z in the working dtype; the largest entry of each row is 0."""
    if z.ndim < 1 or z.shape[-1] == 0:
        raise ValueError(f"expected logits of shape (..., C) with at least one class, got shape {z.shape}")
    wide = z.astype(working_dtype(z.dtype))
    with np.errstate(over="ignore"):  # a difference beyond the dtype is −∞, whose exponential is rightly 0
        return wide - wide.max(axis=-1, keepdims=True)


def working_log_softmax(z: Array) -> Array:
    """log_softmax in the working dtype, not rounded to z's."""
    below = shifted(z)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))  # SM-11


def _samples(z: Array) -> int:
    if z.ndim < 2:
        raise ValueError(f"expected logits of shape (..., m, C), got shape {z.shape}; for one sample use z[None, :]")
    return int(z.shape[-2])


def _same(z: Array, y: Array) -> None:
    if z.shape != y.shape or z.dtype != y.dtype:
        raise ValueError(
            f"expected targets of the logits' shape and dtype, {z.shape} {z.dtype}, got {y.shape} {y.dtype}; "
            "class numbers become rows by numpy.eye(C, dtype=z.dtype)[labels]"
        )
