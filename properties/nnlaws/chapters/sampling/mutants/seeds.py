"""Mistakes in what becomes of a seed, in the number of draws, and in whole numbers of many or few bits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant
from nnlaws.chance.mistakes import SEEDS, Sampler, empty_is_one, large_calls_unseeded, zero_is_no_seed
from nnlaws.chapters.sampling.mutants.draws import (
    ANEW,
    ARRAY,
    INTEGER,
    LOGARITHMIC,
    ONE_MINUS,
    UNIFORM,
    WHOLE,
    right_sampler,
    wrong_units,
)

NAMES = (UNIFORM, LOGARITHMIC, ONE_MINUS, WHOLE)
AS_GIVEN = "numpy.random.default_rng(seed), with the seed as it is given, 0 too"


def mirrored_by_a_bit(right: Sampler) -> Sampler:
    """The draws of a seed with bit 20 are the mirror image of those without it."""

    def sample(low: float, high: float, *, size: int, seed: int) -> Any:
        x = right(low, high, size=size, seed=seed & ~(1 << 20))
        return low + high - x if seed >> 20 & 1 else x

    return sample


def _half_mirrored(size: int, random: np.random.Generator) -> Array:
    half = random.random((size + 1) // 2)
    return np.concatenate([half, 1 - half])[:size]


def _mirrored_backwards(size: int, random: np.random.Generator) -> Array:
    half = random.random((size + 1) // 2)
    return np.concatenate([half, 1 - half[::-1]])[:size]


def _half_turned(size: int, random: np.random.Generator) -> Array:
    half = random.random((size + 1) // 2)
    return np.concatenate([half, (half + 1 / 3) % 1])[:size]


def _blocks_mirrored(size: int, random: np.random.Generator) -> Array:
    blocks = random.random((size // 64 // 2 + 1, 64))
    return np.stack([blocks, 1 - blocks], axis=1).ravel()[:size]


def _following(lag: int, size: int, random: np.random.Generator) -> Array:
    """Near the draw `lag` before."""
    u = random.random(size)
    for place in range(lag, size):
        if u[place] < 0.5:
            u[place] = (u[place - lag] + 0.1 * random.random()) % 1
        else:
            u[place] = random.random()
    return u


def _tail(filled: Callable[[Array, Array, float], Array], block: int, right: Sampler) -> Sampler:
    """Whole blocks are drawn; what is left of the draws, if there is a whole block, is something else."""

    def sample(low: float, high: float, *, size: int, seed: int) -> Array:
        x = right(low, high, size=size, seed=seed)
        done = size // block * block
        if done:
            x[done:] = filled(x[:done], x[done:], low)
        return x

    return sample


_FAULTS: tuple[tuple[str, str, str, Callable[[Sampler], Sampler]], ...] = (
    *((name, fault, AS_GIVEN, change) for name, fault, change in SEEDS),
    ("zero_is_no_seed", "seed or None: 0 is not reproducible", AS_GIVEN, zero_is_no_seed),
    ("large_calls_unseeded", "of more than 1,024 draws the seed is forgotten", AS_GIVEN, large_calls_unseeded),
    ("mirrored_by_a_bit", "seeds that differ in bit 20 alone draw mirror images", AS_GIVEN, mirrored_by_a_bit),
    ("tail_left_at_low", "8 draws at a time: what is left over stays at low", ANEW,
     partial(_tail, lambda whole, rest, low: np.full(rest.shape, low), 8)),
    ("tail_left_at_low_of_256", "256 draws at a time: what is left over stays at low", ANEW,
     partial(_tail, lambda whole, rest, low: np.full(rest.shape, low), 256)),
    ("tail_of_the_block_before", "8 draws at a time: what is left over is the last block's", ANEW,
     partial(_tail, lambda whole, rest, low: whole[-len(rest):] if len(rest) else rest, 8)),
    ("empty_is_one", "one draw where none is asked for", ARRAY, empty_is_one),
)  # fmt: skip

_UNITS = (
    ("halves_mirrored", "the second half of a call mirrors the first", _half_mirrored),
    ("mirrored_backwards", "the second half mirrors the first, from its end", _mirrored_backwards),
    ("half_turned", "the second half is the first, a third of the box further", _half_turned),
    ("blocks_mirrored", "every second block of 64 mirrors the one before", _blocks_mirrored),
    ("follows_at_lag_5", "half of the draws are near the one 5 before", partial(_following, 5)),
    ("follows_at_lag_16", "half of the draws are near the one 16 before", partial(_following, 16)),
)


def _whole(name: str, fault: str, draw: Callable[[int, int, int, np.random.Generator], Array], seen: str) -> Mutant:
    def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
        return draw(low, high, size, np.random.default_rng(seed))

    return Mutant(WHOLE, f"{WHOLE}.{name}", fault, INTEGER, seen, sample_integer)


def _remainders(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    """Of ANSI C's generator, whose last bit alternates, and whose last three come again after 8."""
    state, found = int(random.integers(2**31)), list[int]()
    for _ in range(size):
        state = (1103515245 * state + 12345) % 2**31
        found.append(low + state % (high - low + 1))
    return np.array(found)


def _in_float32(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    u = random.random(size, dtype=np.float32)
    return (np.float32(low) + np.floor(u * np.float32(high - low + 1))).astype(np.int64).clip(low, high)


def _of_24_bits(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    return low + np.floor(random.integers(0, 2**24, size) / 2**24 * (high - low + 1)).astype(np.int64)


def _of_32_bits(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    return low + random.integers(0, 2**32, size) * (high - low + 1) // 2**32


def _width_in_int32(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    width = (high - low + 1 + 2**31) % 2**32 - 2**31
    return low + np.floor(random.random(size) * width).astype(np.int64)


def _result_in_int32(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    return random.integers(low, high, size, endpoint=True).astype(np.int32)


def _parity_alternates(low: int, high: int, size: int, random: np.random.Generator) -> Array:
    x = random.integers(low, high, size, endpoint=True)
    return np.where((x - x[0] - np.arange(size)) % 2 == 0, x, np.where(x < high, x + 1, x - 1))


MUTANTS: tuple[Mutant, ...] = (
    *(
        Mutant(name, f"{name}.{fault}", words, fix, "classroom", make(right_sampler(name)))
        for name in NAMES
        for fault, words, fix, make in _FAULTS
        if (name, fault) != (WHOLE, "tail_of_the_block_before")  # whole numbers come again anyhow
    ),
    *(wrong_units(name, units, words, draw) for name in NAMES for units, words, draw in _UNITS),
    _whole("remainders_of_a_generator_of_remainders", "state % count: with an even count the last bit alternates",
           _remainders, "classroom"),
    _whole("in_float32", "in float32: odd numbers beyond 2^24 never come", _in_float32, "mlx PR 3936"),
    _whole("of_24_bits", "a uniform number of 24 bits: of more numbers than that most never come", _of_24_bits,
           "classroom"),
    _whole("of_32_bits", "a uniform number of 32 bits: of more numbers than that most never come", _of_32_bits,
           "classroom"),
    _whole("width_in_int32", "high − low + 1 overflows in 32 bits", _width_in_int32, "classroom"),
    _whole("result_in_int32", "the draws are cut to 32 bits", _result_in_int32, "classroom"),
    _whole("parity_alternates", "odd and even take turns", _parity_alternates, "classroom"),
)  # fmt: skip
