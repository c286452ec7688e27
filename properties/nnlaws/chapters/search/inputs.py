"""Spaces to search. A case's columns count the axes, the first of the space that its family names; m counts points.

k and the seed say the rest: how much a box shrinks, how many rounds there are, where the best point lies.
"""

import numpy as np
from nnlaws_reference.hyperparameters import axes
from nnlaws_reference.search import Axis

from nnlaws.authoring.case import Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import Case
from nnlaws.chance.scale import Scale
from nnlaws.rounding.formats import Format

Space = tuple[Axis, ...]
Point = tuple[float, ...]

SPACES: dict[str, Space] = {
    "notes": (
        *axes("learning rate", "momentum", "hidden units"),
        Axis("dropout", 0.0, 0.5, "linear"),
    ),
    "other": (
        Axis("layers", 2, 12, "integer"),
        Axis("momentum", 0.5, 0.9999, "one_minus_log"),
        Axis("temperature", -1.0, 3.0, "linear"),
        Axis("weight decay", 1e-6, 1e-2, "log"),
    ),
    "edges": (
        Axis("offset", -5.0, -1.0, "linear"),
        Axis("switch", 0, 1, "integer"),
        Axis("offset again", -5.0, -1.0, "linear"),
        Axis("leak", -3.0, 0.75, "one_minus_log"),
        Axis("steps", -4, 3, "integer"),
        Axis("tokens", 1, 2**25, "integer"),
    ),
    "uneven": (
        Axis("decay", 3e-5, 0.7, "log"),
        Axis("layers", 2, 12, "integer"),
        Axis("lag", -20, -1, "integer"),
        Axis("keep", -0.3, 0.97, "linear"),
        Axis("average", 0.5, 0.9999, "one_minus_log"),
    ),
    "narrow": (
        Axis("rate", 1e-3, 1.0, "log"),
        Axis("momentum", 0.5, 0.75, "one_minus_log"),
        Axis("penalty", 0.1, 1.0, "log"),
        Axis("temperature", 0.5, 1.0, "log"),
        Axis("smoothing", 0.9, 0.99, "one_minus_log"),
    ),
    "table": axes(),
}
"""Of the first two, numbers of integers such that grids of 2, 3, 6 and 11 values fall on whole numbers. The third has
numbers below 0, the same axis twice, and 2, 8 and 2²⁵ integers; the fourth whole numbers that are all below 0, and ends
that no grid makes round. The fifth has scales whose ends are not far apart, where a line goes nearly as well.
"""
GRIDDED = ("notes", "other")
HELD = (Axis("held", 0.5, 0.5, "linear"), Axis("held too", 7, 7, "integer"))
"""Axes of one number: a search may refuse them."""

NEAR = 1e-6  # on a scale of length 1: above what rounding does to a position, below any step that is meant
SHRINKS = (0.5, 0.25, 0.1, 0.9, 0.4)
ENDS = 0.05  # on the scale: nearer to an end than that an incumbent is put now and then


def space(case: Case) -> Space:
    """Raises UsageError for the name of no space, or more axes than it has."""
    if case.family not in SPACES or case.columns > len(SPACES[case.family]):
        there = ", ".join(f"{name} of up to {len(axes)} axes" for name, axes in SPACES.items())
        raise UsageError(f"no space {case.family!r} of {case.columns} axes in the case {case}; there are {there}")
    return SPACES[case.family][: case.columns]


def scale_of(axis: Axis) -> Scale:
    """The axis as a scale and a box."""
    return Scale(axis.scale, axis.low, axis.high)


def point(axes: Space, where: np.ndarray) -> Point:
    """The values at these positions on the axes' scales, each in [0, 1]."""
    return tuple(float(scale_of(axis).value(np.asarray(u))) for axis, u in zip(axes, where, strict=True))


def grid(case: Case, format: Format) -> Inputs:
    """m values an axis."""
    return Inputs((), options={"space": space(case), "per_axis": case.m})


def random(case: Case, format: Format) -> Inputs:
    """m points."""
    return Inputs((), options={"space": space(case), "budget": case.m, "seed": case.seed})


def refined(case: Case, format: Format) -> Inputs:
    """An incumbent anywhere; of every third seed, on each axis at one end of it or the other."""
    axes, chances = space(case), case.random("incumbent")
    where = chances.random(case.columns)
    if case.seed % 3 == 1:
        where = np.rint(where)
    if case.seed % 3 == 2:
        where = ENDS * where + (1 - ENDS) * np.rint(chances.random(case.columns))
    return Inputs(
        (), options={"space": axes, "incumbent": point(axes, where), "shrink": SHRINKS[case.k % len(SHRINKS)]}
    )


def refined_midway(case: Case, format: Format) -> Inputs:
    """An incumbent so near the middle that the finer box reaches no end."""
    axes, chances, shrink = space(case), case.random("incumbent"), SHRINKS[case.k % len(SHRINKS)]
    where = 0.5 + (1 - shrink) / 2.5 * (chances.random(case.columns) - 0.5)
    return Inputs((), options={"space": axes, "incumbent": point(axes, where), "shrink": shrink})


def rounds(case: Case, format: Format) -> Inputs:
    """m points a round, k rounds, and the best point there is."""
    axes, chances = space(case), case.random("best")
    best = point(axes, chances.random(case.columns))
    shrink = SHRINKS[case.seed % len(SHRINKS)]
    given = {"rounds": max(case.k, 1), "budget": case.m, "shrink": shrink, "seed": case.seed}
    return Inputs((), options={"space": axes, "best_at": best, **given})


def tried(case: Case, format: Format) -> Inputs:
    """m trials, and the best point there is."""
    axes = space(case)
    best = point(axes, case.random("best").random(case.columns))
    return Inputs((), options={"space": axes, "best_at": best, "budget": case.m, "seed": case.seed})


def trained(case: Case, format: Format) -> Inputs:
    """m calls, a point to start from, and the best there is."""
    axes, chances = space(case), case.random("start")
    given = tried(case, format).options
    return Inputs((), options={**given, "start": point(axes, chances.random(case.columns))})


def searched(case: Case, format: Format) -> Inputs:
    """m trials each of many seeds: of points that are drawn, or of a search with its best point in the middle; of every
    tenth seed near an end of each axis, by turns the one and the other.
    """
    axes = space(case)
    given = {"rounds": case.k, "shrink": SHRINKS[0]} if case.k else {}
    ends = np.where(np.arange(case.columns) % 2, 1 - ENDS / 2, ENDS / 2)
    best = {"best_at": point(axes, ends if case.seed % 10 == 7 else np.full(case.columns, 0.5))}
    return Inputs((), options={"space": axes, **best, "budget": case.m, "seed": case.seed, **given})


def trials_of(
    *sizes: tuple[int, int], k: tuple[int, ...] = (0,), spaces: tuple[str, ...] = GRIDDED
) -> tuple[Case, ...]:
    """For each number of points and of axes, each k and each space, with seeds of their own."""
    found: list[Case] = []
    for m, columns in sizes:
        for number in k:
            found += [Case(m, columns, name, number, len(found) + i) for i, name in enumerate(spaces)]
    return tuple(found)
