"""The reference searches: each axis on its own scale, boxes that nest, trials that do not wait for each other."""

import math
import operator
import random as shuffling
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from time import perf_counter, sleep
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws_reference import (
    Axis,
    Trials,
    caviar,
    coarse_to_fine,
    grid_search,
    log_uniform_inverse,
    log_uniform_map,
    one_minus_log_uniform_inverse,
    panda,
    random_search,
    refine,
)
from nnlaws_reference.search import Points, Space
from scipy import stats

RATE = Axis("learning rate", 1e-4, 1.0, "log")
MOMENTUM = Axis("momentum", 0.9, 0.999, "one_minus_log")
DROPOUT = Axis("dropout", 0.0, 0.5, "linear")
LAYERS = Axis("layers", 2, 9, "integer")
SPACE = (RATE, MOMENTUM, DROPOUT, LAYERS)
START = np.array([0.01, 0.99, 0.1, 3.0])


def unit(points: Points, space: Space = SPACE) -> Points:
    """The points (n, d) in [0, 1]^d, each axis on its own scale."""
    inverses = {"log": log_uniform_inverse, "one_minus_log": one_minus_log_uniform_inverse}
    return np.stack(
        [
            inverses[axis.scale](column, low=axis.low, high=axis.high)
            if axis.scale in inverses
            else (column - axis.low) / (axis.high - axis.low)
            for axis, column in zip(space, points.T, strict=True)
        ],
        axis=-1,
    )


def bowl(point: Points) -> float:
    """Best at α = 1e-3, β = .99, dropout .2 and 5 layers."""
    rate, momentum, dropout, layers = point.tolist()
    far = (math.log10(rate) + 3, math.log10(1 - momentum) + 2, dropout - 0.2, (layers - 5) / 5)
    return math.hypot(*far)


def same(a: Trials, b: Trials) -> bool:
    alike = np.array_equal(a.points, b.points) and np.array_equal(a.losses, b.losses, equal_nan=True)
    return alike and a.best == b.best


def in_box(points: Points, space: Space = SPACE) -> bool:
    box = np.array([axis[1:3] for axis in space], dtype=np.float64)
    whole = [axis.scale == "integer" for axis in space]
    inside = (points >= box[:, 0]) & (points <= box[:, 1])
    return bool(inside.all() and (points[:, whole] == np.rint(points[:, whole])).all())


def test_se1_se2_a_grid_has_every_combination_once() -> None:
    points = grid_search(SPACE, per_axis=3)
    assert points.shape == (81, 4)
    assert len({tuple(point) for point in points.tolist()}) == 81
    levels = [[1e-4, 1e-2, 1], [0.9, 0.99, 0.999], [0, 0.25, 0.5], [2, 6, 9]]  # 5.5 layers are 6
    for column, values in zip(points.T, levels, strict=True):
        assert np.unique(column).tolist() == pytest.approx(values, rel=1e-14)
    assert points[:3, -1].tolist() == [2, 6, 9]
    assert grid_search([RATE], per_axis=1).tolist() == [[pytest.approx(0.01)]]
    assert grid_search([LAYERS], per_axis=8)[:, 0].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]


def test_se2_se3_six_values_or_thirty_six() -> None:
    """N2's own numbers."""
    grid, drawn = grid_search(SPACE[:2], per_axis=6), random_search(SPACE[:2], budget=36, seed=0)
    assert [len(np.unique(column)) for column in grid.T] == [6, 6]
    assert [len(np.unique(column)) for column in drawn.T] == [36, 36]


def test_se1_se4_se5_random_points() -> None:
    points = random_search(SPACE, budget=20_000, seed=0)
    assert in_box(points)
    u = unit(points)
    for column in u.T[:3]:
        assert stats.kstest(column, "uniform").pvalue > 1e-6
    assert stats.chisquare(np.unique(points[:, 3], return_counts=True)[1]).pvalue > 1e-6
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 5 / math.sqrt(20_000)


