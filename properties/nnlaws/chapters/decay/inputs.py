"""Inputs for the decay of learning rates: epochs, and the numbers of each schedule. A case's m counts the epochs."""

from collections.abc import Callable
from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Boundary, Builder, Inputs, Range, RowFamily, Strategy, cases, large
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.token import Case
from nnlaws.chapters.decay.operations import OPERATIONS
from nnlaws.rounding.formats import Floats, Format

SAMPLES = (1, 6)  # how many epochs laws draw that are about any number of them
LEVELS = (0, 1, 2, 3, 10, 30, 100, 200)  # where a cause is sought
LAST = 200  # the largest k
LARGEST = {"float16": 2048, "bfloat16": 256, "float32": 100_000, "float64": 100_000}
"""The last epoch: up to it the narrow types hold every whole number, and a schedule that can only be stepped gets there
in a second. What goes wrong in larger numbers is not seen.
"""

COLUMNS: Range = (1, 1)  # epochs have none

INITIAL = (0.2, 0.1, 1.0, 0.0, 3.0, 1e-4)
NUMBERS: dict[str, dict[str, tuple[float, ...]]] = {
    "inverse_time_decay": {"initial": INITIAL, "rate": (1.0, 0.1, 0.5, 0.01, 0.0, 3.0, 0.95, 1e-6)},
    "exponential_decay": {"initial": INITIAL, "rate": (0.95, 0.5, 0.9, 0.99, 1.0, 0.1, 0.01, 0.9999)},
    "staircase_decay": {
        "initial": INITIAL,
        "rate": (0.5, 0.1, 0.9, 1.0, 0.95, 0.99),
        "every": (3.0, 10.0, 1.0, 7.0, 49.0, 30.0, 2.0, 100.0),
    },
    "inverse_root_decay": {"initial": INITIAL, "factor": (1.0, 0.5, 3.0, 0.0, 10.0, 0.01)},
}
"""The usual, the first of each the simplest; 0 wherever a clause allows it, and 1 and more; far from 1 and near it."""

FAMILIES: dict[str, RowFamily] = {
    "counted": lambda random, m, k: k + np.arange(m, dtype=np.float64),
    "same": lambda random, m, k: np.full(m, float(k)),
    "drawn": lambda random, m, k: np.floor(random.random(m) * (k + 1)),
    "far": lambda random, m, k: np.floor(2.0 ** (random.random(m) * (k / LAST * 14))),
}
"""m epochs, simplest first: one after another from k on; all k; up to k in any order; up to thousands."""


def _stairs(random: np.random.Generator, m: int, k: int) -> Floats:
    """0, and about each multiple of k: the last epoch of a stair, and the first of the next."""
    number = np.arange(m, dtype=np.float64)
    return np.asarray(np.ceil(number / 2) * k - number % 2)


def _about_powers(random: np.random.Generator, m: int, k: int) -> Floats:
    """One before a power of 2, itself, and one after, from the k-th power on."""
    number = np.arange(m, dtype=np.float64)
    return np.asarray(2.0 ** (k + number // 3) + number % 3 - 1, np.float64)


BOUNDARY: dict[str, RowFamily] = {"stairs": _stairs, "about_powers": _about_powers}
"""Of boundary cases alone."""


@cache
def epoch_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases of whole epochs, which an overlay puts in as whole numbers too."""
    return cases(tuple(FAMILIES), LAST, st.sampled_from((0.0, 1.0, 2.0, 10.0, 100.0)), m, columns)


def epochs(case: Case, format: Format) -> Array:
    """(m,) whole numbers from 0 on."""
    known = FAMILIES | BOUNDARY
    if case.family not in known:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(known)}")
    drawn = case.overlay(known[case.family](case.random("epochs"), case.m, abs(case.k)))
    return np.clip(np.rint(np.abs(drawn)), 0, LARGEST[format.name]).astype(format.dtype)


def numbers(operation: Operation, case: Case) -> dict[str, Option]:
    """Those of the schedule, the same for all lanes of the case; the first of each for the simplest; or what the case
    sets itself.
    """
    chosen = NUMBERS[operation.name]
    random = Case(1, 1, "", 0, case.group).random("numbers")
    picked = {name: values[int(random.integers(len(values))) if case.group else 0] for name, values in chosen.items()}
    return {name: type(value)(case.setting(name, value)) for name, value in picked.items()}


def inputs(operation: Operation) -> Builder:
    """Epochs, and the schedule's numbers."""
    return lambda case, format: Inputs((epochs(case, format),), options=numbers(operation, case))


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}


THOUSAND = 1000
STAIRS = range(1, 101)
LONG = (127, 128, 138, 255, 256, 1000, 100_000)
"""More on a stair, where steps are counted for epochs: the last of 100,000 falls short of the next stair by 1e-5."""
FEW = (1, 3, 7, 10, 11, 22, 41, 47, 49, 55, 61, 83, 98, 100)
"""Of these, for narrow types: those at which a reciprocal rounded to float16, float32 or float64 falls short."""


def boundary(operation: Operation) -> Boundary:
    """What chance hardly ever finds, whatever the schedule: every epoch up to 1000; epochs about powers of 2, where a
    counter of 8 or 16 bits wraps; the numbers at the ends of what is allowed; and arrays of the large shapes.

    Of staircases the ends of all stairs up to epoch 1000, for `every` from 1 to 100: epoch · (1/every), and parts of a
    total that is multiplied again, fall short of a whole number at some of these, and at 49 · (1/49) for one.
    """

    def cases_of(format: Format, m: Range, columns: Range) -> list[Case]:
        first = {name: values[0] for name, values in NUMBERS[operation.name].items()}
        slow = {"rate": 0.9999} if "rate" in first else {}
        found = [
            Case(THOUSAND + 1, 1, "counted", 0, 0),
            Case(51, 1, "about_powers", 0, 0, settings=tuple(slow.items())),
        ]
        for name, values in NUMBERS[operation.name].items():
            found += [Case(12, 1, "counted", 0, 0, settings=((name, value),)) for value in values[1:]]
        found += large("drawn", LAST, m, columns)
        if "every" in first:
            rate = 0.9 if format.u > 2.0**-10 else 0.99  # no stair is lost in rounding, nor are a thousand 0
            for every in (*STAIRS, *LONG) if format.digits >= 24 else FEW:
                size, settings = 2 * max(THOUSAND // every, 1) + 1, (("every", float(every)), ("rate", rate))
                found.append(Case(size, 1, "stairs", every, 0, settings=settings))
        return found

    return cases_of


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


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], epoch_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """The same: epochs have no other size."""
    return BUILDERS[operation], epoch_cases
