"""The laws of a grid: its values on each axis, and all their combinations."""

import numpy as np
from nnlaws_reference.search import Axis
from nnlaws_spec.formulas import search as formulas

from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chance.evidence import given
from nnlaws.chapters.search.driver import points_of
from nnlaws.chapters.search.inputs import NEAR, Space, scale_of
from nnlaws.rounding.formats import Floats


def own_scale(f: Subject, ruler: Ruler, *, space: Space, per_axis: int) -> Evidence:
    """The values of each axis are equally spaced on its own scale; whole numbers, but for rounding."""
    for axis, values in zip(space, points_of(f, space, per_axis=per_axis).T, strict=True):
        if axis.scale == "integer":
            whole = np.unique(values)
            if len(whole) == per_axis > 1 and not any(
                np.abs(whole - wanted).max() < 1 - NEAR for wanted in _whole_levels(axis, per_axis)
            ):
                told = ", ".join(map(given, whole))
                return require(False, f"{axis.name} is {told}: not what is equally far apart, rounded to whole numbers")
            continue
        levels = np.unique(scale_of(axis).position(values))
        levels = levels[np.append(True, np.diff(levels) > NEAR)]
        steps = np.diff(levels)
        if len(levels) > 1 and np.ptp(steps) > NEAR:
            apart = f"on its scale {axis.name} goes by steps from {steps.min():.9g} to {steps.max():.9g}"
            return require(False, f"{apart}, {axis.scale}, where all should be equal")
    return require(True, "")


def _whole_levels(axis: Axis, count: int) -> list[Floats]:
    """Where that many whole numbers are before they are rounded: with the ends or without, of the range or of cells of
    one round each."""
    ends, cells = axis.high - axis.low, axis.high - axis.low + 1
    inner = formulas.grid_levels(count, "excluded")
    return [
        axis.low + ends * formulas.grid_levels(count), axis.low + ends * inner, axis.low - 0.5 + cells * inner
    ]  # fmt: skip


def every_combination(f: Subject, ruler: Ruler, *, space: Space, per_axis: int) -> Evidence:
    """per_axis values on each axis, and each combination of them once."""
    points = points_of(f, space, per_axis=per_axis)
    wanted = per_axis ** len(space)
    if len(points) != wanted:
        return require(False, f"{len(points)} points where {per_axis}^{len(space)} = {wanted} are all combinations")
    levels = [np.unique(values) for values in points.T]
    for axis, values in zip(space, levels, strict=True):
        if len(values) != per_axis:
            return require(False, f"{axis.name} has {len(values)} values where {per_axis} were asked for")
    different = np.unique(points, axis=0)
    there = np.array_equal(different, formulas.grid(levels))  # both in lexicographic order
    return require(there, f"only {len(different)} of {wanted} combinations are there, some of them twice")


def from_end_to_end(f: Subject, ruler: Ruler, *, space: Space, per_axis: int) -> Evidence:
    """The grid reaches to within half a step of both ends of each axis; of whole numbers, but for rounding."""
    for axis, values in zip(space, points_of(f, space, per_axis=per_axis).T, strict=True):
        u = scale_of(axis).position(values)
        step = np.ptp(u) / (per_axis - 1)
        rounded = 1 / (axis.high - axis.low) if axis.scale == "integer" else 0.0  # half at the end, half in the step
        if max(u.min(), 1 - u.max()) > step / 2 + rounded + NEAR:
            return require(False, f"{axis.name} goes from {given(values.min())} to {given(values.max())} alone")
    return require(True, "")
