"""Whether two searches try points alike."""

from itertools import pairwise
from typing import Any

import numpy as np

from nnlaws.authoring.subject import Subject
from nnlaws.chance.comparison import numbers_alike, positions_alike
from nnlaws.chapters.search.driver import Search
from nnlaws.chapters.search.inputs import scale_of
from nnlaws.rounding.formats import Floats

PLACES = 9  # of a difference of positions: what is beyond is rounding
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
    apart = [[np.round(a - b, PLACES) for a, b in pairwise(each)] for each in positions]
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


def trials_alike(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both try points alike, by different seeds, and name alike a trial as the best: by its loss, or its place.

    Of one model that is trained on, and of rounds, the points follow from the losses: they have to lie alike there too.
    """
    space = options["space"]
    given = {name: value for name, value in options.items() if name != "space"}
    runs = [Search(space, **{**given, "seed": given["seed"] + later}) for later in (0, LATER)]
    (points, losses, best), (others, their_losses, their_best) = (
        run.trials(each) for run, each in zip(runs, (subject, other), strict=True)
    )
    if len(runs[0].seen) != len(runs[1].seen) or points.shape != others.shape or len(points) < 2:
        return False
    if _named(losses, best) != _named(their_losses, their_best):
        return False
    return all(
        positions_alike(scale_of(axis).position(a.copy()), scale_of(axis).position(b.copy()))
        for axis, a, b in zip(space, points.T, others.T, strict=True)
    )


def _named(losses: Floats, best: int) -> str:
    """What kind of trial is named the best: by its loss, else by its place."""
    if not 0 <= best < len(losses):
        return "none"
    loss, known = losses[best], losses[~np.isnan(losses)]
    kinds = {
        "NaN": np.isnan(loss),
        "the least": len(known) and loss == known.min(),
        "the largest": len(known) and loss == known.max(),
        "the first": best == 0,
        "the last": best == len(losses) - 1,
    }
    return next((kind for kind, is_so in kinds.items() if is_so), "another")


def _equal(got: Any, another: Any) -> bool:
    return numbers_alike(got, another) and bool(np.allclose(got, another, rtol=1e-9, atol=0, equal_nan=True))
