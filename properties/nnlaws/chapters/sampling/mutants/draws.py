"""Mistakes in drawing hyperparameters at random, and in what a seed does.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chance.mistakes import (
    Sampler,
    in_float16,
    lowest_bit_dropped,
    nan_among_them,
    number_of_one,
    one_column,
    one_draw_more,
    plain_list,
    same_first_draws,
    seed_ignored,
    state_kept,
    ten_seeds_share,
    unseeded,
)

LINEAR = "low + u * (high - low), u uniform on [0, 1]"
LOG = "numpy.exp(rng.uniform(numpy.log(low), numpy.log(high)))"
COMPLEMENT = "1 - numpy.exp(rng.uniform(numpy.log(1 - high), numpy.log(1 - low)))"
INTEGER = "rng.integers(low, high + 1)"
ANEW = "draw each number anew, from one generator"
SEED = "draw all from one numpy.random.default_rng(seed)"
INSIDE = "sample between low and high themselves"
ARRAY = "return an array (size,) of float64 or float32"

UNIFORM, LOGARITHMIC, ONE_MINUS, WHOLE = (
    "sample_uniform", "sample_log_uniform", "sample_one_minus_log_uniform", "sample_integer",
)  # fmt: skip

Units = Callable[[int, np.random.Generator], Array]
"""Numbers in [0, 1): as many as asked for."""
Value = Callable[[Array, float, float], Array]
"""Of numbers in [0, 1), and low and high, the draws."""


def _unit(size: int, random: np.random.Generator) -> Array:
    return random.random(size)


def _triangle(size: int, random: np.random.Generator) -> Array:
    return (random.random(size) + random.random(size)) / 2


def _bell(size: int, random: np.random.Generator) -> Array:
    return np.clip(random.normal(0.5, 1 / 6, size), 0, 1)


def _line(u: Array, low: float, high: float) -> Array:
    return low + u * (high - low)


def _log(u: Array, low: float, high: float) -> Array:
    return np.exp(_line(u, np.log(low), np.log(high)))


def _one_minus(u: Array, low: float, high: float) -> Array:
    return 1 - _log(u, 1 - low, 1 - high)


def _whole(u: Array, low: float, high: float) -> Array:
    return np.floor(_line(u, low, high + 1)).astype(np.int64)


_RIGHT: dict[str, Value] = {UNIFORM: _line, LOGARITHMIC: _log, ONE_MINUS: _one_minus, WHOLE: _whole}
_FIX = {UNIFORM: LINEAR, LOGARITHMIC: LOG, ONE_MINUS: COMPLEMENT, WHOLE: INTEGER}


def _wrong(
    operation: str, name: str, fault: str, value: Value, seen: str = "classroom", units: Units = _unit, fix: str = ""
) -> Mutant:
    """Draws of the generator of the seed, with another distribution."""

    def sample(low: float, high: float, *, size: int, seed: int) -> Array:
        return value(units(size, np.random.default_rng(seed)), low, high)

    return Mutant(operation, f"{operation}.{name}", fault, fix or _FIX[operation], seen, sample)


def _exponents(digits: int) -> Value:
    """Log-uniform, with the exponents of 10 rounded to so many digits."""
    return lambda u, low, high: 10.0 ** np.round(_line(u, np.log10(low), np.log10(high)), digits)


def _complements(value: Value) -> Value:
    """1 − x, where x goes from 1 − low to 1 − high as the value says."""
    return lambda u, low, high: 1 - value(u, 1 - low, 1 - high)


def _mantissa_and_exponent(u: Array, low: float, high: float) -> Array:
    """d · 10^k, k as it should be, and d uniform between 1 and 10."""
    exponent, within = np.divmod(_line(u, np.log10(low), np.log10(high)), 1)
    return (1 + 9 * within) * 10.0**exponent


def _in_steps_of_low(u: Array, low: float, high: float) -> Array:
    return np.round(_log(u, low, high) / (10 * low)) * (10 * low)


def _window(u: Array, low: float, high: float) -> Array:
    return 1 - 1 / _line(u, 1 / (1 - low), 1 / (1 - high))


_DISTRIBUTIONS = (
    _wrong(UNIFORM, "triangular", "the mean of two: triangular", _line, units=_triangle),
    _wrong(UNIFORM, "normal", "normal, round the middle", _line, units=_bell),
    _wrong(UNIFORM, "low_forgotten", "u · high: low is forgotten", lambda u, low, high: u * high),
    _wrong(UNIFORM, "high_as_width", "high is taken for the width: low + u · high",
           lambda u, low, high: low + u * high),
    _wrong(UNIFORM, "squared", "u², which is small more often", lambda u, low, high: _line(u**2, low, high)),
    _wrong(UNIFORM, "tilted", "u^1.3, which is small a little more often",
           lambda u, low, high: _line(u**1.3, low, high)),
    _wrong(UNIFORM, "larger_of_two", "the larger of two draws", _line,
           units=lambda size, random: random.random((2, size)).max(axis=0)),
    _wrong(UNIFORM, "upper_tenth_missing", "never in the upper tenth of the box",
           lambda u, low, high: _line(0.9 * u, low, high)),
    _wrong(LOGARITHMIC, "uniform", "the log forgotten: uniform", _line, "ray PR 12994"),
    _wrong(LOGARITHMIC, "bounds_as_exponents", "the bounds are taken for exponents of e",
           lambda u, low, high: np.exp(_line(u, low, high)), "tune-sklearn PR 104, madlib PR 518",
           fix="pass numpy.log(low) and numpy.log(high) to what wants exponents"),
    _wrong(LOGARITHMIC, "bounds_as_exponents_of_ten", "the bounds are taken for exponents of 10",
           lambda u, low, high: 10.0 ** _line(u, low, high), "polyaxon #651",
           fix="pass numpy.log10(low) and numpy.log10(high) to what wants exponents"),
    _wrong(LOGARITHMIC, "powers_of_e_for_ten", "logarithms to base 10, powers of e: e^{−4u}",
           lambda u, low, high: np.exp(_line(u, np.log10(low), np.log10(high)))),
    _wrong(LOGARITHMIC, "powers_of_ten_for_e", "natural logarithms, powers of 10",
           lambda u, low, high: 10.0 ** _line(u, np.log(low), np.log(high))),
    _wrong(LOGARITHMIC, "powers_of_two_for_ten", "logarithms to base 10, powers of 2",
           lambda u, low, high: 2.0 ** _line(u, np.log10(low), np.log10(high))),
    _wrong(LOGARITHMIC, "a_decade_short", "begins a decade above low: 10^{−3u} for 10^{−4u}",
           lambda u, low, high: _log(u, 10 * low, high)),
    _wrong(LOGARITHMIC, "a_decade_beyond", "begins a decade below low: 10^{−5u} for 10^{−4u}",
           lambda u, low, high: _log(u, low / 10, high), fix=INSIDE),
    _wrong(LOGARITHMIC, "short_of_low", "ends a little above low: 10^{−3.8u} for 10^{−4u}",
           lambda u, low, high: _log(0.05 + 0.95 * u, low, high)),
    _wrong(LOGARITHMIC, "whole_exponents", "exponents of 10 are whole numbers", _exponents(0)),
    _wrong(LOGARITHMIC, "exponents_in_tenths", "exponents of 10 are rounded to tenths", _exponents(1)),
    _wrong(LOGARITHMIC, "exponents_in_hundredths", "exponents of 10 are rounded to hundredths", _exponents(2)),
    _wrong(LOGARITHMIC, "triangular", "exponents are triangular: the sum of two", _log, units=_triangle),
    _wrong(LOGARITHMIC, "normal", "log-normal, round the middle", _log, units=_bell),
    _wrong(LOGARITHMIC, "reciprocal", "1/x is uniform, not log x",
           lambda u, low, high: 1 / _line(u, 1 / low, 1 / high)),
    _wrong(LOGARITHMIC, "root", "√x is uniform, not log x",
           lambda u, low, high: _line(u, np.sqrt(low), np.sqrt(high)) ** 2),
    _wrong(LOGARITHMIC, "mantissa_and_exponent", "d · 10^k with d uniform from 1 to 10", _mantissa_and_exponent),
    _wrong(LOGARITHMIC, "quantised", "rounded to steps of more than low: some draws are 0", _in_steps_of_low,
           "hyperopt PR 485"),
    _wrong(LOGARITHMIC, "always_low", "a cumulative distribution searched at its first entry: always low",
           lambda u, low, high: np.full(u.shape, low)),
    _wrong(ONE_MINUS, "uniform", "x is uniform", _line),
    _wrong(ONE_MINUS, "log_uniform", "x is log-uniform, not 1 − x", _log, "W&B inv_log_uniform_values"),
    _wrong(ONE_MINUS, "complement_not_taken_back", "returns 1 − x for x",
           lambda u, low, high: _log(u, 1 - low, 1 - high)),
    _wrong(ONE_MINUS, "complement_of_log_uniform", "1 − x for a log-uniform x from low to high",
           lambda u, low, high: 1 - _log(u, low, high)),
    _wrong(ONE_MINUS, "bounds_as_exponents", "the bounds are taken for exponents: 1 − 10^{−bound}",
           lambda u, low, high: 1 - 10.0 ** -_line(u, low, high)),
    _wrong(ONE_MINUS, "powers_of_e_for_ten", "logarithms to base 10, powers of e",
           _complements(lambda u, low, high: np.exp(_line(u, np.log10(low), np.log10(high))))),
    _wrong(ONE_MINUS, "powers_of_two_for_ten", "logarithms to base 10, powers of 2",
           _complements(lambda u, low, high: 2.0 ** _line(u, np.log10(low), np.log10(high)))),
    _wrong(ONE_MINUS, "a_decade_short", "ends a decade early: 1 − 10^{−1−u} for 1 − 10^{−1−2u}",
           _complements(lambda u, low, high: _log(u, low, 10 * high))),
    _wrong(ONE_MINUS, "a_decade_beyond", "ends a decade late: 1 − 10^{−1−3u} for 1 − 10^{−1−2u}",
           _complements(lambda u, low, high: _log(u, low, high / 10)), fix=INSIDE),
    _wrong(ONE_MINUS, "a_decade_early", "begins a decade early: 1 − 10^{−3u} for 1 − 10^{−1−2u}",
           _complements(lambda u, low, high: _log(u, 10 * low, high)), fix=INSIDE),
    _wrong(ONE_MINUS, "whole_exponents", "exponents of 10 are whole numbers", _complements(_exponents(0))),
    _wrong(ONE_MINUS, "exponents_in_tenths", "exponents of 10 are rounded to tenths", _complements(_exponents(1))),
    _wrong(ONE_MINUS, "exponents_in_hundredths", "exponents of 10 are rounded to hundredths",
           _complements(_exponents(2))),
    _wrong(ONE_MINUS, "triangular", "exponents are triangular: the sum of two", _one_minus, units=_triangle),
    _wrong(ONE_MINUS, "mantissa_and_exponent", "1 − d · 10^k with d uniform from 1 to 10",
           _complements(_mantissa_and_exponent)),
    _wrong(ONE_MINUS, "window_uniform", "the window 1/(1 − x) is uniform", _window),
    _wrong(WHOLE, "upper_end_missing", "never high", lambda u, low, high: _whole(u, low, high - 1), "ray #28045"),
    _wrong(WHOLE, "lower_end_missing", "never low", lambda u, low, high: _whole(u, low + 1, high)),
    _wrong(WHOLE, "one_beyond", "high + 1 too", lambda u, low, high: _whole(u, low, high + 1), fix=INSIDE),
    _wrong(WHOLE, "rounded", "a uniform number rounded: both ends have half the chance",
           lambda u, low, high: np.rint(_line(u, low, high)).astype(np.int64), "hyperopt #328"),
    _wrong(WHOLE, "rounded_up", "a uniform number rounded up: never low",
           lambda u, low, high: np.ceil(_line(u, low, high)).astype(np.int64)),
    _wrong(WHOLE, "in_steps_of_two", "every second number alone",
           lambda u, low, high: low + 2 * _whole(u, 0, (high - low) // 2)),
    _wrong(WHOLE, "remainder", "the remainder of a number of a few bits: the first ones are twice as likely",
           lambda u, low, high: low + _whole(u, 0, 2 ** int(high - low).bit_length()) % (high - low + 1)),
    _wrong(WHOLE, "log_uniform", "on the log scale", lambda u, low, high: np.floor(_log(u, max(low, 0.5), high + 1))),
    _wrong(WHOLE, "triangular", "the middle more often: the sum of two", _whole, units=_triangle),
    _wrong(WHOLE, "not_rounded", "not whole", _line),
    _wrong(WHOLE, "counted_from_zero", "from 0 to high − low", lambda u, low, high: _whole(u, 0, high - low)),
)  # fmt: skip


def _ascending(size: int, random: np.random.Generator) -> Array:
    return np.sort(random.random(size))


def _antithetic(size: int, random: np.random.Generator) -> Array:
    u = random.random(size)
    u[1::2] = 1 - u[: size // 2 * 2 : 2]
    return u


def _twice(size: int, random: np.random.Generator) -> Array:
    return random.random(size)[np.arange(size) // 2]


def _period(size: int, random: np.random.Generator) -> Array:
    return np.resize(random.random(64), size)


def _walk(size: int, random: np.random.Generator) -> Array:
    return (random.random() + np.cumsum(random.normal(0, 0.15, size))) % 1


def _golden(size: int, random: np.random.Generator) -> Array:
    return (random.random() + np.arange(size) * (np.sqrt(5) - 1) / 2) % 1


def _shuffled_grid(size: int, random: np.random.Generator) -> Array:
    return (random.permutation(size) + 0.5) / size


def _stratified(size: int, random: np.random.Generator) -> Array:
    return (random.permutation(size) + random.random(size)) / size


def _sixteen_bits(size: int, random: np.random.Generator) -> Array:
    return random.integers(0, 2**16, size) / 2**16


def _hundredths(size: int, random: np.random.Generator) -> Array:
    return random.integers(0, 101, size) / 100


def _second_half_again(size: int, random: np.random.Generator) -> Array:
    """A second half that is the first, in another order."""
    u = random.random(size)
    u[size - size // 2 :] = random.permutation(u[: size // 2])
    return u


_CONTINUOUS, _EVERY = (UNIFORM, LOGARITHMIC, ONE_MINUS), tuple(_RIGHT)
_UNITS: tuple[tuple[Units, str, tuple[str, ...]], ...] = (
    (_ascending, "draws come in ascending order", _EVERY),
    (_antithetic, "every second draw mirrors the one before", _EVERY),
    (_twice, "each number is drawn twice", _EVERY),
    (_period, "the generator repeats itself after 64 draws", _CONTINUOUS),
    (_walk, "each draw is near the one before", _EVERY),
    (_golden, "not random: steps of the golden ratio from a random start", _CONTINUOUS),
    (_shuffled_grid, "a grid, shuffled", _CONTINUOUS),
    (_stratified, "stratified: one in each of `size` equal parts", _CONTINUOUS),
    (_sixteen_bits, "u has 16 bits alone", _CONTINUOUS),
    (_hundredths, "u has two decimals alone", _CONTINUOUS),
    (_second_half_again, "the second half repeats the first, shuffled", _CONTINUOUS),
)


def beyond_the_box(right: Sampler) -> Sampler:
    def sample(low: float, high: float, *, size: int, seed: int) -> Array:
        x = right(low, high, size=size, seed=seed)
        x[size // 3] += high - low  # never where it was: low is not drawn
        x[size // 3 - 1] += low - high
        return x

    return sample


_FAULTS: tuple[tuple[Callable[[Sampler], Sampler], str, str, str], ...] = (
    (unseeded, "the seed is not passed on: other draws each time", SEED, "dask-ml PR 496"),
    (state_kept, "seeded once: the same seed goes on where it was", SEED, "classroom"),
    (seed_ignored, "every seed gives the same draws", SEED, "classroom"),
    (ten_seeds_share, "ten seeds give the same draws: seed // 10", SEED, "classroom"),
    (lowest_bit_dropped, "two seeds give the same draws: seed & ~1", SEED, "classroom"),
    (same_first_draws, "the first five draws are the same for each seed", SEED, "classroom"),
    (beyond_the_box, "now and then a box too far", INSIDE, "classroom"),
    (one_draw_more, "one draw more than asked for", ARRAY, "classroom"),
    (one_column, "a column (size, 1)", ARRAY, "classroom"),
    (number_of_one, "of one draw a number, not an array", ARRAY, "classroom"),
    (plain_list, "a list", ARRAY, "classroom"),
    (in_float16, "draws are rounded to float16", ARRAY, "classroom"),
    (nan_among_them, "a draw is NaN", ARRAY, "classroom"),
)


def right_sampler(operation: str) -> Sampler:
    """Draws as they should be."""
    return _wrong(operation, "", "", _RIGHT[operation]).function


def wrong_units(operation: str, name: str, fault: str, units: Units) -> Mutant:
    """Draws by the right map, of numbers in [0, 1) that are wrong."""
    return _wrong(operation, name, fault, _RIGHT[operation], units=units, fix=ANEW)


@mutant(UNIFORM, "the stream of seed s + 1 is that of seed s, from its second draw on", SEED, "classroom", raw=True)
def shifted_by_the_seed(low: float, high: float, *, size: int, seed: int) -> Array:
    bits = np.random.PCG64(0).advance(seed)
    return _line(np.random.Generator(bits).random(size), low, high)


MUTANTS: tuple[Mutant, ...] = (
    *_DISTRIBUTIONS,
    shifted_by_the_seed,
    *(
        _wrong(name, units.__name__.strip("_"), fault, _RIGHT[name], units=units, fix=ANEW)
        for units, fault, names in _UNITS
        for name in names
    ),
    *(
        Mutant(name, f"{name}.{make.__name__}", fault, fix, seen, make(right_sampler(name)))
        for name in _RIGHT
        for make, fault, fix, seen in _FAULTS
    ),
)
