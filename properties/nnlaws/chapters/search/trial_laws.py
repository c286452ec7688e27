"""The laws of searches that are given something to call: what they do with its answers."""

from functools import partial
from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject, TargetFault
from nnlaws.chance.evidence import given
from nnlaws.chapters.search.driver import Losses, Search, in_another_world
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats


def _known_alone(known: set[int], point: Floats, loss: float, call: int) -> float:
    """The loss in these calls, and NaN in all others."""
    return loss if call in known else np.nan


def shrinking_rounds(
    f: Subject, ruler: Ruler, *, space: Space, rounds: int, budget: int, shrink: float, **options: Any
) -> Evidence:
    """Each round after the first lies round the best point so far, within a box that is `shrink` times the last.

    Also where every later round has greater losses, so that the best so far is one of the first round.
    """
    run = Search(space, **options)
    rising = in_another_world(run, lambda point, loss, call: loss + len(space) * (call // budget))
    return worst(*(_closing_in(each, f, rounds, budget, shrink) for each in (run, rising)))


def _closing_in(run: Search, f: Subject, rounds: int, budget: int, shrink: float) -> Evidence:
    points, losses, _ = run.trials(f, rounds=rounds, budget=budget, shrink=shrink)
    if len(points) != run.wanted:
        raise TargetFault(f"returned {len(points)} points where {run.wanted} are expected (SE-15)")
    for number in range(1, rounds):
        before, these = slice(0, number * budget), points[number * budget : (number + 1) * budget]
        incumbent = points[_best(losses[before])]
        for axis, values, best in zip(run.space, these.T, incumbent, strict=True):
            scale, whole = scale_of(axis), 1 / (axis.high - axis.low) if axis.scale == "integer" else 0.0
            u, near = scale.position(values.copy()), float(scale.position(np.asarray(best)))
            length = formulas.widest(shrink, number) + NEAR + whole
            if np.ptp(u) > length or np.abs(u - near).max() > length:
                far = f"round {number + 1} tries {axis.name} up to {np.abs(u - near).max():.3g} of its scale away"
                left = f"{formulas.widest(shrink, number):.3g} is left"
                return require(False, f"{far} from the best so far, {given(best)}, where {left}")
    return require(True, "")


def _best(losses: Floats) -> int:
    """The index of the least; of losses that are no numbers, the first."""
    return 0 if np.isnan(losses).all() else formulas.best(losses)


def best_kept(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """`best` is the index of the least loss of all."""
    run = Search(space, **options)
    _, losses, best = run.trials(f)
    least = losses[_best(losses)]
    found = losses[best] if 0 <= best < len(losses) else np.nan
    which = f"best = {best}, which is {'no trial' if np.isnan(found) else given(found)}"
    return require(found == least, f"{which}, where the least of all losses is {given(least)}")


def nan_is_never_best(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Where one trial's loss is NaN, the first, the last or one between, or all are but one, `best` is another; or the
    search refuses such a loss, where it takes others.
    """
    run = Search(space, **options)
    last = run.wanted - 1
    run.trials(f)
    numbers = {call: {*range(last + 1)} - {call} for call in dict.fromkeys((0, last // 2, last))}
    numbers[-1] = {min(1, last)}  # all the others are NaN
    for known in numbers.values():
        world = in_another_world(run, partial(_known_alone, known))
        try:
            points, losses, best = world.trials(f)
        except NotOffered:
            raise
        except Refused:
            continue
        if not 0 <= best < len(losses) or len(world.seen) != world.wanted or np.isnan(losses).all():
            continue  # what other laws say
        answers = [loss for point, loss in world.seen if point == points[best].tolist()] or [losses[best]]
        least = np.nanmin(losses)
        if np.isnan(answers).all() or losses[best] != least:
            which = f"best = {best}, whose loss was {given(answers[-1])}"
            where = f"{last + 1 - len(known)} losses are NaN and {given(least)} is the least of those returned"
            return require(False, f"{which}, where {where}")
    return require(True, "")


def budget_kept(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """The points and losses returned are those of the calls, each once; and there are as many as were asked for."""
    run = Search(space, **options)
    points, losses, _ = run.trials(f)
    if len(run.seen) != run.wanted:
        return require(False, f"{len(run.seen)} calls where {run.wanted} were asked for")
    if len(points) != run.wanted:
        return require(False, f"{len(points)} points were returned of {run.wanted} calls")
    called = sorted(point for point, _ in run.seen)
    answers = formulas.independent_trials(run.objective, points)
    kept = sorted(points.tolist()) == called and np.array_equal(losses, answers)
    return require(kept, "the points and losses returned are not those of the calls")


def trials_by_themselves(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Where every loss is another, the points are the same, in whatever order they are returned."""
    one = Search(space, **options)
    other = in_another_world(one, lambda point, loss, call: -loss)
    first, second = (sorted(each.trials(f)[0].tolist()) for each in (one, other))
    return require(first == second, "with other losses, other points were tried")


def one_model(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Each call trains the model on that the call before returned; the first begins with none."""
    run = Search(space, **options)
    points, losses, _ = run.trials(f)
    start = np.asarray(options["start"])
    again = Search(space, **options)
    ahead = [*points[1:], start]  # of the last no one asks
    tried, wanted = formulas.one_trajectory(again.train, start, len(points), lambda so_far, seen: ahead[len(seen) - 1])
    for call, (model, right) in enumerate(zip(run.models, again.models, strict=False), 1):
        if type(model) is not type(right) or model != right:  # an array is compared to none
            was = f"the model of call {model}" if type(model) is int else "None" if model is None else "no model"
            want = f"that of call {right}" if right else "None"
            return require(False, f"call {call} was given {was} where {want} is to be trained on")
    if not np.array_equal(points, tried):
        return require(False, f"the first point is {points[0]}, not the start {start}")
    return require(np.array_equal(wanted, losses), "the losses are not those of one model that is trained on and on")


def adapts(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Losses that are the same up to a call give the same settings up to the next; where they part, settings do."""
    falling = in_another_world(Search(space, **options), lambda point, loss, call: 1 / (1 + call))
    first, differ = falling.trials(f)[0], False
    for part in (options["budget"] // 2, 1):  # from one alone, both may by chance press against the same end
        second = in_another_world(falling, _rising_from(part)).trials(f)[0]
        if not np.array_equal(first[: part + 1], second[: part + 1]):
            return require(False, f"before the losses differ, at call {part + 1}, the settings do")
        differ |= not np.array_equal(first, second)
    never = "never change" if (first == first[0]).all() else "are the same whatever the losses are"
    return require(differ, f"the settings {never}")


def _rising_from(part: int) -> Losses:
    return lambda point, loss, call: loss if call < part else 1.0 + call
