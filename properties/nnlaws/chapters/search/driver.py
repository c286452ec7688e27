"""Searches as laws watch them: what they call, with which points, and what they return."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.chapters.search.inputs import Space, scale_of
from nnlaws.chapters.search.operations import REFINE
from nnlaws.rounding.formats import Floats

Losses = Callable[[Array, float, int], float]


class Search:
    """One search, of a space whose best point is known, with what it called and what came back."""

    def __init__(self, space: Space, *, best_at: Sequence[float], **options: Any) -> None:
        self.space, self.best_at, self.options = space, best_at, options
        self.losses: Losses = lambda point, loss, call: loss
        self.seen: list[tuple[list[float], float]] = []
        self.models: list[Any] = []

    @property
    def wanted(self) -> int:
        return int(self.options["budget"]) * int(self.options.get("rounds", 1))

    def objective(self, point: Any) -> float:
        """How far from the best, on the axes' scales; of what is not in the space, as far as its end."""
        x = np.asarray(point, dtype=np.float64).copy()
        if x.shape != (len(self.space),):
            raise ValueError(f"expected a point ({len(self.space)},), got shape {x.shape}")
        away = [
            float(scale_of(axis).position(value) - scale_of(axis).position(np.asarray(best)))
            for axis, value, best in zip(self.space, inside(x, self.space), self.best_at, strict=True)
            if axis.low < axis.high
        ]
        loss = self.losses(x, float(np.square(away).sum()), len(self.seen))
        self.seen.append((x.tolist(), loss))
        return loss

    def train(self, model: Any, point: Any) -> tuple[Any, float]:
        """A model is the number of calls that it has been trained for."""
        self.models.append(model)
        loss = self.objective(point)
        return len(self.models), loss

    def trials(self, f: Subject, **more: Any) -> tuple[Floats, Floats, int]:
        """What the search returned. Raises TargetFault for what is no points, losses and index."""
        self.options |= more
        function = self.train if "start" in self.options else self.objective
        options = dict(self.options)
        if "start" in options:
            options["start"] = np.asarray(options["start"], dtype=np.float64)
        points, losses, best = f.arrays(self.space, function, **options)
        points = checked(points, len(self.space))
        if (
            losses.shape != (len(points),)
            or losses.dtype.kind not in "fiu"
            or best.shape
            or best.dtype.kind not in "iu"
        ):
            kinds = f"losses, {losses.dtype} of shape {losses.shape}, and best, {best.dtype} of shape {best.shape}"
            raise TargetFault(f"returned {kinds}, where ({len(points)},) numbers and one whole number are expected")
        return points, losses.astype(np.float64), int(best)


def inside(x: Floats, space: Space) -> Floats:
    """The nearest point of the space: the losses of a search that leaves it are to be numbers, too."""
    low, high = np.array([(axis.low, axis.high) for axis in space]).T
    return np.asarray(np.clip(np.nan_to_num(x), low, high))


def in_another_world(run: Search, losses: Losses) -> Search:
    """The same search in another world."""
    other = Search(run.space, best_at=run.best_at, **run.options)
    before = run.losses
    other.losses = lambda point, loss, call: losses(point, before(point, loss, call), call)
    return other


def points_of(f: Subject, space: Space, **options: Any) -> Floats:
    """The points that a search tries."""
    if "best_at" in options:
        return Search(space, **options).trials(f)[0]
    (points,) = f.arrays(space, **options)
    return checked(points, len(space))


def box_of(f: Subject, space: Space, *, incumbent: Sequence[float], **options: Any) -> Floats:
    """The finer box: low and high of each axis."""
    (box,) = f.arrays(space, np.asarray(incumbent, dtype=np.float64), **options)
    if box.shape != (len(space), 2) or box.dtype.kind not in "fiu":
        raise TargetFault(
            f"returned {box.dtype} of shape {box.shape} where low and high are expected, ({len(space)}, 2)"
        )
    return box.astype(np.float64)


def checked(points: Array, axes: int) -> Floats:
    """Points as float64. Raises TargetFault for what has not a number an axis."""
    if points.ndim != 2 or points.shape[1] != axes or points.dtype.kind not in "fiu" or not len(points):
        raise TargetFault(f"returned {points.dtype} of shape {points.shape} where points (n, {axes}) are expected")
    return np.ascontiguousarray(points, dtype=np.float64)


def exercise(f: Subject, operation: Operation, **options: Any) -> Floats:
    """One search, or one finer box."""
    return box_of(f, **options) if operation is REFINE else points_of(f, **options)
