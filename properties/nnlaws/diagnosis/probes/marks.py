"""Marks of an argument, that a target may be wrong for: a number that it holds, a row of zeros, two largest numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.formats import Floats


def _beside(number: float) -> float:
    """What a number is replaced by: one close by, so that it is not taken for all that are near it."""
    return 0.75 if not np.isfinite(number) else 2.0**-12 if number == 0 else number - 2.0**-6


@dataclass(frozen=True)
class Mark:
    """words: of an argument's name, where the mark is. holds: of an argument of one lane; put and without: the argument
    with the mark, and with another number in its place.
    """

    words: str
    holds: Callable[[Any], bool]
    put: Callable[[Floats], Floats]
    without: Callable[[Floats], Floats]


def _is(number: float, a: Any) -> NDArray[np.bool_]:
    """Elementwise, whether it is that number; −0 is 0, but 0 is not −0."""
    wide = np.asarray(a, dtype=np.float64)
    if np.isnan(number):
        return np.isnan(wide)
    return np.asarray((wide == number) & (np.signbit(wide) | ~np.signbit(number) | (number != 0)))


def _one_of(number: float, name: str) -> Mark:
    def put(a: Floats) -> Floats:
        flat = a.copy()
        flat.reshape(-1)[a.size // 2] = number
        return flat

    return Mark(
        f"{{}} holds {name}",
        lambda a: bool(_is(number, a).any()),
        put,
        lambda a: np.where(_is(number, a), _beside(number), a),
    )


def _throughout(number: float, name: str) -> Mark:
    def without(a: Floats) -> Floats:
        return np.where(np.arange(a.size).reshape(a.shape) == a.size // 2, _beside(number), a)

    return Mark(
        f"{{}} is {name} throughout",
        lambda a: bool(a.size and _is(number, a).all()),
        partial(np.full_like, fill_value=number),
        without,
    )


def _rows_of_zeros(a: Any) -> NDArray[np.bool_]:
    wide = np.asarray(a, dtype=np.float64)
    return np.asarray((wide == 0).all(axis=-1, keepdims=True) & (wide.ndim > 1))


def _with_a_row(a: Floats) -> Floats:
    changed = a.copy()
    changed[len(a) // 2] = 0
    return changed


def _twice(a: Any) -> NDArray[np.bool_]:
    """Where a row's largest number stands again, after its first place."""
    wide = np.asarray(a, dtype=np.float64)
    largest = wide == wide.max(axis=-1, keepdims=True)
    return np.asarray(largest & (np.cumsum(largest, axis=-1) > 1))


def _tied(a: Floats) -> Floats:
    changed, first = a.copy(), np.argmax(a, axis=-1)[..., None]
    np.put_along_axis(changed, (first + 1) % a.shape[-1], np.take_along_axis(a, first, axis=-1), axis=-1)
    return changed


MARKS = (
    _one_of(np.nan, "NaN"),
    _one_of(-np.inf, "-inf"),
    _one_of(np.inf, "inf"),
    _throughout(0.0, "0"),
    _throughout(1.0, "1"),
    Mark(
        "{} holds a row of zeros",
        lambda a: bool(_rows_of_zeros(a).any()),
        _with_a_row,
        lambda a: np.where(_rows_of_zeros(a), _beside(0.0), a),
    ),
    Mark(
        "a row of {} has its largest number more than once",
        lambda a: bool(np.ndim(a) > 1 and _twice(a).any()),
        _tied,
        lambda a: np.where(_twice(a), a - np.maximum(np.abs(a) / 4, 1), a),
    ),
    _one_of(-0.0, "-0"),
    _one_of(0.0, "0"),
)
"""The more special first."""
