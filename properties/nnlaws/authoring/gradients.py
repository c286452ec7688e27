"""Inputs for optimizers: families of gradients on three scales, starting points, and the numbers that they take.

A case's m is the number of steps T, its columns are the coordinates.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Builder, Family, Inputs, Range, cases
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Floats, Format

SAMPLES = (1, 5)  # how many steps laws draw that are about any number of them
COLUMNS = (1, 8)
LEVELS = (0, 1, 2, 3, -4, -5, 9, 14)  # where a cause is sought
LAST = 17

SCALES = (1.0, 1e-4, 1e-9)
"""Of gradients: with 1 alone, nobody sees where ε stands."""
NARROW_SCALES = (1.0, 2.0**-6, 2.0**-12)
"""The same in float16, which has no normal number below 2⁻¹⁴."""

RATES = (0.1, 0.5, 0.01, 1.0, 1e-3)
CHANGING = (0.0, 0.1, 0.5, 3.0, 0.01, 10.0, 1.0, 1e-3)  # as a warm-up begins, and beyond
BETAS = (0.9, 0.5, 0.99, 0.75, 0.999)
SECOND_BETAS = (0.999, 0.9, 0.99, 0.5)
EPS = (1e-8, 1e-7, 1e-3, 2.0**-10)
WEIGHT_DECAYS = (0.01, 0.1, 0.5)
DAMPENINGS = (0.5, 0.0, 0.9, 0.25)
ACCUMULATORS = (0.0, 0.1, 1.0)
MOMENTUM_DECAYS = (0.004, 1.0, 0.0, 0.1)
FACTORS = (2.0, 4.0, 8.0, 16.0)  # powers of 2, so that a scaled gradient is exact

FAMILIES: dict[str, Family] = {
    "constant": lambda random, shape, level: np.full(shape, level),
    "integers": lambda random, shape, level: level * np.rint(random.uniform(-3, 3, shape)),
    "alternating": lambda random, shape, level: level * (1 - 2 * (np.indices(shape).sum(axis=0) % 2)),
    "normal": lambda random, shape, level: level * random.standard_normal(shape),
    "sparse": lambda random, shape, level: level * random.standard_normal(shape) * (random.random(shape) < 0.3),
    "fading": lambda random, shape, level: level * random.standard_normal(shape) / 4.0 ** np.indices(shape)[0],
    "unlike": lambda random, shape, level: (
        level * random.standard_normal(shape) * 2.0 ** random.integers(-8, 9, shape[1])
    ),
}
"""Gradients of a shape at a level, simplest first.

All equal; whole multiples; of turning sign; bell-shaped; most of them 0; smaller at each step; each coordinate on a
scale of its own."""


def _paused(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    gradients = level * random.standard_normal(shape)
    gradients[shape[0] // 2] = 0
    gradients[:, 0] = 0
    gradients[1::2, -1] = -0.0
    return gradients


def _decades(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    turns = 1 - 2 * (np.indices(shape).sum(axis=0) % 2)
    return level * turns * random.uniform(1, 2, shape) * 10.0 ** np.linspace(-12, 12, shape[1])


def _spike(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    gradients = np.zeros(shape)
    gradients[0], gradients[-1] = 64 * level, -16 * level
    return gradients


def _cliff(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    sizes = np.where(np.arange(shape[0]) == 0, 2.0**14, 2.0**-10)
    return level * sizes[:, None] * random.standard_normal(shape)


BOUNDARY: dict[str, Family] = {
    "paused": _paused,
    "decades": _decades,
    "spike": _spike,
    "cliff": _cliff,
    "fine": lambda random, shape, level: np.zeros(shape),
}
"""Those of boundary cases alone: a step without gradients, a coordinate that never has one, and one with −0 now and
then; each coordinate in a decade of its own; the first and the last alone, of opposite sign; the first far larger than
all others; none at all, and parameters that are just above a power of 2."""


@cache
def ordinary_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases whose gradients are of about the size of a scale."""
    return cases(tuple(FAMILIES), LAST, st.integers(-8, 8).map(lambda n: n / 4), m, columns)


