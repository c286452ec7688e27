"""Right ways to follow a schedule: in double or in the working type, from both ends, step after step."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.schedules import sound_of_phases


def _way(step: Array, steps: float) -> Array:
    return np.asarray(np.minimum(step, step.dtype.type(steps)) / step.dtype.type(steps))


def _up(step: Array, peak: float, warmup: float) -> Array:
    return np.asarray(peak * step / step.dtype.type(max(warmup, 1)))


@sound("linear_schedule")
@in_float64
def from_the_start(step: Array, *, start: float, end: float, steps: float) -> Array:
    return start + (end - start) * _way(step, steps)


@sound("linear_schedule")
@stored
def from_the_end(step: Array, *, start: float, end: float, steps: float) -> Array:
    """As Optax and Keras have it, in float32."""
    return np.asarray((start - end) * (1 - _way(step, steps)) + end)


@sound("linear_schedule")
@in_float64
def interpolated(step: Array, *, start: float, end: float, steps: float) -> Array:
    return np.interp(step, [0, steps], [start, end])


@sound("linear_schedule")
@in_float64
def step_after_step(step: Array, *, start: float, end: float, steps: float) -> Array:
    """The same distance is added again and again."""
    last = int(min(step.max(initial=0), steps))
    alphas = np.add.accumulate(np.concatenate([[start], np.full(last, (end - start) / steps)]))
    return np.asarray(alphas[np.minimum(step, last).astype(np.int64)])


@sound("linear_schedule")
@stored
def reciprocal_of_the_steps(step: Array, *, start: float, end: float, steps: float) -> Array:
    """As compilers divide by a constant."""
    kind = step.dtype.type
    left = 1 - np.minimum(step, kind(steps)) * (kind(1) / kind(steps))
    return np.asarray((start - end) * left + end)


@sound("linear_schedule", hyperparameters="working")
@stored
def linear_options_in_working_type(step: Array, *, start: float, end: float, steps: float) -> Array:
    kind = step.dtype.type
    return np.asarray((kind(start) - kind(end)) * (1 - _way(step, steps)) + kind(end))


@sound("linear_schedule", arithmetic="narrow", hyperparameters="working")
def linear_narrow(step: Array, *, start: float, end: float, steps: float) -> Array:
    """Every operation in the steps' own type."""
    kind = step.dtype.type
    return np.asarray(kind(start) + (kind(end) - kind(start)) * _way(step, steps))


