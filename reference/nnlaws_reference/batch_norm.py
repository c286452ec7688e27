"""Batch norm for training and for inference, its gradient, its running averages, and a layer that uses it.

The samples are all axes of z but the channels': the default axis −1 suits z (m, n) and images (N, H, W, C); for images
(N, C, H, W) it is 1. Narrow types are computed in float32 and rounded once, when a result is stored.
"""

from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype


class RunningStatistics(NamedTuple):
    """The averages that inference uses: mean and var, each (n,), in the working dtype of the batches."""

    mean: Array
    var: Array


class LayerCache(NamedTuple):
    """What layer_backward needs of the forward pass: arrays in the working dtype, and the dtype of the arguments."""

    x: Array
    w: Array
    z: Array
    activation: Array
    gamma: Array
    eps: float
    dtype: np.dtype[Any]


class LayerGradients(NamedTuple):
    """∂J/∂ of each argument of layer_forward, of that argument's shape."""

    dx: Array
    dw: Array
    db: Array
    dgamma: Array
    dbeta: Array


def batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float, axis: int = -1) -> tuple[Array, Array, Array]:
    """out = γ (z − μ)/√(σ² + ε) + β, and the batch's mean μ and biased variance σ².

    z: (m, n), or of any shape with n channels along `axis`; gamma, beta: (n,), of z's dtype. eps: finite, ≥ 0.
    Returns out of z's shape, mean (n,) and var (n,), of z's dtype; a variance beyond it is inf (BN-27).
    Raises ValueError for no samples, other shapes, mixed dtypes, or another eps.
    A feature of variance 0 gives β (BN-25); at eps = 0 it is 0/0, and NaN.
    """
    eps = _checked_eps(eps)
    columns = _columns(z, axis)
    _same_dtype(z, gamma=gamma, beta=beta)
    wide_gamma, wide_beta = (_feature(name, each, columns) for name, each in (("gamma", gamma), ("beta", beta)))
    centred, mean, var = _statistics(columns)
    out = wide_gamma * (centred / np.sqrt(var + eps)) + wide_beta  # BN-3, BN-4
    return _stored(out, z, axis), _narrowed(mean, z), _narrowed(var, z)


def batch_norm_backward(
    dout: Array, z: Array, gamma: Array, *, eps: float, axis: int = -1
) -> tuple[Array, Array, Array]:
    """The gradients of J in z, γ and β, given dout = ∂J/∂out.

    dout: of z's shape; z, gamma, eps, axis and errors as for batch_norm_train, and all of one dtype.
    Returns dz of z's shape, dgamma (n,) and dbeta (n,), of z's dtype.
    """
    eps = _checked_eps(eps)
    columns = _columns(z, axis)
    _same_dtype(z, dout=dout, gamma=gamma)
    if dout.shape != z.shape:
        raise ValueError(f"expected dout of z's shape {z.shape}, got shape {dout.shape}")
    upstream, wide_gamma, m = _columns(dout, axis), _feature("gamma", gamma, columns), len(columns)
    centred, _, var = _statistics(columns)
    deviation = np.sqrt(var + eps)
    z_norm = centred / deviation
    dgamma = (upstream * z_norm).sum(axis=0)  # BN-14
    dbeta = upstream.sum(axis=0)  # BN-15
    dz = wide_gamma / deviation * (upstream - dbeta / m - z_norm * (dgamma / m))  # BN-13
    return _stored(dz, z, axis), _narrowed(dgamma, z), _narrowed(dbeta, z)


def batch_norm_inference(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float, axis: int = -1
) -> Array:
    """out = γ (z − mean)/√(var + ε) + β, each sample by itself (BN-21, BN-22).

    z: as for batch_norm_train, but no samples are allowed; gamma, beta, mean, var ≥ 0: (n,), of z's dtype.
    Returns out of z's shape and dtype. Raises ValueError for other shapes, mixed dtypes, or another eps.
    """
    eps = _checked_eps(eps)
    columns = _columns(z, axis)
    vectors = {"gamma": gamma, "beta": beta, "mean": mean, "var": var}
    _same_dtype(z, **vectors)
    wide = {name: _feature(name, each, columns) for name, each in vectors.items()}
    out = wide["gamma"] * ((columns - wide["mean"]) / np.sqrt(wide["var"] + eps)) + wide["beta"]
    return _stored(out, z, axis)


def batch_norm_running(batches: Array, *, decay: float) -> tuple[Array, Array]:
    """The running mean and variance after the mini-batches `batches`, in turn: BN-18, BN-19.

    batches: (T, m, n); decay: the weight of the old, in [0, 1].
    Returns mean (n,) and var (n,) of the batches' dtype; for T = 0, the start: mean 0 and variance 1.
    Raises ValueError for no samples, another shape, another dtype, or another decay.
    """
    if batches.ndim != 3:
        raise ValueError(f"expected batches of shape (T, m, n), got shape {batches.shape}; for one, use batch[None]")
    decay = _checked_decay(decay)
    state = running_start(batches.shape[2], batches.dtype)
    for batch in batches:
        state = running_update(state, batch, decay=decay)
    return _narrowed(state.mean, batches), _narrowed(state.var, batches)


def running_start(n: int, dtype: np.dtype[Any]) -> RunningStatistics:
    """Mean 0 and variance 1 for n features, before any batch: kept in the working dtype, float32 for narrow types."""
    wide = working_dtype(dtype)
    return RunningStatistics(np.zeros(n, wide), np.ones(n, wide))


