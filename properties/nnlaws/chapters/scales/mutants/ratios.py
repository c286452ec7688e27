"""Mistakes in the maps on the scale of log x."""

import numpy as np
from nnlaws_reference import scales
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.scales.mutants.common import (
    AS_GIVEN,
    CLIP,
    DOUBLE,
    LOG,
    LOG_BACK,
    LOG_DENSITY,
    above,
    between,
    double,
)


@mutant("log_uniform_map", "the log forgotten: equal steps of u are equal steps of x", LOG, "ray PR 12994")
def on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return between(u, low, high)


@mutant("log_uniform_map", "the bounds are taken for exponents of e", LOG, "tune-sklearn PR 104")
def bounds_as_exponents(u: Array, *, low: float, high: float) -> Array:
    return np.exp(between(u, low, high))


@mutant("log_uniform_map", "the bounds are taken for exponents of 10, as np.logspace does", LOG, "polyaxon #651")
def bounds_as_exponents_of_ten(u: Array, *, low: float, high: float) -> Array:
    return 10.0 ** between(u, low, high)


@mutant("log_uniform_map", "logarithms to base 10, powers of e", LOG, "classroom")
def powers_of_e_for_ten(u: Array, *, low: float, high: float) -> Array:
    return np.exp(between(u, np.log10(low), np.log10(high)))


@mutant("log_uniform_map", "natural logarithms, powers of 10", LOG, "classroom")
def powers_of_ten_for_e(u: Array, *, low: float, high: float) -> Array:
    return 10.0 ** between(u, np.log(low), np.log(high))


@mutant("log_uniform_map", "logarithms to base 10, powers of 2", LOG, "classroom")
def powers_of_two_for_ten(u: Array, *, low: float, high: float) -> Array:
    return 2.0 ** between(u, np.log10(low), np.log10(high))


@mutant("log_uniform_map", "the width, not the ratio: low (high − low)^u", LOG, "classroom")
def width_for_ratio(u: Array, *, low: float, high: float) -> Array:
    return low * (high - low) ** double(u)


@mutant("log_uniform_map", "equal steps of √x", LOG, "classroom")
def root_for_logarithm(u: Array, *, low: float, high: float) -> Array:
    return between(u, np.sqrt(low), np.sqrt(high)) ** 2


@mutant("log_uniform_map", "equal steps of 1/x", LOG, "classroom")
def reciprocal_for_logarithm(u: Array, *, low: float, high: float) -> Array:
    return 1 / between(u, 1 / low, 1 / high)


@mutant("log_uniform_map", "not clipped: e^{log high} may be more than high", CLIP, "scikit-optimize #586")
def out_of_the_box(u: Array, *, low: float, high: float) -> Array:
    return np.exp(between(u, np.log(low), np.log(high)))


