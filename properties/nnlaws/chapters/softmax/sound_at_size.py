"""Right ways to sum many classes and rows: in turn, in blocks, lanes and trees, online, split, compensated, wide."""

import math
from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound

LOG2_E = math.log2(math.e)

Pair = tuple[Array, Array]
"""Of each row, or of each block of it, the maximum and the sum of the exponentials less that."""

# --- sums along each row, (m, C) to (m, 1) ---


def _in_turn(terms: Array) -> Array:
    """From the first to the last, as a plain loop."""
    return np.add.accumulate(terms, axis=1)[:, -1:]


def _in_blocks(terms: Array, size: int = 1024) -> Array:
    """Each block in turn, and then the blocks."""
    return _in_turn(np.add.accumulate(_tiles(terms, size, 0), axis=2)[:, :, -1])


def _in_a_tree(terms: Array) -> Array:
    """Neighbours, and the sums of neighbours, until there is one."""
    while terms.shape[1] > 1:
        even = terms.shape[1] // 2 * 2
        terms = np.concatenate([terms[:, 0:even:2] + terms[:, 1:even:2], terms[:, even:]], axis=1)
    return terms


def _in_lanes(terms: Array, width: int = 16) -> Array:
    """Side by side in lanes, the lanes in a tree, and what fills no lanes one by one."""
    full = terms.shape[1] // width * width
    total = _in_a_tree(np.add.accumulate(_tiles(terms[:, :full], width, 0), axis=1)[:, -1]) if full else 0
    for k in range(full, terms.shape[1]):
        total = total + terms[:, k : k + 1]
    return np.asarray(total)


def _compensated(terms: Array, width: int = 64) -> Array:
    """By Kahan's algorithm in lanes, and by it the lanes with what they lost."""
    total, lost = _kahan(np.moveaxis(_tiles(terms, width, 0), 1, 0))
    total, _ = _kahan(np.concatenate([total, -lost], axis=1).T)
    return total[:, None]


def _kahan(terms: Array) -> Pair:
    """Along the first axis: the sum, and what it has too much."""
    total, lost = np.zeros_like(terms[0]), np.zeros_like(terms[0])
    for exact in terms:
        term = exact - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total, lost


def _in_any_order(terms: Array) -> Array:
    """One after another, as atomic additions arrive."""
    return _in_turn(terms[:, np.random.default_rng(0).permutation(terms.shape[1])])


def _wide(terms: Array) -> Array:
    """In the next wider type, rounded once."""
    wider = np.float64 if terms.dtype == np.float32 else np.longdouble
    return np.add.accumulate(terms, axis=1, dtype=wider)[:, -1:].astype(terms.dtype)


