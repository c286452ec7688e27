"""Balls: midpoint ± radius, proven to hold the exact value (python-flint's `arb` in object arrays).

NumPy's `np.exp`, `np.log`, `.sum()` and the operators work on such arrays as they are, so a formula of
`nnlaws_spec.formulas` runs on them unchanged. Balls do not overflow: the literal e^z / Σ e^z holds at z = 1e308.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import ArrayLike, NDArray

FIRST_PRECISION = 128
LAST_PRECISION = 2**15  # bits; z = 1e308 in float64 needs about 1,100, so this is reached by undefined values only


BEYOND = (arb(2) ** 54 - 1) * arb(2) ** 970  # from here on, the nearest float64 is an infinity


class PrecisionError(ArithmeticError):
    """No precision made the enclosure small enough: the formula is undefined at these arguments."""


class Undecided(PrecisionError):
    """A formula's choice depends on more digits than the precision at hand has."""


@dataclass(frozen=True)
class Enclosure:
    """An array of exact values x with |x − (hi + lo)| ≤ radius, elementwise.

    hi is the nearest float64, lo what hi leaves: about 106 bits together, so a float64 result can be compared without
    losing the answer to the comparison's own rounding. Where hi is ±inf, x is that infinity or beyond float64's range.
    """

    hi: NDArray[np.float64]
    lo: NDArray[np.float64]
    radius: NDArray[np.float64]

    def __getitem__(self, key: Any) -> "Enclosure":
        return Enclosure(self.hi[key], self.lo[key], self.radius[key])


def balls(x: ArrayLike) -> NDArray[np.object_]:
    """x, lifted exactly: every float is a ball of radius 0.

    Accepts any float dtype that float64 holds (bfloat16 too).
    """
    return np.asarray(_lift(np.asarray(x).astype(np.float64).astype(object)), dtype=object)


def enclose(formula: Callable[..., Any], *arguments: ArrayLike, within: ArrayLike) -> Enclosure:
    """formula(*arguments), exactly: the precision doubles until every radius is at most `within`.

    within: an absolute radius, broadcast against the result: the largest that its use can bear.
    Raises PrecisionError where no precision suffices, as for 0/0.
    """
    lifted = [balls(argument) for argument in arguments]
    precision = FIRST_PRECISION
    while precision <= LAST_PRECISION:
        with ctx.workprec(precision), suppress(Undecided):
            result = np.asarray(formula(*lifted), dtype=object)
            hi, lo, radius = (np.asarray(part, dtype=np.float64) for part in _split(result))
            if np.all(radius <= np.asarray(within)):
                return Enclosure(hi, lo, radius)
        precision *= 2
    raise PrecisionError(
        f"{getattr(formula, '__name__', formula)} has no value within {np.min(within):.3g} at these arguments, "
        f"even at {LAST_PRECISION} bits: is it defined there (0/0, inf − inf)?"
    )


def _split_one(x: arb) -> tuple[float, float, float]:
    hi = float(x)
    if isinf(hi):
        proven = x.rad().is_finite() and not x.abs_lower() < BEYOND
        return hi, 0.0, 0.0 if proven else inf
    rest = x - hi
    lo = float(rest)
    if not rest.is_finite():
        return hi, lo, inf
    return hi, lo, (float(rest.rad()) + abs(lo) * 2.0**-53) * (1 + 2.0**-50) + 2.0**-1074


_lift = np.frompyfunc(arb, 1, 1)
_split = np.frompyfunc(_split_one, 1, 3)
