"""Double-double numbers: pairs of float64 arrays, known to within an error, for exact values of many entries at once.

A number is hi + lo, and the exact value lies within `error` of that. A formula of `nnlaws_spec.formulas` runs on such
arrays unchanged, some hundred times as fast as on balls, with about 100 bits in sums, products and quotients and 70 in
exponentials and logarithms. What rounding does is bounded as it happens, from the numbers at hand; where a step has no
rule here, or loses too much, `enclose_quickly` has no answer, and `enclose` has.

Source: Joldes, Muller and Popescu 2017 (sums, products and quotients of pairs).

u is 2⁻⁵³ throughout. `error` itself is computed in float64, of terms that are not negative: a few roundings a step,
which `SLACK` makes up for.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlaws_spec.numbers.array import COMPOSED, REARRANGEMENTS, NoRule, NumberArray, apply, called, no_rule, rearranged
from nnlaws_spec.numbers.ball import Enclosure
from nnlaws_spec.numbers.error_free import Floats, exp_pair, fast_two_sum, two_product, two_sum

U = 2.0**-53
SLACK = 1 + 2.0**-46
LOST = 2.0**-1060  # more than a product of numbers that are not 0, and what it leaves, can lose to underflow


class DoubleDouble(NumberArray):
    """hi + lo, |lo| ≤ u|hi|, within `error` of the exact value; an infinite error where nothing is known."""

    __slots__ = ("error", "hi", "lo")

    KIND = "double-double numbers"
    dtype = np.dtype(np.float64)  # of the parts

    def __init__(self, hi: Floats, lo: Floats, error: Floats) -> None:
        self.hi, self.lo = hi, lo
        self.error = np.where(np.isfinite(hi + error), error, np.inf)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.hi.shape

    def __getitem__(self, key: Any) -> "DoubleDouble":
        return _of(*(part[key] for part in _parts(self)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        rule = _UFUNCS.get(ufunc) if method == "__call__" and not kwargs else None
        if rule is None:
            return _missing(called(ufunc, method))
        with np.errstate(all="ignore"):
            return rule(*inputs) if ufunc is np.power else rule(*map(doubled, inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in REARRANGEMENTS:
            each = [rearranged(function, part, *args, **kwargs) for part in _PARTS]
            return [_of(*part) for part in zip(*each, strict=True)] if isinstance(each[0], list) else _of(*each)
        rule = _FUNCTIONS.get(function) or COMPOSED.get(function)
        if rule is None:
            return _missing(called(function))
        with np.errstate(all="ignore"):
            return apply(rule, function, DoubleDouble.KIND, args, kwargs)


def doubled(x: Any) -> DoubleDouble:
    """x, lifted exactly: any float that float64 holds."""
    if isinstance(x, DoubleDouble):
        return x
    hi = np.asarray(x, dtype=np.float64)
    return _of(hi, np.zeros(hi.shape), np.zeros(hi.shape))


def enclose_quickly(formula: Callable[..., Any], *arguments: ArrayLike, within: ArrayLike) -> Enclosure | None:
    """`enclose` in double-double numbers: None where these have no rule for a step of the formula, or come no nearer
    to the exact value somewhere than `within`.
    """
    try:
        found = formula(*map(doubled, arguments))
    except NoRule:
        return None
    if not bool(np.all(found.error <= np.asarray(within))):  # NaN neither
        return None
    return Enclosure(*_parts(found))


def _of(hi: Any, lo: Any, error: Any) -> DoubleDouble:
    """Of parts that need no look: indexing leaves a scalar of a single entry."""
    found = object.__new__(DoubleDouble)
    found.hi, found.lo, found.error = np.asarray(hi), np.asarray(lo), np.asarray(error)
    return found


def _parts(x: DoubleDouble) -> tuple[Floats, Floats, Floats]:
    return x.hi, x.lo, x.error


_PARTS: tuple[Callable[[Any], Floats], ...] = (
    lambda x: doubled(x).hi,
    lambda x: doubled(x).lo,
    lambda x: doubled(x).error,
)


def _missing(name: str) -> NoReturn:
    no_rule(DoubleDouble.KIND, name, [each.__name__ for each in (*_UFUNCS, *_FUNCTIONS, *COMPOSED, *REARRANGEMENTS)])


# --- arithmetic ---


def _add(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Of a and b the heads are added exactly; what is left over, twice rounded. An exact infinity stays one."""
    s, e = two_sum(a.hi, b.hi)
    t = a.lo + b.lo
    w = e + t
    carried = a.error + b.error
    found = DoubleDouble(*two_sum(s, w), (carried + U * (np.abs(t) + np.abs(w))) * SLACK)
    if np.isfinite(s).all():
        return found
    infinite = np.isinf(s) & (np.isinf(a.hi) | np.isinf(b.hi)) & (carried == 0)
    return _where(infinite, _of(s, np.zeros_like(s), np.zeros_like(s)), found)


def _negative(a: DoubleDouble) -> DoubleDouble:
    return _of(-a.hi, -a.lo, a.error)


