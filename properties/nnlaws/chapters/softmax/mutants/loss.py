"""Mistakes in cross entropy and its gradient.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.common import (
    FROM_LOG,
    LAST_AXIS,
    NARROW_SUM,
    OVER_M,
    SHIFT,
    WIDE_SUM,
    exp,
    narrow_log_sum_of,
    right_log_softmax,
    right_softmax,
)


@mutant("cross_entropy", "the sum over the batch, not the mean", OVER_M, "classroom")
def sum_over_batch(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(z)).sum()


@mutant("cross_entropy", "divided by m·C, the number of entries", OVER_M, "Mate #2")
def mean_over_entries(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(z)).mean()


@mutant(
    "cross_entropy",
    "soft targets are rounded to the class of their largest entry",
    "weigh every class by its target",
    "classroom",
)
def hard_targets(z: Array, y: Array) -> Array:
    return -right_log_softmax(z)[np.arange(len(z)), y.argmax(axis=-1)].mean()


@mutant(
    "cross_entropy",
    "softmax applied twice",
    "give the loss logits, not probabilities",
    "DeepLearningExamples #468, keras #6143",
)
def loss_of_softmax(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(right_softmax(z))).sum() / len(z)


@mutant("cross_entropy", "1e-7 added inside the logarithm: no loss above 16.12", FROM_LOG, "keras #7563")
def epsilon_in_logarithm(z: Array, y: Array) -> Array:
    return -(y * np.log(right_softmax(z) + 1e-7)).sum() / len(z)


@mutant("cross_entropy", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def loss_unshifted(z: Array, y: Array) -> Array:
    return -(y * (z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))).sum() / len(z)


@mutant("cross_entropy", "0 · log 0 is NaN where a probability underflows", FROM_LOG, "optax #896, optax PR 1762")
def zero_times_infinity(z: Array, y: Array) -> Array:
    return -(y * np.log(right_softmax(z))).sum() / len(z)


@mutant("cross_entropy", "the minus sign is missing", "J = −Σ y log a", "classroom")
def sign_lost(z: Array, y: Array) -> Array:
    return (y * right_log_softmax(z)).sum() / len(z)


@mutant("cross_entropy", "a logarithm to base 2: bits, not nats", "use the natural logarithm", "classroom")
def bits(z: Array, y: Array) -> Array:
    return -(y * right_log_softmax(z)).sum() / len(z) / np.log(z.dtype.type(2))


@mutant(
    "cross_entropy", "the classes that are wrong are charged too: (1 − y) log(1 − a)", "sum y log a alone", "classroom"
)
def binary_terms(z: Array, y: Array) -> Array:
    a = right_softmax(z)
    return -(y * right_log_softmax(z) + (1 - y) * np.log1p(-np.minimum(a, 1 - 1e-7))).sum() / len(z)


@mutant("cross_entropy", "a sigmoid of each logit in place of softmax", "use log-softmax over the classes", "classroom")
def sigmoid_loss(z: Array, y: Array) -> Array:
    return (y * np.logaddexp(0, -z)).sum() / len(z)


@mutant("cross_entropy", "logits taken for probabilities", "pass logits through log-softmax first", "keras #6143")
def logits_as_probabilities(z: Array, y: Array) -> Array:
    return -(y * np.log(np.clip(z, 1e-7, 1))).sum() / len(z)


@mutant("cross_entropy", "labels smoothed by 0.1 unasked", "take the targets as they are", "classroom")
def smoothed(z: Array, y: Array) -> Array:
    return -((0.9 * y + 0.1 / z.shape[1]) * right_log_softmax(z)).sum() / len(z)


@mutant("cross_entropy", "the sum stops before the last class", "sum over all C classes", "classroom")
def loss_last_class_left_out(z: Array, y: Array) -> Array:
    kept = max(z.shape[1] - 1, 1)
    return -(y * right_log_softmax(z))[:, :kept].sum() / len(z)


@mutant("cross_entropy", NARROW_SUM, WIDE_SUM, "PyTorch 2.13 on CPU, float16 and bfloat16", raw=True)
def loss_narrow_log_sum(z: Array, y: Array) -> Array:
    terms = y * narrow_log_sum_of(z)  # rounded, as y and the logarithms are narrow
    total = terms.astype(working_dtype(z.dtype)).sum().astype(z.dtype)
    return np.asarray(-total / z.dtype.type(len(z))).astype(z.dtype)


@mutant("cross_entropy_gradient", "not divided by m", OVER_M, "swift-apis PR 42")
def not_over_m(z: Array, y: Array) -> Array:
    return right_softmax(z) - y


@mutant("cross_entropy_gradient", "divided by m twice", OVER_M, "mxnet #4761")
def over_m_twice(z: Array, y: Array) -> Array:
    return (right_softmax(z) - y) / len(z) ** 2


@mutant("cross_entropy_gradient", "divided by m·C, the number of entries", OVER_M, "Mate #2")
def over_entries(z: Array, y: Array) -> Array:
    return (right_softmax(z) - y) / z.size


@mutant(
    "cross_entropy_gradient", "target minus prediction: the sign is wrong", "softmax(z) - y, in this order", "classroom"
)
def reversed_sign(z: Array, y: Array) -> Array:
    return (y - right_softmax(z)) / len(z)


@mutant("cross_entropy_gradient", "the target is not subtracted", "softmax(z) - y", "classroom")
def target_forgotten(z: Array, y: Array) -> Array:
    return right_softmax(z) / len(z)


@mutant(
    "cross_entropy_gradient",
    "multiplied by a(1 − a), the derivative of a sigmoid",
    "the Jacobian of softmax is already in ŷ − y",
    "classroom",
)
def sigmoid_derivative(z: Array, y: Array) -> Array:
    a = right_softmax(z)
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
    return (right_softmax(z) - np.eye(z.shape[1], dtype=z.dtype)[y.argmax(axis=-1)]) / len(z)


@mutant("cross_entropy_gradient", "no shift by the maximum: e^z overflows", SHIFT, "pytorch PR 63132, in softmax")
def gradient_unshifted(z: Array, y: Array) -> Array:
    e = np.exp(z)
    return (e / e.sum(axis=-1, keepdims=True) - y) / len(z)


@mutant("cross_entropy_gradient", "probabilities clipped from below at 1e-7", "do not clip", "classroom")
def gradient_of_clipped(z: Array, y: Array) -> Array:
    return (np.clip(right_softmax(z), 1e-7, 1) - y) / len(z)


@mutant(
    "cross_entropy_gradient",
    "labels smoothed by 0.1 unasked",
    "take the targets as they are",
    "classroom",
)
def gradient_of_smoothed(z: Array, y: Array) -> Array:
    return (right_softmax(z) - (0.9 * y + 0.1 / z.shape[1])) / len(z)


@mutant("cross_entropy_gradient", "normalised over the batch, not the classes", LAST_AXIS, "euclidesdb #2, in softmax")
def gradient_over_the_batch(z: Array, y: Array) -> Array:
    e = np.exp(z - z.max(axis=0, keepdims=True, initial=-np.inf))
    return (e / e.sum(axis=0, keepdims=True) - y) / len(z)


@mutant("cross_entropy_gradient", "the sum stops before the last class", "sum over all C classes", "classroom")
def gradient_last_class_left_out(z: Array, y: Array) -> Array:
    e = exp(z)
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
    a = np.exp(narrow_log_sum_of(z).astype(wide))
    return (dl - a * dl.sum(axis=-1, keepdims=True)).astype(z.dtype)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
