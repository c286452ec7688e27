"""Inputs for batch norm: families of mini-batches, learnable scales and shifts, and what the laws do with them."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Builder, Family, Inputs, Range, Strategy, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.batch_norm import boundary
from nnlaws.chapters.batch_norm.operations import (
    BATCH_NORM_BACKWARD,
    BATCH_NORM_INFERENCE,
    BATCH_NORM_RUNNING,
    BATCH_NORM_TRAIN,
)
from nnlaws.rounding.formats import Floats, Format

SAMPLES = (2, 6)  # how many laws draw that are about any number of them
COLUMNS = (1, 8)
LEVELS = (1, -1, 3, -3, 12, -12, 60, -90, 150, -200)  # where a cause is sought
LAST = 200  # the level's k: up to LINEAR it is the level itself, from there it grows by a power to TOP
LINEAR = 20
TOP = {"float16": 500.0, "bfloat16": 60.0, "float32": 1e4, "float64": 1e10}
"""The largest mean, in standard deviations of about 1: above it, updating algorithms lose most of the digits, and the
narrow types cannot show so small a deviation."""

EPS = (1e-5, 1e-3, 2.0**-10, 0.25, 1.0)
DECAYS = (0.9, 0.99, 0.5, 0.75, 0.999, 0.125)


FAMILIES: dict[str, Family] = {
    "constant": lambda random, shape, level: np.full(shape, level),
    "steps": lambda random, shape, level: random.permuted(
        np.rint(level) + np.tile(np.arange(shape[0])[:, None] * 1.0, (1, shape[1])), axis=0
    ),
    "integers": lambda random, shape, level: np.rint(level * (2 * random.random(shape) - 1)),
    "normal": lambda random, shape, level: level / 3 * random.standard_normal(shape),
    "offset": lambda random, shape, level: level + random.standard_normal(shape),
    "unlike": lambda random, shape, level: (
        2.0 ** random.integers(-6, 7, shape[1])
        * (level * (2 * random.random(shape[1]) - 1) + random.standard_normal(shape))
    ),
    "outlier": lambda random, shape, level: (
        random.standard_normal(shape) + level * (np.arange(shape[0]) == random.integers(shape[0]))[:, None]
    ),
    "tiny": lambda random, shape, level: 2.0 ** -abs(level) * random.standard_normal(shape),
}
"""Mini-batches of a shape at a level, simplest first.

All equal; whole numbers in a row; whole numbers; bell-shaped around 0; around the level; each feature with a mean and
a scale of its own; one sample far from the rest; smaller and smaller, down to subnormal numbers."""


@cache
def ordinary_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases whose means are up to TOP standard deviations."""
    return cases(tuple(FAMILIES), LAST, st.integers(-400, 400).map(lambda n: n / 4), m, columns)


@cache
def extreme_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases with entries as large as (z − μ)² can be borne in the working type."""
    far = st.sampled_from((0.0, 1.0, -1.0, 1000.0, -1000.0, reach(format), -reach(format), reach(format) / 2))
    return cases(tuple(FAMILIES), LAST, far, m, columns)


def reach(format: Format) -> float:
    """The largest |z| in extreme cases: 1/σ³, on the chain rule's way to dz, stays normal in the working type, and in
    float16 z itself."""
    return {"float16": 60000.0, "bfloat16": 2.0**40, "float32": 2.0**40, "float64": 2.0**300}[format.name]


def level(k: int, format: Format) -> float:
    """k up to LINEAR, then growing as a power to TOP at LAST."""
    if abs(k) <= LINEAR:
        return float(k)
    part = min((abs(k) - LINEAR) / (LAST - LINEAR), 1.0)
    return float(np.copysign(LINEAR * (TOP[format.name] / LINEAR) ** part, k))


def batch(case: Case, format: Format, stream: str = "batch", limit: float = np.inf, step: float | None = None) -> Array:
    """z of the case, clipped to ±limit; with `step`, rounded to its multiples.

    One seed in 4 takes k as it is, others a part of it; but a boundary case is what it is.
    """
    families = FAMILIES | boundary.FAMILIES
    if case.family not in families:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(families)}")
    random = case.random(stream)
    part = 1.0 if case.seed % 4 == 0 or _at_the_boundary(case) else random.random()
    z = families[case.family](random, (case.m, case.columns), level(round(part * case.k), format))
    z = np.clip(case.overlay(z), -min(limit, reach(format)), min(limit, reach(format)))
    return (z if step is None else np.rint(z / step) * step).astype(format.dtype)


def _at_the_boundary(case: Case) -> bool:
    return case.family in boundary.FAMILIES


def _within_reach(x: Floats, format: Format) -> Array:
    return np.clip(x, -reach(format), reach(format)).astype(format.dtype)


def eps_of(case: Case) -> float:
    """The case's ε, the same for all its lanes: its own, or EPS in turn."""
    return case.setting("eps", EPS[case.group % len(EPS)])


