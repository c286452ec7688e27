"""Inputs for scales: u in [0, 1], or x in the box; and the box. A case's m counts the entries."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import OTHERS, Builder, Inputs, Range, RowFamily, Strategy, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.scales.operations import MAPS, ON_DISTANCES, OPERATIONS
from nnlaws.rounding.formats import Floats, Format

Box = tuple[float, float]

SAMPLES = (1, 6)  # how many entries laws draw that are about any number of them
LEVELS = (0, 1, 2, 3, 5, 9, 14, 22, 30)  # where a cause is sought
LAST = 30  # the largest k

COLUMNS: Range = (1, 1)  # entries have none

RATIO: tuple[Box, ...] = ((1e-4, 1.0), (0.1, 0.2), (1.0, 1000.0), (0.5, 0.999999), (1e-30, 1e-3))
DISTANCE: tuple[Box, ...] = ((0.9, 0.999), (0.5, 0.999999), (0.1, 0.2), (1e-4, 0.99))
"""The boxes of x, and of 1 − x: the notes' own first. They are above 0, for whichever `complement`."""

BELOW: tuple[Box, ...] = ((0.0, 0.9), (-1.0, 0.5), (-9.0, 0.99))
"""Boxes of 1 − x that begin at 0 or below."""

FACTORS = (8.0, 2.0, 64.0)  # powers of 2, so that times any of them no x up to 1000 is rounded, or beyond a format

FAMILIES: dict[str, RowFamily] = {
    "ends": lambda random, m, k: (k + np.arange(m, dtype=np.float64)) % 2,
    "quarters": lambda random, m, k: (k + np.arange(m, dtype=np.float64)) % 5 / 4,
    "tenths": lambda random, m, k: random.integers(0, 11, m) / np.float64(10),
    "near_ends": lambda random, m, k: np.abs(random.integers(0, 2, m) - 0.5 ** random.integers(1, k + 2, m)),
    "drawn": lambda random, m, k: random.random(m),
}
"""m numbers from 0 to 1, simplest first: the ends by turns; the fourths in turn; any tenths; 2^−1 to 2^−(1+k) from 0 or
from 1; anything."""

BESIDE = (
    *(0.0, -0.0, 1.0, 0.5),
    *(2.0**-exponent for exponent in (1074, 1022, 149, 126, 54, 53, 25, 24, 14, 9)),
    *(0.5 + sign * 2.0**-exponent for exponent in (54, 53, 25, 24, 12, 11, 9, 8) for sign in (-1, 1)),
    *(1 - 2.0**-exponent for exponent in (54, 53, 25, 24, 12, 11, 9, 8)),
)
"""The ends, and beside them and the middle what some format holds: subnormals too, and −0."""

BOUNDARY: dict[str, RowFamily] = {"beside": lambda random, m, k: np.resize(BESIDE, m)}
"""Of boundary cases alone."""


@cache
def share_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases of shares of the way from low to high."""
    return cases(tuple(FAMILIES), LAST, st.sampled_from((0.0, 1.0, 0.5, 0.25, 0.9)), m, columns)


def shares(case: Case) -> Floats:
    """(m,) numbers in [0, 1], in double."""
    known = FAMILIES | BOUNDARY
    if case.family not in known:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(known)}")
    drawn = case.overlay(known[case.family](case.random("shares"), case.m, abs(case.k)))
    return np.where(drawn == 0, drawn, np.clip(np.abs(drawn), 0.0, 1.0))


def boxes(operation: Operation) -> tuple[Box, ...]:
    return DISTANCE if operation in ON_DISTANCES else RATIO


def box(case: Case, chosen: tuple[Box, ...]) -> Box:
    """The same for all lanes of the case, and for other calls beside it; the first for the simplest.

    Or what the case sets. Where it sets one end alone, as when it is made simpler, the other is put on its right side.
    """
    group, given = case.group % OTHERS, dict(case.settings)
    number = int(Case(1, 1, "", 0, group).random("box").integers(len(chosen))) if group else 0
    low, high = given.get("low", chosen[number][0]), given.get("high", chosen[number][1])
    if low < high:
        return low, high
    if "low" in given:
        return low, (low + 1) / 2 if low < 1 else 2 * low
    return (high / 2 if high > 0 else high - 1), high


def inside(x: Floats, low: float, high: float, format: Format) -> Array:
    """x, each the nearest number of the format that is in the box and not subnormal."""
    least = low if low <= 0 else max(low, format.tiny)
    found = np.clip(x, least, high).astype(format.dtype)
    found = np.where(np.abs(found.astype(np.float64)) < format.tiny, max(least, 0.0), found).astype(format.dtype)
    for end, beyond in ((high, np.greater), (least, np.less)):
        inwards = np.nextafter(found, np.asarray(low + high - end, format.dtype))
        found = np.where(beyond(found.astype(np.float64), end), inwards, found)
    return found


def placed(operation: Operation, part: Floats, low: float, high: float) -> Floats:
    """x, in double, so far from low to high on the operation's scale."""
    if operation in ON_DISTANCES:
        return np.asarray(1 - (1 - low) ** (1 - part) * (1 - high) ** part)
    return np.asarray(low ** (1 - part) * high**part)


