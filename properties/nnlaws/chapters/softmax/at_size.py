"""Laws at size, and targets made for them; the logits are those of `nnlaws.authoring.logit_plates`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import at_size, positions, sized
from nnlaws.authoring.case import Inputs
from nnlaws.authoring.counting import Counting, Range
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.logit_plates import FAR, MASK, TOPS, plates
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.authoring.token import Case
from nnlaws.chapters.softmax.operations import CROSS_ENTROPY, CROSS_ENTROPY_GRADIENT, LOG_SOFTMAX, SOFTMAX
from nnlaws.rounding.formats import Format
from nnlaws.rounding.softmax import BY_LSE

SHARED = 4096  # classes at most, among which a target is shared: a part of it is no subnormal number
FURTHER = 2.0  # times off, with masks


def inputs(case: Case, format: Format) -> Inputs:
    """Logits."""
    return Inputs((plates(case, format),))


def targeted_inputs(case: Case, format: Format) -> Inputs:
    """Logits, and one-hot targets: the class that is at the top, the last of several; of "misses" 32 samples, where
    kernels go wrong, are of another class, whose logit is 1, 3 ... 61 times 1024 below: the loss of each is whole.
    Of "missed" all are, by 1024; of "noise" and "equal" targets are spread over up to 4096 classes.
    """
    z, random = plates(case, format), case.random("targets")
    rows, classes = case.m, case.columns
    right = classes - 1 - np.argmax(z[:, ::-1], axis=1)
    if case.family == "misses":
        missed = positions(rows, TOPS, random)
        right[missed] = (right[missed] + 1 + random.integers(0, classes - 1, len(missed))) % classes
        z[missed, right[missed]] = -FAR * (1 + 2 * (np.arange(len(missed)) % 31))
    if case.family == "missed":
        right = (right + 1) % classes
        z[np.arange(rows), right] = -FAR
    y = np.zeros(z.shape, format.dtype)
    if case.family in ("noise", "equal"):
        shares = min(1 << (classes.bit_length() - 1), SHARED)
        y[:, np.arange(shares) * classes // shares] = 1 / shares
    else:
        y[np.arange(rows), right] = 1
    return Inputs((z, y))


_CLASSES = (
    Case(8, 4095, "parts", 0, 0),
    Case(24, 4097, "terraces", 0, 0),
    Case(64, 1000, "noise", 0, 0),
    Case(2, 8191, "noise", 0, 0),
    Case(12, 1025, "terraces", 0, 0),
    Case(2, 65_539, "peaks", 0, 0),
    Case(9, 32_000, "slopes", 0, 0),
    Case(8, 32_000, "beacons", 0, 0),
    Case(1, 131_073, "equal", 0, 0),
    Case(4, 131_073, "parts", 0, 0),
    Case(2, 8192, "parts", 0, 0),
    Case(1, 12_289, "equal", 0, 0),
    Case(2, 8191, "sunk", 0, 0),
    Case(1, 49_157, "equal", 0, 0),
    Case(519, 1000, "rows", 0, 0),
)
"""One beyond and one below multiples of blocks: a tail of one shows what is dropped, one of all but one what is weighed
wrongly."""
_WIDEST = tuple(Case(2, 1_000_003, family, 0, 0) for family in ("parts", "terraces", "beacons"))
_MANY, _MORE, _MOST = 65_537 + 499, 500_009, 3_400_003  # rows: beyond what 16 bits count, and 24 bits an entry


def _without(arguments: tuple[Array, ...], count: int) -> tuple[tuple[Array, ...], list[int]]:
    """Without the last of the classes that are at the top of the first row, but for the very last, the target's."""
    z, *y = arguments
    places = np.flatnonzero(z[0] == 0)[:-1][-count:]
    less = z.copy()
    less[0, places] = -2 * FAR
    return (less, *y), places.tolist()


def _ranges(format: Format, size: int, ranges: Sequence[Range]) -> Array:
    """Logits with one range at the top of each row."""
    z = np.full((len(ranges), size), -FAR, format.dtype)
    for row, (low, high) in zip(z, ranges, strict=True):
        row[low:high] = 0
    return z


def _firsts(z: Array, ranges: Sequence[Range]) -> Array:
    """The first class of each range is right."""
    y = np.zeros_like(z)
    y[np.arange(len(z)), [low for low, _ in ranges]] = 1
    return y