def learnable(case: Case, format: Format, stream: str) -> Array:
    """(n,) of multiples of 1/4, among them 0 and negative ones: a γ or a β."""
    if _at_the_boundary(case):
        return _within_reach(boundary.learnable(case, stream), format)
    return (np.rint(6 * case.random(stream).standard_normal(case.columns)) / 4).astype(format.dtype)


def upstream(case: Case, format: Format) -> Array:
    """dout: multiples of 1/8, uneven, so that no term of the gradient vanishes."""
    if _at_the_boundary(case):
        return _within_reach(boundary.upstream(case), format)
    random = case.random("upstream")
    return (np.rint(12 * random.standard_normal((case.m, case.columns))) / 8).astype(format.dtype)


def train_inputs(case: Case, format: Format) -> Inputs:
    """z, γ, β and ε."""
    arguments = (batch(case, format), learnable(case, format, "gamma"), learnable(case, format, "beta"))
    return Inputs(arguments, options={"eps": eps_of(case)})


def backward_inputs(case: Case, format: Format) -> Inputs:
    """dout, z, γ and ε."""
    arguments = (upstream(case, format), batch(case, format), learnable(case, format, "gamma"))
    return Inputs(arguments, options={"eps": eps_of(case)})


def running_inputs(case: Case, format: Format) -> Inputs:
    """One to five mini-batches, each with a level of its own, and a decay; at the boundary, so many as STEPS says."""
    steps = 1 + case.group % 5
    if _at_the_boundary(case):
        steps = boundary.STEPS[case.group % len(boundary.STEPS)]
    batches = [batch(case, format, f"batch {t}") for t in range(steps)]
    return Inputs((np.stack(batches),), options={"decay": DECAYS[case.group % len(DECAYS)]})


def inference_inputs(case: Case, format: Format) -> Inputs:
    """z, γ, β, averages that are near z's statistics or far from them, and ε."""
    random, z = case.random("averages"), batch(case, format)
    learnt = learnable(case, format, "gamma"), learnable(case, format, "beta")
    if _at_the_boundary(case):
        mean, var = boundary.averages(case, z.astype(np.float64))
        averages = _within_reach(mean, format), _within_reach(var, format)
        return Inputs((z, *learnt, *averages), options={"eps": eps_of(case)})
    centre = z[0].astype(np.float64) if case.m else np.zeros(case.columns)
    mean = (
        np.where(random.random(case.columns) < 0.7, centre, 0) + np.rint(4 * random.standard_normal(case.columns)) / 4
    )
    var = np.square(np.rint(4 * random.standard_normal(case.columns)) / 4) * 4.0 ** random.integers(-3, 4, case.columns)
    averages = _within_reach(mean, format), var.astype(format.dtype)
    return Inputs((z, *learnt, *averages), options={"eps": eps_of(case)})


BUILDERS: dict[Operation, Builder] = {
    BATCH_NORM_TRAIN: train_inputs,
    BATCH_NORM_BACKWARD: backward_inputs,
    BATCH_NORM_RUNNING: running_inputs,
    BATCH_NORM_INFERENCE: inference_inputs,
}


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], ordinary_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return BUILDERS[operation], extreme_cases


def without_epsilon(build: Builder) -> Builder:
    """The same inputs with ε = 0: the first sample is moved where a feature varies too little, no variance is 0.

    Too little is less than 2⁻²⁰, and a variance is at least 1/4; at the boundary, where 1/σ³ would leave the range.
    """

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        least, least_var = (2.0**-40, 2.0**-80) if _at_the_boundary(case) else (2.0**-20, 0.25)
        arguments = [_varied(a, least, format) if a.ndim == 2 else a for a in inputs.arguments]
        if len(arguments) == 5:
            wide = arguments[4].astype(np.float64)
            arguments[4] = np.where(wide < least_var, 0.25, wide).astype(format.dtype)
        return Inputs(tuple(arguments), options={"eps": 0.0})

    return built


def _varied(z: Array, least: float, format: Format) -> Array:
    wide = z.astype(np.float64)
    size = np.abs(wide).max(axis=0)
    still = np.ptp(wide, axis=0) < np.maximum(size / TOP[format.name], least)
    wide[0] += np.where(still, np.maximum(2.0 ** np.ceil(np.log2(size + 1)) / 64, 1.0), 0.0)
    return wide.astype(format.dtype)


def unscaled_inputs(case: Case, format: Format) -> Inputs:
    """z, γ = 1, β = 0 and ε: out is z_norm."""
    one = np.ones(case.columns, format.dtype)
    return Inputs((batch(case, format), one, np.zeros_like(one)), options={"eps": eps_of(case)})


