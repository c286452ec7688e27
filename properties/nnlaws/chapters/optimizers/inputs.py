"""Inputs for averages and optimizers, besides those of `nnlaws.authoring.gradients`.

A case's m is the number of steps T, its columns are the coordinates.
"""

from typing import Any

import numpy as np

from nnlaws.authoring.case import Builder, Inputs, Strategy
from nnlaws.authoring.gradients import BETAS as BETAS
from nnlaws.authoring.gradients import BOUNDARY as BOUNDARY
from nnlaws.authoring.gradients import CHANGING as CHANGING
from nnlaws.authoring.gradients import COLUMNS as COLUMNS
from nnlaws.authoring.gradients import EPS as EPS
from nnlaws.authoring.gradients import FACTORS as FACTORS
from nnlaws.authoring.gradients import FAMILIES as FAMILIES
from nnlaws.authoring.gradients import LAST as LAST
from nnlaws.authoring.gradients import LEVELS as LEVELS
from nnlaws.authoring.gradients import NARROW_SCALES as NARROW_SCALES
from nnlaws.authoring.gradients import NUMBERS as NUMBERS
from nnlaws.authoring.gradients import RATES as RATES
from nnlaws.authoring.gradients import SAMPLES as SAMPLES
from nnlaws.authoring.gradients import SCALES as SCALES
from nnlaws.authoring.gradients import SECOND_BETAS as SECOND_BETAS
from nnlaws.authoring.gradients import WEIGHT_DECAYS as WEIGHT_DECAYS
from nnlaws.authoring.gradients import changing_rate as changing_rate
from nnlaws.authoring.gradients import constant as constant
from nnlaws.authoring.gradients import extreme_cases as extreme_cases
from nnlaws.authoring.gradients import from_zero as from_zero
from nnlaws.authoring.gradients import gradients as gradients
from nnlaws.authoring.gradients import inputs as inputs
from nnlaws.authoring.gradients import interrupted as interrupted
from nnlaws.authoring.gradients import level as level
from nnlaws.authoring.gradients import many as many
from nnlaws.authoring.gradients import no_gradients as no_gradients
from nnlaws.authoring.gradients import no_memory as no_memory
from nnlaws.authoring.gradients import no_zeros as no_zeros
from nnlaws.authoring.gradients import numbers as numbers
from nnlaws.authoring.gradients import ordinary_cases as ordinary_cases
from nnlaws.authoring.gradients import pick as pick
from nnlaws.authoring.gradients import poisoned as poisoned
from nnlaws.authoring.gradients import reach as reach
from nnlaws.authoring.gradients import scaled as scaled
from nnlaws.authoring.gradients import start as start
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.optimizers.operations import EXPONENTIAL_AVERAGE, OPERATIONS
from nnlaws.rounding.formats import Format

BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}


def correcting(corrected: bool) -> Builder:
    """Values to average, with bias correction or without."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[EXPONENTIAL_AVERAGE](case, format)
        return Inputs(given.arguments, options={**given.options, "bias_correction": corrected})

    return build


def impulse(case: Case, format: Format) -> Inputs:
    """The value 1 and after it nothing but 0, for as long as the effective window: β = 1 − 1/(T − 1)."""
    values = np.zeros((case.m, case.columns))
    values[0] = 1.0
    return Inputs((values.astype(format.dtype),), options={"beta": 1 - 1 / (case.m - 1), "bias_correction": False})


def reaching(operation: Operation) -> Builder:
    """From 0, the gradients that make the last step longest: all 0 but the last, or in proportion to (β₁/β₂)^j, newest
    first; the newest is a whole number, from 1 to 9 by lane and coordinate.
    """

    def build(case: Case, format: Format) -> Inputs:
        options: dict[str, Any] = dict(numbers(operation, case))
        if "beta" in options:
            ratio = 0.0
        else:
            options["beta1"] = min(options["beta1"], 0.9 * options["beta2"])  # older gradients are the smaller ones
            ratio = options["beta1"] / options["beta2"]
        size = ratio ** np.arange(case.m, dtype=np.float64)[::-1, None]
        newest = case.random("newest").integers(1, 10, case.columns)
        theta = np.zeros(case.columns, format.dtype)
        return Inputs((theta, (size * newest).astype(format.dtype)), options=options)

    return build


def quadratic(operation: Operation) -> Builder:
    """θ₀, seldom 0, and the curvature h of each coordinate, so small that αh ≤ 1; T steps, of gradients h θ."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        theta = start(case, format, moving=False)
        h = 2.0 ** case.random("curvature").integers(-4, 1, case.columns)
        return Inputs((theta, given.arguments[1]), {"h": h.astype(format.dtype)}, given.options)

    return build


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], ordinary_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return BUILDERS[operation], extreme_cases
