"""Right ways to compute batch norm: in one pass or two, merged, folded, by the chain rule, wide, narrow."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import each, stored
from nnlaws.authoring.variant import SoundVariant, sound

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]


def _in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed in float64 and rounded to the arguments' dtype once."""

    @wraps(function)
    def run(*arguments: Array, **options: float) -> Any:
        dtype = arguments[0].dtype
        results = function(*(argument.astype(np.float64) for argument in arguments), **options)
        return each(lambda result: result.astype(dtype))(results)

    return run


# --- mean and variance ---


def _count(z: Array) -> int:
    """m, at least 1."""
    if not len(z):
        raise ValueError("no samples")
    return len(z)


def _two_pass(z: Array) -> Pair:
    m = _count(z)
    mean = z.sum(axis=0) / m
    return mean, ((z - mean) ** 2).sum(axis=0) / m


def _one_pass(z: Array) -> Pair:
    """E[z²] − μ², clamped at 0."""
    m = _count(z)
    mean = z.sum(axis=0) / m
    return mean, np.maximum((z * z).sum(axis=0) / m - mean * mean, 0)


def _updated(z: Array) -> Pair:
    """One sample after another (Welford 1962)."""
    m = _count(z)
    mean, squares = np.zeros_like(z[0]), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        deviation = sample - mean
        mean = mean + deviation / k
        squares = squares + deviation * (sample - mean)
    return mean, squares / m


def _unbiased(z: Array, mean: Array, var: Array) -> Array:
    """Σ (z − μ)²/(m − 1); of one sample, the biased variance, which is finite."""
    return ((z - mean) ** 2).sum(axis=0) / (len(z) - 1) if len(z) > 1 else var


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Triple:
    mean, var = statistics
    return (z - mean) / np.sqrt(var + eps) * gamma + beta, mean, var


# --- training ---


