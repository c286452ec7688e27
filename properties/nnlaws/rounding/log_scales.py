"""How far rounding may carry a map between u in [0, 1] and a hyperparameter, its inverse and its density.

Each function takes bounded u or x without an error, of any shape, and covers the sound algorithms for one operation:
exponentials of logarithms, powers of either end or of their quotient, logarithms of quotients or differences of
logarithms, to base e, 2 or 10, with or without log1p and expm1. The norm computes all in double, whatever the array's
type, and rounds the result once. `hyperparameters: working` rounds low and high to the type computed in first, and
computes all there; `arithmetic: narrow` rounds every step to the array's own type.

Below, `left` is the number whose logarithm counts: x, 1 − x, or low + high − x. What a logarithm is off is the relative
error of its number. `part` is how far from low towards high, whatever the direction.
"""

from dataclasses import dataclass

import numpy as np
from nnlaws_reference.dtypes import working_dtype

from nnlaws.rounding.averages import DOUBLE, SINGLE, Arithmetic
from nnlaws.rounding.counted import given
from nnlaws.rounding.elementary import ELEMENTARY
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import EXP, LOG, Bounded, Conventions, log_units

EXPM1 = ELEMENTARY["expm1"].units
ROOM = 4 * LOG
"""Of terms of second order: an error of n u is no larger than n u (1 + ROOM u), for few roundings follow on any."""


@dataclass(frozen=True)
class _Box:
    """The logarithms of both ends, the distance between them, and how far each is off before it is taken."""

    low: float
    high: float
    span: float
    low_off: float
    high_off: float

    def span_error(self, format: Format) -> float:
        """Of the logarithm of the quotient, or the difference of two logarithms."""
        rounding, unit = log_units(format) * (abs(self.low) + abs(self.high)) + self.span + 1, format.u
        return unit * (1 + ROOM * unit) * rounding + self.low_off + self.high_off


