"""Search's formulas: grids counted, boxes on their own scale, expected distances against quadrature and enumeration."""

from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws_spec.formulas import Numbers, search
from nnlaws_spec.hyperparameters import HYPERPARAMETERS
from nnlaws_spec.numbers import balls
from scipy.integrate import quad

AXES: dict[search.Scale, tuple[float, float]] = {
    "linear": (-2.0, 6.0),
    "log": (1e-4, 1.0),
    "one_minus_log": (0.9, 0.999),
    "integer": (3.0, 11.0),
}
every_scale = pytest.mark.parametrize(("scale", "ends"), AXES.items(), ids=AXES)


def test_se1_the_scales_are_those_of_the_hyperparameters() -> None:
    assert set(get_args(search.Scale)) == AXES.keys()
    assert {each.scale for each in HYPERPARAMETERS} == {*get_args(search.Scale)}


@every_scale
def test_se1_positions_run_from_0_to_1(scale: search.Scale, ends: tuple[float, float]) -> None:
    """Of real axes position undoes value; of whole numbers it is where they stand between the ends."""
    assert search.position(np.array(ends), *ends, scale) == pytest.approx([0, 1], abs=1e-12)
    u = np.linspace(0, 1, 9)
    if scale == "integer":
        assert search.position(np.arange(3.0, 12.0), *ends, scale).tolist() == u.tolist()
        assert search.value(u * (1 - 1e-9), *ends, scale).tolist() == [3, 4, 5, 6, 7, 8, 9, 10, 11]
        return
    assert search.position(search.value(u, *ends, scale), *ends, scale) == pytest.approx(u, abs=1e-12)
    with ctx.workprec(256):
        back = search.position(search.value(balls(u), *ends, scale), *ends, scale)
        assert all(bool(x.overlaps(arb(want))) and x.rad() < 1e-40 for x, want in zip(back, u, strict=True))


@pytest.mark.parametrize(("levels", "axes"), [(1, 3), (2, 2), (6, 2), (3, 4)])
def test_se2_a_grid_has_every_combination_once(levels: int, axes: int) -> None:
    points = search.grid([search.grid_levels(levels)] * axes)
    assert points.shape == (levels**axes, axes)
    assert len(np.unique(points, axis=0)) == levels**axes
    assert all(len(np.unique(column)) == levels for column in points.T)


def test_se2_axes_of_a_grid_may_differ() -> None:
    points = search.grid([[1.0, 2.0], [5.0, 6.0, 7.0]])
    assert points.tolist() == [[a, b] for a in (1, 2) for b in (5, 6, 7)]


@pytest.mark.parametrize("ends", get_args(search.Ends))
@pytest.mark.parametrize("count", [2, 3, 6, 50])
def test_se2_levels_are_equally_far_apart(count: int, ends: search.Ends) -> None:
    levels = search.grid_levels(count, ends)
    assert np.diff(levels) == pytest.approx(np.full(count - 1, 1 / (count - 1 if ends == "included" else count)))
    assert levels + levels[::-1] == pytest.approx(np.ones(count))
    assert (levels[0] == 0) == (ends == "included")


def test_se2_one_level_is_in_the_middle() -> None:
    assert [search.grid_levels(1, ends).tolist() for ends in get_args(search.Ends)] == [[0.5], [0.5]]


def test_se3_36_points_are_6_values_or_36() -> None:
    """The notes' figure: the important hyperparameter is tried at 6 values by a grid, at 36 at random."""
    grid = search.grid([search.value(search.grid_levels(6), *AXES[scale], scale) for scale in ("log", "linear")])
    random = np.random.default_rng(0).random((36, 2))
    assert grid.shape == random.shape
    assert [len(np.unique(column)) for column in (*grid.T, *random.T)] == [6, 6, 36, 36]


