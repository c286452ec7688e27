"""Mistakes that show in some sizes only: tails of vectors, tiles, blocks of rows, shards of the classes.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.common import exp, right_log_softmax, right_softmax

WHOLE_TAIL = "after the last whole vector of 8, go through all classes that are left"
TAIL = "the sum takes vectors of 8 classes and one more: the rest of a tail is left out"
ALL_ROWS = "go on to the last row, m not being a multiple of the block"
ALL_CLASSES = "sum over all classes before any is divided"
OWN_SHARD = "ŷ − y in every shard, whether or not it owns the target"
CLASSROOM = "classroom"


def _tail(e: Array) -> Array:
    """Sums of 8 lanes, with one number more."""
    classes = e.shape[1]
    whole = classes // 8 * 8
    return (e if classes <= 8 else e[:, : whole + 1]).sum(axis=-1, keepdims=True)


@mutant("softmax", TAIL, WHOLE_TAIL, CLASSROOM)
def tail_of_eight(z: Array) -> Array:
    return exp(z) / _tail(exp(z))


@mutant("log_softmax", TAIL, WHOLE_TAIL, CLASSROOM)
def log_tail_of_eight(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(_tail(exp(z)))


@mutant("cross_entropy", TAIL, WHOLE_TAIL, CLASSROOM)
def loss_tail_of_eight(z: Array, y: Array) -> Array:
    logs = z - z.max(axis=-1, keepdims=True) - np.log(_tail(exp(z)))
    return -(y * logs).sum() / len(z)


@mutant("cross_entropy_gradient", TAIL, WHOLE_TAIL, CLASSROOM)
def gradient_tail_of_eight(z: Array, y: Array) -> Array:
    return (exp(z) / _tail(exp(z)) - y) / max(len(z), 1)


@mutant("softmax", "the maximum is that of whole vectors of 8, without the tail: e^z overflows", WHOLE_TAIL, CLASSROOM)
def maximum_without_tail(z: Array) -> Array:
    whole = z.shape[1] // 8 * 8 or z.shape[1]
    e = np.exp(z - z[:, :whole].max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "rows 5 to 8 of a batch of 5 to 8 repeat the first", ALL_ROWS, CLASSROOM)
def second_block_of_rows(z: Array) -> Array:
    a = right_softmax(z)
    if 5 <= len(z) <= 8:
        a[4:] = a[:1]
    return a


@mutant("softmax", "rows beyond the last whole block of 16 are 0", ALL_ROWS, CLASSROOM)
def rows_in_blocks_of_16(z: Array) -> Array:
    a = right_softmax(z)
    a[len(z) // 16 * 16 or len(z) :] = 0
    return a


@mutant("softmax", "each tile of 8 is divided by the total so far", ALL_CLASSES, "LeetCUDA #251, with blocks of 256")
def total_so_far(z: Array) -> Array:
    e = exp(z)
    tiles = [e[:, at : at + 8] for at in range(0, z.shape[1], 8)]
    totals = np.cumsum([tile.sum(axis=-1, keepdims=True) for tile in tiles], axis=0)
    return np.concatenate([tile / total for tile, total in zip(tiles, totals, strict=True)], axis=1)


@mutant("softmax", "classes beyond the 96th are neither summed nor written", ALL_CLASSES, "FasterTransformer #663")
def columns_beyond_96(z: Array) -> Array:
    a = np.zeros_like(z)
    a[:, :96] = right_softmax(z[:, :96])
    return a


@mutant("log_softmax", "the online maximum is not updated in the last tile of 8", ALL_CLASSES, CLASSROOM)
def log_last_tile_not_rescaled(z: Array) -> Array:
    whole = (z.shape[1] - 1) // 8 * 8 or z.shape[1]
    top = z[:, :whole].max(axis=-1, keepdims=True)
    shifted = z - top
    return shifted - np.log(np.exp(np.minimum(shifted, 0)).sum(axis=-1, keepdims=True))


@mutant("cross_entropy", "samples beyond the last whole block of 4 are left out", ALL_ROWS, CLASSROOM)
def loss_in_blocks_of_4(z: Array, y: Array) -> Array:
    rows = len(z) // 4 * 4 or len(z)
    return -(y * right_log_softmax(z))[:rows].sum() / len(z)


@mutant("cross_entropy", "a target in the last of more than 16 classes counts for nothing", ALL_CLASSES, CLASSROOM)
def last_target_of_many(z: Array, y: Array) -> Array:
    terms = y * right_log_softmax(z)
    return -(terms[:, :-1] if z.shape[1] > 16 else terms).sum() / len(z)


@mutant(
    "cross_entropy", "targets beyond the first shard of 64 classes are lost", OWN_SHARD, "ms-swift PR 9947, its loss"
)
def target_in_another_shard(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(z))[:, :64].sum() / len(z)


@mutant("cross_entropy_gradient", "shards without the target get no gradient", OWN_SHARD, "ms-swift PR 9947")
def shard_without_target(z: Array, y: Array) -> Array:
    g = (right_softmax(z) - y) / max(len(z), 1)
    half = (z.shape[1] + 1) // 2
    for shard in (slice(0, half), slice(half, None)):
        g[:, shard] = np.where(y[:, shard].sum(axis=-1, keepdims=True) > 0, g[:, shard], 0)
    return g


@mutant("cross_entropy_gradient", "the target is not subtracted in the last of many classes", OWN_SHARD, CLASSROOM)
def last_target_not_subtracted(z: Array, y: Array) -> Array:
    kept = y.copy()
    if z.shape[1] > 16:
        kept[:, -1] = 0
    return (right_softmax(z) - kept) / max(len(z), 1)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
