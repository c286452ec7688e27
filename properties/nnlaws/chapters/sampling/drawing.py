"""Draws as laws take them: what is asked for, on which scale they lie, and what they have in common."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance.evidence import evidence, given
from nnlaws.chance.scale import Kind, Scale
from nnlaws.chance.seeds import WORD
from nnlaws.chapters.sampling.operations import (
    SAMPLE_INTEGER,
    SAMPLE_LOG_UNIFORM,
    SAMPLE_ONE_MINUS_LOG_UNIFORM,
    SAMPLE_UNIFORM,
)

KINDS: dict[Operation, Kind] = {
    SAMPLE_UNIFORM: "linear",
    SAMPLE_LOG_UNIFORM: "log",
    SAMPLE_ONE_MINUS_LOG_UNIFORM: "one_minus_log",
    SAMPLE_INTEGER: "integer",
}
SIZES = (4, 8)  # bytes of float32 and float64
ORDINARY = (2, 10)  # whole numbers that every sampler of them takes


def asked(ruler: Ruler, high: Any) -> Any:
    """What a target is given as high: where that is left out, one more, so that the numbers are those of the box."""
    return high + 1 if ruler.conventions.get("bounds") == "half_open" else high


def scale_of(ruler: Ruler, *, low: float, high: float, **_: Any) -> Scale:
    """The scale that draws lie on by the conventions declared."""
    kind: Kind = "reverse_log" if "complement" in ruler.conventions else KINDS[ruler.operation]
    return Scale(kind, low, high, coarse="resolution" in ruler.conventions)


def draw(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Array:
    """The target's draws. Raises TargetFault for what cannot be judged as such."""
    (x,) = f.arrays(low, asked(ruler, high), size=size, seed=seed)
    return checked(x, size)


def checked(x: Array, size: int) -> Array:
    """The draws. Raises TargetFault for what cannot be judged as such."""
    if x.shape != (size,) or not (x.dtype.kind in "iu" or (x.dtype.kind == "f" and x.dtype.itemsize in SIZES)):
        raise TargetFault(f"returned {x.dtype} of shape {x.shape} where {size} numbers are expected (SA-11)")
    if not np.isfinite(x).all():
        raise TargetFault("a draw is NaN or infinite (SA-11)")
    return x


def draw_or_none(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Array | None:
    """The draws; or None where the target refuses what it may, a box or a seed that 32 bits do not hold, and takes
    what is ordinary; or where a convention has no such box: `reverse_log` takes logarithms of its ends.
    """
    if scale_of(ruler, low=low, high=high).kind == "reverse_log" and low <= 0:
        return None
    try:
        return draw(f, ruler, low=low, high=high, size=size, seed=seed)
    except Refused:
        wide = ruler.operation is SAMPLE_INTEGER and max(-low, high, high - low) >= WORD
        if not (wide or seed >= WORD):
            raise
        low, high = ORDINARY if wide else (low, high)
        draw(f, ruler, low=low, high=high, size=size, seed=seed % WORD)
        return None


def chances(*, seed: int, **_: Any) -> np.random.Generator:
    """The law's own, for where a draw lies among the numbers that round to it."""
    return Case(1, 1, "", 0, seed).random("laws of sampling")


def repeating(x: Array, scale: Scale, among: str = "") -> Evidence:
    """What there is to say of numbers that come again."""
    seen = statistics.repeats(x.astype(np.float64), scale.chance(x))
    found, counts = np.unique(x, return_counts=True)
    most = int(np.argmax(counts))
    words = (
        f"{among}{given(found[most])} was drawn {counts[most]} times, and only {len(found)} of {len(x)} draws differ"
    )
    return evidence(seen, len(x), words)
