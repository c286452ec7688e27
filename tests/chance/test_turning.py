"""Positions that are others, moved by one distance: seen in any order, and never in what is drawn anew."""

from collections.abc import Callable

import numpy as np
import pytest
from nnlaws import chance
from nnlaws.rounding.formats import Floats

FEW = [8, 40, 256, 1000]


def drawn(n: int, seed: int) -> Floats:
    return np.random.default_rng(seed).random(n)


@pytest.mark.parametrize("n", FEW)
@pytest.mark.parametrize("distance", [0.0, 0.25, 0.43312694])
def test_a_set_that_is_moved_is_seen_in_any_order(n: int, distance: float) -> None:
    one = drawn(n, 1)
    other = np.random.default_rng(2).permutation((one + distance) % 1)
    assert chance.used(chance.turned(one, other)) > 1


@pytest.mark.parametrize("n", [40, 256])
@pytest.mark.parametrize("distance", [0.0, 0.5, 0.31])
def test_a_half_that_is_the_other_moved_is_seen_in_any_order(n: int, distance: float) -> None:
    half = drawn(n // 2, 3)
    row = np.random.default_rng(4).permutation(np.concatenate([half, (half + distance) % 1]))
    assert chance.used(chance.turned(row, row)) > 1


@pytest.mark.sampled
@pytest.mark.parametrize("order", [lambda u: u, np.sort, lambda u: np.sort(u)[::-1]])
def test_nothing_is_seen_in_what_is_drawn_anew_whatever_its_order(order: Callable[[Floats], Floats]) -> None:
    """Of 300 pairs, p is below 1/30 no more often than a tenth: by twice as many as it may be."""
    for n in (8, 160):
        rows = [order(drawn(n, seed)) for seed in range(2 * 300)]
        surprises = [chance.turned(one, other) for one, other in zip(rows[::2], rows[1::2], strict=True)]
        surprises += [chance.turned(row, row) for row in rows]
        assert np.mean(np.array(surprises) > np.log(30)) < 0.1
        assert max(surprises) < 15


def test_coarse_numbers_are_no_evidence() -> None:
    """Those of 23 bits, in a box that is a twentieth of the scale: their grain is told."""
    coarse = [np.floor(drawn(200, seed) * 2**23 / 20) * 20 / 2**23 for seed in range(60)]
    grain = 20 * 2.0**-23
    assert max(chance.turned(a, b, grain=grain) for a, b in zip(coarse[::2], coarse[1::2], strict=True)) < 15


@pytest.mark.parametrize(("count", "n", "likely"), [(3, 50, 0.01), (1, 8, 0.001), (8, 8, 0.5)])
def test_so_many_is_no_less_likely_than_it_says(count: int, n: int, likely: float) -> None:
    from scipy.stats import binom

    said = np.exp(-chance.so_many(count, n, likely))
    exact = float(binom.sf(count - 1, n, likely))
    assert exact <= said * (1 + 1e-12)
    assert said < 1.5 * exact or said == 1
    assert chance.so_many(0, n, likely) == 0
