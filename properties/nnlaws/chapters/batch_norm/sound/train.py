"""Right ways to train: in one pass or two, merged, folded, wide, narrow."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.batch_norm.sound.statistics import (
    Pair,
    Triple,
    count,
    merged,
    narrow_one_pass,
    narrow_root,
    narrow_two_pass,
    one_pass_shifted_by,
    one_pass_statistics,
    two_pass_statistics,
    unbiased_variance,
    updated,
    updated_by_new_mean,
    updated_variance,
    youngs_and_cramer,
)


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Triple:
    mean, var = statistics
    return (z - mean) / np.sqrt(var + eps) * gamma + beta, mean, var


@sound("batch_norm_train")
@stored
def two_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, two_pass_statistics(z), eps)


@sound("batch_norm_train")
@stored
def welford(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Mean and variance updated by one sample after another."""
    return _normalised(z, gamma, beta, updated(z), eps)


@sound("batch_norm_train")
@stored
def merged_pairs(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """One sample each to begin with."""
    count(z)
    return _normalised(z, gamma, beta, merged([(1, sample, np.zeros_like(sample)) for sample in z]), eps)


@sound("batch_norm_train")
@stored
def merged_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of three samples, each in two passes, and what is left over: as processes do that have not one size."""
    count(z)
    blocks = [z[start : start + 3] for start in range(0, len(z), 3)]
    parts = [(len(each), *two_pass_statistics(each)) for each in blocks]
    return _normalised(z, gamma, beta, merged([(m, mean, m * var) for m, mean, var in parts]), eps)


@sound("batch_norm_train")
@stored
def updated_from_the_new_mean(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, updated_by_new_mean(z), eps)


@sound("batch_norm_train")
@stored
def updated_as_averages(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, updated_variance(z), eps)


@sound("batch_norm_train")
@stored
def updated_by_totals(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, youngs_and_cramer(z), eps)


@sound("batch_norm_train")
@stored
def one_pass_shifted_by_last_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    count(z)
    return _normalised(z, gamma, beta, one_pass_shifted_by(z[-1], z), eps)


@sound("batch_norm_train")
@stored
def one_pass_shifted_by_first_mean(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """By the mean of the first half of the samples."""
    half = (count(z) + 1) // 2
    return _normalised(z, gamma, beta, one_pass_shifted_by(two_pass_statistics(z[:half])[0], z), eps)


@sound("batch_norm_train")
@stored
def shifted_by_first_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes over z less its first sample, so that the sums are of small numbers."""
    count(z)
    out, mean, var = _normalised(z - z[0], gamma, beta, two_pass_statistics(z - z[0]), eps)
    return out, z[0] + mean, var


@sound("batch_norm_train")
@stored
def compensated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Both sums by Kahan's algorithm."""
    m = count(z)
    mean = _kahan(z) / m
    return _normalised(z, gamma, beta, (mean, _kahan((z - mean) ** 2) / m), eps)


def _kahan(terms: Array) -> Array:
    total, lost = np.zeros_like(terms[0]), np.zeros_like(terms[0])
    for exact in terms:
        term = exact - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total


@sound("batch_norm_train")
@stored
def folded_scale_shift(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """One scale and one shift a feature: z·a + (β − μa)."""
    mean, var = two_pass_statistics(z)
    scale = gamma / np.sqrt(var + eps)
    return z * scale + (beta - mean * scale), mean, var


@sound("batch_norm_train")
@stored
def reciprocal_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """(z − μ)·(γ·r) + β with r = 1/√(σ² + ε), and sums multiplied by 1/m."""
    share = 1 / count(z)
    mean = z.sum(axis=0) * share
    var = ((z - mean) ** 2).sum(axis=0) * share
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta, mean, var


@sound("batch_norm_train")
@in_float64
def wide(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, two_pass_statistics(z), eps)


@sound("batch_norm_train", variance="two_pass")
@stored
def loop(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Loops over scalars, sums from the last sample to the first: two passes, declared."""
    m = count(z)
    out, means, variances = np.empty_like(z), np.empty_like(gamma), np.empty_like(gamma)
    for j in range(z.shape[1]):
        means[j] = sum(reversed(z[:, j])) / m
        variances[j] = sum((x - means[j]) * (x - means[j]) for x in reversed(z[:, j])) / m
        for i in range(m):
            out[i, j] = gamma[j] * ((z[i, j] - means[j]) / np.sqrt(variances[j] + z.dtype.type(eps))) + beta[j]
    return out, means, variances


@sound("batch_norm_train", variance="one_pass")
@stored
def one_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[z²] − μ²: a convention, for digits cancel where the mean is large."""
    return _normalised(z, gamma, beta, one_pass_statistics(z), eps)


@sound("batch_norm_train", epsilon="outside")
@stored
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass_statistics(z)
    return (z - mean) / (np.sqrt(var) + eps) * gamma + beta, mean, var


@sound("batch_norm_train", running_variance="unbiased")
@stored
def unbiased_handed_on(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Normalises by the biased variance, and hands the unbiased one on."""
    out, mean, var = _normalised(z, gamma, beta, two_pass_statistics(z), eps)
    return out, mean, unbiased_variance(z, mean, var)


@sound("batch_norm_train", arithmetic="narrow")
def every_step_narrow(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Every operation in z's own dtype."""
    mean, var = narrow_two_pass(z)
    return (z - mean) / narrow_root(var, eps) * gamma + beta, mean, var


@sound("batch_norm_train", arithmetic="narrow", variance="one_pass")
def one_pass_narrow(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[z²] − μ², every operation in z's own dtype: squares pass its range early."""
    mean, var = narrow_one_pass(z)
    return (z - mean) / narrow_root(var, eps) * gamma + beta, mean, var


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
