"""How far rounding may carry batch norm, its gradient, its running averages and its inference.

Each function takes bounded arguments without an error, with any stacked leading axes, and covers the sound algorithms
for one operation, in any order of summation. The value is that of the conventions declared (BN-2, BN-3, BN-18).
The statistics decide the error. Each of these conventions admits what the one before it does:

- `variance: two_pass`: a mean by sum and division, plain or of values shifted by any number between the least and the
  greatest sample (a sample, a first mean, the mean of a block); the mean square of z less that mean, or of what is left
  after another such step.
- by default: also updating algorithms, of a mean (Welford; M (k − 1)/k + x/k) or of a total (Youngs and Cramer), with
  the deviation from the old mean, the new one, or one of each, of a sum of squares or of the variance itself; the
  merges of parts in any tree (Chan, Golub and LeVeque); and one pass over values shifted as above.
- `variance: one_pass`: also E[z²] − μ², clamped at 0 or not.

`arithmetic: narrow` rounds every step to the arguments' own type. In the formulas below u is the unit roundoff of the
type computed in, E_x the error of x, and every step may flush what is smaller than `tiny` to 0. Overflow is left out.
"""

from typing import NamedTuple

import numpy as np
from nnlaws_reference.dtypes import working_dtype
from numpy.typing import DTypeLike, NDArray

from nnlaws.chapters.batch_norm.accumulation import one_pass, partial_sums, shifted_sums, updated_mean, updating
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Bounded, Conventions, join, rounded

INVERSE_ROOT = 4.0
"""Error of 1/√w in units of u: two roundings, or one instruction; measured worst over NumPy, PyTorch, JAX: 2.73."""


class Statistics(NamedTuple):
    """Of each feature, the samples' axis kept: the mean, the variance, and the deviations from the mean.

    `centred`: z − μ with the error of each entry's own roundings; all entries of a feature err by mean.error besides.
    """

    mean: Bounded
    variance: Bounded
    centred: Bounded


@np.errstate(all="ignore")
def promised(z: Bounded, conventions: Conventions) -> NDArray[np.bool_]:
    """Of each feature: whether there are bounds at all. Where its squares may pass the range of the type that is
    computed in, which is a narrow one if that is declared, all statistics may be infinite or NaN.
    """
    return ~_beyond(_working(z, conventions))[..., 0, :]


@np.errstate(all="ignore")
def batch_norm_train(
    z: Bounded, gamma: Bounded, beta: Bounded, *, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded]:
    wide = _working(z, conventions)
    statistics = _statistics(wide, conventions)
    inverse = _inverse(statistics.variance, eps, conventions)
    out = _scaled(wide, statistics, inverse, _working(gamma, conventions), _working(beta, conventions))
    var = _kept(statistics.variance, z.shape[-2], conventions)
    return _stored(out, z.dtype), _stored(statistics.mean[..., 0, :], z.dtype), _stored(var[..., 0, :], z.dtype)


