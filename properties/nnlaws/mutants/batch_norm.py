"""Mistakes in batch norm: training, its gradient, the running averages and inference.

`seen` gives a thread; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.mutants.mutant import Mutant, mutant

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]

BIASED = "divide by m, the number of samples: z.var(axis=0)"
TWO_PASS = "average the squared deviations from the mean: ((z - mean) ** 2).mean(axis=0)"
OVER_SAMPLES = "reduce over all the samples and nothing else: axis=0"
ROOT = "divide by the root of the sum: np.sqrt(var + eps)"
EPSILON_GIVEN = "use the eps that is given"
AFFINE = "gamma * z_norm + beta, one of each a feature"
VARIANCE_ITSELF = "return the variance by itself: z.var(axis=0)"
SHARE = "in the mean over m samples, each has weight 1/m, in every term"
WHOLE_GRADIENT = "dz = gamma / np.sqrt(var + eps) * (dout - dout.mean(axis=0) - z_norm * (dout * z_norm).mean(axis=0))"
SUMS = "dgamma = (dout * z_norm).sum(axis=0) and dbeta = dout.sum(axis=0)"
AVERAGE = "mean = decay * mean + (1 - decay) * batch.mean(axis=0), once for each batch, and the same for var"
START = "start from mean 0 and variance 1, and correct nothing"
KEPT = "normalise by the averages kept: gamma * (z - mean) / np.sqrt(var + eps) + beta"
FOLD = "a = gamma / np.sqrt(var + eps), and out = z * a + (beta - mean * a)"
WIDE = "accumulate in float32, and round the result once"
NO_SAMPLES = "raise an error, or leave the averages as they were"


def _statistics(z: Array) -> Pair:
    if not len(z):
        raise ValueError("no samples")
    mean = z.mean(axis=0)
    return mean, ((z - mean) ** 2).mean(axis=0)


def _unbiased(z: Array) -> Pair:
    """One sample has no unbiased variance; it is given the biased one here, for the NaN is a mistake of its own."""
    mean, var = _statistics(z)
    return mean, var * len(z) / max(len(z) - 1, 1)


def _nan_for_one(z: Array) -> Pair:
    mean, _ = _statistics(z)
    unbiased = ((z - mean) ** 2).sum(axis=0) / (len(z) - 1)
    return mean, unbiased * (len(z) - 1) / len(z)


def _one_pass(z: Array) -> Pair:
    mean, _ = _statistics(z)
    return mean, np.maximum((z * z).mean(axis=0) - mean * mean, 0)


def _normalised(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float) -> Array:
    return gamma * ((z - mean) / np.sqrt(var + eps)) + beta


def _trained(z: Array, gamma: Array, beta: Array, eps: float, statistics: Pair) -> Triple:
    mean, var = statistics
    return _normalised(z, gamma, beta, mean, var, eps), mean, var


def _narrow(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    return dtype if dtype.itemsize == 2 else np.dtype(np.float16)


def _narrow_sum(terms: Array, narrow: np.dtype[np.generic]) -> Array:
    total = np.zeros(terms.shape[1:], narrow)
    for term in terms:
        total = (total + term.astype(narrow)).astype(narrow)
    return total.astype(terms.dtype)


# --- training ---


@mutant("batch_norm_train", "normalised by the variance over m − 1", BIASED, "classroom")
def unbiased_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, eps, _unbiased(z))


@mutant(
    "batch_norm_train",
    "the variance handed on is over m − 1, undeclared",
    BIASED,
    "pytorch #19902, #1410, tensorflow #55545",
)
def unbiased_variance_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, _ = _trained(z, gamma, beta, eps, _statistics(z))
    return out, mean, _unbiased(z)[1]


@mutant(
    "batch_norm_train",
    "0/0 for one sample: the variance is divided by m − 1 and multiplied by it again",
    BIASED,
    "Flux.jl #1992, pytorch #1381, in the running variance",
)
def nan_for_one_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, eps, _nan_for_one(z))


@mutant(
    "batch_norm_train",
    "an empty batch has NaN for mean and variance",
    NO_SAMPLES,
    "pytorch #12013, sonnet #125, in the running averages",
)
def nan_from_no_samples(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    nothing = np.full_like(beta, np.nan)
    return _trained(z, gamma, beta, eps, _statistics(z) if len(z) else (nothing, nothing))


@mutant("batch_norm_train", "ε is outside the root: √σ² + ε", ROOT, "ncnn PR 311")
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta, mean, var


@mutant("batch_norm_train", "ε is missing", ROOT, "chainer PR 2214, at inference")
def epsilon_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, 0, _statistics(z))


@mutant(
    "batch_norm_train", "ε is a lower limit: max(σ², ε) in place of σ² + ε", ROOT, "Synchronized-BatchNorm-PyTorch #38"
)
def epsilon_as_limit(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, mean, np.maximum(var, eps), 0), mean, var


@mutant("batch_norm_train", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def epsilon_fixed(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, 1e-5, _statistics(z))


@mutant("batch_norm_train", "ε below 1e-5 becomes 1e-5", EPSILON_GIVEN, "tensorflow PR 4919")
def epsilon_limited(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, max(eps, 1e-5), _statistics(z))


@mutant("batch_norm_train", "divided by σ² + ε, not by its root", ROOT, "classroom")
def root_forgotten(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return gamma * ((z - mean) / (var + eps)) + beta, mean, var


@mutant("batch_norm_train", "divided by the square of σ² + ε, not by its root", ROOT, "jax #442")
def squared_for_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return gamma * ((z - mean) / (var + eps) ** 2) + beta, mean, var


@mutant("batch_norm_train", "divided by the mean absolute deviation", ROOT, "classroom")
def mean_absolute_deviation(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, mean, np.abs(z - mean).mean(axis=0) ** 2, eps), mean, var


@mutant("batch_norm_train", "divided by the root mean square of z, as if its mean were 0", TWO_PASS, "classroom")
def mean_square_for_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, mean, (z * z).mean(axis=0), eps), mean, var


@mutant("batch_norm_train", "the mean is not subtracted", "subtract it: z - z.mean(axis=0)", "classroom")
def not_centred(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, np.zeros_like(mean), var, eps), mean, var


@mutant("batch_norm_train", "μ − z in place of z − μ", "subtract the mean from z: z - z.mean(axis=0)", "classroom")
def reversed_deviation(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return gamma * ((mean - z) / np.sqrt(var + eps)) + beta, mean, var


@mutant("batch_norm_train", "the median is subtracted, not the mean", "subtract z.mean(axis=0)", "classroom")
def centred_on_median(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, np.median(z, axis=0), var, eps), mean, var


@mutant("batch_norm_train", "γ is missing", AFFINE, "classroom")
def scale_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, np.ones_like(gamma), beta, eps, _statistics(z))


@mutant("batch_norm_train", "β is missing", AFFINE, "classroom")
def shift_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, np.zeros_like(beta), eps, _statistics(z))


@mutant("batch_norm_train", "γ and β are swapped", AFFINE, "classroom")
def scale_and_shift_swapped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, beta, gamma, eps, _statistics(z))


@mutant("batch_norm_train", "γ loses its sign", AFFINE, "classroom")
def absolute_scale(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, np.abs(gamma), beta, eps, _statistics(z))


@mutant("batch_norm_train", "scaled by 1 + γ, as if γ were stored less 1", AFFINE, "classroom")
def scale_plus_one(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, 1 + gamma, beta, eps, _statistics(z))


@mutant("batch_norm_train", "shifted before it is scaled: γ (z_norm + β)", AFFINE, "classroom")
def shifted_before_scaled(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, gamma * beta, eps, _statistics(z))


@mutant("batch_norm_train", "every feature has the γ of the first", AFFINE, "classroom")
def one_scale_for_all(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, np.full_like(gamma, gamma[0]), beta, eps, _statistics(z))


@mutant("batch_norm_train", "each sample is normalised over its features, as in layer norm", OVER_SAMPLES, "classroom")
def over_the_features(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    across, along = (statistic[:, None] for statistic in _statistics(z.T))
    return _normalised(z, gamma, beta, across, along, eps), *_statistics(z)


@mutant("batch_norm_train", "one mean and one variance for all features together", OVER_SAMPLES, "classroom")
def over_all_axes(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z.reshape(-1))
    return _trained(z, gamma, beta, eps, (np.full_like(beta, mean), np.full_like(beta, var)))


@mutant("batch_norm_train", "mean and variance are those of the first half of the batch", OVER_SAMPLES, "classroom")
def first_half(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, eps, _statistics(z[: (len(z) + 1) // 2]))


@mutant("batch_norm_train", "mean and variance leave out the last sample", OVER_SAMPLES, "classroom")
def last_sample_left_out(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, eps, _statistics(z[: len(z) - 1] if len(z) > 1 else z))


@mutant("batch_norm_train", "the first sample is taken for the mean", OVER_SAMPLES, "classroom")
def first_sample_for_mean(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean = _statistics(z[:1])[0]
    return _trained(z, gamma, beta, eps, (mean, ((z - mean) ** 2).mean(axis=0)))


@mutant(
    "batch_norm_train",
    "the variances of two halves are averaged, without what their means differ by",
    "add the halves' squared deviations from the mean of all samples",
    "classroom",
)
def merged_without_means(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    half = (len(z) + 1) // 2
    mean, _ = _statistics(z)
    within = np.concatenate([part - part.mean(axis=0) for part in (z[:half], z[half:]) if len(part)])
    return _trained(z, gamma, beta, eps, (mean, (within**2).mean(axis=0)))


@mutant(
    "batch_norm_train",
    "normalised by running averages that were never updated: mean 0 and variance 1",
    "normalise by the mean and variance of this batch",
    "classroom",
)
def initial_averages(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    return _normalised(z, gamma, beta, np.zeros_like(mean), np.ones_like(var), eps), mean, var


@mutant(
    "batch_norm_train",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866",
)
def one_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return _trained(z, gamma, beta, eps, _one_pass(z))


@mutant(
    "batch_norm_train",
    "the variance is E[z²] − μ², which rounding can make negative: NaN",
    TWO_PASS,
    "flax #1491, pyAIUtils PR 46",
)
def one_pass_unclamped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, _ = _statistics(z)
    return _trained(z, gamma, beta, eps, (mean, (z * z).mean(axis=0) - mean * mean))


@mutant("batch_norm_train", "sums over the samples are accumulated in the narrow type", WIDE, "classroom", raw=True)
def narrow_sums(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), _narrow(z.dtype)
    _statistics(wide)
    mean = _narrow_sum(wide, narrow) / len(z)
    statistics = mean, _narrow_sum((wide - mean) ** 2, narrow) / len(z)
    return _stored(z, _trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, statistics))


@mutant(
    "batch_norm_train",
    "squares are rounded to the narrow type: in float16 they overflow from 256 on",
    "square in float32",
    "classroom",
    raw=True,
)
def narrow_squares(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), _narrow(z.dtype)
    mean, _ = _statistics(wide)
    squares = ((wide - mean) ** 2).astype(narrow).astype(wide.dtype)
    statistics = mean, squares.mean(axis=0)
    return _stored(z, _trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, statistics))


@mutant(
    "batch_norm_train",
    "mean and variance are rounded to the narrow type before they are used",
    "normalise by mean and variance in float32, and round the result once",
    "classroom",
    raw=True,
)
def narrow_statistics(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    wide, narrow = z.astype(working_dtype(z.dtype)), _narrow(z.dtype)
    mean, var = (statistic.astype(narrow).astype(wide.dtype) for statistic in _statistics(wide))
    return _stored(z, _trained(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), eps, (mean, var)))


def _stored(z: Array, results: Triple) -> Triple:
    out, mean, var = results
    return out.astype(z.dtype), mean.astype(z.dtype), var.astype(z.dtype)


@mutant(
    "batch_norm_train", "the result goes through ReLU", "return it as it is: the activation comes next", "classroom"
)
def activated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = _trained(z, gamma, beta, eps, _statistics(z))
    return np.maximum(out, 0), mean, var


@mutant(
    "batch_norm_train", "the activation comes first: relu(z) is normalised", "normalise z, then activate", "classroom"
)
def activated_first(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    positive = np.maximum(z, 0)
    return _trained(positive, gamma, beta, eps, _statistics(positive))


@mutant(
    "batch_norm_train", "a constant feature is left as it is, not centred", "out is β there, by z - mean", "classroom"
)
def constant_feature_kept(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = _trained(z, gamma, beta, eps, _statistics(z))
    return np.where((z == z[0]).all(axis=0), gamma * z + beta, out), mean, var


@mutant("batch_norm_train", "returns the standard deviation for the variance", VARIANCE_ITSELF, "classroom")
def deviation_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = _trained(z, gamma, beta, eps, _statistics(z))
    return out, mean, np.sqrt(var)


@mutant("batch_norm_train", "returns 1/√(σ² + ε) for the variance", VARIANCE_ITSELF, "classroom")
def inverse_deviation_returned(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = _trained(z, gamma, beta, eps, _statistics(z))
    return out, mean, 1 / np.sqrt(var + eps)


@mutant("batch_norm_train", "returns σ² + ε for the variance", VARIANCE_ITSELF, "nntrainer PR 677")
def epsilon_in_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = _trained(z, gamma, beta, eps, _statistics(z))
    return out, mean, var + eps


# --- the gradient ---


def _backward(dout: Array, z_norm: Array, root: Array, gamma: Array) -> Triple:
    """The gradients where z_norm = (z − μ)/root."""
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / len(dout) - z_norm * (dgamma / len(dout))), dgamma, dbeta


def _divided(z: Array, eps: float) -> Pair:
    """z_norm and the root that it was divided by."""
    mean, var = _statistics(z)
    root = np.sqrt(var + eps)
    return (z - mean) / root, root


@mutant("batch_norm_backward", "the term through μ is missing", WHOLE_GRADIENT, "classroom")
def mean_term_missing(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - z_norm * (dgamma / len(z))), dgamma, dbeta


@mutant("batch_norm_backward", "the term through σ² is missing", WHOLE_GRADIENT, "classroom")
def variance_term_missing(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - dbeta / len(z)), dgamma, dbeta


@mutant(
    "batch_norm_backward",
    "μ and σ² are taken for constants, as at inference: dz = γ dout/√(σ² + ε)",
    WHOLE_GRADIENT,
    "CrypTen PR 143",
)
def statistics_held_constant(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * dout, dgamma, dbeta


@mutant("batch_norm_backward", "the term through μ has the wrong sign", WHOLE_GRADIENT, "classroom")
def mean_term_added(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout + dbeta / len(z) - z_norm * (dgamma / len(z))), dgamma, dbeta


@mutant("batch_norm_backward", "the term through σ² has the wrong sign", WHOLE_GRADIENT, "classroom")
def variance_term_added(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - dbeta / len(z) + z_norm * (dgamma / len(z))), dgamma, dbeta


@mutant(
    "batch_norm_backward", "the term through σ² is doubled: the ½ of the root is forgotten", WHOLE_GRADIENT, "classroom"
)
def variance_term_doubled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - dbeta / len(z) - 2 * z_norm * (dgamma / len(z))), dgamma, dbeta


@mutant(
    "batch_norm_backward",
    "the term through σ² has 1/√(σ² + ε) where its cube belongs",
    "the derivative of w ** -0.5 is -0.5 * w ** -1.5",
    "classroom",
)
def root_for_its_cube(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    centred = z - _statistics(z)[0]
    return gamma / root * (dout - dbeta / len(z) - centred * (dout * centred).mean(axis=0)), dgamma, dbeta


@mutant("batch_norm_backward", "the term through σ² is divided by m − 1", SHARE, "classroom")
def variance_term_over_one_less(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - dbeta / len(z) - z_norm * (dgamma / max(len(z) - 1, 1))), dgamma, dbeta


@mutant("batch_norm_backward", "the terms through μ and σ² are not divided by m", SHARE, "classroom")
def sums_for_means(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    _, dgamma, dbeta = _backward(dout, z_norm, root, gamma)
    return gamma / root * (dout - dbeta - z_norm * dgamma), dgamma, dbeta


@mutant("batch_norm_backward", "dz is divided by m twice", SHARE, "classroom")
def over_m_twice(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz / len(z), dgamma, dbeta


@mutant("batch_norm_backward", "γ is missing in dz", WHOLE_GRADIENT, "Knet.jl #288")
def scale_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _backward(dout, *_divided(z, eps), np.ones_like(gamma))


@mutant("batch_norm_backward", "dz is not divided by √(σ² + ε)", WHOLE_GRADIENT, "classroom")
def root_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    return _backward(dout, z_norm, np.ones_like(root), gamma)


@mutant("batch_norm_backward", "dz is divided by σ² + ε, not by its root", WHOLE_GRADIENT, "classroom")
def root_forgotten_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, eps)
    return _backward(dout, z_norm, root * root, gamma)


@mutant("batch_norm_backward", "ε is missing", "use the root of the forward pass: np.sqrt(var + eps)", "classroom")
def epsilon_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _backward(dout, *_divided(z, 0), gamma)


@mutant(
    "batch_norm_backward",
    "√σ² + ε in place of √(σ² + ε)",
    "use the root of the forward pass: np.sqrt(var + eps)",
    "classroom",
)
def epsilon_outside_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = _statistics(z)
    root = np.sqrt(var) + eps
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant("batch_norm_backward", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def epsilon_fixed_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _backward(dout, *_divided(z, 1e-5), gamma)


@mutant("batch_norm_backward", "the variance is over m − 1", BIASED, "classroom")
def unbiased_variance_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = _unbiased(z)
    root = np.sqrt(var + eps)
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant(
    "batch_norm_backward",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866, in training",
)
def one_pass_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = _one_pass(z)
    root = np.sqrt(var + eps)
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant(
    "batch_norm_backward",
    "normalised by running averages that were never updated: mean 0 and variance 1",
    "use the mean and variance of the batch, as in the forward pass",
    "classroom",
)
def initial_averages_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    _, var = _statistics(z)
    root = np.sqrt(np.ones_like(var) + eps)
    return _backward(dout, z / root, root, gamma)


@mutant("batch_norm_backward", "dγ by z, not by z_norm", SUMS, "classroom")
def dgamma_of_raw_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, (dout * z).sum(axis=0), dbeta


@mutant("batch_norm_backward", "dγ by z − μ, not divided by √(σ² + ε)", SUMS, "classroom")
def dgamma_of_centred_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, (dout * (z - _statistics(z)[0])).sum(axis=0), dbeta


@mutant("batch_norm_backward", "dγ is multiplied by γ", SUMS, "classroom")
def dgamma_scaled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, gamma * dgamma, dbeta


@mutant("batch_norm_backward", "dβ is multiplied by γ", SUMS, "classroom")
def dbeta_scaled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, dgamma, gamma * dbeta


@mutant("batch_norm_backward", "dγ is the mean over the samples, not the sum", SUMS, "classroom")
def dgamma_averaged(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, dgamma / len(z), dbeta


@mutant("batch_norm_backward", "dβ is the mean over the samples, not the sum", SUMS, "classroom")
def dbeta_averaged(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, dgamma, dbeta / len(z)


@mutant("batch_norm_backward", "dγ and dβ are swapped", "return dz, dgamma, dbeta, in this order", "classroom")
def dgamma_and_dbeta_swapped(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, dbeta, dgamma


@mutant("batch_norm_backward", "sums over the samples are accumulated in the narrow type", WIDE, "classroom", raw=True)
def narrow_sums_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    wide, narrow = working_dtype(z.dtype), _narrow(z.dtype)
    upstream = dout.astype(wide)
    z_norm, root = _divided(z.astype(wide), eps)
    dgamma, dbeta = _narrow_sum(upstream * z_norm, narrow), _narrow_sum(upstream, narrow)
    dz = gamma.astype(wide) / root * (upstream - dbeta / len(z) - z_norm * (dgamma / len(z)))
    return _stored(z, (dz, dgamma, dbeta))


# --- running averages ---


def _each(batches: Array) -> Pair:
    """The mean and the variance of each batch, (T, n)."""
    means, variances = zip(*(_statistics(batch) for batch in batches), strict=True)
    return np.stack(means), np.stack(variances)


def _average(values: Array, start: Array | float, decay: float) -> Array:
    """The exponentially weighted average of the values, one after another."""
    average = np.zeros(values.shape[1:], values.dtype) + start
    for value in values:
        average = decay * average + (1 - decay) * value
    return average


@mutant(
    "batch_norm_running",
    "decay is taken for the weight of the new",
    AVERAGE,
    "ludwig PR 2100, pytorch/examples #289, d2l-en PR 2213, keras PR 16726",
)
def weight_of_new(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, 1 - decay), _average(variances, 1, 1 - decay)


@mutant("batch_norm_running", "the new has weight 1: the average grows", AVERAGE, "classroom")
def new_not_weighted(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    mean, var = np.zeros_like(means[0]), np.ones_like(variances[0])
    for new_mean, new_var in zip(means, variances, strict=True):
        mean, var = decay * mean + new_mean, decay * var + new_var
    return mean, var


@mutant(
    "batch_norm_running",
    "the running variance is of variances over m − 1, undeclared",
    BIASED,
    "pytorch #19902, #1410, tensorflow #55545",
)
def running_unbiased(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([_unbiased(batch)[1] for batch in batches]), 1, decay)


@mutant(
    "batch_norm_running",
    "0/0 for batches of one sample: the variance is divided by m − 1 and multiplied by it again",
    BIASED,
    "Flux.jl #1992, pytorch #1381",
)
def running_nan_for_one_sample(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([_nan_for_one(batch)[1] for batch in batches]), 1, decay)


@mutant("batch_norm_running", "an empty batch turns the averages NaN", NO_SAMPLES, "pytorch #12013, sonnet #125")
def running_nan_from_no_samples(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches) if batches.shape[1] else (np.full_like(batches.sum(axis=1), np.nan),) * 2
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant(
    "batch_norm_running",
    "the variances are E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866",
)
def running_one_pass(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([_one_pass(batch)[1] for batch in batches]), 1, decay)


@mutant("batch_norm_running", "starts from the first batch's mean and variance, undeclared", START, "classroom")
def started_by_first_batch(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[1:], means[0], decay), _average(variances[1:], variances[0], decay)


@mutant("batch_norm_running", "starts from 0 and divides by 1 − decay^T, undeclared", START, "classroom")
def bias_corrected(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay) / share, _average(variances, 0, decay) / share


@mutant("batch_norm_running", "divides by 1 − decay^T, though the variance starts from 1", START, "classroom")
def corrected_though_started_from_one(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay) / share, _average(variances, 1, decay) / share


@mutant("batch_norm_running", "every batch has the same weight 1/T, undeclared", AVERAGE, "classroom")
def cumulative(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return means.mean(axis=0), variances.mean(axis=0)


@mutant("batch_norm_running", "mean and variance of all batches' samples together", AVERAGE, "classroom")
def pooled(batches: Array, *, decay: float) -> Pair:
    return _statistics(batches.reshape(-1, batches.shape[-1]))


@mutant("batch_norm_running", "the variance starts from 0", START, "d2l-en PR 1591, equinox #955")
def variance_from_zero(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(variances, 0, decay)


@mutant("batch_norm_running", "never updated", AVERAGE, "tensorflow #11965")
def never_updated(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return np.zeros_like(means[0]), np.ones_like(variances[0])


@mutant("batch_norm_running", "updated twice by every batch", AVERAGE, "pytorch #96136, insightface #2053")
def updated_twice(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches.repeat(2, axis=0))
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant("batch_norm_running", "updated once, by the last batch", AVERAGE, "classroom")
def updated_once(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[-1:], 0, decay), _average(variances[-1:], 1, decay)


@mutant("batch_norm_running", "the last batch's own mean and variance, not averaged", AVERAGE, "classroom")
def last_batch_kept(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return means[-1], variances[-1]


@mutant("batch_norm_running", "the last batch is not counted", AVERAGE, "classroom")
def last_batch_left_out(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[:-1], 0, decay), _average(variances[:-1], 1, decay)


@mutant("batch_norm_running", "batches are averaged from the last to the first", AVERAGE, "classroom")
def last_batch_first(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches[::-1])
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant(
    "batch_norm_running",
    "standard deviations are averaged, and the average is squared",
    "average the variances themselves",
    "classroom",
)
def deviations_averaged(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(np.sqrt(variances), 1, decay) ** 2


@mutant("batch_norm_running", "ε = 1e-5 is in the variances averaged", VARIANCE_ITSELF, "nntrainer PR 677")
def epsilon_in_running_variance(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(variances + 1e-5, 1, decay)


@mutant(
    "batch_norm_running",
    "each batch's variance is taken about the running mean",
    "take it about the batch's own mean",
    "classroom",
)
def about_the_running_mean(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    before = np.stack([_average(means[:t], 0, decay) for t in range(len(means))])
    return _average(means, 0, decay), _average(variances + (means - before) ** 2, 1, decay)


@mutant(
    "batch_norm_running",
    "the averages are rounded to the narrow type after every batch",
    "keep the averages in float32",
    "classroom",
    raw=True,
)
def narrow_averages(batches: Array, *, decay: float) -> Pair:
    wide, narrow = working_dtype(batches.dtype), _narrow(batches.dtype)
    mean, var = np.zeros(batches.shape[-1], narrow), np.ones(batches.shape[-1], narrow)
    for batch in batches.astype(wide):
        new_mean, new_var = _statistics(batch)
        mean = (decay * mean.astype(wide) + (1 - decay) * new_mean).astype(narrow)
        var = (decay * var.astype(wide) + (1 - decay) * new_var).astype(narrow)
    return mean.astype(batches.dtype), var.astype(batches.dtype)


# --- inference ---


@mutant("batch_norm_inference", "ε is missing", ROOT, "chainer PR 2214")
def inference_epsilon_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, mean, var, 0)


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
    return _normalised(z, gamma, beta, mean, np.maximum(var, eps), 0)


@mutant("batch_norm_inference", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def inference_epsilon_fixed(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, mean, var, 1e-5)


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
    return _normalised(z, gamma, beta, mean, var * var, eps)


@mutant("batch_norm_inference", "normalised by the batch's own statistics, as in training", KEPT, "pytorch #75252")
def batch_statistics(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, *(_statistics(z) if len(z) else (mean, var)), eps)


@mutant(
    "batch_norm_inference",
    "normalised by nine tenths of the averages and one tenth of the batch's statistics",
    KEPT,
    "onnx PR 8442",
)
def blended_statistics(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    batch_mean, batch_var = _statistics(z) if len(z) else (mean, var)
    return _normalised(z, gamma, beta, 0.9 * mean + 0.1 * batch_mean, 0.9 * var + 0.1 * batch_var, eps)


@mutant("batch_norm_inference", "the running variance is multiplied by m/(m − 1) once more", KEPT, "classroom")
def corrected_at_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, mean, var * max(len(z), 1) / max(len(z) - 1, 1), eps)


@mutant("batch_norm_inference", "the averages are ignored: mean 0 and variance 1", KEPT, "classroom")
def averages_ignored(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, np.zeros_like(mean), np.ones_like(var), eps)


@mutant("batch_norm_inference", "the running variance is ignored", KEPT, "classroom")
def variance_ignored(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return gamma * (z - mean) + beta


@mutant("batch_norm_inference", "mean and variance are swapped", KEPT, "classroom")
def averages_swapped(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, var, mean, eps)


@mutant("batch_norm_inference", "γ is missing", AFFINE, "classroom")
def inference_scale_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, np.ones_like(gamma), beta, mean, var, eps)


@mutant("batch_norm_inference", "β is missing", AFFINE, "classroom")
def inference_shift_missing(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, np.zeros_like(beta), mean, var, eps)


@mutant("batch_norm_inference", "γ and β are swapped", AFFINE, "classroom")
def inference_scale_and_shift_swapped(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> Array:
    return _normalised(z, beta, gamma, mean, var, eps)


@mutant("batch_norm_inference", "shifted before it is scaled: γ (z_norm + β)", AFFINE, "classroom")
def inference_shifted_before_scaled(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> Array:
    return _normalised(z, gamma, gamma * beta, mean, var, eps)


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
    return np.maximum(_normalised(z, gamma, beta, mean, var, eps), 0)


@mutant(
    "batch_norm_inference",
    "scale and shift, folded, are rounded to the narrow type",
    "fold in float32, and round the result once",
    "classroom",
    raw=True,
)
def narrow_folding(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    wide, narrow = working_dtype(z.dtype), _narrow(z.dtype)
    scale = (gamma.astype(wide) / np.sqrt(var.astype(wide) + eps)).astype(narrow).astype(wide)
    shift = (beta.astype(wide) - mean.astype(wide) * scale).astype(narrow).astype(wide)
    return (z.astype(wide) * scale + shift).astype(z.dtype)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
