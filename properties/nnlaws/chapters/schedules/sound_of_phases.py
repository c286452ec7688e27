"""Right ways to follow schedules of several phases, and those that begin again."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.schedules.right import height, periods


def _half(way: Array) -> Array:
    return np.asarray((1 + np.cos(way.dtype.type(np.pi) * way)) / 2)


def _between(first: float, last: float, way: Array) -> Array:
    """As PyTorch and Optax have it: from the last, half the difference times 1 + cos."""
    return np.asarray(last + (first - last) / 2 * (np.cos(way.dtype.type(np.pi) * way) + 1))


@sound("cosine_restarts_schedule")
@in_float64
def counted_periods(step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    """Step after step, as PyTorch does."""
    last = int(step.max(initial=0))
    rates, current, length, top = np.empty(last + 1), 0.0, period, start - end
    for t in range(last + 1):
        if current >= length:
            current, length, top = 0.0, length * stretch, top * shrink
        rates[t] = end + top * (1 + np.cos(np.pi * current / length)) / 2
        current += 1
    return np.asarray(rates[step.astype(np.int64)])


@sound("cosine_restarts_schedule")
@in_float64
def restarts_as_a_part(step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float) -> Array:
    before, first, length = periods(step, period, stretch)
    return end + (start - end) * shrink**before * np.cos(np.pi / 2 * (step - first) / length) ** 2


@sound("cosine_restarts_schedule")
@stored
def restarts_over_the_first(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    """As Keras and TensorFlow have it: how many first periods, less those of the periods before."""
    kind = step.dtype.type
    before, way = periods(step, period, stretch)[0].astype(kind), step / kind(period)
    if stretch == 1:
        way = way - np.floor(way)
    else:
        long = kind(stretch) ** before
        way = (way - (1 - long) / (1 - kind(stretch))) / long
    fallen = kind(shrink) ** before * _half(way)
    return np.asarray(start * fallen + end * (1 - fallen))


@sound("cosine_restarts_schedule", hyperparameters="working")
@stored
def restarts_with_options_in_working_type(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    kind = step.dtype.type
    before, first, length = (each.astype(kind) for each in periods(step, period, stretch))
    fallen = kind(shrink) ** before * _half((step - first) / length)
    if start == 0:
        return np.asarray(kind(end) * (1 - fallen))
    part = kind(end) / kind(start)
    return np.asarray(kind(start) * ((1 - part) * fallen + part))


@sound("cosine_restarts_schedule", restart="rate")
@in_float64
def restarts_from_a_lower_rate(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    before, first, length = periods(step, period, stretch)
    return end + (start * shrink**before - end) * _half((step - first) / length)


@sound("cosine_restarts_schedule", restart="rate")
@stored
def restarts_from_a_lower_rate_in_working_type(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    kind = step.dtype.type
    before, first, length = (each.astype(kind) for each in periods(step, period, stretch))
    return np.asarray(end + (start * kind(shrink) ** before - end) * _half((step - first) / length))


@sound("one_cycle_schedule")
@in_float64
def two_cosines(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    falling = _between(peak, end, (np.minimum(step, steps) - up) / (steps - up))
    return np.where(step < up, _between(initial, peak, step / up), falling)


@sound("one_cycle_schedule")
@stored
def rates_of_one_another(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    """As Optax makes the rates, in the working type: each of the one before, by a factor."""
    kind = step.dtype.type
    if not initial or not peak:
        first, top, last = kind(initial), kind(peak), kind(end)
    else:
        first = kind(initial)
        top = first * kind(peak / initial)
        last = top * kind(end / peak)
    falling = _between(top, last, (np.minimum(step, kind(steps)) - kind(up)) / kind(steps - up))
    return np.where(step < up, _between(first, top, step / kind(up)), falling)


@sound("one_cycle_schedule", hyperparameters="working")
@stored
def two_cosines_of_options_in_working_type(
    step: Array, *, initial: float, peak: float, end: float, up: float, steps: float
) -> Array:
    kind = step.dtype.type
    falling = _between(kind(peak), kind(end), (np.minimum(step, kind(steps)) - kind(up)) / kind(steps - up))
    return np.where(step < up, _between(kind(initial), kind(peak), step / kind(up)), falling)


@sound("one_cycle_schedule", turns="within")
@in_float64
def peak_at_a_part_of_the_steps(
    step: Array, *, initial: float, peak: float, end: float, up: float, steps: float
) -> Array:
    """As PyTorch finds it."""
    top = max(up / steps * steps - 1, 1.0)
    falling = _between(peak, end, np.maximum(np.minimum(step, steps - 1) - top, 0) / max(steps - 1 - top, 1))
    return np.where(step <= top, _between(initial, peak, step / top), falling)


@sound("one_cycle_schedule", anneal="line", phases="three")
@in_float64
def three_lines(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    """As Smith and Topin have it."""
    return np.interp(step, [0, up, 2 * up, max(steps, 2 * up + 1)], [initial, peak, initial, end])


@sound("one_cycle_schedule", phases="three")
@stored
def three_cosines(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
    kind = step.dtype.type
    rest = max(steps - 2 * up, 1)
    last = _between(initial, end, np.clip((step - kind(2 * up)) / kind(rest), 0, 1))
    falling = _between(peak, initial, (step - kind(up)) / kind(up))
    return np.where(step < up, _between(initial, peak, step / kind(up)), np.where(step < 2 * up, falling, last))


@sound("warmup_stable_decay_schedule")
@in_float64
def three_parts(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    if warmup:
        return np.interp(step, [0, warmup, warmup + stable, steps], [0, peak, peak, end])
    return np.interp(step, [stable, steps], [peak, end])


@sound("warmup_stable_decay_schedule")
@stored
def factors_of_the_peak(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    """As Transformers has it: a factor of the rate, whose least is a part."""
    kind, level = step.dtype.type, warmup + stable
    part = end / peak if peak else 0.0
    left = 1 - np.clip((step - kind(level)) / kind(steps - level), 0, 1)
    rates = peak * np.where(step < warmup, step / kind(max(warmup, 1)), (1 - kind(part)) * left + kind(part))
    return np.asarray(rates if peak else np.where(step < level, 0, end * (1 - left)))


@sound("warmup_stable_decay_schedule", decline="cosine")
@in_float64
def down_a_cosine(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    level = warmup + stable
    falling = _between(peak, end, np.clip((step - level) / (steps - level), 0, 1))
    return np.where(step < warmup, peak * step / max(warmup, 1), falling)


@sound("warmup_stable_decay_schedule", decline="root")
@stored
def down_a_root(step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float) -> Array:
    kind, level = step.dtype.type, warmup + stable
    left = 1 - np.sqrt(np.clip((step - kind(level)) / kind(steps - level), 0, 1))
    return np.where(step < warmup, peak * step / kind(max(warmup, 1)), (peak - end) * left + end)


@sound("warmup_stable_decay_schedule", warmup_start="from_one")
@in_float64
def stable_from_above_zero(
    step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float
) -> Array:
    level = warmup + stable
    falling = peak + (end - peak) * np.clip((step - level) / (steps - level), 0, 1)
    return np.where(step < warmup, peak * (step + 1) / max(warmup, 1), falling)


@sound("cyclical_schedule")
@in_float64
def triangle_after_triangle(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    cycles = step // (up + down)
    return initial + (peak - initial) * height(step, up, down) * shrink**cycles


@sound("cyclical_schedule")
@stored
def parts_of_a_cycle(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    """As PyTorch has it, but for its type."""
    kind = step.dtype.type
    ratio, over = kind(up) / kind(up + down), step / kind(up + down)
    cycles = np.floor(1 + over)
    x = 1 + over - cycles
    scale = np.where(x <= ratio, x / ratio, (x - 1) / (ratio - 1))
    return np.asarray(initial + (peak - initial) * scale * kind(shrink) ** (cycles - 1))


@sound("cyclical_schedule")
@stored
def distance_from_the_peak(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
    """As Smith's formula has it, where up and down are alike."""
    kind = step.dtype.type
    if up != down:
        return np.asarray(parts_of_a_cycle.function(step, initial=initial, peak=peak, up=up, down=down, shrink=shrink))
    cycles = np.floor(1 + step / kind(2 * up))
    x = np.abs(step / kind(up) - 2 * cycles + 1)
    return np.asarray(initial + (peak - initial) * np.maximum(0, 1 - x) * kind(shrink) ** (cycles - 1))


@sound("cyclical_schedule", shrinks="every_step")
@in_float64
def triangles_that_shrink_at_every_step(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    return initial + (peak - initial) * height(step, up, down) * shrink**step


@sound("cyclical_schedule", hyperparameters="working")
@stored
def triangles_of_options_in_working_type(
    step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float
) -> Array:
    kind = step.dtype.type
    cycles = step // kind(up + down)
    high = height(step, up, down).astype(kind) * kind(shrink) ** cycles
    return np.asarray(kind(initial) + (kind(peak) - kind(initial)) * high)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
