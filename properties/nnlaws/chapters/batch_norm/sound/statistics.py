"""Means and variances by sound algorithms, and what is made of them."""

from collections.abc import Sequence

import numpy as np
from nnlaws_reference.dtypes import Array

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]
Part = tuple[int, Array, Array]
"""How many samples, their mean, and the sum of the squares of their distances from it."""


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


def updated_by_new_mean(z: Array) -> Pair:
    """The mean as M (k − 1)/k + z/k, and squares of the distance from the new mean, times k/(k − 1) (Cotton 1975)."""
    m = count(z)
    mean, squares = z[0], np.zeros_like(z[0])
    for k, sample in enumerate(z[1:], 2):
        mean = mean * ((k - 1) / k) + sample / k
        squares = squares + (sample - mean) ** 2 * (k / (k - 1))
    return mean, squares / m


def updated_variance(z: Array) -> Pair:
    """Mean and variance themselves updated, each as an average that the next term moves by its k-th part."""
    count(z)
    mean, var = np.zeros_like(z[0]), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        before, mean = mean, mean + (sample - mean) / k
        var = var + ((sample - before) * (sample - mean) - var) / k
    return mean, var


def youngs_and_cramer(z: Array) -> Pair:
    """A total in place of a mean: S += (k z − T)²/(k (k − 1)) (Youngs and Cramer 1971), as PostgreSQL has it."""
    m = count(z)
    total, squares = z[0], np.zeros_like(z[0])
    for k, sample in enumerate(z[1:], 2):
        total = total + sample
        squares = squares + (k * sample - total) ** 2 / (k * (k - 1))
    return total / m, squares / m


def merged(parts: Sequence[Part]) -> Pair:
    """Parts merged two by two, as a tree of threads does (Chan, Golub and LeVeque 1983)."""
    while len(parts) > 1:
        parts = [_merge(*parts[i : i + 2]) for i in range(0, len(parts), 2)]
    ((m, mean, squares),) = parts
    return mean, squares / m


def _merge(a: Part, b: Part | None = None) -> Part:
    if b is None:
        return a
    count, apart = a[0] + b[0], b[1] - a[1]
    return count, a[1] + apart * (b[0] / count), a[2] + b[2] + apart * apart * (a[0] * b[0] / count)


def one_pass_shifted_by(shift: Array, z: Array) -> Pair:
    """E[(z − c)²] − (μ − c)², where c is a number between the least and the greatest sample."""
    mean, var = one_pass_statistics(z - shift)
    return shift + mean, var


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
