"""The laws of search: no sound one is refused, each mistake breaks its own clauses, and any result is an outcome."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.chapters.search.inputs import scale_of
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import LawResult, Outcome, Report
from nnlaws.rounding.formats import format_of
from nnlaws_reference import search
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import silence

NAMES = [name for name, each in OPERATIONS.items() if chapter_of(each).name == "search"]
DOUBLE = format_of(np.dtype(np.float64))
Space = tuple[search.Axis, ...]


def judged(name: str, function: Callable[..., Any]) -> Report:
    return check(SimpleNamespace(**{name: function}), operations=[name], profile="quick")


def violated(report: Report) -> dict[str, LawResult]:
    return {each.clause: each for each in report.results if each.outcome is Outcome.VIOLATES}


# ---- No false alarms -------------------------------------------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_never_refused(name: str) -> None:
    subject, ruler = GuardedSubject(getattr(search, name), OPERATIONS[name]), Ruler(OPERATIONS[name], DOUBLE, {})
    for law in LAWS:
        if law.operation.name != name:
            continue
        for seed in range(3):
            for case in law.trials[:6]:
                with silence(), suppress(NotOffered):  # in another process
                    fresh = replace(case, seed=1000 * seed + case.seed)
                    assert law.evidence(subject, ruler, law.build(fresh, DOUBLE)).ratio < 0.6, (law.id, str(fresh))


def halving_what_got_worse(space: Space, train: Any, *, start: Array, budget: int, seed: int) -> Any:
    """The example of SE-18: settings change only where a loss has risen, and then all go towards low."""
    points, losses, model = [start], [], None
    for _ in range(budget):
        model, loss = train(model, points[-1])
        losses.append(loss)
        worse = len(losses) > 1 and losses[-1] > losses[-2]
        where = [scale_of(axis).position(x) for axis, x in zip(space, points[-1], strict=True)]
        values = [scale_of(axis).value(u / 2) for axis, u in zip(space, where, strict=True)]
        points.append(np.array(values) if worse else points[-1])
    return np.array(points[:-1]), np.array(losses), int(np.nanargmin(losses))


def test_settings_that_stay_while_all_goes_well_are_sound() -> None:
    assert judged("panda", halving_what_got_worse).conforms


def test_a_number_that_comes_again_by_rounding_is_no_grid() -> None:
    """In float32 one of 16 momenta between 0.5 and 0.9999 is that of another point once in thousands of searches."""

    def random_search(space: Space, *, budget: int, seed: int) -> Array:
        points = search.random_search(space, budget=budget, seed=seed)
        scales = [axis.scale for axis in space]
        if "one_minus_log" in scales:
            column = scales.index("one_minus_log")
            points[:, column] = points[:, column].astype(np.float32)
            points[3, column] = points[2, column]
        return points

    report = check(SimpleNamespace(random_search=random_search), laws=["SE-3"])
    assert report.conforms


def test_a_few_integers_may_be_the_same_with_another_seed() -> None:
    """All four points of one axis of eleven integers: once in 15000 pairs of searches."""
    for law in LAWS:
        if law.name in ("other_seed", "adapts") and chapter_of(law.operation).name == "search":
            for case in law.trials:
                axes = law.build(case, DOUBLE).options["space"]
                assert any(axis.scale != "integer" for axis in axes)


# ---- Each mistake breaks its own clauses -----------------------------------------------------------------------------


def on_a_line(space: Space) -> Space:
    """The same box, every axis of real numbers linear."""
    return tuple(axis if axis.scale == "integer" else axis._replace(scale="linear") for axis in space)


def grid_on_a_line(space: Space, *, per_axis: int) -> Array:
    return search.grid_search(on_a_line(space), per_axis=per_axis)


def grid_with_a_point_twice(space: Space, *, per_axis: int) -> Array:
    points = search.grid_search(space, per_axis=per_axis)
    points[-1] = points[-1 if len(space) == 1 else 0]
    return points


def grid_of_the_lower_half(space: Space, *, per_axis: int) -> Array:
    u = np.linspace(0, 0.5, per_axis) if per_axis > 2 else np.array([0.0, 0.2])[:per_axis]
    axes = [scale_of(axis).value(u) if axis.scale != "integer" else np.arange(per_axis) + axis.low for axis in space]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(space))


def points_on_a_line(space: Space, *, budget: int, seed: int) -> Array:
    return search.random_search(on_a_line(space), budget=budget, seed=seed)


def points_of_a_grid(space: Space, *, budget: int, seed: int) -> Array:
    u = np.random.default_rng(seed).integers(0, 6, (budget, len(space))) / 5
    return np.stack([scale_of(axis).value(v) for axis, v in zip(space, u.T, strict=True)], axis=-1)


def points_by_one_number(space: Space, *, budget: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random(budget)
    axes = [(scale_of(axis), u) for axis in space]
    return np.stack([np.floor(s.low + v * s.count) if s.kind == "integer" else s.value(v) for s, v in axes], axis=-1)


def points_each_near_the_last(space: Space, *, budget: int, seed: int) -> Array:
    points = search.random_search(space, budget=budget, seed=seed)
    if space[0].scale == "log":
        points[1::2, 0] = np.maximum(points[: budget // 2 * 2 : 2, 0] * (1 - 1e-9), space[0].low)
    return points


def points_unseeded(space: Space, *, budget: int, seed: int) -> Array:
    return search.random_search(space, budget=budget, seed=np.random.default_rng())


def points_of_one_seed(space: Space, *, budget: int, seed: int) -> Array:
    return search.random_search(space, budget=budget, seed=0)


def points_beyond(space: Space, *, budget: int, seed: int) -> Array:
    points = search.random_search(space, budget=budget, seed=seed)
    points[budget // 2, 0] = 2 * space[0][2]
    return points


def box_not_clipped(space: Space, incumbent: Array, *, shrink: float) -> Array:
    box = search.refine(space, incumbent, shrink=shrink)
    for row, axis in zip(box, space, strict=True):
        if row[0] == axis.low:
            row[0] = axis.low - abs(axis.low) / 2 - 1
    return box


def box_on_a_line(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return search.refine(on_a_line(space), incumbent, shrink=shrink)


def box_of_the_middle(space: Space, incumbent: Array, *, shrink: float) -> Array:
    middle = [scale_of(axis).value(np.asarray(0.5)) for axis in space]
    return search.refine(space, np.array(middle), shrink=shrink)


def rounds_of_the_whole_box(space: Space, objective: Any, *, rounds: int, budget: int, shrink: float, seed: int) -> Any:
    return search.caviar(space, objective, budget=rounds * budget, seed=seed)


def greatest_loss(space: Space, objective: Any, *, budget: int, seed: int) -> Any:
    points, losses, _ = search.caviar(space, objective, budget=budget, seed=seed)
    return points, losses, int(np.nanargmax(losses))


def called_twice(space: Space, objective: Any, *, budget: int, seed: int) -> Any:
    def again(point: Array) -> float:
        objective(point)
        return float(objective(point))

    return search.caviar(space, again, budget=budget, seed=seed)


def losses_of_no_call(space: Space, objective: Any, *, budget: int, seed: int) -> Any:
    points, losses, best = search.caviar(space, objective, budget=budget, seed=seed)
    return points, losses + 1, best


def follows_the_best(space: Space, objective: Any, *, budget: int, seed: int) -> Any:
    half = budget // 2
    first = search.caviar(space, objective, budget=half, seed=seed)
    near = np.repeat(first.points[first.best][None], budget - half, axis=0)
    losses = np.concatenate([first.losses, [objective(point) for point in near]])
    return np.concatenate([first.points, near]), losses, int(np.nanargmin(losses))


def a_model_each_time(space: Space, train: Any, *, start: Array, budget: int, seed: int) -> Any:
    return search.panda(space, lambda model, point: train(None, point), start=start, budget=budget, seed=seed)


def settings_by_chance(space: Space, train: Any, *, start: Array, budget: int, seed: int) -> Any:
    points = np.concatenate([start[None], search.random_search(space, budget=budget - 1, seed=seed)])
    model, losses = None, []
    for point in points:
        model, loss = train(model, point)
        losses.append(loss)
    return points, np.array(losses), int(np.nanargmin(losses))


def settings_kept(space: Space, train: Any, *, start: Array, budget: int, seed: int) -> Any:
    model, losses = None, []
    for _ in range(budget):
        model, loss = train(model, start)
        losses.append(loss)
    return np.repeat(start[None], budget, axis=0), np.array(losses), int(np.nanargmin(losses))


MISTAKES: list[tuple[str, Callable[..., Any], set[str], str]] = [
    ("grid_search", grid_on_a_line, {"SE-1"}, "where all should be equal"),
    ("grid_search", grid_with_a_point_twice, {"SE-2"}, "some of them twice"),
    ("grid_search", grid_of_the_lower_half, {"SE-1"}, "goes from"),
    ("random_search", points_on_a_line, {"SE-1", "SE-8"}, "where it should be about 0.01"),
    ("random_search", points_of_a_grid, {"SE-1", "SE-3", "SE-5", "SE-7", "SE-8"}, "where about"),
    ("random_search", points_by_one_number, {"SE-5"}, "positions, or their mirror images, that come again"),
    ("random_search", points_each_near_the_last, {"SE-5"}, "their mirror images, that come again"),
    ("random_search", points_unseeded, {"SE-6", "CT-3"}, "gave other points"),
    ("random_search", points_of_one_seed, {"SE-7"}, "there are those of another seed"),
    ("random_search", points_beyond, {"SE-4", "SE-7", "SE-21"}, "which is not in the space"),
    ("refine", box_not_clipped, {"SE-9", "SE-10", "SE-12"}, "and not inside"),
    ("refine", box_on_a_line, {"SE-10", "SE-12"}, "where 0."),
    ("refine", box_of_the_middle, {"SE-11", "SE-12"}, "without the incumbent"),
    ("coarse_to_fine", rounds_of_the_whole_box, {"SE-13"}, "in later rounds"),
    ("caviar", greatest_loss, {"SE-14"}, "is the least of those returned"),
    ("caviar", called_twice, {"SE-15"}, "calls where"),
    ("caviar", losses_of_no_call, {"SE-15"}, "are not those of the calls"),
    ("caviar", follows_the_best, {"SE-1", "SE-5", "SE-16"}, "with other losses, other points were tried"),
    ("panda", a_model_each_time, {"SE-17"}, "was given None where that of call 1 is to be trained on"),
    ("panda", settings_by_chance, {"SE-18", "SE-19"}, "the same whatever the losses are"),
    ("panda", settings_kept, {"SE-18", "SE-19", "SE-20"}, "the settings never change"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "function", "clauses", "words"), MISTAKES, ids=lambda x: getattr(x, "__name__", ""))
def test_a_mistake_breaks_the_clauses_that_it_should_and_no_others(
    name: str, function: Callable[..., Any], clauses: set[str], words: str
) -> None:
    found = violated(judged(name, function))
    reasons = [each.violation.reason for each in found.values() if each.violation is not None]
    assert set(found) == clauses, reasons
    assert any(words in reason for reason in reasons), reasons


@pytest.mark.parametrize("name", ["random_search", "coarse_to_fine", "caviar"])
def test_an_axis_of_one_number_that_comes_back_as_nan_is_not_held(name: str) -> None:
    def function(space: Space, *given: Any, **options: Any) -> Any:
        found = getattr(search, name)(space, *given, **options)
        held = np.array([axis.low == axis.high for axis in space])
        points = np.where(held, np.nan, found if isinstance(found, np.ndarray) else found[0])
        return points if isinstance(found, np.ndarray) else (points, *found[1:])

    (result,) = check(SimpleNamespace(**{name: function}), operations=[name], laws=["held_axes"]).results
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert "is nan in one point, where" in result.violation.reason


# ---- Whatever comes back, and whatever is called, is an outcome ------------------------------------------------------

RETURNED: dict[str, Callable[[Array], Any]] = {
    "nothing": lambda x: None,
    "strings": lambda x: x.astype(str),
    "one column more": lambda x: np.append(x, x[:, :1], axis=1),
    "one dimension less": lambda x: x[:, 0],
    "no rows": lambda x: x[:0],
    "NaN": lambda x: x * np.nan,
    "infinity": lambda x: x * np.inf,
    "negative numbers": lambda x: -x - 1,
}


@pytest.mark.sampled
@pytest.mark.parametrize("returned", RETURNED)
@pytest.mark.parametrize("name", NAMES)
def test_what_are_no_points_of_the_space_is_an_outcome(name: str, returned: str) -> None:
    def function(*arguments: Any, **options: Any) -> Any:
        found = getattr(search, name)(*arguments, **options)
        if isinstance(found, np.ndarray):
            return RETURNED[returned](found)
        return (RETURNED[returned](found.points), *found[1:])

    report = judged(name, function)
    assert not report.conforms
    assert "SE-4" not in {each.clause for each in report.results if each.outcome is Outcome.CONFORMS}


OTHERS: dict[str, Callable[[Any], Any]] = {
    "best as a float": lambda found: (found.points, found.losses, float(found.best)),
    "best among none": lambda found: (found.points, found.losses, -len(found.losses) - 5),
    "losses as strings": lambda found: (found.points, found.losses.astype(str), found.best),
    "losses too few": lambda found: (found.points, found.losses[1:], found.best),
    "losses that are NaN": lambda found: (found.points, found.losses * np.nan, found.best),
    "points alone": lambda found: found.points,
    "two results": lambda found: found[:2],
}


@pytest.mark.sampled
@pytest.mark.parametrize("returned", OTHERS)
@pytest.mark.parametrize("name", ["coarse_to_fine", "caviar", "panda"])
def test_what_are_no_trials_is_an_outcome(name: str, returned: str) -> None:
    report = judged(name, lambda *arguments, **options: OTHERS[returned](getattr(search, name)(*arguments, **options)))
    kept = {each.law: each.outcome for each in report.results if each.clause == "SE-14"}
    assert kept[f"{name}.best_kept"] in (Outcome.VIOLATES, Outcome.ERROR)


CALLED: dict[str, Callable[[Any, Array], Any]] = {
    "a list": lambda objective, point: objective(list(point)),
    "float32": lambda objective, point: objective(point.astype(np.float32)),
    "no point": lambda objective, point: objective(),
    "None": lambda objective, point: objective(None),
    "a word": lambda objective, point: objective("here"),
    "two points": lambda objective, point: objective(np.stack([point, point])),
    "more than a point": lambda objective, point: objective(point, 1),
}


@pytest.mark.sampled
@pytest.mark.parametrize("called", CALLED)
def test_an_objective_that_is_called_with_no_point_raises_in_the_target(called: str) -> None:
    def caviar(space: Space, objective: Any, *, budget: int, seed: int) -> Any:
        return search.caviar(space, lambda point: CALLED[called](objective, point), budget=budget, seed=seed)

    report = judged("caviar", caviar)
    wanted = {"a list": {Outcome.CONFORMS}, "float32": {Outcome.CONFORMS, Outcome.VIOLATES}}
    found = {each.outcome for each in report.results} - {Outcome.NOT_OFFERED, Outcome.FALLS_SHORT}
    assert found == wanted.get(called, {Outcome.ERROR})
    assert all("raised" in each.reason for each in report.results if each.outcome is Outcome.ERROR)


@pytest.mark.sampled
@pytest.mark.parametrize("model", [0, 1.0, "model", np.zeros(3), {}, np.int64(1)], ids=repr)
def test_models_that_are_not_ours_are_seen(model: Any) -> None:
    def panda(space: Space, train: Any, *, start: Array, budget: int, seed: int) -> Any:
        return search.panda(space, lambda _, point: train(model, point), start=start, budget=budget, seed=seed)

    assert set(violated(judged("panda", panda))) == {"SE-17"}
