"""Mistakes in batch norm that show at some options alone: an ε about σ², or 0; a decay of 0 or 1, or of many batches.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, mutant
from nnlaws.chapters.batch_norm.mutants.common import (
    AVERAGE,
    EPSILON_GIVEN,
    KEPT,
    ROOT,
    Pair,
    Triple,
    normalised,
    trained,
    two_pass,
)

OPERATIONS = ("batch_norm_train", "batch_norm_backward", "batch_norm_inference")
DECAY_GIVEN = "use the decay that is given, 0 and 1 too"


def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    return trained(z, gamma, beta, eps, two_pass(z))


def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    root = np.sqrt(var + eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / root * (dout - dbeta / len(z) - z_norm * (dgamma / len(z))), dgamma, dbeta


def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return normalised(z, gamma, beta, mean, var, eps)


def averaged(batches: Array, decay: Callable[[int], float]) -> Pair:
    """Exponentially weighted from mean 0 and variance 1, with a decay of its own for batch t = 0, 1 ..."""
    mean, var = np.zeros(batches.shape[-1], batches.dtype), np.ones(batches.shape[-1], batches.dtype)
    for t, batch in enumerate(batches):
        new_mean, new_var = two_pass(batch)
        mean, var = (decay(t) * old + (1 - decay(t)) * new for old, new in ((mean, new_mean), (var, new_var)))
    return mean, var


RIGHT: dict[str, Implementation] = dict(zip(OPERATIONS, (train, backward, inference), strict=True))


def _with_eps(name: str, fault: str, seen: str, change: Callable[[float], float]) -> list[Mutant]:
    """The mistake in each operation that takes an ε: another one is used in place of that which is given."""

    def of(operation: str) -> Mutant:
        def function(*arguments: Array, eps: float) -> Array | Triple:
            return RIGHT[operation](*arguments, eps=change(eps))

        function.__name__ = name
        return mutant(operation, fault, EPSILON_GIVEN, seen)(function)

    return [of(operation) for operation in OPERATIONS]


EPSILONS: list[Mutant] = [
    *_with_eps(
        "epsilon_below_limit",
        "an ε below 1e-5, but 0, becomes 1e-5",
        "tensorflow #37768, of CUDNN_BN_MIN_EPSILON",
        lambda eps: max(eps, 1e-5) if eps else eps,
    ),
    *_with_eps(
        "epsilon_zero_for_default",
        "an ε of 0 counts as none given: 1e-5",
        "classroom: eps or 1e-5",
        lambda eps: eps or 1e-5,
    ),
    *_with_eps(
        "epsilon_increased",
        "1e-12 is added to an ε of 1e-5 and less",
        "tensorflow #8090",
        lambda eps: eps if eps > 1e-5 else eps + 1e-12,
    ),
    *_with_eps(
        "epsilon_in_half",
        "ε is rounded to float16: 1e-5 to 1.0014e-5, and 1e-8 to 0",
        "classroom: a constant in the type of the weights",
        lambda eps: float(np.float16(eps)),
    ),
]


@mutant(
    "batch_norm_train",
    "a variance below 1e-8 counts as none: the feature is constant",
    "divide by the root of variance plus ε, whatever the variance",
    "classroom",
)
def small_variance_ignored(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return np.where(var < 1e-8, beta, normalised(z, gamma, beta, mean, np.maximum(var, 1e-30), eps)), mean, var


@mutant(
    "batch_norm_inference",
    "a variance below 1e-6 becomes 1",
    "divide by the root of variance plus ε, whatever the variance",
    "classroom",
)
def inference_small_variance_replaced(
    z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> Array:
    return normalised(z, gamma, beta, mean, np.where(var < 1e-6, 1, var), eps)


@mutant(
    "batch_norm_train",
    "the variance handed on is taken back from 1/√(σ² + ε): digits cancel where σ² is small beside ε",
    "hand on the variance that the root was taken of",
    "pytorch #22192, in SyncBatchNorm",
)
def variance_from_inverse(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    out, mean, var = trained(z, gamma, beta, eps, two_pass(z))
    inverse = 1 / np.sqrt(var + z.dtype.type(eps))
    return out, mean, np.where(var > 0, (1 / inverse) ** 2 - z.dtype.type(eps), var)


@mutant(
    "batch_norm_train",
    "what is normalised already, mean 0 and variance 1, is left as it is, without ε",
    ROOT,
    "classroom",
)
def normalised_already(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    ready = (np.abs(mean) < 1e-6) & (np.abs(var - 1) < 1e-6)
    return np.where(ready, gamma * z + beta, normalised(z, gamma, beta, mean, var, eps)), mean, var


@mutant("batch_norm_inference", "averages of 0 and 1 are left out, and ε with them", KEPT, "classroom")
def initial_averages_left_out(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    initial = (mean == 0).all() and (var == 1).all()
    return gamma * z + beta if initial else normalised(z, gamma, beta, mean, var, eps)


@mutant("batch_norm_running", "a decay of 0 counts as none given: 0.9", DECAY_GIVEN, "classroom: decay or 0.9")
def decay_zero_for_default(batches: Array, *, decay: float) -> Pair:
    return averaged(batches, lambda t: decay or 0.9)


@mutant(
    "batch_norm_running",
    "a decay of 1, a weight of 0 for the new, counts as none given: a plain average",
    DECAY_GIVEN,
    "svishwa/crowdcount-mcnn #64, a momentum of 0",
)
def decay_one_for_cumulative(batches: Array, *, decay: float) -> Pair:
    return averaged(batches, lambda t: t / (t + 1) if decay == 1 else decay)


@mutant("batch_norm_running", "a decay above 0.999 becomes 0.999", DECAY_GIVEN, "classroom")
def decay_limited(batches: Array, *, decay: float) -> Pair:
    return averaged(batches, lambda t: decay if decay in (0, 1) else min(decay, 0.999))


@mutant("batch_norm_running", "averaged over five batches, and no more after them", AVERAGE, "classroom")
def stopped_after_five(batches: Array, *, decay: float) -> Pair:
    return averaged(batches[:5], lambda t: decay)


@mutant("batch_norm_running", "averaged over sixteen batches, and no more after them", AVERAGE, "classroom")
def stopped_after_sixteen(batches: Array, *, decay: float) -> Pair:
    return averaged(batches[:16], lambda t: decay)


@mutant(
    "batch_norm_running",
    "an average of 0 counts as none yet: a batch of mean 0 makes the next one the first",
    AVERAGE,
    "classroom",
)
def zero_mean_starts_anew(batches: Array, *, decay: float) -> Pair:
    mean, var = averaged(batches[:1], lambda t: decay)
    for batch in batches[1:]:
        new_mean, new_var = two_pass(batch)
        kept = np.where(mean == 0, 0, decay)
        mean, var = kept * mean + (1 - kept) * new_mean, kept * var + (1 - kept) * new_var
    return mean, var


MUTANTS: tuple[Mutant, ...] = (*EPSILONS, *(each for each in list(globals().values()) if isinstance(each, Mutant)))
