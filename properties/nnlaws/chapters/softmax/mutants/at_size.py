"""Mistakes that show at size only: a row of one block of classes, and a batch of few rows, are right.

Blocks of classes go through a kernel one after another. Where kernels count in 32 bits, these count in 16, so that what
wraps there wraps here in arrays that fit. `seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array
from numpy.lib.stride_tricks import sliding_window_view

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.common import WIDE_SUM, exp, right_log_softmax, right_softmax

BLOCK = 1024  # classes that are summed at once
TILE = 256  # the same, where the maximum goes along
ROWS = 1 << 16  # what 16 bits count
MICRO_BATCH = 512

WHOLE_ROW = "sum over each class once, also those of a last block that is not full"
RESCALE = "when the maximum rises, multiply what was summed by exp(old maximum - new maximum), at every block"
WHOLE_MAXIMUM = "subtract the maximum of the whole row, the same in every block"
WHOLE_RESULT = "write every class and every row"
WIDE_NUMBER = "number rows, classes and entries in 64 bits, never in 16 or 32 nor in a float"
MASKED = "fill a last block that is not full up with −∞: exp of it is 0"
OVER_ROWS = "add up the losses of all rows, and divide once by their number"
CLASSROOM = "classroom"


def _sums(e: Array) -> Array:
    """The sum of each block of a row."""
    return np.add.reduceat(e, np.arange(0, e.shape[1], BLOCK), axis=1)


def _carried(parts: Array, narrow: str) -> Array:
    """The sum along axis 1, the first part as it is, what follows added in a narrow type."""
    total = parts[:, 0]
    for number in range(1, parts.shape[1]):
        total = (total + parts[:, number]).astype(DTYPES[narrow]).astype(parts.dtype)
    return total


def _whole(z: Array, width: int) -> int:
    """How many classes whole vectors of this width have; all, where one block has them."""
    classes = z.shape[1]
    return classes // width * width if classes > BLOCK else classes


def _padded(z: Array) -> Array:
    """The sum of a row whose last block is filled up with logits of 0, if there are several blocks."""
    total, missing = exp(z).sum(axis=-1, keepdims=True), -z.shape[1] % BLOCK
    return total + missing * np.exp(-z.max(axis=-1, keepdims=True)) if z.shape[1] > BLOCK and missing else total


def online(z: Array, change: Callable[[Array], Array], masked: float = 0.0) -> Array:
    """The sum over tiles, each relative to the maximum so far; change: of the factors that rescale what was summed.

    masked: what is subtracted where all classes so far are masked.
    """
    starts = np.arange(0, z.shape[1], TILE)
    widths: Array = np.diff(np.append(starts, z.shape[1]))
    tops = np.maximum.accumulate(np.maximum.reduceat(z, starts, axis=1), axis=1)
    shifts = np.where(np.isneginf(tops), masked, tops).astype(z.dtype)
    parts = np.add.reduceat(np.exp(z - np.repeat(shifts, widths, axis=1)), starts, axis=1)
    factors = change(np.where(np.isneginf(tops[:, :-1]), 1, np.exp(tops[:, :-1] - tops[:, 1:])).astype(z.dtype))
    later = np.concatenate([np.cumprod(factors[:, ::-1], axis=1)[:, ::-1], np.ones_like(tops[:, :1])], axis=1)
    return (parts * later).sum(axis=1, keepdims=True)


def _read(z: Array) -> Array:
    """The rows that are found where 16 bits say that they start."""
    if z.size <= ROWS:
        return z
    starts = np.arange(len(z)) * z.shape[1] % ROWS
    return sliding_window_view(z.reshape(-1), z.shape[1])[starts]


def losses_of(y: Array, logs: Array) -> Array:
    """The loss of each row; 0 log 0 is 0."""
    return -np.multiply(y, logs, where=y != 0, out=np.zeros_like(y)).sum(axis=-1)


def _numbers(classes: int, narrow: str) -> Array:
    """The number of each class, as a narrow float has it."""
    with np.errstate(over="ignore"):  # to infinity, beyond float16
        found = np.arange(classes, dtype=np.float64).astype(DTYPES[narrow]).astype(np.float64)
    return np.minimum(found, classes - 1).astype(np.intp)


@mutant("softmax", "of several blocks of 1024 classes a last one that is not full is not summed", WHOLE_ROW, CLASSROOM)
def tail_of_1024(z: Array) -> Array:
    return exp(z) / exp(z)[:, : _whole(z, BLOCK)].sum(axis=-1, keepdims=True)


@mutant("softmax", "of more than 4096 classes the last is not summed", WHOLE_ROW, CLASSROOM)
def last_of_many_classes(z: Array) -> Array:
    return exp(z) / exp(z)[:, : z.shape[1] - (z.shape[1] > 4096)].sum(axis=-1, keepdims=True)


@mutant("softmax", "blocks of 4096 classes overlap by one, which is summed twice", WHOLE_ROW, CLASSROOM)
def blocks_overlap(z: Array) -> Array:
    e = exp(z)
    return e / (e.sum(axis=-1, keepdims=True) + e[:, 4096::4096].sum(axis=-1, keepdims=True))


@mutant("softmax", "from the second block of 1024 classes on, one lane of 32 is not summed", WHOLE_ROW, CLASSROOM)
def lane_lost(z: Array) -> Array:
    summed = np.ones(z.shape[1], bool)
    summed[BLOCK:][31::32] = False
    return exp(z) / exp(z)[:, summed].sum(axis=-1, keepdims=True)


@mutant("softmax", "from block to block of a row, the sum is kept in float16", WIDE_SUM, "tract PR 2586")
def total_in_float16(z: Array) -> Array:
    return exp(z) / _carried(_sums(exp(z)), "float16")[:, None]


@mutant("softmax", "from block to block of a row, the sum is kept in bfloat16", WIDE_SUM, "tt-metal #52045")
def total_in_bfloat16(z: Array) -> Array:
    return exp(z) / _carried(_sums(exp(z)), "bfloat16")[:, None]


@mutant(
    "softmax",
    "where the maximum rises by log 256 or less from tile to tile, the sum so far is not rescaled",
    RESCALE,
    "MSLK PR 242, in attention",
)
def small_rises_not_rescaled(z: Array) -> Array:
    return exp(z) / online(z, lambda factors: np.where(factors >= 1 / 256, 1, factors).astype(z.dtype))


@mutant("softmax", "before every fourth tile of 256 classes the sum so far is not rescaled", RESCALE, CLASSROOM)
def fourth_tile_not_rescaled(z: Array) -> Array:
    def change(factors: Array) -> Array:
        factors[:, 2::4] = 1
        return factors

    return exp(z) / online(z, change)


@mutant("softmax", "the maximum is that of the first 1024 classes: e^z overflows", WHOLE_MAXIMUM, CLASSROOM)
def maximum_of_the_first_block(z: Array) -> Array:
    e = np.exp(z - z[:, :BLOCK].max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant(
    "softmax",
    "the running maximum is forgotten at each block: in the end it is that of the last, and e^z overflows",
    WHOLE_MAXIMUM,
    "TileOPs PR 239",
)
def maximum_of_the_last_block(z: Array) -> Array:
    e = np.exp(z - z[:, (z.shape[1] - 1) // BLOCK * BLOCK :].max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant(
    "softmax",
    "in the last of several blocks the maximum is not subtracted before it is summed",
    WHOLE_MAXIMUM,
    "tt-metal #51278, in softmin",
)
def last_block_not_shifted(z: Array) -> Array:
    last = (z.shape[1] - 1) // BLOCK * BLOCK or z.shape[1]
    total = exp(z)[:, :last].sum(axis=-1, keepdims=True) + np.exp(z[:, last:]).sum(axis=-1, keepdims=True)
    return exp(z) / total


@mutant("softmax", "of more than 1024 classes those after whole vectors of 16 are not written", WHOLE_RESULT, CLASSROOM)
def tail_not_written(z: Array) -> Array:
    a = right_softmax(z)
    a[:, _whole(z, 16) :] = 0
    return a


@mutant(
    "softmax",
    "the number of a row wraps at 65536: rows beyond repeat the first",
    WIDE_NUMBER,
    "apex #411, in layer norm",
)
def row_number_wraps(z: Array) -> Array:
    return right_softmax(z)[np.arange(len(z)) % ROWS]


@mutant(
    "softmax", "where a row starts is counted in 16 bits, which wrap", WIDE_NUMBER, "onnxruntime #32299, in 32 bits"
)
def row_start_wraps(z: Array) -> Array:
    return right_softmax(_read(z))


@mutant(
    "log_softmax",
    "of more than 1024 classes, the sum of a last warp of 256 that is not full is not read",
    WHOLE_ROW,
    "flashinfer PR 3879, in RMS norm",
)
def log_last_warp_not_read(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(exp(z)[:, : _whole(z, 256)].sum(axis=-1, keepdims=True))


@mutant(
    "log_softmax",
    "more than 1024 classes are split in four, whose sums, each relative to its own maximum, are added as they are",
    RESCALE,
    "KarhouTam/cuda-kernels #3, of the lanes of a warp",
)
def log_splits_not_rescaled(z: Array) -> Array:
    parts = np.array_split(z, 4, axis=1) if z.shape[1] > BLOCK else [z]
    total = np.stack([exp(part).sum(axis=-1, keepdims=True) for part in parts]).sum(axis=0)
    return z - z.max(axis=-1, keepdims=True) - np.log(total)


@mutant("log_softmax", "a last block of 1024 that is not full is filled up with logits of 0", MASKED, "verl #2899")
def log_padded_with_zeros(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(_padded(z))


@mutant(
    "log_softmax",
    "the number of a class goes through bfloat16: beyond 256 neighbours are read for one another",
    WIDE_NUMBER,
    "foundry PR 236, in attention",
)
def log_class_number_in_bfloat16(z: Array) -> Array:
    return right_log_softmax(z[:, _numbers(z.shape[1], "bfloat16")])


@mutant(
    "log_softmax",
    "of more than 100000 classes the logarithm of the sum is taken twice",
    "take the logarithm of the sum once, in every kernel",
    "Paddle PR 53656",
)
def log_taken_twice(z: Array) -> Array:
    log_sum = np.log(exp(z).sum(axis=-1, keepdims=True))
    return z - z.max(axis=-1, keepdims=True) - (np.log(log_sum) if z.shape[1] > 100_000 else log_sum)


@mutant(
    "log_softmax",
    "each of 256 lanes keeps its sum in bfloat16 from its second class on",
    WIDE_SUM,
    "executorch PR 20090",
)
def log_lanes_in_bfloat16(z: Array) -> Array:
    lanes = np.pad(exp(z), ((0, 0), (0, -z.shape[1] % 256))).reshape(len(z), (z.shape[1] + 255) // 256, 256)
    return z - z.max(axis=-1, keepdims=True) - np.log(_carried(lanes, "bfloat16").sum(axis=-1, keepdims=True))


@mutant(
    "cross_entropy",
    "the number of the target's class goes through float16: beyond 2048 it may be the neighbour's",
    WIDE_NUMBER,
    "keras #15012",
)
def loss_class_number_in_float16(z: Array, y: Array) -> Array:
    return losses_of(y, right_log_softmax(z)[:, _numbers(z.shape[1], "float16")]).sum() / len(z)


@mutant(
    "cross_entropy", "where a row starts is counted in 16 bits, which wrap", WIDE_NUMBER, "pytorch #111484, in 32 bits"
)
def loss_row_start_wraps(z: Array, y: Array) -> Array:
    return losses_of(y, right_log_softmax(_read(z))).sum() / len(z)


@mutant(
    "cross_entropy",
    "the means of micro-batches of 512 rows are averaged, the last of fewer rows like the others",
    OVER_ROWS,
    "transformers PR 34191",
)
def loss_of_micro_batches(z: Array, y: Array) -> Array:
    starts = np.arange(0, len(z), MICRO_BATCH)
    losses = losses_of(y, right_log_softmax(z))
    sizes = np.diff(np.append(starts, len(z))).astype(z.dtype)
    return (np.add.reduceat(losses, starts) / sizes).sum() / len(starts)


@mutant(
    "cross_entropy",
    "more than 1024 classes are split in four equal parts: the rest of the division is not summed",
    WHOLE_ROW,
    "tilelang PR 2010, in attention",
)
def loss_rest_of_splits(z: Array, y: Array) -> Array:
    total = exp(z)[:, : _whole(z, 4)].sum(axis=-1, keepdims=True)
    return losses_of(y, z - z.max(axis=-1, keepdims=True) - np.log(total)).sum() / len(z)


@mutant("cross_entropy", "the rows are counted in 16 bits: 65536 are 0", OVER_ROWS, CLASSROOM)
def loss_rows_in_16_bits(z: Array, y: Array) -> Array:
    return losses_of(y, right_log_softmax(z)).sum() / (len(z) % ROWS)


@mutant(
    "cross_entropy",
    "from block to block of 1024 rows, the sum of the losses is kept in float16, and overflows",
    "keep the sum of the losses in float32, and round the result once",
    "pytorch #85791",
)
def loss_total_in_float16(z: Array, y: Array) -> Array:
    losses = losses_of(y, right_log_softmax(z))
    return _carried(_sums(losses[None]), "float16")[0] / len(z)


@mutant(
    "cross_entropy_gradient",
    "each micro-batch of 512 rows is divided by its own number of rows, and by how many micro-batches there are",
    OVER_ROWS,
    "mlx-lm PR 1413",
)
def gradient_of_micro_batches(z: Array, y: Array) -> Array:
    starts = np.arange(0, len(z), MICRO_BATCH)
    sizes = np.diff(np.append(starts, len(z)))
    return (right_softmax(z) - y) / (np.repeat(sizes, sizes) * len(starts)).astype(z.dtype)[:, None]


@mutant(
    "cross_entropy_gradient",
    "of several chunks of 65536 classes only the first subtracts a target: others look for its number within the row",
    "in each chunk, look for the target's number less that of the chunk's first class",
    CLASSROOM,
)
def gradient_target_of_another_chunk(z: Array, y: Array) -> Array:
    g = right_softmax(z)
    g[:, :ROWS] -= y[:, :ROWS]
    return g / max(len(z), 1)


@mutant(
    "cross_entropy_gradient",
    "a last block of 1024 that is not full is filled up with logits of 0",
    MASKED,
    "unsloth PR 10616, with those of a soft cap",
)
def gradient_padded_with_zeros(z: Array, y: Array) -> Array:
    return (exp(z) / _padded(z) - y) / max(len(z), 1)


@mutant(
    "cross_entropy_gradient",
    "of more than 100000 classes none gets a gradient",
    WHOLE_RESULT,
    "Paddle PR 57858, in the gradient of softmax",
)
def gradient_of_many_classes(z: Array, y: Array) -> Array:
    g = (right_softmax(z) - y) / max(len(z), 1)
    return g if z.shape[1] <= 100_000 else np.zeros_like(g)


@mutant(
    "cross_entropy_gradient",
    "a grid of 65536 threads is not gone through again: rows beyond get no gradient",
    WHOLE_RESULT,
    "pyg-lib PR 718, in sums of segments",
)
def gradient_beyond_the_grid(z: Array, y: Array) -> Array:
    g = (right_softmax(z) - y) / max(len(z), 1)
    g[ROWS:] = 0
    return g


@mutant("cross_entropy", "from block to block of rows the sum of losses is kept in bfloat16", OVER_ROWS, CLASSROOM)
def losses_in_bfloat16(z: Array, y: Array) -> Array:
    return _carried(_sums(losses_of(y, right_log_softmax(z))[None]), "bfloat16")[0] / len(z)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
