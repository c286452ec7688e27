"""Mistakes of coarse to fine: where the box of a round is, how it is drawn from, and what is returned."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import coarse_to_fine

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.points import boxed, drawn, finer, on_scales, positions
from nnlaws.chapters.search.mutants.trials import Objective, Trials, found, least, within

BEST_SO_FAR = "centre each round on points[numpy.argmin(losses)] of all rounds before it, in refine(the last box, …)"
IN_THE_BOX = "random_search in the box of the round"
SEEDED = "one numpy.random.default_rng(seed) for all rounds"
CUT = "cut the box off at the ends of the last one, and draw in what is left"

Center = Callable[[Array, Array, int], Array]
"""Of the points and losses so far and the budget of a round: where the next round's box is centred."""
Finer = Callable[[Space, Space, Array, float, int], Space]
"""Of the space, the last box, the center, shrink and the number of the round, the next box."""
Draw = Callable[[Space, int, int, int, np.random.Generator], Array]
"""Of a box, a budget, a seed, the number of the round and the search's own generator, points."""


def best_of_all(points: Array, losses: Array, budget: int) -> Array:
    return points[least(losses)]


def _by(best: Callable[[Array], int]) -> Center:
    """The point that is taken for the best by its loss."""
    return lambda points, losses, budget: points[best(losses)]


