"""How far rounding may carry layer norm and its gradient.

Each function takes bounded arguments without an error, with any stacked leading axes, and covers the sound algorithms
for one operation, in any order of summation. The value is that of the conventions declared. The statistics of a row
decide the error. By `variance`, each admitting what the one before it does:

- `two_pass`: a mean by sum and division, plain or of values shifted by a feature or by a first mean; the mean square of
  z less that mean, or of what is left after another such step.
- the default: also updating algorithms (Welford; Chan's merges), one pass over values shifted by a feature, and, in the
  gradient, Σ g (z − μ) as Σ g z − μ Σ g.
- `one_pass`: also E[z²] − μ², clamped at 0 or not.

`arithmetic = narrow` rounds every step to the arguments' own type. In the formulas below u is the unit roundoff of the
type computed in, E_x the error of x, and every step may flush what is smaller than `tiny` to 0. Overflow is left out.
The derivation is that of nnlaws' chapter on batch norm, along rows.
"""

from typing import NamedTuple

import numpy as np
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Bounded, Conventions, join
from nnlaws_reference.dtypes import working_dtype
from numpy.typing import NDArray

INVERSE_ROOT = 4.0
"""Error of 1/√w in units of u: two roundings, or one instruction; measured worst over NumPy, PyTorch, JAX: 2.73."""


class Rows(NamedTuple):
    """Of each row, the features' axis kept: the mean, the variance, and the deviations from the mean.

    `centred`: z − μ with the error of each entry's own roundings; all entries of a row err by mean.error besides.
    """

    mean: Bounded
    variance: Bounded
    centred: Bounded


@np.errstate(all="ignore")
def promised(z: Bounded, conventions: Conventions) -> NDArray[np.bool_]:
    """Of each row: whether there are bounds at all. Where its squares may pass the range of the type that is computed
    in, which is a narrow one if that is declared, the statistics may be infinite or NaN.
    """
    return ~_beyond(_working(z, conventions))[..., 0]


@np.errstate(all="ignore")
def layer_norm(z: Bounded, gamma: Bounded, beta: Bounded, *, eps: float, conventions: Conventions) -> Bounded:
    """γ ((z − μ) s) + β; (z − μ)(γ s) + β; (z·s − μ·s) γ + β; and z·a + (β − μ·a) with a = γ s.

    In the last two μ and s err alike in both terms, as in s (z − μ). What is new: the roundings of z·s and μ·s, each
    then multiplied by γ; or of z·a, of μ·a twice (the product and the difference) and of β.
    """
    wide, u = _working(z, conventions), _working(z, conventions).format.u
    scale, shift = (_working(each, conventions)[..., None, :] for each in (gamma, beta))
    rows = _statistics(wide, conventions)
    centred, s = rows.centred.loosened(rows.mean.error), _inverse(rows.variance, eps, conventions)
    slope = scale * s
    terms = (_size(wide) + 2 * _size(rows.mean)) * _size(slope) + _size(shift)
    folded = (centred * slope + shift).loosened(u * (1 + 4 * u) * terms + 3 * wide.format.tiny)
    return join(folded, scale * (centred * s) + shift).astype(z.dtype)


