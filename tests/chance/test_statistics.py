"""The statistics of draws: no false alarm beyond what is promised, exact where they can be counted, and sharp."""

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from math import inf, lgamma, log
from typing import Any, NamedTuple

import numpy as np
import pytest
from nnlaws.chance import (
    RUN,
    SHARES,
    THRESHOLD,
    LogE,
    crossed,
    evenness,
    marginal,
    pairs,
    repeats,
    sequential_ranks,
    serial,
    shifted,
    used,
)
from nnlaws.chance import eprocesses as components
from nnlaws.chance.martingale import moments
from nnlaws.chance.repeats import bets
from numpy.polynomial.legendre import leggauss
from scipy.special import ndtr, ndtri
from scipy.stats import binom

Floats = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, int], Floats]


# ---- No false alarms -------------------------------------------------------------------------------------------------


def beta_uniform(v: Floats) -> Floats:
    """The density of v = (−log₁₀(1 − β) − 1)/2 where β is uniform on [0.9, 0.999]."""
    return np.asarray(2 * np.log(10) * 10 ** (-1 - 2 * v) / 0.099)


def in_float32(random: np.random.Generator, n: int) -> Floats:
    """Multiples of 2⁻²³ below 1, as TensorFlow and JAX draw them: never 1, and 0 once in 2²³."""
    return random.integers(0, 1 << 23, n) / (1 << 23)


SOUND: dict[str, Callable[[np.random.Generator], float]] = {
    "marginal": lambda r: marginal(r.random(300), (beta_uniform,), 5).highest,
    "marginal, float32": lambda r: marginal(in_float32(r, 300)).highest,
    "serial": lambda r: serial(r.random(300)).highest,
    "serial, of ranks of anything": lambda r: serial(sequential_ranks(np.floor(r.random(300) ** -2), r)).highest,
    "pairs": lambda r: pairs(r.random(300), r.random(300)).highest,
    "pairs, of ranks of anything": lambda r: (
        pairs(sequential_ranks(r.poisson(3, 200) / 1.0, r), sequential_ranks(np.exp(r.normal(0, 9, 200)), r)).highest
    ),
    "repeats": lambda r: repeats(r.integers(0, 20000, 300) / 2e4, np.full(300, 1 / 20000)).highest,
    "serial, of several rows": lambda r: serial(*(r.random(200) for _ in range(3))).highest,
    "crossed": lambda r: crossed([r.random(150) for _ in range(3)])[0].highest,
    "crossed, of ranks of anything": lambda r: (
        crossed([sequential_ranks(r.integers(0, 2, 100) / 1.0, r), sequential_ranks(r.random(100), r)])[0].highest
    ),
    "repeats of other kinds": lambda r: (
        repeats(r.integers(0, 3000, 300) / 3e3, np.full(300, 1 / 3000), r.integers(0, 3, 300)).highest
    ),
    "shifted": lambda r: shifted(r.integers(0, 5, (40, 9)) / 1.0, 5).highest,
    "shifted, of streams of two": lambda r: shifted(r.integers(0, 2, (100, 2)) / 1.0, 2).highest,
    "repeats of unequal chances": lambda r: repeats(*_geometric(r, 100)).highest,
    "evenness": lambda r: evenness(r.random(20))[0],
    "evenness, of many draws": lambda r: evenness(r.random(300))[0],
}


