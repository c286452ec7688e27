"""Inputs: families of samples, learnable scales and shifts, and what the laws do with them.

A case has `m` samples of `columns` features, a family, a level k, and a seed from which all its numbers follow.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws.authoring import Builder, Case, Family, Inputs, Operation, Range, Strategy, UsageError, cases
from nnlaws.rounding.formats import Format
from nnlaws_reference.dtypes import Array

from layer_norm_chapter.operations import LAYER_NORM, LAYER_NORM_BACKWARD

SAMPLES: Range = (1, 4)  # how many laws draw that are about any number of them
FEATURES: Range = (2, 8)
LEVELS = (1, -1, 3, -3, 12, -12, 60, -90, 150, -200)  # where a cause is sought
LAST = 200  # the level's k: up to LINEAR it is the level itself, from there it grows by a power to TOP
LINEAR = 20
TOP = {"float16": 500.0, "bfloat16": 60.0, "float32": 1e4, "float64": 1e10}
"""The largest mean, in standard deviations of about 1: above it, updating algorithms lose most of the digits, and the
narrow types cannot show so small a deviation."""
REACH = {"float16": 60000.0, "bfloat16": 2.0**40, "float32": 2.0**40, "float64": 2.0**300}
"""The largest |z|: 1/σ³, on the chain rule's way to dz, stays normal in the type computed in; in float16, z itself."""
EPS = (1e-5, 1e-3, 2.0**-10, 0.25, 1.0)


FAMILIES: dict[str, Family] = {
    "constant": lambda random, shape, level: np.full(shape, level),
    "steps": lambda random, shape, level: random.permuted(
        np.rint(level) + np.tile(np.arange(shape[1]) * 1.0, (shape[0], 1)), axis=1
    ),
    "integers": lambda random, shape, level: np.rint(level * (2 * random.random(shape) - 1)),
    "normal": lambda random, shape, level: level / 3 * random.standard_normal(shape),
    "offset": lambda random, shape, level: level + random.standard_normal(shape),
    "unlike": lambda random, shape, level: (
        2.0 ** random.integers(-6, 7, (shape[0], 1))
        * (level * (2 * random.random((shape[0], 1)) - 1) + random.standard_normal(shape))
    ),
    "outlier": lambda random, shape, level: (
        random.standard_normal(shape) + level * (np.arange(shape[1]) == random.integers(shape[1]))
    ),
    "tiny": lambda random, shape, level: 2.0 ** -abs(level) * random.standard_normal(shape),
}
"""Samples of a shape at a level, simplest first.

All equal; whole numbers in a row; whole numbers; bell-shaped around 0; around the level; each sample with a mean and a
scale of its own; one feature far from the rest; smaller and smaller, down to subnormal numbers."""


@cache
def ordinary_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases whose means are up to TOP standard deviations."""
    return cases(tuple(FAMILIES), LAST, st.integers(-400, 400).map(lambda n: n / 4), m, columns)


@cache
def extreme_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases with entries as large as (z − μ)² can be borne in the type computed in."""
    reach = REACH[format.name]
    far = st.sampled_from((0.0, 1.0, -1.0, 1000.0, -1000.0, reach, -reach, reach / 2))
    return cases(tuple(FAMILIES), LAST, far, m, columns)


def level(k: int, format: Format) -> float:
    """k up to LINEAR, then growing as a power to TOP at LAST."""
    if abs(k) <= LINEAR:
        return float(k)
    part = min((abs(k) - LINEAR) / (LAST - LINEAR), 1.0)
    return float(np.copysign(LINEAR * (TOP[format.name] / LINEAR) ** part, k))


def samples(case: Case, format: Format, limit: float = np.inf, step: float | None = None) -> Array:
    """z of the case, clipped to ±limit; with `step`, rounded to its multiples.

    One seed in 4 takes k as it is, others a part of it.
    """
    if case.family not in FAMILIES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(FAMILIES)}")
    random = case.random("samples")
    part = 1.0 if case.seed % 4 == 0 else random.random()
    z = FAMILIES[case.family](random, (case.m, case.columns), level(round(part * case.k), format))
    most = min(limit, REACH[format.name])
    z = np.clip(case.overlay(z), -most, most)
    return (z if step is None else np.rint(z / step) * step).astype(format.dtype)


