"""Mistakes in which points are tried: grids, random points, and finer boxes."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import Axis

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space, scale_of

OWN_SCALE = "10**numpy.linspace(log10(low), log10(high), n) on a log axis, and so on: each axis on its own scale"
PRODUCT = "itertools.product of the values of all axes"
ANEW = "draw every axis anew for each point, on its own scale, all from one numpy.random.default_rng(seed)"
CENTRED = "the incumbent's position on the axis's own scale, and shrink/2 to both sides, clipped to the axis"
INSIDE = "map u in [0, 1] between low and high themselves"


def on_scales(space: Space, u: Array) -> Array:
    """The points (n, d) at positions u (n, d) on the axes' own scales."""
    columns = [_value(axis, column) for axis, column in zip(space, u.T, strict=True)]
    return np.stack(columns, axis=-1)


def positions(space: Space, point: Array) -> Array:
    """Where the point (d,) is on the axes' own scales; on one of no length, in the middle."""
    return np.array([scale_of(a).position(x) if a.low < a.high else 0.5 for a, x in zip(space, point, strict=True)])


def _value(axis: Axis, u: Array) -> Array:
    return scale_of(axis).value(u) if axis.low < axis.high else np.full(u.shape, axis.low)


def _levels(space: Space, u: Array) -> list[Array]:
    return [_value(axis, u) for axis in space]


def _combined(levels: Sequence[Array]) -> Array:
    return np.array(list(product(*levels)), dtype=np.float64)


def _gridded(fault: str, fix: str = PRODUCT, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("grid_search", fault, fix, seen, raw=True)


@_gridded("every axis is spaced linearly", OWN_SCALE)
def all_axes_linear(space: Space, *, per_axis: int) -> Array:
    return _combined([np.linspace(axis.low, axis.high, per_axis) for axis in space])


def short_scales_linear(space: Space) -> Space:
    """The space, with a line in place of each scale whose ends are less than a hundredfold apart."""

    def shortened(axis: Axis) -> Axis:
        if axis.scale not in ("log", "one_minus_log"):
            return axis
        apart = axis.high / axis.low if axis.scale == "log" else (1 - axis.low) / (1 - axis.high)
        return axis._replace(scale="linear") if apart < 100 else axis

    return tuple(map(shortened, space))


@_gridded("a line where the ends are less than a hundredfold apart", OWN_SCALE)
def short_axes_linear(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(short_scales_linear(space), np.linspace(0, 1, per_axis)))


@_gridded("1 − x is forgotten: such axes are spaced as log axes are", OWN_SCALE)
def complement_forgotten(space: Space, *, per_axis: int) -> Array:
    log = [axis._replace(scale="log") if axis.scale == "one_minus_log" else axis for axis in space]
    return _combined(_levels(tuple(log), np.linspace(0, 1, per_axis)))


@_gridded("the axes go together: the first values, the second values …")
def zipped(space: Space, *, per_axis: int) -> Array:
    return np.stack(_levels(space, np.linspace(0, 1, per_axis)), axis=-1)


@_gridded("one axis after another, the others at their lowest")
def one_axis_at_a_time(space: Space, *, per_axis: int) -> Array:
    levels = _levels(space, np.linspace(0, 1, per_axis))
    points = np.tile([values[0] for values in levels], (per_axis * len(space), 1))
    for number, values in enumerate(levels):
        points[number * per_axis : (number + 1) * per_axis, number] = values
    return points


@_gridded("the axes are flattened in different orders: some combinations twice, others never")
def flattened_in_two_orders(space: Space, *, per_axis: int) -> Array:
    mesh = np.meshgrid(*_levels(space, np.linspace(0, 1, per_axis)), indexing="ij")
    return np.stack([each.ravel("F" if number else "C") for number, each in enumerate(mesh)], axis=-1)


@_gridded("the last axis is never moved")
def last_axis_constant(space: Space, *, per_axis: int) -> Array:
    levels = _levels(space, np.linspace(0, 1, per_axis))
    return _combined([*levels[:-1], np.full(per_axis, levels[-1][0])])


@_gridded("the last combination is left out")
def last_point_missing(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 1, per_axis)))[:-1]


