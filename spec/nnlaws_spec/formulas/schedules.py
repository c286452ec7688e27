"""Schedules of the learning rate: the formulas of chapters/schedules.md.

step is an array of any shape, of whole numbers ≥ 0, counted from 0; the result has its shape. What is computed with
the options is computed in the array's own kind of number, so in balls nothing is rounded away. `beyond`, `last` and
`warmup` are the chapter's conventions.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from nnlaws_spec.formulas import Numbers, cos_pi

Beyond = Literal["constant", "periodic"]
Last = Literal["after", "within"]
Warmup = Literal["from_zero", "from_one", "one_more"]


def part(step: Numbers, steps: float, last: Last = "after", beyond: Beyond = "constant") -> Numbers:
    """SD-1: how much of the way a step is on, t/T, and 1 from t = T on. With the last step within, T − 1 for T."""
    way = steps if last == "after" else max(steps - 1, 1)
    return (step if beyond == "periodic" else _least(step, way)) / way


def linear_schedule(step: Numbers, *, start: float, end: float, steps: float, last: Last = "after") -> Numbers:
    """SD-1: α = (1 − p) start + p end, p = min(t, T)/T."""
    p = part(step, steps, last)
    return start * (1 - p) + end * p


def polynomial_schedule(
    step: Numbers, *, start: float, end: float, steps: float, power: float, last: Last = "after"
) -> Numbers:
    """SD-2: α = (start − end)(1 − p)^power + end."""
    left = (1 - part(step, steps, last)) ** power
    return start * left + end * (1 - left)


def cosine_schedule(
    step: Numbers, *, start: float, end: float, steps: float, last: Last = "after", beyond: Beyond = "constant"
) -> Numbers:
    """SD-3: α = end + (start − end)(1 + cos πp)/2."""
    left = (1 + cos_pi(part(step, steps, last, beyond))) / 2
    return start * left + end * (1 - left)


def warmup_linear_schedule(
    step: Numbers,
    *,
    peak: float,
    end: float,
    warmup: float,
    steps: float,
    last: Last = "after",
    warmup_start: Warmup = "from_zero",
) -> Numbers:
    """SD-4: α = peak · t/w up to step w, then along a line from peak to end at step T."""
    return _warmed(linear_schedule, step, peak, end, warmup, steps, last, warmup_start)


def warmup_cosine_schedule(
    step: Numbers,
    *,
    peak: float,
    end: float,
    warmup: float,
    steps: float,
    last: Last = "after",
    warmup_start: Warmup = "from_zero",
) -> Numbers:
    """SD-5: α = peak · t/w up to step w, then along half a cosine from peak to end at step T."""
    return _warmed(cosine_schedule, step, peak, end, warmup, steps, last, warmup_start)


def inverse_root_schedule(step: Numbers, *, initial: float, timescale: float) -> Numbers:
    """SD-6: α = α₀ √(τ/(t + τ))."""
    return initial * np.sqrt(timescale / (step + timescale))


def _least(step: Numbers, other: float) -> Numbers:
    """The lesser of the two, in the steps' own kind of number."""
    return np.minimum(step, other + 0 * step)


def _warmed(
    falling: Callable[..., Numbers],
    step: Numbers,
    peak: float,
    end: float,
    warmup: float,
    steps: float,
    last: Last,
    warmup_start: Warmup,
) -> Numbers:
    """peak · t/w below step w, and from there on the schedule that falls over the steps that are left."""
    after = falling(step - _least(step, warmup), start=peak, end=end, steps=steps - warmup, last=last)
    ahead, more = {"from_zero": (0, 0), "from_one": (1, 0), "one_more": (1, 1)}[warmup_start]
    return np.where(step < warmup, peak * (step + ahead) / max(warmup + more, 1), after)
