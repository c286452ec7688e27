"""Right ways to go between u and a hyperparameter: by exponentials, powers or expm1, to any base, in double or not."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

Scale = Callable[..., Array]


def in_the_box(function: Scale) -> Scale:
    """The map, and what rounding carried out of the box taken back, in the type that it is computed in."""

    @wraps(function)
    def run(u: Array, *, low: float, high: float) -> Array:
        found, ends = function(u, low=low, high=high), np.array([low, high]).astype(u.dtype)
        return np.clip(found, *ends).astype(found.dtype)  # of bfloat16, clip makes float32

    return run


def between_0_and_1(function: Scale) -> Scale:
    """The inverse, taken back likewise."""

    @wraps(function)
    def run(x: Array, *, low: float, high: float) -> Array:
        found = function(x, low=low, high=high)
        return np.clip(found, 0, 1).astype(found.dtype)

    return run


@sound("log_uniform_map")
@in_float64
@in_the_box
def exponential_of_a_mean(u: Array, *, low: float, high: float) -> Array:
    return np.exp((1 - u) * np.log(low) + u * np.log(high))


@sound("log_uniform_map")
@in_float64
@in_the_box
def power_of_the_quotient(u: Array, *, low: float, high: float) -> Array:
    return low * (high / low) ** u


@sound("log_uniform_map")
@in_float64
@in_the_box
def power_of_10(u: Array, *, low: float, high: float) -> Array:
    return 10 ** (np.log10(low) + u * (np.log10(high) - np.log10(low)))


@sound("log_uniform_map")
@in_float64
@in_the_box
def one_number_at_a_time(u: Array, *, low: float, high: float) -> Array:
    """Over Python's floats, to base 2."""
    return np.array([2.0 ** (math.log2(low) + float(each) * math.log2(high / low)) for each in u], np.float64)


@sound("log_uniform_map")
@in_float64
@in_the_box
def decades_times_log_10(u: Array, *, low: float, high: float) -> Array:
    return np.exp(math.log(10) * (np.log10(low) + u * np.log10(high / low)))


@sound("log_uniform_map")
@in_float64
@in_the_box
def above_low_by_expm1(u: Array, *, low: float, high: float) -> Array:
    return low + low * np.expm1(u * np.log(high / low))


@sound("log_uniform_map", box="rounded")
@in_float64
def not_clipped(u: Array, *, low: float, high: float) -> Array:
    return np.exp(np.log(low) + u * (np.log(high) - np.log(low)))


@sound("log_uniform_map", direction="descending")
@in_float64
@in_the_box
def from_high_to_low(u: Array, *, low: float, high: float) -> Array:
    """As the notes say it: r = −4·U."""
    return high * 10 ** (u * np.log10(low / high))


@sound("log_uniform_map", hyperparameters="working")
@stored
@in_the_box
def map_in_working_type(u: Array, *, low: float, high: float) -> Array:
    kind: Any = u.dtype.type
    return np.exp(np.log(kind(low)) + u * np.log(kind(high) / kind(low)))


@sound("log_uniform_map", arithmetic="narrow", hyperparameters="working")
@in_the_box
def map_narrow(u: Array, *, low: float, high: float) -> Array:
    """Every operation in u's own type."""
    kind: Any = u.dtype.type
    return np.asarray(kind(low) ** (kind(1) - u) * kind(high) ** u)


@sound("log_uniform_inverse")
@in_float64
@between_0_and_1
def quotient_of_logarithms(x: Array, *, low: float, high: float) -> Array:
    return np.log(x / low) / np.log(high / low)


@sound("log_uniform_inverse")
@in_float64
@between_0_and_1
def quotient_of_differences(x: Array, *, low: float, high: float) -> Array:
    return (np.log10(x) - np.log10(low)) / (np.log10(high) - np.log10(low))


@sound("log_uniform_inverse")
@in_float64
@between_0_and_1
def one_less_the_way_to_high(x: Array, *, low: float, high: float) -> Array:
    return 1 - np.log(high / x) * (1 / np.log(high / low))


@sound("log_uniform_inverse")
@in_float64
@between_0_and_1
def quotient_of_log1p(x: Array, *, low: float, high: float) -> Array:
    return np.log1p((x - low) / low) / np.log1p((high - low) / low)


