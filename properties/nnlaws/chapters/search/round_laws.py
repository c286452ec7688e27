"""The laws of a search in rounds: where the box of each round lies, and that it is drawn from as a whole space is.

SE-9 to SE-12 say what the box of a round is, given the points and losses before it: on an axis of real numbers exactly,
on one of whole numbers to within one at either end.
"""

from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject, TargetFault
from nnlaws.chance import used
from nnlaws.chance.evidence import evidence, given
from nnlaws.chance.scale import CELLS, Scale, mistaken
from nnlaws.chapters.search.boxes import boxes, in_cells, least, mirrored, positions, turned
from nnlaws.chapters.search.driver import Losses, Search, in_another_world
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats

PILED = 4  # points that are just at an end, which chance brings about once in 10²⁰ searches
WORLDS: tuple[tuple[str, Losses], ...] = (
    ("", lambda point, loss, call: loss),
    (" where later losses are greater", lambda point, loss, call: loss + call),
    (" where losses are below 0", lambda point, loss, call: loss - 1e3),
    (" where losses are large", lambda point, loss, call: 1e9 * (1 + loss)),
    (" where a loss is NaN", lambda point, loss, call: np.nan if call == 0 else loss),
    (" where losses are NaN now and then", lambda point, loss, call: np.nan if call % 3 == 1 else loss),
)
"""What losses may be: the best is not always the last or the nearest to 0, and one that is NaN is not the best."""


def shrinking_rounds(
    f: Subject, ruler: Ruler, *, space: Space, rounds: int, budget: int, shrink: float, **options: Any
) -> Evidence:
    """Each round after the first lies in the box that is made of the last one, round the best point so far, whatever
    the losses are; but a search may refuse one that is NaN.
    """
    seen = []
    for words, losses in WORLDS:
        run = in_another_world(Search(space, **options), losses)
        try:
            seen.append(_closing_in(run, f, words, rounds, budget, shrink))
        except NotOffered:
            raise
        except Refused:
            if not any(np.isnan(loss) for _, loss in run.seen):
                raise
    return worst(*seen)


def _closing_in(run: Search, f: Subject, words: str, rounds: int, budget: int, shrink: float) -> Evidence:
    points, losses = trials(f, run, rounds, budget, shrink)
    for number, now in enumerate(boxes(run.space, points, losses, rounds, budget, shrink)):
        these, best = points[number * budget : (number + 1) * budget], points[least(losses[: number * budget or 1])]
        for axis, box, values, x in zip(run.space, now, these.T, best, strict=True):
            u = scale_of(axis).position(values.copy())
            beyond = np.maximum(box.low - u, u - box.high)
            if np.ptp(u) > formulas.widest(shrink, number) + NEAR:
                far = f"round {number + 1}{words} tries {axis.name} over {np.ptp(u):.3g} of its scale"
                return require(False, f"{far}, where {formulas.widest(shrink, number):.3g} is left")
            if number and not beyond.max() <= NEAR:
                ends = (given(scale_of(axis).value(np.asarray(end))) for end in (box.low, box.high))
                wrong = f"round {number + 1}{words} tries {axis.name} = {given(values[beyond.argmax()])}"
                return require(False, f"{wrong}, where the best so far is {given(x)} and {' to '.join(ends)} is left")
    return require(True, "")


