"""Gradients made for size: many steps, of which few move anything, and many coordinates, the same over and over."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import tiled
from nnlaws.authoring.case import Builder, Family, Inputs
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Floats, Format

COORDINATES = 997  # different ones, where there are more
BURSTS = (0, 250, 290, 2040, 9000)  # before and after counters of 8 bits, and of 8 or 11 digits, stop or wrap
FAST = 0.25  # a learning rate by which narrow types move too
LONG = 20  # steps of a burst
SPARSE = 0.2  # of the gradients of many coordinates are 0
SLOW = {"beta1": 0.99, "eps": 1e-3}  # options of "changing": other than the usual
RATES = (1e-3, 0.01, 0.1, 0.5, 1.0, 3e-4, 0.02)  # one after another; 7 divides no block

OPTIONS: dict[str, Option] = {
    "learning_rate": 1e-3,
    "beta": 0.999,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.01,
    "dampening": 0.5,
    "initial_accumulator": 0.1,
    "momentum_decay": 0.004,
    "bias_correction": True,
}


def _bursts(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    gradients = np.zeros(shape)
    for first in BURSTS:
        part = gradients[first : first + LONG]
        part[:] = random.standard_normal(part.shape)
    return gradients


def _coordinates(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    different = random.standard_normal((shape[0], min(shape[1], COORDINATES)))
    different[random.random(different.shape) < SPARSE] = 0.0
    return tiled(different, shape[1], 1)


GRADIENTS: dict[str, Family] = {"bursts": _bursts, "changing": _bursts, "coordinates": _coordinates}
"""None but for bursts of 20 steps, so that rounding has nothing to add up; the same, at a rate that changes with every
step, or of averages without correction; bell-shaped, the same over and over."""


def inputs(operation: Operation) -> Builder:
    """Values to average; or where to start, whole quarters for coordinates and else 0, and the gradients."""

    def build(case: Case, format: Format) -> Inputs:
        if case.family not in GRADIENTS:
            raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(GRADIENTS)}")
        grads = GRADIENTS[case.family](case.random("plates"), (case.m, case.columns), 0.0).astype(format.dtype)
        usual = {**OPTIONS, **(SLOW if case.family == "changing" else {})}
        options = {name: usual[name] for name in operation.options if name in usual}
        if "learning_rate" in options and case.family != "bursts":
            changing = tuple(RATES[step % len(RATES)] for step in range(case.m))
            options["learning_rate"] = changing if case.family == "changing" else FAST
        if "bias_correction" in options:
            options["bias_correction"] = case.family == "bursts"
        if "theta" not in operation.arguments:
            return Inputs((grads,), options=options)
        return Inputs((_start(case, format), grads), options=options)

    return build


def _start(case: Case, format: Format) -> Array:
    if case.family != "coordinates":
        return np.zeros(case.columns, format.dtype)
    quarters = np.rint(6 * case.random("theta").standard_normal(min(case.columns, COORDINATES))) / 4
    return tiled(quarters, case.columns, 0).astype(format.dtype)


CASES = (
    Case(310, 4, "bursts", 0, 0),
    Case(310, 4, "changing", 0, 0),
    Case(2, 4099, "coordinates", 0, 0),
    Case(6, 1999, "coordinates", 0, 0),
    Case(13, 11_003, "coordinates", 0, 0),
    Case(2, 262_147, "coordinates", 0, 0),
)
LARGEST = (
    Case(2100, 4, "bursts", 0, 0),
    Case(2100, 4, "changing", 0, 0),
    Case(10_000, 10, "bursts", 0, 0),
    Case(2, 3_000_017, "coordinates", 0, 0),
    Case(2, 10_000_019, "coordinates", 0, 0),
)