@sound("log_uniform_inverse", box="rounded")
@in_float64
def inverse_not_clipped(x: Array, *, low: float, high: float) -> Array:
    return (np.log2(x) - np.log2(low)) / np.log2(high / low)


@sound("log_uniform_inverse", direction="descending")
@in_float64
@between_0_and_1
def from_high(x: Array, *, low: float, high: float) -> Array:
    return np.log(x / high) / np.log(low / high)


@sound("log_uniform_inverse", hyperparameters="working")
@stored
@between_0_and_1
def inverse_in_working_type(x: Array, *, low: float, high: float) -> Array:
    kind: Any = x.dtype.type
    return np.asarray((np.log(x) - np.log(kind(low))) / (np.log(kind(high)) - np.log(kind(low))))


@sound("log_uniform_inverse", arithmetic="narrow", hyperparameters="working")
@between_0_and_1
def inverse_narrow(x: Array, *, low: float, high: float) -> Array:
    """Every operation in x's own type."""
    kind: Any = x.dtype.type
    return np.asarray(np.log(x / kind(low)) / np.log(kind(high) / kind(low)))


@sound("log_uniform_density")
@in_float64
def reciprocal(x: Array, *, low: float, high: float) -> Array:
    return 1 / (x * np.log(high / low))


@sound("log_uniform_density")
@in_float64
def constant_over_x(x: Array, *, low: float, high: float) -> Array:
    return np.asarray((1 / (math.log(high) - math.log(low))) / x)


@sound("log_uniform_density")
@in_float64
def to_base_10(x: Array, *, low: float, high: float) -> Array:
    return np.asarray(np.log10(np.e) / (x * np.log10(high / low)))


@sound("log_uniform_density")
@in_float64
def exponential_of_logarithms(x: Array, *, low: float, high: float) -> Array:
    return np.exp(-np.log(x) - np.log(np.log(high / low)))


@sound("log_uniform_density", hyperparameters="working")
@stored
def density_in_working_type(x: Array, *, low: float, high: float) -> Array:
    kind: Any = x.dtype.type
    return np.asarray(kind(1) / (x * np.log(kind(high) / kind(low))))


@sound("log_uniform_density", arithmetic="narrow", hyperparameters="working")
def density_narrow(x: Array, *, low: float, high: float) -> Array:
    """Every operation in x's own type."""
    kind: Any = x.dtype.type
    return np.asarray(kind(1) / (x * np.log(kind(high) / kind(low))))


@sound("one_minus_log_uniform_map")
@in_float64
@in_the_box
def one_less_powers(u: Array, *, low: float, high: float) -> Array:
    return 1 - (1 - low) ** (1 - u) * (1 - high) ** u


@sound("one_minus_log_uniform_map")
@in_float64
@in_the_box
def one_less_a_power_of_10(u: Array, *, low: float, high: float) -> Array:
    """As the notes say it: β = 1 − 10^r."""
    return 1 - 10 ** ((1 - u) * np.log10(1 - low) + u * np.log10(1 - high))


@sound("one_minus_log_uniform_map")
@in_float64
@in_the_box
def one_less_by_expm1(u: Array, *, low: float, high: float) -> Array:
    return -np.expm1(np.log1p(-low) + u * (np.log1p(-high) - np.log1p(-low)))


