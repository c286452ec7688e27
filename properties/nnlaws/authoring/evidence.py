"""Evidence: what a law saw, and how much of the allowed rounding was used at the worst element."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from nnlaws_spec.numbers import Enclosure

from nnlaws.rounding.formats import Floats, Format

SMALLEST = 2.0**-1074  # in place of a limit of 0, which 0/0 would make NaN


@dataclass(frozen=True)
class Element:
    """The worst element of one array: what was computed there, what it should be, and how far off that is.

    result: its name. index: within the result of one call, () for a scalar. want, rest: the exact value is
    want + rest, known within radius. off, allowed: |got − exact| and its bound; ulp: the spacing of the format at the
    exact value, to measure both in.
    """

    index: tuple[int, ...]
    got: float
    want: float
    rest: float
    radius: float
    off: float
    allowed: float
    ulp: float
    result: str = ""


@dataclass(frozen=True)
class Evidence:
    """ratio: used/allowed at the worst element, the law holds where it is ≤ 1. lane: which array of the batch that was.

    got, want: the results of that lane, float64. expected: what `want` is, in words. reason: why, where no number
    says it. finest: the ratio under the tightest bound, where the operation has a tighter one.
    """

    ratio: float
    lane: int = 0
    element: Element | None = None
    got: Floats | None = None
    want: Floats | None = None
    expected: str = "the exact value"
    reason: str = ""
    finest: float | None = None

    @property
    def holds(self) -> bool:
        return self.ratio <= 1


def compare(
    got: Floats,
    exact: Enclosure,
    allowed: Floats,
    format: Format,
    expected: str = "the exact value",
    result: str = "",
    told: bool = False,
) -> Evidence:
    """|got − exact| against allowed, elementwise, over a batch: the first axis counts lanes.

    told: whether the worst element is told where it is right, too. NaN never fits. Where the exact value is, or within
    rounding may be, beyond an end of the format's range, the infinity of that end fits.
    """
    with np.errstate(all="ignore"):
        error = np.abs((got - exact.hi) - exact.lo)
        limit = allowed + exact.radius
        most = float((error / np.maximum(limit, SMALLEST)).max(initial=0.0))
        if most < 1 and not told:  # so that no number is NaN, and none infinite
            return Evidence(most, expected=expected)
        used = np.where(error == 0, 0.0, error / limit)
        used = np.where(np.isnan(limit) | np.isposinf(limit), 0.0, used)
        above = (exact.hi + limit > format.largest) & np.isposinf(got)
        below = (exact.hi - limit < -format.largest) & np.isneginf(got)
        used = np.where(above | below, 0.0, np.where(np.isnan(got) | np.isnan(used), np.inf, used))
        if used.size == 0:
            return Evidence(0.0, expected=expected)
        worst = int(np.argmax(used))
        ratio = float(used.flat[worst])
        if ratio <= 1 and not told:
            return Evidence(ratio, expected=expected)
        place = np.unravel_index(worst, used.shape)
        lane, index = int(place[0]), tuple(int(i) for i in place[1:])
        element = Element(
            index=index,
            got=float(got[place]),
            want=float(exact.hi[place]),
            rest=float(exact.lo[place]),
            radius=float(exact.radius[place]),
            off=float(error[place]),
            allowed=float(limit[place]),
            ulp=float(format.ulp(np.asarray(exact.hi[place]))),
            result=result,
        )
    return Evidence(ratio, lane, element, got[lane], exact.hi[lane], expected)


def agree(got: Floats, other: Floats, allowed: Floats, format: Format, expected: str, result: str = "") -> Evidence:
    """The same for two results of one implementation; `expected` says which the other is."""
    exact = Enclosure(other, np.zeros_like(other), np.zeros_like(other))
    return compare(got, exact, allowed, format, expected, result)


def require(holds: Any, reason: str, got: Floats | None = None) -> Evidence:
    """Evidence of a law that is either kept or not, lane by lane (`holds` has one entry a lane, or is one bool)."""
    kept = np.atleast_1d(np.asarray(holds, dtype=bool))
    if kept.all():
        return Evidence(0.0)
    lane = int(np.argmin(kept))
    return Evidence(np.inf, lane, got=None if got is None else got[lane], reason=reason)


def worst(*evidence: Evidence) -> Evidence:
    """The evidence of the largest ratio."""
    return max(evidence, key=lambda seen: seen.ratio)
