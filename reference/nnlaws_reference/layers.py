"""A layer with batch norm in training, and its gradient: z = x Wᵀ + b, normalised over the mini-batch.

Narrow types are computed in float32 throughout, and rounded once, when a result is stored.
"""

import numpy as np

from nnlaws_reference.batch_norm import batch_norm_backward, batch_norm_train
from nnlaws_reference.dtypes import Array, working_dtype


def batch_norm_layer(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """out = γ (z − μ)/√(σ² + ε) + β of z = x Wᵀ + b: of each unit over the samples (LY-1).

    x: (m, k), m ≥ 1; W: (n, k); b, gamma, beta: (n,); all of one dtype. eps: finite, ≥ 0.
    Returns out (m, n). b changes nothing but the rounding (LY-3): it may as well be 0.
    Raises ValueError for no samples, other shapes, mixed dtypes, or another eps.
    """
    z = _preactivation(x, W, b, gamma=gamma, beta=beta)
    out, _, _ = batch_norm_train(z, gamma.astype(z.dtype), beta.astype(z.dtype), eps=eps)
    return _stored(out, x)


def batch_norm_layer_backward(
    dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float
) -> tuple[Array, Array, Array, Array, Array]:
    """The gradients of J in x, W, b, γ and β, given dout = ∂J/∂out (m, n); the rest as for batch_norm_layer.

    Returns dx (m, k), dW (n, k), db (n,), dgamma (n,) and dbeta (n,), of the arguments' dtype. db is the sum of dz over
    the samples, as the chain rule has it: 0 up to rounding (LY-9).
    """
    z = _preactivation(x, W, b, dout=dout, gamma=gamma)
    if dout.shape != z.shape:
        raise ValueError(f"expected dout of shape {z.shape}, a number a sample and unit, got shape {dout.shape}")
    dz, dgamma, dbeta = batch_norm_backward(dout.astype(z.dtype), z, gamma.astype(z.dtype), eps=eps)
    dx, dW = dz @ W.astype(z.dtype), dz.T @ x.astype(z.dtype)  # LY-7, LY-8
    db = dz.sum(axis=0)  # LY-9
    return _stored(dx, x), _stored(dW, x), _stored(db, x), _stored(dgamma, x), _stored(dbeta, x)


def _preactivation(x: Array, W: Array, b: Array, **others: Array) -> Array:
    """z in the working dtype: (m, n)."""
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[1]:
        raise ValueError(f"expected x of shape (m, k) and W of shape (n, k), got {x.shape} and {W.shape}")
    if b.shape != W.shape[:1]:
        raise ValueError(f"expected b of shape {W.shape[:1]}, one number a unit, got shape {b.shape}")
    for name, other in {"W": W, "b": b, **others}.items():
        if other.dtype != x.dtype:
            raise ValueError(f"expected {name} of x's dtype {x.dtype}, got {other.dtype}; use .astype")
    wide = working_dtype(x.dtype)
    return x.astype(wide) @ W.astype(wide).T + b.astype(wide)


def _stored(wide: Array, x: Array) -> Array:
    """One rounding to x's dtype; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return wide.astype(x.dtype, order="C")
