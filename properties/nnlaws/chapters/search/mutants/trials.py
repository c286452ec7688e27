"""Mistakes of searches that run trials, each its own: coarse to fine, caviar and panda."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import Axis, panda

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import drawn, on_scales, positions

Objective = Callable[[Array], float]
Train = Callable[[Any, Array], tuple[Any, float]]
Trials = tuple[Array, Array, int]
ONE_MODEL = "model, loss = train(model, point), each time"
BY_LOSSES = "choose the next point by the losses so far"


def found(points: Any, losses: Any) -> Trials:
    """What a search returns."""
    return np.asarray(points), np.asarray(losses), least(losses)


def least(losses: Any) -> int:
    """The index of the least; of none that is a number, the first."""
    return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))


def within(space: Space, box: Array) -> Space:
    """The space, each axis from end to end of the box."""
    ends = zip(space, box.tolist(), strict=True)
    return tuple(Axis(axis.name, low, high, axis.scale) for axis, (low, high) in ends)


def inside(space: Space, point: Array) -> Array:
    """The nearest point of the space."""
    return np.clip(point, *np.array([axis[1:3] for axis in space], dtype=np.float64).T)


def _nursed(fault: str, fix: str, seen: str = "classroom") -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("panda", fault, fix, seen, raw=True)


@_nursed("a new model each time", ONE_MODEL)
def new_model_each_time(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    return panda(space, lambda model, point: train(None, point), start=start, budget=budget, seed=seed)


@_nursed("always the first model: what train returns is dropped", ONE_MODEL)
def first_model_kept(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    first: list[Any] = []

    def kept(model: Any, point: Array) -> tuple[Any, float]:
        trained, loss = train(first[0] if first else None, point)
        first.append(trained)
        return first[0], loss

    return panda(space, kept, start=start, budget=budget, seed=seed)


@_nursed("starts a new model halfway", ONE_MODEL)
def new_model_halfway(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    calls: list[float] = []

    def halfway(model: Any, point: Array) -> tuple[Any, float]:
        trained, loss = train(None if len(calls) == budget // 2 else model, point)
        calls.append(loss)
        return trained, loss

    return panda(space, halfway, start=start, budget=budget, seed=seed)


@_nursed("goes back to the model before whenever the loss has risen", ONE_MODEL)
def model_taken_back(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    best: list[tuple[float, Any]] = [(np.inf, None)]

    def back(model: Any, point: Array) -> tuple[Any, float]:
        trained, loss = train(best[0][1], point)
        best[0] = min(best[0], (loss, trained), key=lambda each: each[0])
        return best[0][1], loss

    return panda(space, back, start=start, budget=budget, seed=seed)


@_nursed("each setting is first tried on the model, and that training is dropped", ONE_MODEL)
def looks_first(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    def twice(model: Any, point: Array) -> tuple[Any, float]:
        train(model, point)
        return train(model, point)

    return panda(space, twice, start=start, budget=budget, seed=seed)


@_nursed("the settings never change", BY_LOSSES)
def settings_never_change(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    return _walked(space, train, np.tile(start, (budget, 1)))


@_nursed("the settings walk at random, whatever the losses", BY_LOSSES)
def walks_at_random(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    random = np.random.default_rng(seed)
    u = np.clip(positions(space, start) + np.cumsum(random.normal(0, 0.1, (budget, len(space))), axis=0), 0, 1)
    points = np.stack([inside(space, point) for point in on_scales(space, u)])
    points[0] = start
    return _walked(space, train, points)


@_nursed("the settings follow a schedule, whatever the losses", BY_LOSSES)
def follows_a_schedule(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    u = positions(space, start) * 0.9 ** np.arange(budget)[:, None]
    points = np.stack([inside(space, point) for point in on_scales(space, u)])
    points[0] = start
    return _walked(space, train, points)


@_nursed("begins anywhere, not at the start", "the first point is the start")
def begins_anywhere(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    (other,) = drawn(space, 1, np.random.default_rng(seed))
    return panda(space, train, start=other, budget=budget, seed=seed)


@_nursed("settings leave the space", "clip each setting to its axis")
def leaves_the_space(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    u, step, model = positions(space, start), 0.1, None
    points, losses = list[Array](), list[float]()
    for _ in range(budget):
        points.append(on_scales(space, u[None])[0] if points else np.asarray(start))
        model, loss = train(model, points[-1])
        step = step if not losses or loss < losses[-1] else -1.5 * step
        losses.append(loss)
        u = u + step
    return found(points, losses)


def _walked(space: Space, train: Train, points: Array) -> Trials:
    """One model, trained on with each point in turn."""
    model, losses = None, list[float]()
    for point in points:
        model, loss = train(model, point.copy())
        losses.append(loss)
    return found(points, losses)


MUTANTS: tuple[Mutant, ...] = (*(each for each in list(globals().values()) if isinstance(each, Mutant)),)
