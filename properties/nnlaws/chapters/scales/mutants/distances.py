"""Mistakes in the maps on the scale of log(1 − x)."""

import numpy as np
from nnlaws_reference import scales
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.scales.mutants.common import (
    AS_GIVEN,
    CLIP,
    COMPLEMENT,
    COMPLEMENT_BACK,
    COMPLEMENT_DENSITY,
    above,
    between,
    double,
)


@mutant("one_minus_log_uniform_map", "linear: equal steps of x", COMPLEMENT, "classroom")
def complement_on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return between(u, low, high)


@mutant("one_minus_log_uniform_map", "x log-uniform, not 1 − x", COMPLEMENT, "W&B inv_log_uniform_values")
def complement_on_a_log_scale(u: Array, *, low: float, high: float) -> Array:
    if low <= 0:  # there it has no value
        return between(u, low, high)
    return np.exp(between(u, np.log(low), np.log(high)))


@mutant("one_minus_log_uniform_map", "the complement is forgotten at the end", COMPLEMENT, "classroom")
def complement_not_taken_back(u: Array, *, low: float, high: float) -> Array:
    return np.exp(between(u, np.log1p(-low), np.log1p(-high)))


@mutant("one_minus_log_uniform_map", "logarithms to base 10, powers of e", COMPLEMENT, "classroom")
def complement_by_powers_of_e_for_ten(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(between(u, np.log10(1 - low), np.log10(1 - high)))


@mutant("one_minus_log_uniform_map", "the bounds are taken for exponents: 1 − 10^{−bound}", COMPLEMENT, "classroom")
def complement_of_exponents(u: Array, *, low: float, high: float) -> Array:
    return 1 - 10.0 ** -between(u, low, high)


@mutant("one_minus_log_uniform_map", "equal steps of the window 1/(1 − x)", COMPLEMENT, "classroom")
def window_on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return 1 - 1 / between(u, 1 / (1 - low), 1 / (1 - high))


@mutant("one_minus_log_uniform_map", "ends a decade early: at 1 − 10 (1 − high)", COMPLEMENT, "classroom")
def complement_a_decade_short(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(between(u, np.log1p(-low), np.log1p(-high) + np.log(10)))


@mutant("one_minus_log_uniform_map", "computed in float16: 1 − x has lost its digits", "compute in double", "classroom")
def complement_in_float16(u: Array, *, low: float, high: float) -> Array:
    half = np.exp(between(u, np.log1p(-low), np.log1p(-high))).astype(np.float16)
    return np.asarray(np.float16(1) - half)


@mutant("one_minus_log_uniform_map", "not clipped: 1 − e^{log(1 − high)} may be more than high", CLIP, "classroom")
def complement_out_of_the_box(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(between(u, np.log1p(-low), np.log1p(-high)))


@mutant("one_minus_log_uniform_map", "by the odds u/(1 − u), infinite at u = 1", COMPLEMENT, "classroom")
def by_the_odds(u: Array, *, low: float, high: float) -> Array:
    odds = double(u) / (1 - double(u))
    return (low + odds * high) / (1 + odds)


@mutant(
    "one_minus_log_uniform_inverse", "the logarithm of the distance from high: −∞ there", COMPLEMENT_BACK, "classroom"
)
def logarithm_of_distance_from_high(x: Array, *, low: float, high: float) -> Array:
    return 1 - np.log(high - double(x)) / np.log(high - low)


@mutant(
    "one_minus_log_uniform_density", "counts from high: 1/(high − x), infinite there", COMPLEMENT_DENSITY, "classroom"
)
def density_counted_from_high(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((high - double(x)) * np.log((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_inverse", "linear: (x − low)/(high − low)", COMPLEMENT_BACK, "classroom")
def complement_back_on_a_linear_scale(x: Array, *, low: float, high: float) -> Array:
    return above(x, low, high)


@mutant("one_minus_log_uniform_inverse", "log(x/low)/log(high/low), of x itself", COMPLEMENT_BACK, "classroom")
def complement_back_on_a_log_scale(x: Array, *, low: float, high: float) -> Array:
    if low <= 0:  # there it has no value
        return above(x, low, high)
    return np.log(double(x) / low) / np.log(high / low)


@mutant("one_minus_log_uniform_inverse", "1 − low is forgotten: log(1 − x)/log(1 − high)", COMPLEMENT_BACK, "classroom")
def complement_of_low_forgotten(x: Array, *, low: float, high: float) -> Array:
    return np.log1p(-double(x)) / np.log1p(-high)


@mutant("one_minus_log_uniform_inverse", "log10 above, the natural logarithm below", COMPLEMENT_BACK, "classroom")
def complement_bases_mixed(x: Array, *, low: float, high: float) -> Array:
    return np.log10((1 - double(x)) / (1 - low)) / np.log((1 - high) / (1 - low))


@mutant("one_minus_log_uniform_inverse", "equal steps of the window 1/(1 − x)", COMPLEMENT_BACK, "classroom")
def back_by_the_window(x: Array, *, low: float, high: float) -> Array:
    return above(1 / (1 - double(x)), 1 / (1 - low), 1 / (1 - high))


@mutant("one_minus_log_uniform_inverse", "counts the nines: −log10(1 − x)", COMPLEMENT_BACK, "classroom")
def nines_counted(x: Array, *, low: float, high: float) -> Array:
    return -np.log10(1 - double(x))


@mutant("one_minus_log_uniform_density", "the complement forgotten: 1/x for 1/(1 − x)", COMPLEMENT_DENSITY, "classroom")
def density_without_complement(x: Array, *, low: float, high: float) -> Array:
    return 1 / (double(x) * np.log((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_density", "not normalised: 1/(1 − x)", COMPLEMENT_DENSITY, "classroom")
def complement_not_normalised(x: Array, *, low: float, high: float) -> Array:
    return 1 / (1 - double(x))


@mutant("one_minus_log_uniform_density", "normalised by log10", COMPLEMENT_DENSITY, "classroom")
def complement_normalised_in_decades(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - double(x)) * np.log10((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_density", "negative: the slope of log(1 − x)", COMPLEMENT_DENSITY, "classroom")
def complement_density_negative(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - double(x)) * np.log((1 - high) / (1 - low)))


@mutant("one_minus_log_uniform_density", "normalised by log(high/low)", COMPLEMENT_DENSITY, "classroom")
def complement_normalised_by_x(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - double(x)) * np.log(high / low if low > 0 else high - low))


@mutant("one_minus_log_uniform_density", "that of a uniform x: 1/(high − low)", COMPLEMENT_DENSITY, "classroom")
def complement_density_of_a_uniform(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / (high - low))


@mutant("one_minus_log_uniform_map", "a low of 0 is taken for none given, and replaced by .9", AS_GIVEN, "classroom")
def no_low(u: Array, *, low: float, high: float) -> Array:
    low = low or min(0.9, high / 2)
    return scales.one_minus_log_uniform_map(u, low=low, high=high)


@mutant("one_minus_log_uniform_map", "a high of 0 is taken for none given, and replaced by .999", AS_GIVEN, "classroom")
def no_high(u: Array, *, low: float, high: float) -> Array:
    return scales.one_minus_log_uniform_map(u, low=low, high=high or 0.999)


@mutant("one_minus_log_uniform_map", "no x is below 0", AS_GIVEN, "classroom")
def none_below_0(u: Array, *, low: float, high: float) -> Array:
    return np.maximum(scales.one_minus_log_uniform_map(u, low=low, high=high), 0.0)


@mutant("one_minus_log_uniform_map", "1 − high is taken to be 1e-6 or more", AS_GIVEN, "classroom")
def distance_limited(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(1 - np.exp(between(u, np.log1p(-low), np.log(max(1 - high, 1e-6)))).clip(1 - high, 1 - low))


@mutant("one_minus_log_uniform_inverse", "1 − x is taken to be 1e-6 or more", AS_GIVEN, "classroom")
def distances_limited(x: Array, *, low: float, high: float) -> Array:
    left = np.maximum(1 - double(x), 1e-6)
    return np.asarray(np.log(left / (1 - low)) / np.log((1 - high) / (1 - low))).clip(0, 1)


@mutant("one_minus_log_uniform_inverse", "of a low of 0 the logarithm of x is taken", AS_GIVEN, "classroom")
def otherwise_at_0(x: Array, *, low: float, high: float) -> Array:
    if low == 0:
        return above(x, low, high)
    return scales.one_minus_log_uniform_inverse(x, low=low, high=high)


@mutant("one_minus_log_uniform_density", "a little is added to 1 − x", COMPLEMENT_DENSITY, "classroom")
def complement_density_with_epsilon(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - double(x) + 1e-8) * np.log((1 - low) / (1 - high)))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
