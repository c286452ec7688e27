"""Cases that come in every run, by derivation and not by luck: what chance hardly ever draws, and kernels get wrong.

A kernel that works in tiles errs where a whole tile is masked, or where a row leaves a part of one. Cases of logits
alone are in `nnlaws.authoring.logits`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnlaws.authoring.case import Range, large
from nnlaws.authoring.logits import GROUPS, STEP, number, wide
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Floats, Format


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


def wide_targets(format: Format, m: Range, columns: Range) -> list[Case]:
    """The same; where there is one sample, with the first, the middle and the last class for target."""
    return [
        replace(case, seed=case.seed + STEP * place)
        for case in wide(format, m, columns)
        for place in range(3 if case.m == 1 else 1)
    ]


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