def eps_of(case: Case) -> float:
    """The case's ε, the same for all its lanes: EPS in turn."""
    return EPS[case.group % len(EPS)]


def learnable(case: Case, format: Format, stream: str) -> Array:
    """(n,) of multiples of 1/4, among them 0 and negative ones: a γ or a β."""
    return (np.rint(6 * case.random(stream).standard_normal(case.columns)) / 4).astype(format.dtype)


def forward_inputs(case: Case, format: Format) -> Inputs:
    """z, γ, β and ε."""
    arguments = (samples(case, format), learnable(case, format, "gamma"), learnable(case, format, "beta"))
    return Inputs(arguments, options={"eps": eps_of(case)})


def backward_inputs(case: Case, format: Format) -> Inputs:
    """dout, z, γ and ε; dout are multiples of 1/8, uneven, so that no term of the gradient vanishes."""
    dout = np.rint(12 * case.random("upstream").standard_normal((case.m, case.columns))) / 8
    arguments = (dout.astype(format.dtype), samples(case, format), learnable(case, format, "gamma"))
    return Inputs(arguments, options={"eps": eps_of(case)})


BUILDERS: dict[Operation, Builder] = {LAYER_NORM: forward_inputs, LAYER_NORM_BACKWARD: backward_inputs}


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], ordinary_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return BUILDERS[operation], extreme_cases


def unscaled_inputs(case: Case, format: Format) -> Inputs:
    """z, γ = 1, β = 0 and ε: out is z_norm."""
    one = np.ones(case.columns, format.dtype)
    return Inputs((samples(case, format), one, 0 * one), options={"eps": eps_of(case)})


def varied_inputs(case: Case, format: Format) -> Inputs:
    """z of which no row is constant, γ, β and ε = 0."""
    z, *others = forward_inputs(case, format).arguments
    wide = z.astype(np.float64)
    size = np.abs(wide).max(axis=1)
    still = np.ptp(wide, axis=1) < np.maximum(size / TOP[format.name], 2.0**-20)
    wide[:, 0] += np.where(still, np.maximum(2.0 ** np.ceil(np.log2(size + 1)) / 64, 1.0), 0.0)
    return Inputs((wide.astype(format.dtype), *others), options={"eps": 0.0})


def shifted_inputs(case: Case, format: Format) -> Inputs:
    """z and a constant c a sample such that z + c is exact: multiples of 1/4, small enough for eight digits."""
    inputs = forward_inputs(case, format)
    z = samples(case, format, limit=16, step=0.25)
    c = np.rint(case.random("constant").uniform(-16, 16, case.m)).astype(format.dtype)
    return Inputs((z, *inputs.arguments[1:]), {"c": c}, inputs.options)


def scaled_inputs(case: Case, format: Format) -> Inputs:
    """z of moderate size and a power of 2, c, so that c z is exact."""
    inputs = forward_inputs(case, format)
    z = samples(case, format, limit=128, step=2.0**-6)
    return Inputs((z, *inputs.arguments[1:]), options={**inputs.options, "c": 2.0 ** (case.group % 7 - 3)})


def constant_inputs(case: Case, format: Format) -> Inputs:
    """z with one value a sample in all features."""
    z, *others = forward_inputs(case, format).arguments
    return Inputs((np.repeat(z[:, :1], case.columns, axis=1), *others), options={"eps": eps_of(case)})


def permuted(build: Builder) -> Builder:
    """The same inputs, an order of the samples and one of the features."""

    def built(case: Case, format: Format) -> Inputs:
        inputs, random = build(case, format), case.random("order")
        orders = {"of_samples": random.permutation(case.m), "of_features": random.permutation(case.columns)}
        return Inputs(inputs.arguments, orders, inputs.options)

    return built