def _multiply(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """The product of the heads is exact, those of a head and a tail are rounded, and that of the tails is left out."""
    p, e = two_product(a.hi, b.hi)
    first, second = a.hi * b.lo, a.lo * b.hi
    w = e + (first + second)
    rounded = U * (2 * (np.abs(first) + np.abs(second)) + np.abs(w)) + np.abs(a.lo * b.lo)
    carried = np.abs(a.hi) * b.error + np.abs(b.hi) * a.error + a.error * b.error
    return DoubleDouble(*fast_two_sum(p, w), (carried + rounded) * SLACK + _lost(a.hi, b.hi))


def _lost(*factors: Floats) -> Any:
    """What the product of factors that are not 0 may lose to underflow."""
    lost: Any = LOST
    for factor in factors:
        lost = np.where(factor == 0, 0.0, lost)
    return lost


def _divide(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """q + r/b with q = a/b rounded: a − qb of the heads is exact, and r with the tails is three times rounded.

    r is divided by the head of b in place of b, which is as far from it as the tail says.
    """
    q = a.hi / b.hi
    p, e = two_product(q, b.hi)
    of_tail = q * b.lo
    t = a.lo - of_tail
    r = ((a.hi - p) - e) + t
    second = r / b.hi
    size = np.abs(b.hi)
    nearest = size - np.abs(b.lo) - b.error
    carried = a.error + np.abs(q) * b.error + U * (np.abs(of_tail) + np.abs(t) + np.abs(r)) + _lost(a.hi)
    error = np.where(nearest > 0, carried / nearest, np.inf) + np.abs(second) * (2 * U + np.abs(b.lo) / size)
    return DoubleDouble(*fast_two_sum(q, second), error * SLACK + _lost(a.hi))


def _sqrt(a: DoubleDouble) -> DoubleDouble:
    """s + r/2s with s = √a rounded and r = a − s², exact but for the tail; the next term is r²/8s³.

    Of an exact value at most e away, the root is at most e/√a away, and √e. Where it may be below 0, nothing is known.
    """
    s = np.sqrt(a.hi)
    p, e = two_product(s, s)
    r = ((a.hi - p) - e) + a.lo
    second = r / (2 * s)
    carried = np.minimum(a.error / s, np.sqrt(a.error)) + (U * np.abs(r) + _lost(s)) / s + second**2 / s
    hi, lo = fast_two_sum(s, second)
    zero = (a.hi == 0) & (a.error == 0)
    error = np.where(a.hi > a.error, carried * SLACK, np.where(zero, 0.0, np.inf))
    return DoubleDouble(np.where(zero, 0.0, hi), np.where(zero, 0.0, lo), error)


def _absolute(a: DoubleDouble) -> DoubleDouble:
    sign = np.where(a.hi < 0, -1.0, 1.0)
    return _of(sign * a.hi, sign * a.lo, a.error)


def _floor(a: DoubleDouble) -> DoubleDouble:
    """Where the error leaves no doubt about it."""
    floor = np.floor(a.hi)
    floor = np.where((a.hi == floor) & (a.lo < 0), floor - 1, floor)
    above, to_next = (a.hi - floor) + a.lo, ((floor + 1) - a.hi) - a.lo
    sure = (a.error == 0) | ((above > 2 * a.error) & (to_next > 2 * a.error))
    if not (sure & (np.abs(a.hi) < 2.0**52)).all():
        raise NoRule("double-double numbers have no floor where they may be a whole number or less")
    return doubled(floor)


def _power(x: Any, n: Any) -> DoubleDouble:
    """Of a whole number n ≥ 0, by squaring. An array of them is one where they are exact."""
    wanted = doubled(n)
    whole = wanted.hi
    if (wanted.error > 0).any() or (wanted.lo != 0).any() or (whole < 0).any() or (whole != np.rint(whole)).any():
        raise NoRule("double-double numbers have a rule for powers of whole numbers that are not negative")
    shape = np.broadcast_shapes(doubled(x).shape, whole.shape)
    square, result = doubled(x), doubled(np.ones(shape))
    left = np.broadcast_to(whole, shape)
    while left.size and left.max() > 0:
        odd = left % 2 == 1
        if odd.any():
            result = _where(odd, _multiply(result, square), result)
        left = np.floor(left / 2)
        square = _multiply(square, square) if left.max() > 0 else square
    return result


# --- exponential and logarithm ---


def _exp(a: DoubleDouble) -> DoubleDouble:
    """e^a to 2⁻⁷¹, times e^±error. Below −745 it is 0, and off by e^{−745 + error}, for an error of less than 1."""
    hi, lo = exp_pair(a.hi, a.lo)
    error = hi * (2.0**-71 + np.expm1(a.error) * (1 + 2.0**-40)) + 2.0**-1072
    known = (a.hi <= 700) & (a.error < 1)
    never = np.isneginf(a.hi) & (a.error == 0)  # e^−∞ is 0
    return DoubleDouble(hi, lo, np.where(never, 0.0, np.where(known, error * SLACK, np.inf)))


def _log(a: DoubleDouble) -> DoubleDouble:
    """y + log(1 + δ) with y = log a rounded and δ = a e^−y − 1, which is less than 2⁻⁴²: to 2⁻⁷⁰, that of e^−y.

    Near 1, 2 artanh w with w = (a − 1)/(a + 1), by its series up to w⁹/9: to 2⁻⁶⁷ of itself, for |w| ≤ 2⁻⁷.
    """
    y = np.log(a.hi)
    e, e_lo = exp_pair(-y, np.zeros_like(y))
    p, p_lo = two_product(a.hi, e)
    delta = (p - 1.0) + (p_lo + (a.hi * e_lo + a.lo * e))
    hi, lo = two_sum(y, delta - 0.5 * delta * delta)
    rounding: Any = np.full(y.shape, 2.0**-70)
    near = np.abs(a.hi - 1) < 2.0**-7
    if near.any():
        one = doubled(1.0)
        exact = _of(a.hi, a.lo, np.zeros_like(a.error))
        w = _divide(_add(exact, _negative(one)), _add(exact, one))
        square = w.hi * w.hi
        more = w.hi * square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9))))
        around, rest = fast_two_sum(2 * w.hi, 2 * (w.lo + more))
        hi, lo = np.where(near, around, hi), np.where(near, rest, lo)
        rounding = np.where(near, np.abs(around) * 2.0**-67 + 2 * w.error, rounding)
    nearest = a.hi - np.abs(a.lo) - a.error
    known = (nearest > 0) & (np.abs(y) < 700)
    return DoubleDouble(hi, lo, np.where(known, (rounding + a.error / nearest) * SLACK, np.inf))


