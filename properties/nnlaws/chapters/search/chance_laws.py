"""The laws of points that are drawn: how they are distributed, and that they tell nothing of each other."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import used
from nnlaws.chance.evidence import even, evidence, moved
from nnlaws.chance.scale import Scale, mistaken
from nnlaws.chance.seeds import SCATTERED, SEEDS, WORD
from nnlaws.chapters.search.boxes import Box, boxes, in_cells
from nnlaws.chapters.search.driver import Search, points_of
from nnlaws.chapters.search.inputs import Space, scale_of
from nnlaws.rounding.formats import Floats

REPEATS = 100  # searches that are compared with a grid
NEIGHBOURS = 48  # seeds in a row that are compared, beside those far apart
OTHERS = 96  # seeds besides
FAR = 1000  # what an axis, or a round, may be given seeds apart by
LOW_BITS = (3, 2, 1)


def scales(f: Subject, ruler: Ruler, *, space: Space, seed: int, **options: Any) -> Evidence:
    """Each axis is distributed as its own scale says; of whole numbers, the last bits as well."""
    points, random = _finite(points_of(f, space, seed=seed, **options)), _chances(seed)
    seen: list[Evidence] = []
    for axis, values in zip(space, points.T, strict=True):
        scale = scale_of(axis)
        categories = scale.count if axis.scale == "integer" else 0
        grain = scale.grain(values.copy())
        u = random.permutation(scale.uniform(values.copy(), random))  # whatever their order, which is another law's
        found = statistics.marginal(u, mistaken(scale), categories, grain=grain)
        want = float(scale.value(np.asarray(0.5)))
        words = f"the middle value of {axis.name} is {np.median(values):.4g} where it should be about {want:.4g}"
        seen.append(evidence(found, len(values), words))
        if axis.scale == "integer":
            seen += _last_bits(scale, axis.name, values, random)
    return worst(*seen)


def _last_bits(scale: Scale, name: str, values: Floats, random: np.random.Generator) -> list[Evidence]:
    """What there is to say of the remainders by 8, 4 or 2, where there is."""
    for bits in LOW_BITS:
        grain = scale.residual_grain(bits)
        if grain is not None:
            u = random.permutation((scale.residues(values, bits) + random.random(len(values))) / 2**bits)
            words = f"divided by {2**bits}, {name} leaves some remainders more often than others"
            return [evidence(statistics.marginal(u, grain=grain), len(values), words)]
    return []


def a_value_a_point(f: Subject, ruler: Ruler, *, space: Space, budget: int, seed: int) -> Evidence:
    """Each continuous axis has as many different values as there are points, but for what rounding brings together."""
    points = _finite(points_of(f, space, budget=budget, seed=seed))
    if len(points) != budget:
        return require(False, f"{len(points)} points where {budget} were asked for")
    seen = [Evidence(0.0)]
    for axis, values in zip(space, points.T, strict=True):
        if axis.scale != "integer":
            again = statistics.repeats(values.copy(), scale_of(axis).chance(values.copy()))
            different = len(np.unique(values))
            words = f"{axis.name} is tried at {different} different values by {budget} points"
            seen.append(evidence(again, budget, words))
    return worst(*seen)


def independent_axes(f: Subject, ruler: Ruler, *, space: Space, seed: int, **options: Any) -> Evidence:
    """No axis tells anything of another, nor any point of later ones."""
    points, random = _finite(points_of(f, space, seed=seed, **options)), _chances(seed)
    ranks = [statistics.sequential_ranks(values.copy(), random) for values in points.T]
    seen = [
        evidence(statistics.serial(each), len(each), f"{axis.name} of one point tells of later points'")
        for axis, each in zip(space, ranks, strict=True)
    ]
    found, (later, earlier, lag) = statistics.crossed(ranks)
    words = f"{space[earlier].name} of a point tells of its {space[later].name}"
    if lag:
        words = f"{space[earlier].name} of a point tells of {space[later].name} {lag} points later"
    seen.append(evidence(found, len(points), words))
    for axis, values in zip(space, points.T, strict=True):
        if axis.scale != "integer":
            seen.append(even(scale_of(axis), values.copy(), random, axis.name))
    return worst(*seen, *_shared(space, points, random))


def axes_of_trials(f: Subject, ruler: Ruler, *, space: Space, seed: int, **options: Any) -> Evidence:
    """No axis of a trial tells anything of another, in whatever order trials are returned."""
    random = _chances(seed)
    points = random.permutation(_finite(points_of(f, space, seed=seed, **options)))
    ranks = [statistics.sequential_ranks(values.copy(), random) for values in points.T]
    found, (later, earlier, _) = statistics.crossed(ranks, lagged=False)
    words = f"{space[earlier].name} of a trial tells of its {space[later].name}"
    spread = [
        even(scale_of(axis), values.copy(), random, axis.name)
        for axis, values in zip(space, points.T, strict=True)
        if axis.scale != "integer"
    ]
    return worst(evidence(found, len(points), words), *spread, *_shared(space, points, random))


def seeds_apart(f: Subject, ruler: Ruler, *, space: Space, budget: int, seed: int, **options: Any) -> Evidence:
    """The points of many seeds, put in a row, are as independent as those of one: of seeds next to each other, of such
    as differ in a few bits alone, and of many others. No axis of one is any axis of another.

    Of a search in rounds, those of all rounds, as they lie in their boxes. In a row, all the first points come first,
    then all the second: and where a search may return its trials in another order, they are shuffled within each seed.
    """
    random, found = _chances(seed), dict[int, tuple[Floats, Floats, Floats]]()
    far = range(seed + FAR, seed + FAR + NEIGHBOURS)
    for each in dict.fromkeys((*range(seed, seed + NEIGHBOURS), *far, *SEEDS, *SCATTERED[:OTHERS])):
        try:
            found[each] = _by_one_seed(f, space, budget, each, random, **options)
        except Refused:
            if each < WORD:  # a seed that 32 bits do not hold may be refused, as none of the others was
                raise
    if "best_at" in options:
        seen = list[Evidence]()
    else:
        rows = np.stack([each[0] for each in found.values()][:NEIGHBOURS]).transpose(1, 0, 2).reshape(-1, len(space))
        ranks = [statistics.sequential_ranks(values.copy(), random) for values in rows.T]
        words = f"the points of {NEIGHBOURS} seeds in a row tell of each other"
        seen = [evidence(statistics.serial(*ranks), len(rows), words)]
    real = [number for number, axis in enumerate(space) if axis.scale != "integer"]
    near = [each[0][:budget, real] for each in found.values()][:NEIGHBOURS]
    pairs = [
        _distinct(_positions(space, real, near[0], at), _positions(space, real, row, at))
        for row in near[1:]
        for at in range(len(real))
    ]
    seen.append(moved(pairs, "the points of a seed are those of the next, moved by one distance"))
    _, cells, chance = (np.stack(each, axis=1) for each in zip(*found.values(), strict=True))
    seeds = np.broadcast_to(np.arange(len(found))[None, :, None], cells.shape)
    again = statistics.repeats(cells.ravel(), chance.ravel(), seeds.ravel())
    different = len(np.unique(cells))
    words = f"of {cells.size} positions, in the boxes that are left, by {len(found)} seeds only {different} differ"
    words = f"{words}: there are those of another seed"
    return worst(*seen, evidence(again, cells.size, words))


def _distinct(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """As many of each, in order, without what comes again by its own seed, which is another law's."""
    first, second = (row[np.sort(np.unique(row, return_index=True)[1])] for row in (one, other))
    least = min(len(first), len(second))
    return first[:least], second[:least]


