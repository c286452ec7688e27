"""Bounded numbers: an array together with how far rounding alone may carry it.

Run a sound algorithm on `bounded(z)` instead of z, and the result's `error` bounds |computed − exact| for any
implementation of the same steps in the same format, sums taken in any order. This is Higham's running error analysis
(Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.3) made a-priori, with second-order terms kept.

The invariant, for each element with exact value x: every admissible computed value c, and `value`, which is one of
them (float64 rounds no more coarsely than any format here), lie within `error` of x. So |c| ≤ |value| + 2·error.
Exponents are taken to be unbounded above: where a value passes the format's range, the comparison decides, not the
bound. Below, every rounding may flush to zero: `tiny` is the smallest *normal*, as XLA's float32 exponential does at
−95.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, ClassVar

import numpy as np
from nnlaws_spec.numbers.array import NumberArray, apply
from numpy.typing import DTypeLike, NDArray

from nnlaws.rounding.elementary import EXP as EXP
from nnlaws.rounding.elementary import LOG as LOG
from nnlaws.rounding.elementary import exp_spread, log_spread
from nnlaws.rounding.elementary import log_units as log_units
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.reductions import total

FLOAT64 = 53  # its digits
LOST = 2.0**-1074  # what the bound's own arithmetic, in float64, may lose to underflow: no narrower format can see it

Conventions = Mapping[str, str]
"""What an implementation declares, by name: bounds admit what it says."""


class Bounded(NumberArray):
    """Exact values known to within `error`: see the module's text for the invariant.

    value, error: float64 arrays of one shape. dtype: the format that the algorithm is imagined to compute in.
    nonnegative: nothing exact or computed is below 0, whatever the error, as squares and sums of them are: so they have
    a root. False where that is not known.
    Behaves like an array of that dtype under NumPy's functions that have a rule here; any other raises TypeError.
    """

    __slots__ = ("error", "format", "nonnegative", "value")

    KIND = "bounded numbers"

    other_ufunc: ClassVar[Callable[..., Any]]
    other_function: ClassVar[Callable[..., Any]]
    """What has no rule in this module, by `nnlaws.rounding.functions`: the package puts them here."""

    def __init__(self, value: Floats, error: Floats, format: Format, nonnegative: bool = False) -> None:
        self.value, self.error = value, error
        if not (_finite(error) and _finite(value)):
            error = np.where(np.isnan(error) | np.isnan(value), np.inf, error)  # what is not a number promises nothing
            self.error = np.where(np.isinf(value), 0.0, error)  # an infinity comes from an infinite argument, unrounded
        self.format = format
        self.nonnegative = nonnegative

    dtype = property(lambda self: self.format.dtype)
    shape = property(lambda self: self.value.shape)

    @property
    def largest(self) -> Floats:
        """No computed |value| is larger; 0 where it is exactly 0."""
        return np.asarray(np.abs(self.value) + 2 * self.error)

    def __repr__(self) -> str:
        return f"Bounded({self.value!r} ± {self.error!r}, {self.format.name})"

    def __getitem__(self, key: Any) -> "Bounded":
        return Bounded(self.value[key], self.error[key], self.format, self.nonnegative)

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        """Σ in any order: see `reductions.total`."""
        return Bounded(*total(self, axis, keepdims), self.format, self.nonnegative)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        """Σ / n."""
        sums = self.sum(axis=axis, keepdims=keepdims)
        return sums / (self.size // sums.size)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        """The largest; it is selected, not rounded.

        Let c be the largest computed number and x the largest exact one, at i and at k: then c − x ≤ c_i − x_i, and
        x − c ≤ x_k − c_k. So it errs by no more than one of those that may be the largest: value + 2 error reaches what
        every computed and exact largest does, max(value − 2 error). A mask of −1e9 beside the others is none of them.
        """
        value = self.value.max(axis=axis, keepdims=keepdims)
        least = (self.value - 2 * self.error).max(axis=axis, keepdims=True)
        error = np.where(self.value + 2 * self.error < least, 0.0, self.error)  # NaN compares as False
        error = error.max(axis=axis, keepdims=keepdims)
        return Bounded(np.asarray(value), np.asarray(error), self.format, self.nonnegative)

    def astype(self, dtype: DTypeLike) -> "Bounded":
        """Exact towards a wider format; one more rounding towards a narrower one."""
        format = format_of(np.dtype(dtype))
        if format.u <= self.format.u and format.tiny <= self.format.tiny:
            return Bounded(self.value, self.error, format, self.nonnegative)
        return known(rounded(self.value, self.error, format), self.nonnegative)

    def loosened(self, extra: Floats) -> "Bounded":
        """The same values with `extra` more error allowed, for an admissible step that is not spelled out."""
        return Bounded(self.value, self.error + extra, self.format)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        rule = _RULES.get(ufunc) if method == "__call__" and not kwargs else None
        with np.errstate(all="ignore"):
            if rule is None:
                return Bounded.other_ufunc(ufunc, method, inputs, kwargs)
            format = widest(*inputs)
            return rule(*(as_bounded(x, format) for x in inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = _FUNCTIONS.get(function)
        with np.errstate(all="ignore"):
            if rule is None:
                return Bounded.other_function(function, args, kwargs)
            return apply(rule, function, Bounded.KIND, args, kwargs)


def _finite(x: Floats) -> bool:
    """Whether all are: NaN compares as False."""
    return bool(x.min(initial=0.0) > -np.inf and x.max(initial=0.0) < np.inf)


def bounded(x: NDArray[Any]) -> Bounded:
    """The array x as an exact argument: error 0, in x's own dtype."""
    value = x.astype(np.float64)
    return Bounded(value, np.zeros(value.shape), format_of(x.dtype))


