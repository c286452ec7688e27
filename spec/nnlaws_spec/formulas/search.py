"""Search for hyperparameters: the formulas of chapters/search.md.

A position is where a number lies between the ends of its axis, 0 at low and 1 at high, on the axis's own scale. Arrays
of any shape, or single numbers, unless said otherwise.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers, sampling, scales

Scale: TypeAlias = Literal["linear", "log", "one_minus_log", "integer"]
Ends: TypeAlias = Literal["included", "excluded"]
Model: TypeAlias = Any


def value(u: Numbers, low: float, high: float, scale: Scale) -> Numbers:
    """SE-1: what lies at the position u, by the map of its scale; an integer is that of the draw u < 1."""
    if scale == "log":
        return scales.log_uniform_map(u, low=low, high=high)
    if scale == "one_minus_log":
        return scales.one_minus_log_uniform_map(u, low=low, high=high)
    if scale == "integer":
        return sampling.integer(u, int(low), int(high))
    return sampling.uniform(u, low, high)


def position(x: Numbers, low: float, high: float, scale: Scale) -> Numbers:
    """SE-1: where x lies, by the inverse of its scale: (x − low)/(high − low), of integers too."""
    if scale == "log":
        return scales.log_uniform_inverse(x, low=low, high=high)
    if scale == "one_minus_log":
        return scales.one_minus_log_uniform_inverse(x, low=low, high=high)
    return sampling.uniform_share(low + 0 * x, x, low, high)


def grid_levels(count: int, ends: Ends = "included") -> Numbers:
    """SE-2: the positions i/(k−1) of k values, 0 ≤ i < k. excluded: (2i+1)/(2k). One value alone is in the middle."""
    if ends == "included" and count > 1:
        return np.arange(count) / (count - 1)
    return (2 * np.arange(count) + 1) / (2 * count)


def grid(levels: Sequence[Numbers]) -> Numbers:
    """SE-2: every combination once of these values, one sequence an axis: (k_1 ⋯ k_d, d)."""
    return np.array(list(product(*levels))).reshape(-1, len(levels))


def refined(low: Numbers, high: Numbers, incumbent: Numbers, shrink: float) -> tuple[Numbers, Numbers]:
    """SE-12: of the positions low … high, those within s (high − low)/2 of the incumbent: by SE-9 no others."""
    reach = (high - low) * shrink / 2
    return np.maximum(low, incumbent - reach), np.minimum(high, incumbent + reach)


def widest(shrink: float, round: int) -> float:
    """SE-13: sʳ, the most of the first box's width that the box of round r has, counted from 0."""
    return shrink**round


def grid_distance(levels: int, ends: Ends = "included") -> float:
    """SE-8: the expected distance of a uniform target on [0, 1] from the nearest of k levels: 1/(4(k−1)).

    excluded, or k = 1: 1/(4k).
    """
    return 1 / (4 * (levels - 1)) if ends == "included" and levels > 1 else 1 / (4 * levels)


def random_distance(points: int) -> float:
    """SE-8: the expected distance of a uniform target on [0, 1] from the nearest of n uniform points.

    (n + 3) / (2(n + 1)(n + 2)).
    """
    return (points + 3) / (2 * (points + 1) * (points + 2))


def miss_chance(distance: Numbers, target: Numbers, points: int) -> Numbers:
    """SE-8: P(none of n uniform points is within r of t) = (1 − (min(t + r, 1) − max(t − r, 0)))ⁿ."""
    return (1 - (np.minimum(target + distance, 1) - np.maximum(target - distance, 0))) ** points


def best(losses: Numbers) -> int:
    """SE-14: the index of the least loss; of equal ones, the first. NaN is never the least."""
    return int(np.flatnonzero(losses == np.nanmin(losses))[0])


def independent_trials(objective: Callable[[Numbers], float], points: Numbers) -> Numbers:
    """SE-16: each point's loss, of itself alone: points (n, d) give losses (n,)."""
    return np.array([objective(point) for point in points])


def one_trajectory(
    train: Callable[[Model, Numbers], tuple[Model, float]],
    start: Numbers,
    budget: int,
    adjust: Callable[[Sequence[Numbers], Sequence[float]], Numbers],
) -> tuple[Numbers, Numbers]:
    """SE-17: one model is trained on and on; SE-18: each setting but the first, `start`, follows from what was seen.

    adjust(points so far, their losses) -> the next point. Returns points (budget, d) and losses (budget,).
    """
    model, points, losses = None, [start], list[float]()
    while len(losses) < budget:
        model, loss = train(model, points[-1])
        losses.append(loss)
        points.append(adjust(points, losses))
    return np.array(points[:budget]), np.array(losses)