def _tiles(x: Array, size: int, filling: float) -> Array:
    """(m, C) as (m, blocks, size), the last block filled up; a row that is shorter is one block."""
    rows, classes = x.shape
    size = min(size, classes)
    blocks = -(-classes // size)
    rest = np.full((rows, blocks * size - classes), filling, x.dtype)
    return np.concatenate([x, rest], axis=1).reshape(rows, blocks, size)


def _row_by_row(tiles: Array, z: Array) -> Array:
    """(m, blocks, size) as z has them."""
    rows, blocks, size = tiles.shape
    return tiles.reshape(rows, blocks * size)[:, : z.shape[1]]


# --- maximum and sum of each row, from those of its blocks ---


def _settled(top: Array) -> Array:
    """0 in place of −∞, which is not subtracted."""
    return np.where(np.isneginf(top), np.zeros_like(top), top)


def _each(z: Array, size: int) -> Pair:
    """Of each block, (m, blocks)."""
    tiles = _tiles(z, size, -np.inf)
    top = tiles.max(axis=2)
    return top, np.exp(tiles - _settled(top)[:, :, None]).sum(axis=2)


def _at_once(top: Array, total: Array) -> Pair:
    """The row's maximum from the blocks', each of whose sums is rescaled once."""
    highest = top.max(axis=1, keepdims=True)
    return highest, (total * np.exp(top - _settled(highest))).sum(axis=1, keepdims=True)


def _merged(top: Array, total: Array) -> Pair:
    """Neighbouring blocks, and what they are merged to, until there is one."""
    while top.shape[1] > 1:
        even = top.shape[1] // 2 * 2
        a, b = (slice(first, even, 2) for first in (0, 1))
        higher = np.maximum(top[:, a], top[:, b])
        settled = _settled(higher)
        both = total[:, a] * np.exp(top[:, a] - settled) + total[:, b] * np.exp(top[:, b] - settled)
        top, total = (np.concatenate(each, axis=1) for each in ((higher, top[:, even:]), (both, total[:, even:])))
    return top, total


def _online(z: Array, size: int, exponential: Callable[[Array], Array] = np.exp) -> Pair:
    """One block after another: what was summed is rescaled wherever the maximum has grown."""
    tiles = _tiles(z, size, -np.inf)
    tops = np.maximum.accumulate(tiles.max(axis=2), axis=1)
    settled = _settled(tops)
    before = np.concatenate([np.full_like(tops[:, :1], -np.inf), tops[:, :-1]], axis=1)
    scales, sums = exponential(before - settled), exponential(tiles - settled[:, :, None]).sum(axis=2)
    total = np.zeros_like(tops[:, 0])
    for scale, block in zip(scales.T, sums.T, strict=True):
        total = total * scale + block
    return tops[:, -1:], total[:, None]


def _lazily(z: Array, size: int, patience: float) -> Pair:
    """The same, rescaled only where the maximum has grown by more than `patience`: what is subtracted may be less."""
    tiles = _tiles(z, size, -np.inf)
    highest = tiles.max(axis=2).T
    kept, total = highest[0], np.zeros_like(highest[0])
    for k, new in enumerate(highest):
        before, kept = kept, np.where((new > kept + patience) | np.isnan(new), new, kept)
        settled = _settled(kept)
        total = total * np.exp(before - settled) + np.exp(tiles[:, k] - settled[:, None]).sum(axis=1)
    return kept[:, None], total[:, None]


def _split(z: Array, parts: int) -> Pair:
    """Maximum and sum of each of so many parts, the last of them shorter, merged at once."""
    return _at_once(*_each(z, -(-z.shape[1] // parts)))


def _power_of_two(x: Array) -> Array:
    """e^x, for x = 0 exactly 1."""
    return np.exp2(x * x.dtype.type(LOG2_E))


def _shifted(z: Array) -> Array:
    return z - z.max(axis=1, keepdims=True)


# --- softmax ---


@sound("softmax")
@stored
def summed_in_turn(z: Array) -> Array:
    """One class after another, as a plain C loop."""
    e = np.exp(_shifted(z))
    return e / _in_turn(e)


@sound("softmax")
@stored
def summed_in_blocks(z: Array) -> Array:
    """Blocks of 1024 classes in turn, and then the blocks, as threads that take a stretch each."""
    e = np.exp(_shifted(z))
    return e / _in_blocks(e)


@sound("softmax")
@stored
def summed_in_a_tree(z: Array) -> Array:
    """Neighbouring classes, and so on, as the shuffles of a GPU's warps."""
    e = np.exp(_shifted(z))
    return e / _in_a_tree(e)


@sound("softmax")
@stored
def summed_by_kahan(z: Array) -> Array:
    """Kahan's algorithm, as DuckDB's fsum has it, in 64 lanes."""
    e = np.exp(_shifted(z))
    return e / _compensated(e)


@sound("softmax")
@stored
def summed_wide(z: Array) -> Array:
    """Exponentials in the working type, their sum in a wider one, as PyTorch's acc_type on a processor."""
    e = np.exp(_shifted(z))
    return e / _wide(e)


@sound("softmax")
@stored
def summed_exactly(z: Array) -> Array:
    """Σ without an error, rounded at the end, as Python's math.fsum."""
    e = np.exp(_shifted(z))
    return e / np.array([math.fsum(row) for row in e.tolist()], z.dtype).reshape(len(z), 1)


@sound("softmax")
@stored
def summed_in_any_order(z: Array) -> Array:
    """Classes in an order of chance, as atomic additions arrive."""
    e = np.exp(_shifted(z))
    return e / _in_any_order(e)


@sound("softmax")
@stored
def reciprocal_of_lanes(z: Array) -> Array:
    """16 accumulators and a scalar tail, and times 1/Σ, as XNNPACK's kernels for AVX-512."""
    e = np.exp(_shifted(z))
    return e * (1 / _in_lanes(e))


@sound("softmax")
@stored
def division_free_in_turn(z: Array) -> Array:
    """exp(z − max − log Σ), Σ one class after another: log-softmax first, as a fused loss has it."""
    shifted = _shifted(z)
    return np.exp(shifted - np.log(_in_turn(np.exp(shifted))))


@sound("softmax")
@stored
def online_in_blocks_of_128(z: Array) -> Array:
    """Block after block with rescaling, as FlashAttention's tiles of keys."""
    top, total = _online(z, 128)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def online_in_blocks_of_7(z: Array) -> Array:
    """The same in blocks of no kernel's size, so that it is rescaled often and its tail is short."""
    top, total = _online(z, 7)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def online_by_powers_of_two(z: Array) -> Array:
    """Blocks of 64 by 2^{x log₂ e}, the rescaling too, as Triton's tl.exp on hardware that has exp2."""
    top, total = _online(z, 64, _power_of_two)
    return _power_of_two(z - top) / total


@sound("softmax")
@stored
def lazily_rescaled(z: Array) -> Array:
    """Blocks of 16, rescaled where the maximum has grown by more than 8 ln 2, as FlashAttention-4 does."""
    top, total = _lazily(z, 16, 8 * math.log(2))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def split_in_eight(z: Array) -> Array:
    """8 parts with a maximum and a sum each, rescaled to the largest and added, as Flash-Decoding."""
    top, total = _split(z, 8)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def blocks_merged_in_a_tree(z: Array) -> Array:
    """Blocks of 256, merged two by two with rescaling, as by CUB's BlockReduce (Milakov and Gimelshein 2018)."""
    top, total = _merged(*_each(z, 256))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def blocks_maxima_first(z: Array) -> Array:
    """The maximum of the maxima of blocks of 512, then their sums, as CUTLASS's product with softmax."""
    top = _tiles(z, 512, -np.inf).max(axis=2).max(axis=1, keepdims=True)
    total = _in_turn(np.exp(_tiles(z, 512, -np.inf) - top[:, :, None]).sum(axis=2))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def rescaled_when_done(z: Array) -> Array:
    """Blocks of 32 less their own maximum, and at the end times e^{own − row's}/Σ, as FlashAttention's outputs."""
    tiles = _tiles(z, 32, -np.inf)
    own = tiles.max(axis=2)
    e = np.exp(tiles - _settled(own)[:, :, None])
    scale = np.exp(own - own.max(axis=1, keepdims=True))
    total = (e.sum(axis=2) * scale).sum(axis=1, keepdims=True)
    return _row_by_row(e * (scale / total)[:, :, None], z)


@sound("softmax")
@stored
def normalised_in_parts(z: Array) -> Array:
    """Softmax of each of 8 parts by itself, and then times its share of Σ, as Flash-Decoding puts splits together."""
    tiles = _tiles(z, -(-z.shape[1] // 8), -np.inf)
    top, total = _each(z, tiles.shape[2])
    shares = total * np.exp(top - top.max(axis=1, keepdims=True))
    shares = shares / shares.sum(axis=1, keepdims=True)
    own = np.exp(tiles - _settled(top)[:, :, None]) / np.where(total == 0, np.ones_like(total), total)[:, :, None]
    return _row_by_row(own * shares[:, :, None], z)


@sound("softmax")
@stored
def normalised_at_every_block(z: Array) -> Array:
    """Block of 512 after block: what is put out is times old Σ over new Σ each time, as the first FlashAttention."""
    tiles = _tiles(z, 512, -np.inf)
    found, top, total = np.zeros_like(tiles), np.full_like(z[:, 0], -np.inf), np.zeros_like(z[:, 0])
    for k in range(tiles.shape[1]):
        before, top = top, np.maximum(top, tiles[:, k].max(axis=1))
        e = np.exp(tiles[:, k] - _settled(top)[:, None])
        old = total * np.exp(before - _settled(top))
        total = old + e.sum(axis=1)
        divisor = np.where(total == 0, np.ones_like(total), total)
        found[:, :k] *= (old / divisor)[:, None, None]
        found[:, k] = e / divisor[:, None]
    return np.where(total[:, None] > 0, _row_by_row(found, z), np.full_like(z, np.nan))


# --- log-softmax ---


@sound("log_softmax")
@stored
def log_of_a_sum_in_turn(z: Array) -> Array:
    """One class after another, as a plain C loop."""
    shifted = _shifted(z)
    return shifted - np.log(_in_turn(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_lanes(z: Array) -> Array:
    """16 accumulators, merged in a tree, and a scalar tail, as vectorised code."""
    shifted = _shifted(z)
    return shifted - np.log(_in_lanes(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_a_wide_sum(z: Array) -> Array:
    """Exponentials in the working type, their sum in a wider one, as PyTorch's acc_type on a processor."""
    shifted = _shifted(z)
    return shifted - np.log(_wide(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_online_blocks(z: Array) -> Array:
    """Block of 128 after block with rescaling, as a fused loss goes through a vocabulary."""
    top, total = _online(z, 128)
    return (z - top) - np.log(total)


@sound("log_softmax")
@stored
def log_of_parts(z: Array) -> Array:
    """5 parts rescaled to the largest maximum and added, as the devices of a parallel vocabulary (Megatron)."""
    top, total = _split(z, 5)
    return (z - top) - np.log(total)


@sound("log_softmax")
@stored
def log_of_merged_blocks(z: Array) -> Array:
    """Blocks of 256, merged two by two with rescaling, as a tree of thread blocks."""
    top, total = _merged(*_each(z, 256))
    return (z - top) - np.log(total)


# --- cross entropy: the loss of each row, (m, 1), and their mean ---


def _chosen(shifted: Array, y: Array) -> Array:
    """Σ y (z − max) of each row; a masked class without a target counts 0."""
    return np.where(y > 0, y * shifted, np.zeros_like(y)).sum(axis=1, keepdims=True)


@sound("cross_entropy")
@stored
def loss_in_turn(z: Array, y: Array) -> Array:
    """−Σ y log-softmax class after class and then row after row, as two plain loops."""
    shifted = _shifted(z)
    logs = shifted - np.log(_in_turn(np.exp(shifted)))
    losses = _in_turn(np.where(y > 0, y * logs, np.zeros_like(y)))
    return np.asarray(-_in_turn(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_all_at_once(z: Array, y: Array) -> Array:
    """−Σ y log-softmax over classes and rows together in lanes, as over a flat array."""
    shifted = _shifted(z)
    logs = shifted - np.log(_in_lanes(np.exp(shifted)))
    terms = np.where(y > 0, y * logs, np.zeros_like(y)).reshape(1, z.size)
    return np.asarray(-_in_lanes(terms)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_shares(z: Array, y: Array) -> Array:
    """−Σ (y/m) log-softmax, each target times 1/m before, in turn over a flat array, as one product of two vectors."""
    shifted = _shifted(z)
    logs, shares = shifted - np.log(_in_turn(np.exp(shifted))), y * (1 / len(z))
    return np.asarray(-_in_turn(np.where(y > 0, shares * logs, np.zeros_like(y)).reshape(1, z.size))[0, 0])


@sound("cross_entropy")
@stored
def loss_in_blocks_of_rows(z: Array, y: Array) -> Array:
    """log Σ − Σ y (z − max) of each row, blocks of 128 rows in turn, then the blocks, times 1/m, as a grid does."""
    shifted = _shifted(z)
    losses = np.log(_in_blocks(np.exp(shifted))) - _chosen(shifted, y)
    return np.asarray(_in_blocks(losses.T, 128)[0, 0] * (1 / len(z)))


@sound("cross_entropy")
@stored
def loss_in_a_tree_of_rows(z: Array, y: Array) -> Array:
    """Rows from blocks merged in a tree, and the rows in one, as a reduction over a grid."""
    top, total = _merged(*_each(z, 256))
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(_in_a_tree(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_online_rows(z: Array, y: Array) -> Array:
    """Rows online in blocks of 128, times 1/m, and added as atomic additions arrive."""
    top, total = _online(z, 128)
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(_in_any_order(losses.T * (1 / len(z)))[0, 0])


@sound("cross_entropy")
@stored
def loss_of_rows_wide(z: Array, y: Array) -> Array:
    """Rows in the working type, their mean in a wider one, as averages over an epoch are kept."""
    top, total = _split(z, 4)
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(_wide(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_rows_by_kahan(z: Array, y: Array) -> Array:
    """Both sums by Kahan's algorithm, in 64 lanes."""
    shifted = _shifted(z)
    losses = np.log(_compensated(np.exp(shifted))) - _chosen(shifted, y)
    return np.asarray(_compensated(losses.T)[0, 0] / len(z))


# --- its gradient ---


@sound("cross_entropy_gradient")
@stored
def gradient_of_a_sum_in_turn(z: Array, y: Array) -> Array:
    """(e/Σ − y)/m, Σ one class after another, as a plain C loop."""
    e = np.exp(_shifted(z))
    return (e / _in_turn(e) - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_of_lanes(z: Array, y: Array) -> Array:
    """(e^{z − max − log Σ} − y)/m, Σ in 16 lanes with a scalar tail, as vectorised code."""
    shifted = _shifted(z)
    return (np.exp(shifted - np.log(_in_lanes(np.exp(shifted)))) - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_of_online_blocks(z: Array, y: Array) -> Array:
    """(e·(1/Σ) − y)·(1/m), Σ block of 128 after block, as a loss with its gradient in one kernel (Liger)."""
    top, total = _online(z, 128)
    return (np.exp(z - top) * (1 / total) - y) * (1 / max(len(z), 1))


@sound("cross_entropy_gradient")
@stored
def gradient_of_parts(z: Array, y: Array) -> Array:
    """a/m − y/m, Σ of 5 parts rescaled and added, as the devices of a parallel vocabulary (Megatron)."""
    top, total = _split(z, 5)
    share = 1 / max(len(z), 1)
    return np.exp(z - top) / total * share - y * share


@sound("cross_entropy_gradient")
@stored
def gradient_of_merged_blocks(z: Array, y: Array) -> Array:
    """(a − y)/m, Σ of blocks of 256 merged in a tree, as a tree of thread blocks."""
    top, total = _merged(*_each(z, 256))
    return (np.exp(z - top) / total - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_in_blocks_of_rows(z: Array, y: Array) -> Array:
    """128 rows at a time, Σ by Kahan's algorithm, each block put in its place, as where memory is short."""
    found = np.empty_like(z)
    for at in range(0, len(z), 128):
        e = np.exp(_shifted(z[at : at + 128]))
        found[at : at + 128] = (e / _compensated(e) - y[at : at + 128]) / len(z)
    return found


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