def _by_one_seed(
    f: Subject, space: Space, budget: int, seed: int, random: np.random.Generator, **options: Any
) -> tuple[Floats, Floats, Floats]:
    """The points of a seed, the cells in which they lie on axes of real numbers, (points, axes), and how likely each
    is.
    """
    rounds, shrink = options.get("rounds", 1), options.get("shrink", 1.0)
    if "best_at" in options:
        run = Search(space, seed=seed, budget=budget, **options)
        points, losses, _ = run.trials(f)
    else:
        points, losses = points_of(f, space, budget=budget, seed=seed, **options), np.zeros(budget)
    if len(_finite(points)) != rounds * budget:
        raise TargetFault(f"returned {len(points)} points where {rounds * budget} are expected (SE-15)")
    cells, chance = list[Floats](), list[Floats]()
    for round, now in enumerate(boxes(space, points, losses, rounds, budget, shrink)):
        these = points[round * budget : (round + 1) * budget]
        order = random.permutation(budget) if "best_at" in options else np.arange(budget)
        real = [number for number, axis in enumerate(space) if axis.scale != "integer"]
        found = [in_cells(space[number], now[number], these[order, number], random) for number in real]
        cells.append(np.stack([each for each, _ in found], axis=-1))
        chance.append(np.stack([each for _, each in found], axis=-1))
    return points, np.concatenate(cells), np.concatenate(chance)


