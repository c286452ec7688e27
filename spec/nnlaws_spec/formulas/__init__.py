"""The clauses' formulas, written literally: one module a chapter, plain array code for any kind of number.

The same function gives a value on floats, a proven enclosure on balls and a proven derivative on jets. Nothing here
guards against overflow: in balls nothing overflows, and how to compute well in floats is `nnlaws_reference`'s subject.
"""

from typing import Any, TypeAlias

import numpy as np

Numbers: TypeAlias = Any
"""An array of any kind of number: floats, or `flint.arb` balls or `flint.arb_series` jets in an object array."""


def floor(x: Numbers) -> Numbers:
    """⌊x⌋. Of an object array NumPy would take the floors of the nearest floats, which may be one too many."""
    if (x if hasattr(x, "dtype") else np.asarray(x)).dtype != object:
        return np.floor(x)
    return np.array([each.floor() for each in np.ravel(x)], dtype=object).reshape(np.shape(x))


def cos_pi(x: Numbers) -> Numbers:
    """cos πx. Of balls and jets with π itself, not the nearest float."""
    if (x if hasattr(x, "dtype") else np.asarray(x)).dtype != object:
        return np.cos(np.pi * x)
    return np.array([each.cos_pi() for each in np.ravel(x)], dtype=object).reshape(np.shape(x))


def maximum(x: Numbers, y: Numbers) -> Numbers:
    """The larger of the two. Of an object array NumPy would compare balls, which may overlap."""
    if (x if hasattr(x, "dtype") else np.asarray(x)).dtype != object:
        return np.maximum(x, y)
    pairs = zip(np.ravel(x), np.ravel(y), strict=True)
    return np.array([a.max(b) for a, b in pairs], dtype=object).reshape(np.shape(x))


def sign(x: Numbers) -> Numbers:
    """−1, 0 or 1. Of a ball that holds numbers of both signs all from −1 to 1."""
    if (x if hasattr(x, "dtype") else np.asarray(x)).dtype != object:
        return np.sign(x)
    return np.array([each.sgn() for each in np.ravel(x)], dtype=object).reshape(np.shape(x))
