"""Mistakes in layer norm and in its gradient, each of them one small function with one fault.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws_reference.dtypes import Array, working_dtype

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]

BIASED = "divide by n, the number of features: z.var(axis=-1, keepdims=True)"
OVER_FEATURES = "reduce over the features of a sample and nothing else: axis=-1, keepdims=True"
TWO_PASS = "average the squared deviations from the mean: ((z - mean) ** 2).mean(axis=-1, keepdims=True)"
ROOT = "divide by the root of the sum: np.sqrt(var + eps)"
EPSILON_GIVEN = "use the eps that is given"
AFFINE = "gamma * z_norm + beta, one of each a feature"
WIDE = "accumulate in float32, and round the result once"
CENTRED = "subtract the mean: z - z.mean(axis=-1, keepdims=True)"
WHOLE_GRADIENT = (
    "with g = gamma * dout, dz = (g - mean(g) - z_norm * mean(g * z_norm)) / np.sqrt(var + eps), means over axis=-1"
)
SUMS = "dgamma = (dout * z_norm).sum(axis=0) and dbeta = dout.sum(axis=0)"


def _mean(x: Array) -> Array:
    return np.asarray(x.mean(axis=-1, keepdims=True))


def _two_pass(z: Array) -> Pair:
    mean = _mean(z)
    return mean, _mean((z - mean) ** 2)


def _unbiased(z: Array) -> Pair:
    """One feature has no unbiased variance; it is given the biased one here, for the NaN is a mistake of its own."""
    mean, var = _two_pass(z)
    return mean, var * z.shape[1] / max(z.shape[1] - 1, 1)


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Array:
    mean, var = statistics
    return np.asarray(gamma * ((z - mean) / np.sqrt(var + eps)) + beta)


def _narrow_mean(terms: Array, narrow: np.dtype[np.generic]) -> Array:
    total = np.zeros_like(terms[:, :1], narrow)
    for k in range(terms.shape[1]):
        total = (total + terms[:, k : k + 1].astype(narrow)).astype(narrow)
    return np.asarray(total.astype(terms.dtype) / terms.shape[1])


# --- the statistics ---


@mutant("layer_norm", "normalised by the variance over n − 1", BIASED, "annotated-transformer PR 119")
def unbiased_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _unbiased(z), eps)


@mutant(
    "layer_norm",
    "divided by the standard deviation over n − 1, plus ε: torch.std has another default than the paper",
    "divide by n, and put ε inside the root: np.sqrt(z.var(axis=-1, keepdims=True) + eps)",
    "annotated-transformer PR 119, hyunwoongko/transformer #7",
)
def unbiased_deviation_plus_epsilon(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _unbiased(z)
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta


@mutant(
    "layer_norm",
    "0/0 for one feature: the variance is divided by n − 1 and multiplied by it again",
    BIASED,
    "classroom",
)
def nan_for_one_feature(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, n = _mean(z), np.asarray(z.shape[1], z.dtype)
    unbiased = ((z - mean) ** 2).sum(axis=-1, keepdims=True) / (n - 1)
    return _normalised(z, gamma, beta, (mean, unbiased * (n - 1) / n), eps)


@mutant(
    "layer_norm",
    "normalised over the samples, as batch norm is",
    OVER_FEATURES,
    "attention-is-all-you-need-pytorch PR 17, over the sequence",
)
def over_the_batch(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean = z.mean(axis=0) if len(z) else np.zeros_like(beta)
    var = ((z - mean) ** 2).mean(axis=0) if len(z) else np.ones_like(beta)
    return _normalised(z, gamma, beta, (mean, var), eps)


@mutant("layer_norm", "one mean and one variance for the whole batch", OVER_FEATURES, "tensorpack #1482, of a sequence")
def over_all_entries(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    flat = z.reshape(1, -1) if z.size else np.zeros((1, 1), z.dtype)
    return _normalised(z, gamma, beta, _two_pass(flat), eps)


@mutant("layer_norm", "every sample has the mean and variance of the first", OVER_FEATURES, "classroom")
def statistics_of_first_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return _normalised(z, gamma, beta, (mean[:1], var[:1]), eps)


@mutant("layer_norm", "the mean is over the features, but the variance over the samples", OVER_FEATURES, "classroom")
def variance_over_the_batch(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean = _mean(z)
    var = ((z - mean) ** 2).mean(axis=0) if len(z) else np.ones_like(beta)
    return _normalised(z, gamma, beta, (mean, var), eps)


@mutant("layer_norm", "each half of the features is normalised by itself, as in group norm", OVER_FEATURES, "classroom")
def in_two_groups(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    half = (z.shape[1] + 1) // 2
    groups = [
        (part - _mean(part)) / np.sqrt(_two_pass(part)[1] + eps) for part in (z[:, :half], z[:, half:]) if part.size
    ]
    return np.asarray(gamma * (np.concatenate(groups, axis=1) if groups else z) + beta)


@mutant("layer_norm", "mean and variance leave out the last feature", OVER_FEATURES, "classroom")
def last_feature_left_out(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _two_pass(z[:, : max(z.shape[1] - 1, 1)]), eps)


@mutant(
    "layer_norm",
    "the features are padded with zeros to a multiple of 4, and the padding is counted",
    "divide by n, and mask the padding",
    "classroom",
)
def padding_counted(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    padded = np.pad(z, ((0, 0), (0, -z.shape[1] % 4)))
    return _normalised(z, gamma, beta, _two_pass(padded), eps)


@mutant(
    "layer_norm",
    "normalised by running averages that were never updated: mean 0 and variance 1",
    "normalise by the mean and variance of the sample itself, in training and at inference",
    "classroom",
)
def running_statistics(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, (np.zeros_like(z[:, :1]), np.ones_like(z[:, :1])), eps)


@mutant("layer_norm", "the mean is not subtracted", CENTRED, "classroom")
def not_centred(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, (np.zeros_like(z[:, :1]), _two_pass(z)[1]), eps)


@mutant("layer_norm", "divided by the root mean square, the mean not subtracted: RMS norm", CENTRED, "classroom")
def root_mean_square(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, (np.zeros_like(z[:, :1]), _mean(z * z)), eps)


@mutant("layer_norm", "centred, but divided by the root mean square of what it was before", TWO_PASS, "classroom")
def mean_square_for_variance(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, (_mean(z), _mean(z * z)), eps)


@mutant("layer_norm", "divided by the mean absolute deviation", ROOT, "classroom")
def mean_absolute_deviation(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean = _mean(z)
    return _normalised(z, gamma, beta, (mean, _mean(np.abs(z - mean)) ** 2), eps)


@mutant(
    "layer_norm",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "pytorch #51102, onnxruntime #28463, burn #5607",
)
def one_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean = _mean(z)
    return _normalised(z, gamma, beta, (mean, np.maximum(_mean(z * z) - mean * mean, 0)), eps)


@mutant(
    "layer_norm",
    "the variance is E[z²] − μ², which rounding can make negative: NaN",
    TWO_PASS,
    "onnxruntime #21935, equinox PR 314",
)
def one_pass_unclamped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean = _mean(z)
    return _normalised(z, gamma, beta, (mean, _mean(z * z) - mean * mean), eps)


# --- ε and the root ---


@mutant("layer_norm", "ε is outside the root: √σ² + ε", ROOT, "hkproj/pytorch-transformer PR 31, CNTK #3816")
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta


@mutant("layer_norm", "ε is missing", ROOT, "deeplearning4j #8241, torchcvnn #32")
def epsilon_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _two_pass(z), 0)


@mutant("layer_norm", "ε is added twice, to the variance and to its root", ROOT, "classroom")
def epsilon_twice(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return gamma * ((z - mean) / (np.sqrt(var + eps) + eps)) + beta


@mutant("layer_norm", "ε is added to n, not to the variance", ROOT, "LeetCUDA #309")
def epsilon_beside_n(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return _normalised(z, gamma, beta, (mean, var * z.shape[1] / (z.shape[1] + eps)), 0)


@mutant("layer_norm", "ε is a lower limit: max(σ², ε) in place of σ² + ε", ROOT, "classroom")
def epsilon_as_limit(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return _normalised(z, gamma, beta, (mean, np.maximum(var, eps)), 0)


@mutant("layer_norm", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def epsilon_fixed(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _two_pass(z), 1e-5)


@mutant("layer_norm", "divided by σ² + ε, not by its root", ROOT, "classroom")
def root_forgotten(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return gamma * ((z - mean) / (var + eps)) + beta


@mutant("layer_norm", "divided by the square of σ² + ε, not by its root", ROOT, "TPlinker-joint-extraction #37")
def squared_for_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return gamma * ((z - mean) / (var + eps) ** 2) + beta


# --- γ and β ---


@mutant("layer_norm", "γ is missing", AFFINE, "classroom")
def scale_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, np.ones_like(gamma), beta, _two_pass(z), eps)


@mutant("layer_norm", "β is missing", AFFINE, "classroom")
def shift_missing(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, np.zeros_like(beta), _two_pass(z), eps)


@mutant("layer_norm", "γ and β are swapped", AFFINE, "classroom")
def scale_and_shift_swapped(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, beta, gamma, _two_pass(z), eps)


@mutant("layer_norm", "shifted before it is scaled: γ (z_norm + β)", AFFINE, "classroom")
def shifted_before_scaled(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, gamma * beta, _two_pass(z), eps)


@mutant("layer_norm", "scaled by 1 + γ, as if γ were stored less 1", AFFINE, "TransformerEngine PR 67, an option there")
def scale_plus_one(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, 1 + gamma, beta, _two_pass(z), eps)


@mutant("layer_norm", "every feature has the γ and β of the first", AFFINE, "classroom")
def one_scale_for_all(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, np.full_like(gamma, gamma[0]), np.full_like(beta, beta[0]), _two_pass(z), eps)


@mutant("layer_norm", "γ and β are taken at the next feature's index", AFFINE, "DeepSpeed PR 692, in the gradient")
def index_off_by_one(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, np.roll(gamma, -1), np.roll(beta, -1), _two_pass(z), eps)


@mutant("layer_norm", "the result goes through ReLU", "return it as it is: the activation comes next", "classroom")
def activated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return np.maximum(_normalised(z, gamma, beta, _two_pass(z), eps), 0)


# --- rounding ---


@mutant("layer_norm", "sums over the features are accumulated in the narrow type", WIDE, "mxnet #14073", raw=True)
def narrow_sums(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    mean = _narrow_mean(wide, narrow)
    statistics = mean, _narrow_mean((wide - mean) ** 2, narrow)
    return _normalised(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), statistics, eps).astype(z.dtype)


@mutant(
    "layer_norm",
    "squares are rounded to the narrow type: in float16 they overflow from 256 on",
    "square in float32",
    "TensorRT #2564, onnxruntime PR 29045",
    raw=True,
)
def narrow_squares(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    mean = _mean(wide)
    squares = ((wide - mean) ** 2).astype(narrow).astype(wide.dtype)
    statistics = mean, _mean(squares)
    return _normalised(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), statistics, eps).astype(z.dtype)


@mutant(
    "layer_norm",
    "mean and variance are rounded to the narrow type before they are used",
    "normalise by mean and variance in float32, and round the result once",
    "classroom",
    raw=True,
)
def narrow_statistics(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    wide, narrow = z.astype(working_dtype(z.dtype)), narrow_type(z.dtype)
    mean, var = (statistic.astype(narrow).astype(wide.dtype) for statistic in _two_pass(wide))
    return _normalised(wide, gamma.astype(wide.dtype), beta.astype(wide.dtype), (mean, var), eps).astype(z.dtype)


# --- the gradient ---


def _divided(z: Array, statistics: Pair, eps: float) -> Pair:
    """z_norm and the root that it was divided by."""
    mean, var = statistics
    root = np.sqrt(var + eps)
    return (z - mean) / root, root


def _gradients(
    dout: Array, z_norm: Array, root: Array, gamma: Array, of_mean: float = 1, of_variance: float = 1
) -> Triple:
    """The gradients where z_norm = (z − μ)/root, with so much of the terms through μ and σ²."""
    g = gamma * dout
    dz = (g - of_mean * _mean(g) - of_variance * z_norm * _mean(g * z_norm)) / root
    return dz, (dout * z_norm).sum(axis=0), dout.sum(axis=0)


def _right(dout: Array, z: Array, gamma: Array, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma)


@mutant("layer_norm_backward", "the term through μ is missing", WHOLE_GRADIENT, "classroom")
def mean_term_missing(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_mean=0)


@mutant("layer_norm_backward", "the term through μ is subtracted twice", WHOLE_GRADIENT, "tt-metal #53204")
def mean_term_twice(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_mean=2)


@mutant("layer_norm_backward", "the term through σ² is missing", WHOLE_GRADIENT, "classroom")
def variance_term_missing(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_variance=0)


@mutant("layer_norm_backward", "the term through σ² has the wrong sign", WHOLE_GRADIENT, "classroom")
def variance_term_added(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_variance=-1)


@mutant(
    "layer_norm_backward", "the term through σ² is doubled: the ½ of the root is forgotten", WHOLE_GRADIENT, "classroom"
)
def variance_term_doubled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_variance=2)


@mutant("layer_norm_backward", "μ and σ² are taken for constants: dz = γ dout/√(σ² + ε)", WHOLE_GRADIENT, "classroom")
def statistics_held_constant(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_mean=0, of_variance=0)


@mutant(
    "layer_norm_backward",
    "γ is multiplied by last, as in batch norm, where it is the same for all that is summed",
    WHOLE_GRADIENT,
    "classroom",
)
def scale_last(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, np.ones_like(gamma), eps)
    return gamma * dz, dgamma, dbeta


@mutant("layer_norm_backward", "γ is missing in dz", WHOLE_GRADIENT, "classroom")
def scale_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _right(dout, z, np.ones_like(gamma), eps)


@mutant("layer_norm_backward", "the means in dz are over the samples, as in batch norm", WHOLE_GRADIENT, "classroom")
def means_over_the_batch(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, _two_pass(z), eps)
    g = gamma * dout
    dz = (g - g.mean(axis=0) - z_norm * (g * z_norm).mean(axis=0)) / root
    return dz, (dout * z_norm).sum(axis=0), dout.sum(axis=0)


@mutant("layer_norm_backward", "the terms through μ and σ² are not divided by n", WHOLE_GRADIENT, "classroom")
def sums_for_means(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    n = z.shape[1]
    return _gradients(dout, *_divided(z, _two_pass(z), eps), gamma, of_mean=n, of_variance=n)


@mutant("layer_norm_backward", "dz is not divided by √(σ² + ε)", WHOLE_GRADIENT, "classroom")
def root_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, _two_pass(z), eps)
    return _gradients(dout, z_norm, np.ones_like(root), gamma)


@mutant(
    "layer_norm_backward",
    "the term through σ² has 1/√(σ² + ε) where its cube belongs",
    "the derivative of w ** -0.5 is -0.5 * w ** -1.5",
    "classroom",
)
def root_for_its_cube(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    z_norm, root = _divided(z, _two_pass(z), eps)
    g, centred = gamma * dout, z - _mean(z)
    dz = (g - _mean(g) - centred * _mean(g * centred)) / root
    return dz, (dout * z_norm).sum(axis=0), dout.sum(axis=0)


@mutant("layer_norm_backward", "ε is missing", "use the root of the forward pass: np.sqrt(var + eps)", "classroom")
def epsilon_missing_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _right(dout, z, gamma, 0)


@mutant(
    "layer_norm_backward",
    "√σ² + ε in place of √(σ² + ε)",
    "use the root of the forward pass: np.sqrt(var + eps)",
    "classroom",
)
def epsilon_outside_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = _two_pass(z)
    root = np.sqrt(var) + eps
    return _gradients(dout, (z - mean) / root, root, gamma)


@mutant(
    "layer_norm_backward", "the variance is over n − 1", BIASED, "annotated-transformer PR 119, in the forward pass"
)
def unbiased_variance_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, *_divided(z, _unbiased(z), eps), gamma)


@mutant(
    "layer_norm_backward",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "pytorch #51102, in the forward pass",
)
def one_pass_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean = _mean(z)
    return _gradients(dout, *_divided(z, (mean, np.maximum(_mean(z * z) - mean * mean, 0)), eps), gamma)


@mutant("layer_norm_backward", "dγ by z, not by z_norm", SUMS, "classroom")
def dgamma_of_raw_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _right(dout, z, gamma, eps)
    return dz, (dout * z).sum(axis=0), dbeta


@mutant("layer_norm_backward", "dγ by z − μ, not divided by √(σ² + ε)", SUMS, "classroom")
def dgamma_of_centred_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _right(dout, z, gamma, eps)
    return dz, (dout * (z - _mean(z))).sum(axis=0), dbeta


@mutant("layer_norm_backward", "dγ is summed over the features too: one number for all of them", SUMS, "classroom")
def dgamma_over_all_axes(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, np.full_like(dgamma, dgamma.sum()), dbeta


@mutant(
    "layer_norm_backward",
    "dγ and dβ are those of the last sample: each overwrites what the one before it had added",
    SUMS,
    "classroom",
)
def last_sample_alone(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, _ = _right(dout, z, gamma, eps)
    _, dgamma, dbeta = _right(dout[-1:], z[-1:], gamma, eps)
    return dz, dgamma, dbeta


@mutant("layer_norm_backward", "dγ is the mean over the samples, not the sum", SUMS, "classroom")
def dgamma_averaged(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, dgamma / len(z), dbeta


@mutant("layer_norm_backward", "dβ is the mean over the samples, not the sum", SUMS, "classroom")
def dbeta_averaged(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, dgamma, dbeta / len(z)


@mutant("layer_norm_backward", "dγ is multiplied by γ", SUMS, "classroom")
def dgamma_scaled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, gamma * dgamma, dbeta


@mutant("layer_norm_backward", "dβ is multiplied by γ", SUMS, "classroom")
def dbeta_scaled(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, dgamma, gamma * dbeta


@mutant("layer_norm_backward", "dγ and dβ are swapped", "return dz, dgamma, dbeta, in this order", "oneflow PR 6149")
def dgamma_and_dbeta_swapped(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, dgamma, dbeta = _right(dout, z, gamma, eps)
    return dz, dbeta, dgamma


@mutant("layer_norm_backward", "sums are accumulated in the narrow type", WIDE, "mxnet #14073", raw=True)
def narrow_sums_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    wide, narrow = working_dtype(z.dtype), narrow_type(z.dtype)
    upstream = dout.astype(wide)
    z_norm, root = _divided(z.astype(wide), _two_pass(z.astype(wide)), eps)
    g = gamma.astype(wide) * upstream
    dz = (g - _narrow_mean(g, narrow) - z_norm * _narrow_mean(g * z_norm, narrow)) / root
    sums = (_narrow_mean(each.T, narrow)[:, 0] * len(z) for each in (upstream * z_norm, upstream))
    dz, dgamma, dbeta = (each.astype(z.dtype) for each in (dz, *sums))
    return dz, dgamma, dbeta


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