def drawn_in_its_box(
    f: Subject, ruler: Ruler, *, space: Space, rounds: int, budget: int, shrink: float, seed: int, **options: Any
) -> Evidence:
    """Each round draws at random, each axis by its own scale, in the whole box that is left, and no number comes again
    from a round before, nor its mirror image.

    What the box of a round is, points before it decide: so the positions in it are uniform and independent, as those of
    one box are. Of whole numbers those count that are in the box in any case, each as likely; for another a number is
    drawn here.
    """
    run, random = Search(space, seed=seed, **options), np.random.default_rng([seed, budget])
    points, losses = trials(f, run, rounds, budget, shrink)
    rows: dict[str, list[Floats]] = {}
    ways: dict[str, Any] = {}
    even, cells, chances, columns = [0.0], list[Floats](), list[Floats](), list[Floats]()
    rows_of: dict[str, list[Floats]] = {}
    grain = statistics.GRAIN
    for round, now in enumerate(boxes(space, points, losses, rounds, budget, shrink)):
        these, places = points[round * budget : (round + 1) * budget], list[Floats]()
        best = points[least(losses[: round * budget or 1])]
        for number, (axis, box, x) in enumerate(zip(space, now, these.T, strict=True)):
            scale, later = scale_of(axis), f"{axis.name} in later rounds"
            if box.sure is not None:
                u = _among(x, *box.sure, random)
                later = f"{axis.name} in round {round + 1}"
                known = Scale("integer", float(box.sure[0]), float(box.sure[1]))
                ways[later] = mistaken(known), known.count if known.count > 1 else 0
            elif not box.known:
                u = random.random(budget)  # which says nothing
                for end in (axis.low, axis.high):
                    piled = int((x == end).sum())
                    apart = np.ptp(scale.position(np.array([best[number], end])))
                    if piled >= PILED and apart > NEAR:
                        words = f"{piled} of {budget} points of round {round + 1} are at the end of {axis.name}, {end}"
                        return require(False, f"{words}: they are put there, not drawn")
            else:
                u, length = positions(scale, box, x, random), box.high - box.low
                # a draw may be off by its grain, and either end of a box that was computed by as much
                grain = max(grain, scale.grain(x.copy()) * (3 if round else 1) / length)
                cell, chance = in_cells(axis, box, x)
                cells.append(mirrored(cell))
                chances.append(np.minimum(2 * chance, 1.0))
                even.append(statistics.evenness(u, grain=grain)[0])
                rows_of.setdefault(axis.name, []).append((cell + 0.5) / CELLS)
            places.append(u)
            first = "the first round" if box.sure is None else later
            if box.known:
                rows.setdefault(later if round else first, []).append(random.permutation(u))
        columns.append(random.permutation(np.stack(places), axis=1))
    seen: list[Evidence] = []
    for what, parts in rows.items():
        row = np.concatenate(parts)
        densities, categories = ways.get(what, ((), 0))
        words = f"of {len(row)} positions in the box of {what} {(row < 0.5).mean():.0%} are in its lower half"
        found = statistics.marginal(row, densities, categories, grain=grain)
        seen.append(evidence(found, len(row), f"{words}, and not evenly spread"))
    if len(space) > 1:
        ranks = [statistics.sequential_ranks(each, random) for each in np.concatenate(columns, axis=1)]
        found, _ = statistics.crossed(ranks, lagged=False)
        seen.append(evidence(found, len(points), "in a round, one axis of a point tells of another"))
    if cells:
        again = statistics.repeats(np.concatenate(cells), np.concatenate(chances))
        words = "positions in the box of a round, or their mirror images, come again"
        seen.append(evidence(again, len(points), words))
    if rows_of:
        as_first = turned([(each[0], row) for each in rows_of.values() for row in each[1:]])
        words = "the points of a round are those of the first, moved by one distance"
        seen.append(evidence(as_first, len(points), words))
        halves = turned([(row[: budget // 2], row[-(budget // 2) :]) for each in rows_of.values() for row in each])
        words = "the second half of a round is the first, moved by one distance"
        seen.append(evidence(halves, len(points), words))
    ratio = used(max(even) - np.log(len(even)))
    words = "the points of a round lie too evenly in its box for chance"
    return worst(*seen, Evidence(ratio, reason=words if ratio > 1 else ""))


def _among(x: Floats, low: int, high: int, random: np.random.Generator) -> Floats:
    """Of whole numbers from low to high, uniform numbers; of others, some."""
    count, chances = high - low + 1, random.random(len(x))
    there = (x >= low) & (x <= high) & (count > 1)
    return np.where(there, (x - low + chances) / count, chances)


def trials(f: Subject, run: Search, rounds: int, budget: int, shrink: float) -> tuple[Floats, Floats]:
    """The points of all rounds, and their losses. Raises TargetFault for another number of them, or NaN."""
    points, losses, _ = run.trials(f, rounds=rounds, budget=budget, shrink=shrink)
    if len(points) != run.wanted:
        raise TargetFault(f"returned {len(points)} points where {run.wanted} are expected (SE-15)")
    if not np.isfinite(points).all():
        raise TargetFault("a point is NaN or infinite (SE-4)")
    return points, losses
