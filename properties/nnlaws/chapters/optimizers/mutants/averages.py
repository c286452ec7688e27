"""Mistakes in the exponentially weighted average.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference import exponential_average as right_average
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.authoring.trajectories import column, shares
from nnlaws.chapters.optimizers.mutants.common import (
    AVERAGE,
    CORRECT,
    DOUBLE,
    WIDE,
    accumulated,
    averaged,
    before,
    written_back,
)


def _given(averages: Array, beta: float, bias_correction: bool) -> Array:
    """The averages, corrected if that is asked for."""
    return averages / shares(beta, averages) if bias_correction else averages


@mutant("exponential_average", "starts from the first value, undeclared", AVERAGE, "classroom")
def started_by_first_value(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = values.copy()
    for t in range(1, len(values)):
        averages[t] = beta * averages[t - 1] + (1 - beta) * values[t]
    return averages


@mutant("exponential_average", "the weights of the old and the new are swapped", AVERAGE, "classroom")
def weights_swapped(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values, 1 - beta), 1 - beta, bias_correction)


@mutant("exponential_average", "the new has weight 1: the average grows", AVERAGE, "classroom")
def new_not_weighted(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(accumulated(values, beta), beta, bias_correction)


@mutant(
    "exponential_average",
    "returns the values themselves, not a copy, where β is 0",
    "return a new array each time, also where there is nothing to compute: values.copy()",
    "classroom",
    raw=True,
)
def its_argument_without_memory(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return values if beta == 0 else right_average(values, beta=beta, bias_correction=bias_correction)


@mutant("exponential_average", "every value has the same weight 1/t", AVERAGE, "classroom")
def plain_mean(values: Array, *, beta: float, bias_correction: bool) -> Array:
    means = values.cumsum(axis=0) / column(range(1, len(values) + 1), values)
    return means if bias_correction else means * shares(beta, values)


@mutant("exponential_average", "the mean of the last 1/(1 − β) values, each of the same weight", AVERAGE, "classroom")
def window_mean(values: Array, *, beta: float, bias_correction: bool) -> Array:
    window = round(1 / (1 - beta)) if beta < 1 else len(values)
    means = np.stack([values[max(t - window, 0) : t].mean(axis=0) for t in range(1, len(values) + 1)])
    return means if bias_correction else means * shares(beta, values)


@mutant("exponential_average", "the newest value is taken in twice", AVERAGE, "classroom")
def newest_taken_twice(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(beta * averaged(values, beta) + (1 - beta) * values, beta, bias_correction)


@mutant("exponential_average", "returns the average before its value is taken in", AVERAGE, "classroom")
def value_left_out(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(before(averaged(values, beta)), beta, bias_correction)


@mutant("exponential_average", "averages from the last value to the first", AVERAGE, "classroom")
def from_the_last(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values[::-1], beta), beta, bias_correction)


@mutant("exponential_average", "one average for all coordinates together", "average each by itself", "classroom")
def one_for_all(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values * 0 + values.mean(axis=1, keepdims=True), beta), beta, bias_correction)


@mutant("exponential_average", "the values lose their sign", AVERAGE, "classroom")
def absolute_values(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(np.abs(values), beta), beta, bias_correction)


@mutant("exponential_average", "values are clipped to [−1, 1]", "average them as they are", "classroom")
def clipped(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(np.clip(values, -1, 1), beta), beta, bias_correction)


@mutant("exponential_average", "values below 1e-8 are taken for 0", "average them as they are", "classroom")
def small_taken_for_zero(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(np.where(np.abs(values) < 1e-8, 0, values), beta), beta, bias_correction)


@mutant("exponential_average", "not corrected where that is asked for", CORRECT, "classroom")
def never_corrected(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta)


@mutant("exponential_average", "corrected where that is not asked for", CORRECT, "classroom")
def always_corrected(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values, beta), beta, True)


@mutant("exponential_average", "divides by 1 − β at every step", CORRECT, "classroom")
def corrected_by_new_weight(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta) / (1 - beta if bias_correction else 1)


@mutant("exponential_average", "the first step has number 0: the correction divides by 0", CORRECT, "classroom")
def steps_from_zero(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta) / (shares(beta, values, 0) if bias_correction else 1)


@mutant("exponential_average", "the first step has number 0 and is left uncorrected", CORRECT, "classroom")
def first_left_uncorrected(values: Array, *, beta: float, bias_correction: bool) -> Array:
    given = shares(beta, values, 0)
    return averaged(values, beta) / (np.where(given == 0, 1, given) if bias_correction else 1)


@mutant("exponential_average", "the first step has number 2", CORRECT, "classroom")
def steps_from_two(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta) / (shares(beta, values, 2) if bias_correction else 1)


@mutant("exponential_average", "every average is divided by the last one's 1 − β^T", CORRECT, "classroom")
def corrected_by_last_share(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta) / (shares(beta, values)[-1] if bias_correction else 1)


@mutant("exponential_average", "multiplied by 1 − β^t, not divided", CORRECT, "classroom")
def correction_multiplied(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return averaged(values, beta) * (shares(beta, values) if bias_correction else 1)


@mutant("exponential_average", "the corrected average is written back into the state", CORRECT, "holocron #1, in Adam")
def correction_written_back(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return written_back(values, beta) if bias_correction else averaged(values, beta)


@mutant(
    "exponential_average", "the average is rounded to the narrow type after every value", WIDE, "classroom", raw=True
)
def narrow_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    wide, narrow = values.astype(working_dtype(values.dtype)), narrow_type(values.dtype)
    averages, average = np.empty_like(wide), np.zeros_like(wide[0])
    for t, value in enumerate(wide):
        averages[t] = average = (beta * average + (1 - beta) * value).astype(narrow).astype(wide.dtype)
    return _given(averages, beta, bias_correction).astype(values.dtype)


@mutant("exponential_average", "β is rounded to float32, and 1 − β and β^t are computed there", DOUBLE, "classroom")
def beta_in_float32(values: Array, *, beta: float, bias_correction: bool) -> Array:
    old = np.float32(beta)
    averages = accumulated(values, float(old), float(1 - old))
    powers = [float(1 - old**t) for t in range(1, len(values) + 1)]
    return averages / column(powers, values) if bias_correction else averages


@mutant("exponential_average", "after five values the average stays as it is", AVERAGE, "classroom")
def stopped_after_five(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = _given(averaged(values, beta), beta, bias_correction)
    averages[5:] = averages[4:5]
    return averages


@mutant("exponential_average", "the correction ends after ten values", CORRECT, "classroom")
def corrected_ten_times(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = averaged(values, beta)
    return np.concatenate([_given(averages[:10], beta, bias_correction), averages[10:]])


@mutant("exponential_average", "values that are 0 are left out", AVERAGE, "sparse and lazy updates")
def zeros_left_out(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages, average, weight = np.empty_like(values), np.zeros_like(values[0]), np.zeros_like(values[0])
    for t, value in enumerate(values):
        average = np.where(value == 0, average, beta * average + (1 - beta) * value)
        weight = np.where(value == 0, weight, beta * weight + (1 - beta))
        averages[t] = average / np.where(weight == 0, 1, weight) if bias_correction else average
    return averages


@mutant("exponential_average", "a β of 0 becomes .9, as by `beta or 0.9`", AVERAGE, "classroom")
def default_for_no_beta(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values, beta or 0.9), beta or 0.9, bias_correction)


@mutant("exponential_average", "β above .999 becomes .999", AVERAGE, "classroom")
def beta_at_most_999(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(values, min(beta, 0.999)), min(beta, 0.999), bias_correction)


@mutant("exponential_average", "NaN and infinities are taken for 0", "average them as they are", "classroom")
def not_numbers_taken_for_zero(values: Array, *, beta: float, bias_correction: bool) -> Array:
    return _given(averaged(np.where(np.isfinite(values), values, 0).astype(values.dtype), beta), beta, bias_correction)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
