"""The laws of chapters/search.md: which points a search tries. Those of grids are in grid_laws.py, those of chance in
chance_laws.py, those of rounds in round_laws.py, and those of what a search calls in trial_laws.py and nursed_laws.py.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from nnlaws_spec.formulas import search as formulas

from nnlaws.authoring.case import Builder
from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject
from nnlaws.authoring.token import Case
from nnlaws.chance.evidence import given
from nnlaws.chance.seeds import objective, train
from nnlaws.chapters.search import inputs as cases
from nnlaws.chapters.search.chance_laws import (
    a_value_a_point,
    axes_of_trials,
    independent_axes,
    nearer_than_the_grid,
    scales,
    seeds_apart,
)
from nnlaws.chapters.search.driver import Losses, Search, box_of, checked, in_another_world, points_of
from nnlaws.chapters.search.grid_laws import every_combination, from_end_to_end, own_scale
from nnlaws.chapters.search.inputs import HELD, NEAR, Space, scale_of
from nnlaws.chapters.search.nursed_laws import losses_alone, watches_on, worse_is_changed
from nnlaws.chapters.search.operations import CAVIAR, COARSE_TO_FINE, GRID_SEARCH, PANDA, RANDOM_SEARCH, REFINE
from nnlaws.chapters.search.round_laws import drawn_in_its_box, shrinking_rounds
from nnlaws.chapters.search.trial_laws import (
    adapts,
    best_kept,
    budget_kept,
    nan_is_never_best,
    one_model,
    trials_by_themselves,
)

GRID = 6  # the notes' grid, 6 × 6, against 36 random points


def in_the_box(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """No point is outside the space, and integers are whole; where losses always fall, or always rise, too."""
    points = points_of(f, space, **options)
    if "best_at" in options:
        run = Search(space, **options)
        worlds: tuple[Losses, ...] = (lambda point, loss, call: 1 / (1 + call), lambda point, loss, call: 1.0 + call)
        points = np.concatenate([points, *(in_another_world(run, losses).trials(f)[0] for losses in worlds)])
    for axis, values in zip(space, points.T, strict=True):
        wrong = scale_of(axis).outside(values.copy())
        if len(wrong):
            return require(False, f"{axis.name} is {given(wrong[0])} in one point, which is not in the space")
    return require(True, "")


def held_axes(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """An axis with low = high is held there, beside others; or the space is refused, by what searches the others."""
    held = {"best_at": (*options["best_at"], *(axis.low for axis in HELD))} if "best_at" in options else {}
    try:
        points = points_of(f, (*space, *HELD), **(options | held))
    except NotOffered:
        raise
    except Refused:
        points_of(f, space, **options)
        return require(True, "")
    for axis, values in zip(HELD, points.T[len(space) :], strict=True):
        off = np.abs(values - axis.low)
        if not off.max() <= scale_of(axis).rounding(np.full(len(values), axis.low)).max():  # NaN is not there either
            wrong = given(values[off.argmax()])
            return require(False, f"{axis.name} is {wrong} in one point, where {axis.low} is all there is")
    return require(True, "")


def table_searched(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """The numbers of each hyperparameter of the table lie between its low and high, whole where it counts."""
    return in_the_box(f, ruler, space=space, **options)


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same points, whatever was searched in between; 0 is a seed like any other."""
    for each in (seed, 0):
        first = points_of(f, seed=each, **options)
        points_of(f, seed=each + 1, **options)
        again = points_of(f, seed=each, **options)
        if not np.array_equal(first, again, equal_nan=True):
            return require(False, f"another search with the same seed, {each}, gave other points")
    return require(True, "")


