"""The laws of distribution: chances by enumeration, exact in balls, and the figures that the chapter names."""

import re
from fractions import Fraction
from itertools import combinations, product
from math import log
from typing import get_args

import numpy as np
import pytest
from flint import ctx
from nnlaws_spec import clause, clauses
from nnlaws_spec.clauses import preamble
from nnlaws_spec.formulas import sampling, scales
from nnlaws_spec.numbers import balls
from scipy.integrate import quad

BELOW_1 = float(np.nextafter(1.0, 0.0))
REJECTED_AT = 256e9


def test_sa1_shares_are_of_the_width() -> None:
    cuts = np.array([-3.0, -1.0, 0.0, 5.0])
    assert sampling.uniform_share(cuts[:-1], cuts[1:], -3.0, 5.0).tolist() == [0.25, 0.125, 0.625]
    u = np.array([0.0, 0.25, 0.375, 1.0])
    assert sampling.uniform(u, -3.0, 5.0).tolist() == cuts.tolist()
    assert sampling.uniform_share(np.full(4, -3.0), sampling.uniform(u, -3.0, 5.0), -3.0, 5.0).tolist() == u.tolist()


def test_sa1_the_width_is_exact_in_balls() -> None:
    """0.3 − 0.1 is rounded in doubles, and not in balls."""
    with ctx.workprec(256):
        (x,) = sampling.uniform(balls([1.0]), 0.1, 0.3)
        assert x == balls([0.3])[0]


def test_sa2_and_sa3_the_figures_of_the_clauses() -> None:
    assert sampling.uniform_share(0.1, 1.0, 1e-4, 1.0) == pytest.approx(0.9, abs=5e-4)
    assert sampling.uniform_share(1e-4, 1e-3, 1e-4, 1.0) == pytest.approx(0.0009, abs=5e-5)
    assert sampling.uniform_share(0.9, 0.99, 0.9, 0.999) == pytest.approx(0.91, abs=5e-3)
    reverse_log = scales.one_minus_log_uniform_share(0.9, 0.99, 0.9, 0.999, complement="reverse_log")
    assert reverse_log == pytest.approx(0.9047, abs=5e-5)


@pytest.mark.parametrize("bounds", get_args(sampling.Bounds))
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 4), (5, 12)])
def test_sa4_each_number_is_as_likely(low: int, high: int, bounds: sampling.Bounds) -> None:
    """u = i/N, in parts as many as there are numbers times 8: each number is hit 8 times."""
    count = high - low + (bounds == "closed")
    u = np.arange(8 * count) / (8 * count)
    drawn, times = np.unique(sampling.integer(u, low, high, bounds), return_counts=True)
    assert drawn.tolist() == list(range(low, low + count))
    assert times.tolist() == [8] * count
    k = np.arange(low - 2, high + 3)
    shares = sampling.integer_share(k, low, high, bounds)
    assert shares[(k >= low) & (k < low + count)] == pytest.approx(np.full(count, 1 / count), rel=1e-15)
    assert shares.sum() == pytest.approx(1, rel=1e-14)
    assert sampling.integer_share(np.array([low + 0.5]), low, high, bounds).tolist() == [0]


def test_sa4_the_floor_is_exact_in_balls() -> None:
    """The double 0.7 is below 7/10: of ten numbers it draws the seventh, though the product rounds to 7."""
    assert sampling.integer(np.array([0.7]), 1, 10).tolist() == [8]
    with ctx.workprec(256):
        assert [float(x) for x in sampling.integer(balls([0.7, 0.0, BELOW_1]), 1, 10)] == [7, 1, 10]


def test_sa5_the_ends_bound_every_draw() -> None:
    u = np.array([0.0, BELOW_1])
    assert sampling.uniform(u, 0.1, 0.3) == pytest.approx([0.1, 0.3], rel=1e-15)
    assert sampling.integer(u, -2, 5).tolist() == [-2, 5]
    assert sampling.integer(u, -2, 5, "half_open").tolist() == [-2, 4]


def test_sa6_chances_of_independent_draws_multiply() -> None:
    """Of two draws of three numbers, by counting all nine pairs."""
    pairs = list(product(range(3), repeat=2))
    counted = sum(a == 0 and b >= 1 for a, b in pairs) / len(pairs)
    assert sampling.together(np.array([1 / 3, 2 / 3])) == pytest.approx(counted, rel=1e-15)
    assert sampling.together(np.array([[0.5, 0.5, 0.5], [1.0, 0.0, 0.5]])).tolist() == [0.125, 0]


