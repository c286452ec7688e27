"""Cases that come in every run, by derivation and not by luck: what chance hardly ever draws, and kernels get wrong.

A kernel that takes a finite number for −∞ errs in rows wholly beyond it, whatever the number; one that cuts its logits
off, where a row is spread beyond the cut; one that puts a floor under probabilities, where the exact one is below it;
one that works in tiles, where a whole tile is masked, or where a row leaves a part of one.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log, log2

import numpy as np
from numpy.typing import NDArray

from nnlaws.authoring.case import SMALL, THIRDS, Family, Range, large
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Floats, Format

STEP = 8  # seeds that are its multiples take k as it is
SHAPE = (5, 5)  # rows and classes of an array, as many of the one as of the other: every class is the largest once
GROUPS = 100  # from this group on come cases whose shape others have too


def _rank(shape: tuple[int, int]) -> Floats:
    """Of each entry, how many places behind class i it is in row i."""
    return np.asarray((np.arange(shape[1])[None, :] - np.arange(shape[0])[:, None]) % shape[1], dtype=np.float64)


def _stairs(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    return level * (1 - _rank(shape) / (2 * shape[1]))


def _ends(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    rank = _rank(shape)
    return np.where(rank == 0, level, np.where(rank == 1, -level, 0.0))


def _unequal(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    parts = np.resize((1.0, -1.0, 0.0, 2.0**-10), (shape[0], 1))
    return level * parts + random.standard_normal(shape)


def _minute(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    """Each is subnormal in one format, and ±0 or an ordinary number in others."""
    return random.choice([0.0, -0.0, 2.0**-1074, -(2.0**-1023), 2.0**-149, -(2.0**-130), 2.0**-24, -(2.0**-16)], shape)


def _noise(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    return level + random.standard_normal(shape)


LOGITS: dict[str, Family] = {
    "stairs": _stairs,
    "ends": _ends,
    "unequal": _unequal,
    "minute": _minute,
    "wide": lambda random, shape, level: level / 3 * random.standard_normal(shape),
    "head": _noise,
    "tail": _noise,
    "rim": _noise,
    "alone": _noise,
}
"""From the level down to half of it, each class the largest in one row; both ends of the range in a row; rows of very
different size; subnormal numbers and zeros of both signs; bell-shaped, for large shapes; noise around the level, with
the first classes left, or the last, or both ends, or one class, and all others masked."""


def number(case: Case) -> int:
    """Which it is of the boundary cases of its family, shape and group."""
    return case.seed % TOGETHER // STEP


def masks(case: Case) -> NDArray[np.bool_]:
    """What is masked in the even rows; in the odd ones it is just the rest."""
    places, left = np.arange(case.columns), min(number(case) + 1, case.columns - 1)
    first, last = places < left, places >= case.columns - left
    kept = np.asarray(places == number(case) % case.columns)
    if case.family in ("head", "tail", "rim"):
        kept = {"head": first, "tail": last, "rim": first | last}[case.family]
    if bool(kept.all()):
        kept = first  # where a case is made so small that both ends meet
    return np.array([~kept if row % 2 == 0 else kept for row in range(case.m)])


def one_hot(case: Case) -> Floats:
    """The targets of a boundary case: a class further in each row, from the first to the last; alone, one of these or
    the middle.
    """
    rows = np.arange(case.m)
    last = case.columns - 1
    places = number(case) * last // 2 + rows if case.m == 1 else rows * last // (case.m - 1) + number(case)
    return np.eye(case.columns)[places % case.columns]


def shared(case: Case, parts: int) -> Floats:
    """Targets with as many classes as there are parts, or all, as evenly as parts allow."""
    places = (np.arange(parts) * max(case.columns, parts) // parts + number(case)) % case.columns
    return np.tile(np.bincount(places, minlength=case.columns) / parts, (case.m, 1))


def wide(format: Format, m: Range, columns: Range) -> list[Case]:
    """Shapes that leave every remainder of a tile of 8; all small ones; and of two or three rows every third width."""
    return large("wide", 3, m, columns, (*SMALL, *((2 + width % 2, width) for width in THIRDS)))


def wide_targets(format: Format, m: Range, columns: Range) -> list[Case]:
    """The same; where there is one sample, with the first, the middle and the last class for target."""
    return [
        replace(case, seed=case.seed + STEP * place)
        for case in wide(format, m, columns)
        for place in range(3 if case.m == 1 else 1)
    ]


def every_size(format: Format, m: Range, columns: Range) -> list[Case]:
    """Rows at levels of either sign up to the largest number: nearly equal, and spread, in wide rows too, of which a
    tile has one end alone; probabilities just in range; and zeros.
    """
    sizes = [
        100,
        1000,
        *(_k(level, format) for level in (1e4, 1e6, 1e9) if level < format.largest),
        1280,
        1536,
        1792,
        2048,
    ]
    found = [
        Case(*SHAPE, family, sign * k, (GROUPS * TOGETHER) + STEP * turn)
        for turn, k in enumerate(sizes)
        for sign in (-1, 1)
        for family in ("stairs", "ends", "unequal", "offset")
    ]
    smallest = int(-log(format.tiny))
    found += [Case(2, columns, "stairs", -1792, GROUPS * TOGETHER) for columns in (12, 15, 31, 100)]
    found += [Case(*SHAPE, family, smallest, GROUPS * TOGETHER + STEP) for family in ("one", "ends", "minute")]
    return [*found, *every_size_alone(format, m, columns)]


def _k(level: float, format: Format) -> int:
    """The k of a level between `inputs.LINEAR` and the format's largest number."""
    return round(1024 * (1 + (log2(level) - 10) / (log2(format.largest) - 10)))


def every_size_alone(format: Format, m: Range, columns: Range) -> list[Case]:
    """A sample by itself, whose loss may be as large as the format's largest number."""
    alone = (("constant", -2048), ("constant", 2048), ("offset", -1792), ("offset", -1536), ("offset", -1152))
    return [Case(1, 3, family, k, GROUPS * TOGETHER) for family, k in alone]


def masked(format: Format, m: Range, columns: Range) -> list[Case]:
    """Masks of whole tiles of up to 128 classes, from either end and between; one class left, and one masked, in every
    place. The others are around 0, or so far below that e^z is 0 unless it is shifted; or the least finite number, for
    which −∞ must not be taken.
    """
    sizes = ((130, "tail", 1), (130, "head", 1), (40, "tail", 7), (40, "head", 7), (40, "rim", 3), (9, "tail", 0))
    tiles = [
        Case(2, size, family, k, (GROUPS + 1) * TOGETHER + STEP * left)
        for size, family, left in sizes
        for k in (-1000, 3)
    ]
    places = [Case(2, 9, "alone", k, (GROUPS + 1) * TOGETHER + STEP * place) for place in range(9) for k in (-1000, 3)]
    least = [Case(2, size, family, -2048, (GROUPS + 1) * TOGETHER) for size, family in ((9, "alone"), (40, "tail"))]
    return [*places, *tiles, *least]


def spoilt(format: Format, m: Range, columns: Range) -> Sequence[Case]:
    """Shapes for rows with a NaN."""
    return large("wide", 3, m, columns)[1::3]


def unusual(format: Format, m: Range, columns: Range) -> list[Case]:
    """Some classes masked, of few and of many; in every second case with a NaN besides."""
    shapes = ((2, 3), (3, 5), (2, 9), (4, 40))
    families = ("tail", "alone", "head", "rim")
    return [
        Case(*shape, families[turn % 4], 3, (GROUPS + 1) * TOGETHER + STEP * turn) for turn, shape in enumerate(shapes)
    ]
