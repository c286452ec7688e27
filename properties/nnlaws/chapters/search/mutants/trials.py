"""Mistakes of searches that run trials, each its own: coarse to fine, caviar and panda."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import Axis, caviar, coarse_to_fine, panda

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import boxed, drawn, finer, on_scales, positions
from nnlaws.chapters.search.mutants.shared import half_shared, sliding

Objective = Callable[[Array], float]
Train = Callable[[Any, Array], tuple[Any, float]]
Trials = tuple[Array, Array, int]
Center = Callable[[Array, Array, int], Array]
"""Of the points and losses so far and the budget of a round: where the next round's box is centred."""

BEST_SO_FAR = "centre each round on points[numpy.argmin(losses)] of all rounds before it, in refine(the last box, …)"
IN_THE_BOX = "random_search in the box of the round"
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


def _coarse(fault: str, fix: str = BEST_SO_FAR) -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("coarse_to_fine", fault, fix, "classroom", raw=True)


def _rounds(
    space: Space,
    objective: Objective,
    rounds: int,
    budget: int,
    shrink: float,
    seed: int,
    *,
    center: Center,
    nested: bool = True,
    clipped: bool = True,
    draw: Callable[[Space, int, np.random.Generator], Array] = drawn,
) -> Trials:
    """Rounds in boxes around the center: `nested`, each box is made of the last one, else of the whole space. draw: how
    points are drawn in the boxes after the first.
    """
    random, whole = np.random.default_rng(seed), space
    points, losses = np.empty((0, len(space))), np.empty(0)
    for number in range(rounds):
        if number:
            near = center(points, losses, budget)
            if clipped:
                base = space if nested else whole
                space = within(space, finer(base, near, shrink))
            else:
                u, reach = positions(whole, near), shrink**number / 2
                space = within(space, boxed(whole, u - reach, u + reach, inside=False))
        new = (draw if number else drawn)(space, budget, random)
        points = np.concatenate([points, new])
        losses = np.concatenate([losses, [objective(point) for point in new]])
    return found(points, losses)


def _best(points: Array, losses: Array, budget: int) -> Array:
    return points[least(losses)]


def _centred(name: str, fault: str, center: Center, **how: Any) -> Mutant:
    """Coarse to fine, with another center or another box."""

    def search(space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int) -> Trials:
        return _rounds(space, objective, rounds, budget, shrink, seed, center=center, **how)

    return Mutant("coarse_to_fine", f"coarse_to_fine.{name}", fault, BEST_SO_FAR, "classroom", search)


def _inside(space: Space, point: Array) -> Array:
    return np.clip(point, *np.array([axis[1:3] for axis in space], dtype=np.float64).T)


_CENTRES = (
    _centred("worst_of_all", "centres on the worst", lambda points, losses, budget: points[np.nanargmax(losses)]),
    _centred("last_point", "centres on the last point tried", lambda points, losses, budget: points[-1]),
    _centred("first_point", "centres on the first point of each round", lambda points, losses, budget: points[-budget]),
    _centred("best_of_the_first_round", "keeps to the best of the first round",
             lambda points, losses, budget: points[least(losses[:budget])]),
    _centred("best_of_the_last_round", "forgets the rounds before the last one",
             lambda points, losses, budget: points[-budget:][least(losses[-budget:])]),
    _centred("box_of_the_whole_space", "shrinks the whole space each time, never the last box", _best, nested=False),
    _centred("rounds_not_clipped", "boxes are not clipped to the space", _best, clipped=False),
)  # fmt: skip


