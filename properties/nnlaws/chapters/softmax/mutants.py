"""Mistakes in softmax, log-softmax, cross entropy and its gradient.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant

SHIFT = "subtract the row's maximum first: z - z.max(axis=-1, keepdims=True)"
LAST_AXIS = "reduce over the last axis only, with keepdims: axis=-1, keepdims=True"
FROM_LOG = "compute the logarithm as shifted - log(sum(exp(shifted))), with nothing added or clipped"
NARROW_SUM = "the sum of exponentials, and its logarithm, are rounded to the narrow type"
WIDE_SUM = "keep the sum and its logarithm in float32, and round the result once"
OVER_M = "divide once by m, the number of rows: z.shape[0]"


def _exp(z: Array) -> Array:
    return np.exp(z - z.max(axis=-1, keepdims=True))


def _softmax(z: Array) -> Array:
    return _exp(z) / _exp(z).sum(axis=-1, keepdims=True)


def _log_softmax(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(_exp(z).sum(axis=-1, keepdims=True))


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
    return _exp(z) / _exp(z).sum()


@mutant("softmax", "normalised over the batch, not the classes", LAST_AXIS, "euclidesdb #2")
def over_the_batch(z: Array) -> Array:
    e = np.exp(z - z.max(axis=0, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=0, keepdims=True)


@mutant("softmax", "1e-5 added to the sum", "divide by the sum alone: after the shift it is at least 1", "classroom")
def epsilon_in_sum(z: Array) -> Array:
    return _exp(z) / (_exp(z).sum(axis=-1, keepdims=True) + 1e-5)


@mutant(
    "softmax", "sum accumulated in the narrow type", "accumulate in float32", "candle #3727, tract PR 2586", raw=True
)
def narrow_sum(z: Array) -> Array:
    narrow = z.dtype if z.dtype.itemsize == 2 else np.dtype(np.float16)
    e = _exp(z.astype(working_dtype(z.dtype)))
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
    return _softmax(_softmax(z))


@mutant(
    "softmax",
    "probabilities clipped from below at 1e-7",
    "do not clip: take the logarithm by log_softmax",
    "classroom",
)
def clipped(z: Array) -> Array:
    return np.clip(_softmax(z), 1e-7, 1)


@mutant("softmax", "base 2 in place of e", "use exp, not exp2", "classroom")
def base_two(z: Array) -> Array:
    e = np.exp2(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mutant("softmax", "the sign of the logits is wrong: e^−z", "use exp(z), not exp(-z)", "classroom")
def softmin(z: Array) -> Array:
    return _softmax(-z)


@mutant("softmax", "the sum stops before the last class", "sum over all C classes", "classroom")
def last_class_left_out(z: Array) -> Array:
    return _exp(z) / _exp(z)[:, : max(z.shape[1] - 1, 1)].sum(axis=-1, keepdims=True)


@mutant("softmax", "logits divided by √C, as in attention", "leave the logits unscaled", "classroom")
def attention_scaling(z: Array) -> Array:
    return _softmax(z / np.sqrt(z.dtype.type(z.shape[1])))


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
    return _exp(z) / np.sqrt((_exp(z) ** 2).sum(axis=-1, keepdims=True))


@mutant(
    "log_softmax",
    "log(softmax(z)): −∞ where the probability underflows",
    FROM_LOG,
    "deeplearning4j #785, keras #7563, onnx PR 8423",
)
def log_of_softmax(z: Array) -> Array:
    return np.log(_softmax(z))


@mutant("log_softmax", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def log_unshifted(z: Array) -> Array:
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@mutant("log_softmax", "probabilities clipped at 1e-12 before the logarithm", FROM_LOG, "classroom")
def log_of_clipped(z: Array) -> Array:
    return np.log(np.clip(_softmax(z), 1e-12, 1))


@mutant("log_softmax", "a logarithm to base 10", "use the natural logarithm", "classroom")
def log_base_ten(z: Array) -> Array:
    return _log_softmax(z) / np.log(z.dtype.type(10))


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
    return np.maximum(_log_softmax(z), np.finfo(z.dtype).min)


@mutant("log_softmax", NARROW_SUM, WIDE_SUM, "PyTorch 2.13 on CPU, float16 and bfloat16", raw=True)
def narrow_log_sum(z: Array) -> Array:
    return _narrow_log_sum(z)


@mutant("log_softmax", "softmax without the logarithm", "take the logarithm", "classroom")
def logarithm_forgotten(z: Array) -> Array:
    return _softmax(z)


def _narrow_log_sum(z: Array) -> Array:
    wide = z.astype(working_dtype(z.dtype))
    narrow = z.dtype if z.dtype.itemsize == 2 else np.dtype(np.float16)
    total = _exp(wide).sum(axis=-1, keepdims=True).astype(narrow)
    log_sum = np.log(total.astype(wide.dtype)).astype(narrow)
    return (wide - wide.max(axis=-1, keepdims=True) - log_sum.astype(wide.dtype)).astype(z.dtype)


@mutant("cross_entropy", "the sum over the batch, not the mean", OVER_M, "classroom")
def sum_over_batch(z: Array, y: Array) -> Array:
    return -(y * _log_softmax(z)).sum()


@mutant("cross_entropy", "divided by m·C, the number of entries", OVER_M, "Mate #2")
def mean_over_entries(z: Array, y: Array) -> Array:
    return -(y * _log_softmax(z)).mean()


@mutant(
    "cross_entropy",
    "soft targets are rounded to the class of their largest entry",
    "weigh every class by its target",
    "classroom",
)
def hard_targets(z: Array, y: Array) -> Array:
    return -_log_softmax(z)[np.arange(len(z)), y.argmax(axis=-1)].mean()


@mutant(
    "cross_entropy",
    "softmax applied twice",
    "give the loss logits, not probabilities",
    "DeepLearningExamples #468, keras #6143",
)
def loss_of_softmax(z: Array, y: Array) -> Array:
    return -(y * _log_softmax(_softmax(z))).sum() / len(z)


@mutant("cross_entropy", "1e-7 added inside the logarithm: no loss above 16.12", FROM_LOG, "keras #7563")
def epsilon_in_logarithm(z: Array, y: Array) -> Array:
    return -(y * np.log(_softmax(z) + 1e-7)).sum() / len(z)


@mutant("cross_entropy", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def loss_unshifted(z: Array, y: Array) -> Array:
    return -(y * (z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))).sum() / len(z)


@mutant("cross_entropy", "0 · log 0 is NaN where a probability underflows", FROM_LOG, "optax #896, optax PR 1762")
def zero_times_infinity(z: Array, y: Array) -> Array:
    return -(y * np.log(_softmax(z))).sum() / len(z)


@mutant("cross_entropy", "the minus sign is missing", "J = −Σ y log a", "classroom")
def sign_lost(z: Array, y: Array) -> Array:
    return (y * _log_softmax(z)).sum() / len(z)


@mutant("cross_entropy", "a logarithm to base 2: bits, not nats", "use the natural logarithm", "classroom")
def bits(z: Array, y: Array) -> Array:
    return -(y * _log_softmax(z)).sum() / len(z) / np.log(z.dtype.type(2))


@mutant(
    "cross_entropy", "the classes that are wrong are charged too: (1 − y) log(1 − a)", "sum y log a alone", "classroom"
)
def binary_terms(z: Array, y: Array) -> Array:
    a = _softmax(z)
    return -(y * _log_softmax(z) + (1 - y) * np.log1p(-np.minimum(a, 1 - 1e-7))).sum() / len(z)


@mutant("cross_entropy", "a sigmoid of each logit in place of softmax", "use log-softmax over the classes", "classroom")
def sigmoid_loss(z: Array, y: Array) -> Array:
    return (y * np.logaddexp(0, -z)).sum() / len(z)


@mutant("cross_entropy", "logits taken for probabilities", "pass logits through log-softmax first", "keras #6143")
def logits_as_probabilities(z: Array, y: Array) -> Array:
    return -(y * np.log(np.clip(z, 1e-7, 1))).sum() / len(z)


@mutant("cross_entropy", "labels smoothed by 0.1 unasked", "take the targets as they are", "classroom")
def smoothed(z: Array, y: Array) -> Array:
    return -((0.9 * y + 0.1 / z.shape[1]) * _log_softmax(z)).sum() / len(z)


@mutant("cross_entropy", "the sum stops before the last class", "sum over all C classes", "classroom")
def loss_last_class_left_out(z: Array, y: Array) -> Array:
    kept = max(z.shape[1] - 1, 1)
    return -(y * _log_softmax(z))[:, :kept].sum() / len(z)


@mutant("cross_entropy", NARROW_SUM, WIDE_SUM, "PyTorch 2.13 on CPU, float16 and bfloat16", raw=True)
def loss_narrow_log_sum(z: Array, y: Array) -> Array:
    terms = y * _narrow_log_sum(z)  # rounded, as y and the logarithms are narrow
    total = terms.astype(working_dtype(z.dtype)).sum().astype(z.dtype)
    return np.asarray(-total / z.dtype.type(len(z))).astype(z.dtype)


@mutant("cross_entropy_gradient", "not divided by m", OVER_M, "swift-apis PR 42")
def not_over_m(z: Array, y: Array) -> Array:
    return _softmax(z) - y


@mutant("cross_entropy_gradient", "divided by m twice", OVER_M, "mxnet #4761")
def over_m_twice(z: Array, y: Array) -> Array:
    return (_softmax(z) - y) / len(z) ** 2


@mutant("cross_entropy_gradient", "divided by m·C, the number of entries", OVER_M, "Mate #2")
def over_entries(z: Array, y: Array) -> Array:
    return (_softmax(z) - y) / z.size


@mutant(
    "cross_entropy_gradient", "target minus prediction: the sign is wrong", "softmax(z) - y, in this order", "classroom"
)
def reversed_sign(z: Array, y: Array) -> Array:
    return (y - _softmax(z)) / len(z)


@mutant("cross_entropy_gradient", "the target is not subtracted", "softmax(z) - y", "classroom")
def target_forgotten(z: Array, y: Array) -> Array:
    return _softmax(z) / len(z)


@mutant(
    "cross_entropy_gradient",
    "multiplied by a(1 − a), the derivative of a sigmoid",
    "the Jacobian of softmax is already in ŷ − y",
    "classroom",
)
def sigmoid_derivative(z: Array, y: Array) -> Array:
    a = _softmax(z)
    return (a - y) * a * (1 - a) / len(z)


@mutant(
    "cross_entropy_gradient", "a sigmoid of each logit in place of softmax", "use softmax over the classes", "classroom"
)
def gradient_of_sigmoid(z: Array, y: Array) -> Array:
    return (1 / (1 + np.exp(-z)) - y) / len(z)


@mutant(
    "cross_entropy_gradient",
    "soft targets are rounded to the class of their largest entry",
    "weigh every class by its target",
    "classroom",
)
def gradient_of_hard_targets(z: Array, y: Array) -> Array:
    return (_softmax(z) - np.eye(z.shape[1], dtype=z.dtype)[y.argmax(axis=-1)]) / len(z)


@mutant("cross_entropy_gradient", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def gradient_unshifted(z: Array, y: Array) -> Array:
    e = np.exp(z)
    return (e / e.sum(axis=-1, keepdims=True) - y) / len(z)


@mutant("cross_entropy_gradient", "probabilities clipped from below at 1e-7", "do not clip", "classroom")
def gradient_of_clipped(z: Array, y: Array) -> Array:
    return (np.clip(_softmax(z), 1e-7, 1) - y) / len(z)


@mutant(
    "cross_entropy_gradient",
    "labels smoothed by 0.1 unasked",
    "take the targets as they are",
    "classroom",
)
def gradient_of_smoothed(z: Array, y: Array) -> Array:
    return (_softmax(z) - (0.9 * y + 0.1 / z.shape[1])) / len(z)


@mutant("cross_entropy_gradient", "normalised over the batch, not the classes", LAST_AXIS, "euclidesdb #2, in softmax")
def gradient_over_the_batch(z: Array, y: Array) -> Array:
    e = np.exp(z - z.max(axis=0, keepdims=True, initial=-np.inf))
    return (e / e.sum(axis=0, keepdims=True) - y) / len(z)


@mutant("cross_entropy_gradient", "the sum stops before the last class", "sum over all C classes", "classroom")
def gradient_last_class_left_out(z: Array, y: Array) -> Array:
    e = _exp(z)
    return (e / e[:, : max(z.shape[1] - 1, 1)].sum(axis=-1, keepdims=True) - y) / len(z)


@mutant(
    "cross_entropy_gradient",
    "the chain rule through log-probabilities that were rounded to the narrow type",
    "subtract the target from softmax in float32, and round the result once",
    "PyTorch 2.13 on CPU, float16 and bfloat16",
    raw=True,
)
def gradient_through_narrow_logarithms(z: Array, y: Array) -> Array:
    wide = working_dtype(z.dtype)
    share = np.asarray(1 / max(len(z), 1), z.dtype)
    dl = (-y * share).astype(wide)
    a = np.exp(_narrow_log_sum(z).astype(wide))
    return (dl - a * dl.sum(axis=-1, keepdims=True)).astype(z.dtype)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
