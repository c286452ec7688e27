"""Products, quotients, sums and roots of bounded numbers, with as many roundings each as any order of them takes.

Unlike those of `nnlaws.rounding.number`, which round once, they count: 2 for a quotient that may be a product with the
reciprocal. What is exactly 0 stays so.
"""

import numpy as np

from nnlaws.rounding.formats import Floats, Format
from nnlaws.rounding.number import Bounded


def given(x: Floats, format: Format) -> Bounded:
    """Numbers in double, each rounded to the format if it does not hold it."""
    rounding = format.u * np.abs(x) + np.where(np.abs(x) < format.tiny, format.tiny, 0.0)
    return Bounded(x, inexact(x, format) * rounding, format)


def inexact(x: Floats, format: Format) -> Floats:
    """1 where the format does not hold x, else 0. A subnormal it may flush, so it does not hold it."""
    with np.errstate(over="ignore"):
        held = x.astype(format.dtype).astype(np.float64) == x
    return np.where(held & ((x == 0) | (np.abs(x) >= format.tiny)), 0.0, 1.0)


def times(a: Bounded, b: Bounded, roundings: float) -> Bounded:
    error = np.abs(a.value) * b.error + np.abs(b.value) * a.error + 3 * a.error * b.error
    return _rounded(a.value * b.value, error, roundings, a.format, (a.largest == 0) | (b.largest == 0))


def square(x: Bounded) -> Bounded:
    """x², with one rounding; nothing is promised where it passes the format's range."""
    largest = x.format.largest**0.5
    value = np.clip(x.value, -largest, largest)
    error = (2 * np.abs(value) + 3 * x.error) * x.error
    result = _rounded(value * value, error, 1, x.format, x.largest == 0)
    return result.loosened(np.where(x.largest > largest, np.inf, 0.0))


def plus(a: Bounded, b: Bounded) -> Bounded:
    return _rounded(a.value + b.value, a.error + b.error, 1, a.format, (a.largest == 0) & (b.largest == 0))


def over(a: Bounded, b: Bounded, roundings: float, least: float = 0.0) -> Bounded:
    """a/b for b > 0, of which no computed one is below `least`."""
    nearest = np.maximum(b.value - 2 * b.error, least)
    largest = (np.abs(a.value) + a.error) / np.maximum(b.value - b.error, least)
    error = np.where(nearest > 0, (a.error + np.where(b.error > 0, largest * b.error, 0.0)) / nearest, np.inf)
    value = np.where(b.value > 0, a.value / b.value, 0.0)
    return _rounded(value, error, roundings, a.format, (a.largest == 0) & (nearest > 0))


def root(x: Bounded, roundings: float) -> Bounded:
    """√x: |√c − √x| = |c − x|/(√c + √x), and at most √E. No computed x is below 0."""
    below, lowest = (np.maximum(x.value - k * x.error, 0.0) for k in (1, 2))
    error = np.fmin(np.sqrt(x.error), x.error / (np.sqrt(below) + np.sqrt(lowest)))
    return _rounded(np.sqrt(np.maximum(x.value, 0.0)), error, roundings, x.format, x.largest == 0)


def _rounded(value: Floats, error: Floats, roundings: float, format: Format, nothing: Floats) -> Bounded:
    """`nothing`: where the result is exactly 0."""
    u, magnitude = roundings * format.u, np.abs(value)
    small = magnitude - 2 * error < format.tiny
    total = error + u * (1 + u) * (magnitude + 2 * error) + np.where(small, roundings * format.tiny, 0.0)
    return Bounded(value, np.where(nothing, 0.0, np.where(np.isnan(total), np.inf, total)), format)
