"""Mistakes in a layer with batch norm.

`seen` gives a thread; "classroom" means homework.
"""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant

Five = tuple[Array, ...]
"""dx, dW, db, dgamma and dbeta."""

LINEAR = "z = x @ W.T + b"
OVER_SAMPLES = "the mean and the variance of z are over the samples: axis=0"
WHOLE = "out = gamma * (z - mean) / np.sqrt(var + eps) + beta, with z = x @ W.T + b"
NO_BIAS = "b cancels: leave it out, or add it before the mean is taken"
CHAIN = "go back through batch norm first; then dx = dz @ W, dW = dz.T @ x, db = dz.sum(axis=0)"
BIAS_GRADIENT = "db = dz.sum(axis=0), which is 0; or return zeros"
SUMS = "dW = dz.T @ x, a sum over the samples: dout has the loss's 1/m already"
GRADIENT = "dz = gamma / np.sqrt(var + eps) * (dout - dout.mean(axis=0) - z_norm * (dout * z_norm).mean(axis=0))"


def linear(x: Array, W: Array, b: Array) -> Array:
    return x @ W.T + b


def normalised(z: Array, gamma: Array, beta: Array, eps: float) -> Array:
    if not len(z):
        raise ValueError("no samples")
    mean = z.mean(axis=0)
    return gamma * ((z - mean) / np.sqrt(((z - mean) ** 2).mean(axis=0) + eps)) + beta


