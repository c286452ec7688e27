"""How far rounding may carry a moving average and its bias correction, and in what it is computed."""

from dataclasses import dataclass

import numpy as np
from nnlaws_reference.dtypes import working_dtype
from numpy.typing import NDArray

from nnlaws.rounding.counted import inexact, over
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import EXP, LOG, Bounded, Conventions

POWER = 2.0
"""Error of β^t in units of u; measured worst over NumPy, PyTorch, JAX and TensorFlow: 1.77, and 0 for t = 1."""

ON_AVERAGE = {"parameters": "on_average"}
"""In place of a convention: what rounding by chance comes to in the mean, which is no rounding at all."""

SINGLE, DOUBLE = format_of(np.dtype(np.float32)), format_of(np.dtype(np.float64))


@dataclass(frozen=True)
class Arithmetic:
    """The format computed in, that of the arrays, and what is rounded besides: by the conventions declared.

    narrow_state: whether what is kept from one step to the next is rounded to the arrays' format, which is narrower.
    parameters: "compensated" or "stochastic", where they are kept in that format so; what the latter are "on_average",
    over many coordinates; else nothing.

    What is rounded to the nearest goes no further than to *any* number of the format. So what is kept in the format,
    and moves by less than half the spacing there, stands still, and is off by as little as it should have moved.
    """

    format: Format
    arrays: Format
    narrow_state: bool
    rounded_options: bool
    lookahead: bool
    parameters: str = ""

    @property
    def factors(self) -> float:
        """Unit roundoff of 1 − αλ, by which parameters are multiplied: no coarser than float32's, unless the options
        are rounded first. In bfloat16 it is 1 for the usual α and λ, and nothing decays.
        """
        return self.format.u if self.rounded_options else min(self.format.u, SINGLE.u)

    def wide(self, x: Bounded) -> Bounded:
        """An argument in the type computed in; what is subnormal there may be read as 0."""
        subnormal = (x.value != 0) & (np.abs(x.value) < self.format.tiny)
        return Bounded(x.value, x.error + np.where(subnormal, self.format.tiny, 0.0), self.format)

    def kept(self, x: Bounded, moved: Floats) -> Bounded:
        """An average as it is kept from one step to the next, after it has moved by no more than `moved`."""
        return self._lost(x, self._by_storing(x, moved), x.largest > 0) if self.narrow_state else x

    def settled(self, x: Bounded, moved: Floats, touched: NDArray[np.bool_]) -> Bounded:
        """Parameters as they are kept, after they have moved by no more than `moved`, if they were `touched`.

        By chance they are rounded to one of the two numbers beside them. Kept narrow, they may have a compensation that
        is narrow too: c' = c − step, p' = p + c', c' + (p − p'). Of p + c that loses u of the step and u of c twice, c
        being u|p| at most; p is off by its own rounding besides, or where the parameters are declared compensated by
        that of the last step alone.
        """
        if self.parameters == ON_AVERAGE["parameters"]:
            return x
        if self.parameters == "stochastic":
            return self._lost(x, 2 * self.arrays.u * x.largest, touched)
        compensation = self.arrays.u * (moved + 2 * self.arrays.u * x.largest)
        if self.parameters == "compensated" or self.format.digits < SINGLE.digits:
            return self._lost(x, compensation, touched)
        return self._lost(x, compensation + self._by_storing(x, moved), touched) if self.narrow_state else x

    def _by_storing(self, x: Bounded, moved: Floats) -> Floats:
        return np.minimum(self.arrays.u * x.largest, moved)

    def _lost(self, x: Bounded, lost: Floats, touched: NDArray[np.bool_]) -> Bounded:
        """With the error of storing. Past the type's range all is lost."""
        small = (np.abs(x.value) - 2 * x.error < self.arrays.tiny) & (x.largest > 0)
        error = x.error + lost + np.where(small, self.arrays.tiny, 0.0)
        error = np.where(x.largest > self.arrays.largest, np.inf, error)
        return Bounded(x.value, np.where(touched, error, x.error), self.format)

    def stored(self, x: Bounded) -> Bounded:
        """A result as it is returned. What is of the arrays' type already is not rounded again; but an implementation
        of the default convention rounds it to float32 before, and may flush it both times.
        """
        return self._returned(x, _narrowed(x, self.arrays), self.arrays is self.format)

    def returned(self, x: Bounded, first: Floats) -> Bounded:
        """The parameters, that were `first`, as they are returned: what was kept in the arrays' type is not rounded
        again, and nothing goes further than to `first`, which is of that type.
        """
        if self.parameters == ON_AVERAGE["parameters"]:
            return Bounded(x.value, x.error + _flushed(x, self.arrays), self.arrays)
        kept = (self.narrow_state and self.parameters != "compensated") or self.parameters == "stochastic"
        nearest = np.minimum(_narrowed(x, self.arrays), 2 * x.error + np.abs(x.value - first))
        return self._returned(x, nearest, kept or self.arrays is self.format)

    def _returned(self, x: Bounded, error: Floats, kept: bool) -> Bounded:
        before = np.zeros(x.shape)
        if self.arrays.digits < SINGLE.digits:
            before = 8 * SINGLE.u * x.largest + 2 * _flushed(x, self.arrays)
        error = np.where(kept & (x.error > 0), x.error + before, error)
        error = np.where((x.error == 0) & (inexact(x.value, self.arrays) == 0), 0.0, error)
        known = np.isfinite(x.value) & ~np.isnan(error)
        return Bounded(np.where(known, x.value, 0.0), np.where(known, error, np.inf), self.arrays)


