"""How far rounding may carry softmax and log-softmax of bounded logits, whatever is made of them.

`conventions` may hold `normalisation: lse | logaddexp`, `exponential: scaled_first` and `arithmetic: narrow` (SM-1):
each admits more.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import working_dtype

from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import EXP, LOG, Bounded, join

BY_LSE = ("lse", "logaddexp")


def working(x: Bounded, conventions: Mapping[str, str]) -> Bounded:
    return x if conventions.get("arithmetic") == "narrow" else x.astype(working_dtype(x.dtype))


def where_out_of_range(size: Floats, z: Bounded) -> Floats:
    """Infinite where a number of that size may pass half of the range of z's own type."""
    return np.where(size > z.format.largest / 2, np.inf, 0.0)


def probabilities(z: Bounded, conventions: Mapping[str, str]) -> Bounded:
    """e/s; e·(1/s) and e^{z − max − log s}, both no worse than the second route; and e^{z − LSE} where declared.

    All of them by powers of e or of 2: see `rows`.
    """
    row = rows(z, conventions)
    routes = [row.exponentials / row.total, np.exp(row.shifted - row.logarithm)]
    if conventions.get("normalisation") in BY_LSE:
        routes.append(np.exp(row.logits - row.log_sum_exp))
    return _promised(join(*routes), row, conventions)


def log_probabilities(z: Bounded, conventions: Mapping[str, str]) -> Bounded:
    """z − max − log s; z − LSE where declared. And, with `exponential = scaled_first`, each of them in base 2 and
    multiplied by ln 2 at the end: the constant and the product round once more each.
    """
    row = rows(z, conventions)
    routes = [row.plain - row.logarithm]
    if conventions.get("normalisation") in BY_LSE:
        routes.append(row.logits - row.log_sum_exp)
    if conventions.get("exponential") == "scaled_first":
        routes += [_twice_rounded(each) for each in (row.shifted - row.logarithm, *routes[1:])]
    return _promised(join(*routes), row, conventions)


@dataclass(frozen=True)
class Rows:
    """Of each row: its logits and their maximum; z − max as it is, and as a base of 2 has it in its exponent; the
    exponentials of that, their sum and its logarithm; and by how much LSE errs besides, where it is accumulated.
    """

    logits: Bounded
    highest: Bounded
    plain: Bounded
    shifted: Bounded
    exponentials: Bounded
    total: Bounded
    logarithm: Bounded
    accumulated: Floats

    @property
    def log_sum_exp(self) -> Bounded:
        """LSE = max + log s."""
        return (self.highest + self.logarithm).loosened(self.accumulated)


def rows(z: Bounded, conventions: Mapping[str, str]) -> Rows:
    """z − max z, its exponential, and the sum of those, in one pass over the row or in the passes of an online softmax.

    An online algorithm (Milakov and Gimelshein 2018) multiplies what it has summed by e^{old max − new max} whenever
    the maximum grows. However it orders or merges the row, the term of class i is so rescaled at most once for each
    class with a larger logit, and each time errs by one exponential and one product more.

    With d = max z − z, kernels whose hardware has powers of 2 compute e^−d as 2^{−d log₂e}, and divide by s or subtract
    log₂ s: the constant and the product round d twice more. And log s is log₂ s · ln 2, which is two roundings more.
    With `exponential = scaled_first` z log₂e − max(z) log₂e takes the place of −d log₂e: its two products, fused with
    the difference or not, err by u|z| and u|max z|. The constant, being one, still only scales d.
    """
    u = z.format.u
    if conventions.get("exponential") == "scaled_first":
        z = z.loosened((1 + 4 * u) * u * np.abs(z.value) + z.format.tiny)
    highest = z.max(axis=-1, keepdims=True)
    plain = z - highest
    shifted: Any = _twice_rounded(plain)
    e = np.exp(shifted)
    with np.errstate(invalid="ignore"):  # 0 times unbounded
        rescaling = ((EXP + 1) * u * larger(z.value) * (e.value + e.error)).sum(axis=-1, keepdims=True)
    s = e.sum(axis=-1, keepdims=True).loosened(rescaling)
    return Rows(z, highest, plain, shifted, e, s, _twice_rounded(np.log(s)), _accumulated(z, conventions))


def _accumulated(z: Bounded, conventions: Mapping[str, str]) -> Floats:
    """By how much LSE errs where it is added up by log(e^a + e^b) = max + log(1 + e^−d), d = |a − b|, in any order.

    With weights that are not negative and sum to 1, a and b pass on no more than the larger of their errors. A step
    adds u of d, which comes to u d e^−d; what the exponential and the logarithm of 1 + e^−d lose, each of at most 1 and
    ln 2; and u of its sum, the LSE of some of the classes: at most max |z| + ln C. What is masked is no step.
    """
    if conventions.get("normalisation") != "logaddexp":
        return np.zeros((*z.shape[:-1], 1))
    there = np.isfinite(z.value)
    size = np.where(there, np.abs(z.value) + 2 * z.error, 0.0).max(axis=-1, keepdims=True, initial=0.0)
    steps = np.maximum(there.sum(axis=-1, keepdims=True) - 1, 0)
    return np.asarray(steps * z.format.u * (1 + 2.0**-6) * (size + np.log(steps + 1) + EXP + LOG + 1))


def larger(z: Floats) -> Floats:
    """Of each logit, how many of its row are larger: its place when they are sorted, the first of those that are equal.

    In a row with NaN, of which nothing is promised, it is any number.
    """
    order = np.argsort(-z, axis=-1)
    falling = np.take_along_axis(z, order, axis=-1)
    first = np.broadcast_to(np.arange(float(z.shape[-1])), z.shape).copy()
    first[..., 1:] *= falling[..., 1:] != falling[..., :-1]
    larger = np.empty_like(first)
    np.put_along_axis(larger, order, np.maximum.accumulate(first, axis=-1), axis=-1)
    return larger


def _twice_rounded(x: Bounded) -> Bounded:
    """x times a rounded constant that changes its base."""
    units = 2 * x.format.u + x.format.u**2
    return x.loosened(units * np.abs(x.value) + 2 * units * x.error)  # in two parts: their sum may overflow


def _promised(x: Bounded, row: Rows, conventions: Mapping[str, str]) -> Bounded:
    """x, unbounded in rows where rounding may carry an exponent, of 0 or less, to half of where e^x overflows: what is
    computed of such exponentials may be anything, NaN too. Only `exponential = scaled_first` rounds so: from |z| of
    about ln(largest)/8u on. Nor is anything promised where z log₂e, or (z − max) log₂e, may be out of range.
    """
    if conventions.get("exponential") != "scaled_first":
        return x
    highest = (row.shifted.value + 2 * row.shifted.error).max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        size = np.abs(row.logits.value) + np.abs(row.highest.value)
        unmasked = np.where(np.isfinite(row.logits.value), size, 0.0)
        scaled = (unmasked * math.log2(math.e)).max(axis=-1, keepdims=True)
    kept = (highest < math.log(x.format.largest) / 2) & (scaled < x.format.largest)
    return Bounded(np.where(kept, x.value, 0.0), np.where(kept, x.error, np.inf), x.format, x.nonnegative)
