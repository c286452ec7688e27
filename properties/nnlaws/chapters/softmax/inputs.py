"""Inputs for softmax and cross entropy: families of logits, targets on the simplex, and what the laws do with them."""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.case import Builder, Inputs, Strategy
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.judging import Unusual
from nnlaws.authoring.logits import PLACED, any_size, in_range, logits, moderate, number, reach
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.softmax import boundary
from nnlaws.rounding.formats import Floats, Format

PARTS = 64  # targets are multiples of 1/64, or of a finer part: the format holds them, and a row sums to exactly 1
SMOOTHED = (0.1, 0.01, 0.001)  # what is taken of a label and shared by all classes


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
    """Logits of every finite size; for a scalar result, so that the sum over the batch stays in range (SM-6)."""

    def build(case: Case, format: Format) -> Inputs:
        z = in_range(case, format) if scalar else logits(case, format, format.largest)
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
        placed = case.family in PLACED
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
    if case.family not in PLACED:
        random = case.random("targets")
        y = targets(random, case.m, case.columns, parts_of(random, format))
    elif targets is soft or (targets is either and number(case) % 4 == 3):
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
        if number(case) % 2:
            inputs.arguments[0][0, case.columns // 2] = np.nan
        return inputs

    return Unusual(("tail", "alone", "head", "rim"), build, boundary.unusual)


def _any_targets(operation: Operation) -> Targets | None:
    return either if "y" in operation.arguments else None
