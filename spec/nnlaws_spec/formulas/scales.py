"""Scales of hyperparameters: the formulas of chapters/scales.md.

u and x are arrays of any shape, or single numbers; low and high are numbers. What is computed with low and high is
computed in the array's own kind of number, so in balls nothing is rounded away: not 1 − low, not log(high/low).
"""

from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers

Direction: TypeAlias = Literal["ascending", "descending"]
Complement: TypeAlias = Literal["exact", "reverse_log"]


def log_uniform_map(u: Numbers, *, low: float, high: float, direction: Direction = "ascending") -> Numbers:
    """SC-1: x = low^(1−u) · high^u. descending: 1 − u in place of u."""
    up = _turned(u, direction)
    return (low + 0 * u) ** (1 - up) * (high + 0 * u) ** up


def log_uniform_inverse(x: Numbers, *, low: float, high: float, direction: Direction = "ascending") -> Numbers:
    """SC-3: u = log(x/low) / log(high/low). descending: 1 − that."""
    return _turned(np.log(x / low) / _log_ratio(high, low, x), direction)


def log_uniform_density(x: Numbers, *, low: float, high: float) -> Numbers:
    """SC-11: p = 1 / (x log(high/low)) for low ≤ x ≤ high."""
    return 1 / (x * _log_ratio(high, low, x))


def log_uniform_share(a: Numbers, b: Numbers, low: float, high: float) -> Numbers:
    """SC-13: P(a ≤ x ≤ b) = log(b/a) / log(high/low) for low ≤ a ≤ b ≤ high."""
    return np.log(b / a) / _log_ratio(high, low, a)


def one_minus_log_uniform_map(
    u: Numbers, *, low: float, high: float, direction: Direction = "ascending", complement: Complement = "exact"
) -> Numbers:
    """SC-2: x = 1 − (1−low)^(1−u) · (1−high)^u. descending: 1 − u in place of u.

    reverse_log: x = low + high − low^u · high^(1−u).
    """
    up = _turned(u, direction)
    if complement == "reverse_log":
        return low + (high - log_uniform_map(1 - up, low=low, high=high))
    below, above = 1 - (low + 0 * u), 1 - (high + 0 * u)
    return 1 - below ** (1 - up) * above**up


def one_minus_log_uniform_inverse(
    x: Numbers, *, low: float, high: float, direction: Direction = "ascending", complement: Complement = "exact"
) -> Numbers:
    """SC-4: u = log((1−low)/(1−x)) / log((1−low)/(1−high)). descending: 1 − that.

    reverse_log: u = 1 − log((low+high−x)/low) / log(high/low).
    """
    if complement == "reverse_log":
        up = 1 - log_uniform_inverse(low + (high - x), low=low, high=high)
    else:
        below, above = 1 - (low + 0 * x), 1 - (high + 0 * x)
        up = np.log(below / (1 - x)) / np.log(below / above)
    return _turned(up, direction)


def one_minus_log_uniform_density(x: Numbers, *, low: float, high: float, complement: Complement = "exact") -> Numbers:
    """SC-12: p = 1 / ((1−x) log((1−low)/(1−high))) for low ≤ x ≤ high.

    reverse_log: p = 1 / ((low+high−x) log(high/low)).
    """
    if complement == "reverse_log":
        return log_uniform_density(low + (high - x), low=low, high=high)
    below, above = 1 - (low + 0 * x), 1 - (high + 0 * x)
    return 1 / ((1 - x) * np.log(below / above))


def one_minus_log_uniform_share(
    a: Numbers, b: Numbers, low: float, high: float, complement: Complement = "exact"
) -> Numbers:
    """SC-10: P(a ≤ x ≤ b) = log((1−a)/(1−b)) / log((1−low)/(1−high)) for low ≤ a ≤ b ≤ high.

    reverse_log: log((low+high−a)/(low+high−b)) / log(high/low).
    """
    if complement == "reverse_log":
        return log_uniform_share(low + (high - b), low + (high - a), low, high)
    return log_uniform_share(1 - b, 1 - a, 1 - (high + 0 * a), 1 - (low + 0 * a))


def _turned(u: Numbers, direction: Direction) -> Numbers:
    return 1 - u if direction == "descending" else u


def _log_ratio(high: float, low: float, like: Numbers) -> Numbers:
    """log(high/low), in `like`'s kind of number."""
    return np.log((high + 0 * like) / (low + 0 * like))
