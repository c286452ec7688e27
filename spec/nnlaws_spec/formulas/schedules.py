"""Schedules of the learning rate: the formulas of chapters/schedules.md.

step is an array of any shape, of whole numbers ≥ 0, counted from 0; the result has its shape. What is computed with
the options is computed in the array's own kind of number, so in balls nothing is rounded away. `beyond`, `last`,
`warmup_start`, `restart`, `anneal`, `phases`, `turns`, `decline` and `shrinks` are the chapter's conventions.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from nnlaws_spec.formulas import Numbers, cos_pi, floor

Beyond = Literal["constant", "periodic"]
Last = Literal["after", "within"]
Warmup = Literal["from_zero", "from_one", "one_more"]
Restart = Literal["height", "rate"]
Anneal = Literal["cosine", "line"]
Phases = Literal["two", "three"]
Turns = Literal["after", "within"]
Decline = Literal["line", "cosine", "root"]
Shrinks = Literal["every_cycle", "every_step"]


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


def periods(step: Numbers, period: float, stretch: float) -> tuple[Numbers, Numbers, Numbers]:
    """SD-12: of the period that a step is in: how many came before, its first step, and its length."""
    if stretch == 1:
        before = floor(step / period)
        return before, before * period, period + 0 * step
    before, first, length = 0 * step, 0 * step, period + 0 * step
    count, begin, long = 1, period, period * stretch
    while np.any(step >= begin):
        later = step >= begin
        before = np.where(later, count + 0 * step, before)
        first, length = np.where(later, begin + 0 * step, first), np.where(later, long + 0 * step, length)
        count, begin, long = count + 1, begin + long, long * stretch
    return before, first, length


def cosine_restarts_schedule(
    step: Numbers,
    *,
    start: float,
    end: float,
    period: float,
    stretch: float,
    shrink: float,
    restart: Restart = "height",
) -> Numbers:
    """SD-12: α = end + shrinkⁱ (start − end)(1 + cos πp)/2, p = (t − sᵢ)/(period stretchⁱ), sᵢ the i-th restart."""
    before, first, length = periods(step, period, stretch)
    left = (1 + cos_pi((step - first) / length)) / 2
    height = (shrink + 0 * step) ** before
    if restart == "rate":
        return start * height * left + end * (1 - left)
    return start * (height * left) + end * (1 - height * left)


def one_cycle_schedule(
    step: Numbers,
    *,
    initial: float,
    peak: float,
    end: float,
    up: float,
    steps: float,
    anneal: Anneal = "cosine",
    phases: Phases = "two",
    turns: Turns = "after",
) -> Numbers:
    """SD-13: α from initial to peak at step u, and from there to end at step T; or to initial at step 2u before."""
    between = linear_schedule if anneal == "line" else cosine_schedule
    top, bottom = (up, steps) if turns == "after" else (max(up - 1, 1), max(steps - 1, 2))
    rising = between(_least(step, top), start=initial, end=peak, steps=top)
    if phases == "two":
        return np.where(step < top, rising, between(_from(step, top), start=peak, end=end, steps=bottom - top))
    falling = between(_from(step, top), start=peak, end=initial, steps=top)
    last = between(_from(step, 2 * top), start=initial, end=end, steps=max(bottom - 2 * top, 1))
    return np.where(step < top, rising, np.where(step < 2 * top, falling, last))


def warmup_stable_decay_schedule(
    step: Numbers,
    *,
    peak: float,
    end: float,
    warmup: float,
    stable: float,
    steps: float,
    last: Last = "after",
    warmup_start: Warmup = "from_zero",
    decline: Decline = "line",
) -> Numbers:
    """SD-14: α = peak · t/w up to step w, peak for s steps more, and then down to end at step T."""
    down = {"line": linear_schedule, "cosine": cosine_schedule, "root": _root}[decline]
    return _warmed(down, step, peak, end, warmup, steps, last, warmup_start, stable)


def cyclical_schedule(
    step: Numbers,
    *,
    initial: float,
    peak: float,
    up: float,
    down: float,
    shrink: float,
    shrinks: Shrinks = "every_cycle",
) -> Numbers:
    """SD-15: α = initial + shrinkᶜ (peak − initial) x, x up to 1 in `up` steps and back in `down`, c cycles on."""
    cycles = floor(step / (up + down))
    within = step - cycles * (up + down)
    height = np.where(within < up, within / up, (up + down - within) / down)
    height = height * (shrink + 0 * step) ** (cycles if shrinks == "every_cycle" else step)
    return initial * (1 - height) + peak * height


def _root(step: Numbers, *, start: float, end: float, steps: float, last: Last = "after") -> Numbers:
    """1 − √p of what is above the end is left."""
    left = 1 - np.sqrt(part(step, steps, last))
    return start * left + end * (1 - left)


def _from(step: Numbers, first: float) -> Numbers:
    """How many steps it is from there, and 0 before."""
    return step - _least(step, first)


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
    stable: float = 0.0,
) -> Numbers:
    """peak · t/w below step w, and after `stable` steps the schedule that falls over the steps that are left."""
    level = warmup + stable
    after = falling(_from(step, level), start=peak, end=end, steps=steps - level, last=last)
    ahead, more = {"from_zero": (0, 0), "from_one": (1, 0), "one_more": (1, 1)}[warmup_start]
    return np.where(step < warmup, peak * (step + ahead) / max(warmup + more, 1), after)