@np.errstate(all="ignore")
def batch_norm_backward(
    dout: Bounded, z: Bounded, gamma: Bounded, *, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded]:
    """dγ = s Σ dout (z − μ), dz = γ s (dout − dβ/m − (z − μ) q dγ/m); s is 1/√(σ² + ε) and q too, or with ε outside
    s is 1/(√σ² + ε) and q is 1/√σ². What all samples of a feature have in common, E_μ, reaches dγ by dβ alone.

    In narrow arithmetic float16 ends at 65504. Nothing is promised of a feature where Σ |dout| (|z| + |μ|), folded, or
    m |dout|, where dz is divided by m last, may pass half of that, before or after γ s and q (z − μ) multiply it.
    """
    wide, upstream = _working(z, conventions), _working(dout, conventions)
    m, u = z.shape[-2], wide.format.u
    scale = _working(gamma, conventions)[..., None, :]
    statistics = _statistics(wide, conventions)
    drift = statistics.mean.error
    centred = statistics.centred.loosened(drift)
    s = _inverse(statistics.variance, eps, conventions)
    q = _inverse(statistics.variance, 0.0, {}) if conventions.get("epsilon") == "outside" else s

    dbeta = upstream.sum(axis=-2, keepdims=True)
    # what is multiplied, by γ s or 1/m, before it is summed lies on no grid any more, where the sum might be exact
    multiplied = upstream.loosened(np.where(upstream.value != 0, wide.format.tiny, 0.0))
    products = np.abs(upstream.value) * _size(centred)
    rounding = u * products.sum(axis=-2, keepdims=True)  # the product with s may come before the sum
    aligned = (upstream * statistics.centred).sum(axis=-2, keepdims=True)
    aligned = aligned.loosened(drift * np.abs(dbeta.value) + rounding)
    if conventions.get("variance") != "two_pass":
        # folded, in dγ and so in dz: z·s − μ·s for z_norm; and Σ dout z − μ Σ dout, where dout may be multiplied first
        terms = np.abs(upstream.value) * (np.abs(wide.value) + _size(statistics.mean))
        folding = u * (1 + 4 * u) * terms.sum(axis=-2, keepdims=True)
        apart = (multiplied * wide).sum(axis=-2, keepdims=True) - statistics.mean * dbeta
        aligned = join(aligned, apart).loosened(folding)
    dgamma = aligned * s

    towards_mean = multiplied.sum(axis=-2, keepdims=True) / m
    towards_variance = centred * q * (dgamma / m)
    dz = scale * s * (upstream - towards_mean - towards_variance)
    slope = _size(q) * _size(dgamma) / m
    more = (
        # through dσ² and dμ, or dz multiplied by m and divided again: a few steps more on each term ...
        6 * u * (_size(upstream) + _size(towards_mean) + _size(towards_variance))
        + 2 * u * _mean(np.abs(upstream.value))
        + 2 * u * _size(centred) * _size(q) * _size(s) * _mean(products)
        # ... and Σ (z − μ), which is 0, is computed
        + slope * (drift + _mean(statistics.centred.error) + m * u * _mean(_size(centred)))
        # folded, a·dout + b·z + c: the roundings of b·z, b·μ and their sums
        + 2 * u * slope * (np.abs(wide.value) + _size(statistics.mean))
    )
    if conventions.get("variance") == "one_pass":  # where it was clamped at 0, nothing is passed back through it
        more += np.where(statistics.variance.value <= statistics.variance.error, _size(towards_variance), 0.0)
    # dσ², b and b·μ, which z − μ and z are multiplied by, may be flushed to 0 where dz itself is not
    flushed = 4 * dz.format.tiny * (1 + _size(centred) + np.abs(wide.value) + _size(statistics.mean))
    dz = dz.loosened(_size(scale) * _size(s) * more * (1 + 16 * u) + flushed)
    if conventions.get("arithmetic") == "narrow":
        sums = np.abs(upstream.value) * np.maximum(1, np.abs(wide.value) + _size(statistics.mean))
        steps = np.maximum(1, _size(scale) * _size(s)) * np.maximum(1, _size(q) * _size(centred).max(-2, keepdims=True))
        reached = np.maximum(sums.sum(-2, keepdims=True), m * np.abs(upstream.value).max(-2, keepdims=True)) * steps
        beyond = np.where(reached > wide.format.largest / 2, np.inf, 0.0)
        dz, dgamma, dbeta = (each.loosened(beyond) for each in (dz, dgamma, dbeta))
    return _stored(dz, z.dtype), _stored(dgamma[..., 0, :], z.dtype), _stored(dbeta[..., 0, :], z.dtype)


@np.errstate(all="ignore")
def batch_norm_running(batches: Bounded, *, decay: float, conventions: Conventions) -> tuple[Bounded, Bounded]:
    statistics = _statistics(_working(batches, conventions), conventions)
    var = _kept(statistics.variance, batches.shape[-2], conventions)
    means = _average(statistics.mean[..., 0, :], 0.0, decay, conventions)
    variances = _average(var[..., 0, :], 1.0, decay, conventions)
    return _stored(means, batches.dtype), _stored(variances, batches.dtype)


@np.errstate(all="ignore")
def batch_norm_inference(
    z: Bounded, gamma: Bounded, beta: Bounded, mean: Bounded, var: Bounded, *, eps: float, conventions: Conventions
) -> Bounded:
    wide, average = _working(z, conventions), _working(mean, conventions)[..., None, :]
    variance = _working(var, conventions)[..., None, :]
    beyond = np.maximum(np.abs(wide.value), np.abs(average.value)) ** 2 > wide.format.largest  # nothing is promised
    statistics = Statistics(average, variance, (wide - average).loosened(np.where(beyond, np.inf, 0.0)))
    inverse = _inverse(variance, eps, conventions)
    out = _scaled(wide, statistics, inverse, _working(gamma, conventions), _working(beta, conventions))
    return _stored(out, z.dtype)