def returning_inputs(case: Case, format: Format) -> Inputs:
    """z with γ = √(σ² + ε) and β = μ, each rounded once: out is z."""
    z = batch(case, format)
    wide = z.astype(np.float64)
    gamma, beta = np.sqrt(wide.var(axis=0) + eps_of(case)), wide.mean(axis=0)
    return Inputs((z, gamma.astype(format.dtype), beta.astype(format.dtype)), options={"eps": eps_of(case)})


def shifted_inputs(case: Case, format: Format) -> Inputs:
    """z and a bias b a feature such that z + b is exact: multiples of 1/4, small enough for eight digits."""
    inputs = train_inputs(case, format)
    z = batch(case, format, limit=16, step=0.25)
    b = np.rint(case.random("bias").uniform(-16, 16, case.columns)).astype(format.dtype)
    return Inputs((z, *inputs.arguments[1:]), {"b": b}, inputs.options)


def scaled_inputs(case: Case, format: Format) -> Inputs:
    """z of moderate size and a power of 2, c, so that c z is exact."""
    inputs = train_inputs(case, format)
    z = batch(case, format, limit=128, step=2.0**-6)
    return Inputs((z, *inputs.arguments[1:]), options={**inputs.options, "c": 2.0 ** (case.group % 7 - 3)})


def permuted(build: Builder) -> Builder:
    """The same inputs and an order of the samples."""

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        return Inputs(inputs.arguments, {"order": case.random("order").permutation(case.m)}, inputs.options)

    return built


def followed(build: Builder) -> Builder:
    """The inputs, and a mini-batch of other statistics that is normalised before them."""

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        return Inputs(
            inputs.arguments, {"before": batch(case, format, "before") + format.dtype.type(3)}, inputs.options
        )

    return built


def constant_inputs(build: Builder) -> Builder:
    """The same with one value a feature in all samples."""

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        arguments = tuple(np.repeat(a[:1], len(a), axis=0) if a.ndim == 2 else a for a in inputs.arguments)
        return Inputs(arguments, inputs.extra, inputs.options)

    return built


def repeated_inputs(case: Case, format: Format) -> Inputs:
    """One mini-batch, one to five times."""
    inputs = running_inputs(case, format)
    (batches,) = inputs.arguments
    return Inputs((np.repeat(batches[:1], len(batches), axis=0),), options=inputs.options)


def equal_inputs(case: Case, format: Format) -> Inputs:
    """Whole numbers of 2 or 4 samples, whose mean and variance every format holds, and those as averages."""
    random = case.random("whole")
    z = np.rint(random.uniform(-4, 4, (case.m, case.columns)))
    gamma, beta = learnable(case, format, "gamma"), learnable(case, format, "beta")
    averages = z.mean(axis=0).astype(format.dtype), np.maximum(z.var(axis=0), 0).astype(format.dtype)
    return Inputs((z.astype(format.dtype), gamma, beta, *averages), options={"eps": eps_of(case)})


def spoilt_inputs(build: Builder) -> Builder:
    """The same inputs, and the place where a NaN is put in: of which argument, in which sample, and in which feature.

    What is one a feature has that place in every sample, and what is of several mini-batches in each.
    """

    def built(case: Case, format: Format) -> Inputs:
        inputs, random = build(case, format), case.random("nan")
        place = [random.integers(size) for size in (len(inputs.arguments), case.m, case.columns)]
        return Inputs(inputs.arguments, {**inputs.extra, "place": np.array(place)}, inputs.options)

    return built


def noise_inputs(case: Case, format: Format) -> Inputs:
    """Samples of a normal distribution of mean 0 and variance 1."""
    one = np.ones(case.columns, format.dtype)
    z = case.random("noise").standard_normal((case.m, case.columns)).astype(format.dtype)
    return Inputs((z, one, np.zeros_like(one)), options={"eps": eps_of(case)})


def orthogonal_inputs(offset: float) -> Builder:
    """Features that are orthogonal but of unequal scale, 1 to 16, and soft labels that depend on all of them alike."""

    def built(case: Case, format: Format) -> Inputs:
        random = case.random("design")
        signs = np.array([[1.0]])
        while len(signs) < case.m:
            signs = np.block([[signs, signs], [signs, -signs]])  # Sylvester's Hadamard matrix
        columns = 1 + random.permutation(case.m - 1)[: case.columns]  # all but the first have mean 0
        scales = 2.0 ** random.permutation(np.linspace(0, 4, case.columns).round())
        z = signs[:, columns] * scales + offset * np.rint(random.uniform(-8, 8, case.columns))
        one = np.ones(case.columns, format.dtype)
        weights = np.where(random.random(case.columns) < 0.5, -0.5, 0.5)
        y = 1 / (1 + np.exp(-signs[:, columns] @ weights))
        return Inputs((z.astype(format.dtype), one, np.zeros_like(one)), {"y": y}, {"eps": EPS[0]})

    return built