@np.errstate(all="ignore")
def layer_norm_backward(
    dout: Bounded, z: Bounded, gamma: Bounded, *, eps: float, conventions: Conventions
) -> tuple[Bounded, Bounded, Bounded]:
    """dz = s (g − Σg/n − (z − μ) q A/n) with g = γ dout, A = s Σ g (z − μ); dγ = Σ dout z_norm; dβ = Σ dout.

    s is 1/√(σ² + ε) and q too, or with ε outside s is 1/(√σ² + ε) and q is 1/√σ². What all features of a row have in
    common, E_μ, reaches A by Σg alone. Chain rules, and a·dout + b·z + c with three numbers a row, are in `more`.
    """
    wide, upstream = _working(z, conventions), _working(dout, conventions)
    n, u = z.shape[-1], wide.format.u
    rows = _statistics(wide, conventions)
    drift = rows.mean.error
    centred = rows.centred.loosened(drift)
    s = _inverse(rows.variance, eps, conventions)
    q = _inverse(rows.variance, 0.0, {}) if conventions.get("epsilon") == "outside" else s

    g = _working(gamma, conventions)[..., None, :] * upstream
    total = g.sum(axis=-1, keepdims=True)
    products = _size(g) * _size(centred)
    aligned = (g * rows.centred).sum(axis=-1, keepdims=True)
    scaled = u * products.sum(axis=-1, keepdims=True)  # the product with s may come before the sum
    along = aligned.loosened(drift * _size(total) + scaled) * s
    if conventions.get("variance") != "two_pass":
        apart = (g * wide).sum(axis=-1, keepdims=True) - rows.mean * total  # whose terms are rounded apart
        along = join(along, Bounded(aligned.value, apart.error, apart.format) * s)

    towards_mean, towards_variance = total / n, centred * q * (along / n)
    dz = s * (g - towards_mean - towards_variance)
    slope = _size(q) * _size(along) / n
    more = (
        # through dσ² = −s³ Σ g (z − μ)/2 and dμ, or dz multiplied by n and divided again: a few steps more on each
        # term, s³ two; in dμ = −Σ g s − 2 dσ² Σ (z − μ)/n each product is rounded before the sum ...
        6 * u * (_size(g) + _size(towards_mean) + _size(towards_variance))
        + 2 * u * _mean(_size(g))
        + 2 * u * _size(centred) * _size(q) * _size(s) * _mean(products)
        # ... and Σ (z − μ), which is 0, is computed
        + slope * (drift + _mean(rows.centred.error) + n * u * _mean(_size(centred)))
        # b·z and b·μ are rounded apart, and their sums
        + 2 * u * slope * (_size(wide) + _size(rows.mean))
    )
    if conventions.get("variance") == "one_pass":  # where it was clamped at 0, nothing is passed back through it
        more += np.where(rows.variance.value <= rows.variance.error, _size(towards_variance), 0.0)
    dz = dz.loosened(_size(s) * more * (1 + 16 * u) + 4 * dz.format.tiny)

    # z_norm as (z − μ) s, or z·s − μ·s: two products and their difference
    terms = (_size(wide) + _size(rows.mean)) * _size(s)
    z_norm = (centred * s).loosened(u * (1 + 4 * u) * terms + 2 * wide.format.tiny)
    dgamma, dbeta = (upstream * z_norm).sum(axis=-2), upstream.sum(axis=-2)
    dz, dgamma, dbeta = (join(each.astype(z.dtype)) for each in (dz, dgamma, dbeta))
    return dz, dgamma, dbeta


def _working(x: Bounded, conventions: Conventions) -> Bounded:
    """The argument in the type that is computed in; what is subnormal there may be read as 0."""
    wide = x if conventions.get("arithmetic") == "narrow" else x.astype(working_dtype(x.dtype))
    subnormal = (wide.value != 0) & (np.abs(wide.value) < wide.format.tiny)
    return wide.loosened(np.where(subnormal, wide.format.tiny, 0.0))


def _size(x: Bounded) -> Floats:
    """No computed value is larger."""
    return np.asarray(np.abs(x.value) + 2 * x.error)


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=-1, keepdims=True))


