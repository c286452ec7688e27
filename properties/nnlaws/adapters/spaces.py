"""Spaces for libraries that have no scale of 1 − x: such an axis is 1 − x on a log scale there, as users write it."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.chapters.search.operations import Space


def complemented(space: Space) -> Space:
    """The space with each axis on the scale of 1 − x as an axis of 1 − x on a log scale."""
    return tuple(
        (name, 1 - high, 1 - low, "log") if scale == "one_minus_log" else (name, low, high, scale)
        for name, low, high, scale in space
    )


def points(space: Space, rows: object) -> Array:
    """Points of the space, of rows with a value an axis of the complemented one (n, d)."""
    found = np.array(rows, dtype=np.float64).reshape(-1, len(space))
    flipped = [scale == "one_minus_log" for _, _, _, scale in space]
    found[:, flipped] = 1 - found[:, flipped]
    return found


def ticks(space: Space, per_axis: int) -> dict[str, list[float]]:
    """For libraries that have to be given the values of a grid: those of each complemented axis, by name."""
    return {name: _ticks(low, high, scale, per_axis) for name, low, high, scale in complemented(space)}


def _ticks(low: float, high: float, scale: str, count: int) -> list[float]:
    if scale == "integer":
        return [int(value) for value in np.linspace(low, high, count).round()]
    return list((np.geomspace if scale == "log" else np.linspace)(low, high, count).tolist())
