"""Seeds that are each other's where something is lost of them, and what is the same in two processes."""

from typing import Any

import numpy as np

WORD = 2**31
"""What a word of 32 bits with a sign does not hold: a seed, or a whole number, that is as large may be refused."""

SEEDS = (
    *(0, 1, 2, 3, 42, 123, 1000, 1234),  # none, neighbours, and what is taken where none is given
    *(2**8, 2**8 + 1, 2**16, 2**16 + 1, 2**20, 2**20 + 1, 2**24, 2**24 + 1, 2**30, 2**30 + 1, 10**6, WORD - 1),
    *(WORD, WORD + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**40, 2**53, 2**53 + 1, 2**61 - 1, 2**64),
)
"""Some of them are one where seeds are cut to 8, 16, 24, 31, 32 or 64 bits, folded, hashed as Python's numbers are,
rounded to float32 or float64, reduced by a power of ten, or where 0 counts for none."""

SCATTERED = tuple((number * 2654435761 + 12345) % WORD for number in range(1, 201))
"""Others, so many that some are one where seeds are divided by a number of a few thousand."""


def objective(point: Any) -> float:
    """What a search may be given to call in any process: how far the point is from 0, and no more."""
    return float(np.abs(np.asarray(point, dtype=np.float64)).sum())


def train(model: Any, point: Any) -> tuple[Any, float]:
    """The same for what trains a model: it is the number of calls."""
    return (model or 0) + 1, objective(point)
