"""Exact tests of draws that lie more evenly than chance: a shuffled grid, stratified or quasi-random points."""

from math import log

import numpy as np
from nnlaws_spec.formulas import sampling

from nnlaws.chance.martingale import GRAIN, draws
from nnlaws.rounding.formats import Floats


def evenness(v: Floats, *, grain: float = GRAIN) -> tuple[float, str]:
    """log(1/p) of draws v (n,) on [0, 1] that lie so evenly, and in words what is too even about them.

    Of the first m draws, m = n and the powers of two from 8 below it: their least distance, and whether they fall one
    each into m equal cells. The least p counts, times the number of tests made (Bonferroni), so that p ≤ 1e-9 has at
    most that chance; p is capped at 1. ValueError: see `draws`.
    """
    (v,) = draws(v)
    n = len(v)
    sizes = [m for m in (1 << k for k in range(3, n.bit_length())) if m < n] + [n]
    found = [test for m in sizes for test in (_spacing(v[:m], grain), _cells(v[:m]))]
    strongest, words = max(found, key=lambda each: each[0])
    return max(strongest - log(len(found)), 0.0), words


def _spacing(v: Floats, grain: float) -> tuple[float, str]:
    """P(no two of n uniform points are nearer than d), which is 0 where there is no room for that.

    In order, the points that keep so far apart are n points of [0, 1 − (n − 1) d], spread by d each: the volume of
    those is the probability. The distances to 0 and to 1 are not among the n − 1. A point may be off by the grain.
    """
    n = len(v)
    if n < 2:
        return 0.0, "one draw"
    least = float(np.diff(np.sort(v)).min())
    chance = sampling.smallest_gap_chance(n, max(least - 2 * grain, 0.0))
    return _surprise(chance), f"no two of {n} draws are nearer than {least:.3g} of the range"


def _cells(v: Floats) -> tuple[float, str]:
    """P(n independent points fall one each into n cells) is n! times the product of the cells' probabilities.

    That is at most n!/nⁿ, whatever the law of one point: the product is largest where all are equal.
    """
    n = len(v)
    count = np.bincount(np.clip(v * n, 0, n - 1).astype(np.int64), minlength=n)
    chance = sampling.one_a_cell_chance(n) if count.max() == 1 else 1.0
    return _surprise(chance), f"{n} draws fall one each into {n} equal parts of the range"


def _surprise(chance: float) -> float:
    """log(1/p); of what rounds to 0, that of the smallest number: far beyond the threshold."""
    return -log(max(float(chance), np.finfo(np.float64).tiny))
