"""Mistakes that show at size only: with few samples, features and batches each is right.

Blocks of samples go through a kernel one after another, or are on devices of their own. Where kernels count in 32 bits,
these count in 16. `seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.batch_norm.mutants.common import (
    KEPT,
    OVER_SAMPLES,
    SHARE,
    WIDE,
    Pair,
    Triple,
    normalised,
    trained,
    two_pass,
)

BLOCK = 1024
WARP = 256
SAMPLES = 1 << 16  # what 16 bits count
FEW = 512  # samples of one thread block

WEIGHED = "weigh each block by its number of samples"
BETWEEN = "add n (block mean - mean)² of each block to its squared deviations"
PER_FEATURE = "one mean and one variance a feature, of its own samples"
WIDE_COUNT = "count samples in a wide integer, never in a float or in few bits"
CLASSROOM = "classroom"


def _blocks(z: Array) -> tuple[Array, Array, Array]:
    """The number of samples of each block (b, 1), their mean and their variance (b, n)."""
    two_pass(z)
    starts = np.arange(0, len(z), BLOCK)
    sizes = np.diff(np.append(starts, len(z)))
    counts = sizes.astype(z.dtype)[:, None]
    means = np.add.reduceat(z, starts, axis=0) / counts
    squares = np.add.reduceat((z - np.repeat(means, sizes, axis=0)) ** 2, starts, axis=0)
    return counts, means, squares / counts


def _over(z: Array, samples: Array, m: int) -> Pair:
    """Mean and variance of these samples, each sum divided by m."""
    two_pass(z)
    mean = samples.sum(axis=0) / m
    return mean, ((samples - mean) ** 2).sum(axis=0) / m


def _carried(terms: Array, narrow: str) -> Array:
    """The sum over the samples, kept in a narrow type from block to block."""
    total, *parts = np.add.reduceat(terms, np.arange(0, len(terms), WARP), axis=0)
    for part in parts:
        total = (total + part).astype(DTYPES[narrow]).astype(terms.dtype)
    return np.asarray(total)


def _narrow(z: Array, narrow: str) -> Pair:
    two_pass(z)
    mean = _carried(z, narrow) / len(z)
    return mean, _carried((z - mean) ** 2, narrow) / len(z)


def _kept(batches: Array, decay: float, statistics: Callable[[Array], Pair]) -> Pair:
    """The running averages of these statistics."""
    average, deviation = np.zeros_like(batches[0, 0]), np.ones_like(batches[0, 0])
    for batch in batches:
        mean, var = statistics(batch)
        average, deviation = decay * average + (1 - decay) * mean, decay * deviation + (1 - decay) * var
    return average, deviation


@mutant(
    "batch_norm_train",
    "the means of blocks of 1024 samples are averaged, the last of fewer samples like the others",
    WEIGHED,
    "Paddle #32464, of devices",
)
def block_means_averaged(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    _, means, variances = _blocks(z)
    mean = means.mean(axis=0)
    return trained(z, gamma, beta, eps, (mean, (variances + (means - mean) ** 2).mean(axis=0)))


@mutant(
    "batch_norm_train",
    "the variance is the mean of those of blocks of 1024 samples, without what their means differ by",
    BETWEEN,
    "rsl_rl PR 226, which warns of it",
)
def blocks_merged_without_means(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    counts, _, variances = _blocks(z)
    return trained(z, gamma, beta, eps, (two_pass(z)[0], (counts * variances).sum(axis=0) / len(z)))


@mutant("batch_norm_train", "samples beyond the last whole block of 256 are not summed", OVER_SAMPLES, CLASSROOM)
def tail_of_256(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, _over(z, z[: len(z) // WARP * WARP or len(z)], len(z)))


@mutant(
    "batch_norm_train",
    "the grid is limited to 65535 samples, those beyond are not summed",
    OVER_SAMPLES,
    "LBANN PR 2166",
)
def samples_beyond_the_grid(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, _over(z, z[: SAMPLES - 1], len(z)))


@mutant("batch_norm_train", "the last block of 4096 starts a sample late", OVER_SAMPLES, CLASSROOM)
def last_block_starts_late(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    last = (len(z) - 1) // 4096 * 4096
    return trained(z, gamma, beta, eps, _over(z, np.delete(z, last, axis=0) if last else z, len(z)))


@mutant(
    "batch_norm_train",
    "the last block of 256 is read from m − 256 on: samples of the one before count twice",
    OVER_SAMPLES,
    CLASSROOM,
)
def last_block_read_back(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    whole = len(z) // WARP * WARP
    samples = np.concatenate([z[:whole], z[-WARP:]]) if 0 < whole < len(z) else z
    return trained(z, gamma, beta, eps, _over(z, samples, len(samples)))


@mutant(
    "batch_norm_train", "from block to block of samples, sums are kept in float16", WIDE, "openvino PR 35976, in MVN"
)
def totals_in_float16(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, _narrow(z, "float16"))


@mutant("batch_norm_train", "samples are counted in float16", WIDE_COUNT, "pytorch #70901, of devices")
def count_in_float16(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    with np.errstate(over="ignore"):  # to infinity, from 65520 on
        count = np.float64(len(z)).astype(np.float16).astype(z.dtype)
    two_pass(z)
    mean = z.sum(axis=0) / count
    return trained(z, gamma, beta, eps, (mean, ((z - mean) ** 2).sum(axis=0) / count))


@mutant(
    "batch_norm_train",
    "of more than 512 samples, features beyond 64 are given the statistics of the first",
    PER_FEATURE,
    "apex #1768, whose statistics of 65 features are wrong",
)
def features_beyond_64(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    features = np.arange(z.shape[1])
    mean, var = two_pass(z)
    if len(z) > FEW:
        mean, var = mean[features % 64], var[features % 64]
    return trained(z, gamma, beta, eps, (mean, var))


@mutant(
    "batch_norm_backward",
    "the means over blocks of 1024 samples are averaged, the last of fewer samples like the others",
    WEIGHED,
    "pytorch PR 36382, of devices",
)
def block_means_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    root = np.sqrt(var + eps)
    z_norm = (z - mean) / root
    means, products = (_blocks(terms)[1].mean(axis=0) for terms in (dout, dout * z_norm))
    return gamma / root * (dout - means - z_norm * products), (dout * z_norm).sum(axis=0), dout.sum(axis=0)


def _summed(dout: Array, z: Array, gamma: Array, eps: float, sums: Callable[[Array], Array]) -> Triple:
    """The gradients, where sums over the samples are made so."""
    mean, var = two_pass(z)
    root = np.sqrt(var + eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = sums(dout * z_norm), sums(dout)
    return gamma / root * (dout - dbeta / len(z) - z_norm * (dgamma / len(z))), dgamma, dbeta


@mutant(
    "batch_norm_backward",
    "the gradients' sums take in the first 768 samples only",
    SHARE,
    "MIOpen #1109, wrong beyond 768 samples",
)
def samples_beyond_768(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _summed(dout, z, gamma, eps, lambda terms: terms[:768].sum(axis=0))


@mutant(
    "batch_norm_backward",
    "from block to block of samples, the gradients' sums are kept in float16",
    WIDE,
    "pytorch #195701",
)
def totals_in_float16_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _summed(dout, z, gamma, eps, lambda terms: _carried(terms, "float16"))


@mutant(
    "batch_norm_running",
    "the variances of blocks of 1024 samples have the same weight, the last of fewer samples too",
    WEIGHED,
    "pytorch #22192, of devices",
)
def running_blocks_weighed_alike(batches: Array, *, decay: float) -> Pair:
    def statistics(batch: Array) -> Pair:
        mean, _ = two_pass(batch)
        _, means, variances = _blocks(batch)
        return mean, (variances + (means - mean) ** 2).mean(axis=0)

    return _kept(batches, decay, statistics)


@mutant("batch_norm_running", "samples are counted in 16 bits: 65536 are 0", WIDE_COUNT, CLASSROOM)
def running_samples_in_16_bits(batches: Array, *, decay: float) -> Pair:
    return _kept(batches, decay, lambda batch: _over(batch, batch, len(batch) % SAMPLES))


@mutant(
    "batch_norm_running", "from block to block of samples, sums are kept in bfloat16", WIDE, "MLX PR 3909, in means"
)
def running_totals_in_bfloat16(batches: Array, *, decay: float) -> Pair:
    return _kept(batches, decay, lambda batch: _narrow(batch, "bfloat16"))


@mutant(
    "batch_norm_inference",
    "the number of a sample wraps at 65536: samples beyond repeat the first",
    KEPT,
    "apex #411, in layer norm",
)
def inference_sample_number_wraps(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var, eps)[np.arange(len(z)) % SAMPLES]


@mutant(
    "batch_norm_inference",
    "of more than 65536 entries those after the last whole vector of 8 are not written",
    "write every entry, whole vectors or not",
    CLASSROOM,
)
def inference_tail_not_written(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    out = normalised(z, gamma, beta, mean, var, eps)
    if out.size > SAMPLES:
        out.reshape(-1)[out.size // 8 * 8 :] = 0
    return out


@mutant("batch_norm_running", "mini-batches are numbered in 8 bits: beyond 256 the first come again", KEPT, CLASSROOM)
def running_batches_in_8_bits(batches: Array, *, decay: float) -> Pair:
    return _kept(batches[np.arange(len(batches)) % 256], decay, two_pass)


@mutant("batch_norm_train", "γ and β of features beyond 512 are those of the first", PER_FEATURE, CLASSROOM)
def scale_and_shift_of_512(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    number = np.arange(z.shape[1]) % FEW
    return trained(z, gamma[number], beta[number], eps, two_pass(z))


@mutant("batch_norm_train", "features beyond 1024 are not written", PER_FEATURE, CLASSROOM)
def features_beyond_1024(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    out[:, 1024:] = 0
    return out, mean, var


@mutant("batch_norm_backward", "γ of features beyond 512 is that of the first", PER_FEATURE, CLASSROOM)
def scale_of_512_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _summed(dout, z, gamma[np.arange(z.shape[1]) % FEW], eps, lambda terms: terms.sum(axis=0))


@mutant("batch_norm_inference", "all that is one a feature is read modulo 512", PER_FEATURE, CLASSROOM)
def inference_features_of_512(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    number = np.arange(z.shape[1]) % FEW
    return normalised(z, gamma[number], beta[number], mean[number], var[number], eps)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