def _statistics(z: Bounded, conventions: Conventions) -> Rows:
    """The value: shifted by the first feature, so that a constant row's is exact, then centred twice.

    E_μ, plain: u/n times the partial sums (`_partial_sums`), and the division. Updating, M += (z − M)/k, or in merges
    M += (M' − M) n'/(n + n'): instead of the division, 3u of each step (`_merging`). Shifted by z₁: the partial sums of
    z − z₁ instead, the rounding of each shift, and that of adding z₁; of the residuals, if a mean of those is
    subtracted again. With n = 1 nothing is rounded.

    E_σ², with z − μ̂ in place of z − μ (mean square σ² + E_μ²): of each term, square, sum and division, (n + 4)u;
    centring once more, 2u. The shift moves each z by u|z − z₁|. Updating and one pass: see the functions.
    """
    n, format, how = z.shape[-1], z.format, conventions.get("variance")
    u, x = format.u, z.value
    shifted = x - x[..., :1]
    rest = shifted - _mean(shifted)
    centred = rest - _mean(rest)
    mean = x[..., :1] + (_mean(shifted) + _mean(rest))
    variance = _mean(centred * centred)
    spread = np.sqrt(variance)

    sums, shifted_sums, rest_sums = (_partial_sums(each)[..., -1:] / n for each in (x, shifted, centred))
    division, updating = 2 * np.abs(mean), 3 * spread * np.sqrt(_merging(np.array(n, float)) / n)
    plain = sums + (division if how == "two_pass" else np.maximum(division, updating))
    by_shift = np.maximum(shifted_sums, rest_sums) + _mean(np.abs(shifted)) + 2 * np.abs(_mean(shifted)) + np.abs(mean)
    first_order = 2 * (n + 8) * u  # all relative roundings of a row together, with room
    second_order = 1 / (1 - first_order) if first_order < 1 else np.inf
    drift = second_order * u * (np.maximum(plain, by_shift) if n > 1 else 0.0) + 3 * (n + 1) * format.tiny

    from_shift = 2 * u * spread * np.sqrt(_mean(shifted * shifted)) + u * u * _mean(shifted * shifted)
    error = (n + 6) * u * variance + drift**2 + from_shift
    if how != "two_pass":
        error = np.maximum(error, _updating(x, variance, u, format.tiny))
        error = np.maximum(error, _one_pass(shifted, variance, u) + from_shift)
    if how == "one_pass":
        error = np.maximum(error, _one_pass(x, variance, u))
    error = second_order * error + format.tiny * (6 + 4 * spread)
    own = 2 * u * (np.abs(centred) + drift) + u * np.abs(shifted) + 3 * format.tiny
    drift, error, own = (np.where(_beyond(z), np.inf, each) for each in (drift, error, own))
    return Rows(Bounded(mean, drift, format), Bounded(variance, error, format), Bounded(centred, own, format))


def _beyond(z: Bounded) -> NDArray[np.bool_]:
    """Of each row: whether the squares of its n features may add up to more than the format holds."""
    return np.asarray(z.shape[-1] * np.square(np.abs(z.value).max(axis=-1, keepdims=True)) > z.format.largest)


def _partial_sums(x: Floats) -> Floats:
    """For k = 1 ... n: the most that the magnitudes of all k − 1 sums can add up to when k of the features are summed.

    Each sum is rounded by u of itself. Of the k − 1 sums of any tree the j-th smallest takes in at most j + 1 features,
    so its magnitude is at most the sum of the j + 1 largest: together never more than (k − 1) Σ|x|, and half of that
    where all are of one size.
    """
    largest = np.cumsum(-np.sort(-np.abs(x), axis=-1), axis=-1)
    largest[..., :1] = 0.0  # one feature is not a sum
    return np.asarray(np.cumsum(largest, axis=-1))


def _merging(k: Floats) -> Floats:
    """Updating a mean of k features, its steps, each times the features taken in, add up to at most √(n σ² · this).

    By Cauchy and Schwarz: n'|M' − M| is √(n' (n + n')/n) times the root of what the step adds to n σ². Where a part is
    taken in by one of at least half its size, n' (n + n')/n is at most 2.18 (n + n') times the entropy, in bits, of
    that split; and over the whole tree, sizes times entropies add up to k log₂ k.
    """
    return np.asarray(2.18 * k * np.log2(k))


