"""The operations of sampling: draws of one hyperparameter on its scale."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import sampling as formulas

from nnlaws.authoring.convention import named
from nnlaws.authoring.operation import Operation


class SampleUniform(Protocol):
    """low < high; size: how many; seed: a whole number ≥ 0.

    Returns `size` independent draws (size,), float64 or float32, uniform between low and high (SA-1).
    """

    def __call__(self, low: float, high: float, /, *, size: int, seed: int) -> Array: ...


class SampleLogUniform(Protocol):
    """0 < low < high; size, seed: as for sample_uniform.

    Returns `size` independent draws (size,), float64 or float32, their logarithms uniform (SA-2).
    """

    def __call__(self, low: float, high: float, /, *, size: int, seed: int) -> Array: ...


class SampleOneMinusLogUniform(Protocol):
    """low < high < 1; size, seed: as for sample_uniform.

    Returns `size` independent draws x (size,), float64 or float32, the logarithms of 1 − x uniform (SA-3).
    """

    def __call__(self, low: float, high: float, /, *, size: int, seed: int) -> Array: ...


class SampleInteger(Protocol):
    """low < high: whole numbers; size, seed: as for sample_uniform.

    Returns `size` independent draws (size,), each whole number from low to high as likely, both included (SA-4).
    """

    def __call__(self, low: int, high: int, /, *, size: int, seed: int) -> Array: ...


TEXT = chapter("sampling")
_operation = partial(
    Operation, signature="low(), high(), *, size, seed -> x(size)", formulas=formulas, reference_module=nnlaws_reference
)

RESOLUTION = named(
    TEXT,
    "resolution",
    "float32",
    "weaker bound",
    unseen="a grid of 2⁻²⁴ then goes unseen",
)
SAMPLE_UNIFORM = _operation("sample_uniform", protocol=SampleUniform, conventions=(RESOLUTION,))
SAMPLE_LOG_UNIFORM = _operation("sample_log_uniform", protocol=SampleLogUniform, conventions=(RESOLUTION,))
SAMPLE_ONE_MINUS_LOG_UNIFORM = _operation(
    "sample_one_minus_log_uniform",
    protocol=SampleOneMinusLogUniform,
    conventions=(named(TEXT, "complement", "reverse_log"), RESOLUTION),
)
SAMPLE_INTEGER = _operation("sample_integer", protocol=SampleInteger, conventions=(named(TEXT, "bounds", "half_open"),))

OPERATIONS = (SAMPLE_UNIFORM, SAMPLE_LOG_UNIFORM, SAMPLE_ONE_MINUS_LOG_UNIFORM, SAMPLE_INTEGER)