def test_se6_se7_seeds_and_streams() -> None:
    points = random_search(SPACE, budget=50, seed=3)
    assert np.array_equal(points, random_search(SPACE, budget=50, seed=3))
    assert np.array_equal(points, random_search(SPACE, budget=50, seed=np.random.default_rng(3)))
    assert np.array_equal(points[:20, :2], random_search(SPACE[:2], budget=20, seed=3))
    assert not np.isin(points[:, 0], random_search(SPACE, budget=50, seed=4)[:, 0]).any()
    twice = random_search((RATE, RATE), budget=50, seed=3)
    assert not np.isin(twice[:, 0], twice[:, 1]).any()
    stream = np.random.default_rng(3)
    first, second = (random_search(SPACE, budget=50, seed=stream) for _ in range(2))
    assert not np.isin(first[:, 0], second[:, 0]).any()


def test_plain_tuples_are_axes() -> None:
    plain: Any = [tuple(axis) for axis in SPACE]
    assert np.array_equal(random_search(plain, budget=5, seed=0), random_search(SPACE, budget=5, seed=0))


def test_a_hundred_thousand_points_take_well_under_a_tenth_of_a_second() -> None:
    """The best of a few: others may be at work on this machine."""
    taken: list[float] = []
    for seed in range(5):
        began = perf_counter()
        assert random_search((*SPACE, RATE), budget=100_000, seed=seed).shape == (100_000, 5)
        taken.append(perf_counter() - began)
    assert min(taken) < 0.1


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(0.01, 0.99))
@settings(deadline=None)
def test_se9_to_se12_a_finer_box(share: list[float], shrink: float) -> None:
    point = np.array(
        [
            log_uniform_map(np.array(share[0]), low=1e-4, high=1.0),
            random_search([MOMENTUM], budget=1, seed=int(share[1] * 1e6))[0, 0],
            share[2] / 2,
            2 + round(7 * share[3]),
        ]
    )
    box = refine(SPACE, point, shrink=shrink)
    assert box.shape == (4, 2)
    assert in_box(box.T)
    assert ((box[:, 0] <= point) & (point <= box[:, 1])).all()
    low, middle, high = unit(np.stack([box[:, 0], point, box[:, 1]]))
    assert (high - low <= shrink + 1e-12).all()
    free = (middle - shrink / 2 > 0) & (middle + shrink / 2 < 1) & [True, True, True, False]
    assert np.abs(low + high - 2 * middle)[free].max(initial=0) < 1e-12
    assert np.abs(high - low - shrink)[free].max(initial=0) < 1e-12


def test_se11_whole_numbers_are_rounded_towards_the_incumbent() -> None:
    assert refine([LAYERS], [5], shrink=0.5).tolist() == [[4, 6]]  # from 3.25 to 6.75
    assert refine([LAYERS], [9], shrink=0.5).tolist() == [[8, 9]]
    assert refine([LAYERS], [5], shrink=0.1).tolist() == [[5, 5]]


def test_se13_each_round_searches_round_the_best_of_all_rounds_so_far() -> None:
    rounds, budget, shrink = 6, 20, 0.4
    points, losses, best = coarse_to_fine(SPACE, bowl, rounds=rounds, budget=budget, shrink=shrink, seed=1)
    assert points.shape == (rounds * budget, 4)
    space: Space = SPACE
    for number in range(1, rounds):
        so_far = points[int(np.argmin(losses[: number * budget]))]
        box = refine(space, so_far, shrink=shrink).tolist()
        space = tuple(axis._replace(low=low, high=high) for axis, (low, high) in zip(space, box, strict=True))
        assert in_box(points[number * budget : (number + 1) * budget], space)
    assert losses[best] == min(losses) == bowl(points[best])
    # Independent streams: no round repeats where another's points lie in its box.
    assert len(np.unique(points[:, 0])) == rounds * budget
    first = coarse_to_fine(SPACE, bowl, rounds=1, budget=9, shrink=0.5, seed=1)
    assert same(first, Trials(points[:9], losses[:9], int(np.argmin(losses[:9]))))


