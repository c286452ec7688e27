"""How far an elementary function may be off: by its own rounding, and by the error of its argument.

In units of u |f(x)|, the worst that benchmarks/elementary_errors.py measured over NumPy, SciPy, C's library and the
vector functions that gcc -Ofast calls, PyTorch, JAX, TensorFlow and ONNX Runtime on a processor, in float32 and
float64, and what is allowed:

    function      measured   allowed        function      measured   allowed
    exp               4.18   6              sinh, cosh        2.87   6 + |x|
    log               6.09   8              tanh              6.92   10
    log, float64      2.08   5              arctan            2.08   4
    exp2 (PyTorch)    1.72   6 + 1.4|x|     arcsinh           2.74   6
    expm1             5.81   8              erf               5.12   8
    log2, log10       3.42   8              erfc              1.50   8 + x²
    log1p             4.60   6              expit             2.57   6
    sin, cos          1.86   4              log_expit         3.22   6
    power             1.75   4
    logaddexp         2.38   4, of |max| + (1 + d) log1p(e^−d) with d = |a − b|

Terms in x are of algorithms that round an intermediate of that size: JAX takes e^{x ln 2} for 2^x (measured 0.72|x|)
and e^{x − ln 2} in sinh and cosh (0.81|x|), JAX and SciPy e^{−x²} in erfc (1.0x²). Not admitted: JAX's log1p in
float64, which is off by 241 u between −0.4143 and −0.2929; and TensorFlow's power, by 766 u there, by 6.4 in float32.

The error e of an argument reaches the result as at most e · sup|f′| over [value − 2e, value + 2e], where all admissible
arguments are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlaws.rounding.formats import Floats, Format

EXP = 6.0
"""Of exp, in any format: measured worst 4.18, in float64, of the vector functions that gcc -Ofast calls."""
LOG = 8.0
"""Of log, log2, log10 and log1p, in any format: measured worst 6.09, in float32, of gcc's too."""
_LOG_IN_DOUBLE = 5.0
"""Measured worst: 3.55, of TensorFlow's log1p; of log 2.08, log2 2.86, log10 3.02."""


def log_units(format: Format) -> float:
    """What LOG is in one format."""
    return _LOG_IN_DOUBLE if format.digits == 53 else LOG


POWER = 4.0
SHORT = 0.5  # of an exponent's error: up to here a polynomial bounds what it does
LOGADDEXP = 4.0


@dataclass(frozen=True)
class Elementary:
    """A function of one number. units: its own error, in u |f|. growth: more of it, by the largest |x|.

    spread: how far apart f is at two arguments that are admissible for (value, error).
    """

    units: float
    spread: Callable[[Floats, Floats], Floats]
    growth: Callable[[Floats], Floats] | None = None

    def error(self, value: Floats, error: Floats) -> Floats:
        """The argument's error, carried over; infinite where that is, or where f may be undefined."""
        spread = self.spread(value, error)
        return np.where(np.isnan(spread) | np.isposinf(error), np.inf, spread)

    def own(self, value: Floats, error: Floats) -> Floats:
        """The units of its own rounding."""
        return self.units + (np.zeros(value.shape) if self.growth is None else self.growth(np.abs(value) + 2 * error))


def _steepest_inside(slope: Callable[[Floats], Floats], width: float) -> Callable[[Floats, Floats], Floats]:
    """For |f′| that falls with |x|; `width`: of f's range, which no two values differ by more than."""

    def spread(value: Floats, error: Floats) -> Floats:
        return np.minimum(error * slope(np.maximum(np.abs(value) - 2 * error, 0.0)), width)

    return spread


def _steepest_outside(slope: Callable[[Floats], Floats]) -> Callable[[Floats, Floats], Floats]:
    """For |f′| that grows with |x|."""
    return lambda value, error: np.where(error > 0, error * slope(np.abs(value) + 2 * error), 0.0)


def exp_spread(value: Floats, error: Floats, exponential: Floats | None = None) -> Floats:
    """|e^c − e^x| ≤ e^{x+error} − e^x ≤ e^{value + 2 error} · (1 − e^−error), a form that survives huge arguments.

    exponential: e^value, where it is known. Of errors up to 1/2, e^{2 error} − e^error is at most error (1 + 3/2 error
    + 2 error²): by its series, and at 1/2 by 5 %.
    """
    if exponential is not None and error.max(initial=0.0) <= SHORT:  # NaN compares as False
        return np.asarray(exponential * (error * (1 + error * (1.5 + 2 * error))))
    return np.exp(value + 2 * error) * -np.expm1(-error)


def log_spread(value: Floats, error: Floats) -> Floats:
    """|log c − log x| ≤ −log(1 − error/x), with x ≥ value − error."""
    below = value - error
    return np.where(below > error, -np.log1p(-error / below), np.inf)


def _exp2_spread(value: Floats, error: Floats) -> Floats:
    return np.exp2(value + 2 * error) * -np.expm1(-error * np.log(2.0))


def _log1p_spread(value: Floats, error: Floats) -> Floats:
    return log_spread(1 + value, error)


