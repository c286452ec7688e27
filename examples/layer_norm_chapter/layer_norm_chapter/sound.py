"""Right ways to compute layer norm: in one pass or two, merged, folded, by the chain rule, wide, narrow."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from nnlaws.authoring import SoundVariant, sound
from nnlaws.authoring.mutant import stored
from nnlaws_reference.dtypes import Array

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]


def _in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed in float64 and rounded to the arguments' dtype once."""

    @wraps(function)
    def run(*arguments: Array, **options: float) -> Any:
        results = function(*(argument.astype(np.float64) for argument in arguments), **options)
        dtype = arguments[0].dtype
        return tuple(each.astype(dtype) for each in results) if isinstance(results, tuple) else results.astype(dtype)

    return run


# --- mean and variance of each row, (m, 1) ---


def _sum(terms: Array) -> Array:
    return np.asarray(terms.sum(axis=-1, keepdims=True))


def _two_pass(z: Array) -> Pair:
    mean = _sum(z) / z.shape[1]
    return mean, _sum((z - mean) ** 2) / z.shape[1]


def _one_pass(z: Array) -> Pair:
    """E[z²] − μ², clamped at 0."""
    mean = _sum(z) / z.shape[1]
    return mean, np.maximum(_sum(z * z) / z.shape[1] - mean * mean, 0)


def _updated(z: Array) -> Pair:
    """One feature after another (Welford 1962)."""
    mean, squares = np.zeros_like(z[:, :1]), np.zeros_like(z[:, :1])
    for k in range(z.shape[1]):
        deviation = z[:, k : k + 1] - mean
        mean = mean + deviation / (k + 1)
        squares = squares + deviation * (z[:, k : k + 1] - mean)
    return mean, squares / z.shape[1]


def _merged(z: Array) -> Pair:
    """Parts of one feature, merged in pairs (Chan, Golub and LeVeque 1983)."""
    parts = [(1, z[:, k : k + 1], np.zeros_like(z[:, :1])) for k in range(z.shape[1])]
    while len(parts) > 1:
        pairs = [_merge(*parts[k : k + 2]) for k in range(0, len(parts) - 1, 2)]
        parts = pairs + parts[2 * len(pairs) :]
    _, mean, squares = parts[0]
    return mean, squares / z.shape[1]


def _merge(a: tuple[int, Array, Array], b: tuple[int, Array, Array]) -> tuple[int, Array, Array]:
    count, apart = a[0] + b[0], b[1] - a[1]
    return count, a[1] + apart * (b[0] / count), a[2] + b[2] + apart * apart * (a[0] * b[0] / count)


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Array:
    mean, var = statistics
    return np.asarray((z - mean) / np.sqrt(var + eps) * gamma + beta)


# --- forward ---


@sound("layer_norm")
@stored
def two_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """As jnp.mean and jnp.var have it."""
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("layer_norm")
@stored
def welford(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _updated(z), eps)


@sound("layer_norm")
@stored
def merged_pairs(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _merged(z), eps)


