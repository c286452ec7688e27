"""What samplers are asked for. A case's m counts draws or points, its family is what is drawn from, or "cube", its
columns count the axes, and its seed is the seed of the call.
"""

from typing import Any

import numpy as np

from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chance.seeds import WORD
from nnlaws.chapters.more_samplers.operations import LOG_INTEGERS, QUANTISED_UNIFORM, SOBOL, WEIGHTED_CHOICE
from nnlaws.rounding.formats import Format

DRAWS = 2000  # as in chapter sampling
SIZES = (*range(1, 9), 13, 16, 17, 31, 33, 64, 100, 255, 256, 257, 1024)
"""How many draws are asked for: every remainder by 8, primes, powers of two, and around the ends of blocks."""

BOXES: dict[Operation, dict[str, dict[str, Any]]] = {
    QUANTISED_UNIFORM: {
        "eighths": {"low": 0.0, "high": 1.0, "step": 0.125},
        "tenths": {"low": 0.0, "high": 1.0, "step": 0.1},
        "quarters": {"low": -0.75, "high": 2.25, "step": 0.25},
        "fifths": {"low": 0.1, "high": 0.9, "step": 0.2},
        "halves": {"low": -1.0, "high": 1.0, "step": 0.5},
        "units": {"low": 32.0, "high": 512.0, "step": 32.0},
        "fine": {"low": 0.0, "high": 1.0, "step": 0.001},
        "apart": {"low": 10.0, "high": 1010.0, "step": 50.0},
        "coin": {"low": 0.0, "high": 0.3, "step": 0.3},
    },
    LOG_INTEGERS: {
        "hundred": {"low": 1, "high": 100},
        "digits": {"low": 1, "high": 9},
        "units": {"low": 16, "high": 1024},
        "coin": {"low": 1, "high": 2},
        "few": {"low": 1, "high": 4},
        "layers": {"low": 2, "high": 12},
        "million": {"low": 1, "high": 1_000_000},
        "narrow": {"low": 50, "high": 60},
    },
    WEIGHTED_CHOICE: {
        "halves": {"weights": (0.5, 0.25, 0.125, 0.125)},
        "counts": {"weights": (1.0, 2.0, 4.0)},
        "rare": {"weights": (0.01, 0.09, 0.4, 0.3, 0.2)},
        "gaps": {"weights": (0.0, 0.3, 0.0, 0.4, 0.2, 0.0, 0.1, 0.0)},
        "equal": {"weights": (3.0,) * 7},
        "coin": {"weights": (1e-3, 3e-3)},
        "sure": {"weights": (0.0, 2.0)},
    },
}
"""What is drawn from, the plainest first. Of quantised ones low is a multiple of the step, or not; steps are whole, or
no binary fractions. Of choices some are impossible, the first and the last too; sums are 1, or not; one is sure."""
TWICE = ("digits",)
"""Boxes of which twice as many draws are taken: conventions differ there by 0.013 nats a draw."""
CUBE = "cube"

BLOCKS = ((1, 2), (2, 1), (3, 4), (7, 3), (16, 2), (33, 5), (64, 3), (100, 2))  # points and axes
POWERS = ((1, 2), (2, 3), (4, 1), (8, 2), (16, 5), (32, 3), (64, 4), (256, 3), (1024, 2))
CENTRED = 0.5


def box(operation: Operation, case: Case) -> dict[str, Any]:
    """Raises UsageError for the name of no box."""
    there = BOXES[operation]
    if case.family not in there:
        raise UsageError(f"unknown box {case.family!r} in the case {case}; there are {', '.join(there)}")
    return there[case.family]


def draws(operation: Operation) -> Builder:
    """All that a sampler takes."""

    def build(case: Case, format: Format) -> Inputs:
        return Inputs((), options={**box(operation, case), "size": case.m, "seed": case.seed})

    return build


def points(operation: Operation) -> Builder:
    """All that a design takes: of Sobol points, the largest power of two that is not more than m."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family != CUBE:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there is {CUBE}")
        size = 1 << (case.m.bit_length() - 1) if operation is SOBOL else case.m
        return Inputs((), options={"size": size, "axes": case.columns, "seed": case.seed})

    return build


def trials(operation: Operation, *sizes: int, boxes: int = 1, skipped: int = 0) -> tuple[Case, ...]:
    """For each size, the first so many boxes but for those skipped, each with a seed of its own of up to 31 bits.

    Of large sizes each box has one draw less than the last one: so they leave every remainder.
    """
    named = [(number, name) for number, name in enumerate(BOXES[operation])][skipped:boxes]
    return tuple(
        Case(_size(size, number, name), 1, name, 0, _scattered(1 + 7 * number + size))
        for size in sizes
        for number, name in named
    )


def _size(size: int, number: int, name: str) -> int:
    if size < DRAWS:
        return size
    return (2 * size if name in TWICE else size) - number


def blocks(*shapes: tuple[int, int]) -> tuple[Case, ...]:
    """For each number of points and of axes a case with a seed of its own; the first with the seed 0."""
    return tuple(Case(*shape, CUBE, 0, _scattered(number)) for number, shape in enumerate(shapes))


def weights_of(options: dict[str, Any]) -> np.ndarray:
    """The weights as an array of their own."""
    return np.array(options["weights"], dtype=np.float64)


def _scattered(number: int) -> int:
    """Seeds of neighbouring numbers lie far apart: Knuth's multiplicative hash."""
    return number * 2654435761 % WORD