def _updating(x: Floats, variance: Floats, u: float, tiny: float) -> Floats:
    """Welford: S += (z − M_{k−1})(z − M_k), where M_k is the mean of k features and errs by E_k.

    S grows by s_k² = (z − M_{k−1})² (k − 1)/k, which add up to n σ². So it errs by
    Σ s_k (√(k/(k−1)) E_k + √((k−1)/k) E_{k−1}) + Σ E_k E_{k−1}, the first of which is at most √(n σ² Σ (...)²).
    k E_k is u of all j|M_j|, j = 2 ... k, which are partial sums, and 3u of all steps. Relative to S, (n + 4)u.
    Chan: S += S' + (M' − M)² n n'/(n + n'). There, over all trees, the same square root is at most 1.02 times as large
    (32 features of one magnitude; by dynamic programming up to 2000, and by search for other magnitudes).
    """
    n = x.shape[-1]
    k = np.arange(1.0, n + 1)
    ratio = k[1:] / k[:-1]
    drift = u * (_partial_sums(x) + 3 * np.sqrt(n * variance * _merging(k))) / k + 3 * (k + 1) * tiny
    drift[..., :1] = 0.0  # the first feature is its own mean
    before, after = drift[..., :-1], drift[..., 1:]
    crossed = (np.sqrt(ratio) * after + before / np.sqrt(ratio)) ** 2
    first_order = 1.02 * np.sqrt(variance * crossed.sum(axis=-1, keepdims=True) / n)
    return np.asarray((n + 4) * u * variance + first_order + (before * after).sum(axis=-1, keepdims=True) / n)


def _one_pass(x: Floats, variance: Floats, u: float) -> Floats:
    """E[x²] − a²: (n + 4)u E[x²]; a errs as a plain mean; its square and that times n, 2u a²; the difference, u σ²."""
    n, a = x.shape[-1], np.abs(_mean(x))
    drift = u * (_partial_sums(x)[..., -1:] / n + 2 * a)
    return np.asarray((n + 4) * u * _mean(x * x) + 2 * a * drift + drift**2 + 2 * u * a * a + u * variance)


def _inverse(variance: Bounded, eps: float, conventions: Conventions) -> Bounded:
    """1/√(σ² + ε), or 1/(√σ² + ε). Where rounding can make the divisor 0 the error is infinite, and where it is 0 the
    value is 0: every deviation is 0 there, and 0/0 is not a value.
    """
    if conventions.get("epsilon") == "outside":
        divisor = _root(variance) + eps
        inverse = 1 / divisor
    else:
        divisor = variance + eps
        # Exact and computed w are above w − E and w − 2E; 1/√(w − 2E) − 1/√(w − E) without cancellation.
        below = divisor.value - divisor.error
        q = np.where(divisor.error < below, divisor.error / below, 1.0)
        error = np.where(q < 1, np.expm1(-0.5 * np.log1p(-q)) / np.sqrt(below), np.inf)
        value = 1 / np.sqrt(divisor.value)
        rounding = INVERSE_ROOT * divisor.format.u * (value + 2 * error) + divisor.format.tiny
        inverse = Bounded(value, error + rounding, divisor.format)
    positive = divisor.value > 0
    return Bounded(np.where(positive, inverse.value, 0.0), np.where(positive, inverse.error, np.inf), inverse.format)


def _root(variance: Bounded) -> Bounded:
    """√σ². |√c − √x| = |c − x|/(√c + √x) is at most √E and E/√x; a computed variance below 0 is not admitted."""
    below = variance.value - variance.error
    slope = np.where(below > 0, variance.error / np.sqrt(below), np.inf)
    value, error = np.sqrt(variance.value), np.fmin(np.sqrt(variance.error), slope)
    return Bounded(value, error + variance.format.u * (value + 2 * error) + variance.format.tiny, variance.format)