def arithmetic_of(x: Bounded, conventions: Conventions) -> Arithmetic:
    """For arguments of x's type."""
    narrow = conventions.get("arithmetic") == "narrow"
    format = x.format if narrow else format_of(working_dtype(x.dtype))
    return Arithmetic(
        format,
        x.format,
        conventions.get("state") == "narrow" and format is not x.format,
        conventions.get("hyperparameters") == "working" and format is not DOUBLE,
        conventions.get("lookahead") == "nesterov",
        conventions.get("parameters", "") if x.format.digits < SINGLE.digits else "",
    )


class Average:
    """A moving average (..., n): of each value x, β v + c x with c = 1 − β; or v + c (x − v), or x + β (v − x).

    Roundings, in u: of β where the format does not hold it, and the product with it; of c, and the product; the sum,
    which is exact from v = 0. With a difference instead: of that, unless x is 0, of c, and the product; x + β (v − x),
    which is for β ≤ ½, rounds its sum from v = 0 too. If β is rounded first, c takes over its error. By kind, an
    "average" starts at 0, or "from_one", or at the "first_value", and a "sum" is β v + c x with c = 1 or another
    `gain`, which is 1 less a number that is given; a "sum_from_first" starts at the first value.

    From the second 0 on, of values that are 0 one after another, v is a number of the type that it is kept in: and
    since v itself is as near to βv as (1 − β)v, the nearest is no further. So is β, from 1; and the product of both.
    """

    def __init__(
        self, beta: float, arithmetic: Arithmetic, shape: tuple[int, ...], kind: str = "average", gain: float = 1.0
    ) -> None:
        self.arithmetic, self.sums = arithmetic, kind in ("sum", "sum_from_first")
        self.from_first = kind in ("first_value", "sum_from_first")
        self.value, self.error = np.full(shape, float(kind == "from_one")), np.zeros(shape)
        self.begun, self.idle = kind == "from_one", np.zeros(shape, dtype=bool)
        self.beta, self.c = beta, gain if self.sums else 1 - beta
        inexact_beta = _is_inexact(beta, arithmetic.format)
        made = 1 - self.c != beta if not self.sums else gain != 1
        inexact_c = made or (not self.sums and _is_inexact(self.c, arithmetic.format))
        self.old = 1.0 + inexact_beta
        self.new = inexact_c + float(self.c != 1)
        drift = 1 - gain if self.sums else beta * inexact_beta
        self.drift = drift if arithmetic.rounded_options else 0.0
        self.apart = self.c * (1 + self.new) + self.drift
        self.first = self.c * (1 + inexact_c) + beta + self.drift if 0 < beta <= 0.5 else 0.0

    @classmethod
    def after(cls, v: Bounded, beta: float, arithmetic: Arithmetic, kind: str) -> "Average":
        """From v on, to be kept in no narrower type."""
        average = cls(beta, arithmetic, v.shape, kind)
        average.value, average.error, average.begun = v.value, v.error, True
        return average

    def take(self, x: Bounded) -> Bounded:
        """The average with one value more."""
        return Bounded(*self._taken(x.value, x.error), x.format)

    def through(self, x: Bounded) -> Bounded:
        """The averages after each value along the axis before the last, kept between them in the type of the state."""
        value, error = (np.ascontiguousarray(np.moveaxis(each, -2, 0)) for each in (x.value, x.error))
        values, errors = np.empty_like(value), np.empty_like(value)
        for t in range(len(value)):
            moved = self._moved(value[t], error[t])
            self._taken(value[t], error[t])
            if self.arithmetic.narrow_state:
                self.error = self.arithmetic.kept(Bounded(self.value, self.error, x.format), moved).error
            values[t], errors[t] = self.value, self.error
        return Bounded(np.moveaxis(values, 0, -2), np.moveaxis(errors, 0, -2), x.format)

    def _moved(self, x: Floats, x_error: Floats) -> Floats:
        """How far the next value moves the average, at most; a sum moves by the value, and by what it forgets."""
        v = np.abs(self.value) + 2 * self.error
        if not self.begun and self.from_first:
            return np.abs(x) + 2 * x_error
        if self.sums:
            far = (1 - self.beta) * v + np.abs(x) + 2 * x_error
        else:
            far = self.c * (np.abs(x - self.value) + 2 * (self.error + x_error))
        return np.asarray(far + 4 * self.arithmetic.format.u * (v + np.abs(x) + 2 * x_error))

    def _taken(self, x: Floats, x_error: Floats) -> tuple[Floats, Floats]:
        if self.from_first and not self.begun:
            self.value, self.error, self.begun = x, x_error, True
            return x, x_error
        v, u, tiny = self.value, self.arithmetic.format.u, self.arithmetic.format.tiny
        before, fresh = np.abs(v) + 2 * self.error, np.abs(x) + 2 * x_error
        idle = fresh == 0
        value = self.beta * v + self.c * x
        carried = self.beta * self.error + self.c * x_error
        rounding = self.beta * self.old * before + (self.c * self.new + self.drift) * fresh
        if not self.sums:
            apart = np.abs(x - v) + 2 * (self.error + x_error)
            by_difference = (self.apart if self.begun else self.first) - np.where(idle, self.c, 0.0)
            rounding = np.maximum(rounding, by_difference * apart)
        added = u * (1 + 8 * u) * rounding
        if self.begun:
            added += u * (np.abs(value) + 2 * (carried + added))
        extent = before + fresh
        added += np.where(extent > 0, 3 * tiny, 0.0)
        if self.beta == 0:
            added = np.where(idle, 0.0, added)
        elif self.begun and not self.drift:
            added = np.where(idle & self.idle, np.minimum(added, 3 * (1 - self.beta) * (1 + 8 * u) * before), added)
        error = carried + added
        error[extent > self.arithmetic.format.largest] = np.inf
        self.value, self.error, self.begun, self.idle = value, error, True, idle
        return value, error


