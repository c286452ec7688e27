"""Mistakes at the ends of the range: finite numbers that stand for −∞, logits that are cut off, masks, NaN, floors.

`seen` gives a thread or release; "classroom" means homework.
"""

import ml_dtypes
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.common import FROM_LOG, right_log_softmax, right_softmax
from nnlaws.rounding.formats import format_of

FROM_INFINITY = "start the running maximum from −∞, and no finite number"
DO_NOT_CUT = "leave the logits as they are: subtracting the row's maximum is all that they need"
SENTINEL = "the running maximum starts from a finite number: rows below it"
CUT = "logits are clipped: those beyond the limit become equal"
ABSENT = "leave a class whose target is 0 out of the sum: np.where(y > 0, y * log_a, 0)"
KEEP_NAN = "take a maximum that keeps NaN (numpy.max, not fmax), and replace no NaN"
DROPPED = "NaN among the logits is ignored: a diverged model looks healthy"
FLASHINFER = "flashinfer #4267"


def _above(z: Array, low: float) -> Array:
    """The row's maximum, or this if it is larger, in z's range."""
    return np.maximum(z.max(axis=-1, keepdims=True), z.dtype.type(max(low, float(np.finfo(z.dtype).min) / 2)))


def _from(z: Array, low: float) -> Array:
    e = np.exp(z - _above(z, low))
    total = e.sum(axis=-1, keepdims=True)
    return np.where(total > 0, e / total, 0)


def _log_from(z: Array, low: float) -> Array:
    shifted = z - _above(z, low)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _loss(y: Array, logs: Array) -> Array:
    return -np.where(y > 0, y * logs, 0).sum() / len(y)


def _without_nan(z: Array) -> Array:
    return np.where(np.isnan(z), np.finfo(z.dtype).min / 2, z)


# --- softmax ---


@mutant("softmax", f"{SENTINEL} −5e4 give zeros", FROM_INFINITY, FLASHINFER)
def maximum_from_minus_50_thousand(z: Array) -> Array:
    return _from(z, -5e4)


@mutant("softmax", f"{SENTINEL} −1e30 give zeros", FROM_INFINITY, f"{FLASHINFER}, with another number")
def maximum_from_minus_1e30(z: Array) -> Array:
    return _from(z, -1e30)


@mutant("softmax", f"{SENTINEL} half the smallest number give zeros", FROM_INFINITY, f"{FLASHINFER}, as lowest()/2")
def maximum_from_half_the_lowest(z: Array) -> Array:
    return _from(z, -np.inf)


@mutant("softmax", "the maximum starts from the smallest positive number, FLT_MIN", FROM_INFINITY, "classroom")
def maximum_from_smallest_positive(z: Array) -> Array:
    return _from(z, float(np.finfo(z.dtype).tiny))


@mutant("softmax", "a row whose maximum is below −1e30 is taken for one that is all masked", FROM_INFINITY, "classroom")
def low_row_taken_for_masked(z: Array) -> Array:
    low = z.max(axis=-1, keepdims=True) < max(-1e30, float(np.finfo(z.dtype).min) / 2)
    return np.where(low, 0, right_softmax(z))


@mutant("softmax", f"{CUT}, ±1e4", DO_NOT_CUT, "classroom")
def clipped_at_ten_thousand(z: Array) -> Array:
    return right_softmax(np.clip(z, -1e4, 1e4))


@mutant("softmax", f"{CUT}, ±1e9", DO_NOT_CUT, "classroom")
def clipped_at_a_billion(z: Array) -> Array:
    return right_softmax(np.clip(z, -1e9, 1e9))


