"""Right ways to sum the losses of many rows, and the classes of each."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.softmax.sound.sums import (
    compensated,
    each,
    in_a_tree,
    in_any_order,
    in_blocks,
    in_lanes,
    in_turn,
    merged,
    online,
    shift,
    split,
    wide,
)

# --- cross entropy: the loss of each row, (m, 1), and their mean ---


def _chosen(shifted: Array, y: Array) -> Array:
    """Σ y (z − max) of each row; a masked class without a target counts 0."""
    return np.where(y > 0, y * shifted, np.zeros_like(y)).sum(axis=1, keepdims=True)


@sound("cross_entropy")
@stored
def loss_in_turn(z: Array, y: Array) -> Array:
    """−Σ y log-softmax class after class and then row after row, as two plain loops."""
    shifted = shift(z)
    logs = shifted - np.log(in_turn(np.exp(shifted)))
    losses = in_turn(np.where(y > 0, y * logs, np.zeros_like(y)))
    return np.asarray(-in_turn(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_all_at_once(z: Array, y: Array) -> Array:
    """−Σ y log-softmax over classes and rows together in lanes, as over a flat array."""
    shifted = shift(z)
    logs = shifted - np.log(in_lanes(np.exp(shifted)))
    terms = np.where(y > 0, y * logs, np.zeros_like(y)).reshape(1, z.size)
    return np.asarray(-in_lanes(terms)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_shares(z: Array, y: Array) -> Array:
    """−Σ (y/m) log-softmax, each target times 1/m before, in turn over a flat array, as one product of two vectors."""
    shifted = shift(z)
    logs, shares = shifted - np.log(in_turn(np.exp(shifted))), y * (1 / len(z))
    return np.asarray(-in_turn(np.where(y > 0, shares * logs, np.zeros_like(y)).reshape(1, z.size))[0, 0])


@sound("cross_entropy")
@stored
def loss_in_blocks_of_rows(z: Array, y: Array) -> Array:
    """log Σ − Σ y (z − max) of each row, blocks of 128 rows in turn, then the blocks, times 1/m, as a grid does."""
    shifted = shift(z)
    losses = np.log(in_blocks(np.exp(shifted))) - _chosen(shifted, y)
    return np.asarray(in_blocks(losses.T, 128)[0, 0] * (1 / len(z)))


@sound("cross_entropy")
@stored
def loss_in_a_tree_of_rows(z: Array, y: Array) -> Array:
    """Rows from blocks merged in a tree, and the rows in one, as a reduction over a grid."""
    top, total = merged(*each(z, 256))
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(in_a_tree(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_online_rows(z: Array, y: Array) -> Array:
    """Rows online in blocks of 128, times 1/m, and added as atomic additions arrive."""
    top, total = online(z, 128)
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(in_any_order(losses.T * (1 / len(z)))[0, 0])


@sound("cross_entropy")
@stored
def loss_of_rows_wide(z: Array, y: Array) -> Array:
    """Rows in the working type, their mean in a wider one, as averages over an epoch are kept."""
    top, total = split(z, 4)
    losses = np.log(total) - _chosen(z - top, y)
    return np.asarray(wide(losses.T)[0, 0] / len(z))


@sound("cross_entropy")
@stored
def loss_of_rows_by_kahan(z: Array, y: Array) -> Array:
    """Both sums by Kahan's algorithm, in 64 lanes."""
    shifted = shift(z)
    losses = np.log(compensated(np.exp(shifted))) - _chosen(shifted, y)
    return np.asarray(compensated(losses.T)[0, 0] / len(z))


# --- its gradient ---


@sound("cross_entropy_gradient")
@stored
def gradient_of_a_sum_in_turn(z: Array, y: Array) -> Array:
    """(e/Σ − y)/m, Σ one class after another, as a plain C loop."""
    e = np.exp(shift(z))
    return (e / in_turn(e) - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_of_lanes(z: Array, y: Array) -> Array:
    """(e^{z − max − log Σ} − y)/m, Σ in 16 lanes with a scalar tail, as vectorised code."""
    shifted = shift(z)
    return (np.exp(shifted - np.log(in_lanes(np.exp(shifted)))) - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_of_online_blocks(z: Array, y: Array) -> Array:
    """(e·(1/Σ) − y)·(1/m), Σ block of 128 after block, as a loss with its gradient in one kernel (Liger)."""
    top, total = online(z, 128)
    return (np.exp(z - top) * (1 / total) - y) * (1 / max(len(z), 1))


@sound("cross_entropy_gradient")
@stored
def gradient_of_parts(z: Array, y: Array) -> Array:
    """a/m − y/m, Σ of 5 parts rescaled and added, as the devices of a parallel vocabulary (Megatron)."""
    top, total = split(z, 5)
    share = 1 / max(len(z), 1)
    return np.exp(z - top) / total * share - y * share


@sound("cross_entropy_gradient")
@stored
def gradient_of_merged_blocks(z: Array, y: Array) -> Array:
    """(a − y)/m, Σ of blocks of 256 merged in a tree, as a tree of thread blocks."""
    top, total = merged(*each(z, 256))
    return (np.exp(z - top) / total - y) / max(len(z), 1)


@sound("cross_entropy_gradient")
@stored
def gradient_in_blocks_of_rows(z: Array, y: Array) -> Array:
    """128 rows at a time, Σ by Kahan's algorithm, each block put in its place, as where memory is short."""
    found = np.empty_like(z)
    for at in range(0, len(z), 128):
        e = np.exp(shift(z[at : at + 128]))
        found[at : at + 128] = (e / compensated(e) - y[at : at + 128]) / len(z)
    return found


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