def averages(x: Bounded, beta: float, arithmetic: Arithmetic, kind: str = "average") -> Bounded:
    """After each value along the axis before the last."""
    return Average(beta, arithmetic, (*x.shape[:-2], x.shape[-1]), kind).through(x)


def corrections(beta: float, steps: int, arithmetic: Arithmetic) -> Bounded:
    """1 − β^t for t = 1 ... T (T, 1): the power, by products or at once, and the difference, in double.

    With β rounded first, in the format: t roundings of β besides, and the power may be exp(t log β).
    """
    format, t = arithmetic.format, np.arange(1.0, steps + 1)[:, None]
    power = beta**t
    value = 1 - power
    roundings = np.where(t > 1, np.maximum(t - 1, POWER), 0.0)
    difference = np.where(t > 1, 1.0, float(1 - (1 - beta) != beta))
    error = (roundings * power + difference * value) * DOUBLE.u * (1 + 1e-9)
    if arithmetic.rounded_options and beta > 0:
        by_exponential = EXP + (LOG + 1) * t * abs(np.log(beta))
        roundings = np.maximum(roundings, by_exponential) + t * _is_inexact(beta, format)
        error += np.expm1(roundings * np.log1p(format.u)) * power
    if format is not DOUBLE:
        again = np.where(error > 0, 1.0, inexact(value, format)) * (power > 0)
        error += again * format.u * (value + 2 * error)
    return Bounded(value, np.where(power > 0, error, 0.0), format)


