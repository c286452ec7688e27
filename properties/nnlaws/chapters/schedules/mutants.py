"""Mistakes in schedules of the learning rate.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, mutant
from nnlaws.chapters.schedules import mutants_of_phases
from nnlaws.chapters.schedules.operations import OPERATIONS
from nnlaws.chapters.schedules.right import (
    RIGHT,
    cosine,
    double,
    half,
    line_and_cosine,
    linear,
    lines,
    polynomial,
    warmed,
    way,
)

CLASSROOM = "classroom"
LINE = "start + (end - start) * min(step, steps) / steps, the first step being 0"
POWER = "(start - end) * (1 - min(step, steps) / steps) ** power + end"
COSINE = "end + (start - end) * (1 + cos(pi * min(step, steps) / steps)) / 2"
RISE = "peak * step / warmup below step warmup, the first step being 0"
FALL = "after the warm-up, go by (step - warmup) / (steps - warmup), from 0 to 1"
ROOT = "initial * sqrt(timescale / (step + timescale)), the first step being 0"
STAY = "from the last step on the rate is the end: min(step, steps)"
ITSELF = "each result is of its own step, as it is given"
AS_GIVEN = "take the options as they are given: 0 and 1 are numbers as good as any"


@mutant("linear_schedule", "goes on along the line after the last step, below the end", STAY, CLASSROOM)
def line_goes_on(step: Array, *, start: float, end: float, steps: float) -> Array:
    return start + (end - start) * double(step) / steps


@mutant("linear_schedule", "start and end are swapped", LINE, CLASSROOM)
def line_swapped(step: Array, *, start: float, end: float, steps: float) -> Array:
    return linear(step, end, start, steps)


@mutant("linear_schedule", "end is taken for a part of the start", "end is a rate, not a factor", CLASSROOM)
def line_end_a_factor(step: Array, *, start: float, end: float, steps: float) -> Array:
    return linear(step, start, end * start, steps)


@mutant("linear_schedule", "the whole rate falls to 0, and is cut off at the end", LINE, CLASSROOM)
def line_cut_off(step: Array, *, start: float, end: float, steps: float) -> Array:
    return np.maximum(linear(step, start, 0.0, steps), end)


@mutant("linear_schedule", "what is left is divided in whole numbers", LINE, CLASSROOM)
def line_in_whole_numbers(step: Array, *, start: float, end: float, steps: float) -> Array:
    return start + (end - start) * np.floor(way(step, steps))


@mutant("linear_schedule", "the distance between the ends is not divided by the number of steps", LINE, CLASSROOM)
def line_not_divided(step: Array, *, start: float, end: float, steps: float) -> Array:
    return start + (end - start) * np.minimum(double(step), steps)


@mutant("linear_schedule", "an end of 0 is taken for none given, and replaced by the start", AS_GIVEN, CLASSROOM)
def line_no_end(step: Array, *, start: float, end: float, steps: float) -> Array:
    return linear(step, start, end or start, steps)


@mutant("linear_schedule", "the rate of the last step is the start again", STAY, "pytorch #91765, of OneCycleLR")
def line_begins_anew(step: Array, *, start: float, end: float, steps: float) -> Array:
    return linear(double(step) % (steps + 1), start, end, steps)


@mutant("polynomial_schedule", "the power is left out", POWER, CLASSROOM)
def power_left_out(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return polynomial(step, start, end, steps, 1.0)


@mutant("polynomial_schedule", "the way, not what is left of it, is raised", POWER, CLASSROOM)
def power_of_the_way(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return start + (end - start) * way(step, steps) ** power


@mutant("polynomial_schedule", "the end is not added", POWER, CLASSROOM)
def power_end_not_added(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return (start - end) * (1 - way(step, steps)) ** power


@mutant("polynomial_schedule", "the end is not subtracted from the start", POWER, CLASSROOM)
def power_end_not_subtracted(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return start * (1 - way(step, steps)) ** power + end


@mutant("polynomial_schedule", "all of the rate is raised", POWER, CLASSROOM)
def power_of_all(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return linear(step, start, end, steps) ** power


@mutant("polynomial_schedule", "the power is a whole number", "the power may be a fraction", CLASSROOM)
def power_is_whole(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return polynomial(step, start, end, steps, float(int(power)) or 1.0)


@mutant("polynomial_schedule", "what is left is not held at 0 after the last step", STAY, CLASSROOM)
def power_goes_on(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return (start - end) * np.abs(1 - double(step) / steps) ** power + end


@mutant("cosine_schedule", "the start and the end are swapped", COSINE, "fairseq PR 2916")
def cosine_swapped(step: Array, *, start: float, end: float, steps: float) -> Array:
    return cosine(step, end, start, steps)


@mutant("cosine_schedule", "the whole rate falls to 0, and is cut off at the end", COSINE, "gpt-neox PR 1008")
def cosine_cut_off(step: Array, *, start: float, end: float, steps: float) -> Array:
    return np.maximum(start * half(way(step, steps)), end)


@mutant("cosine_schedule", "the end is added to the whole rate", COSINE, CLASSROOM)
def cosine_end_added(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + start * half(way(step, steps))


@mutant("cosine_schedule", "begins anew after the last step", STAY, "burn PR 5197")
def cosine_begins_anew(step: Array, *, start: float, end: float, steps: float) -> Array:
    return cosine(double(step) % (steps + 1), start, end, steps)


@mutant("cosine_schedule", "a quarter of a cosine", COSINE, CLASSROOM)
def cosine_quarter(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * np.cos(np.pi / 2 * way(step, steps))


@mutant("cosine_schedule", "the half is missing", COSINE, CLASSROOM)
def cosine_not_halved(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * (1 + np.cos(np.pi * way(step, steps)))


@mutant("cosine_schedule", "π is missing: by the cosine of t/T", COSINE, CLASSROOM)
def cosine_without_pi(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * (1 + np.cos(way(step, steps))) / 2


@mutant("cosine_schedule", "rises: 1 − cos in place of 1 + cos", COSINE, CLASSROOM)
def cosine_rises(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * (1 - np.cos(np.pi * way(step, steps))) / 2


@mutant("cosine_schedule", "the end is taken for a part of the start", "end is a rate, not a factor", CLASSROOM)
def cosine_end_a_factor(step: Array, *, start: float, end: float, steps: float) -> Array:
    return cosine(step, start, end * start, steps)


@mutant("warmup_linear_schedule", "the warm-up is left out", RISE, CLASSROOM)
def lines_without_warmup(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return linear(np.maximum(step - warmup, 0), peak, end, steps - warmup)


@mutant("warmup_linear_schedule", "the steps are counted from the end of the warm-up", FALL, CLASSROOM)
def lines_warmup_not_counted(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return lines(step, peak, end, warmup, steps + warmup)


@mutant(
    "warmup_linear_schedule", "the way down begins at step 0: at the end of the warm-up the rate drops", FALL, CLASSROOM
)
def lines_drop(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, linear(step, peak, end, steps))


@mutant(
    "warmup_linear_schedule", "both factors at once: the warm-up rises to what the way down has left", RISE, CLASSROOM
)
def lines_multiplied(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return linear(step, peak, end, steps) * np.minimum(double(step) / max(warmup, 1), 1)


@mutant("warmup_linear_schedule", "rises to the end, not to the peak", RISE, CLASSROOM)
def lines_rise_to_the_end(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return np.where(step < warmup, end * double(step) / max(warmup, 1), lines(step, peak, end, warmup, steps))


@mutant(
    "warmup_linear_schedule",
    "a rate below 1 is taken for one that still rises",
    "compare steps with the length of the warm-up, not rates",
    "ParlAI PR 4384",
)
def lines_always_warming(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    rising = peak * np.minimum(double(step), warmup) / max(warmup, 1)
    return np.where((peak < 1) & (warmup > 0), rising, lines(step, peak, end, warmup, steps))


@mutant("warmup_cosine_schedule", "goes by step / steps after the warm-up: the rate drops there", FALL, CLASSROOM)
def cosine_drops(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, cosine(step, peak, end, steps))


@mutant(
    "warmup_cosine_schedule",
    "goes by (step − warmup) / steps: the end is not reached",
    FALL,
    "tensorflow PR 28623",
)
def cosine_not_reached(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    after = np.minimum(np.maximum(double(step) - warmup, 0), steps - warmup) / steps
    return warmed(step, peak, warmup, end + (peak - end) * half(after))


@mutant(
    "warmup_cosine_schedule",
    "goes by (step − warmup) / steps, also beyond the last step: the end is not reached in time",
    FALL,
    CLASSROOM,
)
def cosine_of_all_steps(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, end + (peak - end) * half((double(step) - warmup) / steps))


@mutant(
    "warmup_linear_schedule",
    "goes by (step − warmup) / steps, also beyond the last step: the end is not reached in time",
    FALL,
    CLASSROOM,
)
def lines_of_all_steps(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return warmed(step, peak, warmup, peak + (end - peak) * (double(step) - warmup) / steps)


@mutant("warmup_cosine_schedule", "the rate stands still for the last steps, as many as rise", FALL, "gpt-neox PR 1008")
def cosine_stands_still(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    after = np.minimum(np.maximum(double(step) - warmup, 0), max(steps - 2 * warmup, 1)) / (steps - warmup)
    return warmed(step, peak, warmup, end + (peak - end) * half(after))


@mutant("warmup_cosine_schedule", "the steps are counted from the end of the warm-up", FALL, CLASSROOM)
def cosine_warmup_not_counted(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    return line_and_cosine(step, peak, end, warmup, steps + warmup)


@mutant("warmup_cosine_schedule", "rises along a cosine too", RISE, CLASSROOM)
def cosine_on_both_sides(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    rising = peak * (1 - half(double(step) / max(warmup, 1)))
    return np.where(step < warmup, rising, line_and_cosine(step, peak, end, warmup, steps))


@mutant("warmup_cosine_schedule", "the first step after the warm-up still counts as one of it", RISE, CLASSROOM)
def cosine_one_step_late(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    later = np.maximum(double(step) - warmup - 1, 0)
    after = cosine(later, peak, end, max(steps - warmup - 1, 1))
    return np.where(step <= warmup, peak * double(step) / max(warmup, 1) if warmup else peak + 0 * double(step), after)


@mutant("warmup_cosine_schedule", "goes up again after the last step", STAY, CLASSROOM)
def cosine_goes_on(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    after = (double(step) - warmup) / (steps - warmup)
    return warmed(step, peak, warmup, end + (peak - end) * half(after))


@mutant("inverse_root_schedule", "the timescale is not added: the rate is infinite at step 0", ROOT, CLASSROOM)
def root_at_the_step(step: Array, *, initial: float, timescale: float) -> Array:
    return initial * np.sqrt(timescale / double(step))


@mutant("inverse_root_schedule", "stays for as many steps as the timescale, and then falls", ROOT, CLASSROOM)
def root_of_the_larger(step: Array, *, initial: float, timescale: float) -> Array:
    return initial * np.sqrt(timescale / np.maximum(double(step), timescale))


@mutant("inverse_root_schedule", "the root is missing", ROOT, CLASSROOM)
def root_missing(step: Array, *, initial: float, timescale: float) -> Array:
    return initial * timescale / (double(step) + timescale)


@mutant("inverse_root_schedule", "the timescale stands below the root alone", ROOT, CLASSROOM)
def root_not_scaled(step: Array, *, initial: float, timescale: float) -> Array:
    return initial / np.sqrt(double(step) + timescale)


@mutant("inverse_root_schedule", "on a timescale of one step", ROOT, CLASSROOM)
def root_without_timescale(step: Array, *, initial: float, timescale: float) -> Array:
    return initial / np.sqrt(double(step) + 1)


def _of_every_schedule(
    name: str, fault: str, fix: str, change: Callable[[Array], Array], seen: str = CLASSROOM
) -> list[Mutant]:
    """The mistake of every schedule whose steps are changed."""

    def made(right: Callable[..., Array]) -> Implementation:
        def run(step: Array, **options: Any) -> Array:
            return right(change(double(step)), **options)

        run.__name__ = name
        return run

    return [mutant(operation.name, fault, fix, seen)(made(RIGHT[operation.name])) for operation in OPERATIONS]


def _after_all_others(step: Array) -> Array:
    """As a scheduler has it that counts its calls: the n-th step asked for is step n."""
    return np.arange(step.size, dtype=np.float64).reshape(step.shape)


_STEPS = (
    *_of_every_schedule(
        "begins_a_step_late", "the first step is counted as 1", "count from 0", lambda step: step + 1, "verl #3674"
    ),
    *_of_every_schedule(
        "first_step_twice",
        "steps 0 and 1 have the same rate",
        "count from 0",
        lambda step: np.maximum(step - 1, 0),
        "deepspeed PR 5287",
    ),
    *_of_every_schedule(
        "calls_counted", "the calls are counted, not the step that is asked for", ITSELF, _after_all_others
    ),
    *_of_every_schedule(
        "stops_at_five_hundred",
        "the schedule stands still from step 500 on",
        ITSELF,
        lambda step: np.minimum(step, 500),
    ),
    *_of_every_schedule(
        "counter_of_8_bits", "the step is counted in 8 bits, which wrap", "count in 64 bits", lambda step: step % 256
    ),
)

_OWN = tuple(v for v in list(globals().values()) if isinstance(v, Mutant))
MUTANTS: tuple[Mutant, ...] = (*_OWN, *mutants_of_phases.MUTANTS, *_STEPS)
