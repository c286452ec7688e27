"""The laws of chapters/scales.md: values against the exact ones, structure within the rounding of the loosest
convention.

Where a narrow type holds no low, or no 1 − high, nothing is promised of arithmetic in it: there NaN will do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import optimizers
from nnlaws_spec.formulas import scales as formulas

from nnlaws.authoring.evidence import Evidence, compare, require
from nnlaws.authoring.law import Law, agree_or_nan, laws_of, slack, values
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.scales import at_size, boundary
from nnlaws.chapters.scales import inputs as cases
from nnlaws.chapters.scales.operations import (
    DENSITIES,
    INVERSES,
    LOG_UNIFORM_DENSITY,
    LOG_UNIFORM_INVERSE,
    LOG_UNIFORM_MAP,
    MAPS,
    ON_DISTANCES,
    ONE_MINUS_LOG_UNIFORM_DENSITY,
    ONE_MINUS_LOG_UNIFORM_INVERSE,
    ONE_MINUS_LOG_UNIFORM_MAP,
)
from nnlaws.rounding.formats import Floats, format_of

_U = format_of(np.dtype(np.float64)).u


def value(f: Subject, ruler: Ruler, x: Array, **options: Any) -> Evidence:
    """The result is what its formula says."""
    return values(f, ruler, x, allow_nan_if_unbounded=True, **options)


def below_zero_value(f: Subject, ruler: Ruler, x: Array, **options: Any) -> Evidence:
    """It is so in a box that begins at 0 or below; reverse_log has none of these."""
    return require(True, "") if _reversed(ruler) else values(f, ruler, x, allow_nan_if_unbounded=True, **options)


def ends(f: Subject, ruler: Ruler, x: Array, *, part: Array, **options: float) -> Evidence:
    """u = 0 is low, u = 1 is high. What the inverse makes of an end that was rounded is off by that, or not at all."""
    bound = ruler.loose(x, **options)
    up = 1 - part if _descending(ruler) else part
    if ruler.operation in MAPS:
        want = np.where(up > 0.5, options["high"], options["low"])
        return agree_or_nan(f(x, **options), want, bound.error, ruler.format, "the end of the box")
    return agree_or_nan(
        f(x, **options), up, 2 * bound.error + np.abs(bound.value - up), ruler.format, "0 or 1, at an end"
    )


def in_box(f: Subject, ruler: Ruler, x: Array, *, low: float, high: float) -> Evidence:
    """No result is outside the box, each end rounded to the format: not even by rounding, unless that is declared."""
    result, allowed = f(x, low=low, high=high), ruler.bound(x, low=low, high=high).error
    ends = (low, high) if ruler.operation in MAPS else (0.0, 1.0)
    least, most = np.array(ends).astype(ruler.format.dtype).astype(np.float64)
    if ruler.conventions.get("box") == "rounded":
        return agree_or_nan(
            result, np.clip(result, least, most), allowed, ruler.format, "the nearest number in the box"
        )
    inside = (result >= least) & (result <= most) | (np.isnan(result) & np.isposinf(allowed))
    return require(inside.all(axis=-1), f"a result is outside [{least:.17g}, {most:.17g}], or NaN", result)


def order(f: Subject, ruler: Ruler, x: Array, **options: float) -> Evidence:
    """From a number to a larger one the result does not fall; where the direction is reversed, it does not grow."""
    results = f(x, **options)
    allowed = slack(results, ruler.loose(x, **options), ruler.format)
    before, after, both = results[:, :-1], results[:, 1:], allowed[:, :-1] + allowed[:, 1:]
    if _descending(ruler):
        return agree_or_nan(after, np.fmin(after, before), both, ruler.format, "at most the result before")
    return agree_or_nan(after, np.fmax(after, before), both, ruler.format, "at least the result before")


def unit(f: Subject, ruler: Ruler, x: Array, *, low: float, high: float, factor: float) -> Evidence:
    """Measured in another unit, x is the same quantity; so is the density, in the other unit's reciprocal."""
    changed = {"low": factor * low, "high": factor * high}
    maps, density = ruler.operation in MAPS, ruler.operation in DENSITIES
    other = x if maps else (factor * x.astype(np.float64)).astype(x.dtype)
    scale = factor if maps else 1 / factor if density else 1.0
    one, two = f(x, low=low, high=high), f(other, **changed)
    more = slack(one, ruler.loose(x, low=low, high=high), ruler.format)
    allowed = slack(two, ruler.loose(other, **changed), ruler.format)
    return agree_or_nan(two, scale * one, allowed + scale * more, ruler.format, "the same in the other unit")


def middle(f: Subject, ruler: Ruler, u: Array, *, low: float, high: float) -> Evidence:
    """The numbers on the logarithmic scale for u and 1 − u multiply to what those of the ends do.

    Beside the results' own rounding there are six in double: of each number and of each end, and of both products.
    """
    mirror = (1 - u.astype(np.float64)).astype(u.dtype)
    one, two = (_left(f(each, low=low, high=high), ruler, low, high) for each in (u, mirror))
    error, other = (ruler.loose(each, low=low, high=high).error for each in (u, mirror))
    want = (1 - low) * (1 - high) if _distances(ruler) and not _reversed(ruler) else low * high
    if _reversed(ruler):
        error, other = (each + 2 * _U * (low + high) for each in (error, other))
    allowed = np.abs(one) * other + np.abs(two) * error + error * other + 6 * _U * want
    return agree_or_nan(one * two, np.full(one.shape, want), allowed, ruler.format, "the product of the ends")


