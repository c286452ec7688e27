"""Layer norm and its gradient: the formulas of chapter.md.

z, out and dout are (..., m, n): m samples of n features. gamma and beta are (..., n). eps is a float. What is computed
is computed in the arrays' own kind of number, so that in balls nothing is rounded away.
"""

from typing import Literal, TypeAlias

import numpy as np
from nnlaws_spec.formulas import Numbers

Epsilon: TypeAlias = Literal["inside", "outside"]


def mean(z: Numbers) -> Numbers:
    """LNORM-1: μ = (1/n) Σ_j z_j, a sample."""
    n = z.shape[-1]
    return z.sum(axis=-1) / n


def variance(z: Numbers) -> Numbers:
    """LNORM-2: σ² = (1/n) Σ_j (z_j − μ)², a sample."""
    centred = z - mean(z)[..., None]
    n = z.shape[-1]
    return (centred * centred).sum(axis=-1) / n


def normalise(z: Numbers, *, eps: float, epsilon: Epsilon = "inside") -> Numbers:
    """LNORM-3: z_norm = (z − μ) / √(σ² + ε), or (z − μ) / (√σ² + ε)."""
    return (z - mean(z)[..., None]) / _divisor(variance(z), eps, epsilon)[..., None]


def layer_norm(z: Numbers, gamma: Numbers, beta: Numbers, *, eps: float, epsilon: Epsilon = "inside") -> Numbers:
    """LNORM-4: out = γ z_norm + β."""
    return gamma[..., None, :] * normalise(z, eps=eps, epsilon=epsilon) + beta[..., None, :]


def layer_norm_backward(
    dout: Numbers, z: Numbers, gamma: Numbers, *, eps: float, epsilon: Epsilon = "inside"
) -> tuple[Numbers, Numbers, Numbers]:
    """LNORM-13: dz = (g − mean(g) − (z − μ)/r mean(g z_norm))/s with g = γ dout; LNORM-14: dγ = Σ_i dout z_norm;
    LNORM-15: dβ = Σ_i dout.

    z − μ is divided by s = √(σ² + ε), or √σ² + ε. The derivative of s in z_j is (z_j − μ)/(n r), r = √(σ² + ε), or √σ².
    """
    z_norm = normalise(z, eps=eps, epsilon=epsilon)
    s = _divisor(variance(z), eps, epsilon)[..., None]
    r = np.sqrt(variance(z) + (eps if epsilon == "inside" else 0))[..., None]
    g = gamma[..., None, :] * dout
    # r = 0 where a constant row meets an ε outside: there z − μ = 0 too, and the term with their quotient is 0
    direction = (z - mean(z)[..., None]) / (r + (r == 0))
    dz = (g - mean(g)[..., None] - direction * mean(g * z_norm)[..., None]) / s
    return dz, (dout * z_norm).sum(axis=-2), dout.sum(axis=-2)


def _divisor(var: Numbers, eps: float, epsilon: Epsilon) -> Numbers:
    return np.sqrt(var) + eps if epsilon == "outside" else np.sqrt(var + eps)
