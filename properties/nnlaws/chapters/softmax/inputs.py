"""Inputs for softmax and cross entropy: families of logits, targets on the simplex, and what the laws do with them."""

from collections.abc import Callable
from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.case import Builder, Family, Inputs, Strategy, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.judging import Unusual
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.softmax import boundary
from nnlaws.rounding.formats import Floats, Format

LEVELS = (1, -1, 3, -3, 20, -20, 100, -100, 2000, -2000)  # where a cause is sought
FAR = tuple(sign * k for k in (400, 1000, 1040, 1062, 1090, 1150, 1300, 1450, 1600, 1750, 1900) for sign in (1, -1))
"""Between 100 and what 2000 stands for, which is near the end of the range: in float32 400, 1000, 4e3, 2e4, 2e5, 2e7,
4e12, 6e17, 1e23, 2e28 and 3e33. A limit or a start of a maximum that is another number shows at some of them."""
QUARTER = 1 / 4
LINEAR = 1024  # up to here k is the level itself, beyond it a power of 2: float64's e^z overflows from 710
PARTS = 64  # targets are multiples of 1/64, or of a finer part: the format holds them, and a row sums to exactly 1
SMOOTHED = (0.1, 0.01, 0.001)  # what is taken of a label and shared by all classes


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
KNOWN = {**FAMILIES, **boundary.LOGITS}
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


def one_hot(random: np.random.Generator, m: int, classes: int, parts: int) -> Floats:
    return np.eye(classes)[random.integers(0, classes, m)]


