"""Mistakes in the gradient of batch norm.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.chapters.batch_norm.mutants.common import (
    BIASED,
    EPSILON_GIVEN,
    SHARE,
    SUMS,
    TWO_PASS,
    WHOLE_GRADIENT,
    WIDE,
    Pair,
    Triple,
    narrow_sum,
    narrowed,
    one_pass_of,
    two_pass,
    unbiased,
)


def _backward(dout: Array, z_norm: Array, root: Array, gamma: Array) -> Triple:
    """The gradients where z_norm = (z − μ)/root."""
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / len(dout) - z_norm * (dgamma / len(dout))), dgamma, dbeta


def _divided(z: Array, eps: float) -> Pair:
    """z_norm and the root that it was divided by."""
    mean, var = two_pass(z)
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
    centred = z - two_pass(z)[0]
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
    mean, var = two_pass(z)
    root = np.sqrt(var) + eps
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant("batch_norm_backward", "ε = 1e-5, whatever is asked for", EPSILON_GIVEN, "classroom")
def epsilon_fixed_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _backward(dout, *_divided(z, 1e-5), gamma)


@mutant("batch_norm_backward", "the variance is over m − 1", BIASED, "classroom")
def unbiased_variance_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = unbiased(z)
    root = np.sqrt(var + eps)
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant(
    "batch_norm_backward",
    "the variance is E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866, in training",
)
def one_pass_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = one_pass_of(z)
    root = np.sqrt(var + eps)
    return _backward(dout, (z - mean) / root, root, gamma)


@mutant(
    "batch_norm_backward",
    "normalised by running averages that were never updated: mean 0 and variance 1",
    "use the mean and variance of the batch, as in the forward pass",
    "classroom",
)
def initial_averages_in_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    _, var = two_pass(z)
    root = np.sqrt(np.ones_like(var) + eps)
    return _backward(dout, z / root, root, gamma)


@mutant("batch_norm_backward", "dγ by z, not by z_norm", SUMS, "classroom")
def dgamma_of_raw_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, (dout * z).sum(axis=0), dbeta


@mutant("batch_norm_backward", "dγ by z − μ, not divided by √(σ² + ε)", SUMS, "classroom")
def dgamma_of_centred_z(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    dz, _, dbeta = _backward(dout, *_divided(z, eps), gamma)
    return dz, (dout * (z - two_pass(z)[0])).sum(axis=0), dbeta


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
    wide, narrow = working_dtype(z.dtype), narrow_type(z.dtype)
    upstream = dout.astype(wide)
    z_norm, root = _divided(z.astype(wide), eps)
    dgamma, dbeta = narrow_sum(upstream * z_norm, narrow), narrow_sum(upstream, narrow)
    dz = gamma.astype(wide) / root * (upstream - dbeta / len(z) - z_norm * (dgamma / len(z)))
    return narrowed(z, (dz, dgamma, dbeta))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
