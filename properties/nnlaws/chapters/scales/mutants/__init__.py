"""Mistakes in the maps between u in [0, 1] and a hyperparameter.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable

import numpy as np
from nnlaws_reference import scales
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, stored
from nnlaws.chapters.scales.mutants import distances, ratios


def from_the_other_end(right: Implementation) -> Implementation:
    return lambda u, **options: right(1 - u, **options)


def sorted_first(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.sort(u), **options)


def ends_left_out(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.clip(u, 0.01, 0.99), **options)


def squared_first(right: Implementation) -> Implementation:
    return lambda u, **options: right(u * u, **options)


def smoothed(right: Implementation) -> Implementation:
    return lambda u, **options: right(u * u * (3 - 2 * u), **options)


def in_hundredths(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.round(u, 2), **options)


def off_the_ends(right: Implementation) -> Implementation:
    return lambda u, **options: right(np.clip(u, 1e-6, 1 - 1e-6), **options)


def tail_left(right: Implementation) -> Implementation:
    """Eight at a time, and then one at most."""

    def run(u: Array, *, low: float, high: float) -> Array:
        found, whole = right(u, low=low, high=high), len(u) // 8 * 8
        if whole:
            found[whole + 1 :] = found[whole - 1]
        return found

    return run


def number_wraps(right: Implementation) -> Implementation:
    """The number of an entry is kept in 16 bits."""

    def run(u: Array, *, low: float, high: float) -> Array:
        found = right(u, low=low, high=high)
        return np.asarray(found[np.arange(len(found)) % 65536])

    return run


def turned_back(right: Implementation) -> Implementation:
    return lambda x, **options: 1 - right(x, **options)


def inside_the_ends(right: Implementation) -> Implementation:
    return lambda x, **options: np.clip(right(x, **options), 0.01, 0.99)


def result_in_hundredths(right: Implementation) -> Implementation:
    return lambda x, **options: np.round(right(x, **options), 2)


def results_in_order(right: Implementation) -> Implementation:
    return lambda x, **options: np.sort(right(x, **options))


_Made = tuple[Callable[[Implementation], Implementation], str, str]
_WRAPPED: _Made = (number_wraps, "results beyond the 65536th repeat the first", "number entries in a wide integer")
_MAPS: tuple[_Made, ...] = (
    (from_the_other_end, "u from the wrong end: u = 0 gives high", "u = 0 is low"),
    (sorted_first, "sorts u first", "each result is of its own u"),
    (ends_left_out, "u is kept in [.01, .99]: the ends are never reached", "take u as it is"),
    (squared_first, "u is squared first", "take u as it is"),
    (smoothed, "u goes through a smooth step first", "take u as it is"),
    (in_hundredths, "u is rounded to hundredths first", "take u as it is"),
    (off_the_ends, "u is kept in [1e-6, 1 − 1e-6]", "take u as it is"),
    (tail_left, "blocks of eight and one more: the others of the tail are not computed", "compute every entry"),
    _WRAPPED,
)
_INVERSES: tuple[_Made, ...] = (
    (turned_back, "from the wrong end: low gives u = 1", "low is u = 0"),
    (inside_the_ends, "u is kept in [.01, .99]", "give u as it is"),
    (result_in_hundredths, "u is rounded to hundredths", "give u as it is"),
    (results_in_order, "sorts its results", "each result is of its own x"),
    (tail_left, "blocks of eight and one more: the others of the tail are not computed", "compute every entry"),
    _WRAPPED,
)
_FAULTS: dict[str, tuple[_Made, ...]] = {
    "log_uniform_map": _MAPS,
    "log_uniform_inverse": _INVERSES,
    "one_minus_log_uniform_map": _MAPS,
    "one_minus_log_uniform_inverse": _INVERSES,
    "log_uniform_density": (_WRAPPED,),
    "one_minus_log_uniform_density": (_WRAPPED,),
}

MUTANTS: tuple[Mutant, ...] = (
    *ratios.MUTANTS,
    *distances.MUTANTS,
    *(
        Mutant(name, f"{name}.{make.__name__}", fault, fix, "classroom", stored(make(getattr(scales, name))))
        for name, faults in _FAULTS.items()
        for make, fault, fix in faults
    ),
)