@cache
def extreme_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases with gradients as large as their squares can be borne in the working type."""
    far = st.sampled_from((0.0, 1.0, -1.0, 1000.0, -1000.0, reach(format), -reach(format), reach(format) / 2))
    return cases(tuple(FAMILIES), LAST, far, m, columns)


def reach(format: Format) -> float:
    """The largest gradient in extreme cases: its square is in the working type's range, with room to spare."""
    return {"float16": 30000.0, "bfloat16": 2.0**40, "float32": 2.0**40, "float64": 2.0**300}[format.name]


def level(k: int, format: Format) -> float:
    """A scale times a small whole number, of k's sign: 1, 1e-4, 1e-9, 2, 2e-4, 2e-9 ..."""
    scales = NARROW_SCALES if format.name == "float16" else SCALES
    number, scale = divmod(abs(k), len(scales))
    return float(np.copysign((number + 1) * scales[scale], k))


def gradients(case: Case, format: Format) -> Array:
    """(T, n) of the case."""
    families = FAMILIES | BOUNDARY
    if case.family not in families:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(families)}")
    drawn = families[case.family](case.random("gradients"), (case.m, case.columns), level(case.k, format))
    return np.clip(case.overlay(drawn), -reach(format), reach(format)).astype(format.dtype)


def start(case: Case, format: Format, moving: bool = True) -> Array:
    """θ (n,): multiples of 1/4; if `moving`, 0 in every other lane, where the smallest step can be seen. Of the family
    "fine", the numbers after 1, of turning sign; of "decades", a decade a coordinate, the largest where gradients are
    least.
    """
    if case.family == "fine":
        numbers = 1 + 2 * format.u * np.arange(1.0, case.columns + 1)
        return (numbers * (1 - 2 * (np.arange(case.columns) % 2))).astype(format.dtype)
    if moving and case.seed % 2 == 0:
        return np.zeros(case.columns, format.dtype)
    if case.family == "decades":
        sizes = np.abs(_decades(case.random("theta"), (1, case.columns), 1.0)[0, ::-1])
        turns = 1 - 2 * (np.arange(case.columns) % 2)
        most = min(reach(format), format.largest / 16)  # αλθ, with αλ up to 5, is in range
        return np.clip(turns * sizes, -most, most).astype(format.dtype)
    return (np.rint(6 * case.random("theta").standard_normal(case.columns)) / 4).astype(format.dtype)


def pick(case: Case, name: str, values: tuple[float, ...]) -> float:
    """One of the values, the same for all lanes of the case; the first for the simplest; or what the case sets."""
    random = Case(1, 1, "", 0, case.group).random(name)
    return case.setting(name, values[int(random.integers(len(values))) if case.group else 0])


NUMBERS: dict[str, tuple[float, ...]] = {
    "learning_rate": RATES,
    "beta": BETAS,
    "beta1": BETAS,
    "beta2": SECOND_BETAS,
    "eps": EPS,
    "weight_decay": WEIGHT_DECAYS,
    "dampening": DAMPENINGS,
    "initial_accumulator": ACCUMULATORS,
    "momentum_decay": MOMENTUM_DECAYS,
}


def numbers(operation: Operation, case: Case) -> dict[str, Option]:
    """The operation's options: all that the case picks."""
    drawn = {name: pick(case, name, NUMBERS[name]) for name in operation.options if name in NUMBERS}
    return {**drawn, **({"bias_correction": case.group % 2 == 1} if "bias_correction" in operation.options else {})}


def inputs(operation: Operation) -> Builder:
    """Values to average, or where to start and the gradients; and the numbers."""

    def build(case: Case, format: Format) -> Inputs:
        grads, options = gradients(case, format), numbers(operation, case)
        if "theta" not in operation.arguments:
            return Inputs((grads,), options=options)
        moving = "weight_decay" not in operation.options  # a weight of 0 does not decay
        return Inputs((start(case, format, moving), grads), options=options)

    return build


