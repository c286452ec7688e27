"""Laws of distribution: the formulas of chapters/sampling.md.

A draw is a function of u, uniform on [0, 1); the log-uniform ones are the maps of formulas/scales.py. The others are
chances: what a law of distribution has in place of a value. Arrays of any shape, or single numbers.
"""

from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers, floor

Bounds: TypeAlias = Literal["closed", "half_open"]


def uniform(u: Numbers, low: float, high: float) -> Numbers:
    """SA-1: x = low + (high − low) u."""
    return low + ((high + 0 * u) - low) * u


def uniform_share(a: Numbers, b: Numbers, low: float, high: float) -> Numbers:
    """SA-1: P(a ≤ x ≤ b) = (b − a) / (high − low) for low ≤ a ≤ b ≤ high."""
    return (b - a) / ((high + 0 * a) - low)


def integer(u: Numbers, low: int, high: int, bounds: Bounds = "closed") -> Numbers:
    """SA-4: x = low + ⌊u (high − low + 1)⌋. half_open: low + ⌊u (high − low)⌋. u < 1."""
    return low + floor(u * _count(low, high, bounds))


def integer_share(k: Numbers, low: int, high: int, bounds: Bounds = "closed") -> Numbers:
    """SA-4: P(x = k) = 1 / (high − low + 1) for whole k from low to high, and 0 otherwise.

    half_open: 1 / (high − low) for whole k from low to high − 1.
    """
    count = _count(low, high, bounds)
    possible = (k >= low) & (k < low + count) & (floor(k) == k)
    return np.where(possible, (1 + 0 * k) / count, 0 * k)


def together(shares: Numbers) -> Numbers:
    """SA-6: P(x_1 ∈ A_1, …, x_n ∈ A_n) = Π_t P(x_t ∈ A_t), of the shares along the last axis."""
    return np.multiply.reduce(shares, axis=-1)


def equal_pairs(size: int, shares: Numbers) -> Numbers:
    """SA-7: the expected number of pairs of equal draws, n(n−1)/2 · Σ_k P(x = k)², along the last axis."""
    return (shares * shares).sum(axis=-1) * (size * (size - 1) // 2)


def smallest_gap_chance(size: int, gap: Numbers) -> Numbers:
    """SA-8: P(of n uniform draws on [0, 1] no two are nearer than d) = (1 − (n−1) d)ⁿ, and 0 from d = 1/(n−1) on."""
    rest = 1 - (size - 1) * gap
    return np.where(rest > 0, rest, 0 * rest) ** size


def one_a_cell_chance(size: int) -> float:
    """SA-8: P(n uniform draws lie one in each of n equal parts) = n!/nⁿ."""
    return float(np.prod(np.arange(1, size + 1) / size))


def _count(low: int, high: int, bounds: Bounds) -> int:
    return high - low + (1 if bounds == "closed" else 0)