@_gridded("one value more an axis than asked for", "numpy.linspace(…, per_axis) has both its ends")
def a_value_too_many(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 1, per_axis + 1)))


@_gridded("the lower half of each axis alone", INSIDE)
def lower_halves(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 0.5 if per_axis > 2 else 0, per_axis)))


@_gridded("the upper end is a step too far", INSIDE)
def a_step_beyond(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 1, per_axis) * (1 + 1 / per_axis)))


@_gridded("the upper end is left out: steps as of one value more", "numpy.linspace with its end")
def upper_end_left_out(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 1, per_axis, endpoint=False)))


@_gridded("positions are rounded to a tenth", OWN_SCALE)
def positions_of_one_decimal(space: Space, *, per_axis: int) -> Array:
    return _combined(_levels(space, np.linspace(0, 1, per_axis).round(1)))


@_gridded("as many random points, not a grid")
def random_points(space: Space, *, per_axis: int) -> Array:
    return on_scales(space, np.random.default_rng(0).random((per_axis ** len(space), len(space))))


def _drawn(fault: str, fix: str = ANEW, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("random_search", fault, fix, seen, raw=True)


def drawn(space: Space, budget: int, random: np.random.Generator) -> Array:
    """Points as they should be."""
    u = random.random((budget, len(space)))
    for number, axis in enumerate(space):
        if axis.scale == "integer":  # each of them as likely: not rounded
            u[:, number] = random.integers(0, round(axis.high - axis.low) + 1, budget) / max(axis.high - axis.low, 1)
    return on_scales(space, u)


@_drawn("every axis is drawn uniformly: the log forgotten", seen="nnfabrik PR 137")
def axes_all_linear(space: Space, *, budget: int, seed: int) -> Array:
    line = tuple(a if a.scale == "integer" else a._replace(scale="linear") for a in space)
    return drawn(line, budget, np.random.default_rng(seed))


@_drawn("every axis is drawn on a line whose ends are less than a hundredfold apart")
def short_axes_drawn_linear(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(short_scales_linear(space), budget, np.random.default_rng(seed))


@_drawn("of more than 200 points the seed is forgotten")
def many_points_unseeded(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(seed if budget <= 200 else 0))


@_drawn("one point in each part of each axis: a Latin hypercube passes for random")
def latin_hypercube(space: Space, *, budget: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    parts = np.stack([random.permutation(budget) for _ in space], axis=-1)
    return on_scales(space, (parts + random.random(parts.shape)) / budget)


@_drawn("1 − x is forgotten: such axes are drawn as log axes are")
def complements_forgotten(space: Space, *, budget: int, seed: int) -> Array:
    log = tuple(a._replace(scale="log") if a.scale == "one_minus_log" else a for a in space)
    return drawn(log, budget, np.random.default_rng(seed))


@_drawn("integers are uniform numbers rounded: both ends have half the chance", seen="hyperopt #328")
def ends_of_integers_halved(space: Space, *, budget: int, seed: int) -> Array:
    line = tuple(a._replace(scale="linear") if a.scale == "integer" else a for a in space)
    points, whole = drawn(line, budget, np.random.default_rng(seed)), [a.scale == "integer" for a in space]
    return np.where(whole, np.rint(points), points)


@_drawn("integers are not whole")
def integers_not_whole(space: Space, *, budget: int, seed: int) -> Array:
    line = tuple(a._replace(scale="linear") if a.scale == "integer" else a for a in space)
    return drawn(line, budget, np.random.default_rng(seed))


@_drawn("one random number a point, for all its axes")
def one_number_for_all_axes(space: Space, *, budget: int, seed: int) -> Array:
    return on_scales(space, np.repeat(np.random.default_rng(seed).random((budget, 1)), len(space), axis=1))


@_drawn("the generator is seeded again for each axis")
def seeded_again_for_each_axis(space: Space, *, budget: int, seed: int) -> Array:
    return np.hstack([drawn((axis,), budget, np.random.default_rng(seed)) for axis in space])


@_drawn("values of a grid, chosen at random: no more than the grid has")
def values_of_a_grid(space: Space, *, budget: int, seed: int) -> Array:
    levels = max(round(budget ** (1 / len(space))), 2)
    return on_scales(space, np.random.default_rng(seed).integers(0, levels, (budget, len(space))) / (levels - 1))


@_drawn("the points of a grid, shuffled")
def shuffled_grid(space: Space, *, budget: int, seed: int) -> Array:
    levels = max(int(np.ceil(budget ** (1 / len(space)) - 1e-9)), 2)
    grid = _combined(_levels(space, np.linspace(0, 1, levels)))
    return np.random.default_rng(seed).permutation(grid)[:budget]


@_drawn("the points are in order of their first axis")
def in_order_of_the_first_axis(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(seed))
    return points[np.argsort(points[:, 0])]


@_drawn("one point more than asked for", "draw `budget` points")
def a_point_too_many(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget + 1, np.random.default_rng(seed))


@_drawn("each point twice")
def each_point_twice(space: Space, *, budget: int, seed: int) -> Array:
    return np.repeat(drawn(space, budget, np.random.default_rng(seed)), 2, axis=0)[:budget]


@_drawn("the last axis is drawn from its lower half")
def last_axis_halved(space: Space, *, budget: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random((budget, len(space)))
    u[:, -1] /= 2
    return on_scales(space, u)


@_drawn("the first axis is drawn near its middle")
def first_axis_in_the_middle(space: Space, *, budget: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    points = drawn(space, budget, random)
    points[:, 0] = on_scales(space[:1], 0.3 + 0.4 * random.random((budget, 1)))[:, 0]
    return points


@_drawn("now and then a little beyond high", INSIDE, "nni #1377")
def beyond_high(space: Space, *, budget: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random((budget, len(space)))
    return on_scales(space, u * 1.2)


@_drawn("every seed gives the same points")
def seeds_all_alike(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(0))


@_drawn("ten seeds give the same points: seed // 10")
def ten_seeds_alike(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(seed // 10))


@_drawn("the seed is not passed on: other points each time", seen="dask-ml PR 496")
def points_unseeded(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng())


def _refined(fault: str, fix: str = CENTRED, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("refine", fault, fix, seen, raw=True)


def boxed(space: Space, low: Array, high: Array, inside: bool = True) -> Array:
    """The box between these positions on the axes' scales, clipped to the axes; integers rounded inwards."""
    ends = np.stack([low, high])
    if inside:
        ends = np.clip(ends, 0, 1)
    rows: list[Array] = []
    for axis, pair in zip(space, ends.T, strict=True):
        if axis.scale == "integer":
            x = axis.low + pair * (axis.high - axis.low)
            rows.append(np.array([np.ceil(x[0] - 1e-9), np.floor(x[1] + 1e-9)]))
        else:
            x = _value(axis, pair)
            rows.append(np.clip(x, axis.low, axis.high) if inside else x)
    return np.stack(rows)


def finer(space: Space, incumbent: Array, shrink: float) -> Array:
    """The box as it should be, up to the rounding of an end on which the incumbent lies."""
    u = positions(space, incumbent)
    box = boxed(space, u - shrink / 2, u + shrink / 2)
    return np.stack([np.minimum(box[:, 0], incumbent), np.maximum(box[:, 1], incumbent)], axis=-1)


@_refined("every axis is taken for linear")
def refined_linearly(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return finer(tuple(a if a.scale == "integer" else a._replace(scale="linear") for a in space), incumbent, shrink)


@_refined("an axis whose ends are less than a hundredfold apart is taken for linear")
def short_axes_refined_linearly(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return finer(short_scales_linear(space), incumbent, shrink)


@_refined("not clipped to the coarser box")
def not_clipped(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = positions(space, incumbent)
    return boxed(space, u - shrink / 2, u + shrink / 2, inside=False)


@_refined("around the middle of the box, not the incumbent")
def around_the_middle(space: Space, incumbent: Array, *, shrink: float) -> Array:
    middle = np.full(len(space), 0.5)
    return boxed(space, middle - shrink / 2, middle + shrink / 2)


@_refined("does not shrink")
def does_not_shrink(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return np.array([axis[1:3] for axis in space])


@_refined("shrink to both sides, not shrink/2: twice as wide")
def twice_as_wide(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return finer(space, incumbent, 2 * shrink)


@_refined("grows: divided by shrink")
def grows(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = positions(space, incumbent)
    return boxed(space, u - 0.5 / shrink, u + 0.5 / shrink, inside=False)


@_refined("the first axis alone shrinks")
def first_axis_alone(space: Space, incumbent: Array, *, shrink: float) -> Array:
    return np.array([*finer(space[:1], incumbent[:1], shrink), *(axis[1:3] for axis in space[1:])])


@_refined("the incumbent is the lower end")
def incumbent_at_the_lower_end(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = positions(space, incumbent)
    return np.stack([incumbent, boxed(space, u, u + shrink)[:, 1]], axis=-1)


@_refined("the incumbent is left out: the box begins above it")
def incumbent_left_out(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = positions(space, incumbent)
    return boxed(space, np.minimum(u + shrink / 10, 1), u + shrink / 2)


@_refined("goes by shares of the incumbent: x (1 ± shrink/2)")
def shares_of_the_incumbent(space: Space, incumbent: Array, *, shrink: float) -> Array:
    low, high = np.array([axis[1:3] for axis in space]).T
    ends = incumbent * (1 - shrink / 2), incumbent * (1 + shrink / 2)
    return np.stack([np.clip(np.minimum(*ends), low, high), np.clip(np.maximum(*ends), low, high)], axis=-1)


@_refined("the ends of integers are rounded outwards")
def integers_rounded_outwards(space: Space, incumbent: Array, *, shrink: float) -> Array:
    box = finer(space, incumbent, shrink)
    for row, axis, x in zip(box, space, incumbent, strict=True):
        if axis.scale == "integer":
            reach = shrink / 2 * (axis.high - axis.low)
            row[:] = np.clip([np.floor(x - reach), np.ceil(x + reach)], axis.low, axis.high)
    return box


@_refined("the upper end of whole numbers is taken by int(): below 0 that rounds up")
def integers_by_int(space: Space, incumbent: Array, *, shrink: float) -> Array:
    box = finer(space, incumbent, shrink)
    for row, axis, x in zip(box, space, incumbent, strict=True):
        if axis.scale == "integer":
            row[1] = min(int(x + shrink / 2 * (axis.high - axis.low)), axis.high)
    return box


@_refined("near an end the box is moved, not cut: it stays as wide")
def moved_at_an_end(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = np.clip(positions(space, incumbent) - shrink / 2, 0, 1 - shrink)
    box = boxed(space, u, u + shrink)
    return np.stack([np.minimum(box[:, 0], incumbent), np.maximum(box[:, 1], incumbent)], axis=-1)


@_refined("what an end cuts off is added at the other side")
def cut_off_and_added(space: Space, incumbent: Array, *, shrink: float) -> Array:
    u = positions(space, incumbent)
    below, above = np.minimum(u, shrink / 2), np.minimum(1 - u, shrink / 2)
    box = boxed(space, u - np.minimum(shrink - above, u), u + np.minimum(shrink - below, 1 - u))
    return np.stack([np.minimum(box[:, 0], incumbent), np.maximum(box[:, 1], incumbent)], axis=-1)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
