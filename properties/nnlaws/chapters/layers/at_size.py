"""Mini-batches and weights made for size: many samples, or many inputs to a unit, of which few count."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import positions, sized
from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.layers.operations import BATCH_NORM_LAYER, BATCH_NORM_LAYER_BACKWARD
from nnlaws.rounding.formats import Floats, Format

EPS = 1e-5
COUNTED = 32  # samples, or inputs, that are not 0
BLOCK = 512  # samples of one mean
FAMILIES = {"samples": 2, "inputs": 4097, "wide": 65_537 + 62, "levels": 2, "balanced": 2, "products": 300}
"""How many inputs a unit has: few of many samples count, where kernels go wrong; or few of many inputs of a sample; or
all samples are 1 or −1, as many of each but the first, which is 0, or about whole means that differ from block to block
and are far away in the last; or samples, inputs and units are many each, and no product is a whole number.
"""


def _signs(random: np.random.Generator, lines: int, size: int) -> Floats:
    """In each line few are 1 or −1, where kernels go wrong, the others 0."""
    found = np.zeros((lines, size))
    for line in found:
        places = positions(size, COUNTED, random)
        line[places] = random.choice((1.0, -1.0), len(places))
    return found


def _balanced(random: np.random.Generator, lines: int, size: int) -> Floats:
    half = (size - 1) // 2
    found = np.zeros((lines, size))
    for line in found:
        line[1 : 1 + 2 * half] = random.permutation(np.repeat((1.0, -1.0), half))
    return found


def _levels(random: np.random.Generator, lines: int, size: int) -> Floats:
    number = np.arange(size)
    means = np.rint(random.uniform(-2, 2, (lines, size // BLOCK + 1)))[:, number // BLOCK]
    far = 8.0 * (number >= size - (size % BLOCK or 64))
    return np.asarray(means + far + random.choice((1.0, -1.0), (lines, size)), np.float64)


BY_UNIT = {"samples": _signs, "levels": _levels, "balanced": _balanced}


def _batch(case: Case) -> Floats:
    random, inputs = case.random("plates"), FAMILIES[case.family]
    if case.family == "products":
        return random.standard_normal((case.m, inputs))
    by_unit = BY_UNIT.get(case.family)
    return by_unit(random, inputs, case.m).T if by_unit else _signs(random, case.m, inputs)


def _given(case: Case, format: Format) -> tuple[Array, ...]:
    """x, W, b and γ: of most, the weights are 1 and −1, so that no sum is rounded."""
    if case.family not in FAMILIES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(FAMILIES)}")
    shape = case.columns, FAMILIES[case.family]
    weights = case.random("weights").choice((1.0, -1.0), shape)
    if case.family == "products":
        weights = case.random("weights").standard_normal(shape)
    random = case.random("learnt")
    numbers = (
        _batch(case),
        weights,
        random.choice((0.0, 1.0, -2.0), case.columns),
        random.choice((1.0, -1.0, 2.0), case.columns),
    )
    return tuple(each.astype(format.dtype) for each in numbers)


def forward_inputs(case: Case, format: Format) -> Inputs:
    """x, W, b, γ, β and ε."""
    beta = case.random("beta").choice((0.0, 1.0, -2.0), case.columns).astype(format.dtype)
    return Inputs((*_given(case, format), beta), options={"eps": EPS})


def backward_inputs(case: Case, format: Format) -> Inputs:
    """dout, of few samples, x, W, b, γ and ε."""
    upstream, shape = case.random("upstream"), (case.columns, case.m)
    dense = case.family == "products"
    dout = (upstream.standard_normal(shape) if dense else _signs(upstream, *shape)).T.astype(format.dtype)
    return Inputs((dout, *_given(case, format)), options={"eps": EPS})


BUILDERS: dict[Operation, Builder] = {
    BATCH_NORM_LAYER: forward_inputs,
    BATCH_NORM_LAYER_BACKWARD: backward_inputs,
}
CASES = (
    Case(9, 2, "wide", 0, 0),
    Case(33, 3, "inputs", 0, 0),
    Case(1027, 2, "samples", 0, 0),
    Case(1027, 2, "levels", 0, 0),
    Case(1027, 2, "balanced", 0, 0),
    Case(4099, 2, "levels", 0, 0),
    Case(33, 1031, "balanced", 0, 0),
    Case(33, 132, "products", 0, 0),
    Case(260, 8, "products", 0, 0),
    Case(140, 70, "products", 0, 0),
    Case(16_387, 2, "samples", 0, 0),
    Case(16_387, 2, "balanced", 0, 0),
)
LARGEST = (Case(262_147, 4, "samples", 0, 0),)

_STATEMENTS = {
    BATCH_NORM_LAYER: ("LY-1", "out is batch norm of x Wᵀ + b"),
    BATCH_NORM_LAYER_BACKWARD: ("LY-7", "dx is dz W"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, BUILDERS[operation], CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in _STATEMENTS.items()
)
