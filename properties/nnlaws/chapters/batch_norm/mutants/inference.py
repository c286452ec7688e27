"""Mistakes in batch norm at inference.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.chapters.batch_norm.mutants.common import AFFINE, EPSILON_GIVEN, FOLD, KEPT, ROOT, normalised, two_pass


@mutant("batch_norm_inference", "ε is missing", ROOT, "chainer PR 2214")
def inference_epsilon_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var, 0)


@mutant("batch_norm_inference", "ε is outside the root: √var + ε", ROOT, "ncnn PR 311")
def inference_epsilon_outside(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta


@mutant(
    "batch_norm_inference",
    "ε is a lower limit: max(var, ε) in place of var + ε",
    ROOT,
    "Synchronized-BatchNorm-PyTorch #38, in training",
)
def inference_epsilon_as_limit(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, np.maximum(var, eps), 0)


@mutant("batch_norm_inference", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def inference_epsilon_fixed(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var, 1e-5)


@mutant("batch_norm_inference", "divided by var + ε, not by its root", ROOT, "classroom")
def inference_root_forgotten(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return gamma * ((z - mean) / (var + eps)) + beta


@mutant(
    "batch_norm_inference",
    "the running variance is taken for a standard deviation and squared",
    "var is a variance: np.sqrt(var + eps)",
    "classroom",
)
def variance_taken_for_deviation(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var * var, eps)


@mutant("batch_norm_inference", "normalised by the batch's own statistics, as in training", KEPT, "pytorch #75252")
def batch_statistics(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, *(two_pass(z) if len(z) else (mean, var)), eps)


@mutant(
    "batch_norm_inference",
    "normalised by nine tenths of the averages and one tenth of the batch's statistics",
    KEPT,
    "onnx PR 8442",
)
def blended_statistics(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    batch_mean, batch_var = two_pass(z) if len(z) else (mean, var)
    return normalised(z, gamma, beta, 0.9 * mean + 0.1 * batch_mean, 0.9 * var + 0.1 * batch_var, eps)


@mutant("batch_norm_inference", "the running variance is multiplied by m/(m − 1) once more", KEPT, "classroom")
def corrected_at_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var * max(len(z), 1) / max(len(z) - 1, 1), eps)


@mutant("batch_norm_inference", "the averages are ignored: mean 0 and variance 1", KEPT, "classroom")
def averages_ignored(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, np.zeros_like(mean), np.ones_like(var), eps)


@mutant("batch_norm_inference", "the running variance is ignored", KEPT, "classroom")
def variance_ignored(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return gamma * (z - mean) + beta


@mutant("batch_norm_inference", "mean and variance are swapped", KEPT, "classroom")
def averages_swapped(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, var, mean, eps)


@mutant("batch_norm_inference", "γ is missing", AFFINE, "classroom")
def inference_scale_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, np.ones_like(gamma), beta, mean, var, eps)


@mutant("batch_norm_inference", "β is missing", AFFINE, "classroom")
def inference_shift_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, np.zeros_like(beta), mean, var, eps)


@mutant("batch_norm_inference", "γ and β are swapped", AFFINE, "classroom")
def inference_scale_and_shift_swapped(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> Array:
    return normalised(z, beta, gamma, mean, var, eps)


@mutant("batch_norm_inference", "shifted before it is scaled: γ (z_norm + β)", AFFINE, "classroom")
def inference_shifted_before_scaled(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> Array:
    return normalised(z, gamma, gamma * beta, mean, var, eps)


@mutant("batch_norm_inference", "folded into z·a + β: the mean is dropped", FOLD, "TASO PR 47")
def folded_without_mean(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return z * (gamma / np.sqrt(var + eps)) + beta


@mutant(
    "batch_norm_inference",
    "folded into z·a + (β − mean): the mean is not scaled",
    FOLD,
    "ultralytics/yolov3 #807, of a convolution's bias",
)
def folded_mean_not_scaled(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return z * (gamma / np.sqrt(var + eps)) + (beta - mean)


@mutant("batch_norm_inference", "folded, with the mean divided by the root and not scaled by γ", FOLD, "classroom")
def folded_mean_without_gamma(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return z * (gamma / np.sqrt(var + eps)) + (beta - mean / np.sqrt(var + eps))


@mutant("batch_norm_inference", "the result goes through ReLU", "return it as it is", "classroom")
def inference_activated(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return np.maximum(normalised(z, gamma, beta, mean, var, eps), 0)


@mutant(
    "batch_norm_inference",
    "scale and shift, folded, are rounded to the narrow type",
    "fold in float32, and round the result once",
    "classroom",
    raw=True,
)
def narrow_folding(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    wide, narrow = working_dtype(z.dtype), narrow_type(z.dtype)
    scale = (gamma.astype(wide) / np.sqrt(var.astype(wide) + eps)).astype(narrow).astype(wide)
    shift = (beta.astype(wide) - mean.astype(wide) * scale).astype(narrow).astype(wide)
    return (z.astype(wide) * scale + shift).astype(z.dtype)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