@sound("batch_norm_train")
@stored
def two_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("batch_norm_train")
@stored
def welford(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Mean and variance updated by one sample after another."""
    return _normalised(z, gamma, beta, _updated(z), eps)


@sound("batch_norm_train")
@stored
def merged_pairs(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Means and squared deviations merged pairwise as a tree of threads does (Chan, Golub and LeVeque 1983)."""
    m = _count(z)
    parts = [(1, sample, np.zeros_like(sample)) for sample in z]
    while len(parts) > 1:
        parts = [_merge(*parts[i : i + 2]) for i in range(0, len(parts), 2)]
    ((_, mean, squares),) = parts
    return _normalised(z, gamma, beta, (mean, squares / m), eps)


def _merge(a: tuple[int, Array, Array], b: tuple[int, Array, Array] | None = None) -> tuple[int, Array, Array]:
    if b is None:
        return a
    count, apart = a[0] + b[0], b[1] - a[1]
    return count, a[1] + apart * (b[0] / count), a[2] + b[2] + apart * apart * (a[0] * b[0] / count)


@sound("batch_norm_train")
@stored
def shifted_by_first_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes over z less its first sample, so that the sums are of small numbers."""
    _count(z)
    out, mean, var = _normalised(z - z[0], gamma, beta, _two_pass(z - z[0]), eps)
    return out, z[0] + mean, var


@sound("batch_norm_train")
@stored
def compensated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Both sums by Kahan's algorithm."""
    m = _count(z)
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
    mean, var = _two_pass(z)
    scale = gamma / np.sqrt(var + eps)
    return z * scale + (beta - mean * scale), mean, var


@sound("batch_norm_train")
@stored
def reciprocal_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """(z − μ)·(γ·r) + β with r = 1/√(σ² + ε), and sums multiplied by 1/m."""
    share = 1 / _count(z)
    mean = z.sum(axis=0) * share
    var = ((z - mean) ** 2).sum(axis=0) * share
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta, mean, var


@sound("batch_norm_train")
@_in_float64
def wide(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("batch_norm_train", variance="two_pass")
@stored
def loop(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Loops over scalars, sums from the last sample to the first: two passes, declared."""
    m = _count(z)
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
    return _normalised(z, gamma, beta, _one_pass(z), eps)


@sound("batch_norm_train", epsilon="outside")
@stored
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _two_pass(z)
    return (z - mean) / (np.sqrt(var) + eps) * gamma + beta, mean, var


@sound("batch_norm_train", running_variance="unbiased")
@stored
def unbiased_handed_on(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Normalises by the biased variance, and hands the unbiased one on."""
    out, mean, var = _normalised(z, gamma, beta, _two_pass(z), eps)
    return out, mean, _unbiased(z, mean, var)


@sound("batch_norm_train", arithmetic="narrow")
def every_step_narrow(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Every operation in z's own dtype."""
    mean, var = _narrow_two_pass(z)
    return (z - mean) / _narrow_root(var, eps) * gamma + beta, mean, var


@sound("batch_norm_train", arithmetic="narrow", variance="one_pass")
def one_pass_narrow(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[z²] − μ², every operation in z's own dtype: squares pass its range early."""
    mean, var = _narrow_one_pass(z)
    return (z - mean) / _narrow_root(var, eps) * gamma + beta, mean, var


def _narrow_two_pass(z: Array) -> Pair:
    m = z.dtype.type(_count(z))
    mean = _in_turn(z) / m
    return mean, _in_turn((z - mean) * (z - mean)) / m


def _narrow_one_pass(z: Array) -> Pair:
    m = z.dtype.type(_count(z))
    mean = _in_turn(z) / m
    return mean, np.maximum(_in_turn(z * z) / m - mean * mean, z.dtype.type(0))


def _in_turn(terms: Array) -> Array:
    total = terms[0].copy()
    for term in terms[1:]:
        total = total + term
    return total


def _narrow_root(var: Array, eps: float) -> Array:
    """√(σ² + ε); 1 where that is 0, as an ε below the type's range leaves it, so that 0/0 gives 0 and not NaN."""
    root = np.sqrt(var + var.dtype.type(eps))
    return np.where(root == 0, root.dtype.type(1), root)


# --- the gradient ---


def _gradients(dout: Array, gamma: Array, z_norm: Array, root: Array) -> Triple:
    """The shortest form, where z_norm = (z − μ)/root."""
    m = len(dout)
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / (m * root) * (m * dout - dbeta - z_norm * dgamma), dgamma, dbeta


def _divided(z: Array, statistics: Pair, eps: float) -> Pair:
    mean, var = statistics
    root = np.sqrt(var + eps)
    return (z - mean) / root, root


@sound("batch_norm_backward")
@stored
def simplified(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _two_pass(z), eps))


@sound("batch_norm_backward")
@stored
def simplified_after_welford(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _updated(z), eps))


@sound("batch_norm_backward")
@stored
def chain_rule(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Step by step: dz_norm, dσ², dμ, dz (Ioffe and Szegedy 2015, section 3)."""
    m = _count(z)
    mean, var = _two_pass(z)
    centred, r = z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = (dz_norm * centred).sum(axis=0) * r * r * r / -2
    dmean = -(dz_norm * r).sum(axis=0) - dvar * 2 * centred.sum(axis=0) / m
    return dz_norm * r + dvar * 2 * centred / m + dmean / m, (dout * (centred * r)).sum(axis=0), dout.sum(axis=0)


@sound("batch_norm_backward")
@stored
def through_saved_statistics(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """From μ and r = 1/√(σ² + ε) as the forward pass saves them, with z_norm never formed."""
    m = _count(z)
    mean, var = _two_pass(z)
    r = 1 / np.sqrt(var + eps)
    dbeta, along = dout.sum(axis=0), (dout * (z - mean)).sum(axis=0)
    return (dout - dbeta / m - (z - mean) * (along * r * r / m)) * (gamma * r), along * r, dbeta


@sound("batch_norm_backward")
@stored
def line_for_each_feature(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dz = a·dout + b·z + c, three numbers a feature."""
    m = _count(z)
    mean, var = _two_pass(z)
    r = 1 / np.sqrt(var + eps)
    dgamma, dbeta = (dout * ((z - mean) * r)).sum(axis=0), dout.sum(axis=0)
    a = gamma * r
    b = -a * r * dgamma / m
    return a * dout + b * z + (-a * dbeta / m - b * mean), dgamma, dbeta


@sound("batch_norm_backward")
@_in_float64
def wide_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _two_pass(z), eps))


@sound("batch_norm_backward", variance="one_pass")
@stored
def simplified_after_one_pass(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _one_pass(z), eps))


@sound("batch_norm_backward", arithmetic="narrow")
def gradient_every_step_narrow(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every operation in z's own dtype."""
    mean, var = _narrow_two_pass(z)
    m, root = z.dtype.type(len(z)), _narrow_root(var, eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = _in_turn(dout * z_norm), _in_turn(dout)
    return gamma / root * (dout - dbeta / m - z_norm * (dgamma / m)), dgamma, dbeta


@sound("batch_norm_backward", epsilon="outside")
@stored
def gradient_with_epsilon_outside(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """γ/(σ + ε) (dout − mean(dout) − (z − μ)/σ mean(dout (z − μ))/(σ + ε)); 0 for 0/0 in a constant feature."""
    m = _count(z)
    mean, var = _two_pass(z)
    deviation = np.sqrt(var)
    centred, root = z - mean, deviation + eps
    unit = centred / np.where(deviation == 0, 1, deviation)
    dgamma, dbeta = (dout * (centred / root)).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / m - unit * (dgamma / m)), dgamma, dbeta


# --- running averages ---


def _each(batches: Array) -> Pair:
    """The mean and the variance of each batch, (T, n)."""
    means, variances = zip(*(_two_pass(batch) for batch in batches), strict=True)
    return np.stack(means), np.stack(variances)


def _average(values: Array, start: Array | float, old: float, new: float) -> Array:
    """Exponentially weighted: `old` is the weight of the average so far, `new` = 1 − old that of the next value."""
    average = np.zeros(values.shape[1:], values.dtype) + start
    for value in values:
        average = old * average + new * value
    return average


@sound("batch_norm_running")
@stored
def weighted_sum(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay, 1 - decay), _average(variances, 1, decay, 1 - decay)


@sound("batch_norm_running")
@stored
def moved_towards_the_new(batches: Array, *, decay: float) -> Pair:
    """old + (1 − decay)(new − old)."""
    means, variances = _each(batches)
    mean, var = np.zeros_like(means[0]), np.ones_like(variances[0])
    for new_mean, new_var in zip(means, variances, strict=True):
        mean, var = mean + (1 - decay) * (new_mean - mean), var + (1 - decay) * (new_var - var)
    return mean, var


@sound("batch_norm_running")
@stored
def batches_by_welford(batches: Array, *, decay: float) -> Pair:
    """Each batch's statistics updated by one sample after another."""
    means, variances = zip(*(_updated(batch) for batch in batches), strict=True)
    return _average(np.stack(means), 0, decay, 1 - decay), _average(np.stack(variances), 1, decay, 1 - decay)


@sound("batch_norm_running", variance="one_pass")
@stored
def batches_in_one_pass(batches: Array, *, decay: float) -> Pair:
    means, variances = zip(*(_one_pass(batch) for batch in batches), strict=True)
    return _average(np.stack(means), 0, decay, 1 - decay), _average(np.stack(variances), 1, decay, 1 - decay)


@sound("batch_norm_running", running_variance="unbiased")
@stored
def average_of_unbiased(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    unbiased = [_unbiased(*batch) for batch in zip(batches, means, variances, strict=True)]
    return _average(means, 0, decay, 1 - decay), _average(np.stack(unbiased), 1, decay, 1 - decay)


@sound("batch_norm_running", weight="new")
@stored
def weight_of_new(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, 1 - decay, decay), _average(variances, 1, 1 - decay, decay)


@sound("batch_norm_running", running_average="first_batch")
@stored
def started_by_first_batch(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return (
        _average(means[1:], means[0], decay, 1 - decay),
        _average(variances[1:], variances[0], decay, 1 - decay),
    )


@sound("batch_norm_running", running_average="bias_corrected")
@stored
def bias_corrected(batches: Array, *, decay: float) -> Pair:
    """From 0, divided by 1 − decay^T."""
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay, 1 - decay) / share, _average(variances, 0, decay, 1 - decay) / share


@sound("batch_norm_running", running_average="cumulative")
@stored
def cumulative(batches: Array, *, decay: float) -> Pair:
    """old + (new − old)/t."""
    means, variances = _each(batches)
    mean, var = means[0], variances[0]
    for t in range(1, len(means)):
        mean, var = mean + (means[t] - mean) / (t + 1), var + (variances[t] - var) / (t + 1)
    return mean, var


@sound("batch_norm_running", arithmetic="narrow")
def running_every_step_narrow(batches: Array, *, decay: float) -> Pair:
    """Every operation in the batches' own dtype."""
    return _narrow_average([_narrow_two_pass(batch) for batch in batches], decay)


@sound("batch_norm_running", arithmetic="narrow", variance="one_pass")
def running_one_pass_narrow(batches: Array, *, decay: float) -> Pair:
    """E[z²] − μ², every operation in the batches' own dtype."""
    return _narrow_average([_narrow_one_pass(batch) for batch in batches], decay)


def _narrow_average(statistics: Sequence[Pair], decay: float) -> Pair:
    kept = statistics[0][0].dtype.type(decay)
    mean, var = np.zeros_like(statistics[0][0]), np.ones_like(statistics[0][1])
    for of_batch in statistics:
        mean, var = (kept * old + (1 - kept) * new for old, new in zip((mean, var), of_batch, strict=True))
    return mean, var


# --- inference ---


@sound("batch_norm_inference")
@stored
def divided(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / np.sqrt(var + eps) * gamma + beta


@sound("batch_norm_inference")
@stored
def multiplied(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """By γ·r with r = 1/√(var + ε)."""
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta


@sound("batch_norm_inference")
@stored
def folded(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """One scale and one shift a feature, as when it is merged into the layer before."""
    scale = gamma / np.sqrt(var + eps)
    return z * scale + (beta - mean * scale)


@sound("batch_norm_inference")
@_in_float64
def wide_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / np.sqrt(var + eps) * gamma + beta


@sound("batch_norm_inference", epsilon="outside")
@stored
def inference_epsilon_outside(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / (np.sqrt(var) + eps) * gamma + beta


@sound("batch_norm_inference", arithmetic="narrow")
def inference_every_step_narrow(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """Every operation in z's own dtype."""
    return (z - mean) / _narrow_root(var, eps) * gamma + beta


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
