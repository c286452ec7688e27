"""What a law is: a clause, an operation, a statement, the inputs it draws, and a check that returns evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.bounds.formats import Format
from nnlaws.bounds.ruler import Floats
from nnlaws.cases.case import Builder, Case
from nnlaws.evidence import Evidence
from nnlaws.operations import OPERATIONS, Operation


class Subject(Protocol):
    """The implementation under test, as laws see it.

    Called with batched arguments it calls the implementation once a lane, each time with fresh C-ordered arrays, and
    stacks the results as float64; `batch` does so with just the arrays it is given. `raw` makes one call, with the
    arrays of one lane, and returns what came back; `array` returns it as an array. All raise TargetFault where the
    implementation raises, and the first two where a result has the wrong shape or no numbers.
    """

    def __call__(self, *arguments: Array) -> Floats: ...

    def batch(self, lanes: Sequence[tuple[Array, ...]]) -> Floats: ...

    def raw(self, *arguments: Array, lane: int = 0) -> Any: ...

    def array(self, *arguments: Array, lane: int = 0) -> Array: ...


Check = Callable[..., Evidence]
Range = tuple[int, int]
Strategy = Callable[[Format, Range, Range], st.SearchStrategy[Case]]
"""Of a format and the ranges of m and of the number of classes."""


@dataclass(frozen=True)
class Law:
    """`check(subject, ruler, *arguments, **extra)` on inputs that `build` makes of cases drawn from `strategy(format)`.

    id: operation and name of the check, as in softmax.shift_invariance. statement: the law in general, one clause of a
    sentence. fix: what to do where it is broken, if that does not depend on how. m, classes: the shapes it is
    about. lanes: how many arrays a case expands to. share: of the profile's examples, how many it is worth.
    """

    clause: str
    operation: Operation
    statement: str
    name: str
    check: Check
    build: Builder
    cases: Strategy
    fix: str = ""
    m: Range = (1, 4)
    classes: Range = (1, 8)
    lanes: int = 16
    share: float = 1.0

    @property
    def id(self) -> str:
        return f"{self.operation.name}.{self.name}"

    def strategy(self, format: Format) -> st.SearchStrategy[Case]:
        """Cases for this law in a format."""
        return self.cases(format, self.m, self.classes)

    def admits(self, case: Case) -> bool:
        """Whether the law is about such a shape: a range of one number is fixed, any other only starts there."""
        pairs = ((case.m, self.m), (case.classes, self.classes))
        return all(size == low if low == high else size >= low for size, (low, high) in pairs)


def law(
    clause: str,
    operation: str,
    check: Check,
    statement: str,
    build: Builder,
    cases: Strategy,
    fix: str = "",
    m: Range = (1, 4),
    classes: Range = (1, 8),
    lanes: int = 16,
    share: float = 1.0,
) -> Law:
    """The law of one operation that a check function states; it takes that function's name."""
    return Law(
        clause, OPERATIONS[operation], statement, check.__name__, check, build, cases, fix, m, classes, lanes, share
    )
