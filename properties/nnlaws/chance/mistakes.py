"""Mistakes that any sampler can make in what becomes of its seed, and of the number that is asked for: each makes a
wrong sampler of a right one, which is called with its arguments, size, seed and whatever else by name.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

Sampler = Callable[..., Any]
Change = Callable[[Sampler], Sampler]


def unseeded(right: Sampler) -> Sampler:
    source = np.random.default_rng()
    return lambda *given, seed, **options: right(*given, seed=int(source.integers(2**40)), **options)


def state_kept(right: Sampler) -> Sampler:
    """Seeded once: the next call goes on from where the last one was."""
    calls: dict[int, int] = {}

    def sample(*given: Any, seed: int, **options: Any) -> Any:
        calls[seed] = calls.get(seed, -1) + 1
        return right(*given, seed=seed + 1_000_003 * calls[seed], **options)

    return sample


def other_seed(change: Callable[[int], int], right: Sampler) -> Sampler:
    """The draws of another seed."""
    return lambda *given, seed, **options: right(*given, seed=change(seed), **options)


def seed_ignored(right: Sampler) -> Sampler:
    return other_seed(lambda seed: 0, right)


def ten_seeds_share(right: Sampler) -> Sampler:
    return other_seed(lambda seed: seed // 10, right)


def lowest_bit_dropped(right: Sampler) -> Sampler:
    return other_seed(lambda seed: seed & ~1, right)


def same_first_draws(right: Sampler) -> Sampler:
    """The first five are those of seed 0: drawn before the generator was seeded."""

    def sample(*given: Any, size: int, seed: int, **options: Any) -> Array:
        early = min(size, 5)
        parts = [right(*given, size=early, seed=0, **options), right(*given, size=size - early, seed=seed, **options)]
        return np.concatenate(parts)

    return sample


def one_draw_more(right: Sampler) -> Sampler:
    return lambda *given, size, **options: right(*given, size=size + 1, **options)


def empty_is_one(right: Sampler) -> Sampler:
    return lambda *given, size, **options: right(*given, size=max(size, 1), **options)


def one_column(right: Sampler) -> Sampler:
    return lambda *given, **options: right(*given, **options)[:, None]


def number_of_one(right: Sampler) -> Sampler:
    return lambda *given, **options: right(*given, **options).squeeze()


def plain_list(right: Sampler) -> Sampler:
    return lambda *given, **options: right(*given, **options).tolist()


def in_float16(right: Sampler) -> Sampler:
    return lambda *given, **options: right(*given, **options).astype(np.float16)


def nan_among_them(right: Sampler) -> Sampler:
    def sample(*given: Any, size: int, **options: Any) -> Array:
        x: Array = right(*given, size=size, **options).astype(np.float64)
        x[size // 2] = np.nan
        return x

    return sample


def zero_is_no_seed(right: Sampler) -> Sampler:
    """seed or None: a generator of its own for 0."""
    return other_seed(lambda seed: seed or int(np.random.default_rng().integers(2**40)), right)


def large_calls_unseeded(right: Sampler) -> Sampler:
    """Of more than 1,024 draws the seed is forgotten."""

    def sample(*given: Any, size: int, seed: int, **options: Any) -> Any:
        return right(*given, size=size, seed=seed if size <= 1024 else 0, **options)

    return sample


def _cut(bits: int) -> Callable[[int], int]:
    return lambda seed: seed & (2**bits - 1)


def _folded(seed: int) -> int:
    return (seed ^ seed >> 16) & 0xFFFF


def _high_bits(seed: int) -> int:
    return seed >> 8


SEEDS: tuple[tuple[str, str, Change], ...] = tuple(
    (name, fault, partial(other_seed, change))
    for name, fault, change in (
        ("zero_is_forty_two", "seed or 42: 0 is another seed", lambda seed: seed or 42),
        ("seed_of_8_bits", "the seed is cut to 8 bits", _cut(8)),
        ("seed_of_16_bits", "the seed is cut to 16 bits: those 65,536 apart are one", _cut(16)),
        ("seed_of_24_bits", "the seed is cut to 24 bits", _cut(24)),
        ("seed_of_31_bits", "the seed is cut to 31 bits, where it might be refused", _cut(31)),
        ("seed_of_32_bits", "the seed is cut to 32 bits, where it might be refused", _cut(32)),
        ("seed_folded", "the halves of the seed are folded to 16 bits", _folded),
        ("seed_without_its_last_byte", "seed >> 8: 256 seeds are one", _high_bits),
        ("seed_in_float32", "the seed is rounded to float32", lambda seed: int(np.float32(seed))),
        ("seed_by_a_prime", "seed % 9973: seeds so far apart are one", lambda seed: seed % 9973),
        ("seed_by_its_last_digits", "the seed's last three digits count", lambda seed: seed % 1000),
    )
)
"""Names, faults, and the sampler that takes seeds so."""