def _geometric(random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Draws of which few are likely: what repeats is known to be likely, and nothing is bet on it."""
    x = np.floor(-100 * np.log1p(-random.random(n)))
    return x, np.exp(-x / 100) * -np.expm1(-1 / 100)


@pytest.mark.slow
@pytest.mark.parametrize("test", SOUND)
def test_false_alarms_are_no_more_than_promised(test: str) -> None:
    """P(sup_t E_t ≥ 1/a) ≤ a, counted over 1500 streams; as many more as happen once in 10,000 such counts."""
    random = np.random.default_rng(7)
    highest = np.array([SOUND[test](random) for _ in range(1500)])
    for a in (0.1, 0.01, 0.001):
        assert (highest >= -log(a)).sum() <= binom.isf(1e-4, len(highest), a), a


@pytest.mark.parametrize("n", [1, 2, 3, 17, 128, 129, 1000, 100_000])
def test_it_looks_after_the_first_and_the_last_draw_and_often_enough(n: int) -> None:
    when = moments(n)
    assert (when[0], when[-1]) == (1, n)
    assert (np.diff(when) >= 1).all()
    assert (when[1:] <= np.maximum(when[:-1] * (1 + 1 / 64), when[:-1] + 1)).all()


def test_the_threshold_is_a_share_of_the_run() -> None:
    assert pytest.approx(log(320e9)) == THRESHOLD
    assert pytest.approx(np.exp(-THRESHOLD)) == RUN / SHARES
    assert [used(x) for x in (-1.0, THRESHOLD / 2, inf)] == [0.0, 0.5, inf]


def test_a_large_stream_is_no_false_alarm() -> None:
    random = np.random.default_rng(3)
    v = random.random(200_000)
    assert max(marginal(v).highest, serial(v).highest, pairs(v, random.random(len(v))).highest) < 7
    assert serial(sequential_ranks(v**9, random)).highest < 7
    assert repeats(v, np.full(len(v), 2.0**-53)).highest < 7
    assert evenness(v)[0] < 7
    v = in_float32(random, 200_000)
    assert repeats(v, np.full(len(v), 2.0**-23)).highest < 7, "2400 repeats are what chance gives"
    assert evenness(v)[0] < 7


# ---- Exact where it can be counted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "component", [partial(components.histogram, bins=6), partial(components.markov, states=6)], ids=["KT", "Markov"]
)
def test_the_mean_over_all_streams_of_bins_is_one(component: Callable[..., Floats], n: int) -> None:
    streams = [np.array(each) for each in product((np.arange(6) + 0.5) / 6, repeat=n)]
    logs = [component(v, when=moments(n), grain=0.0)[-1] for v in streams]
    assert np.exp(logs).mean() == pytest.approx(1, rel=1e-12)


def test_the_mean_over_all_pairs_of_cells_is_one() -> None:
    middles = (np.arange(3) + 0.5) / 3
    streams = product(product(middles, repeat=2), repeat=3)
    logs = [components.joint_histogram(p, q, 3, moments(3), 0.0)[-1] for p, q in (np.array(v).T for v in streams)]
    assert np.exp(logs).mean() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2])
def test_the_mean_of_tilts_over_the_square_is_one(n: int) -> None:
    """By quadrature in s, v = ½(1 + tanh(½π sinh s)): ends weigh nothing there. Only the allowance is lost."""
    s = np.arange(-3.2, 3.21, 0.1)
    v = 0.5 * (1 + np.tanh(np.pi / 2 * np.sinh(s)))
    w = 0.1 * np.pi / 4 * np.cosh(s) / np.cosh(np.pi / 2 * np.sinh(s)) ** 2
    streams, weights = product(v, repeat=n), np.array([np.prod(each) for each in product(w, repeat=n)])
    logs = np.array([components.tilts(np.array(each), moments(n), 0.0)[-1] for each in streams])
    assert 0.999 < (np.exp(logs) * weights).sum() <= 1 + 1e-9


@pytest.mark.parametrize("a", [-3.0, -0.5, 0.0, 2.0])
def test_the_mean_of_the_copulas_factor_is_one_whatever_came_before(a: float) -> None:
    x, w = leggauss(200)
    z, w = 12 * x, 12 * w * np.exp(-72 * x * x) / np.sqrt(2 * np.pi)
    logs = [components.copula(np.array([a]), np.array([b]), 1, moments(2), 0.0)[-1] for b in z]
    assert 1 - 1e-4 < np.exp(logs) @ w <= 1


def test_the_mean_over_ends_is_one() -> None:
    """The least of two draws is above d, and their largest below 1 − d, with probability (1 − d)²."""
    middles = (np.arange(32) + 0.5) / 32  # exact for j ≤ 5
    logs = [components.ends(np.array(v), moments(2), 0.0)[-1] for v in product(middles, repeat=2)]
    shrinks = 2.0 ** -np.arange(1, 10.5, 0.5)
    finer = [((1 - d) * 32 - 0.5) // 1 + 1 for d in shrinks]  # how many middles are in the range
    expected = np.mean([(k / 32) ** 2 / (1 - d) ** 2 for k, d in zip(finer, shrinks, strict=True)])
    assert np.exp(logs).mean() == pytest.approx(expected, rel=1e-9)


def scores(v: Floats) -> Floats:
    return np.asarray(ndtri(components.clamped(v)))


COARSE: dict[str, Callable[[Floats, Any, float], Floats]] = {
    "histogram": lambda v, t, g: components.histogram(v, 7, t, g),
    "markov": lambda v, t, g: components.markov(v, 5, t, g),
    "ends": components.ends,
    "tilts": components.tilts,
    "copula": lambda v, t, g: components.copula(scores(v)[:1], scores(v)[1:], 1, t, g),
    "against": lambda v, t, g: components.against(v, lambda v: np.where(v < 1 / 9, 9.0, 0.0), t, g),
}


@pytest.mark.parametrize("steps", [2, 9, 32])
@pytest.mark.parametrize("name", COARSE)
def test_the_allowance_covers_a_generator_as_coarse_as_its_grain(name: str, steps: int) -> None:
    """Draws at the lower ends, the middles or the upper ends of equal steps: the mean is never above 1."""
    for shift in (0.0, 0.5, 1.0):
        streams = product((np.arange(steps) + shift) / steps, repeat=2)
        logs = [COARSE[name](np.array(v), moments(2), 1 / steps)[-1] for v in streams]
        assert np.exp(logs).mean() <= 1


def test_one_draw_of_a_density_gains_its_logarithm() -> None:
    v = np.array([0.0, 0.3, 1.0])
    gained = components.against(v, beta_uniform, moments(3), 0.0)
    assert gained == pytest.approx(np.cumsum(np.log(beta_uniform(v))), abs=2e-5)


@pytest.mark.parametrize(("s", "n"), [(2, 1), (2, 2), (2, 3), (3, 2)])
def test_the_mean_of_shifted_over_all_streams_is_one(s: int, n: int) -> None:
    """Of two values: after the last stream, whatever number of draws each distance bets on."""
    total = 0.0
    for values in product((0.0, 1.0), repeat=s * n):
        streams = np.array(values).reshape(s, n)
        total += np.exp(_last(streams)) / 2 ** (s * n)
    assert total == pytest.approx(1)


def _last(streams: Floats) -> float:
    """log E after the last stream: `shifted` reports the highest, so what comes before is left out."""
    seen: list[Floats] = []

    def kept(log_e: Floats, when: Any) -> LogE:
        seen.append(log_e)
        return LogE(float(log_e.max()), int(when[-1]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["nnlaws.chance.repeats"], "report", kept)
        shifted(streams, 2)
    return float(seen[0][-1]) if seen else 0.0


@pytest.mark.parametrize("kinds", [[0, 1, 0, 1], [0, 1, 2, 0], [0, 0, 1, 1]])
def test_the_mean_of_bets_on_repeats_of_other_kinds_is_at_most_one(kinds: list[int]) -> None:
    mean = 0.0
    for stream in product(range(4), repeat=4):
        x = np.array(stream) / 1.0
        mean += np.exp(bets(x, np.full(4, 0.25), moments(4), np.array(kinds))[-1]) / 4**4
    assert 0.5 < mean <= 1 + 1e-12


@pytest.mark.sampled
@pytest.mark.parametrize("chances", [np.full(5, 0.2), np.array([0.02, 0.03, 0.05, 0.1, 0.8])])
@pytest.mark.parametrize("generous", [1.0, 1.3])
def test_the_mean_of_bets_on_repeats_is_one_or_less_where_chances_are_generous(
    chances: Floats, generous: float
) -> None:
    """Over all streams of 1 … 5 draws from five values."""
    for n in range(1, 6):
        mean = 0.0
        for stream in product(range(5), repeat=n):
            x = np.array(stream)
            log_e = bets(x / 1.0, np.minimum(generous * chances[x], 1), moments(n))[-1]
            mean += np.prod(chances[x]) * np.exp(log_e)
        assert mean == pytest.approx(1) if generous == 1 or n == 1 else 0.5 < mean < 1, n


def test_least_spacing_and_one_each_are_counted_exactly() -> None:
    """P of the least of n − 1 spacings, against the share of a million streams; of one each, by its formula."""
    random = np.random.default_rng(5)
    for n in (2, 3, 5):
        least = np.diff(np.sort(random.random((200_000, n)), axis=1), axis=1).min(axis=1)
        for d in (0.02, 0.1):
            p = (1 - (n - 1) * d) ** n
            assert abs((least >= d).sum() - 200_000 * p) < 4.5 * np.sqrt(200_000 * p * (1 - p))
    logs, words = evenness(np.array([0.1, 0.9, 0.3, 0.7, 0.52]), grain=0.0)
    assert logs == pytest.approx(max(-5 * np.log1p(-4 * 0.18), 5 * log(5) - lgamma(6)) - log(2))
    assert words == "no two of 5 draws are nearer than 0.18 of the range"


# ---- Ranks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 31, 32, 33, 500])
@pytest.mark.parametrize("levels", [2, 7, 1 << 30])
def test_ranks_are_counted(n: int, levels: int) -> None:
    x = np.random.default_rng(n).integers(0, levels, n) / 1.0
    u = np.random.default_rng(1).random(n)
    counted = [((x[:t] < x[t - 1]).sum() + u[t - 1] * (x[:t] == x[t - 1]).sum()) / t for t in range(1, n + 1)]
    assert (sequential_ranks(x, np.random.default_rng(1)) == np.array(counted)).all()


def test_ranks_do_not_see_the_marginal() -> None:
    x = np.random.default_rng(2).normal(size=1000)
    plain, *bent = (sequential_ranks(y, np.random.default_rng(3)) for y in (x, np.exp(x), x**3, np.sinh(x) - 7))
    for other in bent:
        assert (plain == other).all()


# ---- Sharp -----------------------------------------------------------------------------------------------------------


class Bug(NamedTuple):
    test: Callable[[np.random.Generator, int], LogE]
    n: int
    """Draws after which it is to be caught in each of 20 streams."""


def correlated(rho: float, random: np.random.Generator, n: int, lag: int = 1) -> Floats:
    z = random.standard_normal(n)
    for t in range(lag, n):
        z[t] = rho * z[t - lag] + np.sqrt(1 - rho * rho) * z[t]
    return np.asarray(ndtr(z))


def halved(random: np.random.Generator, n: int, sign: float = -1.0) -> Floats:
    """The second half is the first, or mirrors it."""
    u = random.random(n // 2)
    return np.concatenate([u, (1 - u if sign < 0 else u)])


def antithetic(random: np.random.Generator, n: int) -> Floats:
    u = random.random(n // 2)
    return np.stack([u, 1 - u], axis=1).ravel()


def joined(rho: float, random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    p = random.random(n)
    return p, ndtr(rho * ndtri(p) + np.sqrt(1 - rho * rho) * random.standard_normal(n))


def chances(x: Floats, chance: float = 2.0**-52) -> LogE:
    return repeats(x, np.full(len(x), chance))


BUGS = {
    "a range of three decades for four": Bug(lambda r, n: marginal(0.75 * r.random(n)), 150),
    "a range that starts late": Bug(lambda r, n: marginal(1 - 0.9 * r.random(n)), 500),
    "exponents in whole numbers": Bug(lambda r, n: marginal(r.integers(0, 5, n) / 4), 60),
    "a power of u": Bug(lambda r, n: marginal(r.random(n) ** 1.1), 20_000),
    "a triangle": Bug(lambda r, n: marginal(r.triangular(0, 0.5, 1, n)), 800),
    "a known density": Bug(lambda r, n: marginal(1 - np.sqrt(r.random(n)), (lambda v: 2 * (1 - v),)), 300),
    "a category never drawn": Bug(lambda r, n: marginal((r.integers(0, 49, n) + r.random(n)) / 50, (), 50), 3000),
    "correlation 0.3": Bug(lambda r, n: serial(correlated(0.3, r, n)), 1500),
    "correlation −0.5": Bug(lambda r, n: serial(correlated(-0.5, r, n)), 700),
    "correlation 0.5 at lag 3, seen in ranks": Bug(
        lambda r, n: serial(sequential_ranks(correlated(0.5, r, n, 3), r)), 1000
    ),
    "antithetic pairs": Bug(lambda r, n: serial(antithetic(r, n)), 300),
    "never the same eighth twice": Bug(
        lambda r, n: serial((np.cumsum(r.integers(1, 8, n)) % 8 + r.random(n)) / 8), 1200
    ),
    "correlation 0.5 at lag 5, seen in ranks": Bug(
        lambda r, n: serial(sequential_ranks(correlated(0.5, r, n, 5), r)), 1200
    ),
    "the second half mirrors the first": Bug(lambda r, n: serial(sequential_ranks(halved(r, n), r)), 400),
    "the second half is the first, turned": Bug(
        lambda r, n: serial((halved(r, n, 1.0) + np.arange(n) // (n // 2) / 3) % 1), 400
    ),
    "it mirrors the first from its end": Bug(
        lambda r, n: (lambda u: serial(sequential_ranks(np.concatenate([u, 1 - u[::-1]]), r)))(r.random(n // 2)), 400
    ),
    "one row of three": Bug(lambda r, n: serial(r.random(n), r.random(n), antithetic(r, n)), 400),
    "one coordinate is the other's, two points before": Bug(
        lambda r, n: (lambda u: crossed([u[2:], u[:-2]])[0])(r.random(n + 2)), 200
    ),
    "one coordinate mirrors the other": Bug(lambda r, n: (lambda u: crossed([u, 1 - u])[0])(r.random(n)), 100),
    "a number of another axis": Bug(
        lambda r, n: (lambda u: repeats(np.repeat(u, 2), np.full(n, 2.0**-30), np.arange(n) % 2))(r.random(n // 2)), 20
    ),
    "drawn in order, seen in ranks": Bug(lambda r, n: serial(sequential_ranks(np.sort(r.random(n)), r)), 60),
    "correlated coordinates": Bug(lambda r, n: pairs(*joined(0.5, r, n)), 500),
    "one coordinate near the other, by turns": Bug(
        lambda r, n: (lambda p: pairs(p, (np.round(4 * p) / 4 + 0.1 * r.random(n)) % 1))(r.random(n)), 300
    ),
    "each drawn twice": Bug(lambda r, n: chances(np.repeat(r.random(n // 2), 2)), 8),
    "a period of 64": Bug(lambda r, n: chances(np.resize(r.random(64), n)), 70),
    "a period of 1500": Bug(lambda r, n: chances(np.resize(r.random(1500), n)), 1510),
    "exponents of four digits": Bug(lambda r, n: chances(np.round(4 * r.random(n), 4)), 1500),
    "a list of 20,000 in float32": Bug(lambda r, n: chances(r.integers(0, 20_000, n) / 2e4, 2.0**-23), 2500),
}


@pytest.mark.parametrize("name", BUGS)
def test_it_is_caught(name: str) -> None:
    bug = BUGS[name]
    for seed in range(20):
        found = bug.test(np.random.default_rng(seed), bug.n)
        assert used(found.highest) > 1, (seed, found)
        assert 1 <= found.at <= bug.n


GROUPS: dict[str, tuple[Callable[[Floats, Any], Floats], Callable[[np.random.Generator], Floats]]] = {
    "histogram, 8": (lambda v, t: components.histogram(v, 8, t, 0.0), lambda r: r.triangular(0, 0.5, 1, 800)),
    "histogram, 32": (lambda v, t: components.histogram(v, 32, t, 0.0), lambda r: np.round(8 * r.random(300)) / 8),
    "ends": (lambda v, t: components.ends(v, t, 0.0), lambda r: 0.9 * r.random(800)),
    "tilts": (lambda v, t: components.tilts(v, t, 0.0), lambda r: 1 - r.random(15_000) ** 1.1),
    "markov, 4": (lambda v, t: components.markov(v, 4, t, 0.0), lambda r: antithetic(r, 400)),
    "markov, 8": (
        lambda v, t: components.markov(v, 8, t, 0.0),
        lambda r: (np.cumsum(r.integers(1, 8, 1500)) % 8 + r.random(1500)) / 8,
    ),
    "copula": (
        lambda v, t: components.copula(ndtri(v[:-1]), ndtri(v[1:]), 1, t, 0.0),
        lambda r: correlated(0.2, r, 4000),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_each_component_catches_something_by_itself(name: str) -> None:
    component, draw = GROUPS[name]
    for seed in range(5):
        v = draw(np.random.default_rng(seed))
        assert component(v, moments(len(v))).max() > THRESHOLD


def test_it_is_said_which_coordinate_depends_on_which() -> None:
    random = np.random.default_rng(5)
    u = random.random(302)
    assert crossed([u[2:], random.random(300), u[:-2]])[1] == (2, 0, 2)
    assert crossed([u, random.random(302), 1 - u])[1] == (2, 0, 0)
    assert used(crossed([u[2:], u[:-2]], lagged=False)[0].highest) < 0.3


def test_what_repeats_by_its_own_kind_is_no_repeat() -> None:
    u = np.random.default_rng(5).random(100)
    twice, likely = np.repeat(u, 2), np.full(200, 2.0**-30)
    assert used(repeats(twice, likely, np.zeros(200, dtype=np.int64)).highest) < 0.1
    assert used(repeats(twice, likely, np.arange(200) // 2).highest) < 0.1
    assert used(repeats(twice, likely, np.arange(200) % 2).highest) > 1


def test_what_one_test_is_not_for_it_does_not_see() -> None:
    random = np.random.default_rng(11)
    x = random.random(3000)
    assert used(serial(sequential_ranks(x**5, random)).highest) < 0.3, "a wrong marginal"
    assert used(pairs(sequential_ranks(x**5, random), sequential_ranks(random.random(3000) ** 4, random)).highest) < 0.3
    assert used(chances(x).highest) < 0.3


def test_at_is_where_it_first_reached_the_threshold() -> None:
    v = 0.5 * np.random.default_rng(0).random(500)
    found = marginal(v)
    assert found.highest > THRESHOLD
    assert marginal(v[: found.at]).highest >= THRESHOLD > marginal(v[: found.at - 1]).highest
    calm = marginal(np.random.default_rng(0).random(500))
    assert calm.highest < THRESHOLD
    assert marginal(np.random.default_rng(0).random(500)[: calm.at]).highest == pytest.approx(calm.highest)


EVEN: dict[str, tuple[Draw, int]] = {
    "a shuffled grid": (lambda r, n: (r.permutation(n) + 0.5) / n, 40),
    "a shuffled grid with its ends": (lambda r, n: r.permutation(n) / (n - 1), 12),
    "part of a grid of 1000": (lambda r, n: r.permutation(1000)[:n] / 1000, 180),
    "one draw a stratum": (lambda r, n: (r.permutation(n) + r.random(n)) / n, 40),
    "van der Corput, and then more": (
        lambda r, n: np.array([sum((i >> k & 1) / 2 ** (k + 1) for k in range(12)) for i in range(n)]), 100,
    ),
    "multiples of the golden section": (lambda r, n: np.array([i * 0.6180339887498949 % 1 for i in range(n)]), 100),
}  # fmt: skip


@pytest.mark.parametrize("name", EVEN)
def test_too_even_is_seen(name: str) -> None:
    draw, n = EVEN[name]
    for seed in range(20):
        logs, words = evenness(draw(np.random.default_rng(seed), n))
        assert used(logs) > 1, (seed, logs)
        assert "draws" in words


# ---- Arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 2)), np.array([0.1, np.nan]), np.array([np.inf])])
def test_what_is_not_a_stream_of_numbers_is_refused(bad: Floats) -> None:
    tests: list[Callable[[Floats], object]] = [
        marginal, serial, evenness, lambda x: pairs(x, x), lambda x: repeats(x, x),
        lambda x: sequential_ranks(x, np.random.default_rng(0)),
    ]  # fmt: skip
    for test in tests:
        with pytest.raises(ValueError, match=r"got shapes|nan or infinite"):
            test(bad)


def test_pairs_and_chances_are_checked() -> None:
    with pytest.raises(ValueError, match=r"as many of each; got shapes \(2,\), \(3,\)"):
        pairs(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r"a chance is a probability"):
        repeats(np.zeros(2), np.array([0.5, 1.5]))
    assert repeats(np.zeros(3), np.zeros(3)).highest == inf, "a repeat of what has no chance"
