"""Samplers beyond the notes: the formulas of chapters/more_samplers.md.

A draw is a function of u, uniform on [0, 1); what is said of its distribution is the chance of less, P(x < a). Arrays
of any shape, or single numbers; `ends` and `parts` are the chapter's conventions. Points are arrays (n, d) of the unit
cube.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers, floor

Ends: TypeAlias = Literal["full", "half"]
Parts: TypeAlias = Literal["above", "around", "within", "equal"]


def levels(low: float, high: float, step: float) -> int:
    """MS-1: how many values low, low + step, …, high there are: (high − low)/step + 1, whole but for rounding."""
    return round((high - low) / step) + 1


def quantised(u: Numbers, low: float, high: float, step: float, ends: Ends = "full") -> Numbers:
    """MS-1: x = low + step ⌊u n⌋, of n values. half: low + step ⌊u (n − 1) + ½⌋."""
    n = levels(low, high, step)
    return low + step * floor(u * n if ends == "full" else u * (n - 1) + 0.5)


def quantised_below(k: Numbers, n: int, ends: Ends = "full") -> Numbers:
    """MS-1: P(x < low + k step) = k/n, 0 ≤ k ≤ n. half: (k − ½)/(n − 1), and 0 and 1 at the ends."""
    return k / n if ends == "full" else np.clip((k - 0.5) / (n - 1), 0, 1)


def log_integer(u: Numbers, low: int, high: int, parts: Parts = "above") -> Numbers:
    """MS-2: x = ⌊low^(1−u) (high + 1)^u⌋.

    around: ⌊(low − ½)^(1−u) (high + ½)^u + ½⌋. within: ⌊low^(1−u) high^u + ½⌋.
    equal: low + ⌊(low^(1−u) high^u − low) (high − low + 1)/(high − low)⌋.
    """
    a, b = _ends(low, high, parts)
    x = a ** (1 - u) * b**u
    if parts == "equal":
        return low + floor((x - low) * (high - low + 1) / (high - low))
    return floor(x if parts == "above" else x + 0.5)


def log_integer_below(k: Numbers, low: int, high: int, parts: Parts = "above") -> Numbers:
    """MS-2: P(x < k) = log(k/low) / log((high + 1)/low), low ≤ k ≤ high + 1; else of where the part of k begins."""
    a, b = _ends(low, high, parts)
    begins = {
        "above": k,
        "around": k - 0.5,
        "within": np.clip(k - 0.5, low, high),
        "equal": low + (k - low) * (high - low) / (high - low + 1),
    }[parts]
    return np.log(begins / a) / np.log(b / a)


def weighted(u: Numbers, weights: Numbers) -> Numbers:
    """MS-3: the k with W_k ≤ u < W_{k+1}, W_k = Σ_{i<k} w_i / Σ_i w_i: how many of W_1, W_2 … are u or less."""
    ends = np.cumsum(weights) / np.sum(weights)
    return (np.asarray(u)[..., None] >= ends).sum(axis=-1)


def weighted_below(weights: Numbers) -> Numbers:
    """MS-3: P(x < k) = Σ_{i<k} w_i / Σ_i w_i, of k from 0 to n."""
    return np.concatenate([[0.0], np.cumsum(weights)]) / np.sum(weights)


def strata(points: Numbers) -> Numbers:
    """MS-9: in which of n equal parts of its axis each of n points lies: ⌊n x⌋."""
    return floor(points * len(points))


def latin(order: Numbers, within: Numbers) -> Numbers:
    """MS-9: x = (π + u)/n, of the strata π (n, d), a permutation on each axis, and places u in [0, 1) within them."""
    return (order + within) / len(order)


def boxes(points: Numbers, cuts: Sequence[int]) -> Numbers:
    """MS-13: how many of the points each box has, where each axis is cut into 2^c equal parts, c of `cuts`."""
    places = [floor(x * 2**cut).astype(int) for x, cut in zip(points.T, cuts, strict=True)]
    shape = [2**cut for cut in cuts]
    return np.bincount(np.ravel_multi_index(places, shape), minlength=int(np.prod(shape))).reshape(shape)


def _ends(low: int, high: int, parts: Parts) -> tuple[float, float]:
    """Between which numbers the logarithm is uniform."""
    return {"above": (low, high + 1), "around": (low - 0.5, high + 0.5)}.get(parts, (low, high))