def soft(random: np.random.Generator, m: int, classes: int, parts: int) -> Floats:
    """Rows of multiples of 1/parts that sum to 1: random shares, in which zeros occur, or a smoothed label."""
    if random.random() < 0.5 or classes == 1:
        weights = random.random(classes) ** 8  # uneven, so that some classes get nothing
        return random.multinomial(parts, weights / weights.sum(), size=m) / parts
    rest = min(2, parts // 2 // classes) if parts == PARTS else int(random.choice(SMOOTHED) * parts) // classes
    return (one_hot(random, m, classes, parts) * (parts - rest * classes) + rest) / parts


def either(random: np.random.Generator, m: int, classes: int, parts: int) -> Floats:
    return (one_hot if random.random() < 0.5 else soft)(random, m, classes, parts)


def parts_of(random: np.random.Generator, format: Format) -> int:
    """Of targets: few, so that every format holds them; or so many that all digits but three of a wide format count."""
    return PARTS if format.digits < 24 or random.random() < 0.5 else 1 << (format.digits - 4)


Targets = Callable[[np.random.Generator, int, int, int], Floats]
"""Of chances, samples, classes and parts, targets."""


def moderate_inputs(targets: Targets | None) -> Builder:
    """Logits whose exponentials are in range and, for operations that take them, targets."""

    def build(case: Case, format: Format) -> Inputs:
        return Inputs((logits(case, format, reach(format)), *_targets(case, format, targets)))

    return build


def any_size_inputs(targets: Targets | None, scalar: bool) -> Builder:
    """Logits of every finite size; for a scalar result, so that the sum over the batch stays in range (SM-6): a
    quarter of the range has to do for m rows, or nearly all of it for one that is not spread out.
    """

    def build(case: Case, format: Format) -> Inputs:
        limit = format.largest * (1 - 2.0**-5) if scalar else format.largest
        z = logits(case, format, limit)
        if scalar and (case.m > 1 or bool(np.ptp(z.astype(np.float64) / format.largest) > QUARTER)):
            z = logits(case, format, QUARTER * format.largest / case.m)
        return Inputs((z, *_targets(case, format, targets)))

    return build


def shifted_inputs(targets: Targets | None) -> Builder:
    """Logits z and a constant c a row such that z + c is exact: multiples of 1/4, small enough for eight digits."""

    def build(case: Case, format: Format) -> Inputs:
        limit = min(reach(format) // 2, 32)
        c = np.rint(case.random("shift").uniform(-limit, limit, (case.m, 1)))
        return Inputs(
            (logits(case, format, limit, step=0.25), *_targets(case, format, targets)), {"c": c.astype(format.dtype)}
        )

    return build


def permuted_inputs(targets: Targets | None) -> Builder:
    """Logits and a permutation of their classes."""

    def build(case: Case, format: Format) -> Inputs:
        order = case.random("order").permutation(case.columns)
        return Inputs((logits(case, format, reach(format)), *_targets(case, format, targets)), {"order": order})

    return build


def masked_inputs(targets: Targets | None) -> Builder:
    """Logits of which each row has some, but not all, at −∞; their targets are 0. Two classes or more."""

    def build(case: Case, format: Format) -> Inputs:
        if case.columns < 2:
            raise UsageError(f"the case {case} has one class; to mask one and keep one takes two")
        random = case.random("mask")
        placed = case.family in boundary.LOGITS
        masks = boundary.masks(case) if placed else np.array([_mask(random, case.columns) for _ in range(case.m)])
        z = logits(case, format, format.largest if placed else reach(format))
        z[masks] = -np.inf
        if targets is None:
            return Inputs((z,))
        y, parts = np.zeros(z.shape), parts_of(random, format)
        for row, kept in zip(y, ~masks, strict=True):
            row[kept] = targets(random, 1, int(kept.sum()), parts)[0]
        return Inputs((z, y.astype(format.dtype)))

    return build


def _mask(random: np.random.Generator, classes: int) -> NDArray[np.bool_]:
    """Of some classes, but not all."""
    return np.isin(np.arange(classes), random.permutation(classes)[: random.integers(1, classes)])


def spoilt_inputs(targets: Targets | None) -> Builder:
    """Logits, targets, and which logits become NaN: one to three in one row, and in half of the others. Beside half of
    those a class is masked.
    """

    def build(case: Case, format: Format) -> Inputs:
        random = case.random("nan")
        spoilt = np.zeros((case.m, case.columns), dtype=bool)
        for row in range(case.m):
            if row == 0 or random.random() < 0.5:
                spoilt[row, random.integers(0, case.columns, random.integers(1, 4))] = True
        rolled = np.roll(spoilt, random.integers(0, case.m), axis=0)
        z = logits(case, format, reach(format))
        for each in np.flatnonzero(rolled.any(axis=1) & (random.random(case.m) < 0.5)):
            z[each, random.integers(0, case.columns)] = -np.inf
        return Inputs((z, *_targets(case, format, targets)), {"spoilt": rolled})

    return build


def gibbs_inputs(case: Case, format: Format) -> Inputs:
    """Soft targets with, for every other seed, the logits log y at which cross entropy meets its bound."""
    (y,) = _targets(case, format, soft)
    z = logits(case, format, reach(format))
    if case.seed % 2:
        z = np.log(np.maximum(y.astype(np.float64), np.exp(-reach(format)))).astype(format.dtype)
    return Inputs((z, y))


def _targets(case: Case, format: Format, targets: Targets | None) -> tuple[Array, ...]:
    """Drawn at random; those of boundary cases are placed, one in four of them shared where either will do."""
    if targets is None:
        return ()
    if case.family not in boundary.LOGITS:
        random = case.random("targets")
        y = targets(random, case.m, case.columns, parts_of(random, format))
    elif targets is soft or (targets is either and boundary.number(case) % 4 == 3):
        y = boundary.shared(case, PARTS)
    else:
        y = boundary.one_hot(case)
    return (y.astype(format.dtype),)


SAMPLES = (1, 4)  # how many laws draw that are about any number of them
COLUMNS = (1, 8)


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return moderate_inputs(_any_targets(operation)), moderate


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return any_size_inputs(_any_targets(operation), operation.scalar), any_size


def unusual(operation: Operation) -> Unusual:
    """Inputs with −∞ and NaN among the logits."""
    targets = _any_targets(operation)
    masked, plain = masked_inputs(targets), moderate_inputs(targets)

    def build(case: Case, format: Format) -> Inputs:
        inputs = (masked if case.columns > 1 else plain)(case, format)
        if boundary.number(case) % 2:
            inputs.arguments[0][0, case.columns // 2] = np.nan
        return inputs

    return Unusual(("tail", "alone", "head", "rim"), build, boundary.unusual)


def _any_targets(operation: Operation) -> Targets | None:
    return either if "y" in operation.arguments else None