@pytest.mark.parametrize("ends", get_args(search.Ends))
@pytest.mark.parametrize("levels", [1, 2, 3, 6])
def test_se8_the_grids_distance_by_integration(levels: int, ends: search.Ends) -> None:
    at = search.grid_levels(levels, ends)
    nodes = sorted({0.0, 1.0, *at.tolist(), *((at[1:] + at[:-1]) / 2).tolist()})
    mean = sum(quad(lambda t: float(np.abs(at - t).min()), a, b)[0] for a, b in pairwise(nodes))
    assert search.grid_distance(levels, ends) == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("points", [1, 2, 9, 36])
def test_se8_random_points_distance_by_integration(points: int) -> None:
    """E = ∫∫ P(none within r of t) dr dt, the inner integral in its three pieces."""

    def beyond(t: float) -> float:
        chance: Callable[[float], float] = lambda r: float(search.miss_chance(r, t, points))  # noqa: E731
        cuts = [0.0, min(t, 1 - t), max(t, 1 - t)]
        return sum(float(quad(chance, a, b, epsabs=1e-13)[0]) for a, b in pairwise(cuts))

    mean = 2 * quad(beyond, 0, 0.5, epsabs=1e-12)[0]
    assert search.random_distance(points) == pytest.approx(mean, rel=1e-9)


def test_se8_one_point_and_two_by_hand() -> None:
    """|x − t| of two uniform numbers is 1/3 on average; of the nearer of two, 5/24."""
    assert [search.random_distance(n) for n in (1, 2)] == pytest.approx([1 / 3, 5 / 24], rel=1e-15)
    assert search.grid_distance(1) == 0.25


def test_se8_the_chance_of_a_miss_by_counting() -> None:
    """Of all pairs of midpoints of 100 cells: none within 0.2 of 0.1, where the lower end cuts the reach off."""
    at = search.grid_levels(100, "excluded")
    near = np.abs(at - 0.1) <= 0.2
    counted = float(np.mean(~near[:, None] & ~near[None, :]))
    assert search.miss_chance(0.2, 0.1, 2) == pytest.approx(counted, rel=1e-12) == pytest.approx(0.49, rel=1e-12)


@pytest.mark.parametrize("ends", get_args(search.Ends))
def test_se8_random_points_come_nearer_from_two_axes_and_two_levels_on(ends: search.Ends) -> None:
    """(n+3)/(2(n+1)(n+2)) < 1/(4k), for n = kᵈ: the more, the more levels and axes; on one axis the grid is nearer."""
    for levels in range(2, 60):
        gains = [search.grid_distance(levels, ends) / search.random_distance(levels**axes) for axes in (1, 2, 3, 4)]
        assert gains == sorted(gains)
        assert gains[1] > 1
        assert (ends == "included" and levels == 2) or gains[0] < 1
    assert search.grid_distance(50, ends) / search.random_distance(2500) == pytest.approx(50 / 2, rel=0.03)


@every_scale
def test_se9_to_se12_the_finer_box_on_its_own_scale(scale: search.Scale, ends: tuple[float, float]) -> None:
    incumbents = np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
    low, high = search.refined(0.0, 1.0, incumbents, shrink=0.5)
    assert ((low >= 0) & (high <= 1)).all()  # SE-9
    assert (high - low <= 0.5 + 1e-15).all()  # SE-10
    assert ((low <= incumbents) & (incumbents <= high)).all()  # SE-11
    inside = (low > 0) & (high < 1)
    assert (high - incumbents)[inside] == pytest.approx((incumbents - low)[inside])  # SE-12
    assert (high - low)[[0, 3, 5]] == pytest.approx([0.25, 0.5, 0.25])
    if scale != "integer":
        values = [search.value(each, *ends, scale) for each in (low, incumbents, high)]
        assert ((ends[0] - 1e-12 <= values[0]) & (values[2] <= ends[1] + 1e-12)).all()
        assert ((values[0] <= values[1]) & (values[1] <= values[2])).all()


