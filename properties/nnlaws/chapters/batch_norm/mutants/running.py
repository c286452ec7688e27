"""Mistakes in the running averages of batch norm.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.chapters.batch_norm.mutants.common import (
    AVERAGE,
    BIASED,
    NO_SAMPLES,
    START,
    TWO_PASS,
    VARIANCE_ITSELF,
    Pair,
    nan_for_one,
    one_pass_of,
    two_pass,
    unbiased,
)


def _each(batches: Array) -> Pair:
    """The mean and the variance of each batch, (T, n)."""
    means, variances = zip(*(two_pass(batch) for batch in batches), strict=True)
    return np.stack(means), np.stack(variances)


def _average(values: Array, start: Array | float, decay: float) -> Array:
    """The exponentially weighted average of the values, one after another."""
    average = np.zeros(values.shape[1:], values.dtype) + start
    for value in values:
        average = decay * average + (1 - decay) * value
    return average


@mutant(
    "batch_norm_running",
    "decay is taken for the weight of the new",
    AVERAGE,
    "ludwig PR 2100, pytorch/examples #289, d2l-en PR 2213, keras PR 16726",
)
def weight_of_new(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, 1 - decay), _average(variances, 1, 1 - decay)


@mutant("batch_norm_running", "the new has weight 1: the average grows", AVERAGE, "classroom")
def new_not_weighted(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    mean, var = np.zeros_like(means[0]), np.ones_like(variances[0])
    for new_mean, new_var in zip(means, variances, strict=True):
        mean, var = decay * mean + new_mean, decay * var + new_var
    return mean, var


@mutant(
    "batch_norm_running",
    "the running variance is of variances over m − 1, undeclared",
    BIASED,
    "pytorch #19902, #1410, tensorflow #55545",
)
def running_unbiased(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([unbiased(batch)[1] for batch in batches]), 1, decay)


@mutant(
    "batch_norm_running",
    "0/0 for batches of one sample: the variance is divided by m − 1 and multiplied by it again",
    BIASED,
    "Flux.jl #1992, pytorch #1381",
)
def running_nan_for_one_sample(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([nan_for_one(batch)[1] for batch in batches]), 1, decay)


@mutant("batch_norm_running", "an empty batch turns the averages NaN", NO_SAMPLES, "pytorch #12013, sonnet #125")
def running_nan_from_no_samples(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches) if batches.shape[1] else (np.full_like(batches.sum(axis=1), np.nan),) * 2
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant(
    "batch_norm_running",
    "the variances are E[z²] − μ², clamped at 0: digits cancel where the mean is large",
    TWO_PASS,
    "keras PR 18795, keras-core PR 866",
)
def running_one_pass(batches: Array, *, decay: float) -> Pair:
    means, _ = _each(batches)
    return _average(means, 0, decay), _average(np.stack([one_pass_of(batch)[1] for batch in batches]), 1, decay)


@mutant("batch_norm_running", "starts from the first batch's mean and variance, undeclared", START, "classroom")
def started_by_first_batch(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[1:], means[0], decay), _average(variances[1:], variances[0], decay)


@mutant("batch_norm_running", "starts from 0 and divides by 1 − decay^T, undeclared", START, "classroom")
def bias_corrected(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay) / share, _average(variances, 0, decay) / share


@mutant("batch_norm_running", "divides by 1 − decay^T, though the variance starts from 1", START, "classroom")
def corrected_though_started_from_one(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay) / share, _average(variances, 1, decay) / share


@mutant("batch_norm_running", "every batch has the same weight 1/T, undeclared", AVERAGE, "classroom")
def cumulative(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return means.mean(axis=0), variances.mean(axis=0)


@mutant("batch_norm_running", "mean and variance of all batches' samples together", AVERAGE, "classroom")
def pooled(batches: Array, *, decay: float) -> Pair:
    return two_pass(batches.reshape(-1, batches.shape[-1]))


@mutant("batch_norm_running", "the variance starts from 0", START, "d2l-en PR 1591, equinox #955")
def variance_from_zero(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(variances, 0, decay)


@mutant("batch_norm_running", "never updated", AVERAGE, "tensorflow #11965")
def never_updated(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return np.zeros_like(means[0]), np.ones_like(variances[0])


@mutant("batch_norm_running", "updated twice by every batch", AVERAGE, "pytorch #96136, insightface #2053")
def updated_twice(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches.repeat(2, axis=0))
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant("batch_norm_running", "updated once, by the last batch", AVERAGE, "classroom")
def updated_once(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[-1:], 0, decay), _average(variances[-1:], 1, decay)


@mutant("batch_norm_running", "the last batch's own mean and variance, not averaged", AVERAGE, "classroom")
def last_batch_kept(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return means[-1], variances[-1]


@mutant("batch_norm_running", "the last batch is not counted", AVERAGE, "classroom")
def last_batch_left_out(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means[:-1], 0, decay), _average(variances[:-1], 1, decay)


@mutant("batch_norm_running", "batches are averaged from the last to the first", AVERAGE, "classroom")
def last_batch_first(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches[::-1])
    return _average(means, 0, decay), _average(variances, 1, decay)


@mutant(
    "batch_norm_running",
    "standard deviations are averaged, and the average is squared",
    "average the variances themselves",
    "classroom",
)
def deviations_averaged(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(np.sqrt(variances), 1, decay) ** 2


@mutant("batch_norm_running", "ε = 1e-5 is in the variances averaged", VARIANCE_ITSELF, "nntrainer PR 677")
def epsilon_in_running_variance(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay), _average(variances + 1e-5, 1, decay)


@mutant(
    "batch_norm_running",
    "each batch's variance is taken about the running mean",
    "take it about the batch's own mean",
    "classroom",
)
def about_the_running_mean(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    before = np.stack([_average(means[:t], 0, decay) for t in range(len(means))])
    return _average(means, 0, decay), _average(variances + (means - before) ** 2, 1, decay)


@mutant(
    "batch_norm_running",
    "the averages are rounded to the narrow type after every batch",
    "keep the averages in float32",
    "classroom",
    raw=True,
)
def narrow_averages(batches: Array, *, decay: float) -> Pair:
    wide, narrow = working_dtype(batches.dtype), narrow_type(batches.dtype)
    mean, var = np.zeros(batches.shape[-1], narrow), np.ones(batches.shape[-1], narrow)
    for batch in batches.astype(wide):
        new_mean, new_var = two_pass(batch)
        mean = (decay * mean.astype(wide) + (1 - decay) * new_mean).astype(narrow)
        var = (decay * var.astype(wide) + (1 - decay) * new_var).astype(narrow)
    return mean.astype(batches.dtype), var.astype(batches.dtype)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