@mutant(
    "softmax", "shifted by the first logit: e^z overflows where another is far larger", "shift by max z", "classroom"
)
def shifted_by_the_first(z: Array) -> Array:
    e = np.exp(z - z[:, :1])
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "shifted by the mean: e^z overflows where one logit is far larger", "shift by max z", "classroom")
def shifted_by_the_mean(z: Array) -> Array:
    e = np.exp(z - z.mean(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant(
    "softmax",
    "probabilities below 1e-30 become 1e-30",
    "do not clip: take the logarithm by log_softmax",
    "classroom",
)
def floor_of_1e_minus_30(z: Array) -> Array:
    return np.maximum(right_softmax(z), 1e-30)


@mutant("softmax", "a tile of 4 that is all masked sets the maximum to 0, where it stays", FROM_INFINITY, "classroom")
def masked_tile_sets_maximum(z: Array) -> Array:
    top = np.full((len(z), 1), -np.inf, z.dtype)
    for at in range(0, z.shape[1], 4):
        top = np.maximum(top, z[:, at : at + 4].max(axis=-1, keepdims=True))
        top = np.where(np.isneginf(top), 0, top)
    e = np.exp(z - top)
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "a tile of 16 that is all masked makes NaN: −∞ − (−∞)", FROM_INFINITY, "classroom")
def masked_tile_is_nan(z: Array) -> Array:
    top = total = np.full((len(z), 1), -np.inf, z.dtype)
    total = np.zeros_like(top)
    for at in range(0, z.shape[1], 16):
        tile = z[:, at : at + 16]
        new = np.maximum(top, tile.max(axis=-1, keepdims=True))
        total = total * np.exp(top - new) + np.exp(tile - new).sum(axis=-1, keepdims=True)
        top = new
    return np.exp(z - top) / total


@mutant("softmax", DROPPED, KEEP_NAN, "classroom")
def nan_dropped(z: Array) -> Array:
    return right_softmax(_without_nan(z))


@mutant("softmax", "NaN among the logits makes its own class NaN alone", KEEP_NAN, "classroom")
def nan_of_one_class(z: Array) -> Array:
    return np.where(np.isnan(z), np.nan, right_softmax(_without_nan(z)))


@mutant("softmax", "NaN in one row makes the whole batch NaN", "reduce over a row only", "classroom")
def nan_of_all_rows(z: Array) -> Array:
    return right_softmax(z) + 0 * z.sum()


# --- log-softmax ---


@mutant("log_softmax", f"{SENTINEL} −1e4 give log 0", FROM_INFINITY, f"{FLASHINFER}, in softmax")
def log_maximum_from_minus_ten_thousand(z: Array) -> Array:
    return _log_from(z, -1e4)


@mutant("log_softmax", f"{SENTINEL} −1e30 give log 0", FROM_INFINITY, f"{FLASHINFER}, in softmax")
def log_maximum_from_minus_1e30(z: Array) -> Array:
    return _log_from(z, -1e30)


@mutant("log_softmax", f"{CUT}, ±1e9", DO_NOT_CUT, "classroom")
def log_clipped_at_a_billion(z: Array) -> Array:
    return right_log_softmax(np.clip(z, -1e9, 1e9))


@mutant("log_softmax", "probabilities below the smallest normal number are raised to it", FROM_LOG, "classroom")
def log_of_smallest_normal(z: Array) -> Array:
    return np.log(np.maximum(right_softmax(z), np.finfo(z.dtype).tiny))


@mutant("log_softmax", DROPPED, KEEP_NAN, "classroom")
def log_nan_dropped(z: Array) -> Array:
    return right_log_softmax(_without_nan(z))


# --- cross entropy ---


@mutant(
    "cross_entropy", "0 · log 0 is NaN where a class is masked", ABSENT, "PyTorch 2.13, Optax 0.2.8, TensorFlow 2.21"
)
def masked_class_is_nan(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(z)).sum() / len(z)


@mutant("cross_entropy", f"{SENTINEL} −1e4 cost nothing or all", FROM_INFINITY, f"{FLASHINFER}, in softmax")
def loss_maximum_from_minus_ten_thousand(z: Array, y: Array) -> Array:
    return _loss(y, _log_from(z, -1e4))


@mutant(
    "softmax", "−∞ is replaced by the least finite number", DO_NOT_CUT, "torch.finfo(dtype).min as a mask", raw=True
)
def least_finite_number_for_infinity(z: Array) -> Array:
    least = -format_of(z.dtype).largest
    return right_softmax(np.maximum(z.astype(np.float64), least)).astype(z.dtype)


@mutant("cross_entropy", "targets below .01 count for nothing", "sum over all classes", "classroom")
def loss_without_small_targets(z: Array, y: Array) -> Array:
    return _loss(np.where(y < 0.01, 0, y), right_log_softmax(z))


@mutant("cross_entropy", "targets are read in bfloat16", "keep the targets as they are", "classroom")
def loss_of_narrow_targets(z: Array, y: Array) -> Array:
    return _loss(y.astype(ml_dtypes.bfloat16).astype(y.dtype), right_log_softmax(z))


@mutant("cross_entropy_gradient", "targets are read in bfloat16", "keep the targets as they are", "classroom")
def gradient_of_narrow_targets(z: Array, y: Array) -> Array:
    return (right_softmax(z) - y.astype(ml_dtypes.bfloat16).astype(y.dtype)) / max(len(z), 1)


@mutant("cross_entropy", f"{CUT}, ±1e4", DO_NOT_CUT, "classroom")
def loss_clipped_at_ten_thousand(z: Array, y: Array) -> Array:
    return _loss(y, right_log_softmax(np.clip(z, -1e4, 1e4)))


@mutant("cross_entropy", "probabilities below the smallest number are raised to it", FROM_LOG, "classroom")
def loss_of_smallest_number(z: Array, y: Array) -> Array:
    return _loss(y, np.log(np.maximum(right_softmax(z), np.finfo(z.dtype).smallest_subnormal)))


@mutant("cross_entropy", "no loss is above 100", "return the loss as it is", "PyTorch's binary_cross_entropy")
def loss_capped_at_100(z: Array, y: Array) -> Array:
    return _loss(y, np.maximum(right_log_softmax(z), -100))


@mutant("cross_entropy", "samples whose loss is NaN or infinite are left out", KEEP_NAN, "classroom")
def loss_nan_left_out(z: Array, y: Array) -> Array:
    losses = -np.where(y > 0, y * right_log_softmax(z), 0).sum(axis=-1)
    return np.where(np.isfinite(losses), losses, 0).sum() / len(z)


# --- its gradient ---


@mutant("cross_entropy_gradient", "NaN where a class is masked", ABSENT, "classroom")
def gradient_of_masked_class_is_nan(z: Array, y: Array) -> Array:
    logs = right_log_softmax(z)
    return (np.exp(logs) - y + 0 * logs) / max(len(z), 1)


@mutant(
    "cross_entropy_gradient", "a masked class gets a gradient of −1/m as if it were the target", ABSENT, "classroom"
)
def gradient_of_masked_class_is_the_targets(z: Array, y: Array) -> Array:
    return (right_softmax(z) - np.where(np.isneginf(z), 1, y)) / max(len(z), 1)


@mutant("cross_entropy_gradient", f"{SENTINEL} −5e4 get no probabilities", FROM_INFINITY, f"{FLASHINFER}, in softmax")
def gradient_maximum_from_minus_50_thousand(z: Array, y: Array) -> Array:
    return (_from(z, -5e4) - y) / max(len(z), 1)


@mutant("cross_entropy_gradient", f"{CUT}, ±1e9", DO_NOT_CUT, "classroom")
def gradient_clipped_at_a_billion(z: Array, y: Array) -> Array:
    return (right_softmax(np.clip(z, -1e9, 1e9)) - y) / max(len(z), 1)


@mutant("cross_entropy_gradient", "NaN among the logits gives a gradient of 0", KEEP_NAN, "classroom")
def gradient_nan_is_zero(z: Array, y: Array) -> Array:
    return np.nan_to_num((right_softmax(z) - y) / max(len(z), 1))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