def join(*routes: Bounded) -> Bounded:
    """The error that any of several sound algorithms for one quantity may make: the largest, elementwise."""
    error = reduce(np.maximum, [route.error for route in routes])
    return Bounded(routes[0].value, error, routes[0].format, all(route.nonnegative for route in routes))


def as_bounded(x: Any, format: Format) -> Bounded:
    """Numbers and arrays beside a bounded number: exact where the format holds them, else rounded once.

    Bounded numbers of a finer format are rounded once too.
    """
    if isinstance(x, Bounded):
        return x if x.format is format else x.astype(format.dtype)
    value = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        held = (value.astype(format.dtype).astype(np.float64) == value) | np.isnan(value)
        error = np.where(held, 0.0, format.u * np.abs(value) + format.tiny)
        return Bounded(value, error, format, bool((value >= 0).all()))


def widest(*numbers: Any) -> Format:
    """The finest format of the bounded numbers among them."""
    formats = (x.format for x in numbers if isinstance(x, Bounded))
    return min(formats, key=lambda format: (format.u, format.tiny))


def rounded(value: Floats, error: Floats, format: Format, units: Any = 1.0, sums: bool = False) -> Bounded:
    """One rounding, of `units` u, of a quantity that already carries `error`; `tiny` more where it may be subnormal."""
    magnitude = np.abs(value)
    step = units * format.u
    spread = step * magnitude  # in two products: the sum of magnitude and error may overflow
    spread += (1 + 2 * step) * error
    if not sums and format.digits == FLOAT64:
        spread += LOST
    if not magnitude.min(initial=np.inf) - 2 * error.max(initial=0.0) > format.tiny:  # NaN compares as False
        subnormal = ~(magnitude - 2 * error > format.tiny)
        if sums:  # a product or an exponential that is 0 in float64 may have underflowed; a sum has not
            subnormal &= magnitude + error != 0
        spread += subnormal * format.tiny
    if type(units) is float and spread.max(initial=0.0) < np.inf:
        return unchecked(value, spread, format)
    return Bounded(value, spread, format)


def unchecked(value: Floats, error: Floats, format: Format, nonnegative: bool = False) -> Bounded:
    """As Bounded, of numbers and errors that are known to be finite."""
    found = object.__new__(Bounded)
    found.value, found.error, found.format, found.nonnegative = value, error, format, nonnegative
    return found


def known(x: Bounded, nonnegative: bool = True) -> Bounded:
    """The same, of which that is known."""
    return unchecked(x.value, x.error, x.format, nonnegative)


def _positive(a: Bounded) -> Bounded:
    return a


def _negative(a: Bounded) -> Bounded:
    return Bounded(-a.value, a.error, a.format)


def absolute(a: Bounded) -> Bounded:
    return Bounded(np.abs(a.value), a.error, a.format, nonnegative=True)


def _add(a: Bounded, b: Bounded) -> Bounded:
    """Of exact numbers whose sum the format holds it is not rounded at all."""
    value, error = a.value + b.value, a.error + b.error
    found = rounded(value, error, a.format, sums=True)
    held = error == 0
    if held.any():
        held &= value.astype(a.dtype) == value
        held &= (value - a.value == b.value) & (value - b.value == a.value)  # one is exact, and tells: Dekker 1971
        held &= (np.abs(value) > a.format.tiny) | (value == 0)  # what is subnormal may be flushed
        found.error = found.error * ~held
    return known(found, a.nonnegative and b.nonnegative)


def _subtract(a: Bounded, b: Bounded) -> Bounded:
    return known(_add(a, _negative(b)), False)


def _multiply(a: Bounded, b: Bounded) -> Bounded:
    """Times an exact 0 it is exactly 0, whatever is finite."""
    error = np.abs(a.value) * b.error
    if a.error.any():
        error = error + (np.abs(b.value) + 3 * b.error) * a.error
    found = rounded(a.value * b.value, error, a.format)
    if not (a.value.all() and b.value.all()):
        nothing = (_zero(a) & np.isfinite(b.largest)) | (_zero(b) & np.isfinite(a.largest))
        found.error = found.error * ~nothing
    return known(found, a is b or (a.nonnegative and b.nonnegative))


