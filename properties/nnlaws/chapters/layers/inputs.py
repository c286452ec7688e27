"""Inputs for layers: families of mini-batches, weights, biases, learnable scales and shifts.

A case has `m` samples and `columns` units. How many inputs a unit has, k, follows from the case's group, so that it is
the same for all its lanes; overlays replace entries of x.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Builder, Family, Inputs, Range, Strategy, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters.layers.operations import BATCH_NORM_LAYER, BATCH_NORM_LAYER_BACKWARD
from nnlaws.rounding.formats import Format

SAMPLES: Range = (2, 6)  # how many laws draw that are about any number of them
UNITS: Range = (1, 5)
INPUTS = (1, 2, 3, 5, 4, 7, 8, 6, 10, 16, 12, 31, 9, 11, 13, 14, 15, 33, 130)
MOST = 4000  # products to a layer, m n k, but for k = 1
SIZES = (
    *((2, 9, 4), (3, 16, 8), (4, 2, 15), (5, 10, 7), (6, 3, 14), (7, 11, 6), (8, 4, 13), (9, 12, 5), (10, 5, 12)),
    *(
        (11, 13, 3),
        (12, 6, 11),
        (13, 14, 2),
        (14, 7, 10),
        (15, 15, 9),
        (16, 8, 16),
        (33, 2, 3),
        (3, 100, 2),
        (2, 3, 130),
    ),
    *((5, 3, 3), (7, 7, 7), (4, 4, 9), (3, 5, 3)),
)
"""m, n and k of layers that come in every run: of each, 2 to 8, and every remainder by 8 beyond that; and each two of
them alike, and all three, where an array that is read the other way round still fits.
"""
LEVELS = (1, -1, 3, -3, 12, -12, 40, -60)  # where a cause is sought
LAST = 60  # the level's k: up to LINEAR it is the level itself, from there it grows by a power to TOP
LINEAR = 20
TOP = {"float16": 100.0, "bfloat16": 30.0, "float32": 1e3, "float64": 1e6}
"""The largest mean of x, in deviations of about 1: above it little is left of the narrow types' digits."""
REACH = {"float16": 60000.0, "bfloat16": 2.0**30, "float32": 2.0**30, "float64": 2.0**280}
"""The largest |x|: with weights up to 4, 1/σ³, on the chain rule's way to dz, stays normal in the type computed in."""
EPS = (1e-5, 1e-3, 2.0**-10, 0.25, 1e-8, 1.0)


FAMILIES: dict[str, Family] = {
    "constant": lambda random, shape, level: np.full(shape, level),
    "steps": lambda random, shape, level: random.permuted(
        np.rint(level) + np.tile(np.arange(shape[0])[:, None] * 1.0, (1, shape[1])), axis=0
    ),
    "integers": lambda random, shape, level: np.rint(level * (2 * random.random(shape) - 1)),
    "normal": lambda random, shape, level: level / 3 * random.standard_normal(shape),
    "offset": lambda random, shape, level: level + random.standard_normal(shape),
    "outlier": lambda random, shape, level: (
        random.standard_normal(shape) + level * (np.arange(shape[0]) == random.integers(shape[0]))[:, None]
    ),
    "tiny": lambda random, shape, level: 2.0 ** -abs(level) * random.standard_normal(shape),
}
"""Mini-batches of a shape at a level, simplest first.

All equal; whole numbers in a row; whole numbers; bell-shaped around 0; around the level; one sample far from the rest;
smaller and smaller."""


@cache
def ordinary_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases whose means are up to TOP standard deviations."""
    return cases(tuple(FAMILIES), LAST, st.integers(-400, 400).map(lambda n: n / 4), m, columns)


@cache
def extreme_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases with entries as large as (z − μ)² can be borne in the working type."""
    reach = REACH[format.name]
    far = st.sampled_from((0.0, 1.0, -1.0, 1000.0, -1000.0, reach, -reach, reach / 2))
    return cases(tuple(FAMILIES), LAST, far, m, columns)


def every_size(format: Format, m: Range, columns: Range) -> list[Case]:
    """A case of each of SIZES, that a law about any number of samples and units is about."""
    turns = {k: number for number, k in enumerate(INPUTS)}
    groups = ((turns[k] + len(INPUTS) * number) * TOGETHER for number, (_, _, k) in enumerate(SIZES))
    return [Case(*size[:2], "offset", 3, seed) for size, seed in zip(SIZES, groups, strict=True)]


