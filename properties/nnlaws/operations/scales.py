"""The operations of scales: from u in [0, 1] to a hyperparameter, and back."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation


class LogUniformMap(Protocol):
    """u: (m,) in [0, 1]; 0 < low < high.

    Returns low^(1 − u) high^u (m,): from low at u = 0 to high at u = 1, equal steps by equal factors (SC-1).
    """

    def __call__(self, u: Array, /, *, low: float, high: float) -> Array: ...


class LogUniformInverse(Protocol):
    """x: (m,) between low and high; 0 < low < high. Returns log(x/low)/log(high/low) (m,), in [0, 1] (SC-3)."""

    def __call__(self, x: Array, /, *, low: float, high: float) -> Array: ...


class LogUniformDensity(Protocol):
    """x: (m,) between low and high; 0 < low < high. Returns the density 1/(x log(high/low)) (m,) (SC-11)."""

    def __call__(self, x: Array, /, *, low: float, high: float) -> Array: ...


class OneMinusLogUniformMap(Protocol):
    """u: (m,) in [0, 1]; low < high < 1.

    Returns 1 − (1 − low)^(1 − u) (1 − high)^u (m,): from low at u = 0 to high at u = 1 (SC-2).
    """

    def __call__(self, u: Array, /, *, low: float, high: float) -> Array: ...


class OneMinusLogUniformInverse(Protocol):
    """x: (m,) between low and high; low < high < 1.

    Returns log((1 − x)/(1 − low))/log((1 − high)/(1 − low)) (m,), in [0, 1] (SC-4).
    """

    def __call__(self, x: Array, /, *, low: float, high: float) -> Array: ...


class OneMinusLogUniformDensity(Protocol):
    """x: (m,) between low and high; low < high < 1.

    Returns the density 1/((1 − x) log((1 − low)/(1 − high))) (m,) (SC-12).
    """

    def __call__(self, x: Array, /, *, low: float, high: float) -> Array: ...


_ROUNDING = ("arithmetic", "hyperparameters")
_BOXED = (*_ROUNDING, "box")

OPERATIONS = (
    Operation(
        "log_uniform_map",
        "scales",
        "u(m), *, low, high -> x(m)",
        LogUniformMap,
        conventions=("direction",),
        grades=_BOXED,
    ),
    Operation(
        "log_uniform_inverse",
        "scales",
        "x(m), *, low, high -> u(m)",
        LogUniformInverse,
        conventions=("direction",),
        grades=_BOXED,
    ),
    Operation("log_uniform_density", "scales", "x(m), *, low, high -> p(m)", LogUniformDensity, grades=_ROUNDING),
    Operation(
        "one_minus_log_uniform_map",
        "scales",
        "u(m), *, low, high -> x(m)",
        OneMinusLogUniformMap,
        conventions=("direction", "complement"),
        grades=_BOXED,
    ),
    Operation(
        "one_minus_log_uniform_inverse",
        "scales",
        "x(m), *, low, high -> u(m)",
        OneMinusLogUniformInverse,
        conventions=("direction", "complement"),
        grades=_BOXED,
    ),
    Operation(
        "one_minus_log_uniform_density",
        "scales",
        "x(m), *, low, high -> p(m)",
        OneMinusLogUniformDensity,
        conventions=("complement",),
        grades=_ROUNDING,
    ),
)