def corrected(
    average: Bounded, x: Bounded, beta: float, share: Bounded, arithmetic: Arithmetic, roundings: float
) -> Bounded:
    """The average of x over its share, 1 − β^t; or kept corrected itself: a + w (x − a), w = (1 − β)/(1 − β^t).

    Where x is far from a, that difference makes more of the error than the average does. Its roundings: of the share by
    recursion, in double, 3 a step, or what it loses as 1 − β^t, which for β near 1 is more; of w, three more, one of
    them where it meets the array; the difference, the product and the sum. The first step has w = 1, and is exact. In a
    narrow type an average is not kept so: w is about 1/t, and each step of it rounds, where β v stands still.
    """
    quotient, u, tiny = over(average, share, roundings), arithmetic.format.u, arithmetic.format.tiny
    if arithmetic.format.digits < SINGLE.digits:
        return quotient
    value, error = quotient.value, np.zeros_like(quotient.value)
    of_share, fresh, old = 0.0, x.largest, quotient.largest
    for t in range(value.shape[-2]):
        now = (..., t, slice(None))
        if t == 0:
            error[now] = x.error[now]
            continue
        before = (..., t - 1, slice(None))
        weight = (1 - beta) / share.value[t, 0]
        of_share = (1 - weight) * of_share + 3
        by_power = share.error[t, 0] / share.value[t, 0]
        counted = (max(of_share * DOUBLE.u, by_power) + 3 * DOUBLE.u) / u + 3
        apart = np.abs(x.value[now] - value[before]) + 2 * (error[before] + x.error[now])
        carried = (1 - weight) * error[before] + weight * x.error[now] + u * (1 + 8 * u) * counted * weight * apart
        flushed = np.where(fresh[now] + old[before] > 0, 3 * tiny, 0.0)
        error[now] = carried + u * (np.abs(value[now]) + 2 * carried) * (apart > 0) + flushed
    return Bounded(value, np.maximum(quotient.error, error), quotient.format)


def _is_inexact(x: float, format: Format) -> float:
    return float(inexact(np.asarray(x), format))


def _narrowed(x: Bounded, format: Format) -> Floats:
    """The error of x after one more rounding."""
    return np.asarray(x.error + format.u * x.largest + _flushed(x, format))


def _flushed(x: Bounded, format: Format) -> Floats:
    """What is lost of x where it may be subnormal."""
    small = (np.abs(x.value) - 2 * x.error < format.tiny) & (x.largest > 0)
    return np.where(small, format.tiny, 0.0)
