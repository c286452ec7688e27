"""The operations beyond the notes: draws of finitely many values, and designs of points."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import more_samplers as formulas

from nnlaws.authoring.convention import named
from nnlaws.authoring.operation import Operation


class QuantisedUniform(Protocol):
    """low < high, a whole number of steps apart; size: how many; seed: a whole number ≥ 0.

    Returns `size` independent draws (size,), float64 or float32, of low, low + step, …, high, each as likely (MS-1).
    """

    def __call__(self, low: float, high: float, /, *, step: float, size: int, seed: int) -> Array: ...


class LogIntegers(Protocol):
    """0 < low < high: whole numbers; size, seed: as for quantised_uniform.

    Returns `size` independent draws (size,), each whole number k from low to high, both included, with a chance in
    proportion to log((k + 1)/k) (MS-2).
    """

    def __call__(self, low: int, high: int, /, *, size: int, seed: int) -> Array: ...


class WeightedChoice(Protocol):
    """weights (n,), each ≥ 0, not all 0; they need not sum to 1; size, seed: as for quantised_uniform.

    Returns `size` independent indices (size,) from 0 to n − 1, each with a chance in proportion to its weight (MS-3).
    """

    def __call__(self, weights: Array, /, *, size: int, seed: int) -> Array: ...


class LatinHypercube(Protocol):
    """size: how many points; axes: how many numbers each has; seed: a whole number ≥ 0.

    Returns points of the unit cube (size, axes), float64: on each axis one in each of `size` equal parts, anywhere in
    it, the axes paired at random (MS-9 to MS-11).
    """

    def __call__(self, *, size: int, axes: int, seed: int) -> Array: ...


class Sobol(Protocol):
    """size: how many points, a power of 2; axes: how many numbers each has, at least up to 5; seed: a whole number ≥ 0.

    Returns points of the unit cube (size, axes), float64: the first ones of Sobol's sequence, scrambled by the seed
    (MS-12 to MS-14).
    """

    def __call__(self, *, size: int, axes: int, seed: int) -> Array: ...


TEXT = chapter("more_samplers")
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference)

QUANTISED_UNIFORM = _operation(
    "quantised_uniform",
    "low(), high(), *, step, size, seed -> x(size)",
    QuantisedUniform,
    conventions=(named(TEXT, "ends", "half"),),
)
LOG_INTEGERS = _operation(
    "log_integers",
    "low(), high(), *, size, seed -> x(size)",
    LogIntegers,
    conventions=tuple(named(TEXT, "parts", value) for value in ("around", "within", "equal")),
)
WEIGHTED_CHOICE = _operation("weighted_choice", "weights(n), *, size, seed -> k(size)", WeightedChoice)
LATIN_HYPERCUBE = _operation(
    "latin_hypercube",
    "*, size, axes, seed -> x(size,axes)",
    LatinHypercube,
    conventions=(named(TEXT, "within", "centre"),),
)
SOBOL = _operation(
    "sobol",
    "*, size, axes, seed -> x(size,axes)",
    Sobol,
    conventions=(named(TEXT, "scrambling", "omitted"),),
)

DRAWN = (QUANTISED_UNIFORM, LOG_INTEGERS, WEIGHTED_CHOICE)
DESIGNS = (LATIN_HYPERCUBE, SOBOL)
OPERATIONS = (*DRAWN, *DESIGNS)
