"""Ways to add up the classes of a row, and to get its maximum and its sum block by block, at any size."""

import math
from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array

LOG2_E = math.log2(math.e)

Pair = tuple[Array, Array]
"""Of each row, or of each block of it, the maximum and the sum of the exponentials less that."""

# --- sums along each row, (m, C) to (m, 1) ---


def in_turn(terms: Array) -> Array:
    """From the first to the last, as a plain loop."""
    return np.add.accumulate(terms, axis=1)[:, -1:]


def in_blocks(terms: Array, size: int = 1024) -> Array:
    """Each block in turn, and then the blocks."""
    return in_turn(np.add.accumulate(cut(terms, size, 0), axis=2)[:, :, -1])


def in_a_tree(terms: Array) -> Array:
    """Neighbours, and the sums of neighbours, until there is one."""
    while terms.shape[1] > 1:
        even = terms.shape[1] // 2 * 2
        terms = np.concatenate([terms[:, 0:even:2] + terms[:, 1:even:2], terms[:, even:]], axis=1)
    return terms


def in_lanes(terms: Array, width: int = 16) -> Array:
    """Side by side in lanes, the lanes in a tree, and what fills no lanes one by one."""
    full = terms.shape[1] // width * width
    total = in_a_tree(np.add.accumulate(cut(terms[:, :full], width, 0), axis=1)[:, -1]) if full else 0
    for k in range(full, terms.shape[1]):
        total = total + terms[:, k : k + 1]
    return np.asarray(total)


def compensated(terms: Array, width: int = 64) -> Array:
    """By Kahan's algorithm in lanes, and by it the lanes with what they lost."""
    total, lost = kahan(np.moveaxis(cut(terms, width, 0), 1, 0))
    total, _ = kahan(np.concatenate([total, -lost], axis=1).T)
    return total[:, None]


def kahan(terms: Array) -> Pair:
    """Along the first axis: the sum, and what it has too much."""
    total, lost = np.zeros_like(terms[0]), np.zeros_like(terms[0])
    for exact in terms:
        term = exact - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total, lost


def in_any_order(terms: Array) -> Array:
    """One after another, as atomic additions arrive."""
    return in_turn(terms[:, np.random.default_rng(0).permutation(terms.shape[1])])


def wide(terms: Array) -> Array:
    """In the next wider type, rounded once."""
    wider = np.float64 if terms.dtype == np.float32 else np.longdouble
    return np.add.accumulate(terms, axis=1, dtype=wider)[:, -1:].astype(terms.dtype)


def cut(x: Array, size: int, filling: float) -> Array:
    """(m, C) as (m, blocks, size), the last block filled up; a row that is shorter is one block."""
    rows, classes = x.shape
    size = min(size, classes)
    blocks = -(-classes // size)
    rest = np.full((rows, blocks * size - classes), filling, x.dtype)
    return np.concatenate([x, rest], axis=1).reshape(rows, blocks, size)


def row_by_row(tiles: Array, z: Array) -> Array:
    """(m, blocks, size) as z has them."""
    rows, blocks, size = tiles.shape
    return tiles.reshape(rows, blocks * size)[:, : z.shape[1]]


# --- maximum and sum of each row, from those of its blocks ---


def settle(top: Array) -> Array:
    """0 in place of −∞, which is not subtracted."""
    return np.where(np.isneginf(top), np.zeros_like(top), top)


def each(z: Array, size: int) -> Pair:
    """Of each block, (m, blocks)."""
    tiles = cut(z, size, -np.inf)
    top = tiles.max(axis=2)
    return top, np.exp(tiles - settle(top)[:, :, None]).sum(axis=2)


def at_once(top: Array, total: Array) -> Pair:
    """The row's maximum from the blocks', each of whose sums is rescaled once."""
    highest = top.max(axis=1, keepdims=True)
    return highest, (total * np.exp(top - settle(highest))).sum(axis=1, keepdims=True)


def merged(top: Array, total: Array) -> Pair:
    """Neighbouring blocks, and what they are merged to, until there is one."""
    while top.shape[1] > 1:
        even = top.shape[1] // 2 * 2
        a, b = (slice(first, even, 2) for first in (0, 1))
        higher = np.maximum(top[:, a], top[:, b])
        settled = settle(higher)
        both = total[:, a] * np.exp(top[:, a] - settled) + total[:, b] * np.exp(top[:, b] - settled)
        top, total = (np.concatenate(each, axis=1) for each in ((higher, top[:, even:]), (both, total[:, even:])))
    return top, total


def online(z: Array, size: int, exponential: Callable[[Array], Array] = np.exp) -> Pair:
    """One block after another: what was summed is rescaled wherever the maximum has grown."""
    tiles = cut(z, size, -np.inf)
    tops = np.maximum.accumulate(tiles.max(axis=2), axis=1)
    settled = settle(tops)
    before = np.concatenate([np.full_like(tops[:, :1], -np.inf), tops[:, :-1]], axis=1)
    scales, sums = exponential(before - settled), exponential(tiles - settled[:, :, None]).sum(axis=2)
    total = np.zeros_like(tops[:, 0])
    for scale, block in zip(scales.T, sums.T, strict=True):
        total = total * scale + block
    return tops[:, -1:], total[:, None]


def lazily(z: Array, size: int, patience: float) -> Pair:
    """The same, rescaled only where the maximum has grown by more than `patience`: what is subtracted may be less."""
    tiles = cut(z, size, -np.inf)
    highest = tiles.max(axis=2).T
    kept, total = highest[0], np.zeros_like(highest[0])
    for k, new in enumerate(highest):
        before, kept = kept, np.where((new > kept + patience) | np.isnan(new), new, kept)
        settled = settle(kept)
        total = total * np.exp(before - settled) + np.exp(tiles[:, k] - settled[:, None]).sum(axis=1)
    return kept[:, None], total[:, None]


def split(z: Array, parts: int) -> Pair:
    """Maximum and sum of each of so many parts, the last of them shorter, merged at once."""
    return at_once(*each(z, -(-z.shape[1] // parts)))


def power_of_two(x: Array) -> Array:
    """e^x, for x = 0 exactly 1."""
    return np.exp2(x * x.dtype.type(LOG2_E))


def shift(z: Array) -> Array:
    return z - z.max(axis=1, keepdims=True)


# --- softmax ---
