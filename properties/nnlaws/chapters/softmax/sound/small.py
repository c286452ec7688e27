"""Right ways to compute softmax and its kin: online, looped, merged in blocks, by powers of 2, wide, narrow."""

import math
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound

LOG2_E = math.log2(math.e)


@sound("softmax")
@stored
def online(z: Array) -> Array:
    """One pass for maximum and sum (Milakov and Gimelshein 2018)."""
    top, total = np.full((len(z), 1), -np.inf, z.dtype), np.zeros((len(z), 1), z.dtype)
    for k in range(z.shape[1]):
        new = np.maximum(top, z[:, k : k + 1])
        settled = np.where(np.isneginf(new), 0, new)
        total = total * np.exp(top - settled) + np.exp(z[:, k : k + 1] - settled)
        top = new
    return np.exp(z - top) / total


@sound("softmax")
@stored
def merged_blocks(z: Array) -> Array:
    """Maximum and sum of blocks of two, merged pairwise as a tree of threads does."""
    parts = [(z[:, k : k + 1], np.ones((len(z), 1), z.dtype)) for k in range(z.shape[1])]
    while len(parts) > 1:
        parts = [_merge(*parts[i : i + 2]) for i in range(0, len(parts), 2)]
    top, total = parts[0]
    return np.exp(z - top) / total


