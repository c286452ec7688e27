"""Right ways to sum many classes: in turn, in blocks, lanes and trees, online, split, compensated, wide."""

import math

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.softmax.sound.sums import (
    compensated,
    cut,
    each,
    in_a_tree,
    in_any_order,
    in_blocks,
    in_lanes,
    in_turn,
    lazily,
    merged,
    online,
    power_of_two,
    row_by_row,
    settle,
    shift,
    split,
    wide,
)


@sound("softmax")
@stored
def summed_in_turn(z: Array) -> Array:
    """One class after another, as a plain C loop."""
    e = np.exp(shift(z))
    return e / in_turn(e)


@sound("softmax")
@stored
def summed_in_blocks(z: Array) -> Array:
    """Blocks of 1024 classes in turn, and then the blocks, as threads that take a stretch each."""
    e = np.exp(shift(z))
    return e / in_blocks(e)


@sound("softmax")
@stored
def summed_in_a_tree(z: Array) -> Array:
    """Neighbouring classes, and so on, as the shuffles of a GPU's warps."""
    e = np.exp(shift(z))
    return e / in_a_tree(e)


@sound("softmax")
@stored
def summed_by_kahan(z: Array) -> Array:
    """Kahan's algorithm, as DuckDB's fsum has it, in 64 lanes."""
    e = np.exp(shift(z))
    return e / compensated(e)


@sound("softmax")
@stored
def summed_wide(z: Array) -> Array:
    """Exponentials in the working type, their sum in a wider one, as PyTorch's acc_type on a processor."""
    e = np.exp(shift(z))
    return e / wide(e)


@sound("softmax")
@stored
def summed_exactly(z: Array) -> Array:
    """Σ without an error, rounded at the end, as Python's math.fsum."""
    e = np.exp(shift(z))
    return e / np.array([math.fsum(row) for row in e.tolist()], z.dtype).reshape(len(z), 1)


@sound("softmax")
@stored
def summed_in_any_order(z: Array) -> Array:
    """Classes in an order of chance, as atomic additions arrive."""
    e = np.exp(shift(z))
    return e / in_any_order(e)


@sound("softmax")
@stored
def reciprocal_of_lanes(z: Array) -> Array:
    """16 accumulators and a scalar tail, and times 1/Σ, as XNNPACK's kernels for AVX-512."""
    e = np.exp(shift(z))
    return e * (1 / in_lanes(e))


@sound("softmax")
@stored
def division_free_in_turn(z: Array) -> Array:
    """exp(z − max − log Σ), Σ one class after another: log-softmax first, as a fused loss has it."""
    shifted = shift(z)
    return np.exp(shifted - np.log(in_turn(np.exp(shifted))))


@sound("softmax")
@stored
def online_in_blocks_of_128(z: Array) -> Array:
    """Block after block with rescaling, as FlashAttention's tiles of keys."""
    top, total = online(z, 128)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def online_in_blocks_of_7(z: Array) -> Array:
    """The same in blocks of no kernel's size, so that it is rescaled often and its tail is short."""
    top, total = online(z, 7)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def online_by_powers_of_two(z: Array) -> Array:
    """Blocks of 64 by 2^{x log₂ e}, the rescaling too, as Triton's tl.exp on hardware that has exp2."""
    top, total = online(z, 64, power_of_two)
    return power_of_two(z - top) / total


@sound("softmax")
@stored
def lazily_rescaled(z: Array) -> Array:
    """Blocks of 16, rescaled where the maximum has grown by more than 8 ln 2, as FlashAttention-4 does."""
    top, total = lazily(z, 16, 8 * math.log(2))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def split_in_eight(z: Array) -> Array:
    """8 parts with a maximum and a sum each, rescaled to the largest and added, as Flash-Decoding."""
    top, total = split(z, 8)
    return np.exp(z - top) / total


