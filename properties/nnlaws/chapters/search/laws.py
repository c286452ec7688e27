"""The laws of chapters/search.md: which points a search tries. Chance is tested as in laws/sampling.py."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.case import Builder
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import used
from nnlaws.chance.evidence import even, evidence, given
from nnlaws.chance.scale import mistaken
from nnlaws.chapters.search import inputs as cases
from nnlaws.chapters.search.driver import box_of, points_of
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.chapters.search.operations import CAVIAR, COARSE_TO_FINE, GRID_SEARCH, PANDA, RANDOM_SEARCH, REFINE
from nnlaws.chapters.search.trial_laws import (
    adapts,
    best_kept,
    budget_kept,
    one_model,
    shrinking_rounds,
    trials_by_themselves,
)
from nnlaws.rounding.formats import Floats

GRID = 6  # the notes' grid, 6 × 6, against 36 random points
REPEATS = 100  # searches that are compared with it


def own_scale(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """The values of each axis are equally spaced on its own scale."""
    for axis, values in zip(space, points_of(f, space, **options).T, strict=True):
        levels = np.unique(scale_of(axis).position(values))
        levels = levels[np.append(True, np.diff(levels) > NEAR)]
        steps = np.diff(levels)
        if len(levels) > 1 and np.ptp(steps) > NEAR:
            apart = f"on its scale {axis.name} goes by steps from {steps.min():.9g} to {steps.max():.9g}"
            return require(False, f"{apart}, {axis.scale}, where all should be equal")
    return require(True, "")


def every_combination(f: Subject, ruler: Ruler, *, space: Space, per_axis: int) -> Evidence:
    """per_axis values on each axis, and each combination of them once."""
    points = points_of(f, space, per_axis=per_axis)
    wanted = per_axis ** len(space)
    if len(points) != wanted:
        return require(False, f"{len(points)} points where {per_axis}^{len(space)} = {wanted} are all combinations")
    levels = [np.unique(values) for values in points.T]
    for axis, values in zip(space, levels, strict=True):
        if len(values) != per_axis:
            return require(False, f"{axis.name} has {len(values)} values where {per_axis} were asked for")
    different = np.unique(points, axis=0)
    there = np.array_equal(different, formulas.grid(levels))  # both in lexicographic order
    return require(there, f"only {len(different)} of {wanted} combinations are there, some of them twice")


def from_end_to_end(f: Subject, ruler: Ruler, *, space: Space, per_axis: int) -> Evidence:
    """The grid reaches to within half a step of both ends of each axis."""
    for axis, values in zip(space, points_of(f, space, per_axis=per_axis).T, strict=True):
        u = scale_of(axis).position(values)
        step = np.ptp(u) / (per_axis - 1)
        if max(u.min(), 1 - u.max()) > step / 2 + NEAR:
            return require(False, f"{axis.name} goes from {given(values.min())} to {given(values.max())} alone")
    return require(True, "")


def scales(f: Subject, ruler: Ruler, *, space: Space, seed: int, **options: Any) -> Evidence:
    """Each axis is distributed as its own scale says."""
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
    return worst(*seen)


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
    """No axis tells anything of another, and no point of the next."""
    points, random = _finite(points_of(f, space, seed=seed, **options)), _chances(seed)
    ranks = [statistics.sequential_ranks(values.copy(), random) for values in points.T]
    seen = [
        evidence(statistics.serial(each), len(each), f"{axis.name} of one point tells of the next point's")
        for axis, each in zip(space, ranks, strict=True)
    ]
    for a, b in combinations(range(len(space)), 2):
        words = f"{space[a].name} of a point tells of its {space[b].name}"
        seen.append(evidence(statistics.pairs(ranks[a], ranks[b]), len(points), words))
    for axis, values in zip(space, points.T, strict=True):
        if axis.scale != "integer":
            seen.append(even(scale_of(axis), values.copy(), random, axis.name))
    return worst(*seen)


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


def in_the_box(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """No point is outside the space, and integers are whole."""
    points = points_of(f, space, **options)
    for axis, values in zip(space, points.T, strict=True):
        wrong = scale_of(axis).outside(values.copy())
        if len(wrong):
            return require(False, f"{axis.name} is {given(wrong[0])} in one point, which is not in the space")
    return require(True, "")


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same points, whatever was searched in between."""
    first = points_of(f, seed=seed, **options)
    points_of(f, seed=seed + 1, **options)
    again = points_of(f, seed=seed, **options)
    return require(np.array_equal(first, again, equal_nan=True), "another search with the same seed gave other points")


