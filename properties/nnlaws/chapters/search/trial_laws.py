"""The laws of searches that are given something to call: what they do with its answers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject
from nnlaws.chance.evidence import given
from nnlaws.chapters.search.boxes import least
from nnlaws.chapters.search.driver import Losses, Search, in_another_world
from nnlaws.chapters.search.inputs import Space
from nnlaws.rounding.formats import Floats


def _known_alone(known: set[int], point: Floats, loss: float, call: int) -> float:
    """A loss in these calls, larger than what NaN may be taken for, and NaN in all others."""
    return 1e9 * (1 + loss) if call in known else np.nan


def best_kept(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """`best` is the index of the least loss of all: also where all are below 0, or large, or infinite but for one, or
    all of them, where any is the least; where one is −∞; and where the first is the least.
    """
    for words, losses in WORLDS:
        run = in_another_world(Search(space, **options), losses)
        try:
            _, found, best = run.trials(f)
        except NotOffered:
            raise
        except Refused:
            if all(np.isfinite(loss) for _, loss in run.seen):
                raise
            continue
        lowest = found[least(found)]
        named = found[best] if 0 <= best < len(found) else np.nan
        if named != lowest:
            which = f"whose loss is {given(named)}" if 0 <= best < len(found) else "which is no trial"
            return require(False, f"best = {best}, {which}, where the least of all losses is {given(lowest)}{words}")
    return require(True, "")


WORLDS: tuple[tuple[str, Losses], ...] = (
    ("", lambda point, loss, call: loss),
    (", and all are below 0", lambda point, loss, call: loss - 1e3),
    (", and all are large", lambda point, loss, call: 1e9 * (1 + loss)),
    (", and all others are infinite", lambda point, loss, call: loss if call == 1 else np.inf),
    (", and all are", lambda point, loss, call: np.inf),
    (", of call 3", lambda point, loss, call: -np.inf if call == 2 else loss),
    (", and each is greater than the one before", lambda point, loss, call: 1.0 + call),
)


def nan_is_never_best(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Where one trial's loss is NaN, the first, the last or one between, or all are but one, `best` is another; or the
    search refuses such a loss, where it takes others.
    """
    run = Search(space, **options)
    last = run.wanted - 1
    run.trials(f)
    numbers = [{*range(last + 1)} - {call} for call in dict.fromkeys((0, last // 2, last))]
    for known in (*numbers, {min(1, last)}):  # of the last, all the others are NaN
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
        lowest = np.nanmin(losses)
        if np.isnan(answers).all() or losses[best] != lowest:
            which = f"best = {best}, whose loss was {given(answers[-1])}"
            where = f"{last + 1 - len(known)} losses are NaN and {given(lowest)} is the least of those returned"
            return require(False, f"{which}, where {where}")
    return require(True, "")


def budget_kept(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """The points and losses returned are those of the calls, each once; and there are as many as were asked for, also
    where no loss is better than the first.
    """
    run = Search(space, **options)
    rising = in_another_world(run, lambda point, loss, call: 1.0 + call)
    return worst(_kept(f, run, lambda points: formulas.independent_trials(run.objective, points)), _kept(f, rising))


def _kept(f: Subject, run: Search, answers: Callable[[Floats], Floats] | None = None) -> Evidence:
    """answers: of points, where losses are theirs alone."""
    points, losses, _ = run.trials(f)
    if len(run.seen) != run.wanted:
        return require(False, f"{len(run.seen)} calls where {run.wanted} were asked for")
    if len(points) != run.wanted:
        return require(False, f"{len(points)} points were returned of {run.wanted} calls")
    kept = sorted(zip(points.tolist(), losses.tolist(), strict=True)) == sorted(run.seen)
    same = kept and (answers is None or np.array_equal(losses, answers(points)))
    return require(same, "the points and losses returned are not those of the calls")


def trials_by_themselves(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Where every loss is another, the points are the same, in whatever order they are returned."""
    one = Search(space, **options)
    other = in_another_world(one, lambda point, loss, call: -loss)
    first, second = (sorted(each.trials(f)[0].tolist()) for each in (one, other))
    return require(first == second, "with other losses, other points were tried")


def one_model(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Each call trains the model on that the call before returned; the first begins with none. So it is where a loss is
    NaN, which a search may refuse, or infinite, or far larger than all others.
    """
    seen = [_one_model(f, Search(space, **options))]
    for odd in (np.nan, np.inf, 1e9):
        world = in_another_world(Search(space, **options), partial(_odd_at, options["budget"] // 2, odd))
        try:
            seen.append(_one_model(f, world))
        except NotOffered:
            raise
        except Refused:
            if not np.isnan(odd):
                raise
    return worst(*seen)


def _odd_at(place: int, odd: float, point: Floats, loss: float, call: int) -> float:
    return odd if call == place else loss


def _one_model(f: Subject, run: Search) -> Evidence:
    points, losses, _ = run.trials(f)
    start = np.asarray(run.options["start"])
    again = in_another_world(run, lambda point, loss, call: loss)
    ahead = [*points[1:], start]  # of the last no one asks
    tried, wanted = formulas.one_trajectory(again.train, start, len(points), lambda so_far, seen: ahead[len(seen) - 1])
    for call, (model, right) in enumerate(zip(run.models, again.models, strict=False), 1):
        if type(model) is not type(right) or model != right:  # an array is compared to none
            was = f"the model of call {model}" if type(model) is int else "None" if model is None else "no model"
            want = f"that of call {right}" if right else "None"
            return require(False, f"call {call} was given {was} where {want} is to be trained on")
    if not np.array_equal(points, tried):
        return require(False, f"the first point is {points[0]}, not the start {start}")
    same = np.array_equal(wanted, losses, equal_nan=True)
    return require(same, "the losses are not those of one model that is trained on and on")


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
