"""Whether two searches try points alike."""

from itertools import pairwise
from typing import Any

import numpy as np

from nnlaws.authoring.subject import Subject
from nnlaws.chance.comparison import numbers_alike, positions_alike
from nnlaws.chapters.search.inputs import scale_of

LATER = 1  # how much the other's seed is more: its points must not be the same by the same generator


def points_alike(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both draw each axis alike, and how far each axis is from the next, by different seeds."""
    space, budget, seed = (options[name] for name in ("space", "budget", "seed"))
    got, another = (
        each.arrays(space, budget=budget, seed=start)[0] for each, start in ((subject, seed), (other, seed + LATER))
    )
    if not numbers_alike(got, another) or got.ndim != 2 or got.shape[1] != len(space):
        return False
    positions = [
        [scale_of(axis).position(column.copy()) for axis, column in zip(space, points.T, strict=True)]
        for points in (got, another)
    ]
    apart = [[a - b for a, b in pairwise(each)] for each in positions]
    return all(
        positions_alike(a, b)
        for one, two in ((positions[0], positions[1]), (apart[0], apart[1]))
        for a, b in zip(one, two, strict=True)
    )


def grids_equal(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both make the same grid, up to rounding."""
    given = {name: value for name, value in options.items() if name != "space"}
    return _equal(*(each.arrays(options["space"], **given)[0] for each in (subject, other)))


def boxes_equal(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both make the same finer box, up to rounding."""
    incumbent = np.asarray(options["incumbent"])
    given = {name: value for name, value in options.items() if name not in ("space", "incumbent")}
    return _equal(*(each.arrays(options["space"], incumbent, **given)[0] for each in (subject, other)))


def _equal(got: Any, another: Any) -> bool:
    return numbers_alike(got, another) and bool(np.allclose(got, another, rtol=1e-9, atol=0, equal_nan=True))