@sound("softmax")
@stored
def blocks_merged_in_a_tree(z: Array) -> Array:
    """Blocks of 256, merged two by two with rescaling, as by CUB's BlockReduce (Milakov and Gimelshein 2018)."""
    top, total = merged(*each(z, 256))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def blocks_maxima_first(z: Array) -> Array:
    """The maximum of the maxima of blocks of 512, then their sums, as CUTLASS's product with softmax."""
    top = cut(z, 512, -np.inf).max(axis=2).max(axis=1, keepdims=True)
    total = in_turn(np.exp(cut(z, 512, -np.inf) - top[:, :, None]).sum(axis=2))
    return np.exp(z - top) / total


@sound("softmax")
@stored
def rescaled_when_done(z: Array) -> Array:
    """Blocks of 32 less their own maximum, and at the end times e^{own − row's}/Σ, as FlashAttention's outputs."""
    tiles = cut(z, 32, -np.inf)
    own = tiles.max(axis=2)
    e = np.exp(tiles - settle(own)[:, :, None])
    scale = np.exp(own - own.max(axis=1, keepdims=True))
    total = (e.sum(axis=2) * scale).sum(axis=1, keepdims=True)
    return row_by_row(e * (scale / total)[:, :, None], z)


@sound("softmax")
@stored
def normalised_in_parts(z: Array) -> Array:
    """Softmax of each of 8 parts by itself, and then times its share of Σ, as Flash-Decoding puts splits together."""
    tiles = cut(z, -(-z.shape[1] // 8), -np.inf)
    top, total = each(z, tiles.shape[2])
    shares = total * np.exp(top - top.max(axis=1, keepdims=True))
    shares = shares / shares.sum(axis=1, keepdims=True)
    own = np.exp(tiles - settle(top)[:, :, None]) / np.where(total == 0, np.ones_like(total), total)[:, :, None]
    return row_by_row(own * shares[:, :, None], z)


@sound("softmax")
@stored
def normalised_at_every_block(z: Array) -> Array:
    """Block of 512 after block: what is put out is times old Σ over new Σ each time, as the first FlashAttention."""
    tiles = cut(z, 512, -np.inf)
    found, top, total = np.zeros_like(tiles), np.full_like(z[:, 0], -np.inf), np.zeros_like(z[:, 0])
    for k in range(tiles.shape[1]):
        before, top = top, np.maximum(top, tiles[:, k].max(axis=1))
        e = np.exp(tiles[:, k] - settle(top)[:, None])
        old = total * np.exp(before - settle(top))
        total = old + e.sum(axis=1)
        divisor = np.where(total == 0, np.ones_like(total), total)
        found[:, :k] *= (old / divisor)[:, None, None]
        found[:, k] = e / divisor[:, None]
    return np.where(total[:, None] > 0, row_by_row(found, z), np.full_like(z, np.nan))


# --- log-softmax ---


@sound("log_softmax")
@stored
def log_of_a_sum_in_turn(z: Array) -> Array:
    """One class after another, as a plain C loop."""
    shifted = shift(z)
    return shifted - np.log(in_turn(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_lanes(z: Array) -> Array:
    """16 accumulators, merged in a tree, and a scalar tail, as vectorised code."""
    shifted = shift(z)
    return shifted - np.log(in_lanes(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_a_wide_sum(z: Array) -> Array:
    """Exponentials in the working type, their sum in a wider one, as PyTorch's acc_type on a processor."""
    shifted = shift(z)
    return shifted - np.log(wide(np.exp(shifted)))


@sound("log_softmax")
@stored
def log_of_online_blocks(z: Array) -> Array:
    """Block of 128 after block with rescaling, as a fused loss goes through a vocabulary."""
    top, total = online(z, 128)
    return (z - top) - np.log(total)


@sound("log_softmax")
@stored
def log_of_parts(z: Array) -> Array:
    """5 parts rescaled to the largest maximum and added, as the devices of a parallel vocabulary (Megatron)."""
    top, total = split(z, 5)
    return (z - top) - np.log(total)


@sound("log_softmax")
@stored
def log_of_merged_blocks(z: Array) -> Array:
    """Blocks of 256, merged two by two with rescaling, as a tree of thread blocks."""
    top, total = merged(*each(z, 256))
    return (z - top) - np.log(total)


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
