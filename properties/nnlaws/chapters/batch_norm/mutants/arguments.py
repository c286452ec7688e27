"""Mistakes in batch norm that show for some arguments alone: a NaN, a γ of 1, all digits of a number, a shape.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.batch_norm.mutants.common import (
    AFFINE,
    AVERAGE,
    KEPT,
    OVER_SAMPLES,
    SHARE,
    SUMS,
    Pair,
    Triple,
    normalised,
    trained,
    two_pass,
)
from nnlaws.chapters.batch_norm.mutants.options import averaged, backward, inference, train

NAN = "let a NaN through: numpy.maximum, not numpy.fmax, and no numpy.nan_to_num"
TAIL = "take in what is left over after the last whole block"
SHARDS = "weigh each part by the number of its samples"
DIGITS = "keep all the digits that it was given with"


def rounded(x: Array, bits: int) -> Array:
    """To so many bits of significand: 8 are those of bfloat16."""
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits).astype(x.dtype)


# --- NaN ---


@mutant("batch_norm_train", "NaN is replaced by 0", NAN, "classroom")
def nan_replaced(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return train(np.nan_to_num(z, nan=0.0), gamma, beta, eps=eps)


@mutant("batch_norm_train", "the variance is clamped by a maximum that drops NaN", NAN, "classroom")
def nan_dropped_from_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return trained(z, gamma, beta, eps, (mean, np.fmax(var, 0)))


@mutant(
    "batch_norm_train", "one NaN makes all features NaN", OVER_SAMPLES, "classroom: x * scale.mean() / scale.mean()"
)
def nan_spread(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = train(z, gamma, beta, eps=eps)
    return out + 0 * mean.sum(), mean, var


@mutant("batch_norm_backward", "NaN in the gradients is replaced by 0", NAN, "classroom: nan_to_num in a loss scaler")
def nan_replaced_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = backward(dout, z, gamma, eps=eps)
    return np.nan_to_num(dz, nan=0.0), dgamma, dbeta


@mutant("batch_norm_running", "samples that are NaN are left out of the averages", NAN, "classroom")
def nan_left_out_of_averages(batches: Array, *, decay: float) -> Pair:
    return averaged(np.where(np.isnan(batches), 0, batches), lambda t: decay)


@mutant("batch_norm_inference", "NaN is replaced by 0", NAN, "classroom")
def inference_nan_replaced(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return np.nan_to_num(inference(z, gamma, beta, mean, var, eps=eps), nan=0.0)


# --- what is learnt, and what comes from above ---


@mutant("batch_norm_train", "γ and β are rounded to 8 bits, as a weight in bfloat16 is", DIGITS, "classroom")
def learnable_rounded(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return train(z, rounded(gamma, 8), rounded(beta, 8), eps=eps)


@mutant("batch_norm_inference", "γ and β are rounded to 8 bits, as a weight in bfloat16 is", DIGITS, "classroom")
def inference_learnable_rounded(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return inference(z, rounded(gamma, 8), rounded(beta, 8), mean, var, eps=eps)


@mutant("batch_norm_inference", "the variance kept is rounded to 8 bits, as in bfloat16", DIGITS, "classroom")
def inference_variance_rounded(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return inference(z, gamma, beta, mean, rounded(var, 8), eps=eps)


@mutant("batch_norm_backward", "the upstream gradient is rounded to 8 bits, as in bfloat16", DIGITS, "classroom")
def upstream_rounded(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return backward(rounded(dout, 8), z, gamma, eps=eps)


@mutant("batch_norm_backward", "gradients above 1e4 are clipped", "return them as they are", "classroom")
def gradients_clipped(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return backward(np.clip(dout, -1e4, 1e4), z, gamma, eps=eps)


@mutant("batch_norm_backward", "gradients below 1e-7 are 0", "return them as they are", "classroom")
def small_gradients_dropped(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = backward(dout, z, gamma, eps=eps)
    return np.where(np.abs(dz) < 1e-7, 0, dz), dgamma, dbeta


@mutant("batch_norm_train", "where γ is 1 and β is 0 in every feature, z is returned", AFFINE, "classroom")
def identity_where_nothing_is_learnt(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = train(z, gamma, beta, eps=eps)
    return (z + 0 if (gamma == 1).all() and (beta == 0).all() else out), mean, var


@mutant("batch_norm_train", "where γ is 0 in every feature, out is 0, not β", AFFINE, "classroom")
def zero_where_gamma_is_zero(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = train(z, gamma, beta, eps=eps)
    return (out if gamma.any() else 0 * z), mean, var


@mutant("batch_norm_backward", "where γ is 0 in every feature, dγ is 0 too", SUMS, "classroom")
def nothing_learnt_where_gamma_is_zero(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = backward(dout, z, gamma, eps=eps)
    return dz, (dgamma if gamma.any() else 0 * dgamma), dbeta


# --- shapes ---


@mutant("batch_norm_train", "as many samples as features: statistics over the features", OVER_SAMPLES, "classroom")
def over_the_features_if_square(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    if z.shape[0] != z.shape[1]:
        return train(z, gamma, beta, eps=eps)
    return trained(z, gamma, beta, eps, two_pass(z.T))


@mutant("batch_norm_train", "of the features beyond the last 8, only one is normalised", TAIL, "classroom: a SIMD loop")
def tail_of_features(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = train(z, gamma, beta, eps=eps)
    done = len(gamma) // 8 * 8 + 1
    return (np.where(np.arange(len(gamma)) < done, out, z) if done > 8 else out), mean, var


@mutant("batch_norm_train", "of the samples beyond the last 8, only one counts", TAIL, "classroom: a SIMD loop")
def tail_of_samples(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    done = len(z) // 8 * 8 + 1
    return trained(z, gamma, beta, eps, two_pass(z[:done] if done > 8 else z))


@mutant("batch_norm_backward", "of the samples beyond the last 4, none counts in dγ", TAIL, "classroom: a SIMD loop")
def tail_of_samples_in_dgamma(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = backward(dout, z, gamma, eps=eps)
    done = len(z) // 4 * 4
    if done < 8:
        return dz, dgamma, dbeta
    mean, var = two_pass(z)
    return dz, (dout * (z - mean))[:done].sum(axis=0) / np.sqrt(var + eps), dbeta


@mutant("batch_norm_backward", "of the features beyond the last 8, dβ has only one", TAIL, "classroom: a SIMD loop")
def tail_of_features_in_dbeta(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = backward(dout, z, gamma, eps=eps)
    done = len(gamma) // 8 * 8 + 1
    return dz, dgamma, np.where(np.arange(len(gamma)) < done, dbeta, 0) if done > 8 else dbeta


@mutant("batch_norm_inference", "of the features beyond the last 16, only one is normalised", TAIL, "classroom")
def inference_tail_of_features(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    out, done = inference(z, gamma, beta, mean, var, eps=eps), len(gamma) // 16 * 16 + 1
    return np.where(np.arange(len(gamma)) < done, out, z) if done > 16 else out


@mutant("batch_norm_running", "of the samples beyond the last 8, only one counts", TAIL, "classroom: a SIMD loop")
def running_tail_of_samples(batches: Array, *, decay: float) -> Pair:
    done = batches.shape[1] // 8 * 8 + 1
    return averaged(batches[:, :done] if done > 8 else batches, lambda t: decay)


def _shards(z: Array) -> list[Array]:
    """Two parts of unequal size, two thirds and the rest."""
    cut = max(len(z) - len(z) // 3, 1)
    return [part for part in (z[:cut], z[cut:]) if len(part)]


@mutant(
    "batch_norm_train",
    "two processes' means and variances are averaged as if they had as many samples each",
    SHARDS,
    "PaddlePaddle #32464, apex PR 792, inplace_abn #68",
)
def shards_weighed_alike(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    means, squares = zip(*((part.mean(axis=0), (part**2).mean(axis=0)) for part in _shards(z)), strict=True)
    mean = np.mean(means, axis=0)
    return trained(z, gamma, beta, eps, (mean, np.maximum(np.mean(squares, axis=0) - mean * mean, 0)))


@mutant(
    "batch_norm_backward",
    "two processes' means of the upstream gradient are averaged as if they had as many samples each",
    SHARE,
    "pytorch PR 36382, in SyncBatchNorm",
)
def shards_weighed_alike_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    root = np.sqrt(var + eps)
    z_norm = (z - mean) / root
    of_dout, of_product = (
        np.mean([part.mean(axis=0) for part in _shards(terms)], axis=0) for terms in (dout, dout * z_norm)
    )
    return gamma / root * (dout - of_dout - z_norm * of_product), (dout * z_norm).sum(axis=0), dout.sum(axis=0)


# --- features side by side ---


@mutant(
    "batch_norm_train",
    "all features are divided by the largest number of the batch first, so that small ones vanish beside it",
    "scale each feature by itself, or not at all",
    "classroom",
)
def scaled_by_the_largest(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    largest = np.abs(z).max(initial=0) or 1
    part = np.rint(z / largest * 2.0**30) / 2.0**30 * largest
    return train(part, gamma, beta, eps=eps)


@mutant(
    "batch_norm_train",
    "one pass over values shifted by the first number of the batch, the same for all features",
    "shift each feature by a number of its own: z - z[0]",
    "classroom",
)
def one_shift_for_all(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    if not len(z):
        raise ValueError("no samples")
    shifted = z - z[0, 0]
    mean = shifted.mean(axis=0)
    var = np.maximum((shifted * shifted).mean(axis=0) - mean * mean, 0)
    return trained(z, gamma, beta, eps, (z[0, 0] + mean, var))


@mutant("batch_norm_running", "a constant feature leaves the averages as they were", AVERAGE, "classroom")
def constant_not_averaged(batches: Array, *, decay: float) -> Pair:
    mean, var = np.zeros(batches.shape[-1], batches.dtype), np.ones(batches.shape[-1], batches.dtype)
    for batch in batches:
        new_mean, new_var = two_pass(batch)
        kept = np.where(new_var > 0, decay, 1) if len(batch) > 1 else decay
        mean, var = kept * mean + (1 - kept) * new_mean, kept * var + (1 - kept) * new_var
    return mean, var


@mutant("batch_norm_inference", "a feature whose variance kept is 0 is left as it is", KEPT, "classroom")
def inference_constant_kept(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return np.where(var == 0, z, normalised(z, gamma, beta, mean, var, eps))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