def _zero(a: Bounded) -> NDArray[np.bool_]:
    """Where it is exactly 0."""
    return np.asarray((a.value == 0) & (a.error == 0))


def divide(a: Bounded, b: Bounded) -> Bounded:
    """a/b, or a·(1/b), which costs a second rounding: so two units where b is one constant, which compilers invert.

    An exact 0, divided, is one.
    """
    quotient, size = a.value / b.value, np.abs(b.value)
    nearest = size - 2 * b.error
    largest = (np.abs(a.value) + a.error) / (size - b.error)
    lost = LOST if a.format.digits == FLOAT64 else 0.0
    error = (a.error + largest * b.error + lost) / nearest
    if not nearest.min(initial=np.inf) > 0:
        error = np.where(nearest > 0, error, np.inf)
    result = rounded(quotient, error, a.format, units=2.0 if b.value.ndim == 0 else 1.0)
    if not a.value.all():
        result.error = np.where(_zero(a) & (nearest > 0) & np.isfinite(b.largest), 0.0, result.error)
    return known(result, a.nonnegative and b.nonnegative)


def _square(a: Bounded) -> Bounded:
    return _multiply(a, a)


def _sqrt(a: Bounded) -> Bounded:
    """|√c − √x| ≤ e/√x and ≤ √e; unbounded where c may be negative."""
    below = a.value - a.error
    error = np.fmin(np.sqrt(a.error), np.where(below > 0, a.error / np.sqrt(below), np.inf))
    if not a.nonnegative:
        error = np.where(below < a.error, np.where(a.error == 0, 0.0, np.inf), error)
    return known(rounded(np.sqrt(np.maximum(a.value, 0)), error, a.format))


def _exp(a: Bounded) -> Bounded:
    """e^0 is 1 (C99 F.10.3.1), which no implementation rounds."""
    value = np.exp(a.value)
    error = exp_spread(a.value, a.error, value)
    found = rounded(value, error, a.format, units=EXP)
    found.error = found.error * ~_zero(a)
    return known(found)


def _log(a: Bounded) -> Bounded:
    return rounded(np.log(a.value), log_spread(a.value, a.error), a.format, units=log_units(a.format))


def _maximum(a: Bounded, b: Bounded) -> Bounded:
    """Selected, not rounded: as `Bounded.max`, of two."""
    error = _of_the_larger(a.value, a.error, b.value, b.error)
    return Bounded(np.maximum(a.value, b.value), error, a.format, a.nonnegative or b.nonnegative)


def _minimum(a: Bounded, b: Bounded) -> Bounded:
    error = _of_the_larger(-a.value, a.error, -b.value, b.error)
    return Bounded(np.minimum(a.value, b.value), error, a.format, a.nonnegative and b.nonnegative)


def _of_the_larger(a: Floats, a_error: Floats, b: Floats, b_error: Floats) -> Floats:
    """The error of the one that is larger, whatever rounding does; of both where that is open. NaN leaves it open."""
    a_is, b_is = a - 2 * a_error > b + 2 * b_error, b - 2 * b_error > a + 2 * a_error
    return np.asarray(np.where(a_is, a_error, np.where(b_is, b_error, np.maximum(a_error, b_error))))


def decided(
    comparison: Callable[[Floats, Floats], NDArray[np.bool_]],
) -> Callable[[Bounded, Bounded], NDArray[np.bool_]]:
    """A comparison whose answer no admissible rounding can change; otherwise the algorithm has no one path to bound."""

    def decide(a: Bounded, b: Bounded) -> NDArray[np.bool_]:
        doubtful = (np.abs(a.value - b.value) <= 2 * (a.error + b.error)) & (a.error + b.error > 0)
        if doubtful.any():
            raise ValueError("a comparison of bounded numbers depends on rounding; compare exact arguments only")
        return comparison(a.value, b.value)

    return decide


def where(condition: NDArray[np.bool_], a: Any, b: Any) -> Bounded:
    format = widest(a, b)
    a, b = as_bounded(a, format), as_bounded(b, format)
    value, error = (np.where(condition, *parts) for parts in ((a.value, b.value), (a.error, b.error)))
    return Bounded(value, error, format, a.nonnegative and b.nonnegative)


_RULES: dict[Any, Callable[..., Any]] = {
    np.positive: _positive,
    np.negative: _negative,
    np.absolute: absolute,
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: divide,
    np.square: _square,
    np.sqrt: _sqrt,
    np.exp: _exp,
    np.log: _log,
    np.maximum: _maximum,
    np.minimum: _minimum,
    np.greater: decided(np.greater),
    np.less: decided(np.less),
    np.greater_equal: decided(np.greater_equal),
    np.less_equal: decided(np.less_equal),
}

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: Bounded.sum,
    np.mean: Bounded.mean,
    np.max: Bounded.max,
    np.where: where,
}

BASIC, BASIC_FUNCTIONS = tuple(_RULES), tuple(_FUNCTIONS)
"""What has a rule in this module."""
