"""An exact test of positions that are others, moved by one distance: a stream that is turned, and not drawn anew."""

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from nnlaws.chance.martingale import GRAIN, draws
from nnlaws.rounding.formats import Floats

MOST = 256  # positions of each that are compared, any of them: a few would do
WIDTH = 2.0**-20  # how far distances may be apart, by rounding, and yet be one


def turned(one: Floats, other: Floats, *, grain: float = GRAIN) -> float:
    """log(1/p) of positions `other` (m,) on [0, 1] lying so often at one distance from positions `one` (n,), round the
    ends, in whatever order they are; or of positions lying so among themselves, where both are the same array.

    Distances are sorted into cells of a width w; k is the most positions of `other` that have one in the same cell. Of
    those, one pair says which cell: there are n m such pairs. Each further position of `other` then lies within w of n
    places, with probability q ≤ n (2 w + grain), whatever the positions before it are. So p ≤ n m P(k − 1 or more of
    m − 1), and twice that, since a second set of cells is tried, half a width further on. Of one array, a position is
    only compared with those before it. ValueError: see `draws`.
    """
    itself = one is other
    one, other = (each[:MOST] for each in draws(one, other)) if not itself else (draws(one)[0][:MOST],) * 2
    n, m = len(one), len(other)
    width = max(WIDTH, grain)
    apart = np.mod(other[None, :] - one[:, None], 1.0)
    pairs = np.tril(np.ones((n, m), dtype=bool), -1).T if itself else np.ones((n, m), dtype=bool)
    places = np.broadcast_to(np.arange(m), (n, m))[pairs]
    most = max(_most(np.mod(apart[pairs] + shift, 1.0) // width, places) for shift in (0.0, width / 2))
    if most < 2:
        return 0.0
    surprise = so_many(most - 1, m - 1, n * (2 * width + grain))
    return max(surprise - log(2 * n * m), 0.0)


def so_many(count: int, n: int, likely: float) -> float:
    """log(1/p), or less, of an event that is at most so likely happening in `count` or more of n independent trials.

    p ≤ C(n, count) likely^count: the sum over all choices of so many trials, that it happens in each of them.
    """
    if count == 0 or likely >= 1:
        return 0.0
    choices = lgamma(n + 1) - lgamma(count + 1) - lgamma(n - count + 1)
    return max(-count * log(likely) - choices, 0.0)


def _most(cells: Floats, places: NDArray[np.int64]) -> int:
    """The most different places that one cell has."""
    if not len(cells):
        return 0
    of_cell = int(places.max()) + 1
    seen = np.unique(cells.astype(np.int64) * of_cell + places) // of_cell
    return int(np.unique(seen, return_counts=True)[1].max())
