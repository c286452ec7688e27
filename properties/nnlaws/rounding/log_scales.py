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

from nnlaws.rounding.averages import DOUBLE, SINGLE, Grade
from nnlaws.rounding.counted import given, size
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import EXP, LOG, Bounded, Conventions

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

    def span_error(self, unit: float) -> float:
        """Of the logarithm of the quotient, or the difference of two logarithms."""
        rounding = LOG * (abs(self.low) + abs(self.high)) + self.span + 1
        return unit * (1 + ROOM * unit) * rounding + self.low_off + self.high_off


@np.errstate(all="ignore")
def log_uniform_map(u: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    grade = _graded(u, conventions)
    return _stored(_moved(_turned(u.value, conventions), low, high, grade), grade)


@np.errstate(all="ignore")
def log_uniform_inverse(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    grade = _graded(x, conventions)
    box = _ratios(low, high, grade)
    part = np.log1p((x.value - low) / low) / box.span
    return _stored(_placed(part, grade.wide(x), box, conventions), grade)


@np.errstate(all="ignore")
def log_uniform_density(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    grade = _graded(x, conventions)
    return _stored(_dense(grade.wide(x), _ratios(low, high, grade)), grade)


@np.errstate(all="ignore")
def one_minus_log_uniform_map(u: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    """1 less the map of 1 − low and 1 − high; or, by expm1, the distance from 1 or from an end.

    reverse_log: low + high less the map of 1 − u, the sum or either difference first.
    """
    grade = _graded(u, conventions)
    part, unit = _turned(u.value, conventions), grade.format.u
    if conventions.get("complement") == "reverse_log":
        left = _moved(1 - part, low, high, grade)
        x = low + (high - left.value)
        error = left.error + _sum_off(low, high, grade) + unit * (np.abs(x) + 2 * left.error)
        return _stored(Bounded(x, error, grade.format), grade)
    span = _log_quotient(high - low, 1 - high)
    from_low, from_high = (1 - low) * np.expm1(-span * part), (1 - high) * np.expm1(span * (1 - part))
    x = np.where(part <= 0.5, low - from_low, high - from_high)
    left_error = (1 - x) * _drift(part, _distances(low, high, grade), grade.format)
    apart = np.maximum(np.abs(x), x - low) + 2 * left_error
    return _stored(Bounded(x, left_error + (EXP + 3) * unit * (1 + ROOM * unit) * apart, grade.format), grade)


@np.errstate(all="ignore")
def one_minus_log_uniform_inverse(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    grade = _graded(x, conventions)
    if conventions.get("complement") == "reverse_log":
        left, box = _reflected(x.value, low, high, grade), _ratios(low, high, grade)
    else:
        left, box = _from_one(x.value, grade), _distances(low, high, grade)
    part = np.log1p((x.value - low) / left.value) / box.span
    return _stored(_placed(part, left, box, conventions), grade)


@np.errstate(all="ignore")
def one_minus_log_uniform_density(x: Bounded, *, low: float, high: float, conventions: Conventions) -> Bounded:
    grade = _graded(x, conventions)
    if conventions.get("complement") == "reverse_log":
        return _stored(_dense(_reflected(x.value, low, high, grade), _ratios(low, high, grade)), grade)
    return _stored(_dense(_from_one(x.value, grade), _distances(low, high, grade)), grade)


def _graded(x: Bounded, conventions: Conventions) -> Grade:
    """Double, unless the options are declared to be rounded, or every step to a narrow type."""
    rounded = conventions.get("hyperparameters") == "working"
    format = format_of(working_dtype(x.dtype)) if rounded else DOUBLE
    if conventions.get("arithmetic") == "narrow" and x.format.digits < SINGLE.digits:
        format = x.format
    return Grade(format, x.format, False, rounded and format is not DOUBLE, False)


def _stored(x: Bounded, grade: Grade) -> Bounded:
    """The result as it is returned. On its way from double to a narrow type it may be rounded to float32 too."""
    passing = grade.format is DOUBLE and grade.arrays.digits < SINGLE.digits
    return grade.stored(x.loosened(SINGLE.u * size(x)) if passing else x)


def _turned(u: Floats, conventions: Conventions) -> Floats:
    return 1 - u if conventions.get("direction") == "descending" else u


def _ratios(low: float, high: float, grade: Grade) -> _Box:
    """Of log x."""
    return _box(
        low, high, _log_quotient(high - low, low), _unheld(low, grade) / low, _unheld(high, grade) / high, grade
    )


def _distances(low: float, high: float, grade: Grade) -> _Box:
    """Of log(1 − x). 1 − low and 1 − high are rounded too, once for each of the logarithms that they are part of."""
    left, right = 1 - low, 1 - high
    rounding = 2 * grade.format.u
    low_off, high_off = _unheld(low, grade) / left + rounding, _unheld(high, grade) / right + rounding
    return _box(left, right, _log_quotient(high - low, right), low_off, high_off, grade)


def _box(low: float, high: float, span: float, low_off: float, high_off: float, grade: Grade) -> _Box:
    """Ends that are off by so much, relatively. Of ends or quotients beyond the format's range nothing is promised."""
    least, most = min(low, high), max(low, high)
    held = least >= grade.format.tiny and max(most, most / least) <= min(grade.format.largest, 1 / grade.format.tiny)
    offs = (-np.log1p(-off) if held and off < 1 else np.inf for off in (low_off, high_off))
    return _Box(float(np.log(low)), float(np.log(high)), span, *map(float, offs))


def _log_quotient(difference: float, base: float) -> float:
    """log((base + difference)/base)."""
    return float(np.log1p(difference / base))


def _unheld(end: float, grade: Grade) -> float:
    """What is lost of an end that is rounded first."""
    return float(given(np.asarray(end), grade.format).error) if grade.rounded_options else 0.0


def _sum_off(low: float, high: float, grade: Grade) -> float:
    """How far low + high is off."""
    unheld = _unheld(low, grade) + _unheld(high, grade)
    return unheld + grade.format.u * (low + high + unheld)


def _from_one(x: Floats, grade: Grade) -> Bounded:
    return Bounded(1 - x, grade.format.u * np.abs(1 - x), grade.format)


def _reflected(x: Floats, low: float, high: float, grade: Grade) -> Bounded:
    """low + high − x, in any order."""
    left, off = low + (high - x), _sum_off(low, high, grade)
    return Bounded(left, off + grade.format.u * (left + 2 * off), grade.format)


def _drift(part: Floats, box: _Box, format: Format) -> Floats:
    """How far low^(1−part) high^part is off, relatively.

    In units of u: the logarithms of both ends, in their shares; or of one end, and the share of their distance; three
    times the distance, for its own rounding, that of 1 − part, and the product; three times the exponent, for its sum,
    and for the base where it is not e. Then two exponentials or powers, two products and a quotient.
    """
    near, far, span = abs(box.low), abs(box.high), box.span
    shares = np.maximum((1 - part) * near + part * far, np.maximum(near + part * span, far + (1 - part) * span))
    counted = LOG * shares + 3 * span + 3 * max(near, far) + 2 * EXP + 3
    lost = np.where(part < format.tiny, format.tiny * span, 0.0)
    unit = format.u
    return np.expm1(unit * (1 + ROOM * unit) * counted + lost + (1 - part) * box.low_off + part * box.high_off)


def _moved(part: Floats, low: float, high: float, grade: Grade) -> Bounded:
    """low^(1−part) high^part."""
    box = _ratios(low, high, grade)
    value = np.where(part <= 0.5, low * np.exp(box.span * part), high * np.exp(box.span * (part - 1)))
    return Bounded(value, value * _drift(part, box, grade.format), grade.format)


def _placed(part: Floats, left: Bounded, box: _Box, conventions: Conventions) -> Bounded:
    """A quotient of logarithms: of `left` and either end, and of both ends; or 1 less that."""
    unit, off = left.format.u, -np.log1p(-left.error / left.value)
    far, whole = max(abs(box.low), abs(box.high)), box.span_error(left.format.u)
    rounding = LOG * (np.abs(np.log(left.value)) + far) + box.span + 3
    above = unit * (1 + ROOM * unit) * rounding + off + max(box.low_off, box.high_off)
    error = (above + part * whole) / (box.span - whole) if whole < box.span else np.full(part.shape, np.inf)
    return Bounded(_turned(part, conventions), error + unit * (2 + 4 * error), left.format)


def _dense(left: Bounded, box: _Box) -> Bounded:
    """1/(left span): a product and its reciprocal, two quotients, or the exponential of −log left − log span."""
    unit, value, whole = left.format.u, 1 / (left.value * box.span), box.span_error(left.format.u)
    off = -np.log1p(-left.error / left.value) - np.log1p(-whole / box.span)
    least, most = (pick(left.value * box.span, left.value) for pick in (np.minimum, np.maximum))
    held = (least >= left.format.tiny) & (most <= left.format.largest) & (1 / least <= left.format.largest)
    logs = LOG * (np.abs(np.log(left.value)) + abs(np.log(box.span))) + np.abs(np.log(value)) + EXP
    error = value * np.expm1(off + np.maximum(3, logs) * unit * (1 + ROOM * unit))
    small = np.where(value - 2 * error < left.format.tiny, left.format.tiny, 0.0)
    return Bounded(value, np.where(held, error + small, np.inf), left.format)
