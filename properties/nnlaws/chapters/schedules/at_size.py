"""Steps made for size: many, the same over and over."""

import numpy as np

from nnlaws.authoring.at_size import sized, tiled
from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.schedules.inputs import LARGEST as LARGEST_STEP
from nnlaws.chapters.schedules.inputs import NUMBERS
from nnlaws.chapters.schedules.operations import (
    COSINE_RESTARTS_SCHEDULE,
    COSINE_SCHEDULE,
    CYCLICAL_SCHEDULE,
    INVERSE_ROOT_SCHEDULE,
    LINEAR_SCHEDULE,
    ONE_CYCLE_SCHEDULE,
    OPERATIONS,
    POLYNOMIAL_SCHEDULE,
    WARMUP_COSINE_SCHEDULE,
    WARMUP_LINEAR_SCHEDULE,
    WARMUP_STABLE_DECAY_SCHEDULE,
)
from nnlaws.rounding.formats import Format

DIFFERENT = 997
LAST = {"steps": 3000.0, "late": 100_000.0}
"""The last step, where the format holds all before it: by steps alone it is reached at once, or in a second."""


def inputs(operation: Operation) -> Builder:
    """Steps, and the schedule's usual numbers, stretched over as many steps."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family not in LAST:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(LAST)}")
        last = min(LAST[case.family], LARGEST_STEP[format.name])
        drawn = np.floor(case.random("plates").random(min(case.m, DIFFERENT)) * (last + 1))
        usual = {name: values[0] for name, values in NUMBERS[operation.name].items()}
        eighths = dict.fromkeys(("warmup", "up", "down", "stable", "period"), last // 8)
        stretched = {"steps": last - 1, "timescale": last // 2, "stretch": 2.0, "shrink": 0.5, **eighths}
        options = {name: stretched.get(name, value) for name, value in usual.items()}
        return Inputs((tiled(drawn, case.m, 0).astype(format.dtype),), options=options)

    return build


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}
CASES = (Case(499, 1, "late", 0, 0), Case(65_537 + 499, 1, "steps", 0, 0))
LARGEST = (
    Case(500_009, 1, "steps", 0, 0),
    Case(3_400_003, 1, "steps", 0, 0),
)

STATEMENTS = {
    LINEAR_SCHEDULE: ("SD-1", "it lies on a line from start to end"),
    POLYNOMIAL_SCHEDULE: ("SD-2", "it falls with a power of what is left"),
    COSINE_SCHEDULE: ("SD-3", "it falls along half a cosine"),
    WARMUP_LINEAR_SCHEDULE: ("SD-4", "it rises along a line and falls along another"),
    WARMUP_COSINE_SCHEDULE: ("SD-5", "it rises along a line and falls along half a cosine"),
    INVERSE_ROOT_SCHEDULE: ("SD-6", "it falls as the inverse root, on a time scale"),
    COSINE_RESTARTS_SCHEDULE: ("SD-12", "it falls along half a cosine, again and again"),
    ONE_CYCLE_SCHEDULE: ("SD-13", "it rises and falls along half a cosine each"),
    WARMUP_STABLE_DECAY_SCHEDULE: ("SD-14", "it rises along a line, stays, and falls along another"),
    CYCLICAL_SCHEDULE: ("SD-15", "it rises and falls along a line each, over and over"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, BUILDERS[operation], CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in STATEMENTS.items()
)
