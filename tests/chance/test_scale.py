"""Scales of hyperparameters: positions are uniform, no sound draw is refused, and no number is likelier than said."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.operation import Operation
from nnlaws.chance import GRAIN, THRESHOLD, marginal
from nnlaws.chance.eprocesses import STEEPEST
from nnlaws.chance.scale import RESOLUTION, Scale, granularity, mistaken
from nnlaws.chapters.sampling.drawing import KINDS
from nnlaws.chapters.sampling.inputs import BOXES
from nnlaws.chapters.sampling.operations import SAMPLE_INTEGER
from nnlaws.chapters.search.inputs import SPACES, scale_of
from scipy import stats

Floats = np.ndarray[Any, Any]
Map = Callable[[Floats, Any, Any], Floats]

SCALES = [
    *(
        Scale(kind, *box)
        for operation, kind in KINDS.items()
        if kind != "integer"
        for box in BOXES[operation.name].values()
    ),
    Scale("reverse_log", 0.9, 0.999),
    Scale("reverse_log", 0.5, 0.95),
    *(scale_of(axis) for axes in SPACES.values() for axis in axes if axis.scale != "integer"),
]
INTEGERS = [Scale("integer", *box) for box in BOXES["sample_integer"].values()]
DTYPES = (np.float32, np.float64)

every_scale = pytest.mark.parametrize("scale", SCALES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def line(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(low + u * (high - low))


def both_ends(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(low * (1 - u) + high * u)


def exponential(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(np.exp(line(u, np.log(low), np.log(high))))


def powers_of_ten(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(u.dtype.type(10) ** line(u, np.log10(low), np.log10(high)))


def power_of_the_ratio(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(low * (high / low) ** u)


def quantiles(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(stats.loguniform(low, high).ppf(u)).astype(u.dtype)


def complement(of: Map) -> Map:
    return lambda u, low, high: 1 - of(u, 1 - low, 1 - high)


def reflected(of: Map) -> Map:
    return lambda u, low, high: low + high - of(1 - u, low, high)


def by_expm1(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(-np.expm1(line(u, np.log1p(-low), np.log1p(-high))))


def complement_of_quantiles(u: Floats, low: Any, high: Any) -> Floats:
    return np.asarray(1 - quantiles(1 - u, 1 - high, 1 - low))


_LOGS: tuple[Map, ...] = (exponential, powers_of_ten, power_of_the_ratio, quantiles)
MAPS: dict[str, tuple[Map, ...]] = {
    "linear": (line, both_ends),
    "log": _LOGS,
    "one_minus_log": (*map(complement, _LOGS[:3]), by_expm1, complement_of_quantiles),
    "reverse_log": tuple(map(reflected, _LOGS)),
}


def draws(scale: Scale, dtype: Any, of: Map, n: int, seed: int) -> Floats:
    """Draws as a sound sampler makes them, all of it in the dtype."""
    u = np.random.default_rng(seed).random(n, dtype=dtype)
    return of(u, dtype(scale.low), dtype(scale.high)).astype(dtype)


def rounded(scale: Scale, dtype: Any, n: int, seed: int) -> Floats:
    """Draws as close as the dtype has them."""
    return scale.value(np.random.default_rng(seed).random(n)).astype(dtype)


@every_scale
def test_a_position_is_that_of_its_value(scale: Scale) -> None:
    u = np.linspace(0, 1, 101)
    assert np.allclose(scale.position(scale.value(u)), u, rtol=0, atol=1e-9)
    assert scale.value(np.array([0.0, 1.0])) == pytest.approx([scale.low, scale.high], rel=1e-14)
    assert (np.diff(scale.value(u)) > 0).all()


@every_scale
@every_dtype
def test_positions_of_rounded_draws_are_uniform(scale: Scale, dtype: Any) -> None:
    """Also near 0.999 in float32, where one step of the dtype is a tenth of a thousandth of the scale."""
    u = scale.uniform(rounded(scale, dtype, 200_000, 1), np.random.default_rng(2))
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    fine = np.bincount((u * 5000).astype(int).clip(0, 4999), minlength=5000)
    assert stats.chisquare(fine).pvalue > 1e-4


def test_positions_would_not_be_uniform_if_a_draw_were_one_point() -> None:
    scale = Scale("one_minus_log", 0.99, 0.99999)
    u = scale.position(rounded(scale, np.float32, 200_000, 1).astype(np.float64)).clip(0, 1)
    fine = np.bincount((u * 5000).astype(int).clip(0, 4999), minlength=5000)
    assert stats.chisquare(fine).pvalue < 1e-100


@pytest.mark.parametrize("scale", INTEGERS, ids=str)
def test_positions_of_integers_are_uniform(scale: Scale) -> None:
    x = np.random.default_rng(1).integers(int(scale.low), int(scale.high), 200_000, endpoint=True)
    assert scale.count > len(x) or scale.count == len(np.unique(x))
    assert stats.kstest(scale.uniform(x, np.random.default_rng(2)), "uniform").pvalue > 1e-4


@every_scale
@every_dtype
def test_no_number_is_likelier_than_its_chance(scale: Scale, dtype: Any) -> None:
    """How many of all uniform numbers of 12 bits, of 2²³, come to one number: no more than its chance has room for."""
    coarse = RESOLUTION[np.dtype(dtype).name]
    for of, start in product(MAPS[scale.kind], (0.0, 0.37, 0.99, 1 - 4096 * coarse)):
        u = (start + np.arange(4096) * coarse).clip(0, 1).astype(dtype)
        x = of(u, dtype(scale.low), dtype(scale.high)).astype(dtype)
        found, counts = np.unique(x, return_counts=True)
        assert (counts * coarse <= scale.chance(found) * (1 + 1e-9)).all()


def test_chances_are_no_larger_than_rounding_makes_them() -> None:
    """Where the dtype is fine, a draw is as likely as a uniform number; where it is coarse, as a few steps of it."""
    fine, coarse = Scale("linear", 0.0, 1.0), Scale("one_minus_log", 0.9, 0.999)
    assert fine.chance(np.array([0.3])) < 2**-31
    step = np.diff(coarse.position(np.array([0.99, np.nextafter(np.float32(0.99), np.float32(1))])))[0]
    assert step < coarse.chance(np.array([0.99], np.float32))[0] < 64 * step


@every_scale
@every_dtype
def test_the_distribution_of_sound_draws_is_within_the_grain(scale: Scale, dtype: Any) -> None:
    """The least u that comes to x or more, of each algorithm, is where it should be."""
    for of in MAPS[scale.kind]:
        u = np.linspace(0, 1, 2001).astype(dtype)
        x = of(u, dtype(scale.low), dtype(scale.high)).astype(dtype)
        inside = x.astype(np.float64).clip(scale.low, scale.high)
        assert np.abs(scale.position(inside) - u).max() <= scale.grain(x)
    assert scale.grain(np.array([scale.low])) >= GRAIN


@every_scale
@every_dtype
def test_no_sound_draw_is_outside(scale: Scale, dtype: Any) -> None:
    ends = np.array([0, 2.0**-24, 2.0**-12, 1 - 2.0**-12, 1 - 2.0**-24, 1 - 2.0**-53, 1])
    for of in MAPS[scale.kind]:
        x = np.concatenate(
            [draws(scale, dtype, of, 2000, 3), of(ends.astype(dtype), dtype(scale.low), dtype(scale.high))]
        )
        assert not len(scale.outside(x.astype(dtype)))


@every_scale
@every_dtype
def test_what_is_beyond_rounding_is_outside(scale: Scale, dtype: Any) -> None:
    low, high = np.array([scale.low]), np.array([scale.high])
    below, above = low - 2.5 * scale.rounding(low.astype(dtype)), high + 2.5 * scale.rounding(high.astype(dtype))
    x = np.concatenate([below, above, (low + high) / 2]).astype(dtype)
    assert len(scale.outside(x)) == 2


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float32, np.float64])
def test_integers_are_whole_and_not_off_at_all(dtype: Any) -> None:
    scale = Scale("integer", 2, 10)
    assert not len(scale.outside(np.arange(2, 11).astype(dtype)))
    assert list(scale.outside(np.array([1, 2, 11]).astype(dtype))) == [1, 11]
    assert list(scale.outside(np.array([2.0, 2.5, np.nextafter(10, 9)]))) == [2.5, np.nextafter(10, 9)]


def test_nan_is_outside() -> None:
    assert len(Scale("log", 1e-4, 1.0).outside(np.array([np.nan, np.inf, -np.inf, 0.5]))) == 3


def test_the_numbers_say_what_they_were_computed_in() -> None:
    single = np.random.default_rng(1).random(100, dtype=np.float32)
    assert granularity(single).name == granularity(single.astype(np.float64)).name == "float32"
    assert granularity(np.random.default_rng(1).random(100)).name == "float64"


SAMPLED = [scale for scale in SCALES if any((scale.low, scale.high) in each.values() for each in BOXES.values())]
MISTAKEN = [(scale, number, density) for scale in SAMPLED for number, density in enumerate(mistaken(scale))]


@pytest.mark.parametrize(("scale", "number", "density"), MISTAKEN, ids=lambda x: str(x) if isinstance(x, Scale) else "")
def test_densities_of_other_scales_are_densities_and_not_too_steep(
    scale: Scale, number: int, density: Callable[[Floats], Floats]
) -> None:
    """As `marginal` asks of them: integral 1, and neither height nor total variation above STEEPEST."""
    u = np.linspace(0, 1, 200_001)
    p = density(u)
    assert (p >= 0).all()
    assert float(np.trapezoid(p, u)) == pytest.approx(1, abs=1e-5)
    assert p.max() <= STEEPEST
    assert np.abs(np.diff(p)).sum() <= STEEPEST


@pytest.mark.parametrize("operation", [operation for operation in KINDS if operation is not SAMPLE_INTEGER], ids=str)
def test_another_scale_is_seen_in_draws_from_it(operation: Operation) -> None:
    """What density is of which scale: draws from that scale are refused by it, in a few hundred draws."""
    scale = Scale(KINDS[operation], *next(iter(BOXES[operation.name].values())))
    for kind in ("linear", "log", "one_minus_log"):
        other = Scale(kind, scale.low, scale.high)
        if kind == scale.kind or (kind == "log" and scale.low <= 0) or (kind == "one_minus_log" and scale.high >= 1):
            continue
        x = other.value(np.random.default_rng(1).random(400))
        seen = marginal(scale.uniform(x, np.random.default_rng(2)), mistaken(scale), grain=scale.grain(x))
        assert seen.highest > THRESHOLD


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_cell_and_its_mirror_image_are_no_likelier_than_it_is_said(dtype: Any) -> None:
    """Near 1 float32 is coarse on a scale of 1 − x, and far from it fine: each cell has the chances of both."""
    scale, random = Scale("one_minus_log", 0.5, 0.99999, coarse=True), np.random.default_rng(3)
    x = scale.value(random.random(400_000)).astype(dtype)
    cells, likely = scale.cells(x, random)
    seen, places, counts = np.unique(cells, return_index=True, return_counts=True)
    expected = np.maximum(len(x) * likely[places], 1e-12)
    # a Poisson count above 40 + 3 times its mean has a probability below 1e-9 for every cell there is
    assert (counts <= 40 + 3 * expected).all()
    assert len(seen) > 100


def test_numbers_outside_lie_in_cells_of_their_own() -> None:
    scale, random = Scale("linear", 0.0, 1.0), np.random.default_rng(4)
    cells, _ = scale.cells(np.array([2.0, 2.0, -1.0, 0.5]), random)
    assert len(set(cells)) == 4
    assert (cells[:3] < 0).all()
    assert cells[3] >= 0
