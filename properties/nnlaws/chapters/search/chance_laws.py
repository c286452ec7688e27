"""The laws of points that are drawn: how they are distributed, and that they tell nothing of each other."""

from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import used
from nnlaws.chance.evidence import even, evidence
from nnlaws.chance.martingale import Integers
from nnlaws.chance.scale import CELLS, Scale, mistaken
from nnlaws.chance.seeds import SEEDS, WORD
from nnlaws.chapters.search.driver import Search, points_of
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats

REPEATS = 100  # searches that are compared with a grid
NEIGHBOURS = 48  # seeds in a row that are compared, beside those far apart
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
    return worst(*seen, _again(space, points))


def axes_of_trials(f: Subject, ruler: Ruler, *, space: Space, seed: int, **options: Any) -> Evidence:
    """No axis of a trial tells anything of another, in whatever order trials are returned."""
    random = _chances(seed)
    points = random.permutation(_finite(points_of(f, space, seed=seed, **options)))
    ranks = [statistics.sequential_ranks(values.copy(), random) for values in points.T]
    found, (later, earlier, _) = statistics.crossed(ranks, lagged=False)
    words = f"{space[earlier].name} of a trial tells of its {space[later].name}"
    return worst(evidence(found, len(points), words), _again(space, points))


def seeds_apart(f: Subject, ruler: Ruler, *, space: Space, budget: int, seed: int, **options: Any) -> Evidence:
    """The points of many seeds, put in a row, are as independent as those of one: of seeds next to each other, and of
    such as differ in a few bits alone.

    Of a search in rounds, those of the first. In a row, all the first points come first, then all the second: and where
    a search may return its trials in another order, they are shuffled within each seed.
    """
    random, found = _chances(seed), dict[int, Floats]()
    for each in dict.fromkeys((*range(seed, seed + NEIGHBOURS), *SEEDS)):
        try:
            points = _finite(points_of(f, space, budget=budget, seed=each, **options))
        except Refused:
            if each < WORD:  # a seed that 32 bits do not hold may be refused, as none of the others was
                raise
            continue
        if len(points) < budget:
            raise TargetFault(f"returned {len(points)} points where {budget} are expected (SE-15)")
        found[each] = random.permutation(points[:budget]) if "best_at" in options else points[:budget]
    rows = np.stack([*found.values()]).transpose(1, 0, 2).reshape(-1, len(space))
    seen = [_again(space, rows, np.tile(np.arange(len(found)), budget))]
    if "best_at" not in options:
        near = np.stack([*found.values()][:NEIGHBOURS]).transpose(1, 0, 2).reshape(-1, len(space))
        ranks = [statistics.sequential_ranks(values.copy(), random) for values in near.T]
        words = f"the points of {NEIGHBOURS} seeds in a row tell of each other"
        seen.append(evidence(statistics.serial(*ranks), len(near), words))
    return worst(*seen)


