"""A layer with batch norm, and its gradient: the formulas of chapters/layers.md.

Samples first: x is (..., m, k), W is (..., n, k), b, gamma and beta are (..., n). eps is a float.
"""

import numpy as np

from nnlaws_spec.formulas import Numbers, batch_norm
from nnlaws_spec.formulas.batch_norm import Epsilon


def preactivation(x: Numbers, W: Numbers, b: Numbers) -> Numbers:
    """LY-1: z = x Wᵀ + b, of each sample and each unit."""
    return x @ np.swapaxes(W, -1, -2) + b[..., None, :]


def batch_norm_layer(
    x: Numbers, W: Numbers, b: Numbers, gamma: Numbers, beta: Numbers, *, eps: float, epsilon: Epsilon = "inside"
) -> Numbers:
    """LY-1: out = γ (z − μ)/√(σ² + ε) + β of z = x Wᵀ + b."""
    out, _, _ = batch_norm.batch_norm_train(preactivation(x, W, b), gamma, beta, eps=eps, epsilon=epsilon)
    return out


def batch_norm_layer_backward(
    dout: Numbers, x: Numbers, W: Numbers, b: Numbers, gamma: Numbers, *, eps: float, epsilon: Epsilon = "inside"
) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """LY-7: dx = dz W; LY-8: dW = dzᵀ x; LY-9: db = Σ dz, which is 0; LY-10: dγ and dβ, as of batch norm.

    dz is the gradient of batch norm in z. The sum Σ dz, in which all cancels, is written as the 0 that it is.
    """
    z = preactivation(x, W, b)
    dz, dgamma, dbeta = batch_norm.batch_norm_backward(dout, z, gamma, eps=eps, epsilon=epsilon)
    return dz @ W, np.swapaxes(dz, -1, -2) @ x, 0 * dbeta, dgamma, dbeta
