"""Means and variances by sound algorithms, and what is made of them."""

import numpy as np
from nnlaws_reference.dtypes import Array

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]


def count(z: Array) -> int:
    """m, at least 1."""
    if not len(z):
        raise ValueError("no samples")
    return len(z)


def two_pass_statistics(z: Array) -> Pair:
    m = count(z)
    mean = z.sum(axis=0) / m
    return mean, ((z - mean) ** 2).sum(axis=0) / m


def one_pass_statistics(z: Array) -> Pair:
    """E[z²] − μ², clamped at 0."""
    m = count(z)
    mean = z.sum(axis=0) / m
    return mean, np.maximum((z * z).sum(axis=0) / m - mean * mean, 0)


def updated(z: Array) -> Pair:
    """One sample after another (Welford 1962)."""
    m = count(z)
    mean, squares = np.zeros_like(z[0]), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        deviation = sample - mean
        mean = mean + deviation / k
        squares = squares + deviation * (sample - mean)
    return mean, squares / m


def unbiased_variance(z: Array, mean: Array, var: Array) -> Array:
    """Σ (z − μ)²/(m − 1); of one sample, the biased variance, which is finite."""
    return ((z - mean) ** 2).sum(axis=0) / (len(z) - 1) if len(z) > 1 else var


def narrow_two_pass(z: Array) -> Pair:
    m = z.dtype.type(count(z))
    mean = in_turn(z) / m
    return mean, in_turn((z - mean) * (z - mean)) / m


def narrow_one_pass(z: Array) -> Pair:
    m = z.dtype.type(count(z))
    mean = in_turn(z) / m
    return mean, np.maximum(in_turn(z * z) / m - mean * mean, z.dtype.type(0))


def in_turn(terms: Array) -> Array:
    total = terms[0].copy()
    for term in terms[1:]:
        total = total + term
    return total


def narrow_root(var: Array, eps: float) -> Array:
    """√(σ² + ε); 1 where that is 0, as an ε below the type's range leaves it, so that 0/0 gives 0 and not NaN."""
    root = np.sqrt(var + var.dtype.type(eps))
    return np.where(root == 0, root.dtype.type(1), root)