def _by_probability(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    a = f(_ranges(format, size, ranges)[None])[0]
    return [float(1 / row[low:high].max()) for row, (low, high) in zip(a, ranges, strict=True)]


def _by_log(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    logs = f(_ranges(format, size, ranges)[None])[0]
    return [float(np.exp(-row[low:high].max())) for row, (low, high) in zip(logs, ranges, strict=True)]


def _by_loss(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    z = _ranges(format, size, ranges)
    return np.exp(f(z[:, None], _firsts(z, ranges)[:, None])).tolist()


def _by_gradient(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    z = _ranges(format, size, ranges)
    dz = f(z[:, None], _firsts(z, ranges)[:, None])[:, 0]
    return [float(1 / (1 + row[low])) for row, (low, _) in zip(dz, ranges, strict=True)]


COUNTED = {
    SOFTMAX: _by_probability,
    LOG_SOFTMAX: _by_log,
    CROSS_ENTROPY: _by_loss,
    CROSS_ENTROPY_GRADIENT: _by_gradient,
}
"""What a row of results says of the number of its classes: the reciprocal of a probability."""


_FEWER = (
    Case(8, 4095, "parts", 0, 0),
    Case(12, 4097, "terraces", 0, 0),
    Case(8, 1025, "terraces", 0, 0),
    Case(64, 1000, "noise", 0, 0),
    Case(2, 8191, "noise", 0, 0),
    Case(1, 65_539, "peaks", 0, 0),
    Case(2, 32_000, "slopes", 0, 0),
    Case(2, 32_000, "beacons", 0, 0),
    Case(1, 131_073, "equal", 0, 0),
    Case(2, 131_073, "parts", 0, 0),
    Case(2, 8192, "parts", 0, 0),
    Case(1, 12_289, "equal", 0, 0),
    Case(1, 49_157, "equal", 0, 0),
    Case(257, 1000, "rows", 0, 0),
)
"""Of losses, whose rows are not by themselves: fewer rows."""


_MASKED = (
    Case(9, 1025, "masked", 0, 0),
    Case(6, 8191, "masked", 0, 0),
    Case(3, 32_000, "masked", 0, 0),
    Case(3, 131_073, "masked", 0, 0),
)


class _Masking:
    """The subject, of logits with −∞ where they are MASK."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def arrays(self, z: Array, *y: Array, **options: Any) -> tuple[Array, ...]:
        return self._subject.arrays(np.where(z == MASK, -np.inf, z).astype(z.dtype), *y, **options)


def masked_at_size(f: Subject, ruler: Ruler, z: Array, *y: Array) -> Evidence:
    """A logit of −∞ masks its class, also where all classes of a block are masked. Of rounding that is off as far
    with logits of MASK another law tells.
    """
    low = np.where(np.isneginf(z), MASK, z).astype(z.dtype)
    if not ruler.operation.scalar:
        seen = at_size(f, ruler, z, *y)
    elif ruler.conventions.get("normalisation") in BY_LSE:
        return Evidence(0.0)  # left open
    else:
        masking: Any = _Masking(f)
        seen = at_size(masking, ruler, low, *y)
    if seen.holds:
        return seen
    off = at_size(f, ruler, low, *y).ratio
    return seen if off <= 1 or seen.ratio > FURTHER * off else Evidence(0.0)


def _masks(operation: Operation) -> Law:
    clause = "SM-19" if operation.scalar else "SM-10"
    build = targeted_inputs if "y" in operation.arguments else inputs
    statement, largest = "a logit of −∞ masks its class", (Case(3, 1_000_003, "masked", 0, 0),)
    return sized(clause, operation, build, _MASKED, statement, masked_at_size, largest=largest)


def _sized(clause: str, operation: Operation, statement: str, rows: str, columns: int) -> Law:
    targeted = "y" in operation.arguments
    build, classes = (targeted_inputs, _FEWER) if targeted else (inputs, _CLASSES)
    losses = (Case(_MANY, columns, "missed", 0, 0),) if rows == "misses" else ()
    cases = (*classes, *losses, *(Case(m, columns, rows, 0, 0) for m in (4099, _MANY)))
    largest = (*_WIDEST, *(Case(m, 5, rows, 0, 0) for m in (_MORE, _MOST)))
    counting = Counting("class", "classes", "C", "parts", _without, COUNTED[operation])
    return sized(clause, operation, build, cases, statement, largest=largest, counting=counting)


LAWS: tuple[Law, ...] = (
    _sized("SM-1", SOFTMAX, "softmax is e^z / Σ e^z", "rows", 17),
    _sized("SM-11", LOG_SOFTMAX, "log-softmax is z − log Σ e^z", "rows", 3),
    _sized("SM-12", CROSS_ENTROPY, "J of a sample is −Σ y log a, and that of a batch the mean", "misses", 3),
    _sized("SM-16", CROSS_ENTROPY_GRADIENT, "the gradient is (softmax − y)/m", "rows", 3),
    *map(_masks, (SOFTMAX, LOG_SOFTMAX, CROSS_ENTROPY, CROSS_ENTROPY_GRADIENT)),
)