def nearer_than_the_grid(f: Subject, ruler: Ruler, *, space: Space, budget: int, seed: int) -> Evidence:
    """Where the first axis alone matters, some random point is nearer the best than the grid's nearest, nearly always.

    The exact chances of that are known: what counts is in how many of 100 searches it should be so and is not.
    """
    levels = formulas.grid_levels(round(budget ** (1 / len(space))))
    chances: list[float] = []
    wins = 0
    for number in range(REPEATS):
        points = points_of(f, space, budget=budget, seed=seed + number)
        best = (number + 0.5) / REPEATS
        nearest = float(np.abs(levels - best).min())
        wins += bool(np.abs(scale_of(space[0]).position(points[:, 0]) - best).min() < nearest)
        chances.append(1 - float(formulas.miss_chance(nearest, best, budget)))
    fewer = np.array([1.0])
    for chance in chances:  # the distribution of a sum of independent coins
        fewer = np.convolve(fewer, [1 - chance, chance])
    surprise = float(-np.log(max(fewer[: wins + 1].sum(), 1e-300)))
    expected = f"{budget} points come nearer than a grid of {len(levels)} values in {wins} of {REPEATS} searches"
    ratio = used(surprise)
    return Evidence(ratio, reason=f"{expected}, where about {sum(chances):.0f} should" if ratio > 1 else "")


def _shared(space: Space, points: Floats, random: np.random.Generator) -> list[Evidence]:
    """What there is to say of positions on axes of real numbers that come again, or their mirror images, on any axis;
    and of an axis that is another, moved by one distance. However coarse the numbers are that sound draws start from,
    down to 23 bits.
    """
    real = [number for number, axis in enumerate(space) if axis.scale != "integer"]
    if not real:
        return []
    found = [in_cells(space[number], Box(0.0, 1.0), points[:, number], random) for number in real]
    cells, chance = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
    again = statistics.repeats(cells.ravel(), chance.ravel())
    different = len(np.unique(cells))
    words = f"of {cells.size} numbers of {len(points)} points only {different} differ"
    words = f"{words}: there are positions, or their mirror images, that come again"
    places = [_positions(space, real, points[:, real], at) for at in range(len(real))]
    pairs = [*combinations(places, 2), *((each, each) for each in places)]
    return [evidence(again, cells.size, words), moved(pairs, "positions are others, moved by one distance")]


def _positions(space: Space, real: Sequence[int], points: Floats, at: int) -> Floats:
    """Those of the points' numbers on one of the axes of real numbers."""
    u = scale_of(space[real[at]]).position(points[:, at].copy())
    return np.clip(np.nan_to_num(u), 0.0, 1.0)


def _finite(points: Floats) -> Floats:
    """The points. Raises TargetFault for those of which there are no statistics."""
    if not np.isfinite(points).all():
        raise TargetFault("a point is NaN or infinite (SE-4)")
    return points


def _chances(seed: int) -> np.random.Generator:
    return Case(1, 1, "", 0, seed).random("laws of search")
