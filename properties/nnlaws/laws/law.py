"""What a law is: a clause, an operation, a statement, the inputs it draws, and a check that returns evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.bounds.formats import Format
from nnlaws.bounds.number import Bounded
from nnlaws.bounds.ruler import Floats, Ruler
from nnlaws.cases.case import Builder, Case, Inputs, Range, Strategy
from nnlaws.evidence import Evidence, agree, compare, worst
from nnlaws.operations import OPERATIONS, Operation, Option


class Subject(Protocol):
    """The implementation under test, as laws see it.

    `results`, called with batched arguments, calls the implementation once a lane, each time with fresh C-ordered
    arrays, and stacks each result as float64; calling the subject itself returns the first result alone; `batch` does
    so with just the arrays it is given. `raw` makes one call, with the arrays of one lane, and returns what came back;
    `arrays` returns it as arrays. All of these raise TargetFault where the implementation raises, `arrays` where the
    number of results is wrong, and the first three where a result has the wrong shape or no numbers. `takes` says
    whether there is a keyword that need not be there. changed: the names of what calls have changed that is put
    back after each: NumPy's error state, the processor's arithmetic.
    """

    changed: set[str]

    def __call__(self, *arguments: Array, **options: Option) -> Floats: ...

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]: ...

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]: ...

    def raw(self, *arguments: Any, lane: int = 0, **options: Any) -> Any: ...

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]: ...

    def takes(self, keyword: str) -> bool: ...


CLOSE = 2.0**-44
"""What closed forms, computed in float64, may err by, relative to their largest term: some hundred roundings."""

Check = Callable[..., Evidence]


@dataclass(frozen=True)
class Law:
    """`check(subject, ruler, *arguments, **extra, **options)` on inputs that `build` makes of cases from the strategy.

    id: operation and name of the check, as in softmax.shift_invariance. statement: the law in general, one clause of a
    sentence. fix: what to do where it is broken, if that does not depend on how. m, columns: the shapes it is
    about. lanes: how many arrays a case expands to. share: of the profile's examples, how many it is worth. trials: the
    cases to try in turn, where Hypothesis draws none: a law about chance needs seeds that nothing searches through.
    """

    clause: str
    operation: Operation
    statement: str
    name: str
    check: Check
    build: Builder
    cases: Strategy | None
    fix: str = ""
    m: Range = (1, 4)
    columns: Range = (1, 8)
    lanes: int = 16
    share: float = 1.0
    trials: tuple[Case, ...] = ()

    def evidence(self, subject: Subject, ruler: Ruler, inputs: Inputs) -> Evidence:
        """What the check sees on these inputs."""
        return self.check(subject, ruler, *inputs.arguments, **inputs.extra, **inputs.options)

    @property
    def id(self) -> str:
        return f"{self.operation.name}.{self.name}"

    def strategy(self, format: Format) -> st.SearchStrategy[Case]:
        """Cases for this law in a format."""
        if self.cases is None:
            raise ValueError(f"{self.id} draws no cases: it has trials")
        return self.cases(format, self.m, self.columns)

    def admits(self, case: Case) -> bool:
        """Whether the law is about such a shape: a range of one number is fixed, any other only starts there."""
        pairs = ((case.m, self.m), (case.columns, self.columns))
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
    columns: Range = (1, 8),
    lanes: int = 16,
    share: float = 1.0,
) -> Law:
    """The law of one operation that a check function states; it takes that function's name."""
    return Law(
        clause, OPERATIONS[operation], statement, check.__name__, check, build, cases, fix, m, columns, lanes, share
    )


def trial_law(
    clause: str, operation: str, check: Check, statement: str, build: Builder, trials: tuple[Case, ...], fix: str = ""
) -> Law:
    """The law of one operation without arrays: what `build` makes of a case are the options of the check."""
    wide = (1, 1 << 20)
    return Law(
        *(clause, OPERATIONS[operation], statement, check.__name__, check, build, None, fix),
        m=wide,
        columns=(1, 1 << 10),
        lanes=1,
        trials=trials,
    )


def values(
    f: Subject, ruler: Ruler, *arguments: Array, of: Sequence[str] = (), vacuous: bool = False, **options: Option
) -> Evidence:
    """Evidence that these results of f (default: all) are exact up to the rounding allowed."""
    return judge(f.results(*arguments, **options), ruler, *arguments, of=of, vacuous=vacuous, **options)


def judge(
    results: Sequence[Floats],
    ruler: Ruler,
    *arguments: Array,
    of: Sequence[str] = (),
    vacuous: bool = False,
    **options: Option,
) -> Evidence:
    """Evidence that results are exact up to the rounding allowed, and whether they are of the finest grade.

    of: names of those that count, default all. vacuous: whether NaN will do where the rounding allowed is infinite.
    """
    measures = ruler.measures(*arguments, **options)
    finest = ruler.finest.bounds(*arguments, **options) if ruler.finest else None
    seen: list[Evidence] = []
    for number, (got, measure) in enumerate(zip(results, measures, strict=True)):
        if of and measure.result not in of:
            continue
        if vacuous:
            got = np.where(np.isposinf(measure.allowed) & np.isnan(got), 0.0, got)
        one = compare(got, measure.exact, measure.allowed, ruler.format, result=measure.result)
        if finest is not None and one.holds:
            one = replace(one, finest=compare(got, measure.exact, finest[number].error, ruler.format).ratio)
        seen.append(one)
    grades = [one.finest for one in seen if one.finest is not None]
    return replace(worst(*seen), finest=max(grades, default=None))


def alike(got: Floats, other: Floats, allowed: Floats, format: Format, expected: str, result: str = "") -> Evidence:
    """Evidence that two results agree. NaN on both sides does, and NaN will do where the rounding allowed is infinite:
    what is wrong with it, CT-6 and the laws of value say.
    """
    blank = (np.isnan(got) & np.isnan(other)) | (np.isposinf(allowed) & (np.isnan(got) | np.isnan(other)))
    return agree(np.where(blank, 0.0, got), np.where(blank, 0.0, other), allowed, format, expected, result)


def slack(result: Floats, bound: Bounded, format: Format) -> Floats:
    """The rounding allowed, scaled up where the result is larger than the exact one, as if that were a relative error.

    So two results of one implementation are held to each other even where it computes another function than it should.
    """
    with np.errstate(all="ignore"):
        scale = np.fmax(1.0, np.abs(result) / np.maximum(np.abs(bound.value), format.tiny))
    return np.asarray(bound.error * np.where(np.isfinite(scale), scale, 1.0))


def loosely_alike(
    ruler: Ruler, got: Floats, want: Floats, expected: str, *arguments: Array, more: Any = 0.0, **options: Any
) -> Evidence:
    """Two results, each within the rounding of the loosest grade for these arguments, and `more`."""
    bound = ruler.loose(*arguments, **options)
    allowed = slack(got, bound, ruler.format) + slack(want, bound, ruler.format) + more
    return alike(got, want, allowed, ruler.format, expected)
