"""Schedules of the learning rate: warm-up and decay over a number of steps that is known. Steps count from 0.

Steps are an array of any shape, so that a schedule is one call; the result has its shape and dtype. It is computed in
float64, which holds every step and every option as it is, and rounded once.
"""

from math import inf

import numpy as np

from nnlaws_reference.counts import at_least_0, counted, rounded
from nnlaws_reference.dtypes import Array


def linear_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
    """From start along a line to end at step `steps`, and end from there on (SD-1).

    step: whole numbers ≥ 0, of a floating dtype; start, end: finite, ≥ 0; steps: a whole number ≥ 1.
    Raises ValueError for other steps, another dtype, or other numbers.
    """
    left = _left(counted(step, "steps"), _whole("steps", steps, 1))
    return rounded(_between(start, end, left), step)


def polynomial_schedule(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    """(start − end)(1 − t/T)^power + end for t < T, and end from step T on (SD-2).

    step, start, end, steps and errors as for linear_schedule; power: finite, > 0.
    """
    if not 0 < power < inf:
        raise ValueError(f"expected power finite and > 0, got {power}; 1 is a line")
    left = _left(counted(step, "steps"), _whole("steps", steps, 1))
    return rounded(_between(start, end, left ** float(power)), step)


def cosine_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
    """From start along half a cosine to end at step `steps`, and end from there on (SD-3).

    step, start, end, steps and errors as for linear_schedule.
    """
    return rounded(_between(start, end, _half_cosine(counted(step, "steps"), _whole("steps", steps, 1))), step)


def warmup_linear_schedule(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    """From 0 along a line to peak at step `warmup`, and along another to end at step `steps` (SD-4).

    step and errors as for linear_schedule; peak, end: finite, ≥ 0; warmup: a whole number ≥ 0; steps: one above it.
    """
    peak, t, warm, rest = _warming(step, peak, warmup, steps)
    return rounded(np.where(t < warm, peak * t / max(warm, 1), _between(peak, end, _left(t - warm, rest))), step)


def warmup_cosine_schedule(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    """From 0 along a line to peak at step `warmup`, and along half a cosine to end at step `steps` (SD-5).

    As warmup_linear_schedule.
    """
    peak, t, warm, rest = _warming(step, peak, warmup, steps)
    falling = _between(peak, end, _half_cosine(np.maximum(t - warm, 0), rest))
    return rounded(np.where(t < warm, peak * t / max(warm, 1), falling), step)


def inverse_root_schedule(step: Array, *, initial: float, timescale: float) -> Array:
    """α₀ √(τ/(t + τ)), τ being the timescale (SD-6).

    step and errors as for linear_schedule; initial: finite, ≥ 0; timescale: finite, > 0.
    """
    if not 0 < timescale < inf:
        raise ValueError(f"expected timescale finite and > 0, got {timescale}; 10,000 is usual")
    return rounded(
        at_least_0("initial", initial) * np.sqrt(timescale / (counted(step, "steps") + float(timescale))), step
    )


def cosine_restarts_schedule(
    step: Array, *, start: float, end: float, period: float, stretch: float = 1.0, shrink: float = 1.0
) -> Array:
    """Half a cosine from start to end over `period` steps, and again and again, each time `stretch` times as long and
    `shrink` times as high above the end (SD-12).

    step and errors as for linear_schedule; start, end: finite, ≥ 0; period, stretch: whole numbers ≥ 1; shrink: above
    0, at most 1.
    """
    t, length, stretch = counted(step, "steps"), _whole("period", period, 1), _whole("stretch", stretch, 1)
    shrink, before, first = _part("shrink", shrink), np.floor(t / length), 0.0
    if stretch == 1:
        left = _half_cosine(t - before * length, length)
    else:
        before, left = np.zeros_like(t), _half_cosine(t, length)
        while (t >= first + length).any():
            first, length = first + length, length * stretch
            left, before = np.where(t >= first, _half_cosine(t - first, length), left), before + (t >= first)
    return rounded(_between(start, end, left * shrink**before), step)


def one_cycle_schedule(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    """From initial along half a cosine to peak at step `up`, and along another to end at step `steps` (SD-13).

    step and errors as for linear_schedule; initial, peak, end: finite, ≥ 0; up: a whole number ≥ 1; steps: one above.
    """
    t, top = counted(step, "steps"), _whole("up", up, 1)
    rest = _whole("steps", steps, top + 1) - top
    initial = at_least_0("initial", initial)
    peak = at_least_0("peak", peak)
    rising = _between(initial, peak, _half_cosine(t, top))
    return rounded(np.where(t < top, rising, _between(peak, end, _half_cosine(np.maximum(t - top, 0), rest))), step)


def warmup_stable_decay_schedule(
    step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float
) -> Array:
    """From 0 along a line to peak at step `warmup`, `stable` steps there, then along a line to end at `steps` (SD-14).

    step and errors as for linear_schedule; peak, end: finite, ≥ 0; warmup, stable: whole numbers ≥ 0; steps: a whole
    number above their sum.
    """
    level = _whole("warmup", warmup, 0) + _whole("stable", stable, 0)
    peak, t, _, rest = _warming(step, peak, level, steps)
    falling = _between(peak, end, _left(t - level, rest))
    rates = np.where(t < warmup, peak * t / max(warmup, 1), np.where(t < level, peak, falling))
    return rounded(rates, step)


def cyclical_schedule(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float = 1.0
) -> Array:
    """From initial along a line to peak in `up` steps, and back in `down`, over and over, each time `shrink` times as
    high (SD-15).

    step and errors as for linear_schedule; initial, peak: finite, ≥ 0; up, down: whole numbers ≥ 1; shrink: above 0, at
    most 1.
    """
    t, up, down = counted(step, "steps"), _whole("up", up, 1), _whole("down", down, 1)
    cycles, within = np.floor(t / (up + down)), np.mod(t, up + down)
    height = np.where(within < up, within / up, (up + down - within) / down)
    return rounded(_between(peak, initial, height * _part("shrink", shrink) ** cycles), step)


def _warming(step: Array, peak: float, warmup: float, steps: float) -> tuple[float, Array, float, float]:
    """The peak, the steps in float64, how many of them rise, and how many fall."""
    warm = _whole("warmup", warmup, 0)
    return at_least_0("peak", peak), counted(step, "steps"), warm, _whole("steps", steps, warm + 1) - warm


def _left(t: Array, steps: float) -> Array:
    """1 − t/T, and 0 from T on."""
    return np.asarray(np.maximum(steps - t, 0) / steps)


def _half_cosine(t: Array, steps: float) -> Array:
    """(1 + cos πt/T)/2, as the square of a cosine, which loses no digits near T; and 0 from T on."""
    return np.asarray(np.where(t < steps, np.cos(np.pi / 2 * np.minimum(t, steps) / steps) ** 2, 0.0))


def _between(start: float, end: float, left: Array) -> Array:
    start, end = at_least_0("start", start), at_least_0("end", end)
    return np.asarray(start * left + end * (1 - left))


def _whole(name: str, number: float, least: float) -> float:
    if not least <= number < inf or number != int(number):
        raise ValueError(f"expected {name} to be a whole number, {least:g} or more, got {number}")
    return float(number)


def _part(name: str, number: float) -> float:
    if not 0 < number <= 1:
        raise ValueError(f"expected {name} above 0 and at most 1, got {number}")
    return float(number)