def _working(x: Bounded, conventions: Conventions) -> Bounded:
    """The argument in the type that is computed in; what is subnormal there may be read as 0."""
    wide = x if conventions.get("arithmetic") == "narrow" else x.astype(working_dtype(x.dtype))
    subnormal = (wide.value != 0) & (np.abs(wide.value) < wide.format.tiny)
    return wide.loosened(np.where(subnormal, wide.format.tiny, 0.0))


def _stored(x: Bounded, dtype: DTypeLike) -> Bounded:
    """Rounded once. If every step before was rounded to a narrow type, once more: for some may have been wider."""
    if x.dtype == dtype and x.dtype != working_dtype(x.dtype):
        return join(rounded(x.value, x.error, x.format))
    return join(x.astype(dtype))


def _size(x: Bounded) -> Floats:
    """No computed value is larger."""
    return np.abs(x.value) + 2 * x.error


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=-2, keepdims=True))


def _statistics(z: Bounded, conventions: Conventions) -> Statistics:
    """The value: shifted by the first sample, so that a constant feature's is exact, then centred twice.

    E_μ, plain: u/m times the partial sums (`partial_sums`), and the division. Updating: see `updated_mean`. Shifted
    by c: the partial sums of z − c instead, the rounding of each shift, and that of adding c. With m = 1 nothing is
    rounded.

    E_σ², with z − μ̂ in place of z − μ (mean square σ² + E_μ²): of each term, square, sum and division, (m + 4)u;
    centring once more, 2u. The shift moves each z by u|z − c|. Updating and one pass: see the functions.

    Of the shift c: what matters, Σ|z − c|, the largest of them, Σ(z − c)², is convex in c. So between the least and the
    greatest sample it is largest at one of them; there Σ|z − c| is m|μ − c|, and Σ(z − c)² is m (σ² + (μ − c)²).
    """
    m, format, declared = z.shape[-2], z.format, conventions.get("variance")
    if m == 0:
        raise ValueError("expected at least one sample a batch, got none: there is no mean and no variance")
    u, x = format.u, z.value
    shifted = x - x[..., :1, :]
    rest = shifted - _mean(shifted)
    centred = rest - _mean(rest)
    mean = x[..., :1, :] + (_mean(shifted) + _mean(rest))
    variance = _mean(centred * centred)
    spread = np.sqrt(variance)

    partial = partial_sums(x)
    sums, far_sums = partial[..., -1:, :] / m, shifted_sums(x) / m
    far = np.abs(centred).max(axis=-2, keepdims=True)
    far_square = variance + far * far
    from_shift = 2 * u * spread * np.sqrt(far_square) + u * u * far_square
    plain, other = sums + 2 * np.abs(mean), np.zeros(variance.shape)
    if declared != "two_pass":
        updated = updated_mean(x, variance, partial)
        plain = np.maximum(plain, updated[..., -1:, :] / m)
        of_shifted = one_pass(m, far, far_sums, variance, u) + from_shift
        other = np.maximum(updating(x, variance, updated, partial, format), of_shifted)
    by_shift = far_sums + 3 * far + np.abs(mean)
    second_order = _second_order(4 * (m + 8) * u)
    drift = second_order * u * (np.maximum(plain, by_shift) if m > 1 else 0.0) + 3 * (m + 1) * format.tiny

    error = np.maximum((m + 6) * u * variance + drift**2 + from_shift, other)
    if declared == "one_pass":
        error = np.maximum(error, one_pass(m, np.abs(mean), sums, variance, u))
    error = second_order * error + format.tiny * (6 + 4 * spread)
    ends = (np.abs(x - end(x, axis=-2, keepdims=True)) for end in (np.min, np.max))
    own = 2 * u * (np.abs(centred) + drift) + u * np.maximum(*ends) + 3 * format.tiny
    beyond = _beyond(z)
    drift, error, own = (np.where(beyond, np.inf, each) for each in (drift, error, own))
    return Statistics(
        Bounded(mean, drift, format),
        Bounded(variance, error, format),
        Bounded(centred, own, format),
    )


def _beyond(z: Bounded) -> NDArray[np.bool_]:
    """Of each feature: whether the squares of its m samples may add up to more than the format holds."""
    return np.asarray(z.shape[-2] * np.square(np.abs(z.value).max(axis=-2, keepdims=True)) > z.format.largest)


