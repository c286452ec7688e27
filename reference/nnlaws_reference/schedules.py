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