def same_seed_elsewhere(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Another process tries the same points by the same seed: nothing comes in that is drawn when a process starts."""
    calls: dict[str, Any] = {}
    if options.pop("best_at", None) is not None:
        calls = {"function": train if "start" in options else objective}
    if "start" in options:
        options["start"] = np.asarray(options["start"], dtype=np.float64)
    seed = options.pop("seed")
    for each in (seed, 0):
        drawn = (f.arrays(space, *calls.values(), seed=each, **options)[0] for _ in range(2))
        here, again = (checked(points, len(space)) for points in drawn)
        if not np.array_equal(here, again, equal_nan=True):
            return require(True, "")  # not even in one process, which another law says
        there = checked(f.elsewhere(space, *calls.values(), seed=each, **options)[0], len(space))
        if not np.array_equal(here, there, equal_nan=True):
            return require(False, f"in another process the same seed, {each}, gave other points")
    return require(True, "")


def other_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """Another seed gives other points, in the first half and in the last."""
    found = [points_of(f, seed=seed + number, **options) for number in range(3)]
    for one, other in combinations(found, 2):
        half = (len(one) + 1) // 2
        if np.array_equal(one[:half], other[:half]) or np.array_equal(one[-half:], other[-half:]):
            words = f"two searches with different seeds gave the same points: of {len(one)}, half at least"
            return require(False, words)
    return require(True, "")


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


def no_further(
    f: Subject, ruler: Ruler, *, space: Space, incumbent: Sequence[float], shrink: float, **options: Any
) -> Evidence:
    """Nowhere does it reach further from the incumbent than half of `shrink`: an end cuts it, and does not move it."""
    box = box_of(f, space, incumbent=incumbent, shrink=shrink, **options)
    for axis, ends, best in zip(space, box, incumbent, strict=True):
        ends = np.clip(ends, axis.low, axis.high)  # what is outside is another law's
        low, middle, high = (float(scale_of(axis).position(np.asarray(x))) for x in (ends[0], best, ends[1]))
        more = 1 / (axis.high - axis.low) if axis.scale == "integer" else NEAR
        if max(middle - low, high - middle) > shrink / 2 + more:
            reach = f"{middle - low:.9g} of the scale below the incumbent and {high - middle:.9g} above"
            return require(False, f"the finer box of {axis.name} reaches {reach}, further than {shrink / 2:.3g}")
    return require(True, "")


_FIXES = {
    "SE-1": "space or draw the values on the scale, then map them: 10**r, 1 - 10**r, not the values themselves; whole "
    "numbers by rng.integers(low, high + 1)",
    "SE-2": "itertools.product of the values of all axes",
    "SE-3": "draw every axis anew for each point",
    "SE-4": "sample between low and high themselves; round integers inward",
    "SE-5": "draw each axis by itself, from one generator that is never seeded again",
    "SE-6": "draw all from one numpy.random.default_rng(seed)",
    "SE-7": "draw all from one numpy.random.default_rng(seed)",
    "SE-8": "draw every axis anew for each point",
    "SE-9": "clip the finer box to the coarser one",
    "SE-10": "shrink each axis on its own scale",
    "SE-11": "centre the finer box on the incumbent, and take it in: min(low, incumbent), max(high, incumbent)",
    "SE-12": "take the incumbent's position on the scale, and go shrink/2 to both sides there",
    "SE-13": "random_search in what refine makes of the last box, around the best point of all rounds before it",
    "SE-14": "numpy.nanargmin over the losses of all trials",
    "SE-15": "call it once for each point, and return what was called and what came back",
    "SE-16": "draw all points before the first trial runs",
    "SE-17": "model, loss = train(model, point), each time",
    "SE-18": "choose the next point by the losses so far",
    "SE-19": "look at each loss before the next call, to the last",
    "SE-20": "change the settings where the loss has risen",
    "SE-21": "sample between low and high themselves; round integers inward",
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
    fix = more.pop("fix", _FIXES[clause])
    return trial_law(clause, operation, check, statement, build, trials, fix, **more)


_GRIDS = (
    *cases.trials_of((1, 2), (2, 1), (3, 2), (GRID, 2), (3, 4), (1, 1), (2, 3), (11, 2)),
    *cases.trials_of((4, 3), (7, 2), (5, 4), (2, 5), spaces=("uneven", "narrow")),
)
_FEW = cases.trials_of((4, 1), (9, 2), (16, 4))
_COUNTS = (*_FEW, *cases.trials_of((1, 2), (2, 1), (5, 3), (7, 4), (31, 2), (6, 5), (130, 1), spaces=("edges",)))
_NURSED = cases.trials_of((12, 1), (24, 2), (32, 4))
_LENGTHS = (*_NURSED, *cases.trials_of((1, 2), (7, 3), (13, 5), (130, 2), spaces=("edges",)))
_MANY = (Case(2000, 4, "notes", 0, 5), Case(1501, 5, "edges", 0, 7))
_ALL = (*_MANY[:1], Case(1999, 4, "other", 0, 6), Case(998, 6, "edges", 0, 8), Case(1996, 5, "narrow", 0, 10))
_BOXES = (
    *cases.trials_of((1, 1), (1, 2), (1, 4), (2, 4), (3, 4), k=(0, 1, 2, 3)),
    *cases.trials_of((1, 5), (2, 5), (3, 5), (4, 5), k=(0, 1, 2, 3), spaces=("uneven", "edges", "narrow")),
)
_ROUNDS = (*cases.trials_of((8, 1), (12, 2), (9, 4), k=(3,)), Case(10, 5, "uneven", 5, 13))
_PLANS = (
    *_ROUNDS,
    *(
        Case(m, axes, "edges", k, 50 + k)
        for m, axes, k in ((1, 2, 2), (7, 3, 1), (5, 4, 4), (31, 1, 2), (10, 5, 2), (65, 2, 2))
    ),
)
_SEARCHES = {
    RANDOM_SEARCH: (cases.random, _FEW, _COUNTS),
    COARSE_TO_FINE: (cases.rounds, _ROUNDS, _PLANS),
    CAVIAR: (cases.tried, _FEW, _COUNTS),
    PANDA: (cases.trained, _NURSED, _LENGTHS),
}
"""Of each, what is made of a case, a few cases, and cases of many counts of points."""
_LARGE = {
    RANDOM_SEARCH: (Case(250, 3, "notes", 0, 31), _MANY[0]),
    COARSE_TO_FINE: (Case(110, 3, "notes", 3, 33),),
    CAVIAR: (Case(90, 2, "other", 0, 35), Case(300, 3, "notes", 0, 37)),
}
"""More points than most are asked for, of searches that draw them."""


def _seeded(operation: Operation) -> tuple[Law, ...]:
    build, few, counts = _SEARCHES[operation]
    decides = "a seed decides the points"
    laws = (
        _law("SE-4", operation, in_the_box, "every point is in the space", build, counts),
        _law("SE-6", operation, same_seed, decides, build, few, about="seed"),
        _law("SE-6", operation, same_seed_elsewhere, f"{decides} in every process", build, few[-2:-1], about="seed"),
    )
    if operation is PANDA:
        return laws
    other, apart = "another seed gives other points", "the points of different seeds are independent"
    drawn = operation is RANDOM_SEARCH
    trial = Case(8, 4, "notes", 2 * (operation is COARSE_TO_FINE), 100)
    return (
        *laws,
        _law("SE-4", operation, held_axes, "an axis of one number is held there", build, few[:2]),
        _law("SE-7", operation, other_seed, other, build, (*_with_reals(few), *_LARGE[operation]), about="seed"),
        _law("SE-7", operation, seeds_apart, apart, cases.random if drawn else cases.searched, (trial,), about="seed",
             tests=2 + drawn),
    )  # fmt: skip


def _with_reals(few: tuple[Case, ...]) -> tuple[Case, ...]:
    """Those with an axis of real numbers: a few integers may well be the same ones by chance."""
    return tuple(case for case in few if any(axis.scale != "integer" for axis in cases.space(case)))


def _with_a_step(grids: tuple[Case, ...]) -> tuple[Case, ...]:
    """Those of two values an axis or more."""
    return tuple(case for case in grids if case.m > 1)


def _driven(operation: Operation) -> tuple[Law, ...]:
    build, few, counts = _SEARCHES[operation]
    return (
        _law("SE-14", operation, best_kept, "the best trial is kept", build, few),
        _law("SE-14", operation, nan_is_never_best, "a loss that is NaN is never the best", build, few),
        _law("SE-15", operation, budget_kept, "points and losses are those of the calls", build, counts),
    )


_DRAWN = (
    Case(160, 4, "notes", 3, 3),
    Case(140, 4, "notes", 3, 7),
    Case(90, 4, "other", 5, 18),
    Case(1600, 4, "other", 2, 4),
    Case(300, 5, "narrow", 2, 19),
)
_TABLE = (Case(100, len(cases.SPACES["table"]), "table", 0, 9),)
_OWN = "each axis is drawn on its own scale"
_TRIED = (Case(400, 4, "notes", 0, 5), Case(333, 5, "edges", 0, 6), Case(600, 5, "narrow", 0, 10))

LAWS: tuple[Law, ...] = (
    _law("SE-1", GRID_SEARCH, own_scale, "values are equally spaced on the axis's own scale", cases.grid, _GRIDS),
    _law(
        "SE-1",
        GRID_SEARCH,
        from_end_to_end,
        "the grid spans each axis",
        cases.grid,
        _with_a_step(_GRIDS),
        fix="space the values on the scale with both ends, numpy.linspace(0, 1, k), or with neither, (i + 1/2)/k",
    ),
    _law("SE-2", GRID_SEARCH, every_combination, "each combination is there once", cases.grid, _GRIDS),
    _law("SE-4", GRID_SEARCH, in_the_box, "every point is in the space", cases.grid, _GRIDS),
    _law("SE-1", RANDOM_SEARCH, scales, _OWN, cases.random, _ALL, kind="value", tests=9),
    _law("SE-3", RANDOM_SEARCH, a_value_a_point, "n points try n values of an axis", cases.random, _FEW, tests=3),
    _law("SE-5", RANDOM_SEARCH, independent_axes, "axes and points are independent", cases.random, _MANY, tests=11),
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
    _law("SE-12", REFINE, no_further, "a finer box is cut off at an end, not moved", cases.refined, _BOXES),
    _law("SE-13", COARSE_TO_FINE, shrinking_rounds, "rounds close in on the best so far", cases.rounds, _ROUNDS),
    _law(
        "SE-13",
        COARSE_TO_FINE,
        drawn_in_its_box,
        "each round draws at random in its box",
        cases.searched,
        _DRAWN,
        tests=12,
    ),
    *(law for operation in (COARSE_TO_FINE, CAVIAR, PANDA) for law in (*_seeded(operation), *_driven(operation))),
    _law("SE-1", CAVIAR, scales, _OWN, cases.tried, _TRIED, kind="value", tests=7),
    _law("SE-5", CAVIAR, axes_of_trials, "axes of a trial are independent", cases.tried, _TRIED, tests=8),
    _law("SE-16", CAVIAR, trials_by_themselves, "trials do not depend on losses", cases.tried, _FEW),
    _law("SE-17", PANDA, one_model, "one model is trained on", cases.trained, _NURSED),
    *(
        _law(clause, PANDA, check, statement, cases.trained, _with_reals(_NURSED))
        for clause, check, statement in (
            ("SE-18", adapts, "later settings depend on the losses so far"),
            ("SE-18", losses_alone, "settings depend on losses, and not on models"),
            ("SE-19", watches_on, "settings depend on losses to the end"),
            ("SE-20", worse_is_changed, "settings change where all gets worse"),
        )
    ),
    _law("SE-21", RANDOM_SEARCH, table_searched, "the table's axes are searched in their boxes", cases.random, _TABLE),
)
