"""Mistakes in softmax and log-softmax.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.common import (
    FROM_LOG,
    LAST_AXIS,
    NARROW_SUM,
    SHIFT,
    WIDE_SUM,
    exp,
    narrow_log_sum_of,
    right_log_softmax,
    right_softmax,
)


@mutant("softmax", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132")
def unshifted(z: Array) -> Array:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@mutant("softmax", "shift by max(0, max z): rows far below 0 underflow to 0/0", SHIFT, "NNlib.jl PR 43")
def shifted_by_positive_part(z: Array) -> Array:
    e = np.exp(z - np.maximum(0, z.max(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "shift by the maximum of the whole batch: rows far below it underflow to 0/0", SHIFT, "crysx_nn #7")
def shifted_by_global_maximum(z: Array) -> Array:
    e = np.exp(z - z.max(initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "shifted logits clipped at −64: small probabilities become e^−64", "do not clip", "Paddle PR 21165")
def clipped_shift(z: Array) -> Array:
    e = np.exp(np.maximum(z - z.max(axis=-1, keepdims=True), -64))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "sum over the whole batch, not a row", LAST_AXIS, "nntrainer")
def over_all_axes(z: Array) -> Array:
    return exp(z) / exp(z).sum()


@mutant("softmax", "normalised over the batch, not the classes", LAST_AXIS, "euclidesdb #2")
def over_the_batch(z: Array) -> Array:
    e = np.exp(z - z.max(axis=0, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=0, keepdims=True)


@mutant("softmax", "1e-5 added to the sum", "divide by the sum alone: after the shift it is at least 1", "classroom")
def epsilon_in_sum(z: Array) -> Array:
    return exp(z) / (exp(z).sum(axis=-1, keepdims=True) + 1e-5)


@mutant(
    "softmax", "sum accumulated in the narrow type", "accumulate in float32", "candle #3727, tract PR 2586", raw=True
)
def narrow_sum(z: Array) -> Array:
    narrow = z.dtype if z.dtype.itemsize == 2 else np.dtype(np.float16)
    e = exp(z.astype(working_dtype(z.dtype)))
    total = np.zeros((len(z), 1), narrow)
    for k in range(z.shape[1]):
        total = (total + e[:, k : k + 1].astype(narrow)).astype(narrow)
    return (e / total.astype(e.dtype)).astype(z.dtype)


@mutant(
    "softmax",
    "softmax applied twice",
    "apply it once: the last layer returns logits",
    "DeepLearningExamples #468, tflearn PR 562",
)
def twice(z: Array) -> Array:
    return right_softmax(right_softmax(z))


@mutant(
    "softmax",
    "probabilities clipped from below at 1e-7",
    "do not clip: take the logarithm by log_softmax",
    "classroom",
)
def clipped(z: Array) -> Array:
    return np.clip(right_softmax(z), 1e-7, 1)


@mutant("softmax", "base 2 in place of e", "use exp, not exp2", "classroom")
def base_two(z: Array) -> Array:
    e = np.exp2(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "the sign of the logits is wrong: e^−z", "use exp(z), not exp(-z)", "classroom")
def softmin(z: Array) -> Array:
    return right_softmax(-z)


@mutant("softmax", "the sum stops before the last class", "sum over all C classes", "classroom")
def last_class_left_out(z: Array) -> Array:
    return exp(z) / exp(z)[:, : max(z.shape[1] - 1, 1)].sum(axis=-1, keepdims=True)


@mutant("softmax", "logits divided by √C, as in attention", "leave the logits unscaled", "classroom")
def attention_scaling(z: Array) -> Array:
    return right_softmax(z / np.sqrt(z.dtype.type(z.shape[1])))


@mutant(
    "softmax",
    "a sigmoid of each logit, not normalised over the classes",
    "divide by the row's sum of exponentials",
    "classroom",
)
def sigmoid_of_each(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


@mutant("softmax", "e^z divided by its Euclidean norm", "divide by the sum of the exponentials", "classroom")
def euclidean_norm(z: Array) -> Array:
    return exp(z) / np.sqrt((exp(z) ** 2).sum(axis=-1, keepdims=True))


@mutant(
    "log_softmax",
    "log(softmax(z)): −∞ where the probability underflows",
    FROM_LOG,
    "deeplearning4j #785, keras #7563, onnx PR 8423",
)
def log_of_softmax(z: Array) -> Array:
    return np.log(right_softmax(z))


@mutant("log_softmax", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def log_unshifted(z: Array) -> Array:
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@mutant("log_softmax", "probabilities clipped at 1e-12 before the logarithm", FROM_LOG, "classroom")
def log_of_clipped(z: Array) -> Array:
    return np.log(np.clip(right_softmax(z), 1e-12, 1))


@mutant("log_softmax", "a logarithm to base 10", "use the natural logarithm", "classroom")
def log_base_ten(z: Array) -> Array:
    return right_log_softmax(z) / np.log(z.dtype.type(10))


@mutant("log_softmax", "normalised over the batch, not the classes", LAST_AXIS, "euclidesdb #2, in softmax")
def log_over_the_batch(z: Array) -> Array:
    shifted = z - z.max(axis=0, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))


@mutant("log_softmax", "the sum stops before the last class", "sum over all C classes", "classroom")
def log_last_class_left_out(z: Array) -> Array:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted)[:, : max(z.shape[1] - 1, 1)].sum(axis=-1, keepdims=True))


@mutant("log_softmax", "a mask's −∞ replaced by the lowest finite number", "let −∞ be", "classroom")
def mask_made_finite(z: Array) -> Array:
    return np.maximum(right_log_softmax(z), np.finfo(z.dtype).min)


@mutant("log_softmax", NARROW_SUM, WIDE_SUM, "PyTorch 2.13 on CPU, float16 and bfloat16", raw=True)
def narrow_log_sum(z: Array) -> Array:
    return narrow_log_sum_of(z)


@mutant("log_softmax", "softmax without the logarithm", "take the logarithm", "classroom")
def logarithm_forgotten(z: Array) -> Array:
    return right_softmax(z)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
