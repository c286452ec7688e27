"""Right ways to keep running averages."""

from collections.abc import Sequence

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.batch_norm.sound.statistics import (
    Pair,
    narrow_one_pass,
    narrow_two_pass,
    one_pass_statistics,
    two_pass_statistics,
    unbiased_variance,
    updated,
)


def _each(batches: Array) -> Pair:
    """The mean and the variance of each batch, (T, n)."""
    means, variances = zip(*(two_pass_statistics(batch) for batch in batches), strict=True)
    return np.stack(means), np.stack(variances)


def _average(values: Array, start: Array | float, old: float, new: float) -> Array:
    """Exponentially weighted: `old` is the weight of the average so far, `new` = 1 − old that of the next value."""
    average = np.zeros(values.shape[1:], values.dtype) + start
    for value in values:
        average = old * average + new * value
    return average


@sound("batch_norm_running")
@stored
def weighted_sum(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, decay, 1 - decay), _average(variances, 1, decay, 1 - decay)


@sound("batch_norm_running")
@stored
def moved_towards_the_new(batches: Array, *, decay: float) -> Pair:
    """old + (1 − decay)(new − old)."""
    means, variances = _each(batches)
    mean, var = np.zeros_like(means[0]), np.ones_like(variances[0])
    for new_mean, new_var in zip(means, variances, strict=True):
        mean, var = mean + (1 - decay) * (new_mean - mean), var + (1 - decay) * (new_var - var)
    return mean, var


@sound("batch_norm_running")
@stored
def batches_by_welford(batches: Array, *, decay: float) -> Pair:
    """Each batch's statistics updated by one sample after another."""
    means, variances = zip(*(updated(batch) for batch in batches), strict=True)
    return _average(np.stack(means), 0, decay, 1 - decay), _average(np.stack(variances), 1, decay, 1 - decay)


@sound("batch_norm_running", variance="one_pass")
@stored
def batches_in_one_pass(batches: Array, *, decay: float) -> Pair:
    means, variances = zip(*(one_pass_statistics(batch) for batch in batches), strict=True)
    return _average(np.stack(means), 0, decay, 1 - decay), _average(np.stack(variances), 1, decay, 1 - decay)


@sound("batch_norm_running", running_variance="unbiased")
@stored
def average_of_unbiased(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    corrected = [unbiased_variance(*batch) for batch in zip(batches, means, variances, strict=True)]
    return _average(means, 0, decay, 1 - decay), _average(np.stack(corrected), 1, decay, 1 - decay)


@sound("batch_norm_running", weight="new")
@stored
def weight_of_new(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return _average(means, 0, 1 - decay, decay), _average(variances, 1, 1 - decay, decay)


@sound("batch_norm_running", running_average="first_batch")
@stored
def started_by_first_batch(batches: Array, *, decay: float) -> Pair:
    means, variances = _each(batches)
    return (
        _average(means[1:], means[0], decay, 1 - decay),
        _average(variances[1:], variances[0], decay, 1 - decay),
    )


@sound("batch_norm_running", running_average="bias_corrected")
@stored
def bias_corrected(batches: Array, *, decay: float) -> Pair:
    """From 0, divided by 1 − decay^T."""
    means, variances = _each(batches)
    share = 1 - decay ** len(batches)
    return _average(means, 0, decay, 1 - decay) / share, _average(variances, 0, decay, 1 - decay) / share


@sound("batch_norm_running", running_average="cumulative")
@stored
def cumulative(batches: Array, *, decay: float) -> Pair:
    """old + (new − old)/t."""
    means, variances = _each(batches)
    mean, var = means[0], variances[0]
    for t in range(1, len(means)):
        mean, var = mean + (means[t] - mean) / (t + 1), var + (variances[t] - var) / (t + 1)
    return mean, var


@sound("batch_norm_running", arithmetic="narrow")
def running_every_step_narrow(batches: Array, *, decay: float) -> Pair:
    """Every operation in the batches' own dtype."""
    return _narrow_average([narrow_two_pass(batch) for batch in batches], decay)


@sound("batch_norm_running", arithmetic="narrow", variance="one_pass")
def running_one_pass_narrow(batches: Array, *, decay: float) -> Pair:
    """E[z²] − μ², every operation in the batches' own dtype."""
    return _narrow_average([narrow_one_pass(batch) for batch in batches], decay)


def _narrow_average(statistics: Sequence[Pair], decay: float) -> Pair:
    kept = statistics[0][0].dtype.type(decay)
    mean, var = np.zeros_like(statistics[0][0]), np.ones_like(statistics[0][1])
    for of_batch in statistics:
        mean, var = (kept * old + (1 - kept) * new for old, new in zip((mean, var), of_batch, strict=True))
    return mean, var


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
