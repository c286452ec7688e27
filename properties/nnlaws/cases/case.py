"""A case: shape, family, k, seed and at most four overlays, which together say every entry of some arrays.

Hypothesis draws and shrinks the description, not the entries: 16 × 8 arrays drawn entry by entry come at 200 a second
and are mostly repeats; described, tens of thousands. Families are ordered simplest first, for that is where shrinking
goes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.bounds.formats import Format
from nnlaws.verdict import UsageError

LARGEST = 2**25  # m·columns², the memory that the bound for a token's array takes
TOGETHER = 512  # seeds in a row, which share the numbers that are one for a whole batch
OTHERS = 1010  # so many groups on come arguments for other calls: a multiple of 5, for as many mini-batches
_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d{1,3})?|inf)"
_OVERLAY = re.compile(rf",@(\d{{1,9}})=({_NUMBER})")
_TOKEN = re.compile(
    rf"(?P<m>\d{{1,9}})x(?P<columns>\d{{1,9}}),(?P<family>\w+),(?P<k>-?\d{{1,9}}),(?P<seed>\d{{1,19}})"
    rf"(?P<overlays>(?:,@\d{{1,9}}={_NUMBER})*)"
)


@dataclass(frozen=True)
class Case:
    """m samples of `columns` classes or features, from a family scaled by k, with `seed` for its chances, and entries
    laid over it.

    str(case) is its token, as in `1x3,integers,8,0,@2=-0.5`; Case.parse reads it back.
    """

    m: int
    columns: int
    family: str
    k: int
    seed: int
    overlays: tuple[tuple[int, float], ...] = ()

    def __str__(self) -> str:
        overlays = "".join(f",@{position}={value!r}" for position, value in self.overlays)
        return f"{self.m}x{self.columns},{self.family},{self.k},{self.seed}{overlays}"

    @classmethod
    def parse(cls, token: str) -> "Case":
        """The case of that token. Raises UsageError that says what a token looks like."""
        found = _TOKEN.fullmatch(token)
        if not found:
            raise UsageError(
                f"{token!r} is not a case; expected MxC,FAMILY,K,SEED[,@PLACE=VALUE…], as in 1x3,integers,8,0,@2=-0.5"
            )
        overlays = tuple((int(place), float(value)) for place, value in _OVERLAY.findall(found["overlays"]))
        m, columns = int(found["m"]), int(found["columns"])
        if not 0 < m * columns * columns <= LARGEST:
            raise UsageError(f"{token!r} is {m} × {columns}; expected a size such that 0 < m·C² ≤ {LARGEST}")
        return cls(m, columns, found["family"], int(found["k"]), int(found["seed"]), overlays)

    def lane(self, number: int) -> "Case":
        """The case whose first array is this one's array of that number."""
        return replace(self, seed=self.seed + number)

    @property
    def group(self) -> int:
        """A number that the lanes of a drawn case share; 0 for the simplest."""
        return self.seed // TOGETHER

    def random(self, stream: str) -> np.random.Generator:
        """The case's chances, independent from one named stream to the next."""
        name = stream.encode()
        return np.random.Generator(np.random.PCG64(self.seed << 8 * max(len(name), 8) | int.from_bytes(name)))

    def overlay(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """x with the overlaid entries put in, each at its position modulo the size."""
        for position, value in self.overlays:
            x.flat[position % x.size] = value
        return x


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
Range = tuple[int, int]
Strategy = Callable[[Format, Range, Range], st.SearchStrategy[Case]]
"""Of a format and the ranges of m and of the number of columns."""


def expand(build: Builder, case: Case, format: Format, lanes: int) -> Inputs:
    """The inputs of `lanes` arrays, stacked along a new first axis; lane i is lane 0 of case.lane(i)."""
    return stack(build, [case.lane(number) for number in range(lanes)], format)


def stack(build: Builder, cases: Sequence[Case], format: Format) -> Inputs:
    """The inputs of cases of one shape and group, stacked along a new first axis."""
    with np.errstate(over="ignore"):  # beyond the largest number a family is clipped
        each = [build(case, format) for case in cases]
    return Inputs(
        tuple(np.stack(argument) for argument in zip(*(inputs.arguments for inputs in each), strict=True)),
        {name: np.stack([inputs.extra[name] for inputs in each]) for name in each[0].extra},
        each[0].options,
    )


WIDE = (17, 33, 65, 129)  # columns, beyond the block sizes of kernels
TALL = (9, 17, 33)  # samples
MOST = 600  # entries of an array of a case that is made wide or tall on purpose


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
