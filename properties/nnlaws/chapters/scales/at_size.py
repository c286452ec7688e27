"""Shares and hyperparameters made for size: many, the same over and over."""

from nnlaws.authoring.at_size import sized, tiled
from nnlaws.authoring.case import Builder, Inputs, RowFamily
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.scales.inputs import boxes, entries
from nnlaws.chapters.scales.operations import (
    LOG_UNIFORM_DENSITY,
    LOG_UNIFORM_INVERSE,
    LOG_UNIFORM_MAP,
    ONE_MINUS_LOG_UNIFORM_DENSITY,
    ONE_MINUS_LOG_UNIFORM_INVERSE,
    ONE_MINUS_LOG_UNIFORM_MAP,
    OPERATIONS,
)
from nnlaws.rounding.formats import Format

DIFFERENT = 997

SHARES: dict[str, RowFamily] = {"shares": lambda random, m, k: tiled(random.random(min(m, DIFFERENT)), m, 0)}


def inputs(operation: Operation) -> Builder:
    """u, or x inside the first of the boxes, and that box."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family not in SHARES:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(SHARES)}")
        low, high = boxes(operation)[0]
        part = SHARES[case.family](case.random("plates"), case.m, case.k)
        return Inputs((entries(operation, part, low, high, format),), options={"low": low, "high": high})

    return build


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}
CASES = (Case(131_073, 1, "shares", 0, 0),)
LARGEST = (
    Case(3_000_017, 1, "shares", 0, 0),
    Case(10_000_019, 1, "shares", 0, 0),
)

_STATEMENTS = {
    LOG_UNIFORM_MAP: ("SC-1", "it goes from low to high by equal factors"),
    LOG_UNIFORM_INVERSE: ("SC-3", "it is the logarithm of x/low, in units of that of high/low"),
    LOG_UNIFORM_DENSITY: ("SC-11", "it is 1/(x log(high/low))"),
    ONE_MINUS_LOG_UNIFORM_MAP: ("SC-2", "it is 1 less the log-uniform map of 1 − low and 1 − high"),
    ONE_MINUS_LOG_UNIFORM_INVERSE: ("SC-4", "it is where log(1 − x) is between those of the ends"),
    ONE_MINUS_LOG_UNIFORM_DENSITY: ("SC-12", "it is 1/((1 − x) log((1 − low)/(1 − high)))"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, BUILDERS[operation], CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in _STATEMENTS.items()
)