def test_sa7_pairs_by_enumeration() -> None:
    """Four draws of the numbers 0 and 1, with chances 1/4 and 3/4: all sixteen outcomes, each with its equal pairs."""
    chances = np.array([0.25, 0.75])
    expected = sum(
        float(chances[list(drawn)].prod()) * sum(a == b for a, b in combinations(drawn, 2))
        for drawn in product(range(2), repeat=4)
    )
    assert sampling.equal_pairs(4, chances) == expected == 3.75


def test_sa7_float32_repeats_momenta() -> None:
    """Σ P² ≈ ∫ p² · spacing: 22 pairs of 4000 draws, as the clause says; in float64, none."""
    density = scales.one_minus_log_uniform_density
    squared = quad(lambda x: float(density(x, low=0.9, high=0.999)) ** 2, 0.9, 0.999, epsrel=1e-10)[0]
    assert 4000 * 3999 / 2 * squared * 2.0**-24 == pytest.approx(22.25, abs=0.01)
    assert 4000 * 3999 / 2 * squared * 2.0**-53 < 1e-7


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.3, 0.5, 0.75, 1.0])
def test_sa8_the_smallest_gap_by_integration(size: int, gap: float) -> None:
    """Volume of sorted points at least `gap` apart, times n!: (1 − (n−1)d)ⁿ."""

    def volume(points: int, start: float) -> float:
        if points == 0:
            return 1.0
        return float(quad(lambda x: volume(points - 1, x + gap), min(start, 1.0), 1.0)[0]) if start < 1 else 0.0

    chance = sampling.smallest_gap_chance(size, np.array([gap]))
    assert chance == pytest.approx([volume(size, 0.0) * (2 if size == 2 else 6)], abs=1e-9)


def test_sa8_the_smallest_gap_has_a_chance() -> None:
    """It falls from 1 to 0 at 1/(n − 1), the gap of n points equally far apart, and stays there."""
    chances = sampling.smallest_gap_chance(5, np.array([0.0, 0.01, 0.1, 0.2, 0.25, 0.3, 1.0]))
    assert chances[0] == 1
    assert (np.diff(chances) <= 0).all()
    assert chances[-3:].tolist() == [0, 0, 0]
    with ctx.workprec(256):
        (exact,) = sampling.smallest_gap_chance(3, balls([0.25]))
        assert exact == balls([0.125])[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_sa8_one_a_cell_by_enumeration(size: int) -> None:
    filled = sum(len(set(cells)) == size for cells in product(range(size), repeat=size))
    assert sampling.one_a_cell_chance(size) == pytest.approx(float(Fraction(filled, size**size)), rel=1e-15)


def test_sa8_long_runs_do_not_overflow() -> None:
    """n! passes float64 at 171; n!/nⁿ is about √(2πn) e^(−n), and 0 in the end."""
    assert sampling.one_a_cell_chance(200) == pytest.approx(np.sqrt(400 * np.pi) * np.exp(-200 + 1 / 2400), rel=1e-6)
    assert sampling.one_a_cell_chance(2000) == 0


def test_the_chapter_says_what_2000_draws_do_not_show() -> None:
    """log(256·10⁹) nats are needed, and relative entropies are what a draw yields at most on average."""
    text = " ".join(preamble("sampling").split())
    needed = re.search(r"log\(256·10⁹\)/D = ([\d.]+)/D", text)
    below = re.search(r"none below D = ([\d.]+),", text)
    examples = re.search(r"short by 1 % \(([\d.]+)\), u\^1\.1 in place of u \(([\d.]+)\).* of 0\.1 \(([\d.]+)\)", text)
    assert needed is not None
    assert below is not None
    assert examples is not None
    assert float(needed[1]) == pytest.approx(log(REJECTED_AT), abs=0.05)
    assert float(below[1]) == pytest.approx(log(REJECTED_AT) / 2000, abs=5e-4)
    a = 1 / 1.1  # u^1.1 has the density a x^(a−1), and E log x = −1/a
    entropies = [-log(0.99), log(a) - (a - 1) / a, -log(1 - 0.1**2) / 2]  # the last: of Gaussian pairs, a step
    assert [float(each) for each in examples.groups()] == pytest.approx(entropies, abs=1e-4)
    power = quad(lambda x: a * x ** (a - 1) * np.log(a * x ** (a - 1)), 0, 1)[0]
    assert power == pytest.approx(entropies[1], rel=1e-6)


def test_conventions_stand_under_their_clauses() -> None:
    named = {
        (each.id, variant.name, variant.value)
        for each in clauses().values()
        if each.chapter == "sampling"
        for variant in each.variants
    }
    own = {("SA-3", "complement", "reverse_log"), ("SA-4", "bounds", "half_open"), ("SA-7", "resolution", "float32")}
    assert named >= own
    assert {(name, value) for _, name, value in named} == {(name, value) for _, name, value in own}
    assert {variant.value for variant in clause("SA-4").variants} == set(get_args(sampling.Bounds)[1:])
