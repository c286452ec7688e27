"""Right ways to draw a hyperparameter: by other generators, other bases, the other end, in float32."""

import random as python
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.variant import SoundVariant, sound


def _stats() -> Any:
    """scipy.stats, whose import takes most of a second, which only those who run these have to spend."""
    return import_module("scipy.stats")


def _units(size: int, seed: int) -> Array:
    return np.random.default_rng(seed).random(size)


def _old(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)  # refuses what 32 bits do not hold


def _listed(size: int, draw: Callable[[], float]) -> Array:
    return np.array([draw() for _ in range(size)])


def _single(size: int, seed: int) -> Array:
    """Of 24 bits, in float32."""
    return np.random.default_rng(seed).random(size, dtype=np.float32)


@sound("sample_uniform")
def generator(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(low, high, size)


@sound("sample_uniform")
def random_state(low: float, high: float, *, size: int, seed: int) -> Array:
    return _old(seed).uniform(low, high, size)


@sound("sample_uniform")
def python_random(low: float, high: float, *, size: int, seed: int) -> Array:
    source = python.Random(seed)
    return _listed(size, lambda: source.uniform(low, high))


@sound("sample_uniform")
def from_high_down(low: float, high: float, *, size: int, seed: int) -> Array:
    return high - (high - low) * _units(size, seed)


@sound("sample_uniform")
def in_float32(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.float32(low) + np.float32(high - low) * _single(size, seed)


@sound("sample_uniform")
def one_by_one(low: float, high: float, *, size: int, seed: int) -> Array:
    """Each draw by a call of its own, from one generator."""
    source = np.random.Generator(np.random.MT19937(seed))
    return _listed(size, lambda: float(source.uniform(low, high)))


@sound("sample_log_uniform")
def exponential(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.exp(np.random.default_rng(seed).uniform(np.log(low), np.log(high), size))


@sound("sample_log_uniform")
def powers_of_ten(low: float, high: float, *, size: int, seed: int) -> Array:
    return 10.0 ** _old(seed).uniform(np.log10(low), np.log10(high), size)


@sound("sample_log_uniform")
def powers_of_two(low: float, high: float, *, size: int, seed: int) -> Array:
    return 2.0 ** (np.log2(low) + np.log2(high / low) * _units(size, seed))


@sound("sample_log_uniform")
def powers_of_the_ratio(low: float, high: float, *, size: int, seed: int) -> Array:
    return low * (high / low) ** _units(size, seed)


@sound("sample_log_uniform")
def down_from_high(low: float, high: float, *, size: int, seed: int) -> Array:
    """The notes' r = −4 rand, which goes from high down to low."""
    return high * (low / high) ** _units(size, seed)


@sound("sample_log_uniform")
def scipy_distribution(low: float, high: float, *, size: int, seed: int) -> Array:
    return _stats().loguniform(low, high).rvs(size, random_state=_old(seed))


@sound("sample_log_uniform")
def python_powers(low: float, high: float, *, size: int, seed: int) -> Array:
    source = python.Random(seed)
    return _listed(size, lambda: low * (high / low) ** source.random())


@sound("sample_log_uniform")
def exponential_in_float32(low: float, high: float, *, size: int, seed: int) -> Array:
    ends = np.log(np.array([low, high], np.float32))
    return np.exp(ends[0] + (ends[1] - ends[0]) * _single(size, seed))


@sound("sample_one_minus_log_uniform")
def complement_of_exponential(low: float, high: float, *, size: int, seed: int) -> Array:
    return 1 - np.exp(np.random.default_rng(seed).uniform(np.log(1 - high), np.log(1 - low), size))


@sound("sample_one_minus_log_uniform")
def by_expm1(low: float, high: float, *, size: int, seed: int) -> Array:
    return -np.expm1(_old(seed).uniform(np.log1p(-high), np.log1p(-low), size))


@sound("sample_one_minus_log_uniform")
def complement_of_powers_of_ten(low: float, high: float, *, size: int, seed: int) -> Array:
    """The notes' 1 − 10^r."""
    return 1 - 10.0 ** (np.log10(1 - low) + np.log10((1 - high) / (1 - low)) * _units(size, seed))


@sound("sample_one_minus_log_uniform")
def complement_of_scipy(low: float, high: float, *, size: int, seed: int) -> Array:
    return 1 - _stats().loguniform(1 - high, 1 - low).ppf(_units(size, seed))


@sound("sample_one_minus_log_uniform")
def python_complement(low: float, high: float, *, size: int, seed: int) -> Array:
    source = python.Random(seed)
    return _listed(size, lambda: 1 - (1 - low) * ((1 - high) / (1 - low)) ** source.random())


@sound("sample_one_minus_log_uniform")
def complement_in_float32(low: float, high: float, *, size: int, seed: int) -> Array:
    ends = np.log(1 - np.array([low, high], np.float32))
    return np.float32(1) - np.exp(ends[0] + (ends[1] - ends[0]) * _single(size, seed))


@sound("sample_one_minus_log_uniform", complement="reverse_log")
def reverse_log(low: float, high: float, *, size: int, seed: int) -> Array:
    """Keras Tuner's."""
    return low + high - low * (high / low) ** (1 - _units(size, seed))


@sound("sample_one_minus_log_uniform", complement="reverse_log")
def reverse_log_of_scipy(low: float, high: float, *, size: int, seed: int) -> Array:
    return low + high - _stats().loguniform(low, high).rvs(size, random_state=_old(seed))


@sound("sample_integer")
def both_ends(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(low, high, size, endpoint=True)


@sound("sample_integer")
def old_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _old(seed).randint(low, high + 1, size)


@sound("sample_integer")
def python_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    source = python.Random(seed)
    return _listed(size, lambda: source.randint(low, high))


@sound("sample_integer")
def floor_of_uniform(low: int, high: int, *, size: int, seed: int) -> Array:
    """As floats."""
    return low + np.floor(_units(size, seed) * (high - low + 1))


@sound("sample_integer")
def chosen(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).choice(np.arange(low, high + 1, dtype=np.int32), size)


@sound("sample_integer")
def scipy_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _stats().randint(low, high + 1).rvs(size, random_state=_old(seed))


@sound("sample_integer", bounds="half_open")
def half_open(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(low, high, size)


@sound("sample_integer", bounds="half_open")
def half_open_floor(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.floor(low + _units(size, seed) * (high - low))


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
