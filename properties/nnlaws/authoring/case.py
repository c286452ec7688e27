"""What a case expands to, and how cases are drawn: shape, family, k, seed, and at most four overlaid entries.

Hypothesis draws and shrinks the description, not the entries: 16 × 8 arrays drawn entry by entry come at 200 a second
and are mostly repeats; described, tens of thousands. Families are ordered simplest first, for that is where shrinking
goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Floats, Format

OTHERS = 1010  # so many groups on come arguments for other calls: a multiple of 5, for as many mini-batches


@dataclass(frozen=True)
class Inputs:
    """One array, or a stack of them, for each argument of the operation; and what else a law needs, by name.

    extra: arrays, one a lane. options: what is one for all lanes, as an epsilon is, or a learning rate for each step;
    for operations that take no arrays, all that they take.
    """

    arguments: tuple[Array, ...]
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    options: dict[str, Any] = field(default_factory=dict[str, Any])


Builder = Callable[[Case, Format], Inputs]
Family = Callable[[np.random.Generator, tuple[int, int], float], Floats]
"""Makes the entries of an array of a shape at a level."""
RowFamily = Callable[[np.random.Generator, int, int], Floats]
"""Makes so many entries of a row, scaled by k."""
Range = tuple[int, int]
Strategy = Callable[[Format, Range, Range], st.SearchStrategy[Case]]
"""Of a format and the ranges of m and of the number of columns."""
Boundary = Callable[[Format, Range, Range], Sequence[Case]]
"""Of the same, the cases that come in every run, simplest first, whatever is drawn."""


def expand(build: Builder, case: Case, format: Format, lanes: int) -> Inputs:
    """The inputs of `lanes` arrays, stacked along a new first axis; lane i is lane 0 of case.lane(i)."""
    return stack(build, [case.lane(number) for number in range(lanes)], format)


def batches(cases: Sequence[Case], most: int) -> list[list[Case]]:
    """The cases in lists that can be stacked, of so many at most: of one shape, one group, and the same settings."""
    together: dict[object, list[Case]] = {}
    for case in cases:
        together.setdefault((case.m, case.columns, case.group, case.settings), []).append(case)
    return [alike[start : start + most] for alike in together.values() for start in range(0, len(alike), most)]


def stack(build: Builder, cases: Sequence[Case], format: Format) -> Inputs:
    """The inputs of cases of one shape, group and settings, stacked along a new first axis.

    A setting takes the place of an option of its name; where the option is one for each step, of each of them.
    """
    return _together([built(build, case, format) for case in cases])


def stacks(build: Builder, cases: Sequence[Case], format: Format) -> list[Inputs]:
    """The inputs of any cases, stacked where they can be: of some families arrays have a shape of their own."""
    found: dict[object, list[Inputs]] = {}
    for case in cases:
        inputs = built(build, case, format)
        shapes = tuple(argument.shape for argument in (*inputs.arguments, *inputs.extra.values()))
        found.setdefault((case.group, case.settings, shapes), []).append(inputs)
    return [_together(each) for each in found.values()]


def _together(each: Sequence[Inputs]) -> Inputs:
    return Inputs(
        tuple(np.stack(argument) for argument in zip(*(inputs.arguments for inputs in each), strict=True)),
        {name: np.stack([inputs.extra[name] for inputs in each]) for name in each[0].extra},
        each[0].options,
    )


def built(build: Builder, case: Case, format: Format) -> Inputs:
    """The inputs of one case, with its settings in the place of the options of their names."""
    with np.errstate(over="ignore"):  # beyond the largest number a family is clipped
        inputs = build(case, format)
    given = {name: _as(inputs.options[name], value) for name, value in case.settings if name in inputs.options}
    return replace(inputs, options={**inputs.options, **given})


def _as(option: Any, value: float) -> Any:
    """The value as such an option is given."""
    if isinstance(option, tuple):
        return (value,) * len(option)  # pyright: ignore[reportUnknownArgumentType]
    return type(option)(value)


WIDE = (9, 10, 12, 15, 16, 20, 31, 47, 64, 77, 100, 129, 130)  # columns, beyond the block sizes of kernels
TALL = (5, 6, 7, 8, 11, 13, 16, 18, 23, 28, 30, 32, 33)  # samples
SHAPES = (
    *((33, 1), (18, 2), (11, 3), (28, 4), (13, 5), (30, 6), (23, 7), (16, 8), (12, 31)),
    *((2, 129), (2, 10), (3, 11), (4, 100), (5, 77), (6, 14), (7, 47), (8, 64), (9, 9)),
    *((32, 10), (10, 33), (16, 17), (34, 40)),
)
"""Of both. Every number from 2 to 8 is among the rows, and from 1 among the columns, and beyond 8 every remainder by 8:
so is every tail of a block. One has as many of the one as of the other."""
SMALL = tuple((rows, width) for rows in range(1, 5) for width in range(1, 9))
THIRDS = range(12, 131, 3)
"""Widths, or numbers of samples, of which one is in every band of three."""
MOST = 600  # entries of an array of a case that is made wide or tall on purpose


def large(family: str, k: int, m: Range, columns: Range, more: Sequence[Range] = ()) -> list[Case]:
    """A case of each of SHAPES, and of more, that a law of such ranges is about; of a law that has one of both fixed,
    of sizes of the other.
    """
    shapes: Sequence[Range] = (*SHAPES, *more)
    if m[0] == m[1]:
        shapes = [(m[0], size) for size in (*range(2, 9), *WIDE)]
    elif columns[0] == columns[1]:
        shapes = [(size, columns[0]) for size in (*range(2, 5), *TALL, *WIDE[-6:])]
    if m[0] == m[1] and columns[0] == columns[1]:
        return []
    fitting = [(rows, width) for rows, width in shapes if rows >= m[0] and width >= columns[0]]
    return [Case(*shape, family, k, TOGETHER * number) for number, shape in enumerate(fitting)]


def cases(
    families: tuple[str, ...],
    k: int,
    overlays: st.SearchStrategy[float],
    m: tuple[int, int],
    columns: tuple[int, int],
) -> st.SearchStrategy[Case]:
    """Cases of these families, with |k| up to k; an overlay replaces one entry.

    Shapes in these ranges, and now and then a wide or a tall one, unless the range is a single number.
    """

    def of_shape(kind: int) -> st.SearchStrategy[Case]:
        wide, tall = kind == 8 and columns[0] < columns[1], kind == 9 and m[0] < m[1]
        return st.builds(
            Case,
            m=st.sampled_from(TALL) if tall else st.integers(*m),
            columns=st.sampled_from(WIDE) if wide else st.integers(*columns),
            family=st.sampled_from(families),
            k=st.integers(-k, k),
            seed=st.integers(0, 2**32 // TOGETHER - 1).map(lambda group: group * TOGETHER),
            overlays=st.lists(st.tuples(st.integers(0, m[1] * columns[1] - 1), overlays), max_size=4).map(tuple),
        )

    kinds = [of_shape(kind) for kind in range(10)]
    return st.integers(0, 9).flatmap(lambda kind: kinds[kind])
