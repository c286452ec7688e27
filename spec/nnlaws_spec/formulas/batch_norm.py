"""Batch norm, its gradient and its running averages: the formulas of chapters/batch_norm.md.

Samples first: z is (..., m, n), gamma, beta, mean and var are (..., n), batches is (..., T, m, n). eps and decay are
floats; what is computed with them is computed in the arrays' own kind of number, so in balls nothing is rounded away.
"""

from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers

Epsilon: TypeAlias = Literal["inside", "outside"]
RunningVariance: TypeAlias = Literal["biased", "unbiased"]
Weight: TypeAlias = Literal["old", "new"]
RunningAverage: TypeAlias = Literal["exponential", "first_batch", "bias_corrected", "cumulative"]


def mean(z: Numbers) -> Numbers:
    """BN-1: μ = (1/m) Σ_i z⁽ⁱ⁾, a feature."""
    m = z.shape[-2]
    return z.sum(axis=-2) / m


def variance(z: Numbers) -> Numbers:
    """BN-2: σ² = (1/m) Σ_i (z⁽ⁱ⁾ − μ)², a feature."""
    centred = _centred(z)
    m = z.shape[-2]
    return (centred * centred).sum(axis=-2) / m


def normalise(z: Numbers, *, eps: float, epsilon: Epsilon = "inside") -> Numbers:
    """BN-3: z_norm = (z − μ) / √(σ² + ε), or (z − μ) / (√σ² + ε)."""
    return _centred(z) / _deviation(variance(z), eps, epsilon)[..., None, :]


def batch_norm_train(
    z: Numbers,
    gamma: Numbers,
    beta: Numbers,
    *,
    eps: float,
    epsilon: Epsilon = "inside",
    running_variance: RunningVariance = "biased",
) -> tuple[Numbers, Numbers, Numbers]:
    """BN-4: out = γ z_norm + β; and BN-1, BN-2: the mean and the variance that the running averages take (BN-19)."""
    out = gamma[..., None, :] * normalise(z, eps=eps, epsilon=epsilon) + beta[..., None, :]
    return out, mean(z), _kept_variance(z, running_variance)


def batch_norm_backward(
    dout: Numbers, z: Numbers, gamma: Numbers, *, eps: float, epsilon: Epsilon = "inside"
) -> tuple[Numbers, Numbers, Numbers]:
    """BN-13: dz = γ/s (dout − mean(dout) − (z − μ)/r mean(dout z_norm)); BN-14: dγ = Σ dout z_norm; BN-15: dβ = Σ dout.

    z − μ is divided by s = √(σ² + ε), or √σ² + ε. Its derivative in z⁽ⁱ⁾ is (z⁽ⁱ⁾ − μ)/(m r), r = √(σ² + ε), or √σ².
    """
    m = z.shape[-2]
    s = _deviation(variance(z), eps, epsilon)[..., None, :]
    r = np.sqrt(variance(z) + (eps if epsilon == "inside" else 0))[..., None, :]
    dgamma = (dout * normalise(z, eps=eps, epsilon=epsilon)).sum(axis=-2)
    dbeta = dout.sum(axis=-2)
    # r = 0 where a constant feature meets an ε outside: there z − μ = 0 too, and the term with their quotient is 0
    towards_mean = _centred(z) / (r + (r == 0)) * dgamma[..., None, :] / m
    dz = gamma[..., None, :] / s * (dout - dbeta[..., None, :] / m - towards_mean)
    return dz, dgamma, dbeta