def test_se13_the_best_of_an_earlier_round_is_kept() -> None:
    """Only the seventh trial ever is good: all later rounds stay round it."""
    calls: list[Points] = []

    def objective(point: Points) -> float:
        calls.append(point)
        return 0.0 if len(calls) == 7 else 1.0

    points, _, best = coarse_to_fine(SPACE, objective, rounds=4, budget=10, shrink=0.5, seed=0)
    assert best == 6
    spread = [np.ptp(unit(points[10 * number : 10 * number + 10])[:, 0]) for number in range(4)]
    assert np.abs(unit(points[30:])[:, 0] - unit(points)[6, 0]).max() <= 0.5**3
    assert spread[3] < spread[0]


def test_many_rounds_end_in_a_point() -> None:
    points, losses, best = coarse_to_fine(SPACE, bowl, rounds=60, budget=3, shrink=0.1, seed=0)
    assert in_box(points)
    assert np.array_equal(points[-1], points[best])
    assert losses[-1] == losses[best]


def test_coarse_to_fine_without_a_number_yet_stays_coarse() -> None:
    seen: list[Points] = []

    def objective(point: Points) -> float:
        seen.append(point)
        return math.nan if len(seen) <= 40 else 1.0

    points, _, best = coarse_to_fine(SPACE, objective, rounds=3, budget=20, shrink=0.1, seed=0)
    assert best == 40
    assert np.ptp(unit(points[40:])[:, 0]) > 0.5


def test_se14_se15_the_least_loss_of_trials_that_each_ran_once() -> None:
    seen: list[Points] = []

    def objective(point: Points) -> float:
        seen.append(point.copy())
        point[:] = math.nan  # its own copy
        return bowl(seen[-1])

    points, losses, best = caviar(SPACE, objective, budget=40, seed=0)
    assert np.array_equal(seen, points)
    assert np.array_equal(points, random_search(SPACE, budget=40, seed=0))
    assert losses.tolist() == [bowl(point) for point in points]
    assert best == int(np.argmin(losses))
    assert caviar(SPACE, lambda point: 1.0, budget=5, seed=0).best == 0


@pytest.mark.parametrize("others", [math.inf, 3.0])
def test_se14_a_loss_that_is_no_number_never_wins(others: float) -> None:
    losses = iter([math.nan, others, math.nan, others])
    assert caviar(SPACE, lambda point: next(losses), budget=4, seed=0).best == 1


def test_se14_of_no_numbers_none_is_best() -> None:
    with pytest.raises(ValueError, match="got NaN from all of the 4 trials"):
        caviar(SPACE, lambda point: math.nan, budget=4, seed=0)


