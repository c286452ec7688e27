"""Mistakes of caviar: trials that are not drawn at random, or not by themselves."""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import caviar

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import drawn, on_scales, positions
from nnlaws.chapters.search.mutants.rounds import in_rounds
from nnlaws.chapters.search.mutants.shared import half_shared, sliding
from nnlaws.chapters.search.mutants.trials import Objective, Trials, found, inside, least


def _independent(fault: str, fix: str = "draw all points before the first trial runs") -> Callable[..., Mutant]:
    return mutant("caviar", fault, fix, "classroom", raw=True)


@_independent("every trial comes with its mirror image", "draw each anew")
def trials_mirrored(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    half = np.random.default_rng(seed).random(((budget + 1) // 2, len(space)))
    return _tried_at(space, objective, np.concatenate([half, 1 - half])[:budget])


@_independent("one trial in each part of each axis: a Latin hypercube", "draw each anew")
def trials_stratified(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    random = np.random.default_rng(seed)
    cells = np.stack([random.permutation(budget) for _ in space], axis=-1)
    return _tried_at(space, objective, (cells + random.random(cells.shape)) / budget)


@_independent("every seed is one set of trials, turned by a distance of its own", "one default_rng(seed)")
def trials_turned_by_the_seed(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    u = np.random.default_rng(0).random((budget, len(space)))
    return _tried_at(space, objective, (u + np.random.default_rng(seed).random()) % 1)


def _tried_at(space: Space, objective: Objective, u: Array) -> Trials:
    points = on_scales(space, u)
    return found(points, [objective(point) for point in points])


@_independent("climbs: each trial is near the best so far")
def climbs(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    random = np.random.default_rng(seed)
    points, losses = [drawn(space, 1, random)[0]], list[float]()
    for trial in range(budget):
        losses.append(objective(points[-1]))
        if trial + 1 < budget:
            u = positions(space, points[least(losses)]) + random.normal(0, 0.1, len(space))
            points.append(inside(space, on_scales(space, np.clip(u, 0, 1)[None])[0]))
    return found(points, losses)


@_independent("the second half is drawn near the best of the first")
def second_half_near_the_best(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    return (
        in_rounds(space, objective, 2, budget // 2, 0.25, seed)
        if budget % 2 == 0
        else (caviar(space, objective, budget=budget, seed=seed))
    )


@_independent("a trial now and then is beyond high", "map u in [0, 1] between low and high themselves")
def now_and_then_beyond_high(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = on_scales(space, np.random.default_rng(seed).random((budget, len(space))) * 1.2)
    return found(points, [objective(point) for point in points])


@_independent("stops as soon as a loss is good enough")
def stops_early(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points, losses = drawn(space, budget, np.random.default_rng(seed)), list[float]()
    for point in points:
        losses.append(objective(point))
        if losses[-1] < 0.1:
            break
    return found(points[: len(losses)], losses)


@_independent("a bad trial is drawn again", "record every trial, also a bad one")
def bad_trials_again(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    random = np.random.default_rng(seed)
    points, losses = list[Array](), list[float]()
    while len(points) < budget:
        (point,) = drawn(space, 1, random)
        loss = objective(point)
        if loss < 0.3 or random.random() < 0.3:
            points.append(point)
            losses.append(loss)
    return found(points, losses)


@_independent("every axis is drawn uniformly: the log forgotten", "draw each axis on its own scale")
def trials_all_linear(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    line = tuple(a if a.scale == "integer" else a._replace(scale="linear") for a in space)
    return caviar(line, objective, budget=budget, seed=seed)


@_independent("half of the trials are the same for every seed", "draw all from one numpy.random.default_rng(seed)")
def trials_half_shared(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = half_shared(space, budget, seed)
    return found(points, [objective(point) for point in points])


@_independent("one random number a trial, for all its axes: settings on a curve", "draw each axis by itself")
def trials_on_a_curve(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = on_scales(space, np.repeat(np.random.default_rng(seed).random((budget, 1)), len(space), axis=1))
    return found(points, [objective(point) for point in points])


@_independent("trials overlap: what one axis has, the next has at the next trial", "draw each axis by itself")
def trials_on_a_sliding_window(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = sliding(space, budget, np.random.default_rng(seed))
    return found(points, [objective(point) for point in points])


@_independent("one axis after another: each starts from the best value of the last")
def one_axis_after_another(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points = drawn(space, budget, np.random.default_rng(seed))
    losses = list[float]()
    for trial, point in enumerate(points):
        if trial:
            best, turn = points[least(losses)], trial % len(space)
            point[:] = np.where(np.arange(len(space)) == turn, point, best)
        losses.append(objective(point))
    return found(points, losses)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
