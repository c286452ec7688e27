"""Mistakes in which of finitely many values is drawn, and how often."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant

QUANTISED, LOG, WEIGHTED = "quantised_uniform", "log_integers", "weighted_choice"
LEVELS = "low + step * rng.integers(0, n), n = (high - low) / step + 1"
FLOOR = "numpy.floor(numpy.exp(rng.uniform(numpy.log(low), numpy.log(high + 1))))"
SHARES = "rng.choice(len(w), p=w / w.sum())"
ANEW = "draw each number anew, from one generator"

Units = Callable[[int, np.random.Generator], Array]
"""Numbers in [0, 1): as many as asked for."""


def _unit(size: int, random: np.random.Generator) -> Array:
    return random.random(size)


def _count(low: float, high: float, step: float) -> int:
    return round((high - low) / step) + 1


def _even(u: Array, low: float, high: float, step: float) -> Array:
    return low + step * np.floor(u * _count(low, high, step))


def _floor(u: Array, low: int, high: int) -> Array:
    return np.floor(_between(u, low, high + 1)).clip(low, high).astype(np.int64)


def _between(u: Array, low: float, high: float) -> Array:
    return np.exp(np.log(low) + u * (np.log(high) - np.log(low)))


def _chosen(u: Array, weights: Array) -> Array:
    ends = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(ends, u, side="right"), np.flatnonzero(weights)[-1])


RIGHT: dict[str, Callable[..., Array]] = {QUANTISED: _even, LOG: _floor, WEIGHTED: _chosen}
FIX = {QUANTISED: LEVELS, LOG: FLOOR, WEIGHTED: SHARES}


def _wrong(
    operation: str,
    name: str,
    fault: str,
    value: Callable[..., Any],
    seen: str = "classroom",
    units: Units = _unit,
    fix: str = "",
) -> Mutant:
    """Draws of the generator of the seed, by another map or of other numbers in [0, 1)."""

    def sample(*given: Any, size: int, seed: int, **options: Any) -> Any:
        return value(units(size, np.random.default_rng(seed)), *given, **options)

    return Mutant(operation, f"{operation}.{name}", fault, fix or FIX[operation], seen, sample)


def right_sampler(operation: str) -> Callable[..., Any]:
    """Draws as they should be."""
    return _wrong(operation, "", "", RIGHT[operation]).function


def _line(u: Array, low: float, high: float) -> Array:
    return low + u * (high - low)


def _in_multiples(u: Array, low: float, high: float, step: float) -> Array:
    return np.round(_line(u, low, high) / step) * step


def _in_float16(u: Array, low: float, high: float, step: float) -> Array:
    return (np.float16(low) + np.float16(step) * np.floor(u * _count(low, high, step)).astype(np.float16)).astype(float)


def _one_value_less(u: Array, low: float, high: float, step: float) -> Array:
    n = _count(low, high, step) - 1
    return np.linspace(low, high, n)[np.floor(u * n).astype(int)] if n > 1 else np.full(u.shape, low)


def _some_never(u: Array, weights: Array) -> Array:
    return _chosen(u, np.where(np.arange(len(weights)) < max(len(weights) - 1, 1), weights, 0.0) + 1e-300)


def _not_normalised(u: Array, weights: Array) -> Array:
    return np.minimum(np.searchsorted(np.cumsum(weights), u, side="right"), len(weights) - 1)


def _now_and_then_anything(u: Array, weights: Array) -> Array:
    return np.where(u < 0.005, (u * 1e6).astype(int) % len(weights), _chosen(u, weights))


def _without_replacement(u: Array, weights: Array) -> Array:
    """Weights count for the order, and each choice comes once before any comes again."""
    n = int((weights > 0).sum())
    keys = np.resize(u, (len(u) // n + 1) * n).reshape(-1, n)
    order = np.argsort(np.log(np.maximum(keys, 1e-300)) / weights[weights > 0], axis=1)[:, ::-1]
    return np.flatnonzero(weights)[order.ravel()[: len(u)]]


_DISTRIBUTIONS = (
    _wrong(QUANTISED, "rounded", "a uniform draw rounded: both ends have half the chance of the others",
           lambda u, low, high, step: low + step * np.rint(u * (_count(low, high, step) - 1)),
           "hyperopt #328, ray #11879"),
    _wrong(QUANTISED, "in_multiples_of_the_step", "rounded to multiples of step, wherever low is", _in_multiples,
           "hyperopt #321"),
    _wrong(QUANTISED, "multiples_cut_off", "rounded to multiples of step, and cut to low and high",
           lambda u, low, high, step: np.clip(_in_multiples(u, low, high, step), low, high), "nni #2974"),
    _wrong(QUANTISED, "upper_end_missing", "numpy.arange(low, high, step), which leaves high out",
           lambda u, low, high, step: low + step * np.floor(u * (_count(low, high, step) - 1))),
    _wrong(QUANTISED, "lower_end_missing", "never low",
           lambda u, low, high, step: high - step * np.floor(u * (_count(low, high, step) - 1))),
    _wrong(QUANTISED, "one_step_beyond", "high + step too",
           lambda u, low, high, step: low + step * np.floor(u * (_count(low, high, step) + 1))),
    _wrong(QUANTISED, "not_quantised", "the step is not looked at", lambda u, low, high, step: _line(u, low, high)),
    _wrong(QUANTISED, "counted_from_zero", "k step, without low",
           lambda u, low, high, step: _even(u, low, high, step) - low),
    _wrong(QUANTISED, "one_value_less", "as many values as there are steps, evenly from low to high", _one_value_less),
    _wrong(QUANTISED, "in_float16", "computed in float16", _in_float16),
    _wrong(QUANTISED, "triangular", "the middle more often: the mean of two", _even,
           units=lambda size, random: (random.random(size) + random.random(size)) / 2),
    _wrong(QUANTISED, "squared", "small values more often: u²",
           lambda u, low, high, step: _even(u**2, low, high, step)),
    _wrong(LOG, "uniform", "each number as likely: the logarithm is forgotten",
           lambda u, low, high: np.floor(_line(u, low, high + 1)).astype(np.int64)),
    _wrong(LOG, "never_high", "rounded down below high, which never comes",
           lambda u, low, high: np.floor(_between(u, low, high)).astype(np.int64)),
    _wrong(LOG, "rounded", "rounded to the nearest between low and high: both ends too seldom",
           lambda u, low, high: np.rint(_between(u, low, high)).astype(np.int64)),
    _wrong(LOG, "rounded_up", "rounded up: never low",
           lambda u, low, high: np.ceil(_between(u, low, high)).astype(np.int64)),
    _wrong(LOG, "one_beyond", "high + 1 too",
           lambda u, low, high: np.floor(_between(u, low, high + 2)).astype(np.int64)),
    _wrong(LOG, "not_rounded", "not whole", _between),
    _wrong(LOG, "powers_of_two", "exponents of 2 are whole",
           lambda u, low, high: (low * 2 ** np.floor(u * (np.floor(np.log2(high / low)) + 1))).astype(np.int64)),
    _wrong(LOG, "powers_of_ten_for_e", "natural logarithms, powers of 10, cut to the box",
           lambda u, low, high: np.floor(
               np.clip(10.0 ** _line(u, np.log(low), np.log(high + 1)), low, high)).astype(np.int64)),
    _wrong(LOG, "triangular", "exponents are triangular: the mean of two", _floor,
           units=lambda size, random: (random.random(size) + random.random(size)) / 2),
    _wrong(LOG, "of_the_square_root", "√k is uniform, not log k",
           lambda u, low, high: np.floor(_line(u, np.sqrt(low), np.sqrt(high + 1)) ** 2).clip(low, high).astype(int)),
    _wrong(LOG, "squared", "small numbers more often: u²", lambda u, low, high: _floor(u**2, low, high)),
    _wrong(LOG, "in_int8", "cut to 8 bits", lambda u, low, high: _floor(u, low, high).astype(np.int8)),
    _wrong(WEIGHTED, "weights_ignored", "each choice as likely",
           lambda u, w: np.floor(u * len(w)).astype(np.int64)),
    _wrong(WEIGHTED, "possible_ones_alike", "each choice that has a weight as likely",
           lambda u, w: np.flatnonzero(w)[np.floor(u * (w > 0).sum()).astype(int)]),
    _wrong(WEIGHTED, "softmax", "weights are taken for logits: shares are softmax(w)",
           lambda u, w: _chosen(u, np.exp(w - w.max()))),
    _wrong(WEIGHTED, "squared", "shares of squares", lambda u, w: _chosen(u, w**2)),
    _wrong(WEIGHTED, "roots", "shares of roots", lambda u, w: _chosen(u, np.sqrt(w))),
    _wrong(WEIGHTED, "not_normalised", "weights are taken for chances, whatever they sum to", _not_normalised),
    _wrong(WEIGHTED, "zero_weight_drawn", "now and then a choice of weight 0", _now_and_then_anything,
           "pytorch #48841, pytorch #4858"),
    _wrong(WEIGHTED, "last_missing", "never the last choice", _some_never),
    _wrong(WEIGHTED, "sorted", "weights are sorted, choices are not", lambda u, w: _chosen(u, np.sort(w))),
    _wrong(WEIGHTED, "backwards", "the first weight is the last one's", lambda u, w: _chosen(u, w[::-1])),
    _wrong(WEIGHTED, "likeliest", "always the likeliest", lambda u, w: np.full(u.shape, np.argmax(w))),
    _wrong(WEIGHTED, "counted_from_one", "counted from 1", lambda u, w: _chosen(u, w) + 1),
    _wrong(WEIGHTED, "without_replacement", "no choice comes again before all have come", _without_replacement,
           fix=ANEW),
)  # fmt: skip


def _ascending(size: int, random: np.random.Generator) -> Array:
    return np.sort(random.random(size))


def _antithetic(size: int, random: np.random.Generator) -> Array:
    u = random.random(size)
    u[1::2] = 1 - u[: size // 2 * 2 : 2]
    return np.minimum(u, 1 - 2.0**-53)


def _twice(size: int, random: np.random.Generator) -> Array:
    return random.random(size)[np.arange(size) // 2]


def _walk(size: int, random: np.random.Generator) -> Array:
    return (random.random() + np.cumsum(random.normal(0, 0.15, size))) % 1


def _following(lag: int, size: int, random: np.random.Generator) -> Array:
    """Half of them near the one `lag` before."""
    u = random.random(size)
    for place in range(lag, size):
        if u[place] < 0.5:
            u[place] = (u[place - lag] + 0.1 * random.random()) % 1
        else:
            u[place] = random.random()
    return u


_UNITS: tuple[tuple[str, Units, str], ...] = (
    ("ascending", _ascending, "draws come in ascending order"),
    ("antithetic", _antithetic, "every second draw mirrors the one before"),
    ("twice", _twice, "each number is drawn twice"),
    ("walk", _walk, "each draw is near the one before"),
    ("follows_at_lag_5", partial(_following, 5), "half of the draws are near the one 5 before"),
)

MUTANTS: tuple[Mutant, ...] = (
    *_DISTRIBUTIONS,
    *(
        _wrong(operation, name, fault, RIGHT[operation], units=units, fix=ANEW)
        for name, units, fault in _UNITS
        for operation in RIGHT
    ),
)
