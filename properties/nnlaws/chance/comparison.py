"""Whether two rows of draws may be of one kind: what is compared where the same mistake draws other numbers."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.rounding.formats import Floats

LIKELY = 1e-3  # the probability of a difference as large by chance, below which two rows are not of one kind


def numbers_alike(got: Array, another: Array) -> bool:
    """Whether both are numbers, and as many."""
    return got.shape == another.shape and {got.dtype.kind, another.dtype.kind} <= set("iuf")


def positions_alike(one: Floats, other: Floats) -> bool:
    """Whether two rows of positions on a scale may be of one kind: where they lie, how neighbours differ, how many
    differ, and how far each is from the next larger one."""
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        return False
    rows = [np.nan_to_num(x) for x in (one, other)]
    steps = [np.diff(row) for row in rows]
    gaps = [np.diff(np.sort(row)) for row in rows]
    differing = [len(np.unique(row)) for row in rows]
    if abs(differing[0] - differing[1]) > 10 + 0.05 * max(differing):
        return False
    return all(_same_distribution(*pair) for pair in (rows, steps, gaps))


def _same_distribution(a: Floats, b: Floats) -> bool:
    from scipy.stats import ks_2samp  # half a second that only violations need

    found: Any = ks_2samp(a, b)
    return bool(found.pvalue > LIKELY)
