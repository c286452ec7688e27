"""Mistakes in the loss of a sigmoid, and in its gradient."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.losses.mutants.common import UPSTREAM

STABLE = "compute max(z, 0) − z y + log(1 + e^−|z|)"
BOTH = "sum y log σ and (1 − y) log(1 − σ)"


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z > 0, 1 / (1 + e), e / (1 + e))


def _losses(z: Array, y: Array) -> Array:
    return np.where(z > 0, (1 - y) * z, -y * z) + np.log1p(np.exp(-np.abs(z)))


@mutant("sigmoid_losses", "log(1 + e^z) overflows", STABLE, "tinynn PR 7")
def overflows(z: Array, y: Array) -> Array:
    return np.log(1 + np.exp(z)) - z * y


@mutant("sigmoid_losses", "the logarithm of a sigmoid that is 0", STABLE, "candle #2561")
def logarithm_of_zero(z: Array, y: Array) -> Array:
    a = 1 / (1 + np.exp(-z))
    return -y * np.log(a) - (1 - y) * np.log(1 - a)


@mutant("sigmoid_losses", "the sigmoid is clipped at 1e-7: no loss above 16.12", STABLE, "keras-core #196, keras #9247")
def clipped_sigmoid(z: Array, y: Array) -> Array:
    a = np.clip(_sigmoid(z), 1e-7, 1 - 1e-7)
    return -y * np.log(a) - (1 - y) * np.log1p(-a)


@mutant("sigmoid_losses", "max(z, 0) where max(−z, 0) belongs", STABLE, "pytorch PR 2221")
def wrong_side(z: Array, y: Array) -> Array:
    most = np.maximum(z, 0)
    return z - z * y + most + np.log(np.exp(-most) + np.exp(-z - most))


@mutant("sigmoid_losses", "the part of targets that are 0 is left out", BOTH, "classroom")
def positives_alone(z: Array, y: Array) -> Array:
    return y * (np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z))))


@mutant("sigmoid_losses", "soft targets are rounded", BOTH, "classroom")
def rounded_targets(z: Array, y: Array) -> Array:
    return _losses(z, np.rint(y))


@mutant("sigmoid_losses", "targets of −1 and 1 expected", "take targets between 0 and 1", "classroom")
def signed_targets(z: Array, y: Array) -> Array:
    return np.logaddexp(0, -y * z)


@mutant("sigmoid_losses", "the sign of the logit is wrong", STABLE, "classroom")
def of_the_opposite(z: Array, y: Array) -> Array:
    return _losses(-z, y)


@mutant("sigmoid_losses", "divided by the number of classes", "divide where a mean is asked for", "classroom")
def mean_over_classes(z: Array, y: Array) -> Array:
    return _losses(z, y) / z.shape[1]


@mutant("sigmoid_losses", "a softmax over the classes in place of sigmoids", "each class is by itself", "classroom")
def one_softmax(z: Array, y: Array) -> Array:
    below = z - z.max(axis=-1, keepdims=True)
    return -y * (below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))


@mutant("sigmoid_losses_gradient", "what comes from above is left out", UPSTREAM, "classroom")
def above_left_out(z: Array, y: Array, upstream: Array) -> Array:
    return _sigmoid(z) - y


@mutant("sigmoid_losses_gradient", "multiplied by σ(1 − σ) besides", "its factor cancels", "classroom")
def derivative_twice(z: Array, y: Array, upstream: Array) -> Array:
    a = _sigmoid(z)
    return upstream * (a - y) * a * (1 - a)


@mutant("sigmoid_losses_gradient", "target minus prediction: the sign is wrong", "sigmoid minus target", "classroom")
def uphill(z: Array, y: Array, upstream: Array) -> Array:
    return upstream * (y - _sigmoid(z))


@mutant("sigmoid_losses_gradient", "divided by the number of classes", "divide where a mean is asked for", "classroom")
def gradient_over_classes(z: Array, y: Array, upstream: Array) -> Array:
    return upstream * (_sigmoid(z) - y) / z.shape[1]


@mutant("sigmoid_losses_gradient", "the gradient is 0 where the logit is: that of |z|", STABLE, "pytorch PR 1792")
def zero_at_zero(z: Array, y: Array, upstream: Array) -> Array:
    return np.where(z == 0, 0, upstream * (_sigmoid(z) - y))


@mutant("sigmoid_losses_gradient", "the gradient of a sigmoid that is clipped", STABLE, "pytorch #103316")
def clipped_gradient(z: Array, y: Array, upstream: Array) -> Array:
    a = _sigmoid(z)
    return upstream * np.where((a < 1e-7) | (a > 1 - 1e-7), 0, a - y)


@mutant("sigmoid_losses_gradient", "soft targets are rounded", BOTH, "classroom")
def gradient_of_rounded_targets(z: Array, y: Array, upstream: Array) -> Array:
    return upstream * (_sigmoid(z) - np.rint(y))


@mutant(
    "sigmoid_losses_gradient",
    "e^z/(1 + e^z) is NaN where e^z overflows",
    "take 1/(1 + e^−z) where z is above 0",
    "classroom",
)
def infinite_over_infinite(z: Array, y: Array, upstream: Array) -> Array:
    e = np.exp(z)
    return upstream * (e / (1 + e) - y)


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