@_coarse("the box never shrinks")
def boxes_all_alike(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    points = drawn(space, rounds * budget, np.random.default_rng(seed))
    return found(points, [objective(point) for point in points])


@_coarse("the first axis alone gets finer")
def first_axis_refined_alone(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    random, box = np.random.default_rng(seed), space
    points = drawn(space, budget, random)
    losses = [objective(point) for point in points]
    for _ in range(rounds - 1):
        best = points[least(losses)]
        box = within(box[:1], finer(box[:1], best[:1], shrink)) + box[1:]
        new = drawn(box, budget, random)
        points, losses = np.concatenate([points, new]), losses + [objective(point) for point in new]
    return found(points, losses)


@_coarse("the best of the last round is returned, not of all", "numpy.argmin over the losses of all trials")
def best_index_of_the_last_round(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    points, losses, _ = coarse_to_fine(space, objective, rounds=rounds, budget=budget, shrink=shrink, seed=seed)
    return points, losses, least(losses[-budget:])


@_coarse("the last round alone is returned", "return the points and losses of all rounds")
def last_round_alone(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    points, losses, _ = coarse_to_fine(space, objective, rounds=rounds, budget=budget, shrink=shrink, seed=seed)
    return found(points[-budget:], losses[-budget:])


def _within_boxes(name: str, fault: str, draw: Callable[[Space, int, np.random.Generator], Array]) -> Mutant:
    """Rounds in the right boxes, whose points are drawn in another way."""

    def search(space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int) -> Trials:
        return _rounds(space, objective, rounds, budget, shrink, seed, center=_best, draw=draw)

    return Mutant("coarse_to_fine", f"coarse_to_fine.{name}", fault, IN_THE_BOX, "classroom", search)


def _on_lines(space: Space, budget: int, random: np.random.Generator) -> Array:
    return drawn(tuple(a if a.scale == "integer" else a._replace(scale="linear") for a in space), budget, random)


def _at_the_middle(space: Space, budget: int, random: np.random.Generator) -> Array:
    return np.repeat(on_scales(space, np.full((1, len(space)), 0.5)), budget, axis=0)


def _lower_halves(space: Space, budget: int, random: np.random.Generator) -> Array:
    u = random.random((budget, len(space)))
    return on_scales(space, np.where([axis.scale == "integer" for axis in space], u, u / 2))


def _near_the_middle(space: Space, budget: int, random: np.random.Generator) -> Array:
    u = np.clip(random.normal(0.5, 0.15, (budget, len(space))), 0, 1)
    return on_scales(space, np.where([axis.scale == "integer" for axis in space], random.random(u.shape), u))


def _by_one_number(space: Space, budget: int, random: np.random.Generator) -> Array:
    return on_scales(space, np.repeat(random.random((budget, 1)), len(space), axis=1))


_IN_BOXES = (
    _within_boxes("rounds_all_linear", "every axis is drawn uniformly in its box: the scale forgotten", _on_lines),
    _within_boxes("stuck_on_the_best", "after the first round the middle of the box is tried again and again",
                  _at_the_middle),
    _within_boxes("lower_halves_of_boxes", "the lower half of each box alone", _lower_halves),
    _within_boxes("near_the_best", "normal, round the best", _near_the_middle),
    _within_boxes("rounds_on_a_line", "one number a point, for all its axes", _by_one_number),
)  # fmt: skip


@_coarse("boxes shrink by the square of shrink")
def boxes_too_narrow(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int
) -> Trials:
    return _rounds(space, objective, rounds, budget, shrink**2, seed, center=_best)


def _independent(fault: str, fix: str = "draw all points before the first trial runs") -> Callable[..., Mutant]:
    return mutant("caviar", fault, fix, "classroom", raw=True)


@_independent("climbs: each trial is near the best so far")
def climbs(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    random = np.random.default_rng(seed)
    points, losses = [drawn(space, 1, random)[0]], list[float]()
    for trial in range(budget):
        losses.append(objective(points[-1]))
        if trial + 1 < budget:
            u = positions(space, points[least(losses)]) + random.normal(0, 0.1, len(space))
            points.append(_inside(space, on_scales(space, np.clip(u, 0, 1)[None])[0]))
    return found(points, losses)


@_independent("the second half is drawn near the best of the first")
def second_half_near_the_best(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    return (
        _rounds(space, objective, 2, budget // 2, 0.25, seed, center=_best)
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
    points = np.stack([_inside(space, point) for point in on_scales(space, u)])
    points[0] = start
    return _walked(space, train, points)


@_nursed("the settings follow a schedule, whatever the losses", BY_LOSSES)
def follows_a_schedule(space: Space, train: Train, *, start: Array, budget: int, seed: int) -> Trials:
    u = positions(space, start) * 0.9 ** np.arange(budget)[:, None]
    points = np.stack([_inside(space, point) for point in on_scales(space, u)])
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


MUTANTS: tuple[Mutant, ...] = (
    *_CENTRES,
    *_IN_BOXES,
    *(each for each in list(globals().values()) if isinstance(each, Mutant)),
)
