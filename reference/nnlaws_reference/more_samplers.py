"""Samplers beyond the notes: quantised and log-uniform whole numbers, choices with weights, and designs of points.

A seed is a whole number ≥ 0, and the same one gives the same draws (MS-6); or a numpy.random.Generator, which goes on
from where it is.
"""

from math import inf, isclose

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlaws_reference.sampling import Draws, Seed, sample_integer

NEAR = 1e-9  # how far from a whole number of steps high may be from low, by rounding

_POLYNOMIALS = (
    (1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)), (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)), (5, 2, (1, 1, 5, 5, 17)), (5, 4, (1, 1, 5, 5, 5)), (5, 7, (1, 1, 7, 11, 19)),
)  # fmt: skip
"""Of the axes from the second on: the degree and the inner coefficients of a primitive polynomial modulo 2, and first
direction numbers (Joe and Kuo 2008, "Constructing Sobol sequences with better two-dimensional projections")."""


def quantised_uniform(low: float, high: float, *, step: float, size: int, seed: Seed) -> Draws:
    """`size` draws (size,), float64, each of low, low + step, …, high as likely (MS-1).

    low < high, finite; high − low a whole number of steps, but for rounding. Raises ValueError for another box, step or
    size, or a seed below 0.
    """
    if not (-inf < low < high < inf and 0 < step <= (high - low) * (1 + NEAR)):
        raise ValueError(f"expected low < high, finite, and 0 < step ≤ high − low, got {low}, {high} and step = {step}")
    count = round((high - low) / step)
    if not isclose((high - low) / step, count, rel_tol=NEAR):
        raise ValueError(f"expected a whole number of steps from low to high, got {(high - low) / step} of {step}")
    index = sample_integer(0, count, size=size, seed=seed)
    return np.where(index == count, float(high), low + index * float(step))


def log_integers(low: int, high: int, *, size: int, seed: Seed) -> NDArray[np.int64]:
    """`size` draws (size,), int64, of k from low to high with the chance log((k + 1)/k) / log((high + 1)/low) (MS-2).

    0 < low ≤ high < 2⁵³, whole numbers. Raises ValueError for another box or size, or a seed below 0.
    """
    if not 0 < low <= high < 2**53 or int(low) != low or int(high) != high:
        raise ValueError(f"expected whole numbers 0 < low ≤ high < 2^53, got low = {low} and high = {high}")
    ends = np.log(float(low)), np.log(high + 1.0)
    x = np.exp(ends[0] + (ends[1] - ends[0]) * _units(size, seed))
    return np.floor(x).astype(np.int64).clip(int(low), int(high))


def weighted_choice(weights: ArrayLike, *, size: int, seed: Seed) -> NDArray[np.int64]:
    """`size` indices k (size,), int64, each with the chance w_k / Σ w (MS-3).

    weights: (n,), n ≥ 1, finite and ≥ 0, not all 0; they need not sum to 1. Raises ValueError for others, another size,
    or a seed below 0.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.ndim != 1 or not len(given) or not (np.isfinite(given) & (given >= 0)).all() or not given.any():
        raise ValueError(f"expected weights (n,) ≥ 0, finite and not all 0, got {given.tolist()}")
    ends = np.cumsum(given / given.max())
    # to the right of equal ends: what has no weight is never drawn, not even of u = 0
    index = np.searchsorted(ends / ends[-1], _units(size, seed), side="right")
    return np.minimum(index, np.flatnonzero(given)[-1]).astype(np.int64)


def latin_hypercube(*, size: int, axes: int, seed: Seed) -> Draws:
    """`size` points (size, axes) of the unit cube, float64, one in each of `size` equal parts of each axis (MS-9).

    Each axis has an order of its own, and a point is anywhere in its part (MS-10, MS-11). Raises ValueError for a size
    or number of axes below 0, or a seed below 0.
    """
    n, random = _counted(size, 0, "size"), np.random.default_rng(seed)
    order = np.stack([random.permutation(n) for _ in range(_counted(axes, 1, "axes"))], axis=1)
    return _anywhere(order, random) / max(n, 1)


def sobol(*, size: int, axes: int, seed: Seed) -> Draws:
    """`size` points (size, axes) of the unit cube, float64: the first of Sobol's sequence, scrambled (MS-12 to MS-14).

    size: a power of 2; axes: 1 to 10. On each axis, halves are swapped or not at random, then halves of the halves, and
    so on (Owen 1995), and a point is anywhere in the part that it ends in. Raises ValueError for others.
    """
    n, random = _counted(size, 1, "size"), np.random.default_rng(seed)
    bits = n.bit_length() - 1
    if n != 1 << bits:
        raise ValueError(f"expected size to be a power of 2, for which Sobol points are balanced, got {size}")
    if not 1 <= axes <= len(_POLYNOMIALS) + 1:
        raise ValueError(f"expected 1 to {len(_POLYNOMIALS) + 1} axes, got {axes}")
    places = np.stack([_scrambled(sobol_sequence(axis, bits), bits, random) for axis in range(int(axes))], axis=1)
    return _anywhere(places, random) / n


def sobol_sequence(axis: int, bits: int) -> NDArray[np.int64]:
    """Of Sobol's first 2^bits numbers on an axis, in which of as many equal parts each lies."""
    index, places = np.arange(1 << bits), np.zeros(1 << bits, dtype=np.int64)
    for bit, direction in enumerate(_directions(axis, bits)):
        places ^= np.where(index >> bit & 1, direction, 0)
    return places


def _directions(axis: int, bits: int) -> list[int]:
    """m_i · 2^(bits − i), i = 1 … bits: the direction numbers by the recurrence of the axis's polynomial."""
    if axis == 0:
        return [1 << (bits - i) for i in range(1, bits + 1)]
    degree, inner, first = _POLYNOMIALS[axis - 1]
    odd = [*first]
    for i in range(degree, bits):
        new = odd[i - degree] ^ (odd[i - degree] << degree)
        for k in range(1, degree):
            if inner >> (degree - 1 - k) & 1:
                new ^= odd[i - k] << k
        odd.append(new)
    return [odd[i - 1] << (bits - i) for i in range(1, bits + 1)]


def _scrambled(places: NDArray[np.int64], bits: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Each binary digit flipped or not, by chances of its own for each row of digits before it."""
    found = np.zeros_like(places)
    for level in range(bits):
        flips = random.integers(0, 2, 1 << level)
        digit = places >> (bits - 1 - level) & 1
        found = found << 1 | (digit ^ flips[places >> (bits - level)])
    return found


def _anywhere(places: NDArray[np.int64], random: np.random.Generator) -> Draws:
    """Each number of a part plus a place within it, in [0, 1), which rounding does not carry into the next."""
    return np.minimum(places + random.random(places.shape), np.nextafter(places + 1.0, 0.0))


def _units(size: int, seed: Seed) -> Draws:
    return np.random.default_rng(seed).random(_counted(size, 0, "size"))


def _counted(number: int, least: int, name: str) -> int:
    if number < least or int(number) != number:
        raise ValueError(f"expected {name} to be a whole number ≥ {least}, got {number}")
    return int(number)