class Reordering(Executor):
    """Runs what it is given in another order, when it is asked for the first result."""

    def __init__(self, seed: int) -> None:
        self.random, self.waiting = shuffling.Random(seed), list[tuple[Future[Any], Callable[[], Any]]]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        executor = self

        class Lazy(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                executor.run()
                return super().result(timeout)

        future = Lazy()
        self.waiting.append((future, lambda: fn(*args, **kwargs)))
        return future

    def run(self) -> None:
        self.random.shuffle(self.waiting)
        while self.waiting:
            future, call = self.waiting.pop()
            future.set_result(call())


def executors() -> Iterable[Executor]:
    yield from (Reordering(0), Reordering(1))
    for workers in (1, 2, 7):
        with ThreadPoolExecutor(workers) as pool:
            yield pool


def test_se16_trials_do_not_depend_on_order_or_workers() -> None:
    alone = caviar(SPACE, bowl, budget=30, seed=5)
    assert all(same(alone, caviar(SPACE, bowl, budget=30, seed=5, executor=executor)) for executor in executors())


def test_se16_nor_on_processes() -> None:
    """With an objective that a fresh process can import."""
    alone, failing = caviar(SPACE, math.fsum, budget=30, seed=5), cast(Any, operator.index)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert same(alone, caviar(SPACE, math.fsum, budget=30, seed=5, executor=pool))
        with pytest.raises(TypeError, match="integer") as raised:
            caviar(SPACE, failing, budget=3, seed=5, executor=pool)
    assert any("raised in trial 0" in note for note in raised.value.__notes__)


def test_se16_trials_do_not_depend_on_losses() -> None:
    losses = np.random.default_rng(0).random(30).tolist()
    others = iter(losses)
    points = caviar(SPACE, lambda point: next(others), budget=30, seed=5).points
    assert np.array_equal(points, caviar(SPACE, bowl, budget=30, seed=5).points)


def fails_beyond(point: Points) -> float:
    if point[0] > 0.01:
        raise ArithmeticError("diverged")
    return 1.0


@pytest.mark.parametrize("make", [None, lambda: ThreadPoolExecutor(3)], ids=["alone", "threads"])
def test_what_an_objective_raises_is_raised_with_its_point(make: Callable[[], Executor] | None) -> None:
    points = random_search(SPACE, budget=20, seed=0)
    first = int(np.flatnonzero(points[:, 0] > 0.01)[0])
    executor = make() if make else None
    with pytest.raises(ArithmeticError, match="diverged") as raised:
        caviar(SPACE, fails_beyond, budget=20, seed=0, executor=executor)
    if executor:
        executor.shutdown()
    assert f"raised in trial {first}, at the point {points[first].tolist()}" in raised.value.__notes__


def test_trials_that_have_not_begun_are_cancelled() -> None:
    ran: list[int] = []

    def objective(point: Points) -> float:
        ran.append(1)
        sleep(0.005)
        raise ArithmeticError("diverged")

    with ThreadPoolExecutor(1) as pool, pytest.raises(ArithmeticError):
        caviar(SPACE, objective, budget=200, seed=0, executor=pool)
    assert len(ran) < 200


class Learner:
    """A model that is only ever trained on: its loss is the bowl's and falls with each call."""

    def __init__(self, losses: Iterable[float] | None = None) -> None:
        self.calls, self.losses = list[tuple[Any, Points]](), None if losses is None else iter(losses)

    def train(self, model: int | None, point: Points) -> tuple[int, float]:
        self.calls.append((model, point.copy()))
        trained = 1 if model is None else model + 1
        return trained, bowl(point) + 1 / trained if self.losses is None else next(self.losses)


def test_se15_se17_one_model_is_trained_on() -> None:
    learner = Learner()
    points, losses, best = panda(SPACE, learner.train, start=START, budget=40, seed=0)
    assert [model for model, _ in learner.calls] == [None, *range(1, 40)]
    assert np.array_equal([point for _, point in learner.calls], points)
    assert np.array_equal(points[0], START)
    assert in_box(points)
    assert losses.tolist() == [bowl(point) + 1 / (t + 1) for t, point in enumerate(points)]
    assert best == int(np.argmin(losses))


@given(st.lists(st.floats(allow_infinity=True), min_size=12, max_size=12), st.integers(1, 11), st.integers(0, 5))
@settings(deadline=None)
def test_se18_no_setting_depends_on_a_loss_still_to_come(losses: list[float], t: int, seed: int) -> None:
    losses[0] = 1.0
    other = [*losses[:t], *(-7.0 * k for k in range(t, 12))]
    one, two = (panda(SPACE, Learner(each).train, start=START, budget=12, seed=seed) for each in (losses, other))
    assert np.array_equal(one.points[: t + 1], two.points[: t + 1])
    assert in_box(one.points)
    assert same(two, panda(SPACE, Learner(other).train, start=START, budget=12, seed=seed))


@pytest.mark.parametrize("seed", range(20))
def test_se18_settings_change_by_what_is_seen(seed: int) -> None:
    falling, rising = (
        panda(SPACE, Learner(losses).train, start=START, budget=6, seed=seed).points
        for losses in ([6.0, 5, 4, 3, 2, 1], [1.0, 2, 3, 4, 5, 6])
    )
    assert np.array_equal(falling[:2], rising[:2])
    assert not np.array_equal(falling[2], rising[2])
    assert ((falling[1:] != falling[:-1]).sum(axis=1) == 1).all()  # one axis at a time
    assert ((rising[1:] != START).sum(axis=1) == 1).all()  # what did not help is taken back


def test_panda_finds_its_way() -> None:
    """From a bad corner, in the median over seeds, it comes nearer to the best than it was by a factor of ten."""
    corner = np.array([1.0, 0.9, 0.5, 9.0])

    def train(model: None, point: Points) -> tuple[None, float]:
        return None, bowl(point)

    last = [min(panda(SPACE, train, start=corner, budget=60, seed=seed).losses) for seed in range(21)]
    assert np.median(last) < bowl(corner) / 10


def test_an_axis_may_be_held() -> None:
    held = (RATE, Axis("momentum", 0.9, 0.9, "one_minus_log"), Axis("layers", 3, 3, "integer"))
    assert (random_search(held, budget=5, seed=0)[:, 1:] == [0.9, 3]).all()
    assert refine(held, [0.01, 0.9, 3], shrink=0.5)[1:].tolist() == [[0.9, 0.9], [3, 3]]
    points = panda(held, lambda model, point: (None, 1.0), start=[0.01, 0.9, 3], budget=9, seed=0).points
    assert (points[1:, 0] != 0.01).all()
    fixed = panda(held[1:], lambda model, point: (None, 1.0), start=[0.9, 3], budget=3, seed=0).points
    assert (fixed == [0.9, 3]).all()


def search(*axes: Any) -> Points:
    return random_search(axes, budget=1, seed=0)


def refined(*, rounds: int, budget: int) -> Trials:
    return coarse_to_fine(SPACE, bowl, rounds=rounds, budget=budget, shrink=0.5, seed=0)


def nursed(*start: float) -> Trials:
    return panda(SPACE, Learner().train, start=start, budget=2, seed=0)


REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "no axes": ("a space of at least one axis", lambda: search()),
    "three": (r"axis 1: expected \(name, low, high, scale\), got", lambda: search(RATE, ("x", 0, 1))),
    "scale": ("axis 'x': expected a scale of linear, log, .* got 'ln'", lambda: search(("x", 1, 2, "ln"))),
    "reversed": ("axis 'x': expected low ≤ high, both finite", lambda: search(RATE, Axis("x", 2, 1, "linear"))),
    "log": ("axis 'x': expected 0 < low ≤ high, both finite .* got 0.0 and 1", lambda: search(Axis("x", 0, 1, "log"))),
    "one": ("axis 'x': expected low ≤ high < 1", lambda: search(Axis("x", 0, 1, "one_minus_log"))),
    "half": ("axis 'x': expected whole numbers low ≤ high", lambda: search(Axis("x", 0.5, 3, "integer"))),
    "nan": ("axis 'x': expected low ≤ high, both finite", lambda: search(Axis("x", math.nan, 3, "linear"))),
    "far": ("axis 'x': .* neither beyond 2.53", lambda: search(Axis("x", 0, 2.0**60, "integer"))),
    "budget": ("budget to be a whole number ≥ 1, got 0", lambda: random_search(SPACE, budget=0, seed=0)),
    "no budget": ("budget to be a whole", lambda: refined(rounds=2, budget=0)),
    "rounds": ("rounds to be a whole number", lambda: refined(rounds=0, budget=2)),
    "per_axis": ("per_axis to be a whole number ≥ 1, got -2", lambda: grid_search(SPACE, per_axis=-2)),
    "crowded": ("axis 'layers': a grid of 9 values does not fit between", lambda: grid_search(SPACE, per_axis=9)),
    "shrink": (r"expected shrink in \(0, 1\), .* got 1", lambda: refine(SPACE, START, shrink=1)),
    "outside": (
        "axis 'momentum': expected the incumbent between 0.9 and 0.999, got 0.5",
        lambda: refine(SPACE, [0.01, 0.5, 0.1, 3], shrink=0.5),
    ),
    "start": (
        "axis 'layers': expected start a whole number between 2.0 and 9.0, got 2.5",
        lambda: nursed(0.01, 0.99, 0.1, 2.5),
    ),
    "shape": (r"start to be a point of 4 numbers.* got shape \(2,\)", lambda: nursed(0.01, 0.9)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    words, call = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()


def test_a_train_that_returns_no_loss_is_told_so() -> None:
    train: Any = lambda model, point: 0.5  # noqa: E731
    with pytest.raises(TypeError, match="expected train to return the model and its loss, got float"):
        panda(SPACE, train, start=START, budget=2, seed=0)