@np.errstate(all="ignore")
def log_uniform_map(u: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    arithmetic = _arithmetic(u, conventions)
    return _stored(_moved(_turned(u.value, conventions), low, high, arithmetic), arithmetic)


@np.errstate(all="ignore")
def log_uniform_inverse(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    arithmetic = _arithmetic(x, conventions)
    box = _ratios(low, high, arithmetic)
    part = np.log1p((x.value - low) / low) / box.span
    return _stored(_placed(part, arithmetic.wide(x), box, conventions), arithmetic)


@np.errstate(all="ignore")
def log_uniform_density(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    arithmetic = _arithmetic(x, conventions)
    return _stored(_dense(arithmetic.wide(x), _ratios(low, high, arithmetic)), arithmetic)


@np.errstate(all="ignore")
def one_minus_log_uniform_map(u: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    """1 less the map of 1 − low and 1 − high; or, by expm1, the distance from 1 or from an end.

    reverse_log: low + high less the map of 1 − u, the sum or either difference first.
    """
    arithmetic = _arithmetic(u, conventions)
    part, unit = _turned(u.value, conventions), arithmetic.format.u
    if conventions.get("complement") == "reverse_log":
        left = _moved(1 - part, low, high, arithmetic)
        x = low + (high - left.value)
        error = left.error + _sum_off(low, high, arithmetic) + unit * (np.abs(x) + 2 * left.error)
        return _stored(Bounded(x, error, arithmetic.format), arithmetic)
    span = _log_quotient(high - low, 1 - high)
    from_low, from_high = (1 - low) * np.expm1(-span * part), (1 - high) * np.expm1(span * (1 - part))
    x = np.where(part <= 0.5, low - from_low, high - from_high)
    left_error = (1 - x) * _drift(part, _distances(low, high, arithmetic), arithmetic.format)
    apart = np.maximum(np.abs(x), x - low) + 2 * left_error
    return _stored(
        Bounded(x, left_error + (EXPM1 + 3) * unit * (1 + ROOM * unit) * apart, arithmetic.format), arithmetic
    )


@np.errstate(all="ignore")
def one_minus_log_uniform_inverse(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    arithmetic = _arithmetic(x, conventions)
    if conventions.get("complement") == "reverse_log":
        left, box = _reflected(x.value, low, high, arithmetic), _ratios(low, high, arithmetic)
    else:
        left, box = _from_one(x.value, arithmetic), _distances(low, high, arithmetic)
    part = np.log1p((x.value - low) / left.value) / box.span
    return _stored(_placed(part, left, box, conventions), arithmetic)


@np.errstate(all="ignore")
def one_minus_log_uniform_density(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    arithmetic = _arithmetic(x, conventions)
    if conventions.get("complement") == "reverse_log":
        return _stored(_dense(_reflected(x.value, low, high, arithmetic), _ratios(low, high, arithmetic)), arithmetic)
    return _stored(_dense(_from_one(x.value, arithmetic), _distances(low, high, arithmetic)), arithmetic)


def _arithmetic(x: Bounded, conventions: Conventions) -> Arithmetic:
    """Double, unless the options are declared to be rounded, or every step to a narrow type."""
    rounded = conventions.get("hyperparameters") == "working"
    format = format_of(working_dtype(x.dtype)) if rounded else DOUBLE
    if conventions.get("arithmetic") == "narrow" and x.format.digits < SINGLE.digits:
        format = x.format
    return Arithmetic(format, x.format, False, rounded and format is not DOUBLE, False)


def _stored(x: Bounded, arithmetic: Arithmetic) -> Bounded:
    """The result as it is returned. On its way from double to a narrow type it may be rounded to float32 too."""
    passing = arithmetic.format is DOUBLE and arithmetic.arrays.digits < SINGLE.digits
    return arithmetic.stored(x.loosened(SINGLE.u * x.largest) if passing else x)


def _turned(u: Floats, conventions: Conventions) -> Floats:
    return 1 - u if conventions.get("direction") == "descending" else u


def _ratios(low: float, high: float, arithmetic: Arithmetic) -> _Box:
    """Of log x."""
    return _box(
        low,
        high,
        _log_quotient(high - low, low),
        _unheld(low, arithmetic) / low,
        _unheld(high, arithmetic) / high,
        arithmetic,
    )


def _distances(low: float, high: float, arithmetic: Arithmetic) -> _Box:
    """Of log(1 − x). 1 − low and 1 − high are rounded too, once for each of the logarithms that they are part of."""
    left, right = 1 - low, 1 - high
    rounding = 2 * arithmetic.format.u
    low_off, high_off = _unheld(low, arithmetic) / left + rounding, _unheld(high, arithmetic) / right + rounding
    return _box(left, right, _log_quotient(high - low, right), low_off, high_off, arithmetic)


def _box(low: float, high: float, span: float, low_off: float, high_off: float, arithmetic: Arithmetic) -> _Box:
    """Ends that are off by so much, relatively. Of ends or quotients beyond the format's range nothing is promised."""
    least, most = min(low, high), max(low, high)
    held = least >= arithmetic.format.tiny and max(most, most / least) <= min(
        arithmetic.format.largest, 1 / arithmetic.format.tiny
    )
    offs = (-np.log1p(-off) if held and off < 1 else np.inf for off in (low_off, high_off))
    return _Box(float(np.log(low)), float(np.log(high)), span, *map(float, offs))


def _log_quotient(difference: float, base: float) -> float:
    """log((base + difference)/base)."""
    return float(np.log1p(difference / base))


def _unheld(end: float, arithmetic: Arithmetic) -> float:
    """What is lost of an end that is rounded first."""
    return float(given(np.asarray(end), arithmetic.format).error) if arithmetic.rounded_options else 0.0


def _sum_off(low: float, high: float, arithmetic: Arithmetic) -> float:
    """How far low + high is off."""
    unheld = _unheld(low, arithmetic) + _unheld(high, arithmetic)
    return unheld + arithmetic.format.u * (low + high + unheld)


def _from_one(x: Floats, arithmetic: Arithmetic) -> Bounded:
    return Bounded(1 - x, arithmetic.format.u * np.abs(1 - x), arithmetic.format)


def _reflected(x: Floats, low: float, high: float, arithmetic: Arithmetic) -> Bounded:
    """low + high − x, in any order."""
    left, off = low + (high - x), _sum_off(low, high, arithmetic)
    return Bounded(left, off + arithmetic.format.u * (left + 2 * off), arithmetic.format)


def _drift(part: Floats, box: _Box, format: Format) -> Floats:
    """How far low^(1−part) high^part is off, relatively.

    In units of u: the logarithms of both ends, in their shares; or of one end, and the share of their distance; three
    times the distance, for its own rounding, that of 1 − part, and the product; three times the exponent, for its sum,
    and for the base where it is not e. Then two exponentials or powers, two products and a quotient.
    """
    near, far, span = abs(box.low), abs(box.high), box.span
    shares = np.maximum((1 - part) * near + part * far, np.maximum(near + part * span, far + (1 - part) * span))
    counted = log_units(format) * shares + 3 * span + 3 * max(near, far) + 2 * EXP + 3
    lost = np.where(part < format.tiny, format.tiny * span, 0.0)
    unit = format.u
    return np.expm1(unit * (1 + ROOM * unit) * counted + lost + (1 - part) * box.low_off + part * box.high_off)


def _moved(part: Floats, low: float, high: float, arithmetic: Arithmetic) -> Bounded:
    """low^(1−part) high^part."""
    box = _ratios(low, high, arithmetic)
    value = np.where(part <= 0.5, low * np.exp(box.span * part), high * np.exp(box.span * (part - 1)))
    return Bounded(value, value * _drift(part, box, arithmetic.format), arithmetic.format)


def _placed(part: Floats, left: Bounded, box: _Box, conventions: Conventions) -> Bounded:
    """A quotient of logarithms: of `left` and either end, and of both ends; or 1 less that."""
    unit, off = left.format.u, -np.log1p(-left.error / left.value)
    far, whole = max(abs(box.low), abs(box.high)), box.span_error(left.format)
    rounding = log_units(left.format) * (np.abs(np.log(left.value)) + far) + box.span + 3
    above = unit * (1 + ROOM * unit) * rounding + off + max(box.low_off, box.high_off)
    error = (above + part * whole) / (box.span - whole) if whole < box.span else np.full(part.shape, np.inf)
    return Bounded(_turned(part, conventions), error + unit * (2 + 4 * error), left.format)


def _dense(left: Bounded, box: _Box) -> Bounded:
    """1/(left span): a product and its reciprocal, two quotients, or the exponential of −log left − log span."""
    unit, value, whole = left.format.u, 1 / (left.value * box.span), box.span_error(left.format)
    off = -np.log1p(-left.error / left.value) - np.log1p(-whole / box.span)
    least, most = (pick(left.value * box.span, left.value) for pick in (np.minimum, np.maximum))
    held = (least >= left.format.tiny) & (most <= left.format.largest) & (1 / least <= left.format.largest)
    logs = log_units(left.format) * (np.abs(np.log(left.value)) + abs(np.log(box.span))) + np.abs(np.log(value)) + EXP
    error = value * np.expm1(off + np.maximum(3, logs) * unit * (1 + ROOM * unit))
    small = np.where(value - 2 * error < left.format.tiny, left.format.tiny, 0.0)
    return Bounded(value, np.where(held, error + small, np.inf), left.format)