def other_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """Another seed gives other points."""
    found = [points_of(f, seed=seed + number, **options) for number in range(3)]
    same = [pair for pair in combinations(range(3), 2) if np.array_equal(found[pair[0]], found[pair[1]])]
    return require(not same, "two searches with different seeds gave the same points")


def nested(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """The finer box lies in the coarser one."""
    for axis, (low, high) in zip(space, box_of(f, space, **options), strict=True):
        if not axis.low <= low <= high <= axis.high:
            box, outer = f"[{given(low)}, {given(high)}]", f"[{given(axis.low)}, {given(axis.high)}]"
            return require(False, f"the finer box of {axis.name} is {box}, and not inside {outer}")
    return require(True, "")


def smaller(f: Subject, ruler: Ruler, *, space: Space, shrink: float, **options: Any) -> Evidence:
    """On its own scale each axis is at most `shrink` times as long."""
    for axis, ends in zip(space, box_of(f, space, shrink=shrink, **options), strict=True):
        length = float(np.diff(scale_of(axis).position(ends))[0])
        if not length <= shrink + NEAR:
            of = f"{axis.name} is still {length:.9g} times as long, on its {axis.scale} scale"
            return require(False, f"{of}, where {shrink} was asked for")
    return require(True, "")


def incumbent_inside(f: Subject, ruler: Ruler, *, space: Space, incumbent: Sequence[float], **options: Any) -> Evidence:
    """The finer box holds the incumbent."""
    box = box_of(f, space, incumbent=incumbent, **options)
    for axis, (low, high), best in zip(space, box, incumbent, strict=True):
        if not low <= best <= high:
            where = f"[{given(low)}, {given(high)}]"
            return require(False, f"the finer box of {axis.name} is {where}, without the incumbent {given(best)}")
    return require(True, "")


def centred(
    f: Subject, ruler: Ruler, *, space: Space, incumbent: Sequence[float], shrink: float, **options: Any
) -> Evidence:
    """Far from the ends it reaches as far to both sides, on the axis's own scale; of integers, to within one."""
    box = box_of(f, space, incumbent=incumbent, shrink=shrink, **options)
    for axis, ends, best in zip(space, box, incumbent, strict=True):
        low, middle, high = (float(scale_of(axis).position(np.asarray(x))) for x in (ends[0], best, ends[1]))
        least, most = formulas.refined(0.0, 1.0, middle, shrink)
        off = max(abs(high - most), abs(low - least))
        if not off <= (1 / (axis.high - axis.low) if axis.scale == "integer" else NEAR):
            reach = f"{middle - low:.9g} of the scale below the incumbent and {high - middle:.9g} above"
            return require(
                False, f"the finer box of {axis.name}, {axis.scale}, reaches {reach}, not {shrink / 2:.3g} each"
            )
    return require(True, "")


def _finite(points: Floats) -> Floats:
    """The points. Raises TargetFault for those of which there are no statistics."""
    if not np.isfinite(points).all():
        raise TargetFault("a point is NaN or infinite (SE-4)")
    return points


def _chances(seed: int) -> np.random.Generator:
    return Case(1, 1, "", 0, seed).random("laws of search")


_FIXES = {
    "SE-1": "space or draw the values on the scale, then map them: 10**r, 1 - 10**r, not the values themselves",
    "SE-2": "itertools.product of the values of all axes",
    "SE-3": "draw every axis anew for each point",
    "SE-4": "sample between low and high themselves; round integers inward",
    "SE-5": "draw each axis by itself, from one generator that is never seeded again",
    "SE-6": "draw all from one numpy.random.default_rng(seed)",
    "SE-7": "draw all from one numpy.random.default_rng(seed)",
    "SE-8": "draw every axis anew for each point",
    "SE-9": "clip the finer box to the coarser one",
    "SE-10": "shrink each axis on its own scale",
    "SE-11": "centre the finer box on the incumbent",
    "SE-12": "take the incumbent's position on the scale, and go shrink/2 to both sides there",
    "SE-13": "centre each round on the best point of all rounds before it",
    "SE-14": "numpy.argmin over the losses of all trials",
    "SE-15": "call it once for each point, and return what was called and what came back",
    "SE-16": "draw all points before the first trial runs",
    "SE-17": "model, loss = train(model, point), each time",
    "SE-18": "choose the next point by the losses so far",
}


def _law(
    clause: str,
    operation: Operation,
    check: Check,
    statement: str,
    build: Builder,
    trials: tuple[Case, ...],
    **more: Any,
) -> Law:
    return trial_law(clause, operation, check, statement, build, trials, _FIXES[clause], **more)


_GRIDS = cases.trials_of((1, 2), (2, 1), (3, 2), (GRID, 2), (3, 4))
_FEW = cases.trials_of((4, 1), (9, 2), (16, 4))
_NURSED = cases.trials_of((12, 1), (24, 2), (32, 4))
_MANY = (Case(2000, 4, "notes", 0, 5),)
_BOTH = (*_MANY, Case(2000, 4, "other", 0, 6))
_BOXES = cases.trials_of((1, 1), (1, 2), (1, 4), (2, 4), (3, 4), k=(0, 1, 2, 3))
_ROUNDS = cases.trials_of((8, 1), (12, 2), (9, 4), k=(3,))
_SEARCHES = {
    RANDOM_SEARCH: (cases.random, _FEW),
    COARSE_TO_FINE: (cases.rounds, _ROUNDS),
    CAVIAR: (cases.tried, _FEW),
    PANDA: (cases.trained, _NURSED),
}


def _seeded(operation: Operation) -> tuple[Law, ...]:
    build, few = _SEARCHES[operation]
    laws = (
        _law("SE-4", operation, in_the_box, "every point is in the space", build, few),
        _law("SE-6", operation, same_seed, "a seed decides the points", build, few, about="seed"),
    )
    if operation is PANDA:
        return laws
    return (
        *laws,
        _law("SE-7", operation, other_seed, "another seed gives other points", build, _with_reals(few), about="seed"),
    )


def _with_reals(few: tuple[Case, ...]) -> tuple[Case, ...]:
    """Those with an axis of real numbers: a few integers may well be the same ones by chance."""
    return tuple(case for case in few if any(axis.scale != "integer" for axis in cases.space(case)))


def _driven(operation: Operation) -> tuple[Law, ...]:
    build, few = _SEARCHES[operation]
    return (
        _law("SE-14", operation, best_kept, "the best trial is kept", build, few),
        _law("SE-15", operation, budget_kept, "points and losses are those of the calls", build, few),
    )


LAWS: tuple[Law, ...] = (
    _law("SE-1", GRID_SEARCH, own_scale, "values are equally spaced on the axis's own scale", cases.grid, _GRIDS),
    _law("SE-1", GRID_SEARCH, from_end_to_end, "the grid spans each axis", cases.grid, _GRIDS[2:]),
    _law("SE-2", GRID_SEARCH, every_combination, "each combination is there once", cases.grid, _GRIDS),
    _law("SE-4", GRID_SEARCH, in_the_box, "every point is in the space", cases.grid, _GRIDS),
    _law(
        "SE-1", RANDOM_SEARCH, scales, "each axis is drawn on its own scale", cases.random, _BOTH, kind="value", tests=4
    ),
    _law("SE-3", RANDOM_SEARCH, a_value_a_point, "n points try n values of an axis", cases.random, _FEW, tests=3),
    _law("SE-5", RANDOM_SEARCH, independent_axes, "axes and points are independent", cases.random, _MANY, tests=13),
    _law(
        "SE-8",
        RANDOM_SEARCH,
        nearer_than_the_grid,
        "36 points come nearer the best value of one axis than a 6 × 6 grid",
        cases.random,
        (Case(GRID * GRID, 2, "notes", 0, 11),),
        tests=1,
    ),
    *_seeded(RANDOM_SEARCH),
    _law("SE-9", REFINE, nested, "a finer box lies in the coarser one", cases.refined, _BOXES),
    _law("SE-10", REFINE, smaller, "a finer box is smaller, on the axis's own scale", cases.refined, _BOXES),
    _law("SE-11", REFINE, incumbent_inside, "a finer box holds the incumbent", cases.refined, _BOXES),
    _law("SE-12", REFINE, centred, "a finer box is centred, on the axis's own scale", cases.refined_midway, _BOXES),
    _law("SE-13", COARSE_TO_FINE, shrinking_rounds, "rounds close in on the best so far", cases.rounds, _ROUNDS),
    *(law for operation in (COARSE_TO_FINE, CAVIAR, PANDA) for law in (*_seeded(operation), *_driven(operation))),
    _law(
        "SE-1",
        CAVIAR,
        scales,
        "each axis is drawn on its own scale",
        cases.tried,
        (Case(400, 4, "notes", 0, 5),),
        kind="value",
        tests=4,
    ),
    _law("SE-16", CAVIAR, trials_by_themselves, "trials do not depend on losses", cases.tried, _FEW),
    _law("SE-17", PANDA, one_model, "one model is trained on", cases.trained, _NURSED),
    _law("SE-18", PANDA, adapts, "later settings depend on the losses so far", cases.trained, _with_reals(_NURSED)),
)
