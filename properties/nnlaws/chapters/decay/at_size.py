"""Epochs made for size: many, the same over and over."""

import numpy as np

from nnlaws.authoring.at_size import sized, tiled
from nnlaws.authoring.case import Builder, Inputs, RowFamily
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.decay.inputs import LARGEST as LARGEST_EPOCH
from nnlaws.chapters.decay.inputs import NUMBERS
from nnlaws.chapters.decay.operations import (
    EXPONENTIAL_DECAY,
    INVERSE_ROOT_DECAY,
    INVERSE_TIME_DECAY,
    OPERATIONS,
    STAIRCASE_DECAY,
)
from nnlaws.rounding.formats import Floats, Format

DIFFERENT = 997
LAST = {"epochs": 3000, "late": 100_000}
"""The last epoch, where the format holds all before it: by steps alone it is reached at once, or in a second."""
SLOW = {"exponential_decay": {"rate": 0.9999}, "staircase_decay": {"rate": 0.99, "every": 100.0}}
"""What leaves something of the rate at late epochs."""


def _epochs(random: np.random.Generator, m: int, k: int) -> Floats:
    return tiled(np.floor(random.random(min(m, DIFFERENT)) * (k + 1)), m, 0)


EPOCHS: dict[str, RowFamily] = {"epochs": _epochs, "late": _epochs}


def inputs(operation: Operation) -> Builder:
    """Epochs, and the schedule's usual numbers."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family not in EPOCHS:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(EPOCHS)}")
        last = min(LAST[case.family], LARGEST_EPOCH[format.name])
        drawn = EPOCHS[case.family](case.random("plates"), case.m, last)
        slow = SLOW.get(operation.name, {}) if case.family == "late" else {}
        usual = {name: values[0] for name, values in NUMBERS[operation.name].items()}
        return Inputs((drawn.astype(format.dtype),), options={**usual, **slow})

    return build


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}
CASES = (Case(499, 1, "late", 0, 0), Case(65_537 + 499, 1, "epochs", 0, 0))
LARGEST = (
    Case(500_009, 1, "epochs", 0, 0),
    Case(3_400_003, 1, "epochs", 0, 0),
)

_STATEMENTS = {
    INVERSE_TIME_DECAY: ("LR-1", "it is divided by 1 + rate·epoch"),
    EXPONENTIAL_DECAY: ("LR-2", "every epoch multiplies it"),
    STAIRCASE_DECAY: ("LR-3", "every so many epochs multiply it"),
    INVERSE_ROOT_DECAY: ("LR-4", "it is divided by √(epoch + 1)"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, BUILDERS[operation], CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in _STATEMENTS.items()
)
