"""The laws of a search in rounds: where the box of each round lies, and that it is drawn from as a whole space is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from nnlaws_reference.search import Axis
from nnlaws_spec.formulas import search as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject, TargetFault
from nnlaws.chance import used
from nnlaws.chance.evidence import evidence, given, moved
from nnlaws.chance.scale import Scale, mistaken
from nnlaws.chapters.search.boxes import Box, boxes, in_cells, least, positions
from nnlaws.chapters.search.driver import Losses, Search, in_another_world
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats

WORLDS: tuple[tuple[str, Losses], ...] = (
    ("", lambda point, loss, call: loss),
    (" where later losses are greater", lambda point, loss, call: loss + call),
    (" where losses are below 0", lambda point, loss, call: loss - 1e3),
    (" where losses are large", lambda point, loss, call: 1e9 * (1 + loss)),
    (" where a loss is NaN", lambda point, loss, call: np.nan if call == 0 else loss),
    (" where losses are NaN now and then", lambda point, loss, call: np.nan if call % 3 == 1 else loss),
    (" where a loss is −∞", lambda point, loss, call: -np.inf if call == 2 else loss),
)
"""What losses may be: the best is not always the last, the nearest to 0 or finite, and NaN is never the best."""


def shrinking_rounds(
    f: Subject, ruler: Ruler, *, space: Space, rounds: int, budget: int, shrink: float, **options: Any
) -> Evidence:
    """Each round after the first lies in the box that is made of the last one, round the best point so far, whatever
    the losses are; but a search may refuse one that is no finite number.
    """
    seen = []
    for words, losses in WORLDS:
        run = in_another_world(Search(space, **options), losses)
        try:
            seen.append(_closing_in(run, f, words, rounds, budget, shrink))
        except NotOffered:
            raise
        except Refused:
            if all(np.isfinite(loss) for _, loss in run.seen):
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
    """Each round draws at random, each axis by its own scale, in the whole box that is left; and no position in a box
    comes again, nor its mirror image, nor do the positions of a round, moved by one distance.

    What the box of a round is, points before it decide: so the positions in it are uniform and independent, as those of
    one box are. The points of a round may be returned in any order, and are shuffled first.
    """
    run, random = Search(space, seed=seed, **options), np.random.default_rng([seed, budget])
    points, losses = trials(f, run, rounds, budget, shrink)
    found = list(_drawn(space, points, losses, rounds, budget, shrink, random))
    real = [each for each in found if each.box.sure is None and each.box.known]
    # a draw may be off by its grain, and either end of a box that was computed by as much
    grain = max([statistics.GRAIN, *(each.grain for each in real)])
    seen = [*_evenly_spread(found, grain)]
    if len(space) > 1:
        columns = [np.concatenate([each.u for each in found[at :: len(space)]]) for at in range(len(space))]
        ranks = [statistics.sequential_ranks(each, random) for each in columns]
        crossed, _ = statistics.crossed(ranks, lagged=False)
        seen.append(evidence(crossed, len(points), "in a round, one axis of a point tells of another"))
    if real:
        cells, chances = zip(*(in_cells(each.axis, each.box, each.x, random) for each in real), strict=True)
        again = statistics.repeats(np.concatenate(cells), np.concatenate(chances))
        words = "positions in the box of a round, or their mirror images, come again"
        seen.append(evidence(again, len(points), words))
        pairs = [(a.u, b.u) for a, b in combinations_with_replacement(real, 2) if a.axis == b.axis]
        words = "the positions of a round in its box are others, moved by one distance"
        seen.append(moved(pairs, words, grain))
        seen.append(_of_most([(statistics.evenness(each.u, grain=grain)[0], TOO_EVEN) for each in real]))
    piled = [pile for each in found if not each.box.known for pile in each.piles()]
    return worst(*seen, *([_of_most(piled)] if piled else []))


TOO_EVEN = "the points of a round lie too evenly in its box for chance"


@dataclass(frozen=True)
class Drawn:
    """What a round drew on an axis, numbers x; and u, uniform numbers if x are as they should be: where x lie in their
    box. Of whole numbers those count that are in it in any case, each as likely; for others, and where the box is not
    known, u are drawn here. round: from 0 on; best: the number, on this axis, of the best point before.
    """

    round: int
    axis: Axis
    box: Box
    x: Floats
    u: Floats
    best: float

    @property
    def grain(self) -> float:
        """How far the distribution function of sound positions may be from that of uniform numbers."""
        return scale_of(self.axis).grain(self.x) * (3 if self.round else 1) / (self.box.high - self.box.low)

    @property
    def what(self) -> str:
        """Which draws belong together."""
        if self.box.sure is not None:
            return f"{self.axis.name} in round {self.round + 1}"
        return f"{self.axis.name} in later rounds" if self.round else "the first round"

    def piles(self) -> Iterator[tuple[float, str]]:
        """log(1/p) of as many draws being just an end of the axis, and in words: of either end.

        A box that has the end, and the best so far, is as long as they are apart, or longer: so likely the end is.
        """
        scale, n = Scale(self.axis.scale, self.axis.low, self.axis.high, coarse=True), len(self.x)
        for end in (self.axis.low, self.axis.high):
            apart = float(np.ptp(scale.position(np.array([self.best, end]))))
            likely = float(scale.chance(np.append(self.x, end)).max()) / max(apart, NEAR)
            count = int((self.x == end).sum())
            words = f"{count} of {n} points of round {self.round + 1} are at an end of {self.axis.name}, {given(end)}"
            yield statistics.so_many(count, n, likely), f"{words}: they are put there, not drawn"


def _drawn(
    space: Space,
    points: Floats,
    losses: Floats,
    rounds: int,
    budget: int,
    shrink: float,
    random: np.random.Generator,
) -> Iterator[Drawn]:
    """What each round drew on each axis, the points of a round in any order."""
    for round, now in enumerate(boxes(space, points, losses, rounds, budget, shrink)):
        these = random.permutation(points[round * budget : (round + 1) * budget])
        best = points[least(losses[: round * budget or 1])]
        for axis, box, x, nearest in zip(space, now, these.T, best, strict=True):
            u = random.random(budget)
            if box.sure is not None:
                u = _among(x, *box.sure, random)
            elif box.known:
                u = positions(scale_of(axis), box, x, random)
            yield Drawn(round, axis, box, x.copy(), u, nearest)


def _of_most(found: Sequence[tuple[float, str]]) -> Evidence:
    """What the strongest of several exact tests says, all of them counted."""
    surprise, words = max(found)
    ratio = used(surprise - float(np.log(len(found))))
    return Evidence(ratio, reason=words if ratio > 1 else "")


def _evenly_spread(found: Sequence[Drawn], grain: float) -> Iterator[Evidence]:
    """Of all that belongs together, whether it is uniform."""
    for what in dict.fromkeys(each.what for each in found if each.box.known):
        these = [each for each in found if each.what == what and each.box.known]
        row, sure = np.concatenate([each.u for each in these]), these[0].box.sure
        known = Scale("integer", float(sure[0]), float(sure[1])) if sure is not None and sure[0] < sure[1] else None
        densities, categories = (mistaken(known), known.count) if known is not None else ((), 0)
        words = f"of {len(row)} positions in the box of {what} {(row < 0.5).mean():.0%} are in its lower half"
        marginal = statistics.marginal(row, densities, categories, grain=grain)
        yield evidence(marginal, len(row), f"{words}, and not evenly spread")


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