def _second_order(k: float) -> float:
    """1/(1 − k): what a first-order bound must be multiplied by where k bounds all relative roundings together."""
    return 1 / (1 - k) if k < 1 else np.inf


def _kept(variance: Bounded, m: int, conventions: Conventions) -> Bounded:
    """The variance handed on. Unbiased, of one sample it is 0/0: any number is within bounds."""
    if conventions.get("running_variance") != "unbiased":
        return variance
    return variance * m / (m - 1) if m > 1 else variance.loosened(np.full(variance.shape, np.inf))


def _inverse(variance: Bounded, eps: float, conventions: Conventions) -> Bounded:
    """1/√(σ² + ε), or 1/(√σ² + ε). Where rounding can make the divisor 0 the error is infinite, and where it is 0 the
    value is 0: every deviation is 0 there, and 0/0 is not a value.
    """
    if conventions.get("epsilon") == "outside":
        deviation = _root(variance) + eps
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


def _root(variance: Bounded) -> Bounded:
    """√σ². |√c − √x| = |c − x|/(√c + √x) is at most √E and E/√x; a computed variance below 0 is not admitted."""
    below = variance.value - variance.error
    slope = np.where(below > 0, variance.error / np.sqrt(below), np.inf)
    value, error = np.sqrt(variance.value), np.fmin(np.sqrt(variance.error), slope)
    return Bounded(value, error + variance.format.u * (value + 2 * error) + variance.format.tiny, variance.format)


def _scaled(z: Bounded, statistics: Statistics, inverse: Bounded, gamma: Bounded, beta: Bounded) -> Bounded:
    """γ ((z − μ) s) + β; (z − μ)(γ s) + β; and folded, z·a + (β − μ·a) with a = γ s.

    In the latter μ and a err alike in both terms, as in a (z − μ); what is new is the rounding of z·a, μ·a and β − μ·a.
    In narrow arithmetic, where a or one of these may pass half of the range, nothing is promised.
    """
    centred, shift = statistics.centred.loosened(statistics.mean.error), beta[..., None, :]
    slope = gamma[..., None, :] * inverse
    u = z.format.u
    folding = (_size(z) + 2 * _size(statistics.mean)) * _size(slope) + _size(shift)
    folded = (centred * slope + shift).loosened(u * (1 + 4 * u) * folding + 3 * z.format.tiny)
    if z.dtype != working_dtype(z.dtype):
        reached = np.maximum(folding, _size(slope))
        folded = folded.loosened(np.where(reached > z.format.largest / 2, np.inf, 0.0))
    return join(folded, gamma[..., None, :] * (centred * inverse) + shift)


def _average(x: Bounded, start: float, decay: float, conventions: Conventions) -> Bounded:
    """The average over the axis before the last, from `start`: each step d·old + c·new, or old + c·(new − old).

    c = 1 − d errs by u d + u c where d is rounded to the working type first, by u c where not. Then the products and
    the sum, or the difference, the product and the sum.
    """
    total, u, tiny = x.shape[-2], x.format.u, x.format.tiny
    kind = conventions.get("running_average", "exponential")
    old, new = (1 - decay, decay) if conventions.get("weight") == "new" else (decay, 1 - decay)
    value = np.full((*x.shape[:-2], x.shape[-1]), 0.0 if kind == "bias_corrected" else start)
    error = np.zeros(value.shape)
    for t in range(total):
        d, c = old, new
        if kind == "cumulative":
            d, c = t / (t + 1), 1 / (t + 1)
        elif kind == "first_batch" and t == 0:
            d, c = 0.0, 1.0
        before, batch = np.abs(value) + 2 * error, _size(x[..., t, :])
        value = d * value + c * x.value[..., t, :]
        error = d * error + c * x.error[..., t, :]
        weighted = 2 * d * before + (d + 2 * c) * batch
        updated = (d + 3 * c) * (before + batch)
        error = error + (1 + 8 * u) * u * (np.maximum(weighted, updated) + np.abs(value) + 2 * error) + 4 * tiny
    average = Bounded(value, error, x.format)
    if kind == "cumulative":
        return average.loosened(2 * u * _size(average))  # a sum of all, divided once
    if kind == "bias_corrected":
        # powers of d, rounded once itself: 2T u dᵀ and a little; the difference: u
        left = old**total
        correction = Bounded(np.asarray(1 - left), np.asarray(u * ((2 * total + 4) * left + 1)), x.format)
        return _defined(average / correction, correction)
    return average