@sound("layer_norm")
@stored
def shifted_by_first_feature(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Two passes over z less its first feature, so that the sums are of small numbers."""
    shifted = z - z[:, :1]
    return _normalised(shifted, gamma, beta, _two_pass(shifted), eps)


@sound("layer_norm")
@stored
def one_pass_of_shifted(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """E[x²] − E[x]² of x = z less its first feature."""
    shifted = z - z[:, :1]
    return _normalised(shifted, gamma, beta, _one_pass(shifted), eps)


@sound("layer_norm")
@stored
def compensated(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Both sums by Kahan's algorithm."""
    mean = _kahan(z) / z.shape[1]
    return _normalised(z, gamma, beta, (mean, _kahan((z - mean) ** 2) / z.shape[1]), eps)


def _kahan(terms: Array) -> Array:
    total, lost = np.zeros_like(terms[:, :1]), np.zeros_like(terms[:, :1])
    for k in range(terms.shape[1]):
        term = terms[:, k : k + 1] - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total


@sound("layer_norm")
@stored
def folded(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """z·a + (β − μ·a) with a = γ/√(σ² + ε)."""
    mean, var = _two_pass(z)
    scale = gamma / np.sqrt(var + eps)
    return np.asarray(z * scale + (beta - mean * scale))


@sound("layer_norm")
@stored
def folded_before_scale(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """(z·s − μ·s) γ + β after Welford, as PyTorch's kernel for CPUs."""
    mean, var = _updated(z)
    inverse = 1 / np.sqrt(var + eps)
    return np.asarray((z * inverse + -mean * inverse) * gamma + beta)


@sound("layer_norm")
@stored
def reciprocal_root(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """(z − μ)·(γ·r) + β with r = 1/√(σ² + ε), and sums multiplied by 1/n."""
    share = 1 / z.shape[1]
    mean = _sum(z) * share
    var = _sum((z - mean) ** 2) * share
    return np.asarray((z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta)


@sound("layer_norm")
@_in_float64
def wide(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("layer_norm", variance="two_pass")
@stored
def loop(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Loops over scalars, sums from the last feature to the first: two passes, declared."""
    out, n = np.empty_like(z), z.shape[1]
    for i, row in enumerate(z):
        mean = sum(reversed(row)) / n
        var = sum((x - mean) * (x - mean) for x in reversed(row)) / n
        for j, x in enumerate(row):
            out[i, j] = gamma[j] * ((x - mean) / np.sqrt(var + z.dtype.type(eps))) + beta[j]
    return out


@sound("layer_norm", variance="one_pass")
@stored
def one_pass(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """E[z²] − μ², as Flax's use_fast_variance=True: digits cancel where the mean is large."""
    return _normalised(z, gamma, beta, _one_pass(z), eps)


@sound("layer_norm", epsilon="outside")
@stored
def epsilon_outside(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    mean, var = _two_pass(z)
    return np.asarray((z - mean) / (np.sqrt(var) + eps) * gamma + beta)


@sound("layer_norm", arithmetic="narrow")
def every_step_narrow(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Every operation in z's own dtype."""
    mean, var = _narrow_two_pass(z)
    return np.asarray((z - mean) / _narrow_root(var, eps) * gamma + beta)


def _narrow_two_pass(z: Array) -> Pair:
    n = z.dtype.type(z.shape[1])
    mean = _one_by_one(z) / n
    return mean, _one_by_one((z - mean) * (z - mean)) / n


def _one_by_one(terms: Array) -> Array:
    """The sum of each row, one feature after another, each sum rounded."""
    total = terms[:, :1].copy()
    for k in range(1, terms.shape[1]):
        total = total + terms[:, k : k + 1]
    return total


def _narrow_root(var: Array, eps: float) -> Array:
    """√(σ² + ε); 1 where that is 0, as an ε below the type's range leaves it, so that 0/0 gives 0 and not NaN."""
    root = np.sqrt(var + var.dtype.type(eps))
    return np.asarray(np.where(root == 0, root.dtype.type(1), root))


# --- the gradient ---


def _gradients(dout: Array, gamma: Array, z_norm: Array, root: Array) -> Triple:
    """The shortest form, where z_norm = (z − μ)/root."""
    n, g = dout.shape[1], gamma * dout
    dz = (n * g - _sum(g) - z_norm * _sum(g * z_norm)) / (n * root)
    return dz, (dout * z_norm).sum(axis=0), dout.sum(axis=0)


def _divided(z: Array, statistics: Pair, eps: float) -> Pair:
    mean, var = statistics
    root = np.sqrt(var + eps)
    return (z - mean) / root, root


@sound("layer_norm_backward")
@stored
def simplified(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _two_pass(z), eps))


@sound("layer_norm_backward")
@stored
def simplified_after_welford(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _updated(z), eps))


@sound("layer_norm_backward")
@stored
def simplified_after_merging(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _merged(z), eps))


@sound("layer_norm_backward")
@stored
def chain_rule(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Step by step: dz_norm, dσ², dμ, dz."""
    n = z.shape[1]
    mean, var = _two_pass(z)
    centred, r = z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = _sum(dz_norm * centred) * r * r * r / -2
    dmean = -_sum(dz_norm * r) - dvar * 2 * _sum(centred) / n
    dz = dz_norm * r + dvar * 2 * centred / n + dmean / n
    return dz, (dout * (centred * r)).sum(axis=0), dout.sum(axis=0)


@sound("layer_norm_backward")
@stored
def line_for_each_sample(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dz = s·g + b·z + c, three numbers a sample, with Σ g (z − μ) as Σ g z − μ Σ g: PyTorch's kernel for CPUs."""
    n = z.shape[1]
    mean, var = _updated(z)
    s, g = 1 / np.sqrt(var + eps), gamma * dout
    b = (_sum(g) * mean - _sum(dout * z * gamma)) * s * s * s / n
    dz = s * g + b * z + (-b * mean - _sum(g) * s / n)
    return dz, (dout * (z * s + -mean * s)).sum(axis=0), dout.sum(axis=0)


@sound("layer_norm_backward")
@stored
def through_saved_statistics(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """From μ and r = 1/√(σ² + ε) as the forward pass saves them, with z_norm never formed."""
    n = z.shape[1]
    mean, var = _two_pass(z)
    r, g = 1 / np.sqrt(var + eps), dout * gamma
    dz = (g - _sum(g) / n - (z - mean) * (_sum(g * (z - mean)) * r * r / n)) * r
    return dz, (dout * (z - mean) * r).sum(axis=0), dout.sum(axis=0)


@sound("layer_norm_backward")
@_in_float64
def wide_gradient(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _two_pass(z), eps))


@sound("layer_norm_backward", variance="two_pass")
@stored
def chain_rule_in_two_passes(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """The chain rule, its two passes declared."""
    results: Triple = chain_rule.function(dout, z, gamma, eps=eps)
    return results


@sound("layer_norm_backward", variance="one_pass")
@stored
def simplified_after_one_pass(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    return _gradients(dout, gamma, *_divided(z, _one_pass(z), eps))


@sound("layer_norm_backward", epsilon="outside")
@stored
def gradient_with_epsilon_outside(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """(g − mean(g) − (z − μ)/σ mean(g z_norm))/(σ + ε); 0 for 0/0 in a constant row."""
    n = z.shape[1]
    mean, var = _two_pass(z)
    deviation = np.sqrt(var)
    z_norm, g = (z - mean) / (deviation + eps), gamma * dout
    unit = (z - mean) / np.where(deviation == 0, 1, deviation)
    dz = (g - _sum(g) / n - unit * (_sum(g * z_norm) / n)) / (deviation + eps)
    return dz, (dout * z_norm).sum(axis=0), dout.sum(axis=0)


@sound("layer_norm_backward", arithmetic="narrow")
def gradient_every_step_narrow(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every operation in z's own dtype."""
    mean, var = _narrow_two_pass(z)
    n, root, g = z.dtype.type(z.shape[1]), _narrow_root(var, eps), gamma * dout
    z_norm = (z - mean) / root
    dz = (g - _one_by_one(g) / n - z_norm * (_one_by_one(g * z_norm) / n)) / root
    return dz, _one_by_one((dout * z_norm).T)[:, 0], _one_by_one(dout.T)[:, 0]


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
