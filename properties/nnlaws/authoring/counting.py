"""Which entries a sum takes in: seen in results where every entry counts as much as every other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.subject import Subject
from nnlaws.rounding.formats import Format

Range = tuple[int, int]

ROWS = 32  # ranges that are counted in one call
ENTRIES = 1 << 21  # of its array at most
NEAR = 0.5  # how far from its number the count of a range may be


@dataclass(frozen=True)
class Counting:
    """How to tell which entries an operation takes in.

    entry, entries: what they are called. axis: the letter of the signature along which they are. family: of a law's
    cases, those on which every entry counts. without: of the arguments of such a case and so many of its entries, the
    arguments as if these did not count, and their places. counted: of a subject, a format, a size and ranges of places,
    how many entries of each range it takes in.
    """

    entry: str
    entries: str
    axis: str
    family: str
    without: Callable[[tuple[Array, ...], int], tuple[tuple[Array, ...], Sequence[int]]]
    counted: Callable[[Subject, Format, int, Sequence[Range]], list[float]]


def miscounted(counting: Counting, f: Subject, format: Format, size: int, most: int = 4) -> list[tuple[int, float]]:
    """The places that do not count once, at most so many, and how often each does: by halving ranges that are off."""
    rows = max(min(ROWS, ENTRIES // size), 2)
    wrong, found = [(0, size)], list[tuple[int, float]]()
    while wrong and len(found) < most:
        cut = max(rows // len(wrong), 2)
        parts: list[Range] = []
        for low, high in wrong:
            ends = np.unique(np.linspace(low, high, min(cut, high - low) + 1).astype(int)).tolist()
            parts += pairwise(ends)
        counts = counting.counted(f, format, size, parts)
        off = [(part, count) for part, count in zip(parts, counts, strict=True) if _off(part, count)]
        found += [(low, count) for (low, high), count in off if high - low == 1]
        wrong = [(low, high) for (low, high), _ in off if high - low > 1][:most]
    return found[:most]


def _off(part: Range, count: float) -> bool:
    low, high = part
    return not abs(count - (high - low)) < NEAR
