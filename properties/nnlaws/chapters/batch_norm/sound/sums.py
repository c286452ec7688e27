"""Ways to add up the samples of a feature, and to get their statistics, at any size."""

from collections.abc import Callable
from functools import reduce

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.chapters.batch_norm.sound.statistics import Pair, Part, Triple, count, merged

Sum = Callable[[Array], Array]

# --- sums of samples, (m, ...) to (...) ---


def in_turn(terms: Array) -> Array:
    """From the first to the last, as a plain loop."""
    total: Array = np.add.accumulate(terms, axis=0)[-1]
    return total


def in_blocks(terms: Array, size: int = 1024) -> Array:
    """Each block in turn, and then the blocks."""
    return in_turn(np.stack([in_turn(terms[at : at + size]) for at in range(0, len(terms), size)]))


def in_a_tree(terms: Array) -> Array:
    """Neighbours, and the sums of neighbours, until there is one."""
    while len(terms) > 1:
        even = len(terms) // 2 * 2
        terms = np.concatenate([terms[0:even:2] + terms[1:even:2], terms[even:]])
    total: Array = terms[0]
    return total


def in_lanes(terms: Array, width: int = 16) -> Array:
    """Side by side in lanes, the lanes in a tree, and what fills no lanes one by one."""
    full = len(terms) // width * width
    lanes = terms[:full].reshape(full // width, width, *terms.shape[1:])
    total = in_a_tree(in_turn(lanes)) if full else np.zeros_like(terms[0])
    for term in terms[full:]:
        total = total + term
    return total


def compensated(terms: Array, width: int = 64) -> Array:
    """By Kahan's algorithm in lanes, and by it the lanes with what they lost."""
    width = min(width, len(terms))
    rest = np.zeros((-len(terms) % width, *terms.shape[1:]), terms.dtype)
    filled = np.concatenate([terms, rest])
    total, lost = kahan(filled.reshape(len(filled) // width, width, *terms.shape[1:]))
    return kahan(np.concatenate([total, -lost]))[0]


def kahan(terms: Array) -> Pair:
    """The sum, and what it has too much."""
    total, lost = np.zeros_like(terms[0]), np.zeros_like(terms[0])
    for exact in terms:
        term = exact - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total, lost


def in_any_order(terms: Array) -> Array:
    """One after another, as atomic additions arrive."""
    return in_turn(terms[np.random.default_rng(0).permutation(len(terms))])


def wide(terms: Array) -> Array:
    """In the next wider type, rounded once."""
    wider = np.float64 if terms.dtype == np.float32 else np.longdouble
    total: Array = np.add.accumulate(terms, axis=0, dtype=wider)[-1].astype(terms.dtype)
    return total


# --- statistics ---


def two_passes(z: Array, sums: Sum) -> Pair:
    m = count(z)
    mean = sums(z) / m
    return mean, sums((z - mean) ** 2) / m


def corrected(z: Array, sums: Sum) -> Pair:
    """Less the square of the mean deviation, which would be 0 if the mean were not rounded."""
    m = count(z)
    mean = sums(z) / m
    apart = sums(z - mean)
    return mean, np.maximum(sums((z - mean) ** 2) - apart * apart / m, 0) / m


def weighted_first(z: Array, sums: Sum) -> Pair:
    """Each sample, and each square, times 1/m before it is added."""
    share = 1 / count(z)
    mean = sums(z * share)
    return mean, sums((z - mean) ** 2 * share)


def one_pass(z: Array, sums: Sum) -> Pair:
    """E[z²] − μ², clamped at 0."""
    m = count(z)
    mean = sums(z) / m
    return mean, np.maximum(sums(z * z) / m - mean * mean, 0)


def from_first(z: Array, statistics: Callable[[Array], Pair]) -> Pair:
    """Those of z less its first sample, put back."""
    count(z)
    mean, var = statistics(z - z[0])
    return z[0] + mean, var


def updated(z: Array) -> Part:
    """Sample by sample along the first axis (Welford 1962), the means before the squares that they make."""
    means, mean = np.empty_like(z), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        mean = mean + (sample - mean) * (1 / k)
        means[k - 1] = mean
    before = np.concatenate([np.zeros_like(means[:1]), means[:-1]])
    return len(z), mean, in_turn((z - before) * (z - means))


def updated_in_lanes(z: Array, width: int) -> Pair:
    """Lane i takes samples i, i + width, ...; the lanes are merged in a tree."""
    width = min(width, count(z))
    steps, rest = divmod(len(z), width)
    k, means, squares = updated(z[: steps * width].reshape(steps, width, z.shape[1]))
    lanes: list[Part] = [(k, *lane) for lane in zip(means, squares, strict=True)]
    for lane, sample in enumerate(z[len(z) - rest :]):
        lanes[lane] = taken_in(lanes[lane], (1, sample, np.zeros_like(sample)))
    return merged(lanes)


def taken_in(a: Part, b: Part) -> Part:
    """b by a (Chan, Golub and LeVeque 1983)."""
    m, apart = a[0] + b[0], b[1] - a[1]
    return m, a[1] + apart * (b[0] / m), a[2] + b[2] + apart * apart * (a[0] * b[0] / m)


def parts_of(z: Array, size: int) -> list[Part]:
    """Of blocks, each in two passes; the last is shorter."""
    count(z)
    blocks = [z[at : at + size] for at in range(0, len(z), size)]
    means = [in_turn(block) / len(block) for block in blocks]
    return [(len(block), mean, in_turn((block - mean) ** 2)) for block, mean in zip(blocks, means, strict=True)]


def merged_in_turn(parts: list[Part]) -> Pair:
    """Each part taken in by all before it."""
    m, mean, squares = reduce(taken_in, parts)
    return mean, squares / m


def shared(parts: list[Part]) -> Pair:
    """Σ w M over parts of share w; and Σ w (σ² + (M − μ)²)."""
    m = sum(part[0] for part in parts)
    mean = in_turn(np.stack([other * (more / m) for more, other, _ in parts]))
    return mean, in_turn(np.stack([(s / k + (other - mean) ** 2) * (k / m) for k, other, s in parts]))


def totals(z: Array) -> Pair:
    """S += (k z − T)²/(k (k − 1)), T the total of the first k (Youngs and Cramer 1971), k in the working type."""
    m = count(z)
    k, totals = np.arange(2, m + 1, dtype=z.dtype)[:, None], np.add.accumulate(z, axis=0)
    terms = (k * z[1:] - totals[1:]) ** 2 / (k * (k - 1))
    return totals[-1] / m, in_turn(np.concatenate([np.zeros_like(z[:1]), terms])) / m


# --- training ---


def normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Triple:
    mean, var = statistics
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta, mean, var
