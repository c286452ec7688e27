"""Boxes to sample from. A case's m counts the draws, its family is the box, and its seed is the seed of the draws."""

from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chance.seeds import WORD
from nnlaws.rounding.formats import Format

Box = tuple[float, float]

BOXES: dict[str, dict[str, Box]] = {
    "sample_uniform": {"unit": (0.0, 1.0), "signed": (-3.0, 5.0), "narrow": (0.25, 0.3), "negative": (-70.0, -2.0)},
    "sample_log_uniform": {"learning_rate": (1e-4, 1.0), "octave": (0.1, 0.2), "wide": (1e-8, 1e3)},
    "sample_one_minus_log_uniform": {
        "momentum": (0.9, 0.999), "close": (0.99, 0.99999), "half": (0.5, 0.95), "from_below_zero": (-9.0, 0.9),
    },
    "sample_integer": {
        "layers": (2, 10), "signed": (-3, 3), "units": (50, 100),
        "coin": (0, 1), "octet": (-4, 3), "ten": (1, 10), "words": (64, 127),
        "below_zero": (-5, -3), "up_to_zero": (-3, 0),
        "beyond_float32": (1, 2**25), "beyond_int32": (-2_000_000_000, 1_999_999_999), "beyond_uint32": (0, 2**40 - 1),
    },
}  # fmt: skip
"""low and high, the notes' own box first; on both sides of 0, and wherever a scale allows it wholly below. Of whole
numbers there are odd and even counts, powers of two among them, and more than float32 and 32 bits hold."""

DRAWS = 2000  # in which all but three mistakes of the table in docs/trust.md show with probability 0.999
MOST = 10_000_019  # in the profile scale
FEW = 600  # for boxes besides, where what would show is plain

SIZES = (*range(1, 9), 13, 16, 17, 31, 33, 64, 100, 255, 256, 257, 1024)
"""How many draws are asked for: every remainder by 8, primes, powers of two, and around the ends of blocks."""

LOW_BITS = (3, 2, 1)  # of whole numbers, the most first


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


def trials(operation: Operation, *sizes: int, boxes: int = 3, skipped: int = 0) -> tuple[Case, ...]:
    """For each size, the first so many boxes but for those skipped, each with a seed of its own of up to 31 bits.

    Of large sizes each box has one draw less than the last one: so they leave every remainder.
    """
    named = [(number, name) for number, name in enumerate(BOXES[operation.name])][skipped:boxes]
    return tuple(
        Case(size - number if size >= FEW else size, 1, name, 0, _scattered(1 + 7 * number + size))
        for size in sizes
        for number, name in named
    )


def _scattered(number: int) -> int:
    """Seeds of neighbouring numbers lie far apart: Knuth's multiplicative hash."""
    return number * 2654435761 % WORD