def inputs_of(case: Case) -> int:
    """k: INPUTS in turn; fewer where there are many units, or samples."""
    return min(INPUTS[case.group % len(INPUTS)], max(MOST // (case.m * case.columns), 1))


def level(k: int, format: Format) -> float:
    """k up to LINEAR, then growing as a power to TOP at LAST."""
    if abs(k) <= LINEAR:
        return float(k)
    part = min((abs(k) - LINEAR) / (LAST - LINEAR), 1.0)
    return float(np.copysign(LINEAR * (TOP[format.name] / LINEAR) ** part, k))


def batch(case: Case, format: Format, limit: float = np.inf, step: float | None = None) -> Array:
    """x of the case, clipped to ±limit; with `step`, rounded to its multiples.

    One seed in 4 takes the case's k as it is, others a part of it.
    """
    if case.family not in FAMILIES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(FAMILIES)}")
    random = case.random("batch")
    part = 1.0 if case.seed % 4 == 0 else random.random()
    x = FAMILIES[case.family](random, (case.m, inputs_of(case)), level(round(part * case.k), format))
    most = min(limit, REACH[format.name])
    x = np.clip(case.overlay(x), -most, most)
    return (x if step is None else np.rint(x / step) * step).astype(format.dtype)


def weights(case: Case, format: Format, whole: bool = False) -> Array:
    """(n, k) of multiples of 1/4 up to 4, so that no two rows or columns are alike; or of real numbers, at random."""
    random, shape = case.random("weights"), (case.columns, inputs_of(case))
    w = np.clip(random.standard_normal(shape), -4, 4)
    return (w if not whole and case.seed % 2 else np.rint(4 * w) / 4).astype(format.dtype)


def learnable(case: Case, format: Format, stream: str) -> Array:
    """(n,) of multiples of 1/4, among them 0 and negative ones, or of real numbers: a γ, β or b."""
    drawn = 6 * case.random(stream).standard_normal(case.columns)
    return ((drawn if case.seed % 4 > 1 else np.rint(drawn)) / 4).astype(format.dtype)


def upstream(case: Case, format: Format) -> Array:
    """dout: multiples of 1/8, uneven, so that no term of the gradient vanishes; or real numbers."""
    drawn = 12 * case.random("upstream").standard_normal((case.m, case.columns))
    return ((drawn if case.seed % 8 > 3 else np.rint(drawn)) / 8).astype(format.dtype)


def eps_of(case: Case, format: Format) -> float:
    """The case's ε, the same for all its lanes: EPS in turn; in float16 none whose 1/√ε brings dz past its range."""
    return max(EPS[case.group % len(EPS)], 1e-5 if format.name == "float16" else 0.0)


def forward_inputs(case: Case, format: Format) -> Inputs:
    """x, W, b, γ, β and ε."""
    of_units = (learnable(case, format, name) for name in ("bias", "gamma", "beta"))
    arguments = (batch(case, format), weights(case, format), *of_units)
    return Inputs(arguments, options={"eps": eps_of(case, format)})


def backward_inputs(case: Case, format: Format) -> Inputs:
    """dout, x, W, b, γ and ε."""
    forward = forward_inputs(case, format)
    return Inputs((upstream(case, format), *forward.arguments[:4]), options=forward.options)


BUILDERS: dict[Operation, Builder] = {
    BATCH_NORM_LAYER: forward_inputs,
    BATCH_NORM_LAYER_BACKWARD: backward_inputs,
}


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], ordinary_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return BUILDERS[operation], extreme_cases


def other_bias(build: Builder) -> Builder:
    """The same inputs and another b, some of it 0."""

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        return Inputs(
            inputs.arguments, {"other": (learnable(case, format, "other") * 4).astype(format.dtype)}, inputs.options
        )

    return built


def scaled_inputs(case: Case, format: Format) -> Inputs:
    """Arguments of moderate size and a power of 2, c, so that c W and c b are exact."""
    inputs = forward_inputs(case, format)
    x = batch(case, format, limit=64, step=2.0**-6)
    return Inputs((x, *inputs.arguments[1:]), options={**inputs.options, "c": 2.0 ** (case.group % 7 - 3)})


def shifted(operation: Operation) -> Builder:
    """x and t, one number an input, such that x + t is exact: multiples of 1/4, small enough for eight digits."""

    def built(case: Case, format: Format) -> Inputs:
        inputs, x = BUILDERS[operation](case, format), batch(case, format, limit=16, step=0.25)
        t = np.rint(case.random("shift").uniform(-16, 16, x.shape[1])).astype(format.dtype)
        arguments = [
            x if name == "x" else given for name, given in zip(operation.arguments, inputs.arguments, strict=True)
        ]
        return Inputs(tuple(arguments), {"t": t}, inputs.options)

    return built


def permuted(build: Builder) -> Builder:
    """The same inputs and an order of the samples."""

    def built(case: Case, format: Format) -> Inputs:
        inputs = build(case, format)
        return Inputs(inputs.arguments, {"order": case.random("order").permutation(case.m)}, inputs.options)

    return built