def inputs(operation: Operation, chosen: tuple[Box, ...] = ()) -> Builder:
    """u, or x inside the box, and the box, one of these."""

    def build(case: Case, format: Format) -> Inputs:
        low, high = box(case, chosen or boxes(operation))
        return Inputs((entries(operation, shares(case), low, high, format),), options={"low": low, "high": high})

    return build


def entries(operation: Operation, part: Floats, low: float, high: float, format: Format) -> Array:
    if operation in MAPS:
        return part.astype(format.dtype)
    return inside(placed(operation, part, low, high), low, high, format)


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}


def touching(operation: Operation) -> Builder:
    """The first entry is an end, the upper one in every other lane."""

    def build(case: Case, format: Format) -> Inputs:
        low, high = box(case, boxes(operation))
        part = shares(case)
        part.flat[0] = case.seed % 2
        return Inputs((entries(operation, part, low, high, format),), options={"low": low, "high": high})

    return build


def below_zero(operation: Operation) -> Builder:
    """The same in boxes that begin at 0 or below."""
    return inputs(operation, BELOW)


def ends(operation: Operation) -> Builder:
    """The ends: 0 and 1; or low and high rounded to the format, inwards where that gives 0, a subnormal, or 1 − x = 0.
    Beside them, 0 for low and 1 for high.
    """

    def build(case: Case, format: Format) -> Inputs:
        low, high = box(case, boxes(operation))
        whole = np.rint(shares(case))
        if operation in MAPS:
            return Inputs((whole.astype(format.dtype),), {"part": whole}, {"low": low, "high": high})
        rounded = np.array([low, high]).astype(format.dtype)
        kept = inside(np.array([low, high]), low, high, format)
        wide = rounded.astype(np.float64)
        held = (wide >= format.tiny) & np.where(operation in ON_DISTANCES, wide < 1, True)
        pair = np.where(held, rounded, kept)
        return Inputs((pair[whole.astype(np.intp)],), {"part": whole}, {"low": low, "high": high})

    return build


def in_order(operation: Operation) -> Builder:
    """Entries that never go back."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        return Inputs((np.sort(given.arguments[0]),), options=given.options)

    return build


def in_units(operation: Operation) -> Builder:
    """The same entries, and a unit to measure x in besides."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        factor = FACTORS[int(Case(1, 1, "", 0, case.group).random("factor").integers(len(FACTORS)))]
        return Inputs(given.arguments, options={**given.options, "factor": factor})

    return build


def mirrored(operation: Operation) -> Builder:
    """u from ½ on: the format holds 1 − u."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        part = shares(case)
        return Inputs((np.maximum(part, 1 - part).astype(format.dtype),), options=given.options)

    return build


def stepped(operation: Operation) -> Builder:
    """u in sixteenths, and such a step that u and two steps more are at most 1: every format holds them."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        start = np.minimum(np.rint(16 * shares(case)), 14)
        reach = (16 - start) // 2
        step = 1 + np.floor(case.random("steps").random(case.m) * reach).clip(0, reach - 1)
        return Inputs(((start / 16).astype(format.dtype),), {"step": (step / 16).astype(format.dtype)}, given.options)

    return build


def tenfold(operation: Operation) -> Builder:
    """x and, a decade on, 10x, or 1 − (1 − x)/10, rounded to the format, in boxes of more than a decade."""
    distances = operation in ON_DISTANCES

    def build(case: Case, format: Format) -> Inputs:
        wide = (each for each in boxes(operation) if _decades(each, distances) > np.log10(20))
        low, high = box(case, tuple(wide))
        last = 1 - 10 * (1 - high) if distances else high / 10
        first = low if distances else max(low, format.tiny)
        x = inside(placed(operation, shares(case), first, last), low, last, format)
        double = x.astype(np.float64)
        ten = inside(1 - (1 - double) / 10 if distances else 10 * double, low, high, format)
        return Inputs((x,), {"ten": ten}, {"low": low, "high": high})

    return build


def _decades(box: Box, distances: bool) -> float:
    low, high = (1 - box[1], 1 - box[0]) if distances else box
    return float(np.log10(high / low))


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], share_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """The same: u has no other size, and the boxes are as far as they go."""
    return BUILDERS[operation], share_cases
