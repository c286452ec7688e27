"""Mistakes in the mini-batch's statistics that take their noise away, or add to it.

`seen` gives a thread or release; "classroom" means homework.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.batch_norm.mutants.common import OVER_SAMPLES, Triple, trained, two_pass

WIDE_LAYER = 48  # features, more than in nearly all inputs of other laws
GROUP = 8
SQUARES = "square the distances before they are averaged"
PER_FEATURE = "one mean and one variance a feature, of its own samples"


def _groups(x: Array) -> Array:
    """The mean over groups of neighbours, of a layer that is wide; the last group may be smaller."""
    if len(x) < WIDE_LAYER:
        return x
    starts = np.arange(0, len(x), GROUP)
    means = np.add.reduceat(x, starts) / np.diff(np.append(starts, len(x)))
    return np.repeat(means, GROUP)[: len(x)].astype(x.dtype)


@mutant("batch_norm_train", "in wide layers eight neighbours share their variance", PER_FEATURE, "classroom")
def variance_shared_by_neighbours(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    return trained(z, gamma, beta, eps, (mean, _groups(var)))


@mutant("batch_norm_train", "in wide layers σ is √(π/2) times the mean distance from the mean", SQUARES, "classroom")
def variance_of_mean_distances(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    if len(mean) >= WIDE_LAYER:
        var = np.square(np.abs(z - mean).mean(axis=0)) * z.dtype.type(np.pi / 2)
    return trained(z, gamma, beta, eps, (mean, var))


@mutant("batch_norm_train", "in wide layers the last sample is left out of the variance", OVER_SAMPLES, "classroom")
def variance_without_the_last_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    mean, var = two_pass(z)
    if len(mean) >= WIDE_LAYER:
        var = ((z - mean)[:-1] ** 2).sum(axis=0) / z.dtype.type(len(z))
    return trained(z, gamma, beta, eps, (mean, var))


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
