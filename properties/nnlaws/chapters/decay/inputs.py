"""Inputs for the decay of learning rates: epochs, and the numbers of each schedule. A case's m counts the epochs."""

from collections.abc import Callable
from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Builder, Inputs, Range, RowFamily, Strategy, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.token import Case
from nnlaws.chapters.decay.operations import OPERATIONS
from nnlaws.rounding.formats import Format

SAMPLES = (1, 6)  # how many epochs laws draw that are about any number of them
LEVELS = (0, 1, 2, 3, 10, 30, 100, 200)  # where a cause is sought
LAST = 200  # the largest k
LARGEST = {"float16": 2048, "bfloat16": 256, "float32": 10000, "float64": 10000}
"""The last epoch: up to it the narrow types hold every whole number."""

COLUMNS: Range = (1, 1)  # epochs have none

NUMBERS: dict[str, dict[str, tuple[float, ...]]] = {
    "inverse_time_decay": {"initial": (0.2, 0.1, 1.0), "rate": (1.0, 0.1, 0.5, 0.01)},
    "exponential_decay": {"initial": (0.2, 0.1, 1.0), "rate": (0.95, 0.5, 0.9, 0.99)},
    "staircase_decay": {"initial": (0.2, 0.1, 1.0), "rate": (0.5, 0.1, 0.9), "every": (3.0, 10.0, 1.0, 7.0)},
    "inverse_root_decay": {"initial": (0.2, 0.1, 1.0), "factor": (1.0, 0.5, 3.0)},
}

FAMILIES: dict[str, RowFamily] = {
    "counted": lambda random, m, k: k + np.arange(m, dtype=np.float64),
    "same": lambda random, m, k: np.full(m, float(k)),
    "drawn": lambda random, m, k: np.floor(random.random(m) * (k + 1)),
    "far": lambda random, m, k: np.floor(2.0 ** (random.random(m) * (k / LAST * 14))),
}
"""m epochs, simplest first: one after another from k on; all k; up to k in any order; up to thousands."""


@cache
def epoch_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases of whole epochs, which an overlay puts in as whole numbers too."""
    return cases(tuple(FAMILIES), LAST, st.sampled_from((0.0, 1.0, 2.0, 10.0, 100.0)), m, columns)


def epochs(case: Case, format: Format) -> Array:
    """(m,) whole numbers from 0 on."""
    if case.family not in FAMILIES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(FAMILIES)}")
    drawn = case.overlay(FAMILIES[case.family](case.random("epochs"), case.m, abs(case.k)))
    return np.clip(np.rint(np.abs(drawn)), 0, LARGEST[format.name]).astype(format.dtype)


def numbers(operation: Operation, case: Case) -> dict[str, Option]:
    """Those of the schedule, the same for all lanes of the case; the first of each for the simplest."""
    chosen = NUMBERS[operation.name]
    if not case.group:
        return {name: values[0] for name, values in chosen.items()}
    random = Case(1, 1, "", 0, case.group).random("numbers")
    return {name: values[int(random.integers(len(values)))] for name, values in chosen.items()}


def inputs(operation: Operation) -> Builder:
    """Epochs, and the schedule's numbers."""
    return lambda case, format: Inputs((epochs(case, format),), options=numbers(operation, case))


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}


def _with_epochs(change: Callable[[Array], Array], operation: Operation) -> Builder:
    """The same inputs with the epochs changed."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        return Inputs((change(given.arguments[0]),), options=given.options)

    return build


def first_epoch(operation: Operation) -> Builder:
    """Epoch 0 alone, however often."""
    return _with_epochs(np.zeros_like, operation)


def in_order(operation: Operation) -> Builder:
    """Epochs that never go back."""
    return _with_epochs(np.sort, operation)


def shuffled(operation: Operation) -> Builder:
    """An order in which the same epochs are asked for again."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        return Inputs(given.arguments, {"order": case.random("order").permutation(case.m)}, given.options)

    return build


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], epoch_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """The same: epochs have no other size."""
    return BUILDERS[operation], epoch_cases