def _log_expit_spread(value: Floats, error: Floats) -> Floats:
    """The slope, 1/(1 + e^x), falls with x."""
    return error / (1 + np.exp(value - 2 * error))


def _erfc_spread(value: Floats, error: Floats) -> Floats:
    """The slope, 2/√π e^{−x²}, falls with x > 0."""
    lowest = np.maximum(value - 2 * error, 0.0)
    return np.minimum(error * _bell(lowest), 2.0)


def _bell(x: Floats) -> Floats:
    return 2 / np.sqrt(np.pi) * np.exp(-x * x)


ELEMENTARY: dict[str, Elementary] = {
    "exp2": Elementary(6.0, _exp2_spread, lambda x: 1.4 * x),
    "expm1": Elementary(8.0, exp_spread),
    "log2": Elementary(LOG, lambda value, error: log_spread(value, error) / np.log(2.0)),
    "log10": Elementary(LOG, lambda value, error: log_spread(value, error) / np.log(10.0)),
    "log1p": Elementary(6.0, _log1p_spread),
    "sin": Elementary(4.0, lambda value, error: np.minimum(error, 2.0)),
    "cos": Elementary(4.0, lambda value, error: np.minimum(error * np.minimum(np.abs(value) + 2 * error, 1.0), 2.0)),
    "sinh": Elementary(6.0, _steepest_outside(np.cosh), lambda x: x),
    "cosh": Elementary(6.0, _steepest_outside(np.sinh), lambda x: x),
    "tanh": Elementary(10.0, _steepest_inside(lambda x: np.cosh(x) ** -2, 2.0)),
    "arctan": Elementary(4.0, _steepest_inside(lambda x: 1 / (1 + x * x), np.pi)),
    "arcsinh": Elementary(6.0, _steepest_inside(lambda x: 1 / np.hypot(1, x), np.inf)),
    "erf": Elementary(8.0, _steepest_inside(_bell, 2.0)),
    "erfc": Elementary(8.0, _erfc_spread, lambda x: x * x),
    "expit": Elementary(6.0, _steepest_inside(lambda x: np.cosh(x / 2) ** -2 / 4, 1.0)),
    "log_expit": Elementary(6.0, _log_expit_spread),
}
"""By the name of the ufunc in NumPy, or in scipy.special."""


def power_error(x: Floats, x_error: Floats, y: Floats, y_error: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Of x^y = `value`: the error carried over, and the units of its own rounding.

    With a whole y = n the slope is |n| |x|^{n−1}, at the end of the interval where that is largest, and the power may
    be computed as a product: n − 1 roundings in any order, and for n < 0 as one of reciprocals, 2|n| − 1. Else it is
    e^{y log x}, which needs x > 0, and y log x is off by at most |y| times the spread of log x, and |log x| y_error.
    Of an x that is exactly 0, a power is exactly 0 for every y > 0, whatever the rounding of y.
    """
    whole = (y_error == 0) & (np.rint(y) == y)
    far, near = np.abs(x) + 2 * x_error, np.abs(x) - 2 * x_error
    ends = np.where(y >= 1, far, np.where(near > 0, near, 0.0))
    by_product = np.where(x_error > 0, x_error * np.abs(y) * ends ** (y - 1), 0.0)
    logs = log_spread(x, x_error)
    off = (np.abs(y) + 2 * y_error) * logs + np.abs(np.log(x)) * y_error
    by_exponential = np.abs(value) * np.exp(2 * off) * -np.expm1(-off)
    certain = (x_error == 0) & (y_error == 0)
    by_exponential = np.where(certain, 0.0, by_exponential)
    error = np.where(whole, np.where(y == 0, 0.0, by_product), by_exponential)
    error = np.where(np.isnan(error) | np.isnan(value) | ((y != 0) & np.isinf(x_error)), np.inf, error)
    nothing = (x == 0) & (x_error == 0) & (y - 2 * y_error > 0)
    error = np.where(nothing, 0.0, error)
    products = np.where(y > 0, y - 1, 2 * np.abs(y) - 1)
    exact = nothing | (whole & ((y == 0) | (y == 1)))
    return error, np.where(exact, 0.0, np.where(whole, np.where(y == 2, 1.0, np.maximum(products, POWER)), POWER))


def logaddexp_terms(a: Floats, b: Floats) -> Floats:
    """max + log(1 + e^−d) is a sum of two terms that may cancel; d = |a − b| is rounded too, and e^−d errs by u d."""
    d = np.abs(a - b)
    return np.abs(np.maximum(a, b)) + np.where(np.isfinite(d), (1 + d) * np.log1p(np.exp(-d)), 0.0)


def logaddexp_error(a: Floats, a_error: Floats, b: Floats, b_error: Floats, u: float) -> Floats:
    """The slopes in a and b are positive and add up to 1; the rest is its own rounding."""
    larger = np.maximum(a_error, b_error)
    terms = logaddexp_terms(a, b)
    return larger + LOGADDEXP * u * (terms + 4 * larger)
