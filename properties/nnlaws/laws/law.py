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
    arrays of one lane, and returns what came back, whatever it is. All raise TargetFault where the implementation
    raises, and but for `raw` where a result has the wrong shape or no numbers.
    """

    def __call__(self, *arguments: Array) -> Floats: ...

    def batch(self, lanes: Sequence[tuple[Array, ...]]) -> Floats: ...

    def raw(self, *arguments: Array, lane: int = 0) -> Any: ...


Check = Callable[..., Evidence]


@dataclass(frozen=True)
class Law:
    """`check(subject, ruler, *arguments, **extra)` on inputs that `build` makes of cases drawn from `cases(format)`.

    id: operation and name of the check, as in softmax.shift_invariance. statement: the law in general, one clause of
    a sentence. fix: what to do where it is broken, if that does not depend on how.
    """

    clause: str
    operation: Operation
    statement: str
    name: str
    check: Check
    build: Builder
    cases: Callable[[Format], st.SearchStrategy[Case]]
    fix: str = ""

    @property
    def id(self) -> str:
        return f"{self.operation.name}.{self.name}"


def law(
    clause: str,
    operation: str,
    check: Check,
    statement: str,
    build: Builder,
    cases: Callable[[Format], st.SearchStrategy[Case]],
    fix: str = "",
) -> Law:
    """The law of one operation that a check function states; it takes that function's name."""
    return Law(clause, OPERATIONS[operation], statement, check.__name__, check, build, cases, fix)