def batch_norm_running(
    batches: Numbers,
    *,
    decay: float,
    running_variance: RunningVariance = "biased",
    weight: Weight = "old",
    running_average: RunningAverage = "exponential",
) -> tuple[Numbers, Numbers]:
    """BN-18: mean_t = decay mean_{t−1} + (1 − decay) μ_t from mean_0 = 0; BN-19: the same for var, from var_0 = 1."""
    zero = 0 * batches.sum(axis=(-3, -2))  # a number of the batches' kind, so that 1 − decay is exact in balls
    old = decay + zero if weight == "old" else 1 - (decay + zero)
    total = batches.shape[-3]
    running_mean, running_var = zero, zero if running_average == "bias_corrected" else 1 + zero
    for t in range(1, total + 1):
        batch = batches[..., t - 1, :, :]
        kept = _kept_weight(old, t, running_average)
        running_mean = kept * running_mean + (1 - kept) * mean(batch)
        running_var = kept * running_var + (1 - kept) * _kept_variance(batch, running_variance)
    if running_average == "bias_corrected":
        return running_mean / (1 - old**total), running_var / (1 - old**total)
    return running_mean, running_var


def batch_norm_inference(
    z: Numbers,
    gamma: Numbers,
    beta: Numbers,
    mean: Numbers,
    var: Numbers,
    *,
    eps: float,
    epsilon: Epsilon = "inside",
) -> Numbers:
    """BN-21: out = γ (z − mean) / √(var + ε) + β, or with √var + ε."""
    z_norm = (z - mean[..., None, :]) / _deviation(var, eps, epsilon)[..., None, :]
    return gamma[..., None, :] * z_norm + beta[..., None, :]


def expected_variance(var: Numbers, samples: int) -> Numbers:
    """BN-32: E[σ²_batch] = (m − 1)σ²/m, of m samples drawn independently from a population of variance σ²."""
    return (samples - 1) * var / samples


def variance_of_variance(var: Numbers, fourth: Numbers, samples: int) -> Numbers:
    """BN-33: Var(σ²_batch) = (m − 1)((m − 1)μ₄ − (m − 3)σ⁴)/m³, μ₄ being the population's fourth central moment."""
    return (samples - 1) * ((samples - 1) * fourth - (samples - 3) * var * var) / samples**3


def layer(x: Numbers, w: Numbers, b: Numbers, gamma: Numbers, beta: Numbers, *, eps: float) -> Numbers:
    """BN-7, BN-8: tanh(BN(x w + b)); x is (m, k), w is (k, n), b, gamma and beta are (n,).

    tanh(t) is written 1 − 2/(e^{2t} + 1), which every kind of number has.
    """
    out, _, _ = batch_norm_train(x @ w + b[..., None, :], gamma, beta, eps=eps)
    return 1 - 2 / (np.exp(2 * out) + 1)


def logistic_loss(w: Numbers, x: Numbers, y: Numbers) -> Numbers:
    """BN-29: J(w) = −(1/m) Σ_i (y_i log a_i + (1 − y_i) log(1 − a_i)), a = 1/(1 + e^{−xw}).

    w is (n,), x is (m, n), y is (m,).
    """
    m = x.shape[-2]
    a = _probabilities(w, x)
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=-1) / m


def logistic_hessian(w: Numbers, x: Numbers) -> Numbers:
    """BN-29: H = (1/m) Σ_i a_i (1 − a_i) x_i x_iᵀ, the second derivative of J in w: (n, n)."""
    m = x.shape[-2]
    a = _probabilities(w, x)
    curvature = a * (1 - a)
    return (curvature[..., None, None] * x[..., :, None] * x[..., None, :]).sum(axis=-3) / m


def _centred(z: Numbers) -> Numbers:
    return z - mean(z)[..., None, :]


def _deviation(var: Numbers, eps: float, epsilon: Epsilon) -> Numbers:
    return np.sqrt(var) + eps if epsilon == "outside" else np.sqrt(var + eps)


def _kept_weight(old: Numbers, t: int, running_average: RunningAverage) -> Numbers:
    """The weight of the average so far, when the statistics of batch t are taken into it."""
    if running_average == "cumulative":
        return (0 * old + t - 1) / t
    return 0 * old if running_average == "first_batch" and t == 1 else old


def _kept_variance(z: Numbers, running_variance: RunningVariance) -> Numbers:
    m = z.shape[-2]
    return variance(z) * m / (m - 1) if running_variance == "unbiased" else variance(z)


def _probabilities(w: Numbers, x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-(x * w[..., None, :]).sum(axis=-1)))
