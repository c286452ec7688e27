"""Right ways to take exponentially weighted averages."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import column, through
from nnlaws.authoring.variant import SoundVariant, in_float64, sound


def _given(averages: Array, beta: float, bias_correction: bool) -> Array:
    """Divided by 1 − β^t, if that is asked for."""
    shares = column([1 - beta**t for t in range(1, len(averages) + 1)], averages)
    return averages / shares if bias_correction else averages


def _weighted(values: Array, old: Any, new: Any) -> Array:
    averages, average = np.empty_like(values), np.zeros_like(values[0])
    for t, value in enumerate(values):
        averages[t] = average = old * average + new * value
    return averages


@sound("exponential_average")
@stored
def weighted_sum(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(_weighted(values, beta, 1 - beta), beta, bias_correction)


@sound("exponential_average")
@stored
def moved_towards_the_new(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """v + (1 − β)(x − v)."""
    averages, average = np.empty_like(values), np.zeros_like(values[0])
    for t, value in enumerate(values):
        averages[t] = average = average + (1 - beta) * (value - average)
    return _given(averages, beta, bias_correction)


@sound("exponential_average")
@stored
def weighted_last(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Sums of β^k x, multiplied by 1 − β when all are taken in, and by 1/(1 − β^t)."""
    sums = _weighted(values, beta, 1)
    shares = [(1 - beta) / (1 - beta**t if bias_correction else 1) for t in range(1, len(values) + 1)]
    return sums * column(shares, values)


@sound("exponential_average")
@stored
def powers_multiplied_up(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """β^t from β^{t−1}, and the reciprocal of 1 − β^t multiplied."""
    averages, average, power = np.empty_like(values), np.zeros_like(values[0]), 1.0
    for t, value in enumerate(values):
        average, power = beta * average + (1 - beta) * value, beta * power
        averages[t] = average * (1 / (1 - power)) if bias_correction else average
    return averages


@sound("exponential_average")
@stored
def corrected_as_it_goes(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """The corrected average itself is kept, the new having weight (1 − β)/(1 − β^t), and 1 − β^t from 1 − β^{t−1}."""
    if not bias_correction:
        return _weighted(values, beta, 1 - beta)
    averages, average, share = np.empty_like(values), np.zeros_like(values[0]), 0.0
    for t, value in enumerate(values):
        share = beta * share + (1 - beta)
        averages[t] = average = average + (1 - beta) / share * (value - average)
    return averages


@sound("exponential_average")
@stored
def corrected_by_powers(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """The corrected average itself is kept, the new having weight (1 − β)/(1 − β^t), and β^t is a power."""
    if not bias_correction:
        return _weighted(values, beta, 1 - beta)
    averages, average = np.empty_like(values), np.zeros_like(values[0])
    for t, value in enumerate(values, 1):
        averages[t - 1] = average = average + (value - average) * ((1 - beta) / (1 - beta**t))
    return averages


@sound("exponential_average")
@stored
def all_at_once(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Every weight (1 − β) β^{t−j} in one matrix."""
    steps = np.arange(len(values))
    age = np.maximum(steps[:, None] - steps, 0)
    weights = np.tril((1 - beta) * beta ** age.astype(np.float64)).astype(values.dtype)
    return _given((weights[:, :, None] * values).sum(axis=1), beta, bias_correction)


@sound("exponential_average")
@in_float64
def wide_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(_weighted(values, beta, 1 - beta), beta, bias_correction)


@sound("exponential_average", average_start="first_value")
@stored
def started_by_first_value(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages, average = np.empty_like(values), values[0]
    for t, value in enumerate(values):
        averages[t] = average = beta * average + (1 - beta) * value if t else value
    return averages


@sound("exponential_average", hyperparameters="working")
@stored
def beta_in_working_type(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """β, 1 − β and β^t in the type computed in, as where they are arrays."""
    one, old = values.dtype.type(1), values.dtype.type(beta)
    averages = _weighted(values, old, one - old)
    powers = old ** np.arange(1, len(values) + 1, dtype=values.dtype)[:, None]
    return averages / (one - powers) if bias_correction else averages


@sound("exponential_average", state="narrow")
def average_kept_narrow(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Computed in float32, and rounded to the values' own type after every value."""
    kept, wide = through(values.dtype), values.astype(working_dtype(values.dtype))
    averages, average = np.empty_like(wide), np.zeros_like(wide[0])
    for t, value in enumerate(wide):
        averages[t] = average = kept(beta * average + (1 - beta) * value)
    return _given(averages, beta, bias_correction).astype(values.dtype)


@sound("exponential_average", arithmetic="narrow")
def every_step_narrow(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """Every operation in the values' own type."""
    kind = values.dtype.type
    averages = _weighted(values, kind(beta), kind(1 - beta))
    return _given(averages, beta, bias_correction)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
