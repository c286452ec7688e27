"""Layer norm and its gradient, computed well: the statistics in two passes, narrow types in float32, one rounding."""

from math import inf

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype


def layer_norm(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """out = γ (z − μ)/√(σ² + ε) + β, each row of z normalised over its features.

    z: (m, n) with n ≥ 1; gamma, beta: (n,), of z's dtype. eps: finite, ≥ 0. Returns out (m, n) of z's dtype.
    Raises ValueError for no features, other shapes, mixed dtypes, or another eps.
    A row of variance 0 gives β (LNORM-11); at eps = 0 that is 0/0, and NaN.
    """
    _check(z, eps, gamma=gamma, beta=beta)
    wide = z.astype(working_dtype(z.dtype))
    centred, deviation = _statistics(wide, float(eps))
    out = gamma.astype(wide.dtype) * (centred / deviation) + beta.astype(wide.dtype)  # LNORM-3, LNORM-4
    return _stored(out, z)


def layer_norm_backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """The gradients of J in z, γ and β, given dout = ∂J/∂out.

    dout: of z's shape; z, gamma, eps and errors as for layer_norm, and all of one dtype.
    Returns dz (m, n), dgamma (n,) and dbeta (n,), of z's dtype.
    """
    _check(z, eps, gamma=gamma)
    if dout.shape != z.shape or dout.dtype != z.dtype:
        raise ValueError(f"expected dout of z's shape {z.shape}, {z.dtype}, got {dout.shape}, {dout.dtype}")
    wide = working_dtype(z.dtype)
    centred, deviation = _statistics(z.astype(wide), float(eps))
    upstream, z_norm, n = dout.astype(wide), centred / deviation, z.shape[-1]
    g = gamma.astype(wide) * upstream
    along = (g * z_norm).sum(axis=-1, keepdims=True) / n
    dz = (g - g.sum(axis=-1, keepdims=True) / n - z_norm * along) / deviation  # LNORM-13
    return _stored(dz, z), _stored((upstream * z_norm).sum(axis=0), z), _stored(upstream.sum(axis=0), z)


def _statistics(z: Array, eps: float) -> tuple[Array, Array]:
    """z − μ and √(σ² + ε), by two passes: what the first, rounded mean misses is the mean of the distances to it."""
    n = z.shape[-1]
    distances = z - z.sum(axis=-1, keepdims=True) / n
    centred = distances - distances.sum(axis=-1, keepdims=True) / n  # LNORM-1
    var = np.square(centred).sum(axis=-1, keepdims=True) / n  # LNORM-2
    return centred, np.sqrt(var + eps)


def _stored(wide: Array, z: Array) -> Array:
    """One rounding to z's dtype; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return wide.astype(z.dtype)


def _check(z: Array, eps: float, **vectors: Array) -> None:
    if z.ndim != 2 or not z.shape[1]:
        raise ValueError(f"expected z of shape (m, n) with n ≥ 1, got {z.shape}; for one sample, use z[None]")
    if not 0 <= eps < inf:
        raise ValueError(f"expected eps finite and ≥ 0, got {eps}; 1e-5 is usual")
    for name, vector in vectors.items():
        if vector.shape != z.shape[1:] or vector.dtype != z.dtype:
            wanted = f"{z.shape[1:]}, {z.dtype}"
            raise ValueError(f"expected {name} of shape {wanted}, got {vector.shape}, {vector.dtype}")
