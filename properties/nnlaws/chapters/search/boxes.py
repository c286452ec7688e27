"""Where the box of each round of a search lies, and where points lie in it.

SE-9 to SE-12 say what the box of a round is, given the points and losses before it: on an axis of real numbers exactly,
unless an end cuts it off, where it may be smaller still; on one of whole numbers to within one at either end.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from nnlaws_reference.search import Axis
from nnlaws_spec.formulas import search as formulas

from nnlaws.chance.scale import CELLS, Scale
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats


@dataclass(frozen=True)
class Box:
    """What a round has of an axis. low, high: positions on the axis's scale beyond which nothing may be tried; of real
    numbers they are its ends, if they are known. sure: of whole numbers, the least and the largest that it has in any
    case.
    """

    low: float
    high: float
    sure: tuple[int, int] | None = None
    known: bool = True


def boxes(space: Space, points: Floats, losses: Floats, rounds: int, budget: int, shrink: float) -> list[list[Box]]:
    """Of each round, the box on every axis, as the rounds before it have it."""
    now = [Box(0.0, 1.0, (int(axis.low), int(axis.high)) if axis.scale == "integer" else None) for axis in space]
    found = [now]
    for round in range(1, rounds):
        best = points[least(losses[: round * budget])]
        most = formulas.widest(shrink, round)
        now = [_finer(scale_of(axis), box, x, shrink, most) for axis, box, x in zip(space, now, best, strict=True)]
        found.append(now)
    return found


def _finer(scale: Scale, box: Box, best: float, shrink: float, most: float) -> Box:
    """The box of the next round. most: how long it may be; that of whole numbers may have been shorter all along."""
    t = min(max(float(scale.position(np.asarray(best))), box.low), box.high)  # what is outside is another law's
    whole = 1 / (scale.high - scale.low) if box.sure and scale.high > scale.low else 0.0
    reach = most / 2 + whole if box.sure else (box.high - box.low) * shrink / 2
    low, high = max(box.low, t - reach), min(box.high, t + reach)
    if box.sure is None:
        inside = box.low + NEAR <= t - reach and t + reach <= box.high - NEAR
        return Box(low, high, known=box.known and inside)
    a, b = box.sure
    near = (b - a) * shrink / 2
    if best - near < a or best + near > b:
        return Box(low, high, (int(best), int(best)))
    # an end that is just a whole number may be taken for less than that by rounding, and is not sure
    a, b = max(a, ceil(best - near + NEAR)), min(b, floor(best + near - NEAR))
    return Box(low, high, (a, b) if a <= b else (int(best), int(best)))


def positions(scale: Scale, box: Box, x: Floats, random: np.random.Generator) -> Floats:
    """Where real numbers lie in the box of their round, from 0 to 1; what is outside, at its end."""
    u = np.nan_to_num(scale.uniform(x.copy(), random))  # what has no position is another law's
    return np.asarray(np.clip((u - box.low) / (box.high - box.low), 0.0, 1.0))


def in_cells(axis: Axis, box: Box, x: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Of real numbers, in which cells of their round's box they lie, and at most how likely each is: see `Scale.cells`.
    However coarse the numbers are that sound draws start from, down to 23 bits. Where the box is not known, each number
    is like no other.
    """
    found = Scale(axis.scale, axis.low, axis.high, coarse=True).cells(x.copy(), random, box.low, box.high)
    return found if box.known else (-1.0 - 2.0**40 * random.random(x.shape), np.full(x.shape, 1 / CELLS))


def least(losses: Floats) -> int:
    """The index of the least; of losses that are no numbers, the first."""
    return 0 if np.isnan(losses).all() else formulas.best(losses)
