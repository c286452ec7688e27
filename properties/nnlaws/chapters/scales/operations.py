"""The operations of scales: from u in [0, 1] to a hyperparameter, and back."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import scales as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.rounding import log_scales


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


TEXT = chapter("scales")
_DIRECTION = named(TEXT, "direction", "descending")
_COMPLEMENT = named(TEXT, "complement", "reverse_log")
_BOX = named(
    TEXT,
    "box",
    "rounded",
    "weaker bound",
    unseen="a result that is beyond an end by a rounding then goes unseen",
)
_ROUNDING = (
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
    named(TEXT, "hyperparameters", "working", "weaker bound", dtypes=(*NARROW, "float32")),
)
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=log_scales, apart="m")

LOG_UNIFORM_MAP = _operation(
    "log_uniform_map",
    "u(m), *, low, high -> x(m)",
    LogUniformMap,
    conventions=(_DIRECTION, *_ROUNDING, _BOX),
)
LOG_UNIFORM_INVERSE = _operation(
    "log_uniform_inverse",
    "x(m), *, low, high -> u(m)",
    LogUniformInverse,
    conventions=(_DIRECTION, *_ROUNDING, _BOX),
    zero=False,
)
LOG_UNIFORM_DENSITY = _operation(
    "log_uniform_density",
    "x(m), *, low, high -> p(m)",
    LogUniformDensity,
    conventions=_ROUNDING,
    zero=False,
)
ONE_MINUS_LOG_UNIFORM_MAP = _operation(
    "one_minus_log_uniform_map",
    "u(m), *, low, high -> x(m)",
    OneMinusLogUniformMap,
    conventions=(_DIRECTION, *_ROUNDING, _COMPLEMENT, _BOX),
)
ONE_MINUS_LOG_UNIFORM_INVERSE = _operation(
    "one_minus_log_uniform_inverse",
    "x(m), *, low, high -> u(m)",
    OneMinusLogUniformInverse,
    conventions=(_DIRECTION, *_ROUNDING, _COMPLEMENT, _BOX),
)
ONE_MINUS_LOG_UNIFORM_DENSITY = _operation(
    "one_minus_log_uniform_density",
    "x(m), *, low, high -> p(m)",
    OneMinusLogUniformDensity,
    conventions=(*_ROUNDING, _COMPLEMENT),
)

OPERATIONS = (
    LOG_UNIFORM_MAP,
    LOG_UNIFORM_INVERSE,
    LOG_UNIFORM_DENSITY,
    ONE_MINUS_LOG_UNIFORM_MAP,
    ONE_MINUS_LOG_UNIFORM_INVERSE,
    ONE_MINUS_LOG_UNIFORM_DENSITY,
)

ON_DISTANCES = (ONE_MINUS_LOG_UNIFORM_MAP, ONE_MINUS_LOG_UNIFORM_INVERSE, ONE_MINUS_LOG_UNIFORM_DENSITY)
"""Those on the logarithmic scale of 1 − x."""
MAPS = (LOG_UNIFORM_MAP, ONE_MINUS_LOG_UNIFORM_MAP)
INVERSES = (LOG_UNIFORM_INVERSE, ONE_MINUS_LOG_UNIFORM_INVERSE)
DENSITIES = (LOG_UNIFORM_DENSITY, ONE_MINUS_LOG_UNIFORM_DENSITY)
