"""Whether two searches try points alike."""

from itertools import pairwise
from typing import Any

import numpy as np

from nnlaws.authoring.subject import Subject
from nnlaws.chance.comparison import numbers_alike, positions_alike
from nnlaws.chapters.search.driver import Search
from nnlaws.chapters.search.inputs import scale_of
from nnlaws.rounding.formats import Floats

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


def trials_alike(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both, by different seeds, return as many trials, tried alike, and name the best of them alike: by its
    rank among the losses, or by its place.
    """
    one, two = (_trials(each, options, later) for each, later in ((subject, 0), (other, LATER)))
    (points, losses, best), (others, their_losses, their_best) = one, two
    if points.shape != others.shape or not (0 <= best < len(losses) and 0 <= their_best < len(losses)):
        return False
    ranks = [int((each < each[index]).sum()) for each, index in ((losses, best), (their_losses, their_best))]
    if ranks[0] != ranks[1] and best != their_best:
        return False
    columns = [
        [scale_of(axis).position(column.copy()) for axis, column in zip(options["space"], each.T, strict=True)]
        for each in (points, others)
    ]
    return len(points) < 2 or all(positions_alike(a, b) for a, b in zip(*columns, strict=True))


def _trials(subject: Subject, options: dict[str, Any], later: int) -> tuple[Floats, Floats, int]:
    given = {name: value for name, value in options.items() if name not in ("space", "best_at")}
    given["seed"] += later
    return Search(options["space"], best_at=options["best_at"], **given).trials(subject)


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