def _forward(fault: str, fix: str, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("batch_norm_layer", fault, fix, seen)


@_forward("b is added after batch norm, where it is not redundant", NO_BIAS)
def bias_after(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(x @ W.T, gamma, beta, eps) + b


@_forward("γ and β are read in bfloat16", "keep all arguments as they are")
def narrow_scale_and_shift(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W, b), _narrow(gamma), _narrow(beta), eps)


def _narrow(a: Array) -> Array:
    return a.astype(ml_dtypes.bfloat16).astype(a.dtype)


@_forward("b is added after the mean is taken off", NO_BIAS)
def bias_past_the_mean(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = x @ W.T
    root = np.sqrt(z.var(axis=0) + eps)
    return gamma * ((z - z.mean(axis=0) + b) / root) + beta


@_forward(
    "folded into the weights with a mean that lacks b", WHOLE, "onnxscript PR 3027, tt-metal PR 5317, of b folded"
)
def bias_missing_in_the_mean(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = x @ W.T
    a = gamma / np.sqrt(z.var(axis=0) + eps)
    return x @ (W * a[:, None]).T + (beta + (b - z.mean(axis=0)) * a)


@_forward(
    "β is divided by the root too: a bracket is missing in the folded form", WHOLE, "LeViT PR 24, asked of folding"
)
def shift_divided(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    root = np.sqrt(z.var(axis=0) + eps)
    return (gamma * (z - z.mean(axis=0)) + beta) / root


@_forward(
    "the statistics are over the units of each sample, not over the samples", OVER_SAMPLES,
    "torchao #4116, normalised along the other axis",
)  # fmt: skip
def over_the_units(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    mean, var = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    return gamma * ((z - mean) / np.sqrt(var + eps)) + beta


@_forward("one mean and one variance for all units", OVER_SAMPLES)
def over_all_entries(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    return gamma * ((z - z.mean()) / np.sqrt(z.var() + eps)) + beta


@_forward("W is read the other way round where it is square: z = x W", LINEAR, "nntrainer #705, of its gradient")
def weights_not_transposed(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W.T if W.shape[0] == W.shape[1] else W, b), gamma, beta, eps)


@_forward("W is read in memory order as (k, n)", LINEAR)
def weights_reshaped(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(x @ W.reshape(W.shape[::-1]) + b, gamma, beta, eps)


@_forward("x is normalised, and not z", "normalise what the matrix product gives")
def inputs_normalised(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    if not len(x):
        raise ValueError("no samples")
    x_norm = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return gamma * linear(x_norm, W, b) + beta


@_forward("the variance is over m − 1", "divide by m: z.var(axis=0)")
def unbiased_variance(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    var = z.var(axis=0) * (len(z) / max(len(z) - 1, 1))
    return gamma * ((z - z.mean(axis=0)) / np.sqrt(var + eps)) + beta


@_forward("the mean is not taken off", WHOLE)
def mean_kept(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    return gamma * (z / np.sqrt(z.var(axis=0) + eps)) + beta


@_forward("ε is missing", WHOLE)
def epsilon_missing(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W, b), gamma, beta, 0.0)


@_forward("ε = 1e-3, whatever is asked for", "use the eps that is given", "the default of another framework")
def epsilon_fixed(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W, b), gamma, beta, 1e-3)


@_forward("γ is left out", WHOLE)
def scale_left_out(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W, b), np.ones_like(gamma), beta, eps)


@_forward("γ and β are those of the first unit for all", "one of each a unit")
def first_scale_for_all(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x, W, b), gamma[:1], beta[:1], eps)


@_forward("the mean of the first half of the samples", OVER_SAMPLES)
def mean_of_the_first_half(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = linear(x, W, b)
    return gamma * ((z - z[: (len(z) + 1) // 2].mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)) + beta


@_forward("out is activated", "return out as it goes into the activation")
def activated(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return np.maximum(normalised(linear(x, W, b), gamma, beta, eps), 0)


def _through(dout: Array, z: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array]:
    """dz, dγ and dβ of batch norm."""
    centred = z - z.mean(axis=0)
    root = np.sqrt((centred**2).mean(axis=0) + eps)
    z_norm = centred / root
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / len(z) - z_norm * (dgamma / len(z))), dgamma, dbeta


def _back(dout: Array, x: Array, W: Array, b: Array, gamma: Array, eps: float) -> Five:
    dz, dgamma, dbeta = _through(dout, linear(x, W, b), gamma, eps)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


def _backward(fault: str, fix: str, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("batch_norm_layer_backward", fault, fix, seen)


@_backward("db is the sum of dout, as in a layer without batch norm", BIAS_GRADIENT)
def bias_gradient_of_dout(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, _, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    return dx, dW, dout.sum(axis=0), dgamma, dbeta


@_backward("db is γ/√(σ² + ε) times the sum of dout: what goes through μ is left out", BIAS_GRADIENT)
def bias_gradient_with_the_mean_held(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, _, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    root = np.sqrt(linear(x, W, b).var(axis=0) + eps)
    return dx, dW, gamma / root * dout.sum(axis=0), dgamma, dbeta


@_backward("dz is not formed: dout goes through the matrix product as it is", CHAIN)
def batch_norm_skipped(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    _, _, _, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    return dout @ W, dout.T @ x, dout.sum(axis=0), dgamma, dbeta


@_backward(
    "dz is γ dout/√(σ² + ε): μ and σ² are taken for constants", GRADIENT, "CrypTen PR 143, of batch norm by itself"
)
def statistics_held_constant(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    _, _, _, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    dz = gamma / np.sqrt(linear(x, W, b).var(axis=0) + eps) * dout
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@_backward("the term through σ² is missing", GRADIENT)
def variance_held_constant(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    _, _, _, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    dz = gamma / np.sqrt(linear(x, W, b).var(axis=0) + eps) * (dout - dout.mean(axis=0))
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@_backward("dx is dz Wᵀ where W is square", CHAIN, "tvm PR 5695, a product that is right where all sizes are one")
def inputs_by_the_transpose(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, db, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    if W.shape[0] == W.shape[1]:
        dx = _through(dout, linear(x, W, b), gamma, eps)[0] @ W.T
    return dx, dW, db, dgamma, dbeta


@_backward("dW is transposed where W is square", CHAIN, "nntrainer #705")
def weights_gradient_transposed(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, *others = _back(dout, x, W, b, gamma, eps)
    return dx, dW.T if W.shape[0] == W.shape[1] else dW, *others


@_backward("dW is transposed in memory: (k, n) taken for (n, k)", CHAIN)
def weights_gradient_reshaped(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, *others = _back(dout, x, W, b, gamma, eps)
    return dx, dW.T.reshape(W.shape), *others


@_backward("dW is divided by m once more", SUMS, "mxnet #2427, asked for")
def weights_gradient_averaged(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, *others = _back(dout, x, W, b, gamma, eps)
    return dx, dW / len(x), *others


@_backward("all gradients of parameters are divided by m once more", SUMS, "deeplearning4j PR 1452, by a wrong m")
def parameters_averaged(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, *others = _back(dout, x, W, b, gamma, eps)
    dW, db, dgamma, dbeta = (each / len(x) for each in others)
    return dx, dW, db, dgamma, dbeta


@_backward("1/m is missing in dz: sums stand where means belong", "divide both sums over the samples by m")
def sums_for_means(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = linear(x, W, b)
    _, dgamma, dbeta = _through(dout, z, gamma, eps)
    root = np.sqrt(z.var(axis=0) + eps)
    dz = gamma / root * (dout - dbeta - (z - z.mean(axis=0)) / root * dgamma)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@_backward("dout is read in bfloat16", "keep all arguments as they are")
def narrow_upstream(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    return _back(_narrow(dout), x, W, b, gamma, eps)


@_backward("dW is of the first sample alone", SUMS)
def weights_gradient_of_one_sample(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, _, *others = _back(dout, x, W, b, gamma, eps)
    dz, _, _ = _through(dout, linear(x, W, b), gamma, eps)
    return dx, dz[:1].T @ x[:1], *others


@_backward("γ is missing in dz", GRADIENT, "Knet.jl #288, of batch norm by itself")
def scale_missing(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, db, *_ = _back(dout, x, W, b, np.ones_like(gamma), eps)
    return dx, dW, db, *_back(dout, x, W, b, gamma, eps)[3:]


@_backward("ε is missing", "use the root of the forward pass: np.sqrt(var + eps)")
def epsilon_missing_in_gradient(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    return _back(dout, x, W, b, gamma, 0.0)


@_backward("b is left out of z, and kept in the mean", "take the mean of the z that is centred")
def bias_in_the_mean_alone(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, db, _, dbeta = _back(dout, x, W, b, gamma, eps)
    z = x @ W.T
    z_norm = (z - (z + b).mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)
    return dx, dW, db, (dout * z_norm).sum(axis=0), dbeta


@_backward("dγ is the sum of dout times z, not normalised", "dgamma = (dout * z_norm).sum(axis=0)")
def dgamma_of_raw_z(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, db, _, dbeta = _back(dout, x, W, b, gamma, eps)
    return dx, dW, db, (dout * linear(x, W, b)).sum(axis=0), dbeta


@_backward("db and dβ are swapped", "return dx, dW, db, dgamma, dbeta, in this order")
def bias_and_shift_swapped(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, dW, db, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    return dx, dW, dbeta, dgamma, db


@_forward("inputs beyond the 4096th of a unit are not summed", LINEAR)
def inputs_beyond_4096(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return normalised(linear(x[:, :4096], W[:, :4096], b), gamma, beta, eps)


@_backward("samples beyond the 1024th are left out of dW", SUMS)
def samples_beyond_1024(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    dx, _, db, dgamma, dbeta = _back(dout, x, W, b, gamma, eps)
    dz, _, _ = _through(dout, linear(x, W, b), gamma, eps)
    return dx, dz[:1024].T @ x[:1024], db, dgamma, dbeta


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
