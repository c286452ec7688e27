"""How far rounding may carry a layer with batch norm, and its gradient.

Each function takes bounded arguments without an error, with any stacked leading axes. Admitted is any of these, with
the roundings of one step carried through those after it:

- z = x Wᵀ + b as a sum of k products and b in any order, blocked, fused or not; or x Wᵀ alone, b being dropped, since
  it changes nothing (LY-3). Not admitted are products by fewer multiplications (Strassen), whose errors are larger.
- of the z so computed, mean and variance in two passes, by updating (Welford; Chan; Youngs and Cramer), or in one pass
  over values shifted by a sample; with `variance: one_pass` also E[z²] − μ², clamped at 0 or not.
- out as γ ((z − μ) s) + β with s = 1/√(σ² + ε), as (z − μ)(γ s) + β; folded, z a + (β − μ a) with a = γ s; and folded
  into the weights, x (a W)ᵀ + (β + (b − μ) a).
- dz of batch norm at once, by the chain rule through dσ² and dμ, or as a line, a dout + c z + d, a unit; and dx, dW and
  db as sums of products with that dz, in any order.

`arithmetic: narrow` rounds every step to the arguments' own type; `preactivation: narrow` z and dz alone, as where the
matrix product and batch norm are two layers that each store what they return. In the formulas u is the unit roundoff of
the type computed in, and every step may flush what is smaller than `tiny` to 0. Overflow is left out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from nnlaws_reference.dtypes import working_dtype
from numpy.typing import DTypeLike

from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import Bounded, Conventions, join

INVERSE_ROOT = 4.0
"""Error of 1/√w in units of u: two roundings, or one instruction; measured worst over NumPy, PyTorch, JAX: 2.73."""


class Preactivation(NamedTuple):
    """z without b, which cancels: `value`, and how far any computed z lies from it but for b. products: Σ|x||W| + |b|,
    and `terms`, how many of these are not 0. sizes: no computed z is larger, with b or without.
    """

    value: Floats
    error: Floats
    products: Floats
    terms: Floats
    sizes: Floats
    format: Format


class Statistics(NamedTuple):
    """Of each unit, the samples' axis kept: what the mean of z without b is, the variance, and the deviations.

    mean: no computed mean is larger. drift: what all entries of `centred` may err by together.
    """

    mean: Floats
    drift: Floats
    variance: Bounded
    centred: Bounded


def batch_norm_layer(
    x: Bounded, W: Bounded, b: Bounded, gamma: Bounded, beta: Bounded, *, eps: float, conventions: Conventions
) -> Bounded:
    (out,) = _admitting_wider(lambda declared: (_forward(x, W, b, gamma, beta, eps, declared),), conventions)
    return out


def batch_norm_layer_backward(
    dout: Bounded, x: Bounded, W: Bounded, b: Bounded, gamma: Bounded, *, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded, Bounded, Bounded]:
    dx, dW, db, dgamma, dbeta = _admitting_wider(
        lambda declared: _backward(dout, x, W, b, gamma, eps, declared), conventions
    )
    return dx, dW, db, dgamma, dbeta


@np.errstate(all="ignore")
def _admitting_wider(
    bounds: Callable[[Conventions], tuple[Bounded, ...]], conventions: Conventions
) -> tuple[Bounded, ...]:
    """Where every step may be rounded to the narrow type, computing in a wider one is admitted as well."""
    found = bounds(conventions)
    if conventions.get("arithmetic") != "narrow":
        return found
    wider = bounds({name: value for name, value in conventions.items() if name != "arithmetic"})
    return tuple(join(each, also) for each, also in zip(found, wider, strict=True))


def _forward(
    x: Bounded, W: Bounded, b: Bounded, gamma: Bounded, beta: Bounded, eps: float, conventions: Conventions
) -> Bounded:
    z = _preactivation(x, W, b, conventions)
    of = _statistics(z, conventions)
    u, inverse = z.format.u, _inverse(of.variance, eps, conventions)
    scale, shift = (_working(each, conventions)[..., None, :] for each in (gamma, beta))
    slope = scale * inverse
    normalised = scale * (of.centred * inverse) + shift
    at_once = of.centred * slope + shift
    # z a, μ a and β − μ a are rounded apart; μ and a err alike in both terms, as in a (z − μ)
    folded = at_once.loosened(u * (1 + 4 * u) * ((z.sizes + 2 * of.mean) * slope.largest + shift.largest))
    # of each product twice more than of z, which is not formed here: a W; of b − μ, times a, plus β, three
    about_mean = Bounded(of.centred.value, of.drift, z.format)
    in_weights = (z.terms + 2) * z.products + 3 * (of.mean + np.abs(_working(b, conventions).value[..., None, :]))
    weighted = about_mean * slope + shift
    weighted = weighted.loosened(u * (1 + 8 * u) * (in_weights * slope.largest + 2 * shift.largest))
    routes = (normalised, folded.loosened(_flushed(folded)), weighted.loosened(_flushed(weighted)))
    return _stored(join(*routes), x.dtype)


def _backward(
    dout: Bounded, x: Bounded, W: Bounded, b: Bounded, gamma: Bounded, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded, Bounded, Bounded]:
    """dx = dz W, dW = dzᵀ x, db = Σ dz, which is 0; each errs by what dz does, and as a sum of products."""
    z = _preactivation(x, W, b, conventions)
    dz, dgamma, dbeta = _batch_norm_gradients(dout, gamma, z, eps, conventions)
    u, m = z.format.u, x.shape[-2]
    dx, dW = dz @ _working(W, conventions), _turned(dz) @ _working(x, conventions)
    summed = dz.error.sum(axis=-2) + (m - 1) * (u * dz.largest.sum(axis=-2) + dz.format.tiny)
    db = Bounded(np.zeros(summed.shape), summed, dz.format)
    stored = [_stored(each, x.dtype) for each in (dx, dW, db, dgamma, dbeta)]
    return stored[0], stored[1], stored[2], stored[3], stored[4]


def _batch_norm_gradients(
    dout: Bounded, gamma: Bounded, z: Preactivation, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded]:
    """dγ = s Σ dout (z − μ), dz = γ s (dout − dβ/m − (z − μ) q dγ/m); s is 1/√(σ² + ε) and q too, or with ε outside
    s is 1/(√σ² + ε) and q is 1/√σ².
    """
    upstream, scale = _working(dout, conventions), _working(gamma, conventions)[..., None, :]
    m, u, of = dout.shape[-2], z.format.u, _statistics(z, conventions)
    s = _inverse(of.variance, eps, conventions)
    q = _inverse(of.variance, 0.0, {}) if conventions.get("epsilon") == "outside" else s
    sizes, centred = np.abs(upstream.value), of.centred.largest

    dbeta = upstream.sum(axis=-2, keepdims=True)
    products = sizes * centred
    # the product with s may come before the sum; or Σ dout z and μ Σ dout are rounded apart, of terms that are not 0
    terms = (sizes > 0).sum(axis=-2, keepdims=True)
    apart = u * ((terms + 2) * (sizes * z.sizes).sum(axis=-2, keepdims=True) + (terms + 4) * of.mean * _total(sizes))
    aligned = (upstream * of.centred).sum(axis=-2, keepdims=True)
    dgamma = aligned.loosened(u * _total(products) + (1 + 8 * (m + 2) * u) * apart) * s

    towards_mean = dbeta / m
    towards_variance = of.centred * q * (dgamma / m)
    dz = scale * s * (upstream - towards_mean - towards_variance)
    slope = q.largest * dgamma.largest / m
    more = (
        # through dσ² and dμ, or dz multiplied by m and divided again: a few steps more on each term ...
        6 * u * (upstream.largest + towards_mean.largest + towards_variance.largest)
        + 2 * u * _mean(sizes)
        + 2 * u * centred * q.largest * s.largest * _mean(products)
        # ... and Σ (z − μ), which is 0, is computed
        + slope * (of.drift + _mean(of.centred.error) + m * u * _mean(centred))
        # folded, a·dout + c·z + d: the roundings of c·z, c·μ and their sums
        + 2 * u * slope * (z.sizes + of.mean)
    )
    if conventions.get("variance") == "one_pass":  # where it was clamped at 0, nothing is passed back through it
        more += np.where(of.variance.value <= of.variance.error, towards_variance.largest, 0.0)
    dz = dz.loosened(scale.largest * s.largest * more * (1 + 16 * u) + 4 * dz.format.tiny)
    return _between(dz, dout.dtype, conventions), dgamma[..., 0, :], dbeta[..., 0, :]


def _preactivation(x: Bounded, W: Bounded, b: Bounded, conventions: Conventions) -> Preactivation:
    """Of the sum with b, k + 1 products of which one is by 1: (k + 1) u of Σ|x||W| + |b|. Without b it errs less, but
    may be larger.
    """
    inputs, weights, bias = (_working(each, conventions) for each in (x, W, b))
    one = np.ones((*x.shape[:-1], 1))
    together: Any = np.concatenate([weights, bias[..., None]], axis=-1)
    whole: Bounded = np.concatenate([inputs, one], axis=-1) @ np.swapaxes(together, -1, -2)
    alone = inputs @ _turned(weights)
    sizes_of = np.abs(inputs.value), np.swapaxes(np.abs(weights.value), -1, -2)
    products = sizes_of[0] @ sizes_of[1] + np.abs(bias.value[..., None, :])
    terms = 1 + (sizes_of[0] > 0).astype(np.float64) @ (sizes_of[1] > 0)
    sizes = np.maximum(whole.largest, np.abs(alone.value) + 2 * whole.error)
    stored = _between(Bounded(np.maximum(np.abs(whole.value), np.abs(alone.value)), whole.error, whole.format),
                      x.dtype, conventions)  # fmt: skip
    beyond = x.shape[-2] * np.square(np.maximum(sizes, products).max(axis=-2, keepdims=True)) > whole.format.largest
    error = np.where(beyond, np.inf, stored.error)
    sizes = sizes + 2 * (stored.error - whole.error)
    return Preactivation(alone.value, error, products, terms, sizes, whole.format)


def _statistics(z: Preactivation, conventions: Conventions) -> Statistics:
    """The value: shifted by the first sample, so that a constant unit's is exact, then centred twice.

    Of the exact statistics of computed z, z + d with |d| ≤ e: the mean moves by at most the mean of e, σ² = mean c² by
    2 mean(c d) + var d ≤ 2 mean(|c| e) + mean e², and z − μ by e and the mean of e. Of their rounding, with |z| at most
    `sizes`, σ at most S = √(σ² + what it moves by), |c| at most D, and C² = Σ_k (k + 5 + 2 ln k)²/k, for k = 1 … m:

    - the mean, by sum and division, updated, or shifted by a sample: (m + 5 + 2 ln m) u (mean|z| + max|z|) = E;
    - σ² in two passes: (m + 6) u S² + E². Updated, by Cauchy and Schwarz over the updates: the mean of k samples is
      off by (k + 5 + 2 ln k) u times the mean of their magnitudes, at most √(m/k) r, r² = mean z²; Welford's two
      factors err by that each, Youngs and Cramer's twice over and by u|z|: 2√2 (C + 1) u S r at most;
    - in one pass over values y: (3m + 9) u mean y². Shifted by a sample, mean y² is at most S² + D², and the shift is
      rounded: 3u (S² + D²) more.
    """
    x, e, u = z.value, z.error, z.format.u
    m = x.shape[-2]
    if m == 0:
        raise ValueError("expected at least one sample a batch, got none: there is no mean and no variance")
    shifted = x - x[..., :1, :]
    rest = shifted - _mean(shifted)
    centred = rest - _mean(rest)
    variance, common = _mean(centred * centred), _mean(e)
    carried = 2 * _mean(np.abs(centred) * e) + _mean(e * e)
    spread = np.sqrt(variance + carried)
    far = (np.abs(centred) + e).max(axis=-2, keepdims=True) + common
    root = np.sqrt(_mean(z.sizes * z.sizes))

    k = np.arange(1, m + 1)
    steps = np.sqrt((np.square(k + 5 + 2 * np.log(k)) / k).sum())
    most = z.sizes.max(axis=-2, keepdims=True)
    off = (m + 5 + 2 * np.log(m)) * u * (_mean(z.sizes) + most) + 3 * (m + 1) * z.format.tiny
    rounding = (
        (m + 6) * spread**2 + 2 * np.sqrt(2) * (steps + 1) * spread * root + (3 * m + 12) * (spread**2 + far**2)
    ) * u + off**2
    if conventions.get("variance") == "one_pass":
        rounding = rounding + (3 * m + 9) * u * root**2
    lost = 8 * (m + 8) * u
    second_order = 1 / (1 - lost) if lost < 1 else np.inf
    error = carried + second_order * rounding + 4 * (m + 2) * z.format.tiny * (1 + spread)
    drift = common + (second_order * off if m > 1 else np.zeros_like(common))
    own = e + 2 * u * (np.abs(centred) + e + drift) + 2 * u * far + 3 * z.format.tiny
    return Statistics(
        _mean(z.sizes) + drift,
        drift,
        Bounded(variance, error, z.format, nonnegative=True),
        Bounded(centred, own + drift, z.format),
    )


def _inverse(variance: Bounded, eps: float, conventions: Conventions) -> Bounded:
    """1/√(σ² + ε), or 1/(√σ² + ε). Where rounding can make the divisor 0 the error is infinite, and where it is 0 the
    value is 0: every deviation is 0 there, and 0/0 is not a value.
    """
    if conventions.get("epsilon") == "outside":
        # |√c − √v| is at most √E, and E/√(v − E)
        below = variance.value - variance.error
        slope = np.where(below > 0, variance.error / np.sqrt(below), np.inf)
        root, error = np.sqrt(variance.value), np.fmin(np.sqrt(variance.error), slope)
        error = error + variance.format.u * (root + 2 * error) + variance.format.tiny
        deviation = Bounded(root, error, variance.format) + eps
        return _defined(1 / deviation, deviation)
    w = variance + eps
    # Exact and computed w are above w − E and w − 2E; 1/√(w − 2E) − 1/√(w − E) without cancellation.
    below = w.value - w.error
    q = np.where(w.error < below, w.error / below, 1.0)
    error = np.where(q < 1, np.expm1(-0.5 * np.log1p(-q)) / np.sqrt(below), np.inf)
    inverse = 1 / np.sqrt(w.value)
    rounding = INVERSE_ROOT * w.format.u * (inverse + 2 * error) + w.format.tiny
    return _defined(Bounded(inverse, error + rounding, w.format), w)


def _defined(inverse: Bounded, divisor: Bounded) -> Bounded:
    positive = divisor.value > 0
    value = np.where(positive, inverse.value, 0.0)
    return Bounded(value, np.where(positive, inverse.error, np.inf), inverse.format)


def _working(x: Bounded, conventions: Conventions) -> Bounded:
    """The argument in the type that is computed in; what is subnormal there may be read as 0."""
    wide = x if conventions.get("arithmetic") == "narrow" else x.astype(working_dtype(x.dtype))
    subnormal = (wide.value != 0) & (np.abs(wide.value) < wide.format.tiny)
    return wide.loosened(np.where(subnormal, wide.format.tiny, 0.0))


def _between(x: Bounded, dtype: DTypeLike, conventions: Conventions) -> Bounded:
    """What is stored between the matrix product and batch norm; nothing is promised beyond the narrow type's range."""
    narrow = format_of(np.dtype(dtype))
    if conventions.get("preactivation") != "narrow" or narrow is x.format:
        return x
    kept = x.astype(dtype).astype(x.dtype)
    return kept.loosened(np.where(x.largest > narrow.largest, np.inf, 0.0))


def _stored(x: Bounded, dtype: DTypeLike) -> Bounded:
    """Rounded once; a 0 that is exact stays one."""
    stored = x.astype(dtype)
    return Bounded(stored.value, np.where(x.largest == 0, 0.0, stored.error), stored.format)


def _turned(x: Bounded) -> Any:
    """The transpose of each matrix."""
    return np.swapaxes(x, -1, -2)


def _flushed(x: Bounded) -> Floats:
    return np.full(x.shape, 3 * x.format.tiny)


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=-2, keepdims=True))


def _total(x: Floats) -> Floats:
    return np.asarray(x.sum(axis=-2, keepdims=True))
