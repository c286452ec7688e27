"""Mistakes of random search that no two points, or no one search, can show: what points and seeds have in common."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import ANEW, drawn, on_scales

ONE_SEED = "draw all points from one numpy.random.default_rng(seed)"


def sliding(space: Space, budget: int, random: np.random.Generator) -> Array:
    """Axis j of point t has number t + j of one stream."""
    u = random.random(budget + len(space))
    return on_scales(space, np.stack([u[number : number + budget] for number in range(len(space))], axis=-1))


def half_shared(space: Space, budget: int, seed: int) -> Array:
    """The first half of the points is that of seed 0."""
    first, rest = (drawn(space, budget, np.random.default_rng(each)) for each in (0, seed))
    return np.concatenate([first[: budget // 2], rest[budget // 2 :]])


def _drawn(fault: str, fix: str, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("random_search", fault, fix, seen, raw=True)


@_drawn("points overlap: what one axis has, the next axis has at the next point", ANEW)
def on_a_sliding_window(space: Space, *, budget: int, seed: int) -> Array:
    return sliding(space, budget, np.random.default_rng(seed))


@_drawn("an axis is the mirror of the one before it, 3 points earlier", ANEW)
def mirrors_the_axis_before(space: Space, *, budget: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random((budget + 3, len(space)))
    u[3:, 1:] = 1 - u[:-3, :-1]
    return on_scales(space, u[3:])


@_drawn("half of the points are the same for every seed", ONE_SEED, "wandb #2611")
def half_of_the_points_shared(space: Space, *, budget: int, seed: int) -> Array:
    return half_shared(space, budget, seed)


@_drawn("all points but the last are the same for every seed", ONE_SEED, "neps #108")
def all_but_one_shared(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(0))
    points[-1:] = drawn(space, 1, np.random.default_rng([seed, 1]))
    return points


@_drawn("every seed tries the middle first", ONE_SEED, "wandb #5215")
def middle_first(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(seed))
    points[0] = on_scales(space, np.full((1, len(space)), 0.5))[0]
    return points


@_drawn("one point, the last but one, is the same for every seed", ONE_SEED)
def one_point_shared(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(seed))
    points[-2:-1] = drawn(space, 1, np.random.default_rng(0))
    return points


@_drawn("the last axis is the same for every seed", ONE_SEED)
def last_axis_shared(space: Space, *, budget: int, seed: int) -> Array:
    points, fixed = (drawn(space, budget, np.random.default_rng(each)) for each in (seed, 0))
    points[:, -1] = fixed[:, -1]
    return points


@_drawn("each axis is seeded by its box: an axis that repeats repeats its numbers", ONE_SEED)
def seeded_by_the_box(space: Space, *, budget: int, seed: int) -> Array:
    columns = [drawn((axis,), budget, np.random.default_rng([seed, hash((*axis[1:3],)) % 2**32])) for axis in space]
    return np.hstack(columns)


def _axis_by_axis(space: Space, budget: int, seed: int, apart: int) -> Array:
    return np.hstack([drawn((a,), budget, np.random.default_rng(seed + apart * i)) for i, a in enumerate(space)])


@_drawn("axis i is seeded by seed + i: the axes of a seed are those of the next, one on", ONE_SEED)
def axes_of_the_next_seed(space: Space, *, budget: int, seed: int) -> Array:
    return _axis_by_axis(space, budget, seed, 1)


@_drawn("axis i is seeded by seed + 1000 i", ONE_SEED)
def axes_of_a_seed_further_on(space: Space, *, budget: int, seed: int) -> Array:
    return _axis_by_axis(space, budget, seed, 1000)


@_drawn("the seed is cut to 16 bits", ONE_SEED)
def seed_of_16_bits(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(seed & 0xFFFF))


@_drawn("the seed is cut to 32 bits, where it might be refused", ONE_SEED)
def seed_of_32_bits(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(seed & 0xFFFFFFFF))


@_drawn("seed or None: 0 is no seed", ONE_SEED)
def zero_is_no_seed(space: Space, *, budget: int, seed: int) -> Array:
    return drawn(space, budget, np.random.default_rng(seed or None))


@_drawn("8 points at a time: what is left over is not drawn", ANEW)
def tail_of_points_left_at_low(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(seed))
    points[budget // 8 * 8 :] = [axis.low for axis in space]
    return points


@_drawn("integers in float32: odd numbers beyond 2^24 never come", ANEW, "mlx PR 3936")
def integers_in_float32(space: Space, *, budget: int, seed: int) -> Array:
    points = drawn(space, budget, np.random.default_rng(seed))
    whole = [axis.scale == "integer" for axis in space]
    points[:, whole] = points[:, whole].astype(np.float32)
    low, high = np.array([axis[1:3] for axis in space], dtype=np.float64).T
    return np.where(whole, np.clip(points, low, high), points)


@_drawn("an axis of one number is drawn between 0 and it", "low where low = high")
def held_axis_drawn(space: Space, *, budget: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    points = drawn(space, budget, random)
    for number, axis in enumerate(space):
        if axis.low == axis.high:
            points[:, number] = axis.low * random.random(budget)
    return points


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
