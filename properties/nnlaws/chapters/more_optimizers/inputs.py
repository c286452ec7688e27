"""Inputs for optimizers beyond the notes: those of `nnlaws.authoring.gradients`, for these operations."""

import numpy as np

from nnlaws.authoring.case import Builder, Inputs, Strategy
from nnlaws.authoring.gradients import COLUMNS as COLUMNS
from nnlaws.authoring.gradients import FACTORS, extreme_cases, inputs, ordinary_cases, pick, poisoned, reach
from nnlaws.authoring.gradients import FAMILIES as FAMILIES
from nnlaws.authoring.gradients import LEVELS as LEVELS
from nnlaws.authoring.gradients import SAMPLES as SAMPLES
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.more_optimizers.operations import LION, OPERATIONS
from nnlaws.rounding.formats import Format

BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}


def scaled(operation: Operation) -> Builder:
    """A power of 2, c, and gradients, and where they decay parameters, so small that c times each is in range."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        most = reach(format) / FACTORS[-1]
        bounded = [np.clip(x.astype(np.float64), -most, most).astype(format.dtype) for x in given.arguments]
        return Inputs(tuple(bounded), options={**given.options, "c": pick(case, "c", FACTORS)})

    return build


def poisoned_by_nan(case: Case, format: Format) -> Inputs:
    """Of Lion: in the middle of the steps, NaN in the first coordinate. The sign of an infinity is like any other."""
    given = poisoned(LION)(case, format)
    theta, grads = given.arguments
    return Inputs((theta, np.where(np.isinf(grads), np.ones_like(grads), grads)), options=given.options)


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], ordinary_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return BUILDERS[operation], extreme_cases
