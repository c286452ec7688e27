"""Laws at size, and mini-batches made for them: on these a sample or a feature lost, doubled, misplaced or badly
weighed shows.
"""

from collections.abc import Callable, Sequence

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import positions, sized, tiled
from nnlaws.authoring.case import Builder, Family, Inputs
from nnlaws.authoring.counting import Counting, Range
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Subject
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters.batch_norm.operations import (
    BATCH_NORM_BACKWARD,
    BATCH_NORM_INFERENCE,
    BATCH_NORM_RUNNING,
    BATCH_NORM_TRAIN,
)
from nnlaws.rounding.formats import Floats, Format

EPS = 1e-5
DECAY = 0.9
FEATURES = 61  # different ones, where there are more
COUNTED = 32  # samples that are not 0, of a feature

Shape = tuple[int, int]


def _balanced(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    samples, features = shape
    z, half = np.zeros(shape), (samples - 1) // 2
    for feature in range(features):
        z[1 : 1 + 2 * half, feature] = random.permutation(np.repeat([1.0, -1.0], half))
    return z


def _counts(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z = np.zeros(shape)
    for feature in range(shape[1]):
        z[positions(shape[0], COUNTED, random), feature] = 1.0
    return z


def _levels(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    samples, features = shape
    z = np.rint(random.uniform(-2, 2, (samples // 512 + 1, features)))[np.arange(samples) // 512]
    z[samples - (samples % 1024 or 64) :] += 8
    return z + np.where(random.random(shape) < 0.5, 1.0, -1.0)


def _pairs(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z = _counts(random, shape, level)
    for feature in range(shape[1]):
        there = random.permutation(np.flatnonzero(z[:, feature]))
        z[there[: len(there) // 2], feature] = -1.0
        if len(there) % 2:
            z[there[-1], feature] = 0.0
    return z


def _gauss(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return 1.0 + random.standard_normal(shape)


def _offset(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return 2048.0 + random.standard_normal(shape)


def _features(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return tiled(_gauss(random, (shape[0], min(shape[1], FEATURES)), level), shape[1], 1)


BATCHES: dict[str, Family] = {
    "balanced": _balanced,
    "counts": _counts,
    "levels": _levels,
    "pairs": _pairs,
    "gauss": _gauss,
    "offset": _offset,
    "features": _features,
}
"""As many 1 as −1, the first sample 0; few samples are 1, where kernels go wrong, the others 0; blocks of samples of
whole means, the last of all far from the others: merging must weigh them; few are 1 or −1, as many of each; bell-shaped
about 1; about 2048, where E[z²] − μ² has no digits left; about 1, with the same features over and over."""


def _aligned(random: np.random.Generator, z: Floats) -> Floats:
    return z * (random.random(z.shape) < 0.8)


def _counted(random: np.random.Generator, z: Floats) -> Floats:
    return _counts(random, (z.shape[0], z.shape[1]), 0.0)


UPSTREAM: dict[str, Callable[[np.random.Generator, Floats], Floats]] = {
    "balanced": _aligned,
    "pairs": lambda random, z: np.ones_like(z),
    "levels": lambda random, z: np.ones_like(z),
    "features": lambda random, z: tiled(_pairs(random, (len(z), min(z.shape[1], FEATURES)), 0.0), z.shape[1], 1),
}
"""What comes from above: of most batches "counts"; mostly along z itself; all 1, twice; whole numbers that repeat."""


def batch(case: Case, format: Format, stream: str = "plates") -> Array:
    """z of the case."""
    if case.family not in BATCHES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(BATCHES)}")
    return BATCHES[case.family](case.random(stream), (case.m, case.columns), 0.0).astype(format.dtype)


def _numbers(case: Case, format: Format, stream: str, choices: tuple[float, ...]) -> Array:
    """One of the choices a feature: over and over, as the features come."""
    different = case.random(stream).choice(choices, min(case.columns, FEATURES))
    return tiled(different, case.columns, 0).astype(format.dtype)


def _scale(case: Case, format: Format) -> Array:
    return _numbers(case, format, "gamma", (1.0, -1.0, 0.5, 2.0))


def _shift(case: Case, format: Format) -> Array:
    return _numbers(case, format, "beta", (0.0, 1.0, -2.0))


def train_inputs(case: Case, format: Format) -> Inputs:
    """z, γ and β, which no product with rounds, and ε."""
    return Inputs((batch(case, format), _scale(case, format), _shift(case, format)), {}, {"eps": EPS})


def backward_inputs(case: Case, format: Format) -> Inputs:
    """dout, z, γ and ε."""
    z, random = batch(case, format), case.random("upstream")
    dout = UPSTREAM.get(case.family, _counted)(random, z.astype(np.float64)).astype(format.dtype)
    return Inputs((dout, z, _scale(case, format)), {}, {"eps": EPS})


def running_inputs(case: Case, format: Format) -> Inputs:
    """One mini-batch more than the group's number, and a decay."""
    batches = [batch(case, format, f"plates {t}") for t in range(1 + case.group)]
    return Inputs((np.stack(batches),), {}, {"decay": DECAY})


def inference_inputs(case: Case, format: Format) -> Inputs:
    """z, γ, β, averages and ε."""
    averages = _numbers(case, format, "mean", (0.5, 1.0, -1.0)), _numbers(case, format, "var", (1.0, 4.0, 0.25))
    return Inputs((batch(case, format), _scale(case, format), _shift(case, format), *averages), {}, {"eps": EPS})


BUILDERS: dict[Operation, Builder] = {
    BATCH_NORM_TRAIN: train_inputs,
    BATCH_NORM_BACKWARD: backward_inputs,
    BATCH_NORM_RUNNING: running_inputs,
    BATCH_NORM_INFERENCE: inference_inputs,
}

_MANY, _MANY_FEATURES = Case(513, 515, "features", 0, 0), Case(5, 65_537 + 62, "features", 0, 0)
CASES: dict[Operation, tuple[Case, ...]] = {
    BATCH_NORM_TRAIN: (
        Case(1025, 8, "gauss", 0, 0),
        Case(1027, 2, "offset", 0, 0),
        Case(4096, 2, "counts", 0, 0),
        Case(4095, 4, "balanced", 0, 0),
        Case(4097, 4, "counts", 0, 0),
        Case(8193, 4, "levels", 0, 0),
        Case(32_767, 2, "pairs", 0, 0),
        Case(2049, 48, "gauss", 0, 0),
        Case(65_537 + 255, 2, "levels", 0, 0),
        Case(65_537 + 255, 2, "counts", 0, 0),
        _MANY,
        _MANY_FEATURES,
    ),
    BATCH_NORM_BACKWARD: (
        Case(1027, 2, "offset", 0, 0),
        Case(4095, 4, "balanced", 0, 0),
        Case(8193, 4, "gauss", 0, 0),
        Case(32_767, 2, "pairs", 0, 0),
        Case(2049, 48, "gauss", 0, 0),
        Case(65_537 + 255, 2, "counts", 0, 0),
        Case(65_537 + 255, 1, "levels", 0, 0),
        _MANY,
        _MANY_FEATURES,
    ),
    BATCH_NORM_RUNNING: (
        Case(3, 2, "gauss", 0, 299 * TOGETHER),
        Case(1025, 4, "gauss", 0, 0),
        Case(1027, 2, "offset", 0, 0),
        Case(1025, 4, "levels", 0, TOGETHER),
        Case(4095, 4, "balanced", 0, 2 * TOGETHER),
        Case(8193, 4, "levels", 0, TOGETHER),
        Case(65_537 + 255, 2, "levels", 0, 0),
        Case(65_537 + 255, 2, "counts", 0, TOGETHER),
        Case(129, 515, "features", 0, TOGETHER),
        _MANY_FEATURES,
    ),
    BATCH_NORM_INFERENCE: (
        Case(1027, 130, "gauss", 0, 0),
        Case(65_537 + 255, 3, "gauss", 0, 0),
        _MANY,
        _MANY_FEATURES,
    ),
}
_IMAGES = Case(100_352, 64, "counts", 0, 0), Case(1_000_003, 2, "counts", 0, 0)
LARGEST: dict[Operation, tuple[Case, ...]] = {
    BATCH_NORM_TRAIN: (*_IMAGES, Case(100_352, 64, "gauss", 0, 0)),
    BATCH_NORM_BACKWARD: (*_IMAGES, Case(100_352, 64, "gauss", 0, 0)),
    BATCH_NORM_RUNNING: (*_IMAGES, Case(3, 2, "counts", 0, 9_999 * TOGETHER)),
    BATCH_NORM_INFERENCE: (
        Case(100_352, 64, "gauss", 0, 0),
        Case(500_009, 5, "gauss", 0, 0),
        Case(3_400_003, 5, "gauss", 0, 0),
    ),
}

_STATEMENTS = {
    BATCH_NORM_TRAIN: ("BN-4", "out is γ z_norm + β"),
    BATCH_NORM_BACKWARD: ("BN-13", "dz is the gradient in z"),
    BATCH_NORM_RUNNING: ("BN-18", "the mean is the weighted average of the batches' means"),
    BATCH_NORM_INFERENCE: ("BN-21", "out is γ (z − mean)/√(var + ε) + β"),
}


def _without(arguments: tuple[Array, ...], count: int) -> tuple[tuple[Array, ...], list[int]]:
    """Without the last samples that are not 0, or in which nothing comes from above, of the first feature."""
    first, *others = arguments
    less = first.copy()
    column = less[..., 0] if less.ndim == 2 else less[0, :, 0]
    places = np.flatnonzero(column)[-count:]
    column[places] = 0
    return (less, *others), places.tolist()


def _ranges(format: Format, size: int, ranges: Sequence[Range]) -> Array:
    """A feature for each range, whose samples are 1, all others 0."""
    z = np.zeros((size, len(ranges)), format.dtype)
    for feature, (low, high) in enumerate(ranges):
        z[low:high, feature] = 1
    return z


def _by_mean(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    z, one = _ranges(format, size, ranges)[None], np.ones((1, len(ranges)), format.dtype)
    _, mean, _ = f.results(z, one, 0 * one, eps=EPS)
    return (size * mean[0]).tolist()


def _by_shift(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    dout, one = _ranges(format, size, ranges)[None], np.ones((1, len(ranges)), format.dtype)
    *_, dbeta = f.results(dout, dout, one, eps=EPS)
    return dbeta[0].tolist()


def _by_average(f: Subject, format: Format, size: int, ranges: Sequence[Range]) -> list[float]:
    mean = f(_ranges(format, size, ranges)[None, None], decay=DECAY)
    return (size * mean[0] / (1 - DECAY)).tolist()


COUNTINGS = {BATCH_NORM_TRAIN: _by_mean, BATCH_NORM_BACKWARD: _by_shift, BATCH_NORM_RUNNING: _by_average}
"""What the results for a feature of 0 and 1 say of the number of its ones."""


def _sized(operation: Operation, clause: str, statement: str) -> Law:
    counted, build, cases = COUNTINGS.get(operation), BUILDERS[operation], CASES[operation]
    counting = counted and Counting("sample", "samples", "m", "balanced", _without, counted)
    return sized(clause, operation, build, cases, statement, counting=counting, largest=LARGEST[operation])


LAWS: tuple[Law, ...] = tuple(_sized(operation, *texts) for operation, texts in _STATEMENTS.items())
