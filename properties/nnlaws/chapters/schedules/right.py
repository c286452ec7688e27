"""The schedules in double, of the steps and the options by name: what mutants have one fault of."""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array


def double(step: Array) -> Array:
    """The steps in double, so that nothing is rounded before the result is."""
    return step.astype(np.float64)


def way(step: Array, steps: float) -> Array:
    return np.minimum(double(step), steps) / steps


def half(way: Array) -> Array:
    return np.asarray((1 + np.cos(np.pi * way)) / 2)


def linear(step: Array, start: float, end: float, steps: float) -> Array:
    return start + (end - start) * way(step, steps)


def polynomial(step: Array, start: float, end: float, steps: float, power: float) -> Array:
    return (start - end) * (1 - way(step, steps)) ** power + end


def cosine(step: Array, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * half(way(step, steps))


def warmed(step: Array, peak: float, warmup: float, after: Array) -> Array:
    return np.where(step < warmup, peak * double(step) / max(warmup, 1), after)


def lines(step: Array, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, linear(np.maximum(step - warmup, 0), peak, end, steps - warmup))


def line_and_cosine(step: Array, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, cosine(np.maximum(step - warmup, 0), peak, end, steps - warmup))


def periods(step: Array, period: float, stretch: float) -> tuple[Array, Array, Array]:
    """How many periods came before, the first step of the one that it is in, and its length."""
    count = 1 + int(np.max(step, initial=0.0) // period) if stretch == 1 else 20
    lengths = period * stretch ** np.arange(count, dtype=np.float64)
    begins = np.concatenate([[0.0], np.cumsum(lengths)])
    before = np.searchsorted(begins, double(step), side="right") - 1
    return before.astype(np.float64), begins[before], period * stretch ** before.astype(np.float64)


def restarts(step: Array, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    before, first, length = periods(step, period, stretch)
    return end + (start - end) * shrink**before * half((double(step) - first) / length)


def one_cycle(step: Array, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    falling = cosine(np.maximum(double(step) - up, 0), peak, end, steps - up)
    return np.where(step < up, cosine(step, initial, peak, up), falling)


def stable_lines(step: Array, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    level = warmup + stable
    return warmed(step, peak, warmup, linear(np.maximum(double(step) - level, 0), peak, end, steps - level))


def height(step: Array, up: float, down: float) -> Array:
    """How high it is within its cycle, from 0 to 1 and back."""
    within = double(step) % (up + down)
    return np.where(within < up, within / up, (up + down - within) / down)


def triangles(step: Array, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    cycles = double(step) // (up + down)
    return initial + (peak - initial) * height(step, up, down) * shrink**cycles


RIGHT: dict[str, Callable[..., Array]] = {
    "linear_schedule": linear,
    "polynomial_schedule": polynomial,
    "cosine_schedule": cosine,
    "warmup_linear_schedule": lines,
    "warmup_cosine_schedule": line_and_cosine,
    "inverse_root_schedule": lambda step, initial, timescale: initial * np.sqrt(timescale / (double(step) + timescale)),
    "cosine_restarts_schedule": restarts,
    "one_cycle_schedule": one_cycle,
    "warmup_stable_decay_schedule": stable_lines,
    "cyclical_schedule": triangles,
}
"""Of each operation."""
