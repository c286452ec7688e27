"""Scales: from u in [0, 1] to a hyperparameter, and back.

On the log scale equal steps of u multiply x by equal factors; on the other they do so with 1 − x. Either way u = 0 is
low and u = 1 is high. Arrays may have any shape; the result has the shape and dtype of what is given. It is computed in
float64, which holds every u, x and option as it is, and rounded once. No result leaves the box, rounding included
(SC-6): a map's is between low and high, each rounded to the dtype, and an inverse's between 0 and 1.

Maps start from the nearer end: the exponent is then at most 1/2, and 1 − u, where it is used, is exact. Logarithms are
of 1 plus a difference: two close numbers are subtracted before anything is rounded.
"""

from math import inf
from typing import Any

import numpy as np

from nnlaws_reference.dtypes import Array, working_dtype


def log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    """x = low^(1−u) · high^u (SC-1).

    u: in [0, 1], of a floating dtype; 0 < low < high, finite. For uniform u, log x is uniform.
    Raises ValueError for another u, dtype or box.
    """
    low, high = _checked_log(low, high)
    share = _shares(u)
    part = np.minimum(share, 1 - share)
    low_part, high_part = low**part, high**part
    # low/low^u = low^(1−u), and all else on the way, lies between low, high and 1: nothing overflows
    x = np.where(share <= 0.5, low / low_part * high_part, high / high_part * low_part)
    return _rounded(np.clip(x, low, high), u)


def log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    """u = log(x/low) / log(high/low) (SC-3).

    x: between low and high, each as it is or rounded to x's dtype, which is floating; 0 < low < high, finite.
    Raises ValueError for another x, dtype or box.
    """
    low, high = _checked_log(low, high)
    inside = _inside(x, low, high)
    return _rounded(np.clip(_log1p_quotient(inside - low, low) / _log_span(low, high), 0, 1), x)


def log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    """p = 1 / (x log(high/low)) (SC-11).

    x, low, high and errors as for log_uniform_inverse.
    """
    low, high = _checked_log(low, high)
    return _density(_log_span(low, high), _inside(x, low, high), x)


def one_minus_log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    """x = 1 − (1−low)^(1−u) · (1−high)^u (SC-2).

    u: in [0, 1], of a floating dtype; low < high < 1, finite. For uniform u, log(1 − x) is uniform.
    Raises ValueError for another u, dtype or box.
    """
    low, high = _checked_one_minus(low, high)
    share = _shares(u)
    # in terms of x − low and of high − x, for 1 − x would forget the digits of a small x
    exponent = _one_minus_span(low, high) * np.minimum(share, 1 - share)
    x = np.where(share <= 0.5, low - (1 - low) * np.expm1(-exponent), high - (1 - high) * np.expm1(exponent))
    return _rounded(np.clip(x, low, high), u)


def one_minus_log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    """u = log((1−x)/(1−low)) / log((1−high)/(1−low)) (SC-4).

    x: between low and high, each as it is or rounded to x's dtype, which is floating; low < high < 1, finite.
    Raises ValueError for another x, dtype or box.
    """
    low, high = _checked_one_minus(low, high)
    inside = _inside(x, low, high)
    u = _log1p_quotient(inside - low, 1 - inside) / _one_minus_span(low, high)  # SC-4, both quotients turned over
    return _rounded(np.clip(u, 0, 1), x)


def one_minus_log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    """p = 1 / ((1−x) log((1−low)/(1−high))) (SC-12).

    x, low, high and errors as for one_minus_log_uniform_inverse.
    """
    low, high = _checked_one_minus(low, high)
    return _density(_one_minus_span(low, high), 1 - _inside(x, low, high), x)


def _log_span(low: float, high: float) -> Any:
    """log(high/low)."""
    return _log1p_quotient(np.float64(high - low), np.float64(low))


def _one_minus_span(low: float, high: float) -> Any:
    """log((1−low)/(1−high))."""
    return _log1p_quotient(np.float64(high - low), np.float64(1 - high))


@np.errstate(over="ignore")
def _log1p_quotient(difference: Any, base: Any) -> Any:
    """log(1 + difference/base), for difference ≥ 0 and base > 0, even where the quotient is beyond float64."""
    quotient = difference / base
    return np.where(np.isfinite(quotient), np.log1p(quotient), np.log(difference + base) - np.log(base))


@np.errstate(over="ignore")
def _density(span: Any, distance: Array, like: Array) -> Array:
    """1 / (distance · span), divided twice: the product could overflow, or underflow, where this does not."""
    return _rounded(1 / span / distance, like)


def _rounded(result: Array, like: Array) -> Array:
    """One rounding to the dtype of `like`; what is beyond it becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(result, dtype=like.dtype, order="C")


def _shares(u: Array) -> Array:
    """u in float64, checked."""
    working_dtype(u.dtype)  # refuses what is not floating
    share = u.astype(np.float64, order="C")
    wrong = ~((share >= 0) & (share <= 1))
    if wrong.any():
        raise ValueError(f"expected u in [0, 1], 0 for low and 1 for high, got {share[wrong][0]}")
    return share


def _inside(x: Array, low: float, high: float) -> Array:
    """x in float64, checked; a low or high that was rounded out of the box is taken back."""
    working_dtype(x.dtype)  # refuses what is not floating
    given = x.astype(np.float64, order="C")
    least, most = _rounded(np.array([low, high]), x).astype(np.float64)
    wrong = ~((given >= min(low, least)) & (given <= max(high, most)))
    if wrong.any():
        raise ValueError(
            f"expected x between low = {low} and high = {high}, got {given[wrong][0]}; "
            "numpy.clip(x, low, high) takes back what only rounding carried out"
        )
    return np.clip(given, low, high)


# Each of these gives Python floats: NumPy's own would be computed with in their own dtype.


def _checked_log(low: float, high: float) -> tuple[float, float]:
    if not 0 < low < high < inf:
        raise ValueError(f"expected 0 < low < high, both finite, got low = {low} and high = {high}")
    return float(low), float(high)


def _checked_one_minus(low: float, high: float) -> tuple[float, float]:
    if not -inf < low < high < 1:
        raise ValueError(f"expected low < high < 1, both finite, got low = {low} and high = {high}")
    return float(low), float(high)
