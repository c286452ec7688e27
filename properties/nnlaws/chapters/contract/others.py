"""Other arguments beside those that a law is about: of calls that come between, or at the same time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nnlaws.authoring.case import OTHERS, Builder, Inputs
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Format

LEVELS = (1, 4, 16, 64)  # by which k may be more


def beside(build: Builder, operation: Operation, families: Sequence[str], levels: Sequence[int] = (1,)) -> Builder:
    """The inputs, and beside them others of the same shapes, of another family, level and seed: the arguments of calls
    that come between. levels: how much more their k is; of several, the first at which the results are others.
    """

    def built(case: Case, format: Format) -> Inputs:
        next_family = families[(families.index(case.family) + 1) % len(families)] if case.family in families else ""
        other = replace(case.lane(TOGETHER * OTHERS + 1), family=next_family or case.family)
        inputs = others = build(case, format)
        for level in levels:
            others = build(replace(other, k=case.k + level), format)
            if level == levels[-1] or _differ(operation, inputs, others):
                break
        named = zip(operation.arguments, others.arguments, strict=True)
        extra = {f"other_{name}": argument for name, argument in named}
        return Inputs(inputs.arguments, {**inputs.extra, **extra}, inputs.options)

    return built


def _differ(operation: Operation, one: Inputs, other: Inputs) -> bool:
    """Whether the operation gives both other results: on one stair of a schedule all epochs have the same rate."""
    given = {name: one.options[name] for name in operation.options}
    found = [operation.reference(*each.arguments, **given) for each in (one, other)]
    first, second = (each if isinstance(each, tuple) else (each,) for each in found)
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))
