"""How far rounding may carry sums and products of many numbers: matrix products, running sums, variances.

Each function takes bounded numbers and gives the value and the error of the result. Sums may be taken in any order.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.formats import Floats, Format


class Bounded(Protocol):
    """What is asked of bounded numbers here."""

    value: Floats
    error: Floats
    format: Format

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def size(self) -> int: ...

    @property
    def largest(self) -> Floats: ...


Result = tuple[Floats, Floats]

FINEST = 2.0**-18  # of what rounding to float32 may do to a sum: what its value in float64 can tell


@np.errstate(invalid="ignore")  # no rounding of a number about which nothing is promised
def total(x: Bounded, axis: Any, keepdims: bool) -> Result:
    """Σ in any order: (ν − 1) u Σ|x| of ν numbers that are not 0, since adding an exact 0 rounds nothing.

    The coefficient is (ν − 1)u, not γ (Jeannerod and Rump 2013, SIMAX 34(2)). Where the exact ones among them lie on a
    grid (`_on_grid`), and the others are too small to move them off it, no more than these is lost at all.
    """
    format, sizes = x.format, x.largest
    magnitudes = sizes.sum(axis=axis, keepdims=keepdims)
    there = np.count_nonzero(sizes, axis=axis, keepdims=keepdims)
    rounding = np.maximum(there - 1, 0) * (format.u * magnitudes + format.tiny)
    exact = x.error == 0
    if exact.any():
        lost = 2 * np.where(exact, 0.0, sizes).sum(axis=axis, keepdims=keepdims)
        grid = _on_grid(np.where(exact, x.value, 0.0), lost, format, axis, keepdims)
        little = np.where(lost > 0, np.maximum(lost, FINEST * rounding), 0.0)
        rounding = np.where(grid, np.minimum(little, rounding), rounding)
    value, error = x.value.sum(axis=axis, keepdims=keepdims), x.error.sum(axis=axis, keepdims=keepdims)
    return np.asarray(value), np.asarray(error + rounding)


def _on_grid(x: Floats, others: Floats, format: Format, axis: Any, keepdims: bool) -> NDArray[np.bool_]:
    """Whether no sum of these exact numbers is rounded, in any order, nor moved by as much as the others come to.

    Where all are multiples of g = 2^e, and Σ|x| ≤ 2^p g, p the digits of the format, every partial sum of every order
    is a multiple of g of at most 2^p g, hence a number of the format. The coarsest g that Σ|x| allows is tried. What is
    less than 2^(−p−1) g is less than half the spacing at any of these but 0, and is rounded away; or it is added to
    others alone, or to 0.
    """
    sums = np.abs(x).sum(axis=axis, keepdims=True) * (1 + 2.0**-20)  # with what summing them in float64 may have lost
    _, exponent = np.frexp(sums)
    parts = np.ldexp(x, format.digits - exponent)  # x/g; 0 where that is far below 1
    on = ((np.rint(parts) == parts) & ((parts != 0) | (x == 0))).all(axis=axis, keepdims=keepdims)
    g = np.ldexp(1.0, np.reshape(exponent, on.shape) - format.digits)
    return np.asarray(on & (others < g * format.u / 4) & (g >= format.tiny))


def multilinear(function: Callable[..., Any], operands: Sequence[Bounded]) -> Result:
    """A sum of n products of k factors, one from each operand: matmul, dot, einsum, trace, convolve, …

    n counts the terms that have no factor that is exactly 0: `function` of ones and zeros gives it. Of each term k − 1
    products are rounded and n − 1 sums: (n + k − 2) u of the sum of the magnitudes, in any order, for k ≤ 2 without a
    term of higher order (Jeannerod and Rump 2013); for more factors, which may be contracted one after another,
    γ = m u / (1 − m u). The operands' errors are carried over one operand at a time, the others at their largest. Every
    product and sum may flush to zero; of more than two factors, one that does is multiplied by others.
    """
    format, k = operands[0].format, len(operands)
    sizes = [x.largest for x in operands]
    value, count = function(*(x.value for x in operands)), function(*((size != 0).astype(float) for size in sizes))
    carried = sum(
        function(*sizes[:i], x.error, *(np.abs(each.value) + each.error for each in operands[i + 1 :]))
        for i, x in enumerate(operands)
    )
    roundings = np.where(count > 0, count + k - 2, 0.0) * format.u
    if k > 2:
        roundings = np.where(roundings < 0.5, roundings / (1 - roundings), np.inf)
    others = [max(1.0, float(size.max(initial=0.0))) for size in sizes] if k > 2 else []
    flushed = 2 * k * count * format.tiny * float(np.prod(others))
    return np.asarray(value), np.asarray(carried + roundings * function(*sizes) + flushed)


def cumsum(x: Bounded, axis: int | None) -> Result:
    """Each is a sum of the first k, in any order: a parallel scan adds them in another than a loop does.

    Those that are exactly 0 are not counted.
    """
    value, error, sizes = (each.ravel() if axis is None else each for each in (x.value, x.error, x.largest))
    along = 0 if axis is None else axis
    before = np.maximum(np.cumsum(sizes != 0, axis=along) - 1, 0)
    rounding = before * (x.format.u * np.cumsum(sizes, axis=along) + x.format.tiny)
    return np.cumsum(value, axis=along), np.cumsum(error, axis=along) + rounding


def cumprod(x: Bounded, axis: int | None) -> Result:
    value, error, sizes = (each.ravel() if axis is None else each for each in (x.value, x.error, x.largest))
    along = 0 if axis is None else axis
    count = np.cumsum(np.ones(value.shape), axis=along)

    def products(factors: Floats) -> Floats:
        return np.asarray(np.cumprod(factors, axis=along), np.float64)

    def sums(terms: Floats) -> Floats:
        return np.asarray(np.cumsum(terms, axis=along), np.float64)

    return products(value), _product_error(x, value, error, sizes, count, products, sums)


def prod(x: Bounded, axis: Any, keepdims: bool) -> Result:
    def products(factors: Floats) -> Floats:
        return np.asarray(factors.prod(axis=axis, keepdims=keepdims))

    def sums(terms: Floats) -> Floats:
        return np.asarray(terms.sum(axis=axis, keepdims=keepdims))

    count = sums(np.ones(x.shape))
    return products(x.value), _product_error(x, x.value, x.error, x.largest, count, products, sums)


def _product_error(
    x: Bounded,
    value: Floats,
    error: Floats,
    sizes: Floats,
    count: Floats,
    products: Callable[[Floats], Floats],
    sums: Callable[[Floats], Floats],
) -> Floats:
    """Π(|x| + e) − Π|x|, as Π(|x| + e) (e^{Σ log(1 + e/|x|)} − 1), which does not cancel; n − 1 roundings in any order.

    Where the factors below 1 may multiply to less than `tiny`, a partial product may flush to zero, and others be
    multiplied to it. With a factor that is exactly 0 the product is.
    """
    within = np.abs(value) + error
    relative = np.where(within > 0, error / np.where(within > 0, within, 1.0), 0.0)
    carried = np.where(sums(error) > 0, products(within) * np.expm1(sums(np.log1p(relative))), 0.0)
    roundings = np.maximum(count - 1, 0.0) * x.format.u
    rounding = np.where(roundings < 0.5, roundings / (1 - roundings), np.inf) * products(sizes)
    smallest = products(np.clip(np.abs(value) - 2 * error, 0.0, 1.0))
    flushed = np.maximum(count - 1, 0.0) * x.format.tiny * products(np.maximum(sizes, 1.0))
    total = carried + np.where((smallest < x.format.tiny) & (count > 1), flushed, 0.0) + rounding
    nothing = (sums(np.asarray(sizes == 0, float)) > 0) & np.isfinite(total)
    return np.asarray(np.where(nothing, 0.0, total))


def var(x: Bounded, axis: Any, ddof: float, keepdims: bool) -> Result:
    """Σ (x − mean)² / (n − ddof), in two passes or by updating (Welford; Chan's merges). Not as E[x²] − mean².

    With E the error of the mean and κ = √(mean x²)/σ: (n + 4) u σ² + E² in two passes, and (1 + √2) C κ u σ² more by
    updating, with C² = Σ_k (k + 5 + 2 log k)²/k. An argument's error e changes the variance by at most the mean of
    2 |x − mean| e + e².
    """

    def mean(terms: Floats) -> Floats:
        return np.asarray(terms.mean(axis=axis, keepdims=True))

    u, value, error = x.format.u, x.value, x.error
    deviations = value - mean(value)
    variance = mean(deviations * deviations)
    n = x.size // max(variance.size, 1)
    carried = mean((2 * (np.abs(deviations) + error + mean(error)) + error) * error)
    spread = variance + 2 * carried
    sizes = x.largest
    k = np.arange(1, n + 1)
    updating = (1 + np.sqrt(2.0)) * np.sqrt((np.square(k + 5 + 2 * np.log(k)) / k).sum())
    off = (n + 5 + 2 * np.log(max(n, 1))) * u * mean(sizes) + n * x.format.tiny
    rounding = (n + 6) * u * spread + off * off + updating * u * np.sqrt(spread) * np.sqrt(mean(sizes * sizes))
    total = carried + (1 + 4 * (n + 8) * u) * rounding + 4 * n * x.format.tiny
    factor = n / (n - ddof) if n > ddof else np.nan
    shape = np.var(value, axis=axis, keepdims=keepdims).shape
    return (factor * variance).reshape(shape), (abs(factor) * (total + 2 * u * (spread + total))).reshape(shape)


def root(x: Bounded, units: float) -> Result:
    """√x of what is a sum of squares, so that no computed x is below 0: off by at most √E, and E/√x."""
    below = np.maximum(x.value - x.error, 0.0)
    error = np.fmin(np.sqrt(x.error), x.error / np.sqrt(below))
    value = np.sqrt(np.maximum(x.value, 0.0))
    error = np.where(np.isnan(x.value) | np.isnan(error), np.inf, error)
    error = (
        error + units * x.format.u * (value + 2 * error) + np.where(value - 2 * error < x.format.tiny, x.format.tiny, 0)
    )
    return value, np.where(x.largest == 0, 0.0, error)
