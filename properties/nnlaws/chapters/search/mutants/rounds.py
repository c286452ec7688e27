"""Mistakes of coarse to fine after its first round: how it draws there, in which box, and by which losses."""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import boxed, drawn, finer, on_scales, positions
from nnlaws.chapters.search.mutants.trials import BEST_SO_FAR, IN_THE_BOX, Objective, Trials, found, least, within

SEEDED = "one numpy.random.default_rng(seed) for all rounds"
CUT = "cut the box off at the ends of the last one, and draw in what is left"


Draw = Callable[[Space, int, int, int, np.random.Generator], Array]
"""Of a box, a budget, a seed, the number of the round and the search's own generator, points."""
Finer = Callable[[Space, Space, Array, float, int], Space]
"""Of the space, the last box, the best so far, shrink and the number of the round, the next box."""
Least = Callable[[Array], int]


def _right_box(whole: Space, box: Space, best: Array, shrink: float, round: int) -> Space:
    return within(box, finer(box, best, shrink))


def _right_draw(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return drawn(box, budget, random)


def _rounds(
    name: str, fault: str, fix: str, draw: Draw = _right_draw, box: Finer = _right_box, best: Least = least
) -> Mutant:
    def search(space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int) -> Trials:
        random, now = np.random.default_rng(seed), space
        points, losses = np.empty((0, len(space))), np.empty(0)
        for number in range(rounds):
            if number:
                now = box(space, now, points[best(losses)], shrink, number)
            new = (draw if number else _right_draw)(now, budget, seed, number, random)
            points = np.concatenate([points, new])
            losses = np.concatenate([losses, [objective(point) for point in new]])
        return found(points, losses)

    return Mutant("coarse_to_fine", f"coarse_to_fine.{name}", fault, fix, "classroom", search)


def _seeded_anew(add: Callable[[int, int], int]) -> Draw:
    return lambda box, budget, seed, round, random: drawn(box, budget, np.random.default_rng(add(seed, round)))


def _twice(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return np.repeat(drawn(box, (budget + 1) // 2, random), 2, axis=0)[:budget]


def _mirrored(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    half = random.random(((budget + 1) // 2, len(box)))
    return on_scales(box, np.stack([half, 1 - half], axis=1).reshape(-1, len(box))[:budget])


def _stratified(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    cells = np.stack([random.permutation(budget) for _ in box], axis=-1)
    return on_scales(box, (cells + random.random(cells.shape)) / budget)


def _integers(change: Callable[[Space, Array], Array]) -> Draw:
    """Points as they should be, but for axes of whole numbers."""

    def draw(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
        points = drawn(box, budget, random)
        whole = np.array([axis.scale == "integer" for axis in box])
        return np.where(whole, change(box, points), points)

    return draw


def _middles(box: Space, points: Array) -> Array:
    return np.tile(np.rint([(axis.low + axis.high) / 2 for axis in box]), (len(points), 1))


def _below_high(box: Space, points: Array) -> Array:
    low, high = np.array([(axis.low, axis.high) for axis in box]).T
    return np.where((points == high) & (high > low), low, points)


def _moved(whole: Space, box: Space, best: Array, shrink: float, round: int) -> Space:
    u = np.clip(positions(box, best) - shrink / 2, 0, 1 - shrink)
    ends = boxed(box, u, u + shrink)
    return within(box, np.stack([np.minimum(ends[:, 0], best), np.maximum(ends[:, 1], best)], axis=-1))


def _cut_to_the_space(whole: Space, box: Space, best: Array, shrink: float, round: int) -> Space:
    u, reach = positions(whole, best), shrink**round / 2
    ends = boxed(whole, u - reach, u + reach)
    return within(whole, np.stack([np.minimum(ends[:, 0], best), np.maximum(ends[:, 1], best)], axis=-1))


def _three_alone(whole: Space, box: Space, best: Array, shrink: float, round: int) -> Space:
    return _right_box(whole, box, best, shrink, round) if round < 3 else box


MUTANTS: tuple[Mutant, ...] = (
    _rounds("same_numbers_each_round", "the generator is seeded anew for each round", SEEDED,
            _seeded_anew(lambda seed, round: seed)),
    _rounds("next_seed_each_round", "each round is seeded by seed + round: the rounds of the next seed", SEEDED,
            _seeded_anew(lambda seed, round: seed + round)),
    _rounds("later_rounds_unseeded", "rounds after the first have one seed, whatever is asked for", SEEDED,
            _seeded_anew(lambda seed, round: round)),
    _rounds("each_twice_in_later_rounds", "after the first round each point comes twice", IN_THE_BOX, _twice),
    _rounds("mirrored_in_later_rounds", "after the first round points come in mirrored pairs", IN_THE_BOX, _mirrored),
    _rounds("stratified_in_later_rounds", "after the first round, one point in each part of each axis", IN_THE_BOX,
            _stratified),
    _rounds("integers_frozen", "after the first round, whole numbers stay in the middle of their box", IN_THE_BOX,
            _integers(_middles)),
    _rounds("high_never_in_later_rounds", "after the first round, rng.integers(low, high): without high", IN_THE_BOX,
            _integers(_below_high)),
    _rounds("moved_in_later_rounds", "near an end the box is moved, not cut", CUT, box=_moved),
    _rounds("cut_to_the_space_alone", "boxes are cut to the space, and not to the last box", CUT,
            box=_cut_to_the_space),
    _rounds("three_rounds_alone", "after the third round the box stays as it is", BEST_SO_FAR, box=_three_alone),
    _rounds("around_nan", "numpy.argmin: searches round a point whose loss is NaN", BEST_SO_FAR,
            best=lambda losses: int(np.argmin(losses))),
    _rounds("around_the_least_absolute", "searches round the loss that is nearest to 0", BEST_SO_FAR,
            best=lambda losses: least(np.abs(losses))),
)  # fmt: skip
