"""Mistakes of panda in adjusting: what is watched too short, in the wrong direction, or is not the losses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import panda

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import on_scales, positions
from nnlaws.chapters.search.mutants.trials import BY_LOSSES, ONE_MODEL, Train, Trials, found

WATCH = "look at each loss before the next call, to the last"
CHANGE = "change the settings where the loss has risen"
Step = Callable[[list[float], list[Any]], float]
"""Of the losses so far and the models, how far all settings go next, in positions."""


def _nursed(fault: str, fix: str) -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("panda", fault, fix, "classroom", raw=True)


@_nursed("after a loss that is NaN or infinite a new model is begun", ONE_MODEL)
def new_model_after_nan(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    def anew(model: Any, point: Array) -> tuple[Any, float]:
        model, loss = train(model, point)
        return (model if np.isfinite(loss) else None), loss

    return panda(space, anew, start=start, budget=budget, seed=seed)


@_nursed("a model whose loss explodes is replaced by the best so far", ONE_MODEL)
def best_model_after_an_explosion(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    kept: list[tuple[float, Any]] = []

    def best_of(model: Any, point: Array) -> tuple[Any, float]:
        model, loss = train(model, point)
        if kept and loss > 1e6:
            return kept[0][1], loss
        if not kept or loss < kept[0][0]:
            kept[:] = [(loss, model)]
        return model, loss

    return panda(space, best_of, start=start, budget=budget, seed=seed)


@_nursed("steps grow while losses fall, beyond the space", "clip each setting to its axis")
def grows_beyond(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    model, losses, step, x = None, list[float](), 0.01, np.asarray(start, dtype=np.float64)
    points = [x]
    for _ in range(budget):
        model, loss = train(model, points[-1].copy())
        losses.append(loss)
        step *= 1.5 if len(losses) > 1 and losses[-1] < losses[-2] else -0.5
        points.append(on_scales(space, (positions(space, x) + step)[None])[0])
        x = points[-1] if np.isfinite(points[-1]).all() else x
    return found(points[:budget], losses)


def _stepping(space: Space, train: Train, start: Array, budget: int, step: Step) -> Trials:
    """One model, and all settings in step, held in the box."""
    u, model = positions(space, start), None
    points, losses, models = [np.asarray(start, dtype=np.float64)], list[float](), list[Any]()
    low, high = np.array([axis[1:3] for axis in space], dtype=np.float64).T
    for _ in range(budget):
        model, loss = train(model, points[-1].copy())
        losses.append(loss)
        models.append(model)
        moved = step(losses, models)
        u = np.clip(u + moved, 0, 1)
        points.append(np.clip(on_scales(space, u[None])[0], low, high) if moved else points[-1])
    return found(points[:budget], losses)


def _rose(losses: list[float]) -> bool:
    return len(losses) > 1 and losses[-1] > losses[-2]


@_nursed("the first two losses alone say which way it goes", WATCH)
def by_the_first_two_losses(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    return _stepping(space, train, start, budget, lambda losses, models: -0.05 if _rose(losses[:2]) else 0.05)


@_nursed("nobody watches in the second half: the settings stay", WATCH)
def half_watched(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    def step(losses: list[float], models: list[Any]) -> float:
        return 0.0 if len(losses) >= budget // 2 else -0.1 if _rose(losses) else 0.05

    return _stepping(space, train, start, budget, step)


@_nursed("what goes well is changed, and what gets worse is kept", CHANGE)
def worse_is_kept(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    way = 0.07 if positions(space, start)[0] < 0.5 else -0.07
    return _stepping(space, train, start, budget, lambda losses, models: 0.0 if _rose(losses) else way / len(losses))


@_nursed("after the first loss that has risen the settings stay for good", CHANGE)
def gives_up(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    def step(losses: list[float], models: list[Any]) -> float:
        rises = [after > before for before, after in pairwise(losses)]
        return 0.0 if len(losses) < 2 or any(rises) else 0.05

    return _stepping(space, train, start, budget, step)


@_nursed("goes by the model, and not by its loss alone", BY_LOSSES)
def by_the_model(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    def step(losses: list[float], models: list[Any]) -> float:
        trained = models[-1] if isinstance(models[-1], int) else 0
        return -0.1 if _rose(losses) else 0.05 * np.cos(trained)

    return _stepping(space, train, start, budget, step)


@_nursed("a whole run before this one has shown what to do", "train once for each call, and return every call")
def rehearsed(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    panda(space, train, start=start, budget=budget, seed=seed)
    return panda(space, train, start=start, budget=budget, seed=seed)


@_nursed("the model is thrown away whenever the loss has risen", ONE_MODEL)
def model_thrown_away(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    losses: list[float] = []

    def anew(model: Any, point: Array) -> tuple[Any, float]:
        trained, loss = train(None if _rose(losses) else model, point)
        losses.append(loss)
        return trained, loss

    return panda(space, anew, start=start, budget=budget, seed=seed)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