def _merge(a: tuple[Array, Array], b: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
    if b is None:
        return a
    top = np.maximum(a[0], b[0])
    settled = np.where(np.isneginf(top), 0, top)
    return top, a[1] * np.exp(a[0] - settled) + b[1] * np.exp(b[0] - settled)


@sound("softmax")
@stored
def loop(z: Array) -> Array:
    """Three loops over scalars, sums from the last class to the first."""
    result = np.empty_like(z)
    for i, row in enumerate(z):
        top = max(row)
        exponentials = [np.exp(x - top) for x in row]
        total = sum(reversed(exponentials[:-1]), exponentials[-1])
        for k, e in enumerate(exponentials):
            result[i, k] = e / total
    return result


@sound("softmax")
@stored
def reciprocal(z: Array) -> Array:
    """Multiplied by the reciprocal of the sum."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e * (1 / e.sum(axis=-1, keepdims=True))


@sound("softmax")
@stored
def approximate_reciprocal(z: Array) -> Array:
    """The same with a reciprocal that is a unit roundoff too small, as one refined from 12 bits may be (Eigen)."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e * _just_below(1 / e.sum(axis=-1, keepdims=True))


def _just_below(x: Array) -> Array:
    return np.nextafter(x, np.zeros_like(x))


@sound("softmax")
@stored
def powers_of_two(z: Array) -> Array:
    """2^{(z − max) log₂ e}, as kernels compute whose hardware has exp2."""
    e = np.exp2((z - z.max(axis=-1, keepdims=True)) * z.dtype.type(LOG2_E))
    return e / e.sum(axis=-1, keepdims=True)


@sound("softmax")
@stored
def powers_of_two_division_free(z: Array) -> Array:
    """2^{(z − max) log₂ e − log₂ Σ}: the constant and its product round z − max twice more."""
    shifted = (z - z.max(axis=-1, keepdims=True)) * z.dtype.type(LOG2_E)
    return np.exp2(shifted - np.log2(np.exp2(shifted).sum(axis=-1, keepdims=True)))


@sound("softmax")
@stored
def tiles_of_four(z: Array) -> Array:
    """Online, a tile after another; a maximum of −∞ is not subtracted, and rescales nothing."""
    top, total = np.full((len(z), 1), -np.inf, z.dtype), np.zeros((len(z), 1), z.dtype)
    for at in range(0, z.shape[1], 4):
        tile = z[:, at : at + 4]
        new = np.maximum(top, tile.max(axis=-1, keepdims=True))
        settled = np.where(np.isneginf(new), 0, new)
        total = total * np.exp(top - settled) + np.exp(tile - settled).sum(axis=-1, keepdims=True)
        top = new
    return np.exp(z - top) / total


@sound("softmax", exponential="scaled_first")
@stored
def scaled_first(z: Array) -> Array:
    """2^{z log₂ e − max(z) log₂ e}, each product rounded."""
    e = np.exp2(_scaled(z) - _scaled(z).max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@sound("softmax", exponential="scaled_first")
def scaled_first_and_fused(z: Array) -> Array:
    """2^{z log₂ e − max(z) log₂ e}, of which the first product and the difference are one operation (FlashAttention-2).

    With logits so large that max(z) log₂ e is off by 128, that is infinite.
    """
    working = np.float32 if z.dtype.itemsize < 8 else np.float64
    wide: Any = np.float64 if z.dtype.itemsize < 8 else np.longdouble
    c, x = working(LOG2_E), z.astype(working)
    top = x.max(axis=-1, keepdims=True) * c
    e = np.exp2((x.astype(wide) * wide(c) - top.astype(wide)).astype(working))
    return (e / e.sum(axis=-1, keepdims=True)).astype(z.dtype)


def _scaled(z: Array) -> Array:
    return z * z.dtype.type(LOG2_E)


@sound("softmax")
@stored
def division_free(z: Array) -> Array:
    """exp(log-softmax)."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


@sound("softmax")
def wide(z: Array) -> Array:
    """Everything in float64, stored once."""
    e = np.exp(z.astype(np.float64) - z.max(axis=-1, keepdims=True).astype(np.float64))
    return (e / e.sum(axis=-1, keepdims=True)).astype(z.dtype)


@sound("softmax")
@stored
def flushing(z: Array) -> Array:
    """Results below the smallest normal number are 0, as on hardware that flushes subnormals."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    a = e / e.sum(axis=-1, keepdims=True)
    return np.where(a < np.finfo(z.dtype).smallest_normal, 0, a)


@sound("softmax", normalisation="lse")
@stored
def exp_of_z_minus_lse(z: Array) -> Array:
    """exp(z − LSE(z)): a convention, for the rounding of LSE."""
    return np.exp(z - _log_sum_exp(z))


@sound("softmax", normalisation="logaddexp")
@stored
def exp_of_z_minus_accumulated_lse(z: Array) -> Array:
    """exp(z − LSE(z)), LSE by numpy.logaddexp, one class after another: a convention, for the rounding of each step."""
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


@sound("softmax", normalisation="logaddexp")
@stored
def exp_of_z_minus_lse_by_pairs(z: Array) -> Array:
    """The same, pair by pair."""
    parts = [z[:, k : k + 1] for k in range(z.shape[1])]
    while len(parts) > 1:
        parts = [
            np.logaddexp(*pair) if len(pair := parts[i : i + 2]) == 2 else pair[0] for i in range(0, len(parts), 2)
        ]
    return np.exp(z - parts[0])


@sound("softmax", arithmetic="narrow")
def every_step_narrow(z: Array) -> Array:
    """Every operation in z's own dtype."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / _in_turn(e)


def _in_turn(terms: Array) -> Array:
    """The sum of each row, one term after another."""
    total = terms[:, :1]
    for k in range(1, terms.shape[1]):
        total = total + terms[:, k : k + 1]
    return total


@sound("log_softmax", arithmetic="narrow")
def log_softmax_every_step_narrow(z: Array) -> Array:
    """Every operation in z's own dtype."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(_in_turn(np.exp(shifted)))


@sound("cross_entropy", arithmetic="narrow")
def cross_entropy_every_step_narrow(z: Array, y: Array) -> Array:
    """Every operation in z's own dtype."""
    shifted = z - z.max(axis=-1, keepdims=True)
    logs = shifted - np.log(_in_turn(np.exp(shifted)))
    losses = _in_turn(np.where(y > 0, y * logs, z.dtype.type(0)))
    return np.asarray(-_in_turn(losses.T)[0, 0] / z.dtype.type(len(z)))


@sound("cross_entropy_gradient", arithmetic="narrow")
def gradient_every_step_narrow(z: Array, y: Array) -> Array:
    """Every operation in z's own dtype."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return (e / _in_turn(e) - y) / z.dtype.type(max(len(z), 1))


@sound("log_softmax")
@stored
def compensated(z: Array) -> Array:
    """The sum by Kahan's algorithm."""
    shifted = z - z.max(axis=-1, keepdims=True)
    total, lost = np.zeros_like(z[:, :1]), np.zeros_like(z[:, :1])
    for k in range(z.shape[1]):
        term = np.exp(shifted[:, k : k + 1]) - lost
        new = total + term
        total, lost = new, (new - total) - term
    return shifted - np.log(total)


@sound("log_softmax", normalisation="lse")
@stored
def z_minus_lse(z: Array) -> Array:
    return z - _log_sum_exp(z)


@sound("log_softmax", normalisation="logaddexp")
@stored
def z_minus_accumulated_lse(z: Array) -> Array:
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


@sound("log_softmax")
@stored
def sum_of_powers_of_two(z: Array) -> Array:
    """z − max − ln 2 · log₂ Σ 2^{(z − max) log₂ e}."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log2(np.exp2(_scaled(shifted)).sum(axis=-1, keepdims=True)) * z.dtype.type(math.log(2))


@sound("log_softmax", exponential="scaled_first")
@stored
def in_base_two(z: Array) -> Array:
    """The logarithm to base 2 of scaled logits, and at the end times ln 2."""
    shifted = _scaled(z) - _scaled(z).max(axis=-1, keepdims=True)
    return (shifted - np.log2(np.exp2(shifted).sum(axis=-1, keepdims=True))) * z.dtype.type(math.log(2))


@sound("log_softmax", exponential="scaled_first")
@stored
def in_base_two_after_the_maximum(z: Array) -> Array:
    """The same of (z − max) log₂ e, scaled after the difference: between those that are far apart it overflows."""
    shifted = _scaled(z - z.max(axis=-1, keepdims=True))
    return (shifted - np.log2(np.exp2(shifted).sum(axis=-1, keepdims=True))) * z.dtype.type(math.log(2))


@sound("cross_entropy", normalisation="lse")
@stored
def lse_minus_dot(z: Array, y: Array) -> Array:
    """LSE · Σ y − Σ y z, sample by sample (Apex, Liger, Megatron, flash-attn); NaN where a class is masked."""
    return (_log_sum_exp(z)[:, 0] * y.sum(axis=-1) - (y * z).sum(axis=-1)).mean(dtype=z.dtype)


@sound("cross_entropy", normalisation="logaddexp")
@stored
def accumulated_lse_minus_dot(z: Array, y: Array) -> Array:
    """The same, LSE by numpy.logaddexp."""
    return (np.logaddexp.reduce(z, axis=-1) * y.sum(axis=-1) - (y * z).sum(axis=-1)).mean(dtype=z.dtype)


@sound("cross_entropy", normalisation="lse")
@stored
def sum_of_lse_minus_sum_of_dots(z: Array, y: Array) -> Array:
    """The same, each term summed over the batch first."""
    share = z.dtype.type(1) / z.dtype.type(len(z))
    return share * _log_sum_exp(z).sum() - share * np.where(y > 0, y * z, 0).sum()


@sound("cross_entropy", exponential="scaled_first")
@stored
def loss_in_base_two(z: Array, y: Array) -> Array:
    """−Σ y l, with l as in `in_base_two`."""
    shifted = _scaled(z) - _scaled(z).max(axis=-1, keepdims=True)
    logs = shifted - np.log2(np.exp2(shifted).sum(axis=-1, keepdims=True))
    return -np.where(y > 0, y * (logs * z.dtype.type(math.log(2))), 0).sum() / z.dtype.type(len(z))


@sound("cross_entropy")
@stored
def log_sum_minus_dot(z: Array, y: Array) -> Array:
    """log Σ − Σ y (z − max), sample by sample."""
    shifted = z - z.max(axis=-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=-1)) - np.where(y > 0, y * shifted, 0).sum(axis=-1)
    return losses.mean()


@sound("cross_entropy")
@stored
def running_mean(z: Array, y: Array) -> Array:
    """One sample after another, each weighted by 1/m."""
    shifted = z - z.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    total, share = z.dtype.type(0), z.dtype.type(1) / z.dtype.type(len(z))
    for terms in np.where(y > 0, y * logs, 0):
        total = total - share * terms.sum()
    return np.asarray(total)


@sound("cross_entropy_gradient")
@stored
def chain_rule(z: Array, y: Array) -> Array:
    """dl = −y/m, then back through log-softmax: dl − e^l Σ dl."""
    shifted = z - z.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    dl = -y / z.dtype.type(max(len(z), 1))
    return dl - np.exp(logs) * dl.sum(axis=-1, keepdims=True)


@sound("cross_entropy_gradient")
@stored
def jacobian(z: Array, y: Array) -> Array:
    """Σ_k (δ_jk − a_j)(−y_k): the Jacobian of log-softmax, multiplied out."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    a = e / e.sum(axis=-1, keepdims=True)
    return np.einsum("ij,ijk->ik", -y / max(len(z), 1), np.eye(z.shape[1], dtype=z.dtype) - a[:, None, :])


@sound("cross_entropy_gradient")
@stored
def from_approximate_reciprocal(z: Array, y: Array) -> Array:
    """(a − y)/m, with a as in `approximate_reciprocal`."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    a = e * _just_below(1 / e.sum(axis=-1, keepdims=True))
    return (a - y) / z.dtype.type(max(len(z), 1))


@sound("cross_entropy_gradient", normalisation="logaddexp")
@stored
def from_z_minus_accumulated_lse(z: Array, y: Array) -> Array:
    """Of exp(z − LSE(z)), LSE by numpy.logaddexp."""
    return (np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True)) - y) / z.dtype.type(max(len(z), 1))


@sound("cross_entropy_gradient", normalisation="lse")
@stored
def from_z_minus_lse(z: Array, y: Array) -> Array:
    """(e^{z − LSE} − y)/m, as the backward pass of a kernel that keeps LSE alone."""
    return (np.exp(z - _log_sum_exp(z)) - y) / z.dtype.type(max(len(z), 1))


@sound("cross_entropy_gradient", exponential="scaled_first")
@stored
def from_scaled_first(z: Array, y: Array) -> Array:
    """(a − y)/m, with a as in `scaled_first`."""
    e = np.exp2(_scaled(z) - _scaled(z).max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True) - y) / z.dtype.type(max(len(z), 1))


def _log_sum_exp(z: Array) -> Array:
    top = z.max(axis=-1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True))


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
