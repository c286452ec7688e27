"""Right ways to search: other orders, other generators, boxes that reach less, trials in parallel."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from random import Random
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import Axis

from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.search.inputs import Space, scale_of

Objective = Callable[[Array], float]
Train = Callable[[Any, Array], tuple[Any, float]]
Trials = tuple[Array, Array, int]
Box = Callable[[Space, Array, float], Array]


def _at(axis: Axis, u: Any) -> Array:
    """The value at u, held between the ends against rounding."""
    return np.clip(scale_of(axis).value(np.asarray(u, dtype=np.float64)), axis.low, axis.high)


def _where(axis: Axis, x: float) -> float:
    return 0.5 if axis.low == axis.high else float(scale_of(axis).position(np.asarray(x)))


def _found(points: Any, losses: Any) -> Trials:
    return np.asarray(points), np.asarray(losses), _least(losses)


def _least(losses: Any) -> int:
    """The index of the least; of none that is a number, the first."""
    return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))


@sound("grid_search")
def products(space: Space, *, per_axis: int) -> Array:
    share = [number / max(per_axis - 1, 1) for number in range(per_axis)]
    return np.array(list(product(*([float(_at(axis, u)) for u in share] for axis in space))))


@sound("grid_search")
def first_axis_fastest(space: Space, *, per_axis: int) -> Array:
    levels = [_at(axis, np.linspace(0, 1, per_axis)) for axis in space]
    return np.stack([mesh.ravel(order="F") for mesh in np.meshgrid(*levels, indexing="ij")], axis=-1)


@sound("grid_search")
def bases_written_out(space: Space, *, per_axis: int) -> Array:
    levels: list[Array] = []
    for _, low, high, scale in space:
        if scale == "log":
            levels.append(np.geomspace(low, high, per_axis))
        elif scale == "one_minus_log":
            levels.append(1 - np.logspace(np.log10(1 - low), np.log10(1 - high), per_axis))
        else:
            values = np.linspace(low, high, per_axis)
            levels.append(np.rint(values) if scale == "integer" else values)
    return np.array(list(product(*levels)))


@sound("grid_search")
def rounded_middles(space: Space, *, per_axis: int) -> Array:
    """The middles of per_axis equal parts, those of whole numbers rounded."""
    u = (np.arange(per_axis) + 0.5) / per_axis
    levels = [
        np.rint(axis.low + u * (axis.high - axis.low)) if axis.scale == "integer" else _at(axis, u) for axis in space
    ]
    return np.array(list(product(*levels)))


@sound("grid_search")
def middles(space: Space, *, per_axis: int) -> Array:
    """The middles of per_axis equal parts; whole numbers, whose parts may not have one, from end to end."""
    levels = [
        np.rint(np.linspace(axis.low, axis.high, per_axis))
        if axis.scale == "integer"
        else _at(axis, (np.arange(per_axis) + 0.5) / per_axis)
        for axis in space
    ]
    return np.array(list(product(*levels)))


def _column(axis: Axis, random: np.random.RandomState, size: int) -> Array:
    if axis.scale == "integer":
        return random.randint(int(axis.low), int(axis.high) + 1, size).astype(np.float64)
    return _at(axis, random.random_sample(size))


def _drawn(space: Space, budget: int, random: np.random.RandomState) -> Array:
    return np.stack([_column(axis, random, budget) for axis in space], axis=-1)


def _old(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)  # refuses what 32 bits do not hold


@sound("random_search")
def axis_by_axis(space: Space, *, budget: int, seed: int) -> Array:
    return _drawn(space, budget, _old(seed))


@sound("random_search")
def point_by_point(space: Space, *, budget: int, seed: int) -> Array:
    random = np.random.default_rng(seed)

    def value(axis: Axis) -> float:
        if axis.scale == "integer":
            return float(random.integers(int(axis.low), int(axis.high), endpoint=True))
        return float(_at(axis, 1 - random.random()))

    return np.array([[value(axis) for axis in space] for _ in range(budget)])


@sound("random_search")
def python_random(space: Space, *, budget: int, seed: int) -> Array:
    random = Random(seed)

    def value(axis: Axis) -> float:
        _, low, high, scale = axis
        if scale == "integer":
            return float(random.randint(int(low), int(high)))
        if scale == "linear":
            return random.uniform(low, high)
        low, high = (low, high) if scale == "log" else (1 - high, 1 - low)
        x = low * (high / low) ** random.random()
        return x if scale == "log" else 1 - x

    return np.array([[value(axis) for axis in space] for _ in range(budget)])


def _clipped(space: Space, incumbent: Array, shrink: float) -> Array:
    """By logarithms to base 10; integers by their distance."""
    box: list[tuple[float, float]] = []
    for axis, x in zip(space, incumbent.tolist(), strict=True):
        if axis.scale == "integer":
            reach = int(shrink * (axis.high - axis.low) / 2)
            box.append((max(x - reach, axis.low), min(x + reach, axis.high)))
            continue
        u = _where(axis, x)
        low, high = _at(axis, max(u - shrink / 2, 0)), _at(axis, min(u + shrink / 2, 1))
        box.append((min(float(low), x), max(float(high), x)))
    return np.array(box)


@sound("refine")
def clipped(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return _clipped(space, incumbent, shrink)


def _reaching_less(space: Space, incumbent: Array, shrink: float) -> Array:
    """As far to both sides also near an end: there the box is smaller still."""
    reach = [min(shrink / 2, u, 1 - u) for u in map(_where, space, incumbent.tolist())]
    return np.stack([_clipped((axis,), x[None], 2 * r)[0] for axis, x, r in zip(space, incumbent, reach, strict=True)])


@sound("refine")
def reaching_less(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return _reaching_less(space, incumbent, shrink)


def _in_rounds(
    space: Space, objective: Objective, rounds: int, budget: int, shrink: float, seed: int, box: Box
) -> Trials:
    random = _old(seed)
    points, losses = list[Array](), list[float]()
    for number in range(rounds):
        if number:
            ends = box(space, points[_least(losses)], shrink).tolist()
            space = tuple(axis._replace(low=low, high=high) for axis, (low, high) in zip(space, ends, strict=True))
        for point in _drawn(space, budget, random):
            points.append(point)
            losses.append(objective(point))
    return _found(points, losses)


@sound("coarse_to_fine")
def in_clipped_boxes(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    return _in_rounds(space, objective, rounds, budget, shrink, seed, _clipped)


@sound("coarse_to_fine")
def in_boxes_that_reach_less(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    return _in_rounds(space, objective, rounds, budget, shrink, seed, _reaching_less)


@sound("coarse_to_fine")
def rounds_in_order_of_an_axis(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    """The points of each round are sorted by the first axis before they are tried."""
    random, points, losses = _old(seed), np.empty((0, len(space))), list[float]()
    for number in range(rounds):
        if number:
            ends = _clipped(space, points[_least(losses)], shrink).tolist()
            space = tuple(axis._replace(low=low, high=high) for axis, (low, high) in zip(space, ends, strict=True))
        new = _drawn(space, budget, random)
        points = np.concatenate([points, new[np.argsort(new[:, 0])]])
        losses += [objective(point) for point in points[-budget:]]
    return _found(points, losses)


@sound("caviar")
def one_after_another(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    """Drawn as they are tried."""
    random = np.random.default_rng(seed)
    points, losses = list[Array](), list[float]()
    for _ in range(budget):
        points.append(_drawn(space, 1, _old(int(random.integers(2**32))))[0])
        losses.append(objective(points[-1]))
    return _found(points, losses)


@sound("caviar")
def in_threads(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = _drawn(space, budget, _old(seed))
    with ThreadPoolExecutor(2) as pool:
        return _found(points, list(pool.map(objective, points)))


@sound("caviar")
def last_ones_first(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    """Tried from the last to the first, and returned in the order that they were drawn in."""
    points = _drawn(space, budget, _old(seed))
    return _found(points, [objective(point) for point in points[::-1]][::-1])


@sound("caviar")
def best_first(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    """Returned in the order of their losses, which nobody knew when they were drawn."""
    points = _drawn(space, budget, _old(seed))
    losses = np.array([objective(point) for point in points])
    order = np.argsort(losses)
    return points[order], losses[order], 0


@sound("panda")
def kept_if_better(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    """A step at random from the settings of the least loss; it is half as long after each that did not help."""
    random, reach, model = np.random.default_rng(seed), 0.3, None
    points, losses = [np.asarray(start, dtype=np.float64)], list[float]()
    for call in range(budget):
        model, loss = train(model, points[-1].copy())
        losses.append(loss)
        best = _least(losses)
        reach = reach if best == call else max(reach / 2, 0.02)
        steps = random.uniform(-reach, reach, len(space))
        u = [_where(axis, x) + step for axis, x, step in zip(space, points[best], steps, strict=True)]
        points.append(np.array([float(_at(axis, share)) for axis, share in zip(space, np.clip(u, 0, 1), strict=True)]))
    return _found(points[:budget], losses)


@sound("panda")
def all_settings_together(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    """All axes go on the same way while the loss falls, and turn when it rises."""
    ways = np.where(_old(seed).random_sample(len(space)) < 0.5, 0.11, -0.11)
    points, losses, model = [np.asarray(start, dtype=np.float64)], list[float](), None
    u = np.array([_where(axis, x) for axis, x in zip(space, points[0], strict=True)])
    for call in range(budget):
        model, loss = train(model, points[-1].copy())
        losses.append(loss)
        if call and losses[-1] > losses[-2]:
            ways = -0.7 * ways
        u = np.clip(u + ways, 0, 1)
        points.append(np.array([float(_at(axis, share)) for axis, share in zip(space, u, strict=True)]))
    return _found(points[:budget], losses)


@sound("panda")
def patient(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    """Nothing changes until three losses in a row are no better than the best; then the first axis alone moves."""
    points, losses, model, waited, way = [np.asarray(start, dtype=np.float64)], list[float](), None, 0, -0.2
    for _ in range(budget):
        model, loss = train(model, points[-1].copy())
        waited = 0 if all(loss < before for before in losses) else waited + 1
        losses.append(loss)
        point = points[-1].copy()
        if waited == 3:
            u = _where(space[0], point[0])
            way, waited = -way if not 0 <= u + way <= 1 else way, 0
            point[0] = float(_at(space[0], min(max(u + way, 0), 1)))
        points.append(point)
    return _found(points[:budget], losses)


@sound("panda")
def by_the_trend(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    """All go a little towards low while the mean of the last three losses is above that of the three before."""
    points, losses, model = [np.asarray(start, dtype=np.float64)], list[float](), None
    u = np.array([_where(axis, x) for axis, x in zip(space, points[0], strict=True)])
    for _ in range(budget):
        model, loss = train(model, points[-1].copy())
        losses.append(loss)
        if len(losses) > 3 and np.mean(losses[-3:]) > np.mean(losses[-6:-3]):
            u = 0.9 * u
            points.append(np.array([float(_at(axis, share)) for axis, share in zip(space, u, strict=True)]))
        else:
            points.append(points[-1])
    return _found(points[:budget], losses)


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
