"""The operations of sampling: draws of one hyperparameter on its scale."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation


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


_DRAWS = "low(), high(), *, size, seed -> x(size)"

OPERATIONS = (
    Operation("sample_uniform", "sampling", _DRAWS, SampleUniform, grades=(), arrays=False),
    Operation("sample_log_uniform", "sampling", _DRAWS, SampleLogUniform, grades=(), arrays=False),
    Operation(
        "sample_one_minus_log_uniform",
        "sampling",
        _DRAWS,
        SampleOneMinusLogUniform,
        conventions=("complement",),
        grades=(),
        arrays=False,
    ),
    Operation("sample_integer", "sampling", _DRAWS, SampleInteger, conventions=("bounds",), grades=(), arrays=False),
)
