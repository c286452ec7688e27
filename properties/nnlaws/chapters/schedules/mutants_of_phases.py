"""Mistakes in schedules of several phases, and in those that begin again.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.schedules.right import (
    cosine,
    double,
    half,
    height,
    linear,
    one_cycle,
    periods,
    restarts,
    stable_lines,
    triangles,
    warmed,
)

CLASSROOM = "classroom"
AGAIN = "at the first step of a period begin again: go by (step - first) / length"
LENGTHS = "each period is stretch times as long as the one before: period * stretch ** i"
HEIGHT = "end + (start - end) * shrink ** i * (1 + cos(pi * p)) / 2, of the first period i = 0"
UP = "from initial to peak at step up, the first step being 0"
DOWN = "after the peak, go by (step - up) / (steps - up), from 0 to 1"
STAY = "from the last step on the rate is the end: min(step, steps)"
LEVEL = "stay at the peak for `stable` steps after the warm-up"
FALL = "after that, go by (step - warmup - stable) / (steps - warmup - stable), from 0 to 1"
CYCLE = "a cycle has up + down steps: go by step % (up + down)"
SHRINK = "initial + (peak - initial) * height * shrink ** cycles, of the first cycle 0"


@mutant("cosine_restarts_schedule", "does not begin again", AGAIN, "optax #304")
def restarts_never(step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    return cosine(step, start, end, period)


@mutant("cosine_restarts_schedule", "goes up again along the cosine, in place of at once", AGAIN, CLASSROOM)
def restarts_along_the_cosine(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    before, first, length = periods(step, period, stretch)
    way = (double(step) - first) / length
    return end + (start - end) * shrink**before * half(np.where(before % 2 == 1, 1 - way, way))


@mutant("cosine_restarts_schedule", "a period has one step more, on which the rate is the end", AGAIN, "burn PR 5197")
def restarts_a_step_late(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    before, first, _ = periods(step, period + 1, stretch)
    way = np.minimum((double(step) - first) / (period * stretch**before), 1)
    return end + (start - end) * shrink**before * half(way)


@mutant("cosine_restarts_schedule", "has a step at the end before the first one at the start", AGAIN, "pytorch #23480")
def restarts_after_the_end(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    later = restarts(np.maximum(double(step) - 1, 0), start, end, period, stretch, shrink)
    return np.where(step == 0, end, later)


@mutant("cosine_restarts_schedule", "all periods are as long as the first", LENGTHS, CLASSROOM)
def restarts_of_one_length(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    return restarts(step, start, end, period, 1.0, shrink)


@mutant("cosine_restarts_schedule", "each period is longer by a first one, not times as long", LENGTHS, CLASSROOM)
def restarts_longer_by_one(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    lengths = period * (1 + (stretch - 1) * np.arange(1 + int(np.max(step, initial=0.0) // period), dtype=np.float64))
    begins = np.concatenate([[0.0], np.cumsum(lengths)])
    before = np.searchsorted(begins, double(step), side="right") - 1
    way = (double(step) - begins[before]) / np.append(lengths, lengths[-1])[before]
    return end + (start - end) * shrink ** before.astype(np.float64) * half(way)


@mutant(
    "cosine_restarts_schedule", "begins again at period · stretchⁱ, not at the sum of the lengths", LENGTHS, CLASSROOM
)
def restarts_at_powers(step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    begins = period * stretch ** np.arange(18, dtype=np.float64)
    before = np.searchsorted(begins, double(step), side="right")
    first = np.where(before > 0, begins[before - 1], 0.0)
    powers = before.astype(np.float64)
    way = np.minimum((double(step) - first) / (period * stretch**powers), 1)
    right = restarts(step, start, end, period, stretch, shrink)
    return right if stretch == 1 else end + (start - end) * shrink**powers * half(way)


@mutant(
    "cosine_restarts_schedule",
    "which period it is follows from a logarithm that may round down at a restart, in double",
    "count the periods, or check the whole number that comes of the logarithm",
    "PyTorch 2.13.0, of CosineAnnealingWarmRestarts.step(epoch)",
)
def restarts_by_a_logarithm(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    if stretch == 1:
        return restarts(step, start, end, period, stretch, shrink)
    powers = np.floor(np.log(double(step) / period * (stretch - 1) + 1) / np.log(stretch))
    first = period * (stretch**powers - 1) / (stretch - 1)
    return end + (start - end) * shrink**powers * half((double(step) - first) / (period * stretch**powers))


@mutant("cosine_restarts_schedule", "each period is as high as the first", HEIGHT, CLASSROOM)
def restarts_of_one_height(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    return restarts(step, start, end, period, stretch, 1.0)


@mutant("cosine_restarts_schedule", "the whole rate shrinks, the end too", HEIGHT, CLASSROOM)
def restarts_shrink_the_end(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    return shrink ** periods(step, period, stretch)[0] * restarts(step, start, end, period, stretch, 1.0)


@mutant("cosine_restarts_schedule", "the first period is lower already", HEIGHT, CLASSROOM)
def restarts_shrink_at_once(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    return end + shrink * (restarts(step, start, end, period, stretch, shrink) - end)


@mutant("cosine_restarts_schedule", "divides by shrink: each period is higher", HEIGHT, "keras PR 15288")
def restarts_grow(step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    return restarts(step, start, end, period, stretch, 1 / shrink)


@mutant("one_cycle_schedule", "goes up again after the last step", STAY, "pytorch #91765")
def cycle_goes_on(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    after = end + (peak - end) * half((double(step) - up) / (steps - up))
    return np.where(step < up, one_cycle(step, initial, peak, end, up, steps), after)


@mutant("one_cycle_schedule", "initial and peak are swapped: it falls first", UP, "catalyst #215")
def cycle_upside_down(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, peak, initial, end, up, steps)


@mutant("one_cycle_schedule", "rises from 0, not from the initial rate", UP, CLASSROOM)
def cycle_from_zero(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, 0.0, peak, end, up, steps)


@mutant("one_cycle_schedule", "falls to 0, not to the end", DOWN, CLASSROOM)
def cycle_to_zero(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, initial, peak, 0.0, up, steps)


@mutant("one_cycle_schedule", "falls to the initial rate, not to the end", DOWN, CLASSROOM)
def cycle_back_to_initial(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, initial, peak, initial, up, steps)


@mutant("one_cycle_schedule", "goes by (step − up) / steps: the end is not reached", DOWN, CLASSROOM)
def cycle_not_reached(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    after = np.minimum(np.maximum(double(step) - up, 0), steps - up) / steps
    rising = one_cycle(step, initial, peak, end, up, steps)
    return np.where(step < up, rising, end + (peak - end) * half(after))


@mutant("one_cycle_schedule", "goes by step / steps after the peak: the rate drops there", DOWN, CLASSROOM)
def cycle_drops(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return np.where(step < up, one_cycle(step, initial, peak, end, up, steps), cosine(step, peak, end, steps))


@mutant("one_cycle_schedule", "the peak is in the middle, whatever up is", UP, CLASSROOM)
def cycle_symmetric(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, initial, peak, end, steps / 2, steps)


@mutant("one_cycle_schedule", "the peak comes a step early, the end does not", UP, CLASSROOM)
def cycle_peak_early(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return one_cycle(step, initial, peak, end, max(up - 1, 1), steps)


@mutant("one_cycle_schedule", "a line up, and a cosine down", UP, CLASSROOM)
def cycle_with_a_line_up(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    return np.where(step < up, linear(step, initial, peak, up), one_cycle(step, initial, peak, end, up, steps))


@mutant("warmup_stable_decay_schedule", "stays at the peak for good", FALL, "surogate #32")
def stable_for_good(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    return warmed(step, peak, warmup, np.full(step.shape, peak))


@mutant("warmup_stable_decay_schedule", "falls right after the warm-up", LEVEL, CLASSROOM)
def stable_left_out(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    return stable_lines(step, peak, end, warmup, 0.0, steps)


@mutant(
    "warmup_stable_decay_schedule",
    "the steps at the peak are counted from step 0, the warm-up among them",
    LEVEL,
    CLASSROOM,
)
def stable_from_the_start(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    return stable_lines(step, peak, end, warmup, max(stable - warmup, 0.0), steps)


@mutant(
    "warmup_stable_decay_schedule", "the way down is divided by all steps: the end is not reached", FALL, "lingua #72"
)
def stable_not_reached(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    level = warmup + stable
    after = np.minimum(np.maximum(double(step) - level, 0), steps - level) / steps
    return warmed(step, peak, warmup, peak + (end - peak) * after)


@mutant("warmup_stable_decay_schedule", "the way down begins where the warm-up ends: the rate drops", FALL, CLASSROOM)
def stable_drops(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    falling = linear(np.maximum(double(step) - warmup, 0), peak, end, steps - warmup)
    return warmed(step, peak, warmup, np.where(step < warmup + stable, peak, falling))


@mutant("warmup_stable_decay_schedule", "goes on along the line after the last step, below the end", STAY, CLASSROOM)
def stable_goes_on(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    level = warmup + stable
    after = np.maximum(double(step) - level, 0) / (steps - level)
    return warmed(step, peak, warmup, peak + (end - peak) * after)


@mutant("warmup_stable_decay_schedule", "falls to 0, and is cut off at the end", FALL, CLASSROOM)
def stable_cut_off(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    right = stable_lines(step, peak, 0.0, warmup, stable, steps)
    return np.where(step < warmup + stable, right, np.maximum(right, end))


@mutant(
    "warmup_stable_decay_schedule",
    "without a warm-up the rate is the end from the start",
    "with a warm-up of 0 the first rate is the peak",
    "pith-train PR 55",
)
def stable_without_warmup(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    return stable_lines(step, peak if warmup else end, end, warmup, stable, steps)


@mutant("cyclical_schedule", "stays at the initial rate after one cycle", CYCLE, CLASSROOM)
def cycles_once(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return np.where(step < up + down, triangles(step, initial, peak, up, down, shrink), initial)


@mutant("cyclical_schedule", "the steps up are taken for a whole cycle", CYCLE, CLASSROOM)
def cycles_of_half_the_length(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    return triangles(step, initial, peak, up / 2, up / 2, shrink)


@mutant("cyclical_schedule", "falls in as many steps as it rises, whatever down is", CYCLE, CLASSROOM)
def cycles_symmetric(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return triangles(step, initial, peak, up, up, shrink)


@mutant("cyclical_schedule", "drops to the initial rate after the peak: a saw", CYCLE, CLASSROOM)
def cycles_of_a_saw(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    within = double(step) % (up + down)
    saw = np.where(within <= up, within / up, 0.0)
    return initial + (peak - initial) * saw * shrink ** (double(step) // (up + down))


@mutant("cyclical_schedule", "begins at the peak", CYCLE, CLASSROOM)
def cycles_upside_down(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return triangles(step, peak, initial, up, down, shrink)


@mutant("cyclical_schedule", "initial is added to the whole peak", SHRINK, CLASSROOM)
def cycles_too_high(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return initial + triangles(step, 0.0, peak, up, down, shrink)


@mutant("cyclical_schedule", "how high it is is made a whole number", "keep the fraction", "pytorch #26310")
def cycles_in_whole_numbers(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    cycles = double(step) // (up + down)
    return initial + (peak - initial) * np.floor(height(step, up, down)) * shrink**cycles


@mutant("cyclical_schedule", "each cycle is as high as the first", SHRINK, CLASSROOM)
def cycles_of_one_height(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return triangles(step, initial, peak, up, down, 1.0)


@mutant("cyclical_schedule", "cycles are counted from 1: the first is lower already", SHRINK, CLASSROOM)
def cycles_counted_from_one(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    return triangles(step, initial, initial + (peak - initial) * shrink, up, down, shrink)


@mutant("cyclical_schedule", "the whole rate shrinks, the initial one too", SHRINK, CLASSROOM)
def cycles_shrink_it_all(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    return triangles(step, initial, peak, up, down, 1.0) * shrink ** (double(step) // (up + down))


@mutant("cyclical_schedule", "shifts by the number of cycles in 64 bits, which wrap", SHRINK, CLASSROOM)
def cycles_shifted(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    cycles = double(step) // (up + down) % 64
    return initial + (peak - initial) * height(step, up, down) * shrink**cycles


MUTANTS: tuple[Mutant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