# --- several ---


def _sum(a: DoubleDouble, axis: Any = None, *, keepdims: bool = False) -> DoubleDouble:
    """A tree of exact sums of the heads; what they leave, and the tails, are summed beside, twice rounded a level."""
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        a = _line(a, each)
    return a if keepdims else _of(*(np.squeeze(part, axis=axes) for part in _parts(a)))


def _line(a: DoubleDouble, axis: int) -> DoubleDouble:
    """Along one axis, which is kept."""
    s, c, error = (np.moveaxis(part, axis, 0) for part in _parts(a))
    if not len(s):
        empty = np.zeros((1, *s.shape[1:]))
        s, c, error = empty, empty, empty
    while len(s) > 1:
        half, odd = len(s) // 2, len(s) % 2
        t, e = two_sum(s[:half], s[half : 2 * half])
        tails = c[:half] + c[half : 2 * half]
        w = e + tails
        off = error[:half] + error[half : 2 * half] + U * (np.abs(tails) + np.abs(w))
        if odd:
            t, w, off = (np.concatenate(pair) for pair in ((t, s[-1:]), (w, c[-1:]), (off, error[-1:])))
        s, c, error = t, w, off
    hi, lo = two_sum(s, c)
    return DoubleDouble(*(np.moveaxis(part, 0, axis) for part in (hi, lo, error * SLACK)))


def _mean(a: DoubleDouble, axis: Any = None, *, keepdims: bool = False) -> Any:
    total = _sum(a, axis, keepdims=keepdims)
    return total / (a.size // max(total.size, 1))


def _max(a: DoubleDouble, axis: Any = None, *, keepdims: bool = False) -> DoubleDouble:
    if (a.lo != 0).any() or (a.error > 0).any():
        raise NoRule("double-double numbers have a rule for the largest of float64 numbers alone")
    return doubled(a.hi.max(axis=axis, keepdims=keepdims))


def _matmul(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    if a.ndim < 2 or b.ndim < 2:
        raise NoRule("double-double numbers have a rule for the product of matrices")
    return _sum(_multiply(a[..., :, :, None], b[..., None, :, :]), axis=-2)


def _where(condition: Any, a: Any, b: Any) -> DoubleDouble:
    return _of(*(np.where(condition, *parts) for parts in zip(_parts(doubled(a)), _parts(doubled(b)), strict=True)))


def _compared(comparison: Any) -> Callable[[DoubleDouble, DoubleDouble], NDArray[np.bool_]]:
    """A comparison that the errors leave no doubt about."""

    def compare(a: DoubleDouble, b: DoubleDouble) -> NDArray[np.bool_]:
        apart = _add(a, _negative(b))
        size = np.abs(apart.hi) - np.abs(apart.lo)
        if not ((size > apart.error) | (a.error + b.error + np.abs(apart.hi) == 0)).all():
            raise NoRule("double-double numbers cannot be compared where they may be equal")
        return np.asarray(comparison(apart.hi, 0.0))

    return compare


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: _add,
    np.subtract: lambda a, b: _add(a, _negative(b)),
    np.multiply: _multiply,
    np.divide: _divide,
    np.negative: _negative,
    np.positive: lambda a: a,
    np.absolute: _absolute,
    np.square: lambda a: _multiply(a, a),
    np.sqrt: _sqrt,
    np.floor: _floor,
    np.power: _power,
    np.exp: _exp,
    np.log: _log,
    np.matmul: _matmul,
    **{each: _compared(each) for each in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal)},
}

_FUNCTIONS: dict[Any, Callable[..., Any]] = {np.sum: _sum, np.mean: _mean, np.max: _max, np.where: _where}
