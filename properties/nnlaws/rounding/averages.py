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

SINGLE, DOUBLE = format_of(np.dtype(np.float32)), format_of(np.dtype(np.float64))


@dataclass(frozen=True)
class Arithmetic:
    """The format computed in, that of the arrays, and what is rounded besides: by the conventions declared."""

    format: Format
    arrays: Format
    narrow_state: bool
    rounded_options: bool
    lookahead: bool

    def wide(self, x: Bounded) -> Bounded:
        """An argument in the type computed in; what is subnormal there may be read as 0."""
        subnormal = (x.value != 0) & (np.abs(x.value) < self.format.tiny)
        return Bounded(x.value, x.error + np.where(subnormal, self.format.tiny, 0.0), self.format)

    def kept(self, x: Bounded, touched: NDArray[np.bool_]) -> Bounded:
        """State, or parameters, as they are kept from one step to the next. Past the type's range they are lost."""
        if not self.narrow_state:
            return x
        error = np.where(x.largest > self.arrays.largest, np.inf, _narrowed(x, self.arrays))
        return Bounded(x.value, np.where(touched, error, x.error), self.format)

    def stored(self, x: Bounded, kept: bool = False) -> Bounded:
        """A result as it is returned. What is of the arrays' type already, as is what was `kept` in it, is not rounded
        again; but an implementation of the default convention rounds it to float32 before, and may flush it both times.
        """
        already = (self.arrays is self.format or (kept and self.narrow_state)) & (x.error > 0)
        before = np.zeros(x.shape)
        if self.arrays.digits < SINGLE.digits:
            before = 8 * SINGLE.u * x.largest + 2 * _flushed(x, self.arrays)
        error = np.where(already, x.error + before, _narrowed(x, self.arrays))
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
    )


class Average:
    """A moving average (..., n): of each value x, β v + c x with c = 1 − β; or v + c (x − v), or x + β (v − x).

    Roundings, in u: of β where the format does not hold it, and the product with it; of c, and the product; the sum,
    which is exact from v = 0. With a difference instead: of that, of c, and the product; x + β (v − x), which is for
    β ≤ ½, rounds its sum from v = 0 too. If β is rounded first, c takes over its error. By kind, an "average" starts at
    0, or "from_one", or at the "first_value", and a "sum" is β v + x.
    """

    def __init__(self, beta: float, arithmetic: Arithmetic, shape: tuple[int, ...], kind: str = "average") -> None:
        self.arithmetic, self.kind = arithmetic, kind
        self.value, self.error = np.full(shape, float(kind == "from_one")), np.zeros(shape)
        self.begun = kind == "from_one"
        self.beta, self.c = beta, 1.0 if kind == "sum" else 1 - beta
        inexact_beta = _is_inexact(beta, arithmetic.format)
        inexact_c = kind != "sum" and (1 - self.c != beta or _is_inexact(self.c, arithmetic.format))
        self.old = 1.0 + inexact_beta
        self.new = inexact_c + float(self.c != 1)
        self.drift = beta * inexact_beta if arithmetic.rounded_options and kind != "sum" else 0.0
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
            self._taken(value[t], error[t])
            if self.arithmetic.narrow_state:
                kept = self.arithmetic.kept(
                    Bounded(self.value, self.error, x.format), np.abs(self.value) + self.error > 0
                )
                self.error = kept.error
            values[t], errors[t] = self.value, self.error
        return Bounded(np.moveaxis(values, 0, -2), np.moveaxis(errors, 0, -2), x.format)

    def _taken(self, x: Floats, x_error: Floats) -> tuple[Floats, Floats]:
        if self.kind == "first_value" and not self.begun:
            self.value, self.error, self.begun = x, x_error, True
            return x, x_error
        v, u = self.value, self.arithmetic.format.u
        before, fresh = np.abs(v) + 2 * self.error, np.abs(x) + 2 * x_error
        value = self.beta * v + self.c * x
        error = self.beta * self.error + self.c * x_error
        rounding = self.beta * self.old * before + (self.c * self.new + self.drift) * fresh
        if self.kind != "sum":
            apart = np.abs(x - v) + 2 * (self.error + x_error)
            rounding = np.maximum(rounding, (self.apart if self.begun else self.first) * apart)
        error += u * (1 + 8 * u) * rounding
        if self.begun:
            error += u * (np.abs(value) + 2 * error)
        extent = before + fresh
        error += np.where(extent > 0, 3 * self.arithmetic.format.tiny, 0.0)
        error[extent > self.arithmetic.format.largest] = np.inf
        self.value, self.error, self.begun = value, error, True
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
    recursion, in double, 3 a step; of w, three more, one of them where it meets the array; the difference, the product
    and the sum. The first step has w = 1, and is exact.
    """
    quotient, u, tiny = over(average, share, roundings), arithmetic.format.u, arithmetic.format.tiny
    value, error = quotient.value, np.zeros_like(quotient.value)
    of_share = 0.0
    for t in range(value.shape[-2]):
        now = (..., t, slice(None))
        if t == 0:
            error[now] = x.error[now]
            continue
        before = (..., t - 1, slice(None))
        weight = (1 - beta) / share.value[t, 0]
        of_share = (1 - weight) * of_share + 3
        counted = (of_share + 3) * DOUBLE.u / u + 3
        apart = np.abs(x.value[now] - value[before]) + 2 * (error[before] + x.error[now])
        carried = (1 - weight) * error[before] + weight * x.error[now] + u * (1 + 8 * u) * counted * weight * apart
        flushed = np.where(x.largest[now] + quotient.largest[before] > 0, 3 * tiny, 0.0)
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
