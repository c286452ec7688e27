"""Right ways to go back: at once, by the chain rule, a line a feature, wide, narrow."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.batch_norm.sound.statistics import (
    Pair,
    Triple,
    count,
    in_turn,
    narrow_root,
    narrow_two_pass,
    one_pass_statistics,
    two_pass_statistics,
    updated,
)


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
    return _gradients(dout, gamma, *_divided(z, two_pass_statistics(z), eps))


@sound("batch_norm_backward")
@stored
def simplified_after_welford(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, updated(z), eps))


@sound("batch_norm_backward")
@stored
def chain_rule(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Step by step: dz_norm, dσ², dμ, dz (Ioffe and Szegedy 2015, section 3)."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    centred, r = z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = (dz_norm * centred).sum(axis=0) * r * r * r / -2
    dmean = -(dz_norm * r).sum(axis=0) - dvar * 2 * centred.sum(axis=0) / m
    return dz_norm * r + dvar * 2 * centred / m + dmean / m, (dout * (centred * r)).sum(axis=0), dout.sum(axis=0)


@sound("batch_norm_backward")
@stored
def through_saved_statistics(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """From μ and r = 1/√(σ² + ε) as the forward pass saves them, with z_norm never formed."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    r = 1 / np.sqrt(var + eps)
    dbeta, along = dout.sum(axis=0), (dout * (z - mean)).sum(axis=0)
    return (dout - dbeta / m - (z - mean) * (along * r * r / m)) * (gamma * r), along * r, dbeta


@sound("batch_norm_backward")
@stored
def line_for_each_feature(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dz = a·dout + b·z + c, three numbers a feature."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    r = 1 / np.sqrt(var + eps)
    dgamma, dbeta = (dout * ((z - mean) * r)).sum(axis=0), dout.sum(axis=0)
    a = gamma * r
    b = -a * r * dgamma / m
    return a * dout + b * z + (-a * dbeta / m - b * mean), dgamma, dbeta


@sound("batch_norm_backward")
@stored
def folded_dgamma(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dγ = r (Σ dout z − μ Σ dout), and dz from it."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    r = 1 / np.sqrt(var + eps)
    dbeta = dout.sum(axis=0)
    dgamma = ((dout * z).sum(axis=0) - mean * dbeta) * r
    return gamma * r * (dout - dbeta / m - (z - mean) * r * (dgamma / m)), dgamma, dbeta


@sound("batch_norm_backward")
@stored
def folded_normalisation(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """z_norm as z·r − μ·r."""
    mean, var = two_pass_statistics(z)
    r = 1 / np.sqrt(var + eps)
    return _gradients(dout, gamma, z * r - mean * r, 1 / r)


@sound("batch_norm_backward")
@stored
def autodiff_of_scale_and_shift(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """The chain rule through out = z·a + (β − μ·a), a = γ r, and σ² with μ held: tf.nn.batch_normalization's."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    r = 1 / np.sqrt(var + eps)
    a, dbeta = r * gamma, dout.sum(axis=0)
    da = (dout * z).sum(axis=0) - mean * dbeta
    dvar, dmean = da * gamma * (r * r * r) / -2, -dbeta * a
    return dout * a + dvar / m * (2 * (z - mean)) + dmean / m, da * r, dbeta


@sound("batch_norm_backward")
@in_float64
def wide_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, two_pass_statistics(z), eps))


@sound("batch_norm_backward", variance="one_pass")
@stored
def simplified_after_one_pass(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, one_pass_statistics(z), eps))


@sound("batch_norm_backward", arithmetic="narrow")
def gradient_every_step_narrow(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every operation in z's own dtype."""
    mean, var = narrow_two_pass(z)
    m, root = z.dtype.type(len(z)), narrow_root(var, eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = in_turn(dout * z_norm), in_turn(dout)
    return gamma / root * (dout - dbeta / m - z_norm * (dgamma / m)), dgamma, dbeta


@sound("batch_norm_backward", epsilon="outside")
@stored
def gradient_with_epsilon_outside(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """γ/(σ + ε) (dout − mean(dout) − (z − μ)/σ mean(dout (z − μ))/(σ + ε)); 0 for 0/0 in a constant feature."""
    m = count(z)
    mean, var = two_pass_statistics(z)
    deviation = np.sqrt(var)
    centred, root = z - mean, deviation + eps
    unit = centred / np.where(deviation == 0, 1, deviation)
    dgamma, dbeta = (dout * (centred / root)).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / m - unit * (dgamma / m)), dgamma, dbeta


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