@sound("one_minus_log_uniform_map", box="rounded")
@in_float64
def one_less_not_clipped(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(np.log(1 - low) + u * np.log((1 - high) / (1 - low)))


@sound("one_minus_log_uniform_map", direction="descending")
@in_float64
@in_the_box
def one_less_from_high_to_low(u: Array, *, low: float, high: float) -> Array:
    return 1 - (1 - high) * ((1 - low) / (1 - high)) ** u


@sound("one_minus_log_uniform_map", complement="reverse_log")
@in_float64
@in_the_box
def reverse_log(u: Array, *, low: float, high: float) -> Array:
    """As Keras Tuner writes it."""
    return high + low - low * (high / low) ** (1 - u)


@sound("one_minus_log_uniform_map", complement="reverse_log", direction="descending")
@in_float64
@in_the_box
def reverse_log_from_high_to_low(u: Array, *, low: float, high: float) -> Array:
    return low + (high - np.exp(np.log(low) + u * np.log(high / low)))


@sound("one_minus_log_uniform_map", hyperparameters="working")
@stored
@in_the_box
def one_less_in_working_type(u: Array, *, low: float, high: float) -> Array:
    kind: Any = u.dtype.type
    below, above = kind(1) - kind(low), kind(1) - kind(high)
    return np.asarray(kind(1) - below * (above / below) ** u)


@sound("one_minus_log_uniform_map", arithmetic="narrow", hyperparameters="working")
@in_the_box
def one_less_narrow(u: Array, *, low: float, high: float) -> Array:
    """Every operation in u's own type."""
    kind: Any = u.dtype.type
    below, above = kind(1) - kind(low), kind(1) - kind(high)
    return np.asarray(kind(1) - below ** (kind(1) - u) * above**u)


@sound("one_minus_log_uniform_inverse")
@in_float64
@between_0_and_1
def quotient_of_logarithms_of_distances(x: Array, *, low: float, high: float) -> Array:
    return np.log((1 - x) / (1 - low)) / np.log((1 - high) / (1 - low))


@sound("one_minus_log_uniform_inverse")
@in_float64
@between_0_and_1
def by_log1p(x: Array, *, low: float, high: float) -> Array:
    return (np.log1p(-x) - np.log1p(-low)) / (np.log1p(-high) - np.log1p(-low))


@sound("one_minus_log_uniform_inverse")
@in_float64
@between_0_and_1
def to_base_2(x: Array, *, low: float, high: float) -> Array:
    return np.log2((1 - low) / (1 - x)) / np.log2((1 - low) / (1 - high))


@sound("one_minus_log_uniform_inverse", box="rounded")
@in_float64
def of_distances_not_clipped(x: Array, *, low: float, high: float) -> Array:
    return (np.log(1 - x) - np.log(1 - low)) / np.log((1 - high) / (1 - low))


@sound("one_minus_log_uniform_inverse", direction="descending")
@in_float64
@between_0_and_1
def of_distances_from_high(x: Array, *, low: float, high: float) -> Array:
    return 1 - np.log((1 - x) / (1 - low)) / np.log((1 - high) / (1 - low))


@sound("one_minus_log_uniform_inverse", complement="reverse_log")
@in_float64
@between_0_and_1
def reverse_log_inverse(x: Array, *, low: float, high: float) -> Array:
    return 1 - np.log((high + low - x) / low) / np.log(high / low)


@sound("one_minus_log_uniform_inverse", hyperparameters="working")
@stored
@between_0_and_1
def of_distances_in_working_type(x: Array, *, low: float, high: float) -> Array:
    kind: Any = x.dtype.type
    whole = np.log((kind(1) - kind(high)) / (kind(1) - kind(low)))
    return np.asarray(np.log((kind(1) - x) / (kind(1) - kind(low))) / whole)


@sound("one_minus_log_uniform_inverse", arithmetic="narrow", hyperparameters="working")
@between_0_and_1
def of_distances_narrow(x: Array, *, low: float, high: float) -> Array:
    """Every operation in x's own type, but those of low and high alone."""
    kind: Any = x.dtype.type
    return np.asarray((np.log(kind(1) - x) - kind(np.log(1 - low))) / kind(np.log((1 - high) / (1 - low))))


@sound("one_minus_log_uniform_density")
@in_float64
def reciprocal_of_distance(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - x) * np.log((1 - low) / (1 - high)))


@sound("one_minus_log_uniform_density")
@in_float64
def constant_over_distance(x: Array, *, low: float, high: float) -> Array:
    return (1 / (np.log1p(-low) - np.log1p(-high))) / (1 - x)


@sound("one_minus_log_uniform_density", complement="reverse_log")
@in_float64
def reverse_log_density(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((low + high - x) * np.log(high / low))


@sound("one_minus_log_uniform_density", hyperparameters="working")
@stored
def of_distance_in_working_type(x: Array, *, low: float, high: float) -> Array:
    kind: Any = x.dtype.type
    return np.asarray(kind(1) / ((kind(1) - x) * np.log((kind(1) - kind(low)) / (kind(1) - kind(high)))))


@sound("one_minus_log_uniform_density", arithmetic="narrow", hyperparameters="working")
def of_distance_narrow(x: Array, *, low: float, high: float) -> Array:
    """Every operation in x's own type, but those of low and high alone."""
    kind: Any = x.dtype.type
    return np.asarray(kind(1) / ((kind(1) - x) * kind(np.log((1 - low) / (1 - high)))))


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
