"""Right ways to draw beyond the notes: by other generators, by other maps, by SciPy's quasi-random engines."""

import random as python
from importlib import import_module
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.variant import SoundVariant, sound


def _qmc() -> Any:
    """scipy.stats.qmc, whose import takes most of a second, which only those who run these have to spend."""
    return import_module("scipy.stats.qmc")


def _units(size: int, seed: int) -> Array:
    return np.random.default_rng(seed).random(size)


def _old(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)  # refuses what 32 bits do not hold


def _count(low: float, high: float, step: float) -> int:
    return round((high - low) / step) + 1


@sound("quantised_uniform")
def whole_steps(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return low + step * np.random.default_rng(seed).integers(0, _count(low, high, step), size)


@sound("quantised_uniform")
def chosen_from_the_line(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return _old(seed).choice(np.linspace(low, high, _count(low, high, step)), size)


@sound("quantised_uniform")
def rounded_half_a_step_beyond(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    """As Optuna does: both ends have their full share."""
    x = np.random.default_rng(seed).uniform(low - step / 2, high + step / 2, size)
    return np.clip(np.round((x - low) / step) * step + low, low, high)


@sound("quantised_uniform")
def from_the_top(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return high - step * np.floor(_units(size, seed) * _count(low, high, step))


@sound("quantised_uniform")
def steps_in_float32(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random(size, dtype=np.float32)
    return np.float32(low) + np.float32(step) * np.floor(u * np.float32(_count(low, high, step)))


@sound("quantised_uniform")
def python_range(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    source = python.Random(seed)
    return np.array([low + step * source.randrange(_count(low, high, step)) for _ in range(size)], dtype=np.float64)


@sound("quantised_uniform", ends="half")
def rounded_to_multiples(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    """As Hyperopt does."""
    return np.round(np.random.default_rng(seed).uniform(low, high, size) / step) * step


@sound("log_integers")
def floor_of_powers(low: int, high: int, *, size: int, seed: int) -> Array:
    x = low * ((high + 1) / low) ** _units(size, seed)
    return np.floor(x).clip(low, high).astype(np.int64)


@sound("log_integers")
def as_floats(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.minimum(np.floor(np.exp(_old(seed).uniform(np.log(low), np.log(high + 1), size))), high)


@sound("log_integers")
def by_their_shares(low: int, high: int, *, size: int, seed: int) -> Array:
    ends = np.log(np.arange(low + 1, high + 2) / low)
    return low + np.searchsorted(ends / ends[-1], _units(size, seed), side="right")


@sound("log_integers")
def in_single_precision(low: int, high: int, *, size: int, seed: int) -> Array:
    ends = np.log(np.array([low, high + 1], np.float32))
    u = np.random.default_rng(seed).random(size, dtype=np.float32)
    return np.floor(np.exp(ends[0] + (ends[1] - ends[0]) * u)).clip(low, high).astype(np.int32)


@sound("log_integers", parts="around")
def rounded_half_beyond(low: int, high: int, *, size: int, seed: int) -> Array:
    """As Optuna does."""
    x = np.exp(_old(seed).uniform(np.log(low - 0.5), np.log(high + 0.5), size))
    return np.rint(x).clip(low, high).astype(np.int64)


@sound("log_integers", parts="within")
def rounded_within(low: int, high: int, *, size: int, seed: int) -> Array:
    """As Hyperopt and Nevergrad do."""
    return np.rint(np.exp(np.random.default_rng(seed).uniform(np.log(low), np.log(high), size))).astype(np.int64)


@sound("log_integers", parts="equal")
def in_equal_parts(low: int, high: int, *, size: int, seed: int) -> Array:
    """As ConfigSpace does."""
    x = np.exp(np.random.default_rng(seed).uniform(np.log(low), np.log(high), size))
    part = np.floor((x - low) / (high - low) * (high - low + 1))
    return (low + part).clip(low, high).astype(np.int64)


@sound("weighted_choice")
def of_probabilities(weights: Array, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(len(weights), size, p=weights / weights.sum())


@sound("weighted_choice")
def multinomial(weights: Array, *, size: int, seed: int) -> Array:
    """As Hyperopt does: one of n is 1."""
    drawn = np.random.default_rng(seed).multinomial(1, weights / weights.sum(), size=size)
    return drawn @ np.arange(len(weights))


@sound("weighted_choice")
def python_choices(weights: Array, *, size: int, seed: int) -> Array:
    found = python.Random(seed).choices(range(len(weights)), weights.tolist(), k=size)
    return np.array(found, dtype=np.int64)


@sound("weighted_choice")
def largest_of_gumbel(weights: Array, *, size: int, seed: int) -> Array:
    """argmax of log w + G: a choice without dividing by the sum."""
    with np.errstate(divide="ignore"):
        logits = np.log(weights)
    return (logits + np.random.default_rng(seed).gumbel(size=(size, len(weights)))).argmax(axis=1)


@sound("weighted_choice")
def aliases(weights: Array, *, size: int, seed: int) -> Array:
    """Vose's alias method: a column at random, then it or its alias."""
    n, scaled = len(weights), weights / weights.sum() * len(weights)
    chance, alias = np.ones(n), np.arange(n)
    small, large = [k for k in range(n) if scaled[k] < 1], [k for k in range(n) if scaled[k] >= 1]
    while small and large:
        less, more = small.pop(), large.pop()
        chance[less], alias[less] = scaled[less], more
        scaled[more] -= 1 - scaled[less]
        (small if scaled[more] < 1 else large).append(more)
    chance[[k for k in small if weights[k] > 0]] = 1.0  # what is left over is 1 but for rounding
    source = np.random.default_rng(seed)
    column = source.integers(0, n, size)
    return np.where(source.random(size) < chance[column], column, alias[column])


@sound("latin_hypercube")
def scipy_hypercube(*, size: int, axes: int, seed: int) -> Array:
    return _qmc().LatinHypercube(axes, rng=np.random.default_rng(seed)).random(size)


@sound("latin_hypercube")
def orders_of_random_numbers(*, size: int, axes: int, seed: int) -> Array:
    source = np.random.default_rng(seed)
    order = source.random((size, axes)).argsort(axis=0)
    return np.minimum((order + source.random((size, axes))) / size, 1 - 2.0**-53)


@sound("latin_hypercube")
def first_axis_in_order(*, size: int, axes: int, seed: int) -> Array:
    """The order of the points says nothing."""
    source = _old(seed)
    order = np.stack([np.arange(size), *(source.permutation(size) for _ in range(axes - 1))], axis=1)
    return np.minimum((order + source.random_sample((size, axes))) * (1 / size), 1 - 2.0**-53)


@sound("latin_hypercube")
def from_the_end_of_each_stratum(*, size: int, axes: int, seed: int) -> Array:
    source = np.random.default_rng(seed)
    order = np.stack([source.permutation(size) for _ in range(axes)], axis=1)
    return np.maximum((order + 1 - source.random((size, axes))) / size - 2.0**-53, 0.0)


@sound("latin_hypercube", within="centre")
def scipy_centred(*, size: int, axes: int, seed: int) -> Array:
    return _qmc().LatinHypercube(axes, scramble=False, rng=np.random.default_rng(seed)).random(size)


@sound("sobol")
def scipy_sobol(*, size: int, axes: int, seed: int) -> Array:
    return _qmc().Sobol(axes, rng=np.random.default_rng(seed)).random(size)


@sound("sobol")
def digits_shifted(*, size: int, axes: int, seed: int) -> Array:
    """Sobol's own order, and one shift of all digits an axis."""
    sequence = _qmc().Sobol(axes, scramble=False, bits=52).random(size)
    shift = np.random.default_rng(seed).integers(0, 1 << 52, axes)
    return ((sequence * 2**52).astype(np.int64) ^ shift) / 2.0**52


@sound("sobol")
def of_53_bits(*, size: int, axes: int, seed: int) -> Array:
    """As many as a double holds."""
    points = _qmc().Sobol(axes, bits=53, rng=np.random.default_rng(seed)).random(size)
    return np.floor(points * 2.0**53) / 2.0**53


@sound("sobol", scrambling="omitted")
def as_it_is(*, size: int, axes: int, seed: int) -> Array:
    return _qmc().Sobol(axes, scramble=False).random(size)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
