"""Mistakes that any search which runs trials can make: coarse to fine, caviar and panda."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import caviar, coarse_to_fine, panda

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.inputs import Space
from nnlaws.chapters.search.mutants.trials import Trials, found, least

Search = Callable[..., Trials]


def _changed(change: Callable[[Array, Array, int], Trials]) -> Callable[[Search], Search]:
    """The search, with what it returns changed."""
    return lambda right: lambda *given, **options: change(*right(*given, **options))


def _other_seed(change: Callable[[int], int]) -> Callable[[Search], Search]:
    return lambda right: lambda *given, seed, **options: right(*given, seed=change(seed), **options)


def _called_twice(right: Search) -> Search:
    """Each call of what the search calls is made twice."""

    def search(space: Space, function: Callable[..., Any], **options: Any) -> Trials:
        def twice(*given: Any) -> Any:
            function(*given)
            return function(*given)

        return right(space, twice, **options)

    return search


def _held_axis_drawn(right: Search) -> Search:
    """An axis whose ends are one number is drawn all the same."""

    def search(space: Space, function: Callable[..., Any], **options: Any) -> Trials:
        points, losses, best = right(space, function, **options)
        held = np.array([axis.low == axis.high for axis in space])
        shares = np.linspace(0.5, 1, len(points))[:, None]
        return np.where(held, points * shares, points), losses, best

    return search


def _nan_is_the_least(right: Search) -> Search:
    return _changed(lambda p, losses, best: (p, losses, int(np.argmin(losses))))(right)


def _nan_counts_as_zero(right: Search) -> Search:
    """What is no number is stored as 0."""
    return _changed(lambda p, losses, best: found(p, np.nan_to_num(losses)))(right)


def _compared_one_by_one(right: Search) -> Search:
    """best = 0; if loss < losses[best]: never true where the first is NaN."""

    def best_of(losses: Array) -> int:
        best = 0
        for number, loss in enumerate(losses):
            if loss < losses[best]:
                best = number
        return best

    return _changed(lambda p, losses, best: (p, losses, best_of(losses)))(right)


def _finite_alone(losses: Array) -> int:
    """The least of those that are finite: where one is −∞, another."""
    return least(np.where(np.isfinite(losses), losses, np.inf)) if np.isfinite(losses).any() else 0


def _large_unseeded(right: Search) -> Search:
    """Of many points the seed is forgotten."""

    def search(space: Space, function: Callable[..., Any], *, budget: int, seed: int, **options: Any) -> Trials:
        return right(space, function, budget=budget, seed=seed if budget <= 64 else 0, **options)

    return search


def _impatient(right: Search) -> Search:
    """After 25 losses that are no better than the least before, the last is taken for all others."""

    def search(space: Space, function: Callable[..., Any], **options: Any) -> Trials:
        points, losses, best = right(space, function, **options)
        since = 0
        for number in range(1, len(losses)):
            since = 0 if losses[number] < np.nanmin(losses[:number]) else since + 1
            if since > 25:
                return points, np.where(np.arange(len(losses)) > number, losses[number], losses), best
        return points, losses, best

    return search


def _narrow(losses: Array) -> Array:
    with np.errstate(over="ignore"):
        return losses.astype(np.float16)


def _nan_is_kept(right: Search) -> Search:
    """if not loss >= least: true where either is NaN, so that whatever comes after is taken."""

    def best_of(losses: Array) -> int:
        best = 0
        for number, loss in enumerate(losses):
            if not loss >= losses[best]:
                best = number
        return best

    return _changed(lambda p, losses, best: (p, losses, best_of(losses)))(right)


_FAULTS: dict[str, tuple[Callable[[Search], Search], str, str]] = {
    "best_is_the_last": (_changed(lambda p, losses, best: (p, losses, len(losses) - 1)), "best is the last trial", ""),
    "best_is_the_first": (_changed(lambda p, losses, best: (p, losses, 0)), "best is the first trial", ""),
    "best_is_the_largest": (
        _changed(lambda p, losses, best: (p, losses, int(np.nanargmax(losses)))), "best has the largest loss", ""),
    "best_may_be_nan": (_nan_is_the_least, "numpy.argmin: NaN counts as the least", ""),
    "best_counts_nan_as_zero": (_nan_counts_as_zero, "a loss that is NaN is stored as 0, the least", ""),
    "best_stays_at_nan": (_compared_one_by_one, "losses are compared one by one: never below a first that is NaN", ""),
    "best_moves_to_nan": (_nan_is_kept, "not loss >= least: true of NaN", ""),
    "best_is_nearest_to_zero": (
        _changed(lambda p, losses, best: (p, losses, least(np.abs(losses)))), "best has the loss nearest to 0", ""),
    "best_below_a_million": (
        _changed(lambda p, losses, best: (p, losses, best if losses[best] < 1e6 else 0)),
        "least = 1e6 to begin with: larger losses are never the best", ""),
    "best_of_infinite_is_none": (
        _changed(lambda p, losses, best: (p, losses, best if losses[best] < np.inf else -1)),
        "least = inf to begin with: where all losses are infinite best is −1", ""),
    "best_is_finite": (
        _changed(lambda p, losses, best: (p, losses, _finite_alone(losses))), "finite losses alone count: no −∞", ""),
    "best_leaves_out_the_first": (
        _changed(lambda p, losses, best: (p, losses, 1 + least(losses[1:]) if len(losses) > 1 else 0)),
        "the first trial is never the best", ""),
    "many_unseeded": (_large_unseeded, "of more than 64 points a round the seed is forgotten", ""),
    "loses_patience": (_impatient, "stops after 25 losses that are no better, and fills up", "run every trial"),
    "best_in_float16": (
        _changed(lambda p, losses, best: (p, losses, least(_narrow(losses)))), "losses are compared in float16", ""),
    "losses_a_trial_late": (
        _changed(lambda p, losses, best: found(p, np.roll(losses, 1))), "each loss is that of the trial before",
        "zip points with their own losses"),
    "points_rounded": (
        _changed(lambda p, losses, best: (p.astype(np.float32).astype(np.float64), losses, best)),
        "the points returned are rounded to float32", "return the points that were called"),
    "last_trial_dropped": (
        _changed(lambda p, losses, best: found(p[:-1], losses[:-1])), "the last trial is not returned",
        "return every trial"),
    "every_seed_alike": (_other_seed(lambda seed: 0), "every seed gives the same points", ""),
    "zero_unseeded": (
        _other_seed(lambda seed: seed or int(np.random.default_rng().integers(2**40))),
        "seed or None: 0 is no seed", ""),
    "seed_cut": (_other_seed(lambda seed: seed & 0xFFFF), "the seed is cut to 16 bits", ""),
    "not_seeded": (
        _other_seed(lambda seed: int(np.random.default_rng().integers(2**40))), "other points each time", ""),
    "held_axis_drawn": (
        _held_axis_drawn, "an axis of one number is drawn between half of it and it", "low where low = high"),
    "calls_twice": (_called_twice, "each trial runs twice", "call once for each point"),
}  # fmt: skip
_FIXES = {
    "best": "numpy.nanargmin over the losses of all trials",
    "": "draw all from one numpy.random.default_rng(seed)",
}
_UNSEEN = ("every_seed_alike", "seed_cut", "held_axis_drawn", "many_unseeded")
"""What panda need not see."""
_SEARCHES: dict[str, Search] = {"coarse_to_fine": coarse_to_fine, "caviar": caviar, "panda": panda}

MUTANTS: tuple[Mutant, ...] = (
    *(
        Mutant(
            name,
            f"{name}.{fault}",
            words,
            fix or _FIXES[fault[:4] * fault.startswith("best")],
            "classroom",
            make(right),
        )
        for name, right in _SEARCHES.items()
        for fault, (make, words, fix) in _FAULTS.items()
        if name != "panda" or fault not in _UNSEEN
    ),
)