def window(f: Subject, ruler: Ruler, u: Array, *, step: Array, **options: float) -> Evidence:
    """From u to u + h the window grows by the factor by which it grows from u + h to u + 2h.

    Where rounding may be as large as 1 − x, its reciprocal may be anything. In double there are besides two roundings
    of each window, and one of each product.
    """
    if _reversed(ruler):
        return require(True, "")
    windows: list[Floats] = []
    errors: list[Floats] = []
    for k in range(3):
        shifted = (u.astype(np.float64) + k * step.astype(np.float64)).astype(u.dtype)
        x, bound = f(shifted, **options), ruler.loose(shifted, **options)
        left = 1 - x
        exact = np.abs(1 - bound.value)
        kept = (exact > 2 * bound.error) | np.isnan(left)
        least = np.where(kept, exact - bound.error, np.nan)
        windows.append(np.where(kept, optimizers.effective_window(x), np.nan))
        errors.append(bound.error / (least * np.abs(left)) + 2 * _U / np.abs(left))
    (a, b, c), (of_a, of_b, of_c) = windows, errors
    allowed = 2 * np.abs(b) * of_b + of_b**2 + np.abs(a) * of_c + np.abs(c) * of_a + of_a * of_c + 2 * _U * b * b
    return agree_or_nan(
        b * b,
        a * c,
        np.where(np.isnan(allowed), np.inf, allowed),
        ruler.format,
        "the windows on either side, multiplied",
    )


def equal_shares(f: Subject, ruler: Ruler, x: Array, *, ten: Array, low: float, high: float) -> Evidence:
    """Between x and 10x, or x and 1 − (1 − x)/10, or what the format has for it, lies the same share wherever x is."""
    first, last = f(x, low=low, high=high), f(ten, low=low, high=high)
    one, other = (ruler.loose(each, low=low, high=high).error for each in (x, ten))
    allowed = one + other + _U

    def share(a: Any, b: Any) -> Any:
        if not _distances(ruler):
            return formulas.log_uniform_share(a, b, low, high)
        return formulas.one_minus_log_uniform_share(a, b, low, high, "reverse_log" if _reversed(ruler) else "exact")

    exact = ruler.exact(share, x, ten, within=allowed)
    between = first - last if _descending(ruler) else last - first
    between = np.where(np.isnan(between) & np.isposinf(allowed), 0.0, between)
    return compare(between, exact, allowed, ruler.format, "the share of the factor between them")


def _distances(ruler: Ruler) -> bool:
    """Whether it is 1 − x that is on the logarithmic scale."""
    return ruler.operation in ON_DISTANCES


def _reversed(ruler: Ruler) -> bool:
    return _distances(ruler) and ruler.conventions.get("complement") == "reverse_log"


def _descending(ruler: Ruler) -> bool:
    return ruler.conventions.get("direction") == "descending"


def _left(x: Floats, ruler: Ruler, low: float, high: float) -> Floats:
    """The number that is on the logarithmic scale."""
    if _reversed(ruler):
        return np.asarray(low + high - x)
    return np.asarray(1 - x) if _distances(ruler) else x


def _laws_of(operation: Operation) -> Callable[..., Law]:
    build, shares = cases.BUILDERS[operation], {"value": 0.6, "structure": 0.3}
    return laws_of(operation, build, cases.share_cases, shares, m=cases.SAMPLES, columns=cases.COLUMNS, lanes=8)


VALUE: Any = {"kind": "value"}
_STATEMENTS = {
    LOG_UNIFORM_MAP: ("SC-1", "it goes from low to high by equal factors"),
    LOG_UNIFORM_INVERSE: ("SC-3", "it is the logarithm of x/low, in units of that of high/low"),
    LOG_UNIFORM_DENSITY: ("SC-11", "it is 1/(x log(high/low))"),
    ONE_MINUS_LOG_UNIFORM_MAP: ("SC-2", "it is 1 less the log-uniform map of 1 − low and 1 − high"),
    ONE_MINUS_LOG_UNIFORM_INVERSE: ("SC-4", "it is where log(1 − x) is between those of the ends"),
    ONE_MINUS_LOG_UNIFORM_DENSITY: ("SC-12", "it is 1/((1 − x) log((1 − low)/(1 − high)))"),
}

_CLIP = "clip the result: numpy.clip(x, low, high) for a map, numpy.clip(u, 0, 1) for an inverse"


def _laws(operation: Operation) -> tuple[Law, ...]:
    (clause, statement), scale = _STATEMENTS[operation], _laws_of(operation)
    found = [scale(clause, value, statement, **VALUE, boundary=boundary.values(operation))]
    if operation in ON_DISTANCES:
        below: Any = {**VALUE, "boundary": boundary.below_zero}
        found += [scale(clause, below_zero_value, "low may be 0 or less", cases.below_zero(operation), **below)]
    if operation not in DENSITIES:
        found += [
            scale("SC-5", ends, "the ends are the ends", cases.ends(operation), m=(1, 2)),
            scale(
                "SC-6",
                in_box,
                "it never leaves the box",
                cases.touching(operation),
                fix=_CLIP,
                share=0.6,
                boundary=boundary.out_of_the_box(operation),
            ),
            scale("SC-7", order, "order is kept", cases.in_order(operation), m=(2, 6)),
        ]
    if operation not in ON_DISTANCES:
        found += [scale("SC-8", unit, "the unit does not matter", cases.in_units(operation))]
    if operation in MAPS:
        found += [scale("SC-9", middle, "u and 1 − u are as far from either end", cases.mirrored(operation))]
    if operation is ONE_MINUS_LOG_UNIFORM_MAP:
        found += [scale("SC-10", window, "windows are log-uniform", cases.stepped(operation))]
    if operation in INVERSES:
        found += [scale("SC-13", equal_shares, "every decade has the same share", cases.tenfold(operation))]
    return tuple(found)


LAWS: tuple[Law, ...] = (*(each for operation in _STATEMENTS for each in _laws(operation)), *at_size.LAWS)
