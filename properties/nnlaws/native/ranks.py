"""Batches of several axes, channels first or last, whose places are the samples of a matrix (m, n)."""

from typing import Any

RANKS = (2, 4, 3, 5)
"""Numbers of axes that a batch norm may take, in the order in which they are tried."""


def sizes(m: int, rank: int) -> tuple[int, ...]:
    """The lengths of all axes but that of the features, of a batch of that many axes with m places."""
    found: list[int] = []
    for _ in range(rank - 2):
        found.append(_smallest_divisor(m))
        m //= found[-1]
    return (m, *reversed(found))


def places(x: Any, rank: int, channels_last: bool = False) -> Any:
    """(m, n) as a batch of that many axes: where m has divisors enough, no axis but those that are left over is 1.
    x: an array of NumPy, or of a library that has its methods.
    """
    whole = x.reshape(*sizes(x.shape[0], rank), x.shape[1])
    return whole if channels_last else whole.transpose(0, rank - 1, *range(1, rank - 1))


def matrix(x: Any, channels_last: bool = False) -> Any:
    """The same as (m, n) again."""
    rank = x.ndim
    whole = x if channels_last else x.transpose(0, *range(2, rank), 1)
    return whole.reshape(-1, whole.shape[-1])


def _smallest_divisor(m: int) -> int:
    """The smallest divisor of m above 1; 1 where there is none."""
    return next((d for d in range(2, m + 1) if m % d == 0), 1)