def test_se10_half_of_four_decades_is_two() -> None:
    low, high = (search.value(u, 1e-4, 1.0, "log") for u in search.refined(0.0, 1.0, 0.5, shrink=0.5))
    assert (low, high) == pytest.approx((1e-3, 1e-1), rel=1e-12)
    low, high = (search.value(u, 0.9, 0.999, "one_minus_log") for u in search.refined(0.0, 1.0, 0.5, shrink=0.5))
    assert (1 - low) / (1 - high) == pytest.approx(10, rel=1e-12)


def test_se9_to_se12_in_balls() -> None:
    with ctx.workprec(256):
        low, high = search.refined(balls([0.0, 0.5]), balls([1.0, 0.75]), balls([0.125, 0.625]), shrink=0.5)
        assert [float(x) for x in (*low, *high)] == [0, 0.5625, 0.375, 0.6875]


def test_se13_boxes_shrink_geometrically() -> None:
    """However the best moves within its box, the box of round r is at most sʳ wide, and a best in it as near."""
    random = np.random.default_rng(0)
    low, high = np.zeros(50), np.ones(50)
    for round in range(8):
        assert (high - low <= search.widest(0.7, round) * (1 + 1e-12)).all()
        incumbent = low + (high - low) * random.random(50)
        low, high = search.refined(low, high, incumbent, shrink=0.7)
        assert ((low <= incumbent) & (incumbent <= high)).all()


@pytest.mark.parametrize(
    "losses", [[1.0], [3.0, 1.0, 2.0], [np.nan, 5.0, np.inf, 2.0], [4.0, -np.inf, np.nan], [np.nan, np.inf]]
)
def test_se14_the_best_is_the_least(losses: list[float]) -> None:
    chosen = losses[search.best(np.array(losses))]
    assert all(not other < chosen for other in losses)
    assert not np.isnan(chosen)


def test_se15_each_point_is_asked_once() -> None:
    asked: list[list[float]] = []

    def objective(point: Numbers) -> float:
        asked.append(point.tolist())
        return float(point[0] - point[1])

    points = np.random.default_rng(0).random((5, 2))
    assert search.independent_trials(objective, points).tolist() == (points[:, 0] - points[:, 1]).tolist()
    assert asked == points.tolist()


def test_se16_order_does_not_matter() -> None:
    points = np.array([[0.3], [0.1], [0.9], [0.5]])
    for order in permutations(range(4)):
        losses = search.independent_trials(lambda point: float((point[0] - 0.45) ** 2), points[list(order)])
        assert points[order[search.best(losses)]] == 0.5


def _record(seen: list[Any], losses: list[float]) -> Callable[[Any, Numbers], tuple[Any, float]]:
    """A train whose models are the numbers of calls, and that writes down what it was given."""

    def train(model: Any, point: Numbers) -> tuple[Any, float]:
        seen.append((model, point.tolist()))
        return len(seen), losses[len(seen) - 1]

    return train


def _towards_less(points: Any, losses: Any) -> Numbers:
    return points[-1] * (0.5 if len(losses) > 1 and losses[-1] > losses[-2] else 2.0)


def test_se17_one_model_is_handed_on() -> None:
    seen: list[Any] = []
    points, losses = search.one_trajectory(_record(seen, [3.0, 1.0, 2.0]), np.array([1.0]), 3, _towards_less)
    assert [model for model, _ in seen] == [None, 1, 2]
    assert [point for _, point in seen] == points.tolist() == [[1], [2], [4]]
    assert losses.tolist() == [3, 1, 2]


def test_se18_settings_follow_the_losses_seen_and_no_others() -> None:
    runs = [[3.0, 1.0, 2.0, 9.0, 9.0], [3.0, 1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 2.0, 9.0, 9.0]]
    points = [
        search.one_trajectory(_record([], losses), np.array([1.0]), 5, _towards_less)[0].ravel() for losses in runs
    ]
    assert points[0][:4].tolist() == points[1][:4].tolist() == [1, 2, 4, 2]
    assert points[0][4] != points[1][4]  # the fourth losses differ
    assert points[2].tolist() == [1, 2, 1, 2, 1]