def drawn_in_its_box(
    f: Subject, ruler: Ruler, *, space: Space, rounds: int, budget: int, shrink: float, seed: int, **options: Any
) -> Evidence:
    """Each round draws at random, each axis by its own scale, in the whole box that is left.

    The box of a round follows from the points before it, of which the best is known, wherever no end of the last box
    cuts it off: an axis counts up to the round before it is cut off. What counts is decided by points before it, so the
    positions that count are uniform and independent, as those of one box are.
    """
    run, random = Search(space, seed=seed, **options), _chances(seed)
    points, losses, _ = run.trials(f, rounds=rounds, budget=budget, shrink=shrink)
    if len(points) != run.wanted:
        raise TargetFault(f"returned {len(points)} points where {run.wanted} are expected (SE-15)")
    _finite(points)
    boxes = dict.fromkeys(range(len(space)), (0.0, 1.0))
    first, later, whole = list[Floats](), dict[int, list[Floats]](), list[Floats]()
    grain = statistics.GRAIN
    for round in range(rounds):
        these = points[round * budget : (round + 1) * budget]
        places: dict[int, Floats] = {}
        if round:
            best = points[_least(losses[: round * budget])]
            boxes = {
                number: box
                for number, (low, high) in boxes.items()
                if (box := _finer(space, number, best, low, high, shrink)) is not None
            }
        for number, (low, high) in boxes.items():
            scale = scale_of(space[number])
            u = scale.uniform(these[:, number].copy(), random)
            # a draw may be off by its grain, and either end of a box that was computed by as much
            grain = max(grain, scale.grain(these[:, number].copy()) * (3 if round else 1) / (high - low))
            places[number] = np.clip((u - low) / (high - low), 0.0, 1.0)
            (later.setdefault(number, []) if round else first).append(random.permutation(places[number]))
        continuous = [number for number, axis in enumerate(space) if axis.scale != "integer"]
        if all(number in places for number in continuous):
            whole.append(random.permutation(np.stack([places[number] for number in continuous]), axis=1))
    rows = {"the first round": np.concatenate(first)}
    rows |= {f"{space[number].name} in later rounds": np.concatenate(row) for number, row in later.items()}
    seen: list[Evidence] = []
    for what, row in rows.items():
        words = f"of {len(row)} positions in the box of {what} {(row < 0.5).mean():.0%} are in its lower half"
        seen.append(evidence(statistics.marginal(row, grain=grain), len(row), f"{words}, and not evenly spread"))
    columns = np.concatenate(whole, axis=1)
    if len(columns) > 1:
        ranks = [statistics.sequential_ranks(each, random) for each in columns]
        found, _ = statistics.crossed(ranks, lagged=False)
        seen.append(evidence(found, columns.shape[1], "in a round, one axis of a point tells of another"))
    return worst(*seen)


def _finer(
    space: Space, number: int, best: Floats, low: float, high: float, shrink: float
) -> tuple[float, float] | None:
    """The box of the next round on an axis of real numbers, in positions; None where an end cuts it off, or of whole
    numbers, whose ends are rounded."""
    axis = space[number]
    if axis.scale == "integer":
        return None
    t, reach = float(scale_of(axis).position(np.asarray(best[number]))), (high - low) * shrink / 2
    inside = low + NEAR <= t - reach and t + reach <= high - NEAR
    return (t - reach, t + reach) if inside else None


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


def _again(space: Space, points: Floats, seeds: Integers | None = None) -> Evidence:
    """What there is to say of positions on axes of real numbers that come again: on another axis, or, of points by
    several seeds (n,), by another seed. However coarse the numbers are that sound draws start from, down to 23 bits.
    """
    continuous = [number for number, axis in enumerate(space) if axis.scale != "integer"]
    if not continuous:
        return Evidence(0.0)
    scaled = [Scale(space[number].scale, space[number].low, space[number].high, coarse=True) for number in continuous]
    found = [scale.cells(points[:, number].copy()) for number, scale in zip(continuous, scaled, strict=True)]
    cells, chance = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
    low, high = np.array([(space[number].low, space[number].high) for number in continuous]).T
    outside = (points[:, continuous] < low) | (points[:, continuous] > high)  # and so like no other
    cells = np.where(outside, -1.0 - np.arange(cells.size).reshape(cells.shape), cells)
    axes = np.broadcast_to(np.arange(len(continuous)), cells.shape)
    if seeds is None:
        kinds, where = axes, "positions that another axis has had"
    else:
        cells = np.where(outside, cells, cells + CELLS * 2 * axes)  # of each axis its own
        kinds, where = np.broadcast_to(seeds[:, None], cells.shape), "numbers that another seed has tried"
    again = statistics.repeats(cells.ravel(), chance.ravel(), kinds.ravel())
    different = len(np.unique(cells))
    words = f"of {cells.size} numbers of {len(points)} points only {different} differ: there are {where}"
    return evidence(again, cells.size, words)


def _least(losses: Floats) -> int:
    return 0 if np.isnan(losses).all() else formulas.best(losses)


def _finite(points: Floats) -> Floats:
    """The points. Raises TargetFault for those of which there are no statistics."""
    if not np.isfinite(points).all():
        raise TargetFault("a point is NaN or infinite (SE-4)")
    return points


def _chances(seed: int) -> np.random.Generator:
    return Case(1, 1, "", 0, seed).random("laws of search")
