"""Right gradients, running averages and inference of many samples."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.batch_norm.sound.statistics import Pair, Triple, count, merged
from nnlaws.chapters.batch_norm.sound.sums import (
    Sum,
    compensated,
    in_a_tree,
    in_any_order,
    in_blocks,
    in_lanes,
    in_turn,
    merged_in_turn,
    one_pass,
    parts_of,
    two_passes,
    updated_in_lanes,
    wide,
)

# --- backward ---


def _gradients(dout: Array, z: Array, gamma: Array, statistics: Pair, sums: Sum, eps: float) -> Triple:
    mean, var = statistics
    m, r = len(z), 1 / np.sqrt(var + eps)
    z_norm = (z - mean) * r
    dgamma, dbeta = sums(dout * z_norm), sums(dout)
    return gamma * r * (dout - dbeta / m - z_norm * (dgamma / m)), dgamma, dbeta


@sound("batch_norm_backward")
@stored
def gradients_in_turn(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum one sample after another, as a plain C loop."""
    return _gradients(dout, z, gamma, two_passes(z, in_turn), in_turn, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_blocks(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in blocks of 1024 samples, and then of the blocks, as two kernels do, one after the other."""
    return _gradients(dout, z, gamma, two_passes(z, in_blocks), in_blocks, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_a_tree(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Statistics of blocks of 100 merged in a tree, and the sums in one, as a tree of thread blocks."""
    return _gradients(dout, z, gamma, merged(parts_of(z, 100)), in_a_tree, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_any_order(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in an order of chance, as atomic additions arrive."""
    return _gradients(dout, z, gamma, two_passes(z, in_any_order), in_any_order, eps)


@sound("batch_norm_backward")
@stored
def gradients_summed_wide(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in a wider type, as PyTorch's acc_type on a processor."""
    return _gradients(dout, z, gamma, two_passes(z, wide), wide, eps)


@sound("batch_norm_backward")
@stored
def gradients_after_welford(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Statistics by Welford in 32 threads, sums by Kahan's algorithm, as what is saved and what is summed differ."""
    return _gradients(dout, z, gamma, updated_in_lanes(z, 32), compensated, eps)


@sound("batch_norm_backward")
@stored
def chain_rule_in_blocks(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Step by step (Ioffe and Szegedy 2015), each sum in blocks of 1024: that of dout γ r, which is rounded, too."""
    m = count(z)
    mean, var = two_passes(z, in_blocks)
    centred, r = z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = in_blocks(dz_norm * centred) * r * r * r / -2
    dmean = -in_blocks(dz_norm * r) - dvar * 2 * in_blocks(centred) / m
    dgamma = in_blocks(dout * (centred * r))
    return dz_norm * r + dvar * 2 * centred / m + dmean / m, dgamma, in_blocks(dout)


@sound("batch_norm_backward")
@stored
def means_of_shares(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """γ r (dout − mean(dout) − z_norm mean(dout z_norm)), terms times 1/m before 16 lanes add them, as products do."""
    share = 1 / count(z)
    mean, var = two_passes(z, in_lanes)
    r = 1 / np.sqrt(var + eps)
    z_norm = (z - mean) * r
    along = dout * z_norm
    dz = gamma * r * (dout - in_lanes(dout * share) - z_norm * in_lanes(along * share))
    return dz, in_lanes(along), in_lanes(dout)


@sound("batch_norm_backward")
@stored
def folded_in_lanes(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dγ = r (Σ dout z − μ Σ dout), dz = a·dout + b·z + c, sums in 16 lanes times 1/m, as vectorised code folds it."""
    share = 1 / count(z)
    mean, var = two_passes(z, in_lanes)
    r, dbeta = 1 / np.sqrt(var + eps), in_lanes(dout)
    dgamma = (in_lanes(dout * z) - mean * dbeta) * r
    a = gamma * r
    b = -a * r * dgamma * share
    return a * dout + b * z + (-a * dbeta * share - b * mean), dgamma, dbeta


# --- running averages ---


def _kept(statistics: list[Pair], decay: float) -> Pair:
    """old + (1 − decay)(new − old), from 0 and 1."""
    mean, var = np.zeros_like(statistics[0][0]), np.ones_like(statistics[0][1])
    for new_mean, new_var in statistics:
        mean, var = mean + (1 - decay) * (new_mean - mean), var + (1 - decay) * (new_var - var)
    return mean, var


@sound("batch_norm_running")
@stored
def batches_in_lanes(batches: Array, *, decay: float) -> Pair:
    """Each batch in two passes in 16 lanes with a scalar tail, as vectorised code."""
    return _kept([two_passes(batch, in_lanes) for batch in batches], decay)


@sound("batch_norm_running")
@stored
def batches_all_at_once(batches: Array, *, decay: float) -> Pair:
    """All batches side by side, one sample of each after another, as a loop vectorised over batches."""
    means, variances = two_passes(np.moveaxis(batches, 1, 0), in_turn)
    return _kept(list(zip(means, variances, strict=True)), decay)


@sound("batch_norm_running")
@stored
def batches_merged_from_blocks(batches: Array, *, decay: float) -> Pair:
    """Each batch from blocks of 1024, taken in one after another, as devices' statistics (SyncBatchNorm)."""
    return _kept([merged_in_turn(parts_of(batch, 1024)) for batch in batches], decay)


@sound("batch_norm_running")
@stored
def batches_by_threads(batches: Array, *, decay: float) -> Pair:
    """Each batch by Welford in 32 threads merged in a tree, decay·old + (1 − decay)·new, as PyTorch on a GPU."""
    mean, var = np.zeros_like(batches[0, 0]), np.ones_like(batches[0, 0])
    for batch in batches:
        now = updated_in_lanes(batch, 32)
        mean, var = (decay * old + (1 - decay) * new for old, new in zip((mean, var), now, strict=True))
    return mean, var


@sound("batch_norm_running")
@stored
def averages_in_a_tree(batches: Array, *, decay: float) -> Pair:
    """Every batch by its weight (1 − decay) decay^{T − t}, added in a tree, as where the average is one product."""
    means, variances = (np.stack(each) for each in zip(*(two_passes(each, in_a_tree) for each in batches), strict=True))
    ages = range(len(batches) - 1, -1, -1)
    weights = np.array([(1 - decay) * decay**age for age in ages], batches.dtype)[:, None]
    return in_a_tree(weights * means), in_a_tree(weights * variances) + decay ** len(batches)


@sound("batch_norm_running", variance="one_pass")
@stored
def batches_in_one_pass_of_blocks(batches: Array, *, decay: float) -> Pair:
    """E[z²] − μ² of each batch, both sums in blocks of 1024, as Flax's fast variance."""
    return _kept([one_pass(batch, in_blocks) for batch in batches], decay)


# --- inference ---


@sound("batch_norm_inference")
@stored
def folded_in_blocks_of_samples(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """One scale and one shift a feature, 4096 samples at a time, as a grid of thread blocks."""
    out, scale = np.empty_like(z), gamma * (1 / np.sqrt(var + eps))
    shift = beta - mean * scale
    for at in range(0, len(z), 4096):
        out[at : at + 4096] = z[at : at + 4096] * scale + shift
    return out


@sound("batch_norm_inference")
@stored
def feature_after_feature(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """Each feature by itself with numbers that are its own, as where the samples of a feature are together (NCHW)."""
    out = np.empty_like(z)
    for j in range(z.shape[1]):
        r = 1 / np.sqrt(var[j] + eps)
        out[:, j] = (z[:, j] - mean[j]) * r * gamma[j] + beta[j]
    return out


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
