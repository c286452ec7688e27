"""Logits made for size: on these a class or a sample lost, doubled, misplaced or badly weighed shows.

FAR below the top a logit counts nothing in any format, and its multiples up to 63 are numbers of all of them. The top
is at 0: there also what multiplies by log₂ e first, and subtracts in a fused step, is exact.
"""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import positions, tiled
from nnlaws.authoring.case import Family
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Floats, Format

FAR = 1024.0
DEEP = 16.0 * FAR
ROWS = 997  # different ones, where there are more
TOPS = 32  # classes, or samples, that count
MASK = -63 * FAR  # in place of −∞, where it is written so that 0 · (−∞) is 0

Shape = tuple[int, int]


def _parts(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    rows, classes = shape
    z = np.full(shape, -FAR)
    z[random.permutation(np.arange(classes) % rows), np.arange(classes)] = 0.0
    return z


def _beacons(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z = np.full(shape, -FAR)
    for row in z:
        row[positions(shape[1], TOPS, random)] = 0.0
    return z


def _terraces(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    rises, (rows, classes) = 6, shape
    z, edges = np.empty(shape), positions(classes, rows, random)
    for number, row in enumerate(z):
        last = max(int(edges[number % len(edges)]), 1)
        steps = np.sort(np.append(random.integers(1, last + 1, rises - 1), last))
        row[:] = FAR * np.searchsorted(steps, np.arange(classes), side="right")
        if number % 4 == 3:
            row[:] = row[::-1].copy()
    return z - FAR * rises


def _slopes(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    _, classes = shape
    steps = max(min(128, classes // 8), 1)
    edges, z = np.linspace(0, classes, steps + 1).astype(int), np.full(shape, -FAR)
    for row in z:
        row[random.integers(edges[:-1], edges[1:])] = np.arange(1 - steps, 1) * (2.5 / steps)
    return z


def _equal(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return np.zeros(shape)


def _noise(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return 2.0 * random.standard_normal(shape)


def _rows(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    different = _noise(random, (min(shape[0], ROWS), shape[1]), level)
    return tiled(different + 96.0 * (np.arange(len(different)) % 3)[:, None], shape[0], 0)


def _peaks(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z = _noise(random, shape, level)
    z[np.arange(shape[0]), -1 - np.arange(shape[0]) % shape[1]] += 200.0
    return z


def _misses(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z = np.full(shape, MASK)
    z[np.arange(shape[0]), random.integers(0, shape[1], shape[0])] = 0.0
    return z


def _sunk(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    return _parts(random, shape, level) - DEEP


def _masked(random: np.random.Generator, shape: Shape, level: float) -> Floats:
    z, classes = _beacons(random, shape, level), shape[1]
    z[random.random(shape) < 0.5] = -np.inf
    for number, row in enumerate(z):
        kind, left = number % 3, positions(classes, 4, random)
        if kind == 2:
            row[np.setdiff1d(np.arange(classes), left)] = -np.inf
        else:
            row[slice(classes // 2) if kind == 0 else slice((classes + 1) // 2, None)] = -np.inf
        row[(-1, 0, left[-1])[kind]] = 0.0
        row -= DEEP * (number % 2)
    return z


PLATES: dict[str, Family] = {
    "parts": _parts,
    "sunk": _sunk,
    "beacons": _beacons,
    "terraces": _terraces,
    "slopes": _slopes,
    "equal": _equal,
    "noise": _noise,
    "rows": _rows,
    "peaks": _peaks,
    "misses": _misses,
    "missed": _misses,
    "masked": _masked,
}
"""Each class is at the top of one row and FAR below in the others, so that a row's sum is the number of its classes;
the same, the top at −16384; few classes are at the top, where kernels go wrong; rows rise by FAR at a few places, the
last at an edge of a block, or fall: what was summed before a rise counts nothing; few classes count, one in each of 128
blocks, each a little above the one before: what was summed is rescaled at every block; all classes are at the top;
bell-shaped; the same, at 0, 96 and 192, with the same rows over and over; bell-shaped, and one of the last classes
above by more than e^z bears; one class at the top, far above all others, which few samples miss, or all; half of the
classes masked, and in turn all those of the first half, of the last, or all but four; the top of every other row at
−16384, which is less than what some write for a mask."""


def plates(case: Case, format: Format) -> Array:
    """z of the case."""
    if case.family not in PLATES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(PLATES)}")
    return PLATES[case.family](case.random("plates"), (case.m, case.columns), 0.0).astype(format.dtype)
