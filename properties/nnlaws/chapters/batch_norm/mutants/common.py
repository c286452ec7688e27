"""What the mistakes in batch norm share: the right steps, some wrong ones, and the cures."""

import numpy as np
from nnlaws_reference.dtypes import Array

Pair = tuple[Array, Array]
Triple = tuple[Array, Array, Array]

BIASED = "divide by m, the number of samples: z.var(axis=0)"
TWO_PASS = "average the squared deviations from the mean: ((z - mean) ** 2).mean(axis=0)"
OVER_SAMPLES = "reduce over all the samples and nothing else: axis=0"
ROOT = "divide by the root of the sum: np.sqrt(var + eps)"
EPSILON_GIVEN = "use the eps that is given"
AFFINE = "gamma * z_norm + beta, one of each a feature"
VARIANCE_ITSELF = "return the variance by itself: z.var(axis=0)"
SHARE = "in the mean over m samples, each has weight 1/m, in every term"
WHOLE_GRADIENT = "dz = gamma / np.sqrt(var + eps) * (dout - dout.mean(axis=0) - z_norm * (dout * z_norm).mean(axis=0))"
SUMS = "dgamma = (dout * z_norm).sum(axis=0) and dbeta = dout.sum(axis=0)"
AVERAGE = "mean = decay * mean + (1 - decay) * batch.mean(axis=0), once for each batch, and the same for var"
START = "start from mean 0 and variance 1, and correct nothing"
KEPT = "normalise by the averages kept: gamma * (z - mean) / np.sqrt(var + eps) + beta"
FOLD = "a = gamma / np.sqrt(var + eps), and out = z * a + (beta - mean * a)"
WIDE = "accumulate in float32, and round the result once"
NO_SAMPLES = "raise an error, or leave the averages as they were"


def two_pass(z: Array) -> Pair:
    if not len(z):
        raise ValueError("no samples")
    mean = z.mean(axis=0)
    return mean, ((z - mean) ** 2).mean(axis=0)


def unbiased(z: Array) -> Pair:
    """One sample has no unbiased variance; it is given the biased one here, for the NaN is a mistake of its own."""
    mean, var = two_pass(z)
    return mean, var * len(z) / max(len(z) - 1, 1)


def nan_for_one(z: Array) -> Pair:
    mean, _ = two_pass(z)
    unbiased = ((z - mean) ** 2).sum(axis=0) / (len(z) - 1)
    return mean, unbiased * (len(z) - 1) / len(z)


def one_pass_of(z: Array) -> Pair:
    mean, _ = two_pass(z)
    return mean, np.maximum((z * z).mean(axis=0) - mean * mean, 0)


def normalised(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float) -> Array:
    return gamma * ((z - mean) / np.sqrt(var + eps)) + beta


def trained(z: Array, gamma: Array, beta: Array, eps: float, statistics: Pair) -> Triple:
    mean, var = statistics
    return normalised(z, gamma, beta, mean, var, eps), mean, var


def narrow_sum(terms: Array, narrow: np.dtype[np.generic]) -> Array:
    total = np.zeros(terms.shape[1:], narrow)
    for term in terms:
        total = (total + term.astype(narrow)).astype(narrow)
    return total.astype(terms.dtype)


def narrowed(z: Array, results: Triple) -> Triple:
    out, mean, var = results
    return out.astype(z.dtype), mean.astype(z.dtype), var.astype(z.dtype)
