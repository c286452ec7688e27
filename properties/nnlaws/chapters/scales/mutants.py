"""Mistakes in the maps between u in [0, 1] and a hyperparameter.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference import scales
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, mutant, stored

LOG = "numpy.exp((1 - u) * numpy.log(low) + u * numpy.log(high))"
LOG_BACK = "numpy.log(x / low) / numpy.log(high / low)"
LOG_DENSITY = "1 / (x * numpy.log(high / low))"
COMPLEMENT = "1 - numpy.exp((1 - u) * numpy.log(1 - low) + u * numpy.log(1 - high))"
COMPLEMENT_BACK = "numpy.log((1 - x) / (1 - low)) / numpy.log((1 - high) / (1 - low))"
COMPLEMENT_DENSITY = "1 / ((1 - x) * numpy.log((1 - low) / (1 - high)))"
CLIP = "clip the result to the box"


def _double(u: Array) -> Array:
    return u.astype(np.float64)


def _between(u: Array, low: float, high: float) -> Array:
    """From low to high in equal steps, in double."""
    share = _double(u)
    return np.asarray(low * (1 - share) + high * share)


def _above(x: Array, low: float, high: float) -> Array:
    """Where x is between low and high on a linear scale, in double."""
    return (_double(x) - low) / (high - low)


@mutant("log_uniform_map", "the log forgotten: equal steps of u are equal steps of x", LOG, "ray PR 12994")
def on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return _between(u, low, high)


@mutant("log_uniform_map", "the bounds are taken for exponents of e", LOG, "tune-sklearn PR 104")
def bounds_as_exponents(u: Array, *, low: float, high: float) -> Array:
    return np.exp(_between(u, low, high))


@mutant("log_uniform_map", "the bounds are taken for exponents of 10, as np.logspace does", LOG, "polyaxon #651")
def bounds_as_exponents_of_ten(u: Array, *, low: float, high: float) -> Array:
    return 10.0 ** _between(u, low, high)


@mutant("log_uniform_map", "logarithms to base 10, powers of e", LOG, "classroom")
def powers_of_e_for_ten(u: Array, *, low: float, high: float) -> Array:
    return np.exp(_between(u, np.log10(low), np.log10(high)))


@mutant("log_uniform_map", "natural logarithms, powers of 10", LOG, "classroom")
def powers_of_ten_for_e(u: Array, *, low: float, high: float) -> Array:
    return 10.0 ** _between(u, np.log(low), np.log(high))


@mutant("log_uniform_map", "logarithms to base 10, powers of 2", LOG, "classroom")
def powers_of_two_for_ten(u: Array, *, low: float, high: float) -> Array:
    return 2.0 ** _between(u, np.log10(low), np.log10(high))


@mutant("log_uniform_map", "the width, not the ratio: low (high − low)^u", LOG, "classroom")
def width_for_ratio(u: Array, *, low: float, high: float) -> Array:
    return low * (high - low) ** _double(u)


@mutant("log_uniform_map", "equal steps of √x", LOG, "classroom")
def root_for_logarithm(u: Array, *, low: float, high: float) -> Array:
    return _between(u, np.sqrt(low), np.sqrt(high)) ** 2


@mutant("log_uniform_map", "equal steps of 1/x", LOG, "classroom")
def reciprocal_for_logarithm(u: Array, *, low: float, high: float) -> Array:
    return 1 / _between(u, 1 / low, 1 / high)


@mutant("log_uniform_map", "not clipped: e^{log high} may be more than high", CLIP, "scikit-optimize #586")
def out_of_the_box(u: Array, *, low: float, high: float) -> Array:
    return np.exp(_between(u, np.log(low), np.log(high)))


@mutant("log_uniform_map", "exponents of 10 are rounded to tenths", LOG, "classroom")
def exponents_in_tenths(u: Array, *, low: float, high: float) -> Array:
    return np.asarray(np.clip(10.0 ** np.round(_between(u, np.log10(low), np.log10(high)), 1), low, high))


@mutant("log_uniform_inverse", "the log forgotten: (x − low)/(high − low)", LOG_BACK, "classroom")
def back_on_a_linear_scale(x: Array, *, low: float, high: float) -> Array:
    return _above(x, low, high)


@mutant("log_uniform_inverse", "log10 above, the natural logarithm below", LOG_BACK, "classroom")
def bases_mixed(x: Array, *, low: float, high: float) -> Array:
    return np.log10(_double(x) / low) / np.log(high / low)


@mutant("log_uniform_inverse", "counts from 1, not from low: log x/log(high/low)", LOG_BACK, "classroom")
def low_forgotten(x: Array, *, low: float, high: float) -> Array:
    return np.log(_double(x)) / np.log(high / low)


@mutant("log_uniform_inverse", "divides by log(high − low)", LOG_BACK, "classroom")
def divided_by_log_of_width(x: Array, *, low: float, high: float) -> Array:
    return np.log(_double(x) / low) / np.log(high - low)


@mutant("log_uniform_inverse", "not divided: the decades above low", LOG_BACK, "classroom")
def decades_above_low(x: Array, *, low: float, high: float) -> Array:
    return np.log10(_double(x) / low)


@mutant("log_uniform_inverse", "log(1 + x) in place of log x", LOG_BACK, "classroom")
def one_added_to_each(x: Array, *, low: float, high: float) -> Array:
    return _above(np.log1p(_double(x)), np.log1p(low), np.log1p(high))


@mutant("log_uniform_inverse", "not clipped: (log x − log low)/(log high − log low) in float32", CLIP, "classroom")
def u_out_of_the_box(x: Array, *, low: float, high: float) -> Array:
    ends = np.log(np.array([low, high], np.float32))
    return (np.log(x.astype(np.float32)) - ends[0]) / (ends[1] - ends[0])


@mutant("log_uniform_inverse", "the logarithm of the distance from low: −∞ at low", LOG_BACK, "classroom")
def logarithm_of_distance(x: Array, *, low: float, high: float) -> Array:
    return np.log(_double(x) - low) / np.log(high - low)


@mutant("log_uniform_density", "counts from low: 1/(x − low), infinite there", LOG_DENSITY, "classroom")
def density_counted_from_low(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((_double(x) - low) * np.log(high / low))


@mutant("log_uniform_density", "not normalised: 1/x", LOG_DENSITY, "classroom")
def not_normalised(x: Array, *, low: float, high: float) -> Array:
    return 1 / _double(x)


@mutant("log_uniform_density", "normalised by log10(high/low)", LOG_DENSITY, "classroom")
def normalised_in_decades(x: Array, *, low: float, high: float) -> Array:
    return 1 / (_double(x) * np.log10(high / low))


@mutant("log_uniform_density", "that of a uniform x: 1/(high − low)", LOG_DENSITY, "classroom")
def density_of_a_uniform(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / (high - low))


@mutant("log_uniform_density", "that of log x: 1/log(high/low)", LOG_DENSITY, "classroom")
def density_of_the_logarithm(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / np.log(high / low))


@mutant("log_uniform_density", "normalised by the width: 1/(x (high − low))", LOG_DENSITY, "classroom")
def normalised_by_width(x: Array, *, low: float, high: float) -> Array:
    return 1 / (_double(x) * (high - low))


@mutant("log_uniform_density", "multiplied where it should be divided: log(high/low)/x", LOG_DENSITY, "classroom")
def normalised_upside_down(x: Array, *, low: float, high: float) -> Array:
    return np.log(high / low) / _double(x)


@mutant("one_minus_log_uniform_map", "linear: equal steps of x", COMPLEMENT, "classroom")
def complement_on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return _between(u, low, high)


@mutant("one_minus_log_uniform_map", "x log-uniform, not 1 − x", COMPLEMENT, "W&B inv_log_uniform_values")
def complement_on_a_log_scale(u: Array, *, low: float, high: float) -> Array:
    if low <= 0:  # there it has no value
        return _between(u, low, high)
    return np.exp(_between(u, np.log(low), np.log(high)))


@mutant("one_minus_log_uniform_map", "the complement is forgotten at the end", COMPLEMENT, "classroom")
def complement_not_taken_back(u: Array, *, low: float, high: float) -> Array:
    return np.exp(_between(u, np.log1p(-low), np.log1p(-high)))


@mutant("one_minus_log_uniform_map", "logarithms to base 10, powers of e", COMPLEMENT, "classroom")
def complement_by_powers_of_e_for_ten(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(_between(u, np.log10(1 - low), np.log10(1 - high)))


@mutant("one_minus_log_uniform_map", "the bounds are taken for exponents: 1 − 10^{−bound}", COMPLEMENT, "classroom")
def complement_of_exponents(u: Array, *, low: float, high: float) -> Array:
    return 1 - 10.0 ** -_between(u, low, high)


@mutant("one_minus_log_uniform_map", "equal steps of the window 1/(1 − x)", COMPLEMENT, "classroom")
def window_on_a_linear_scale(u: Array, *, low: float, high: float) -> Array:
    return 1 - 1 / _between(u, 1 / (1 - low), 1 / (1 - high))


@mutant("one_minus_log_uniform_map", "ends a decade early: at 1 − 10 (1 − high)", COMPLEMENT, "classroom")
def complement_a_decade_short(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(_between(u, np.log1p(-low), np.log1p(-high) + np.log(10)))


@mutant("one_minus_log_uniform_map", "computed in float16: 1 − x has lost its digits", "compute in double", "classroom")
def complement_in_float16(u: Array, *, low: float, high: float) -> Array:
    half = np.exp(_between(u, np.log1p(-low), np.log1p(-high))).astype(np.float16)
    return np.asarray(np.float16(1) - half)


@mutant("one_minus_log_uniform_map", "not clipped: 1 − e^{log(1 − high)} may be more than high", CLIP, "classroom")
def complement_out_of_the_box(u: Array, *, low: float, high: float) -> Array:
    return 1 - np.exp(_between(u, np.log1p(-low), np.log1p(-high)))


@mutant("one_minus_log_uniform_map", "by the odds u/(1 − u), infinite at u = 1", COMPLEMENT, "classroom")
def by_the_odds(u: Array, *, low: float, high: float) -> Array:
    odds = _double(u) / (1 - _double(u))
    return (low + odds * high) / (1 + odds)


@mutant(
    "one_minus_log_uniform_inverse", "the logarithm of the distance from high: −∞ there", COMPLEMENT_BACK, "classroom"
)
def logarithm_of_distance_from_high(x: Array, *, low: float, high: float) -> Array:
    return 1 - np.log(high - _double(x)) / np.log(high - low)


@mutant(
    "one_minus_log_uniform_density", "counts from high: 1/(high − x), infinite there", COMPLEMENT_DENSITY, "classroom"
)
def density_counted_from_high(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((high - _double(x)) * np.log((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_inverse", "linear: (x − low)/(high − low)", COMPLEMENT_BACK, "classroom")
def complement_back_on_a_linear_scale(x: Array, *, low: float, high: float) -> Array:
    return _above(x, low, high)


@mutant("one_minus_log_uniform_inverse", "log(x/low)/log(high/low), of x itself", COMPLEMENT_BACK, "classroom")
def complement_back_on_a_log_scale(x: Array, *, low: float, high: float) -> Array:
    if low <= 0:  # there it has no value
        return _above(x, low, high)
    return np.log(_double(x) / low) / np.log(high / low)


@mutant("one_minus_log_uniform_inverse", "1 − low is forgotten: log(1 − x)/log(1 − high)", COMPLEMENT_BACK, "classroom")
def complement_of_low_forgotten(x: Array, *, low: float, high: float) -> Array:
    return np.log1p(-_double(x)) / np.log1p(-high)


@mutant("one_minus_log_uniform_inverse", "log10 above, the natural logarithm below", COMPLEMENT_BACK, "classroom")
def complement_bases_mixed(x: Array, *, low: float, high: float) -> Array:
    return np.log10((1 - _double(x)) / (1 - low)) / np.log((1 - high) / (1 - low))


@mutant("one_minus_log_uniform_inverse", "equal steps of the window 1/(1 − x)", COMPLEMENT_BACK, "classroom")
def back_by_the_window(x: Array, *, low: float, high: float) -> Array:
    return _above(1 / (1 - _double(x)), 1 / (1 - low), 1 / (1 - high))


@mutant("one_minus_log_uniform_inverse", "counts the nines: −log10(1 − x)", COMPLEMENT_BACK, "classroom")
def nines_counted(x: Array, *, low: float, high: float) -> Array:
    return -np.log10(1 - _double(x))


@mutant("one_minus_log_uniform_density", "the complement forgotten: 1/x for 1/(1 − x)", COMPLEMENT_DENSITY, "classroom")
def density_without_complement(x: Array, *, low: float, high: float) -> Array:
    return 1 / (_double(x) * np.log((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_density", "not normalised: 1/(1 − x)", COMPLEMENT_DENSITY, "classroom")
def complement_not_normalised(x: Array, *, low: float, high: float) -> Array:
    return 1 / (1 - _double(x))


@mutant("one_minus_log_uniform_density", "normalised by log10", COMPLEMENT_DENSITY, "classroom")
def complement_normalised_in_decades(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - _double(x)) * np.log10((1 - low) / (1 - high)))


@mutant("one_minus_log_uniform_density", "negative: the slope of log(1 − x)", COMPLEMENT_DENSITY, "classroom")
def complement_density_negative(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - _double(x)) * np.log((1 - high) / (1 - low)))


@mutant("one_minus_log_uniform_density", "normalised by log(high/low)", COMPLEMENT_DENSITY, "classroom")
def complement_normalised_by_x(x: Array, *, low: float, high: float) -> Array:
    return 1 / ((1 - _double(x)) * np.log(high / low if low > 0 else high - low))


@mutant("one_minus_log_uniform_density", "that of a uniform x: 1/(high − low)", COMPLEMENT_DENSITY, "classroom")
def complement_density_of_a_uniform(x: Array, *, low: float, high: float) -> Array:
    return np.full(x.shape, 1 / (high - low))


def from_the_other_end(right: Implementation) -> Implementation:
    return lambda u, **options: right(1 - u, **options)


def sorted_first(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.sort(u), **options)


def ends_left_out(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.clip(u, 0.01, 0.99), **options)


def squared_first(right: Implementation) -> Implementation:
    return lambda u, **options: right(u * u, **options)


def smoothed(right: Implementation) -> Implementation:
    return lambda u, **options: right(u * u * (3 - 2 * u), **options)


def in_hundredths(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.round(u, 2), **options)


def turned_back(right: Implementation) -> Implementation:
    return lambda x, **options: 1 - right(x, **options)


def inside_the_ends(right: Implementation) -> Implementation:
    return lambda x, **options: np.clip(right(x, **options), 0.01, 0.99)


def result_in_hundredths(right: Implementation) -> Implementation:
    return lambda x, **options: np.round(right(x, **options), 2)


def results_in_order(right: Implementation) -> Implementation:
    return lambda x, **options: np.sort(right(x, **options))


_Made = tuple[Callable[[Implementation], Implementation], str, str]
_MAPS: tuple[_Made, ...] = (
    (from_the_other_end, "u from the wrong end: u = 0 gives high", "u = 0 is low"),
    (sorted_first, "sorts u first", "each result is of its own u"),
    (ends_left_out, "u is kept in [.01, .99]: the ends are never reached", "take u as it is"),
    (squared_first, "u is squared first", "take u as it is"),
    (smoothed, "u goes through a smooth step first", "take u as it is"),
    (in_hundredths, "u is rounded to hundredths first", "take u as it is"),
)
_INVERSES: tuple[_Made, ...] = (
    (turned_back, "from the wrong end: low gives u = 1", "low is u = 0"),
    (inside_the_ends, "u is kept in [.01, .99]", "give u as it is"),
    (result_in_hundredths, "u is rounded to hundredths", "give u as it is"),
    (results_in_order, "sorts its results", "each result is of its own x"),
)
_FAULTS: dict[str, tuple[_Made, ...]] = {
    "log_uniform_map": _MAPS,
    "log_uniform_inverse": _INVERSES,
    "one_minus_log_uniform_map": _MAPS,
    "one_minus_log_uniform_inverse": _INVERSES,
}

MUTANTS: tuple[Mutant, ...] = (
    *(each for each in list(globals().values()) if isinstance(each, Mutant)),
    *(
        Mutant(name, f"{name}.{make.__name__}", fault, fix, "classroom", stored(make(getattr(scales, name))))
        for name, faults in _FAULTS.items()
        for make, fault, fix in faults
    ),
)
