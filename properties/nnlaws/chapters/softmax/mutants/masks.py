"""Mistakes where all classes of a block are masked, so that its maximum is −∞. `seen` as in `at_size`."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.chapters.softmax.mutants.at_size import BLOCK, CLASSROOM, losses_of, online
from nnlaws.chapters.softmax.mutants.common import exp

NO_RISE = "where the maximum so far is −∞, subtract 0 in its place: −∞ − (−∞) is NaN"


@mutant(
    "softmax",
    "where all classes of the first tile of 256 are masked, the maximum so far is −∞, and −∞ − (−∞) is NaN",
    NO_RISE,
    "flashinfer PR 4401, in attention",
)
def first_tile_masked_is_nan(z: Array) -> Array:
    return exp(z) / online(z, lambda factors: factors, -np.inf)


@mutant(
    "log_softmax",
    "more than 1024 classes are split in four, each less its own maximum: where a split is masked, that is NaN",
    NO_RISE,
    CLASSROOM,
)
def log_masked_split_is_nan(z: Array) -> Array:
    parts = np.array_split(z, 4, axis=1) if z.shape[1] > BLOCK else [z]
    tops = np.stack([part.max(axis=-1, keepdims=True) for part in parts])
    sums = np.stack([np.exp(part - top).sum(axis=-1, keepdims=True) for part, top in zip(parts, tops, strict=True)])
    highest = tops.max(axis=0)
    return z - highest - np.log((sums * np.exp(tops - highest)).sum(axis=0))


@mutant(
    "cross_entropy",
    "where all classes of the first tile of 256 are masked, the maximum so far is −∞, and the loss NaN",
    NO_RISE,
    "flash-attention #1930",
)
def loss_first_tile_masked_is_nan(z: Array, y: Array) -> Array:
    total = online(z, lambda factors: factors, -np.inf)
    return losses_of(y, z - z.max(axis=-1, keepdims=True) - np.log(total)).sum() / len(z)


@mutant(
    "cross_entropy_gradient",
    "where all classes of the first tile of 256 are masked, the maximum so far is −∞, and the gradient NaN",
    NO_RISE,
    CLASSROOM,
)
def gradient_first_tile_masked_is_nan(z: Array, y: Array) -> Array:
    return (exp(z) / online(z, lambda factors: factors, -np.inf) - y) / max(len(z), 1)


MUTANTS: tuple[Mutant, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Mutant))
