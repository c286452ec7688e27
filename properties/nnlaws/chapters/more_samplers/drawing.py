"""Draws of finitely many values as laws take them: what is asked for, by which law they are drawn, and which value each
is.
"""

from typing import Any, cast

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import more_samplers as formulas

from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import GRAIN
from nnlaws.chance.discrete import Discrete
from nnlaws.chance.scale import granularity
from nnlaws.chance.seeds import WORD
from nnlaws.chapters.more_samplers.inputs import weights_of
from nnlaws.chapters.more_samplers.operations import LOG_INTEGERS, QUANTISED_UNIFORM, WEIGHTED_CHOICE
from nnlaws.rounding.formats import Floats

SIZES = (4, 8)  # bytes of float32 and float64
SINGLE = 2.0**-24
GIVEN = ("low", "high", "weights")
PARTS = ("above", "around", "within", "equal")


def called(operation: Operation, options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call and its options."""
    if operation is WEIGHTED_CHOICE:
        arguments: tuple[Any, ...] = (weights_of(options),)
    else:
        arguments = tuple(options[name] for name in GIVEN if name in options)
    return arguments, {name: value for name, value in options.items() if name not in GIVEN}


def draw(f: Subject, ruler: Ruler, **options: Any) -> Array:
    """The target's draws. Raises TargetFault for what cannot be judged as such."""
    arguments, named = called(ruler.operation, options)
    (x,) = f.arrays(*arguments, **named)
    return checked(x, options["size"])


def checked(x: Array, size: int) -> Array:
    """The draws. Raises TargetFault for what cannot be judged as such."""
    if x.shape != (size,) or not (x.dtype.kind in "iu" or (x.dtype.kind == "f" and x.dtype.itemsize in SIZES)):
        raise TargetFault(f"returned {x.dtype} of shape {x.shape} where {size} numbers are expected (MS-8)")
    if not np.isfinite(x).all():
        raise TargetFault("a draw is NaN or infinite (MS-8)")
    return x


def draw_or_none(f: Subject, ruler: Ruler, **options: Any) -> Array | None:
    """The draws; or None where the target refuses a seed that 32 bits do not hold, and takes others."""
    try:
        return draw(f, ruler, **options)
    except Refused:
        if options["seed"] < WORD:
            raise
        draw(f, ruler, **{**options, "seed": options["seed"] % WORD})
        return None


def has_law(ruler: Ruler, options: dict[str, Any]) -> bool:
    """Whether the conventions declared say how such draws are distributed: with `ends = half`, where low is a multiple
    of step.
    """
    if ruler.operation is not QUANTISED_UNIFORM or "ends" not in ruler.conventions:
        return True
    return float(options["low"] / options["step"]).is_integer()


def law_of(ruler: Ruler, options: dict[str, Any], conventions: dict[str, str] | None = None) -> Discrete:
    """By which law they are drawn: by the conventions declared, or by these."""
    declared = ruler.conventions if conventions is None else conventions
    if ruler.operation is QUANTISED_UNIFORM:
        n, ends = count_of(options), cast(formulas.Ends, declared.get("ends", "full"))
        return Discrete(n, lambda k: np.asarray(formulas.quantised_below(k, n, ends)))
    if ruler.operation is LOG_INTEGERS:
        low, high, parts = options["low"], options["high"], cast(formulas.Parts, declared.get("parts", "above"))
        return Discrete(
            high - low + 1,
            lambda k: np.asarray(formulas.log_integer_below(k + low, low, high, parts)),
            log_grain(low, high),
        )
    below = formulas.weighted_below(weights_of(options))
    return Discrete(len(below) - 1, lambda k: np.asarray(below[k.astype(np.intp)]))


def log_grain(low: int, high: int) -> float:
    """How far P(x < k) may be off where logarithms are computed in float32, of uniform numbers of 23 bits.

    log x is a + u (b − a), a and b the logarithms of two ends, |a|, |b| ≤ L = log(high + 1). Each logarithm errs by 4
    ulp at most, and so does x = e^{…}, relative; the difference, the product and the sum are rounded: (8 + 3) L u₃₂,
    and 2 L u₃₂ for u, which is in float32 too. Together (13 L + 8) u₃₂ in log x, whose range is log((high + 1)/low)
    or, where ends are not reached, log(high/low).
    """
    largest = float(np.log(high + 1.0))
    return max(GRAIN, GRAIN / 2 + SINGLE * (13 * largest + 8) / float(np.log(high / low)))


def count_of(options: dict[str, Any]) -> int:
    """Of a quantised range, how many values there are."""
    return formulas.levels(options["low"], options["high"], options["step"])


def numbers(ruler: Ruler, x: Array, options: dict[str, Any]) -> Floats:
    """Which value each draw is, from 0 on: the nearest, and not below 0 or above the last."""
    wide, n = x.astype(np.float64), law_of(ruler, options).count
    if ruler.operation is QUANTISED_UNIFORM:
        wide = (wide - options["low"]) / options["step"]
    elif ruler.operation is LOG_INTEGERS:
        wide = wide - options["low"]
    return np.asarray(np.clip(np.rint(wide), 0, n - 1))


def strangers(ruler: Ruler, x: Array, options: dict[str, Any]) -> Array:
    """The draws that are none of the values that have a chance, not even up to rounding.

    A quantised value is low + k step, or high − k step; or a multiple of step, where low is one; or low + k times an
    n-th of high − low. What is given is rounded to the type, and so are the difference, the quotient, the product and
    the sum. With w = high − low and m the larger of |low|, |high|, that is at most u (m + w) for what is given, 3 w u
    for difference, quotient and product, m u for the sum, and m u for low as a multiple of step. What w is off n steps
    is added; and no draw may be further out of the box than that.
    """
    k, wide = numbers(ruler, x, options), x.astype(np.float64)
    if ruler.operation is QUANTISED_UNIFORM:
        low, high, step = (float(options[name]) for name in ("low", "high", "step"))
        width, most = high - low, max(abs(low), abs(high))
        allowed = granularity(x).u * (3 * most + 4 * width) + abs(width - (count_of(options) - 1) * step)
        return x[np.abs(wide - (low + k * step)) > allowed]
    first = options["low"] if ruler.operation is LOG_INTEGERS else 0
    likely = law_of(ruler, options).likely(k) > 0
    return x[(wide != k + first) | ~likely]


def chances(*, seed: int, **_: Any) -> np.random.Generator:
    """The law's own, for where a draw lies in its part of [0, 1]."""
    return Case(1, 1, "", 0, seed).random("laws of more samplers")
