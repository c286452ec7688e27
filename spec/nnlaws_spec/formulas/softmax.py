"""Softmax, cross entropy and their gradient: the formulas of chapters/softmax.md.

Samples first: z and y are (..., m, C).
"""

import numpy as np

from nnlaws_spec.formulas import Numbers


def softmax(z: Numbers) -> Numbers:
    """SM-1: a_k = e^{z_k} / Σ_j e^{z_j}, along the last axis."""
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def shifted(z: Numbers, *y: Numbers) -> tuple[Numbers, ...]:
    """SM-3: arguments of the same results, each row less its largest logit: no exponential of these overflows."""
    return z - z.max(axis=-1, keepdims=True), *y


def sigmoid(z: Numbers) -> Numbers:
    """SM-9: σ(z) = 1 / (1 + e^{−z})."""
    return 1 / (1 + np.exp(-z))


def log_softmax(z: Numbers) -> Numbers:
    """SM-11: l_k = z_k − log Σ_j e^{z_j}, along the last axis."""
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def cross_entropy(z: Numbers, y: Numbers) -> Numbers:
    """SM-12, SM-13: J = −(1/m) Σ_i Σ_k y_ik log a_ik."""
    m = z.shape[-2]
    return -(y * log_softmax(z)).sum(axis=(-2, -1)) / m


def entropy(y: Numbers) -> Numbers:
    """SM-15: H(y) = −(1/m) Σ_i Σ_k y_ik log y_ik, where 0 log 0 = 0."""
    m = y.shape[-2]
    return -(y * np.log(np.where(y > 0, y, y + 1))).sum(axis=(-2, -1)) / m


def cross_entropy_gradient(z: Numbers, y: Numbers) -> Numbers:
    """SM-16: ∂J/∂z = (ŷ − y) / m."""
    m = z.shape[-2]
    return (softmax(z) - y) / m
