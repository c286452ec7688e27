"""Mistakes in batch norm in training.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.chapters.batch_norm.mutants.common import (
    AFFINE,
    BIASED,
    EPSILON_GIVEN,
    NO_SAMPLES,
    OVER_SAMPLES,
    ROOT,
    TWO_PASS,
    VARIANCE_ITSELF,
    WIDE,
    Triple,
    nan_for_one,
    narrow_sum,
    narrowed,
    normalised,
    one_pass_of,
    trained,
    two_pass,
    unbiased,
)


@mutant("batch_norm_train", "normalised by the variance over m − 1", BIASED, "classroom")
def unbiased_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, unbiased(z))


@mutant(
    "batch_norm_train",
    "the variance handed on is over m − 1, undeclared",
    BIASED,
    "pytorch #19902, #1410, tensorflow #55545",
)
def unbiased_variance_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, _ = trained(z, gamma, beta, eps, two_pass(z))
    return out, mean, unbiased(z)[1]


@mutant(
    "batch_norm_train",
    "0/0 for one sample: the variance is divided by m − 1 and multiplied by it again",
    BIASED,
    "Flux.jl #1992, pytorch #1381, in the running variance",
)
def nan_for_one_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, nan_for_one(z))


@mutant(
    "batch_norm_train",
    "an empty batch has NaN for mean and variance",
    NO_SAMPLES,
    "pytorch #12013, sonnet #125, in the running averages",
)
def nan_from_no_samples(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    nothing = np.full_like(beta, np.nan)
    return trained(z, gamma, beta, eps, two_pass(z) if len(z) else (nothing, nothing))


@mutant("batch_norm_train", "ε is outside the root: √σ² + ε", ROOT, "ncnn PR 311")
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta, mean, var


@mutant("batch_norm_train", "ε is missing", ROOT, "chainer PR 2214, at inference")
def epsilon_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, 0, two_pass(z))


@mutant(
    "batch_norm_train", "ε is a lower limit: max(σ², ε) in place of σ² + ε", ROOT, "Synchronized-BatchNorm-PyTorch #38"
)
def epsilon_as_limit(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, mean, np.maximum(var, eps), 0), mean, var


@mutant("batch_norm_train", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def epsilon_fixed(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, 1e-5, two_pass(z))


@mutant("batch_norm_train", "ε below 1e-5 becomes 1e-5", EPSILON_GIVEN, "tensorflow PR 4919")
def epsilon_limited(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, max(eps, 1e-5), two_pass(z))


@mutant("batch_norm_train", "divided by σ² + ε, not by its root", ROOT, "classroom")
def root_forgotten(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return gamma * ((z - mean) / (var + eps)) + beta, mean, var


@mutant("batch_norm_train", "divided by the square of σ² + ε, not by its root", ROOT, "jax #442")
def squared_for_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return gamma * ((z - mean) / (var + eps) ** 2) + beta, mean, var


@mutant("batch_norm_train", "divided by the mean absolute deviation", ROOT, "classroom")
def mean_absolute_deviation(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, mean, np.abs(z - mean).mean(axis=0) ** 2, eps), mean, var


@mutant("batch_norm_train", "divided by the root mean square of z, as if its mean were 0", TWO_PASS, "classroom")
def mean_square_for_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, mean, (z * z).mean(axis=0), eps), mean, var


@mutant("batch_norm_train", "the mean is not subtracted", "subtract it: z - z.mean(axis=0)", "classroom")
def not_centred(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, np.zeros_like(mean), var, eps), mean, var


@mutant("batch_norm_train", "μ − z in place of z − μ", "subtract the mean from z: z - z.mean(axis=0)", "classroom")
def reversed_deviation(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return gamma * ((mean - z) / np.sqrt(var + eps)) + beta, mean, var


@mutant("batch_norm_train", "the median is subtracted, not the mean", "subtract z.mean(axis=0)", "classroom")
def centred_on_median(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, np.median(z, axis=0), var, eps), mean, var


@mutant("batch_norm_train", "γ is missing", AFFINE, "classroom")
def scale_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, np.ones_like(gamma), beta, eps, two_pass(z))


@mutant("batch_norm_train", "β is missing", AFFINE, "classroom")
def shift_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, np.zeros_like(beta), eps, two_pass(z))


@mutant("batch_norm_train", "γ and β are swapped", AFFINE, "classroom")
def scale_and_shift_swapped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, beta, gamma, eps, two_pass(z))


@mutant("batch_norm_train", "γ loses its sign", AFFINE, "classroom")
def absolute_scale(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, np.abs(gamma), beta, eps, two_pass(z))


@mutant("batch_norm_train", "scaled by 1 + γ, as if γ were stored less 1", AFFINE, "classroom")
def scale_plus_one(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, 1 + gamma, beta, eps, two_pass(z))


@mutant("batch_norm_train", "shifted before it is scaled: γ (z_norm + β)", AFFINE, "classroom")
def shifted_before_scaled(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, gamma * beta, eps, two_pass(z))


@mutant("batch_norm_train", "every feature has the γ of the first", AFFINE, "classroom")
def one_scale_for_all(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, np.full_like(gamma, gamma[0]), beta, eps, two_pass(z))


@mutant("batch_norm_train", "each sample is normalised over its features, as in layer norm", OVER_SAMPLES, "classroom")
def over_the_features(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    across, along = (statistic[:, None] for statistic in two_pass(z.T))
    return normalised(z, gamma, beta, across, along, eps), *two_pass(z)


@mutant("batch_norm_train", "one mean and one variance for all features together", OVER_SAMPLES, "classroom")
def over_all_axes(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z.reshape(-1))
    return trained(z, gamma, beta, eps, (np.full_like(beta, mean), np.full_like(beta, var)))


@mutant("batch_norm_train", "mean and variance are those of the first half of the batch", OVER_SAMPLES, "classroom")
def first_half(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, two_pass(z[: (len(z) + 1) // 2]))


@mutant("batch_norm_train", "mean and variance leave out the last sample", OVER_SAMPLES, "classroom")
def last_sample_left_out(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, two_pass(z[: len(z) - 1] if len(z) > 1 else z))


@mutant("batch_norm_train", "the first sample is taken for the mean", OVER_SAMPLES, "classroom")
def first_sample_for_mean(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean = two_pass(z[:1])[0]
    return trained(z, gamma, beta, eps, (mean, ((z - mean) ** 2).mean(axis=0)))


@mutant(
    "batch_norm_train",
    "the variances of two halves are averaged, without what their means differ by",
    "add the halves' squared deviations from the mean of all samples",
    "classroom",
)
def merged_without_means(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    half = (len(z) + 1) // 2
    mean, _ = two_pass(z)
    within = np.concatenate([part - part.mean(axis=0) for part in (z[:half], z[half:]) if len(part)])
    return trained(z, gamma, beta, eps, (mean, (within**2).mean(axis=0)))


@mutant(
    "batch_norm_train",
    "normalised by running averages that were never updated: mean 0 and variance 1",
    "normalise by the mean and variance of this batch",
    "classroom",
)
def initial_averages(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return normalised(z, gamma, beta, np.zeros_like(mean), np.ones_like(var), eps), mean, var


@mutant(
    "batch_norm_train",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866",
)
def one_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, one_pass_of(z))


@mutant(
    "batch_norm_train",
    "the variance is E[z²] − μ², which rounding can make negative: NaN",
    TWO_PASS,
    "flax #1491, pyAIUtils PR 46",
)
def one_pass_unclamped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, _ = two_pass(z)
    return trained(z, gamma, beta, eps, (mean, (z * z).mean(axis=0) - mean * mean))


@mutant("batch_norm_train", "sums over the samples are accumulated in the narrow type", WIDE, "classroom", raw=True)
def narrow_sums(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    two_pass(wide)
    mean = narrow_sum(wide, narrow) / len(z)
    statistics = mean, narrow_sum((wide - mean) ** 2, narrow) / len(z)
    return narrowed(z, trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, statistics))


@mutant(
    "batch_norm_train",
    "squares are rounded to the narrow type: in float16 they overflow from 256 on",
    "square in float32",
    "classroom",
    raw=True,
)
def narrow_squares(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    mean, _ = two_pass(wide)
    squares = ((wide - mean) ** 2).astype(narrow).astype(wide.dtype)
    statistics = mean, squares.mean(axis=0)
    return narrowed(z, trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, statistics))


@mutant(
    "batch_norm_train",
    "mean and variance are rounded to the narrow type before they are used",
    "normalise by mean and variance in float32, and round the result once",
    "classroom",
    raw=True,
)
def narrow_statistics(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    mean, var = (statistic.astype(narrow).astype(wide.dtype) for statistic in two_pass(wide))
    return narrowed(z, trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, (mean, var)))


@mutant(
    "batch_norm_train", "the result goes through ReLU", "return it as it is: the activation comes next", "classroom"
)
def activated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    return np.maximum(out, 0), mean, var


@mutant(
    "batch_norm_train", "the activation comes first: relu(z) is normalised", "normalise z, then activate", "classroom"
)
def activated_first(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    positive = np.maximum(z, 0)
    return trained(positive, gamma, beta, eps, two_pass(positive))


@mutant(
    "batch_norm_train", "a constant feature is left as it is, not centred", "out is β there, by z - mean", "classroom"
)
def constant_feature_kept(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    return np.where((z == z[0]).all(axis=0), gamma * z + beta, out), mean, var


@mutant("batch_norm_train", "returns the standard deviation for the variance", VARIANCE_ITSELF, "classroom")
def deviation_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    return out, mean, np.sqrt(var)


@mutant("batch_norm_train", "returns 1/√(σ² + ε) for the variance", VARIANCE_ITSELF, "classroom")
def inverse_deviation_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    return out, mean, 1 / np.sqrt(var + eps)


@mutant("batch_norm_train", "returns σ² + ε for the variance", VARIANCE_ITSELF, "nntrainer PR 677")
def epsilon_in_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    return out, mean, var + eps


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