def _right_box(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    return within(box, finer(box, center, shrink))


def _right_draw(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return drawn(box, budget, random)


def in_rounds(
    space: Space,
    objective: Objective,
    rounds: int,
    budget: int,
    shrink: float,
    seed: int,
    *,
    center: Center = best_of_all,
    box: Finer = _right_box,
    draw: Draw = _right_draw,
) -> Trials:
    """Coarse to fine, with another center, another box, or other draws after the first round."""
    random, now = np.random.default_rng(seed), space
    points, losses = np.empty((0, len(space))), np.empty(0)
    for number in range(rounds):
        if number:
            now = box(space, now, center(points, losses, budget), shrink, number)
        new = (draw if number else _right_draw)(now, budget, seed, number, random)
        points = np.concatenate([points, new])
        losses = np.concatenate([losses, [objective(point) for point in new]])
    return found(points, losses)


def _rounds(name: str, fault: str, fix: str, **how: Any) -> Mutant:
    def search(space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: int) -> Trials:
        return in_rounds(space, objective, rounds, budget, shrink, seed, **how)

    return Mutant("coarse_to_fine", f"coarse_to_fine.{name}", fault, fix, "classroom", search)


def _coarse(fault: str, fix: str = BEST_SO_FAR) -> Callable[[Callable[..., Any]], Mutant]:
    return mutant("coarse_to_fine", fault, fix, "classroom", raw=True)


# --- how a round is drawn ---


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


def _turned(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    first = np.random.default_rng(seed).random((budget, len(box)))
    return on_scales(box, (first + random.random()) % 1)


def _half_turned(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    half = random.random(((budget + 1) // 2, len(box)))
    return on_scales(box, np.concatenate([half, (half + random.random()) % 1])[:budget])


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


def _on_lines(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return drawn(tuple(a if a.scale == "integer" else a._replace(scale="linear") for a in box), budget, random)


def _at_the_middle(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return np.repeat(on_scales(box, np.full((1, len(box)), 0.5)), budget, axis=0)


def _lower_halves(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    u = random.random((budget, len(box)))
    return on_scales(box, np.where([axis.scale == "integer" for axis in box], u, u / 2))


def _near_the_middle(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    u = np.clip(random.normal(0.5, 0.15, (budget, len(box))), 0, 1)
    return on_scales(box, np.where([axis.scale == "integer" for axis in box], random.random(u.shape), u))


def _by_one_number(box: Space, budget: int, seed: int, round: int, random: np.random.Generator) -> Array:
    return on_scales(box, np.repeat(random.random((budget, 1)), len(box), axis=1))


# --- which box it has ---


def _of_the_whole(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    return _right_box(whole, whole, center, shrink, round)


def _not_clipped(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    u, reach = positions(whole, center), shrink**round / 2
    return within(box, boxed(whole, u - reach, u + reach, inside=False))


def _squared(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    return _right_box(whole, box, center, shrink**2, round)


def _moved(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    u = np.clip(positions(box, center) - shrink / 2, 0, 1 - shrink)
    ends = boxed(box, u, u + shrink)
    return within(box, np.stack([np.minimum(ends[:, 0], center), np.maximum(ends[:, 1], center)], axis=-1))


def _cut_to_the_space(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    u, reach = positions(whole, center), shrink**round / 2
    ends = boxed(whole, u - reach, u + reach)
    return within(whole, np.stack([np.minimum(ends[:, 0], center), np.maximum(ends[:, 1], center)], axis=-1))


def _outwards(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    ends = finer(box, center, shrink)
    for row, axis, x in zip(ends, box, center, strict=True):
        if axis.scale == "integer":
            reach = shrink / 2 * (axis.high - axis.low)
            row[:] = np.clip([np.floor(x - reach), np.ceil(x + reach)], axis.low, axis.high)
    return within(box, ends)


def _zoomed(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    return _right_box(whole, box, center, 1 / int(1 / shrink), round)


def _kept_by_not_above(losses: Array) -> int:
    best = 0
    for number, loss in enumerate(losses):
        if not loss >= losses[best]:
            best = number
    return best


def _three_alone(whole: Space, box: Space, center: Array, shrink: float, round: int) -> Space:
    return _right_box(whole, box, center, shrink, round) if round < 3 else box


# --- what is returned ---


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


_IN_ROUNDS = (
    _rounds("worst_of_all", "centres on the worst", BEST_SO_FAR, center=_by(lambda losses: int(np.nanargmax(losses)))),
    _rounds("last_point", "centres on the last point tried", BEST_SO_FAR,
            center=lambda points, losses, budget: points[-1]),
    _rounds("first_point", "centres on the first point of each round", BEST_SO_FAR,
            center=lambda points, losses, budget: points[-budget]),
    _rounds("best_of_the_first_round", "keeps to the best of the first round", BEST_SO_FAR,
            center=lambda points, losses, budget: points[least(losses[:budget])]),
    _rounds("best_of_the_last_round", "forgets the rounds before the last one", BEST_SO_FAR,
            center=lambda points, losses, budget: points[-budget:][least(losses[-budget:])]),
    _rounds("box_of_the_whole_space", "shrinks the whole space each time, never the last box", BEST_SO_FAR,
            box=_of_the_whole),
    _rounds("rounds_not_clipped", "boxes are not clipped to the space", BEST_SO_FAR, box=_not_clipped),
    _rounds("boxes_too_narrow", "boxes shrink by the square of shrink", BEST_SO_FAR, box=_squared),
    _rounds("rounds_all_linear", "every axis is drawn uniformly in its box: the scale forgotten", IN_THE_BOX,
            draw=_on_lines),
    _rounds("stuck_on_the_best", "after the first round the middle of the box is tried again and again", IN_THE_BOX,
            draw=_at_the_middle),
    _rounds("lower_halves_of_boxes", "the lower half of each box alone", IN_THE_BOX, draw=_lower_halves),
    _rounds("near_the_best", "normal, round the best", IN_THE_BOX, draw=_near_the_middle),
    _rounds("rounds_on_a_line", "one number a point, for all its axes", IN_THE_BOX, draw=_by_one_number),
    _rounds("same_numbers_each_round", "the generator is seeded anew for each round", SEEDED,
            draw=_seeded_anew(lambda seed, round: seed)),
    _rounds("next_seed_each_round", "each round is seeded by seed + round: the rounds of the next seed", SEEDED,
            draw=_seeded_anew(lambda seed, round: seed + round)),
    _rounds("later_rounds_unseeded", "rounds after the first have one seed, whatever is asked for", SEEDED,
            draw=_seeded_anew(lambda seed, round: round)),
    _rounds("each_twice_in_later_rounds", "after the first round each point comes twice", IN_THE_BOX, draw=_twice),
    _rounds("mirrored_in_later_rounds", "after the first round points come in mirrored pairs", IN_THE_BOX,
            draw=_mirrored),
    _rounds("stratified_in_later_rounds", "after the first round, one point in each part of each axis", IN_THE_BOX,
            draw=_stratified),
    _rounds("turned_in_later_rounds", "rounds after the first are one set of numbers, turned", IN_THE_BOX,
            draw=_turned),
    _rounds("half_turned_in_later_rounds", "after the first round the second half is the first, turned", IN_THE_BOX,
            draw=_half_turned),
    _rounds("integers_frozen", "after the first round, whole numbers stay in the middle of their box", IN_THE_BOX,
            draw=_integers(_middles)),
    _rounds("high_never_in_later_rounds", "after the first round, rng.integers(low, high): without high", IN_THE_BOX,
            draw=_integers(_below_high)),
    _rounds("moved_in_later_rounds", "near an end the box is moved, not cut", CUT, box=_moved),
    _rounds("cut_to_the_space_alone", "boxes are cut to the space, and not to the last box", CUT,
            box=_cut_to_the_space),
    _rounds("integers_never_narrower", "boxes of whole numbers are rounded outwards: a short one never shrinks", CUT,
            box=_outwards),
    _rounds("zoom_in_whole_numbers", "shrinks by 1/int(1/shrink): not at all above a half", BEST_SO_FAR, box=_zoomed),
    _rounds("three_rounds_alone", "after the third round the box stays as it is", BEST_SO_FAR, box=_three_alone),
    _rounds("around_nan", "numpy.argmin: searches round a point whose loss is NaN", BEST_SO_FAR,
            center=_by(lambda losses: int(np.argmin(losses)))),
    _rounds("around_what_follows_nan", "not loss >= least: the loss after one that is NaN is taken for the best",
            BEST_SO_FAR, center=_by(_kept_by_not_above)),
    _rounds("around_the_least_absolute", "searches round the loss that is nearest to 0", BEST_SO_FAR,
            center=_by(lambda losses: least(np.abs(losses)))),
)  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    *_IN_ROUNDS,
    *(each for each in list(globals().values()) if isinstance(each, Mutant)),
)