@sound("polynomial_schedule")
@in_float64
def power_of_what_is_left(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return (start - end) * (1 - _way(step, steps)) ** power + end


@sound("polynomial_schedule")
@stored
def power_in_working_type(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    left = 1 - _way(step, steps)
    return np.asarray((start - end) * left ** left.dtype.type(power) + end)


@sound("polynomial_schedule")
@in_float64
def power_after_power(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    """The part above the end is multiplied by a quotient of powers, step after step, as PyTorch does."""
    last = int(min(step.max(initial=0), steps))
    left = 1 - np.arange(last + 1) / steps
    factors = np.concatenate([[1.0], (left[1:] / left[:-1]) ** power])
    alphas = end + np.multiply.accumulate(factors) * (start - end)
    return np.asarray(alphas[np.minimum(step, last).astype(np.int64)])


@sound("polynomial_schedule", hyperparameters="working")
@stored
def polynomial_options_in_working_type(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    kind = step.dtype.type
    return np.asarray((kind(start) - kind(end)) * (1 - _way(step, steps)) ** kind(power) + kind(end))


@sound("cosine_schedule")
@in_float64
def half_a_cosine(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * (1 + np.cos(np.pi * _way(step, steps))) / 2


@sound("cosine_schedule")
@stored
def cosine_in_working_type(step: Array, *, start: float, end: float, steps: float) -> Array:
    """As Optax and Keras have it, end being a part of the start."""
    cosine = (1 + np.cos(step.dtype.type(np.pi) * _way(step, steps))) / 2
    if start == 0:
        return np.asarray(end * (1 - cosine))
    part = end / start
    return np.asarray(start * ((1 - part) * cosine + part))


@sound("cosine_schedule")
@in_float64
def less_a_squared_sine(step: Array, *, start: float, end: float, steps: float) -> Array:
    return start - (start - end) * np.sin(np.pi / 2 * _way(step, steps)) ** 2


@sound("cosine_schedule")
@in_float64
def cosine_after_cosine(step: Array, *, start: float, end: float, steps: float) -> Array:
    """The part above the end is multiplied by a quotient, step after step, as PyTorch does."""
    last = int(min(step.max(initial=0), steps))
    heights = 1 + np.cos(np.pi * np.arange(last + 1) / steps)
    factors = np.concatenate([[1.0], heights[1:] / heights[:-1]])
    alphas = end + np.multiply.accumulate(factors) * (start - end)
    return np.asarray(alphas[np.minimum(step, last).astype(np.int64)])


@sound("cosine_schedule", beyond="periodic")
@in_float64
def cosine_that_goes_on(step: Array, *, start: float, end: float, steps: float) -> Array:
    return end + (start - end) * (1 + np.cos(np.pi * step / steps)) / 2


@sound("cosine_schedule", last="within")
@in_float64
def cosine_within(step: Array, *, start: float, end: float, steps: float) -> Array:
    """The end is reached at the last of the steps."""
    return end + (start - end) * (1 + np.cos(np.pi * _way(step, max(steps - 1, 1)))) / 2


@sound("cosine_schedule", hyperparameters="working")
@stored
def cosine_options_in_working_type(step: Array, *, start: float, end: float, steps: float) -> Array:
    kind = step.dtype.type
    cosine = (kind(1) + np.cos(kind(np.pi) * _way(step, steps))) * kind(0.5)
    return np.asarray(kind(end) + (kind(start) - kind(end)) * cosine)


@sound("warmup_linear_schedule")
@in_float64
def two_lines(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    down = peak + (end - peak) * _way(np.maximum(step - warmup, 0), steps - warmup)
    return np.where(step < warmup, _up(step, peak, warmup), down)


@sound("warmup_linear_schedule")
@stored
def two_lines_in_working_type(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    kind = step.dtype.type
    left = np.maximum(kind(steps) - step, 0) / kind(steps - warmup)
    return np.where(step < warmup, peak * (step / kind(max(warmup, 1))), (peak - end) * left + end)


@sound("warmup_linear_schedule")
@stored
def both_lines_from_their_ends(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    """As Optax's lines are, joined."""
    up = -peak * (1 - _way(step, max(warmup, 1))) + peak
    down = (peak - end) * (1 - _way(np.maximum(step - step.dtype.type(warmup), 0), steps - warmup)) + end
    return np.where(step < warmup, up, down)


@sound("warmup_linear_schedule", warmup_start="from_one")
@in_float64
def first_rate_above_zero(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    down = peak + (end - peak) * _way(np.maximum(step - warmup, 0), steps - warmup)
    return np.where(step < warmup, _up(step + 1, peak, warmup), down)


@sound("warmup_cosine_schedule")
@in_float64
def line_and_cosine(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    cosine = np.cos(np.pi * _way(np.maximum(step - warmup, 0), steps - warmup))
    return np.where(step < warmup, _up(step, peak, warmup), end + (peak - end) * (1 + cosine) / 2)


@sound("warmup_cosine_schedule")
@stored
def line_and_cosine_in_working_type(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    kind = step.dtype.type
    way = _way(np.maximum(step - kind(warmup), 0), steps - warmup)
    cosine = (1 + np.cos(kind(np.pi) * way)) / 2
    return np.where(step < kind(warmup), _up(step, peak, warmup), (peak - end) * cosine + end)


@sound("warmup_cosine_schedule", warmup_start="one_more")
@in_float64
def neither_zero_nor_the_peak(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    cosine = np.cos(np.pi * _way(np.maximum(step - warmup, 0), steps - warmup))
    return np.where(step < warmup, peak * (step + 1) / (warmup + 1), end + (peak - end) * (1 + cosine) / 2)


@sound("inverse_root_schedule")
@in_float64
def root_of_a_quotient(step: Array, *, initial: float, timescale: float) -> Array:
    return initial * np.sqrt(timescale / (step + timescale))


@sound("inverse_root_schedule")
@stored
def over_a_root(step: Array, *, initial: float, timescale: float) -> Array:
    """As Transformers has it, in float32."""
    kind = step.dtype.type
    return np.asarray(initial / np.sqrt((step + kind(timescale)) / kind(timescale)))


@sound("inverse_root_schedule")
@stored
def power_of_one_and_a_quotient(step: Array, *, initial: float, timescale: float) -> Array:
    kind = step.dtype.type
    return np.asarray(initial * (1 + step / kind(timescale)) ** kind(-0.5))


@sound("inverse_root_schedule", arithmetic="narrow", hyperparameters="working")
def inverse_root_narrow(step: Array, *, initial: float, timescale: float) -> Array:
    """Every operation in the steps' own type."""
    kind = step.dtype.type
    return np.asarray(kind(initial) * np.sqrt(kind(timescale) / (step + kind(timescale))))


_OWN = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
SOUND: tuple[SoundVariant, ...] = (*_OWN, *sound_of_phases.SOUND)