@mutant("log_uniform_map", "exponents of 10 are rounded to tenths", LOG, "classroom")
def exponents_in_tenths(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(np.clip(10.0 ** np.round(between(u, np.log10(low), np.log10(high)), 1), low, high))


@mutant("log_uniform_inverse", "the log forgotten: (x − low)/(high − low)", LOG_BACK, "classroom")
def back_on_a_linear_scale(x: Array, *, low: float, high: float) -> Array:
    return above(x, low, high)


@mutant("log_uniform_inverse", "log10 above, the natural logarithm below", LOG_BACK, "classroom")
def bases_mixed(x: Array, *, low: float, high: float) -> Array:
    return np.log10(double(x) / low) / np.log(high / low)


@mutant("log_uniform_inverse", "counts from 1, not from low: log x/log(high/low)", LOG_BACK, "classroom")
def low_forgotten(x: Array, *, low: float, high: float) -> Array:
    return np.log(double(x)) / np.log(high / low)


@mutant("log_uniform_inverse", "divides by log(high − low)", LOG_BACK, "classroom")
def divided_by_log_of_width(x: Array, *, low: float, high: float) -> Array:
    return np.log(double(x) / low) / np.log(high - low)


@mutant("log_uniform_inverse", "not divided: the decades above low", LOG_BACK, "classroom")
def decades_above_low(x: Array, *, low: float, high: float) -> Array:
    return np.log10(double(x) / low)


@mutant("log_uniform_inverse", "log(1 + x) in place of log x", LOG_BACK, "classroom")
def one_added_to_each(x: Array, *, low: float, high: float) -> Array:
    return above(np.log1p(double(x)), np.log1p(low), np.log1p(high))


@mutant("log_uniform_inverse", "not clipped: (log x − log low)/(log high − log low) in float32", CLIP, "classroom")
def u_out_of_the_box(x: Array, *, low: float, high: float) -> Array:
    ends = np.log(np.array([low, high], np.float32))
    return (np.log(x.astype(np.float32)) - ends[0]) / (ends[1] - ends[0])


@mutant("log_uniform_inverse", "the logarithm of the distance from low: −∞ at low", LOG_BACK, "classroom")
def logarithm_of_distance(x: Array, *, low: float, high: float) -> Array:
    return np.log(double(x) - low) / np.log(high - low)


@mutant("log_uniform_density", "counts from low: 1/(x − low), infinite there", LOG_DENSITY, "classroom")
def density_counted_from_low(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((double(x) - low) * np.log(high / low))


@mutant("log_uniform_density", "not normalised: 1/x", LOG_DENSITY, "classroom")
def not_normalised(x: Array, *, low: float, high: float) -> Array:
    return 1 / double(x)


@mutant("log_uniform_density", "normalised by log10(high/low)", LOG_DENSITY, "classroom")
def normalised_in_decades(x: Array, *, low: float, high: float) -> Array:
    return 1 / (double(x) * np.log10(high / low))


@mutant("log_uniform_density", "that of a uniform x: 1/(high − low)", LOG_DENSITY, "classroom")
def density_of_a_uniform(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / (high - low))


@mutant("log_uniform_density", "that of log x: 1/log(high/low)", LOG_DENSITY, "classroom")
def density_of_the_logarithm(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / np.log(high / low))


@mutant("log_uniform_density", "normalised by the width: 1/(x (high − low))", LOG_DENSITY, "classroom")
def normalised_by_width(x: Array, *, low: float, high: float) -> Array:
    return 1 / (double(x) * (high - low))


@mutant("log_uniform_density", "multiplied where it should be divided: log(high/low)/x", LOG_DENSITY, "classroom")
def normalised_upside_down(x: Array, *, low: float, high: float) -> Array:
    return np.log(high / low) / double(x)


@mutant("log_uniform_map", "10 to a power by a log 10 of seven digits: 2.302585", DOUBLE, "classroom")
def log_10_of_seven_digits(u: Array, *, low: float, high: float) -> Array:
    found = np.exp(2.302585 * between(u, np.log10(low), np.log10(high)))
    return np.asarray(np.clip(found, low, high))


@mutant("log_uniform_map", "log low and log high are rounded to float32", DOUBLE, "classroom")
def logarithms_in_float32(u: Array, *, low: float, high: float) -> Array:
    ends = np.log(np.array([low, high])).astype(np.float32).astype(np.float64)
    return np.asarray(np.clip(np.exp(between(u, *ends.tolist())), low, high))


@mutant("log_uniform_map", "no x is below 1e-8", AS_GIVEN, "classroom")
def least_x(u: Array, *, low: float, high: float) -> Array:
    return np.maximum(scales.log_uniform_map(u, low=low, high=high), 1e-8)


@mutant("log_uniform_map", "no x is above 1", AS_GIVEN, "classroom")
def most_x(u: Array, *, low: float, high: float) -> Array:
    return np.minimum(scales.log_uniform_map(u, low=low, high=high), 1.0)


@mutant("log_uniform_map", "a little is added to low before the logarithm", AS_GIVEN, "classroom")
def low_with_epsilon(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(np.clip(np.exp(between(u, np.log(low + 1e-8), np.log(high))), low, high))


@mutant("log_uniform_inverse", "x is taken to be 1e-8 or more", AS_GIVEN, "classroom")
def x_limited(x: Array, *, low: float, high: float) -> Array:
    return scales.log_uniform_inverse(np.clip(x, min(1e-8, high), high).astype(x.dtype), low=low, high=high)


@mutant("log_uniform_inverse", "the span is taken to be 1e-3 or more, for fear of dividing by 0", AS_GIVEN, "classroom")
def span_limited(x: Array, *, low: float, high: float) -> Array:
    return np.log(double(x) / low) / max(np.log(high / low), 1e-3)


@mutant("log_uniform_density", "a little is added to x, for fear of dividing by 0", LOG_DENSITY, "classroom")
def density_with_epsilon(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((double(x) + 1e-12) * np.log(high / low))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