def changing_rate(operation: Operation) -> Builder:
    """A learning rate for each step, no two in a row alike; 0 and rates beyond 1 among them."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        rates = _changing(case)
        return Inputs(given.arguments, options={**given.options, "learning_rate": rates})

    return build


def _changing(case: Case) -> tuple[float, ...]:
    return tuple(CHANGING[(case.group + step) % len(CHANGING)] for step in range(case.m))


def _with_gradients(change: Callable[[Array, Case], Array], operation: Operation) -> Builder:
    """The same inputs with the last of the arrays changed."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        *others, grads = given.arguments
        return Inputs((*others, change(grads, case)), given.extra, given.options)

    return build


def constant(operation: Operation) -> Builder:
    """The first gradient, or value, at every step."""
    return _with_gradients(lambda grads, case: np.repeat(grads[:1], len(grads), axis=0), operation)


def no_gradients(operation: Operation) -> Builder:
    """Gradients that are all 0."""
    return _with_gradients(lambda grads, case: np.zeros_like(grads), operation)


def no_zeros(operation: Operation) -> Builder:
    """ε = 0, and gradients none of which is 0."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        *others, grads = given.arguments
        filled = np.where(np.abs(grads.astype(np.float64)) < format.tiny, level(case.k, format), grads)
        return Inputs((*others, filled.astype(format.dtype)), options={**given.options, "eps": 0.0})

    return build


def no_memory(operation: Operation) -> Builder:
    """Every β is 0."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        without = {name: 0.0 for name in operation.options if name.startswith("beta")}
        return Inputs(given.arguments, options={**given.options, **without})

    return build


def interrupted(operation: Operation) -> Builder:
    """A step after which the state is saved, from the first to the last but one; by turns at a rate that changes."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        more: dict[str, Option] = {"learning_rate": _changing(case)} if case.group % 2 else {}
        return Inputs(given.arguments, options={**given.options, **more, "save_at": 1 + case.group % (case.m - 1)})

    return build


def poisoned(operation: Operation) -> Builder:
    """In the middle of the steps, NaN in the first coordinate, and an infinity in the second."""

    def change(grads: Array, case: Case) -> Array:
        changed = grads.copy()
        changed[(case.m - 1) // 2, :2] = np.nan, np.copysign(np.inf, case.k)
        return changed

    return _with_gradients(change, operation)


def many(operation: Operation) -> Builder:
    """Many coordinates, from 1 to 2, and positive gradients of about 1, by which each step, and each decay, is about a
    quarter of the spacing of a narrow type: rounded to the nearest, it is lost, or doubled. Every β is 0, since an
    average that only begins to grow moves too little.
    """

    def build(case: Case, format: Format) -> Inputs:
        spacing, random = 2 * format.u, case.random("many")
        theta = random.uniform(1, 2, case.columns)
        grads = random.uniform(0.5, 2, (case.m, case.columns))
        set_here = {"learning_rate": spacing / 4, "weight_decay": 1.0, "beta": 0.0, "beta1": 0.0, "beta2": 0.0}
        options = {name: set_here.get(name, given) for name, given in numbers(operation, case).items()}
        return Inputs((theta.astype(format.dtype), grads.astype(format.dtype)), options=options)

    return build


def scaled(operation: Operation) -> Builder:
    """A power of 2, c, and gradients so small that c times each is in the format's range."""

    def build(case: Case, format: Format) -> Inputs:
        given = inputs(operation)(case, format)
        *others, grads = given.arguments
        most = reach(format) / FACTORS[-1]
        bounded = np.clip(grads.astype(np.float64), -most, most).astype(format.dtype)
        return Inputs((*others, bounded), options={**given.options, "c": pick(case, "c", FACTORS)})

    return build


def from_zero(operation: Operation) -> Builder:
    """The parameters start from 0, where the smallest step can be seen, and no gradient is 0."""

    def build(case: Case, format: Format) -> Inputs:
        theta, grads = no_zeros(operation)(case, format).arguments
        return Inputs((np.zeros_like(theta), grads), options=numbers(operation, case))

    return build
