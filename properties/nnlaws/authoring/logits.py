"""Logits: families of them, simplest first, of every finite size; and the cases that come in every run.

A kernel that takes a finite number for −∞ errs in rows wholly beyond it, whatever the number; one that cuts its logits
off, where a row is spread beyond the cut; one that puts a floor under probabilities, where the exact one is below it.
"""

from functools import cache
from math import log, log2

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import SMALL, THIRDS, Family, Range, cases, large
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Floats, Format

LEVELS = (1, -1, 3, -3, 20, -20, 100, -100, 2000, -2000)  # where a cause is sought
FAR = tuple(sign * k for k in (400, 1000, 1040, 1062, 1090, 1150, 1300, 1450, 1600, 1750, 1900) for sign in (1, -1))
"""Between 100 and what 2000 stands for, which is near the end of the range: in float32 400, 1000, 4e3, 2e4, 2e5, 2e7,
4e12, 6e17, 1e23, 2e28 and 3e33. A limit or a start of a maximum that is another number shows at some of them."""
QUARTER = 1 / 4
LINEAR = 1024  # up to here k is the level itself, beyond it a power of 2: float64's e^z overflows from 710
STEP = 8  # seeds that are its multiples take k as it is
SHAPE = (5, 5)  # rows and classes of an array, as many of the one as of the other: every class is the largest once
GROUPS = 100  # from this group on come cases whose shape others have too


def _one(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    z = np.zeros(shape)
    z[np.arange(shape[0]), random.integers(0, shape[1], shape[0])] = level
    return z


def _rows(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    return level * (2 * random.random((shape[0], 1)) - 1) + random.standard_normal(shape)


FAMILIES: dict[str, Family] = {
    "constant": lambda random, shape, level: np.full(shape, level),
    "one": _one,
    "integers": lambda random, shape, level: np.rint(level * (2 * random.random(shape) - 1)),
    "ramp": lambda random, shape, level: random.permuted(
        np.tile(np.linspace(0, level, shape[1]), (shape[0], 1)), axis=1
    ),
    "normal": lambda random, shape, level: level / 3 * random.standard_normal(shape),
    "dominant": lambda random, shape, level: _one(random, shape, level) + random.standard_normal(shape),
    "offset": lambda random, shape, level: level + random.standard_normal(shape),
    "rows": _rows,
}
"""Logits of a shape at a level, simplest first.

All equal; one class ahead; whole numbers; evenly spread; bell-shaped; one class ahead of noise; noise around one value;
noise around a value of each row."""


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


PLACED: dict[str, Family] = {
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
KNOWN = {**FAMILIES, **PLACED}
"""These and those that boundary cases alone are from."""


def reach(format: Format) -> int:
    """The largest |z| at which e^z, and a sum of a few, are still in range: there even the literal formula works."""
    return {"float16": 8, "bfloat16": 80, "float32": 80, "float64": 600}[format.name]


@cache
def moderate(format: Format, m: tuple[int, int], classes: tuple[int, int]) -> st.SearchStrategy[Case]:
    """Cases whose exponentials are in range."""
    limit = reach(format)
    return cases(tuple(FAMILIES), limit, st.integers(-4 * limit, 4 * limit).map(lambda n: n / 4), m, classes)


@cache
def any_size(format: Format, m: tuple[int, int], classes: tuple[int, int]) -> st.SearchStrategy[Case]:
    """Cases of every finite size, up to the format's largest number."""
    extremes = st.sampled_from((0.0, 1.0, -1.0, 1000.0, -1000.0, format.largest, -format.largest, format.largest / 2))
    return cases(tuple(FAMILIES), 2 * LINEAR, extremes, m, classes)


def level(k: int, format: Format) -> float:
    """k up to LINEAR, then growing as a power of 2 to the format's largest number at 2·LINEAR."""
    if abs(k) <= LINEAR:
        return float(k)
    if abs(k) >= 2 * LINEAR:
        return -format.largest if k < 0 else format.largest
    exponent = 10 + (abs(k) - LINEAR) / LINEAR * (np.log2(format.largest) - 10)
    return float(np.copysign(np.exp2(exponent), k))


def logits(case: Case, format: Format, limit: float, step: float | None = None) -> Array:
    """z of the case, clipped to ±limit; with `step`, rounded to its multiples.

    One seed in 8 takes k as it is, others a part of it.
    """
    if case.family not in KNOWN:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(KNOWN)}")
    random = case.random("logits")
    part = 1.0 if case.seed % 8 == 0 else random.random()
    z = KNOWN[case.family](random, (case.m, case.columns), part * level(case.k, format))
    z = np.clip(case.overlay(z), -limit, limit)
    return (z if step is None else np.rint(z / step) * step).astype(format.dtype)


def in_range(case: Case, format: Format) -> Array:
    """z of the case, so that a sum of losses stays in range: a quarter of it has to do for m rows, or nearly all for
    one that is not spread out.
    """
    z = logits(case, format, format.largest * (1 - 2.0**-5))
    if case.m > 1 or bool(np.ptp(z.astype(np.float64) / format.largest) > QUARTER):
        z = logits(case, format, QUARTER * format.largest / case.m)
    return z


def number(case: Case) -> int:
    """Which it is of the boundary cases of its family, shape and group."""
    return case.seed % TOGETHER // STEP


def wide(format: Format, m: Range, columns: Range) -> list[Case]:
    """Shapes that leave every remainder of a tile of 8; all small ones; and of two or three rows every third width."""
    return large("wide", 3, m, columns, (*SMALL, *((2 + width % 2, width) for width in THIRDS)))


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
