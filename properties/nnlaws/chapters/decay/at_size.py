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
from nnlaws.rounding.formats import Format

DIFFERENT = 997
LAST = 3000  # the last epoch, where the format holds all before it: by steps alone a schedule gets there at once

EPOCHS: dict[str, RowFamily] = {
    "epochs": lambda random, m, k: tiled(np.floor(random.random(min(m, DIFFERENT)) * (k + 1)), m, 0)
}


def inputs(operation: Operation) -> Builder:
    """Epochs, and the schedule's usual numbers."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family not in EPOCHS:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(EPOCHS)}")
        last = min(LAST, LARGEST_EPOCH[format.name])
        drawn = EPOCHS[case.family](case.random("plates"), case.m, last)
        options = {name: values[0] for name, values in NUMBERS[operation.name].items()}
        return Inputs((drawn.astype(format.dtype),), options=options)

    return build


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}
CASES = (Case(65_537 + 499, 1, "epochs", 0, 0),)
LARGEST = (Case(3_400_003, 1, "epochs", 0, 0),)

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
