"""Boxes to sample from. A case's m counts the draws, its family is the box, and its seed is the seed of the draws."""

from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Format

Box = tuple[float, float]

BOXES: dict[str, dict[str, Box]] = {
    "sample_uniform": {"unit": (0.0, 1.0), "signed": (-3.0, 5.0), "narrow": (0.25, 0.3)},
    "sample_log_uniform": {"learning_rate": (1e-4, 1.0), "octave": (0.1, 0.2), "wide": (1e-8, 1e3)},
    "sample_one_minus_log_uniform": {"momentum": (0.9, 0.999), "close": (0.99, 0.99999), "half": (0.5, 0.95)},
    "sample_integer": {"layers": (2, 10), "signed": (-3, 3), "units": (50, 100)},
}
"""low and high, the notes' own box first."""

DRAWS = 2000  # in which all but three mistakes of the table in docs/trust.md show with probability 0.999


def box(operation: Operation, case: Case) -> Box:
    """Raises UsageError for the name of no box."""
    boxes = BOXES[operation.name]
    if case.family not in boxes:
        raise UsageError(f"unknown box {case.family!r} in the case {case}; there are {', '.join(boxes)}")
    return boxes[case.family]


def draws(operation: Operation) -> Builder:
    """All that a sampler takes: low, high, size and seed."""

    def build(case: Case, format: Format) -> Inputs:
        low, high = box(operation, case)
        return Inputs((), options={"low": low, "high": high, "size": case.m, "seed": case.seed})

    return build


def trials(operation: Operation, *sizes: int, boxes: int = 3) -> tuple[Case, ...]:
    """For each size, the first so many boxes, each with a seed of its own."""
    named = list(BOXES[operation.name])[:boxes]
    return tuple(Case(size, 1, name, 0, 1 + 7 * number + size) for size in sizes for number, name in enumerate(named))
