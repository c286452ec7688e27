"""A case: shape, family, k, seed and at most four overlays, which together say every entry of some arrays.

Hypothesis draws and shrinks the description, not the entries: 16 × 8 arrays drawn entry by entry come at 200 a second
and are mostly repeats; described, tens of thousands. Families are ordered simplest first, for that is where shrinking
goes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.bounds.formats import Format
from nnlaws.verdict import UsageError

LARGEST = 2**25  # m·C², the memory that the bound for a token's array takes
_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d{1,3})?|inf)"
_OVERLAY = re.compile(rf",@(\d{{1,9}})=({_NUMBER})")
_TOKEN = re.compile(
    rf"(?P<m>\d{{1,9}})x(?P<classes>\d{{1,9}}),(?P<family>\w+),(?P<k>-?\d{{1,9}}),(?P<seed>\d{{1,19}})"
    rf"(?P<overlays>(?:,@\d{{1,9}}={_NUMBER})*)"
)


@dataclass(frozen=True)
class Case:
    """m samples of `classes` classes, from a family scaled by k, with `seed` for its chances, and entries laid over it.

    str(case) is its token, as in `1x3,integers,8,0,@2=-0.5`; Case.parse reads it back.
    """

    m: int
    classes: int
    family: str
    k: int
    seed: int
    overlays: tuple[tuple[int, float], ...] = ()

    def __str__(self) -> str:
        overlays = "".join(f",@{position}={value!r}" for position, value in self.overlays)
        return f"{self.m}x{self.classes},{self.family},{self.k},{self.seed}{overlays}"

    @classmethod
    def parse(cls, token: str) -> "Case":
        """The case of that token. Raises UsageError that says what a token looks like."""
        found = _TOKEN.fullmatch(token)
        if not found:
            raise UsageError(
                f"{token!r} is not a case; expected MxC,FAMILY,K,SEED[,@PLACE=VALUE…], as in 1x3,integers,8,0,@2=-0.5"
            )
        overlays = tuple((int(place), float(value)) for place, value in _OVERLAY.findall(found["overlays"]))
        m, classes = int(found["m"]), int(found["classes"])
        if not 0 < m * classes * classes <= LARGEST:
            raise UsageError(f"{token!r} is {m} × {classes}; expected a size such that 0 < m·C² ≤ {LARGEST}")
        return cls(m, classes, found["family"], int(found["k"]), int(found["seed"]), overlays)

    def lane(self, number: int) -> "Case":
        """The case whose first array is this one's array of that number."""
        return replace(self, seed=self.seed + number)

    def random(self, stream: str) -> np.random.Generator:
        """The case's chances, independent from one named stream to the next."""
        return np.random.Generator(np.random.PCG64(self.seed << 64 | int.from_bytes(stream.encode())))

    def overlay(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """x with the overlaid entries put in, each at its position modulo the size."""
        for position, value in self.overlays:
            x.flat[position % x.size] = value
        return x


@dataclass(frozen=True)
class Inputs:
    """One array, or a stack of them, for each argument of the operation; and what else a law needs, by name."""

    arguments: tuple[Array, ...]
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


Builder = Callable[[Case, Format], Inputs]


def expand(build: Builder, case: Case, format: Format, lanes: int) -> Inputs:
    """The inputs of `lanes` arrays, stacked along a new first axis; lane i is lane 0 of case.lane(i)."""
    with np.errstate(over="ignore"):  # beyond the largest number a family is clipped
        each = [build(case.lane(number), format) for number in range(lanes)]
    return Inputs(
        tuple(np.stack(argument) for argument in zip(*(inputs.arguments for inputs in each), strict=True)),
        {name: np.stack([inputs.extra[name] for inputs in each]) for name in each[0].extra},
    )


WIDE = (17, 33, 65, 129)  # classes, beyond the block sizes of kernels
TALL = (9, 17, 33)  # samples


def cases(
    families: tuple[str, ...],
    k: int,
    overlays: st.SearchStrategy[float],
    m: tuple[int, int],
    classes: tuple[int, int],
) -> st.SearchStrategy[Case]:
    """Cases of these families, with |k| up to k; an overlay replaces one entry.

    Shapes in these ranges, and now and then a wide or a tall one, unless the range is a single number.
    """

    def of_shape(kind: int) -> st.SearchStrategy[Case]:
        wide, tall = kind == 8 and classes[0] < classes[1], kind == 9 and m[0] < m[1]
        return st.builds(
            Case,
            m=st.sampled_from(TALL) if tall else st.integers(*m),
            classes=st.sampled_from(WIDE) if wide else st.integers(*classes),
            family=st.sampled_from(families),
            k=st.integers(-k, k),
            seed=st.integers(0, 2**32 - 1),
            overlays=st.lists(st.tuples(st.integers(0, m[1] * classes[1] - 1), overlays), max_size=4).map(tuple),
        )

    kinds = [of_shape(kind) for kind in range(10)]
    return st.integers(0, 9).flatmap(lambda kind: kinds[kind])
