"""Ranks among the draws so far, which do not depend on how one draw is distributed."""

import numpy as np
from numpy.typing import NDArray

from nnlaws.chance.martingale import Integers, draws
from nnlaws.rounding.formats import Floats


def sequential_ranks(x: Floats, random: np.random.Generator) -> Floats:
    """Smoothed conformal p-values p (n,) of draws x (n,): p_t = (#{i ≤ t: x_i < x_t} + U_t · #{i ≤ t: x_i = x_t})/t.

    They are independent and uniform on [0, 1] exactly, whatever the law of x, if only every order of the draws is as
    likely as every other; U_t are uniform and drawn from `random`. ValueError: see `draws`.
    Source: Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", proposition 2.8.
    """
    (x,) = draws(x)
    order = np.argsort(x, kind="stable")
    ordered = x[order]
    index = np.arange(len(x))
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    equal = np.empty(len(x), dtype=np.int64)  # of the earlier draws: a stable order keeps equal draws in time's
    equal[order] = index - np.maximum.accumulate(np.where(fresh, index, 0))
    less = _earlier_and_before(order) - equal
    return (less + random.random(len(x)) * (equal + 1)) / (index + 1)


def _earlier_and_before(order: Integers) -> Integers:
    """For each draw, by time: how many earlier ones stand before it in `order`, a permutation of times.

    By halving time: two draws whose times first differ in some bit are counted once, at that bit. Within a block of
    times, still in the order of values, each draw of the later half counts those of the earlier half before it; then
    the halves are blocks of their own. O(n log n), all blocks of a level at once.
    """
    n = len(order)
    half = 1 << max(n - 1, 1).bit_length()
    times = np.concatenate([order, np.arange(n, half)]).astype(np.int32)  # times after all others, behind all others
    counts = np.zeros(half, dtype=np.int32)
    while half > 1:
        half //= 2
        later = (times & half).astype(bool)
        before = np.cumsum(~later.reshape(-1, 2 * half), axis=1, dtype=np.int32).ravel()
        counts += np.where(later, before, 0)
        times, counts = _halved(times, later, half), _halved(counts, later, half)
    return counts[:n].astype(np.int64)


def _halved(values: NDArray[np.int32], later: NDArray[np.bool_], half: int) -> NDArray[np.int32]:
    """In each block, the values of the earlier half of times first: there are as many of both."""
    parts = [values[~later].reshape(-1, half), values[later].reshape(-1, half)]
    return np.stack(parts, axis=1).ravel()