def running_update(state: RunningStatistics, batch: Array, *, decay: float, axis: int = -1) -> RunningStatistics:
    """The next state: decay · old + (1 − decay) · the batch's mean and biased variance (BN-18, BN-19).

    batch: as z of batch_norm_train, with the state's number of channels; decay: in [0, 1]. `state` is left as it was.
    Raises ValueError for no samples, so that no 0/0 gets into the averages (BN-26), or another shape, dtype or decay.
    """
    decay = _checked_decay(decay)
    columns = _columns(batch, axis)
    for name, each in state._asdict().items():
        _feature(name, each, columns)
    if state.mean.dtype != columns.dtype:
        raise ValueError(f"expected a state of {columns.dtype} for batches of {batch.dtype}, got {state.mean.dtype}")
    _, mean, var = _statistics(columns)
    return RunningStatistics(decay * state.mean + (1 - decay) * mean, decay * state.var + (1 - decay) * var)


def layer_forward(x: Array, w: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, LayerCache]:
    """tanh(BN(x w + b)), and what the backward pass needs. b has no effect: leave it at 0 (BN-8).

    x: (m, k), w: (k, n), b, gamma, beta: (n,), all of one dtype; the activation is (m, n).
    Raises ValueError as batch_norm_train does, and where x and w do not fit.
    """
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise ValueError(f"expected x of shape (m, k) and w of shape (k, n), got {x.shape} and {w.shape}")
    _same_dtype(x, w=w, b=b, gamma=gamma, beta=beta)
    wide = working_dtype(x.dtype)
    wide_x, wide_w, wide_gamma, wide_beta = (each.astype(wide) for each in (x, w, gamma, beta))
    z = wide_x @ wide_w
    z = z + _feature("b", b, z)
    out, _, _ = batch_norm_train(z, wide_gamma, wide_beta, eps=eps)
    activation = np.tanh(out)  # BN-7
    return activation.astype(x.dtype), LayerCache(wide_x, wide_w, z, activation, wide_gamma, eps, x.dtype)


def layer_backward(da: Array, cache: LayerCache) -> LayerGradients:
    """The gradients of J in x, w, b, γ and β, given da = ∂J/∂activation (m, n) in the forward pass's dtype.

    db is the sum of dz over the samples, as the chain rule has it; it is 0 up to rounding (BN-16).
    """
    if da.shape != cache.z.shape or da.dtype != cache.dtype:
        raise ValueError(f"expected da of shape {cache.z.shape}, {cache.dtype}, got {da.shape}, {da.dtype}")
    dout = da.astype(cache.z.dtype) * (1 - np.square(cache.activation))  # tanh' = 1 − tanh²
    dz, dgamma, dbeta = batch_norm_backward(dout, cache.z, cache.gamma, eps=cache.eps)
    gradients = dz @ cache.w.T, cache.x.T @ dz, dz.sum(axis=0), dgamma, dbeta
    with np.errstate(over="ignore"):
        return LayerGradients(*(each.astype(cache.dtype) for each in gradients))


def _statistics(columns: Array) -> tuple[Array, Array, Array]:
    """z − μ, μ and σ², by two passes: what the first, rounded mean misses is the mean of the distances to it."""
    m = len(columns)
    if m == 0:
        raise ValueError("an empty batch has no mean and no variance: expected at least one sample (m ≥ 1)")
    rough = columns.sum(axis=0) / m
    distances = columns - rough
    rest = distances.sum(axis=0) / m
    centred = distances - rest
    return centred, rough + rest, np.square(centred).sum(axis=0) / m  # BN-1, BN-2


def _columns(z: Array, axis: int) -> Array:
    """z in the working dtype, as a matrix (m, n) of samples and channels."""
    if z.ndim < 2:
        raise ValueError(
            f"expected an array of shape (m, n) or more axes, got shape {z.shape}; for one sample, z[None]"
        )
    last = np.moveaxis(z, axis, -1)
    return last.reshape(prod(last.shape[:-1]), last.shape[-1]).astype(working_dtype(z.dtype), order="C")


def _feature(name: str, vector: Array, columns: Array) -> Array:
    """One number a channel, in the working dtype."""
    if vector.shape != columns.shape[1:]:
        raise ValueError(
            f"expected {name} of shape {columns.shape[1:]}, one number a channel, got shape {vector.shape}; "
            "for images (N, C, H, W) pass axis=1"
        )
    return vector.astype(columns.dtype)


def _stored(columns: Array, z: Array, axis: int) -> Array:
    """The matrix (m, n), rounded once, in the shape and dtype of z."""
    last = np.moveaxis(z, axis, -1)
    return _narrowed(np.moveaxis(columns.reshape(last.shape), -1, axis), z)


def _narrowed(wide: Array, z: Array) -> Array:
    """One rounding to z's dtype; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return wide.astype(z.dtype, order="C")


def _same_dtype(z: Array, **others: Array) -> None:
    for name, other in others.items():
        if other.dtype != z.dtype:
            raise ValueError(f"expected {name} of the first array's dtype {z.dtype}, got {other.dtype}; use .astype")


def _checked_eps(eps: float) -> float:
    if not 0 <= eps < inf:
        raise ValueError(f"expected eps finite and ≥ 0, got {eps}; 1e-5 is usual")
    return float(eps)  # NumPy's own float64 would widen float32 arrays


def _checked_decay(decay: float) -> float:
    if not 0 <= decay <= 1:
        raise ValueError(f"expected decay in [0, 1], the weight of the old average, got {decay}; 0.9 is usual")
    return float(decay)
