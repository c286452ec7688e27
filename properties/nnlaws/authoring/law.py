"""What a law is: a clause, an operation, a statement, the inputs it draws, and a check that returns evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Boundary, Builder, Inputs, Range, Strategy
from nnlaws.authoring.counting import Counting
from nnlaws.authoring.evidence import Evidence, agree, compare, require, worst
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Floats, Format
from nnlaws.rounding.number import Bounded

CLOSE = 2.0**-44
"""What closed forms, computed in float64, may err by, relative to their largest term: some hundred roundings."""

Check = Callable[..., Evidence]
Kind = Literal["value", "structure", "state", "size"]
About = Literal["results", "call", "seed"]


@dataclass(frozen=True)
class Law:
    """`check(subject, ruler, *arguments, **extra, **options)` on inputs that `build` makes of cases from the strategy.

    id: operation and name of the check, as in softmax.shift_invariance. statement: the law in general, one clause of a
    sentence. kind: a law of value says what the results are, one of size that they are so for large arrays too, one of
    structure relates them to each other or to a bound, and one of state says that nothing but the arguments decides
    them. about: what it is that the law judges, the
    results, the call itself, or what a seed does. fix: what to do where it is broken, whatever breaks it. m, columns:
    the shapes it is about. lanes: how many arrays a case expands to. share: of the profile's examples, how many it is
    worth. trials: the cases to try, where Hypothesis draws none: a law about chance needs seeds that nothing searches
    through, and one about size has few, ascending; largest: of the latter, those that the profile scale adds.
    boundary: cases that come in every run besides those that are drawn, since chance hardly ever finds them.
    tests: how many tests of chance a trial makes, each of which takes one share of the false alarms of a whole run.
    needs: what of a call it looks at besides the results, which a call in another language may not show: "arguments"
    after it, "layout" and "memory" of arrays, the "surroundings" of a process, "threads". counting: of a law at size,
    how to tell which entries a sum takes in, where there is one. together: whether it judges all arrays of a case at
    once, as a test of chance does, and none alone.
    """

    clause: str
    operation: Operation
    statement: str
    name: str
    check: Check
    build: Builder
    cases: Strategy | None
    fix: str = ""
    kind: Kind = "structure"
    about: About = "results"
    m: Range = (1, 4)
    columns: Range = (1, 8)
    lanes: int = 12
    share: float = 1.0
    trials: tuple[Case, ...] = ()
    largest: tuple[Case, ...] = ()
    tests: int = 0
    boundary: Boundary | None = None
    needs: tuple[str, ...] = ()
    counting: Counting | None = None
    together: bool = False

    def evidence(self, subject: Subject, ruler: Ruler, inputs: Inputs) -> Evidence:
        """What the check sees on these inputs."""
        return self.check(subject, ruler, *inputs.arguments, **inputs.extra, **inputs.options)

    @property
    def at_size(self) -> bool:
        """Whether it is one at size: see `nnlaws.authoring.at_size`."""
        return self.kind == "size"

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
    clause: str, operation: Operation, check: Check, statement: str, build: Builder, cases: Strategy, **more: Any
) -> Law:
    """The law of one operation that a check function states; it takes that function's name. more: fields of Law."""
    return Law(clause, operation, statement, check.__name__, check, build, cases, **more)


def trial_law(
    clause: str,
    operation: Operation,
    check: Check,
    statement: str,
    build: Builder,
    trials: tuple[Case, ...],
    fix: str = "",
    **more: Any,
) -> Law:
    """The law of one operation without arrays: what `build` makes of a case are the options of the check."""
    given: dict[str, Any] = {"m": (1, 1 << 20), "columns": (1, 1 << 10), "lanes": 1, "trials": trials, **more}
    return Law(clause, operation, statement, check.__name__, check, build, None, fix, **given)


def laws_of(
    operation: Operation, build: Builder, cases: Strategy, shares: Mapping[str, float], **usual: Any
) -> Callable[..., Law]:
    """Makes laws of one operation, `make(clause, check, statement, build, **more)`, on its ordinary inputs unless
    another builder is given.

    shares: of a law of each kind, what it is worth: what breaks one about structure breaks most inputs. usual: fields
    of Law that all of them have, unless `more` says otherwise.
    """

    def make(clause: str, check: Check, statement: str, own: Builder | None = None, **more: Any) -> Law:
        given: dict[str, Any] = {"cases": cases, "share": shares[more.get("kind", "structure")], **usual, **more}
        return law(clause, operation, check, statement, own or build, **given)

    return make


def values(f: Subject, ruler: Ruler, *arguments: Array, **given: Any) -> Evidence:
    """Evidence that the results of f are exact up to the rounding allowed. given: its options, and what `judge`
    takes.
    """
    of, allow_nan = given.pop("of", ()), given.pop("allow_nan_if_unbounded", False)
    results = f.results(*arguments, **given)
    return judge(results, ruler, *arguments, of=of, allow_nan_if_unbounded=allow_nan, **given)


def judge(
    results: Sequence[Floats],
    ruler: Ruler,
    *arguments: Array,
    of: Sequence[str] = (),
    allow_nan_if_unbounded: bool = False,
    **options: Option,
) -> Evidence:
    """Evidence that results are exact up to the rounding allowed, and how they keep to the tightest bound there is.

    of: names of those that count, default all. allow_nan_if_unbounded: whether NaN will do where the bound is infinite.
    """
    measures = ruler.measures(*arguments, **options)
    finest = ruler.finest.bounds(*arguments, **options) if ruler.finest else None
    seen: list[Evidence] = []
    for number, (got, measure) in enumerate(zip(results, measures, strict=True)):
        if of and measure.result not in of:
            continue
        if allow_nan_if_unbounded:
            got = np.where(np.isposinf(measure.allowed) & np.isnan(got), 0.0, got)
        one = compare(got, measure.exact, measure.allowed, ruler.format, result=measure.result)
        if finest is not None and one.holds:
            one = replace(one, finest=compare(got, measure.exact, finest[number].error, ruler.format).ratio)
        seen.append(one)
    tighter = [one.finest for one in seen if one.finest is not None]
    return replace(worst(*seen), finest=max(tighter, default=None))


def unless_refused(seen: Callable[[], Evidence], accepted: Callable[[], object]) -> Evidence:
    """What is seen, or nothing wrong where the implementation refuses these arguments by raising, as the clause allows.

    accepted: a call with ordinary arguments. What raises there too has refused nothing: it does not work, and this
    raises.
    """
    try:
        return seen()
    except Refused:
        accepted()
        return require(True, "")


def agree_or_nan(
    got: Floats, other: Floats, allowed: Floats, format: Format, expected: str, result: str = ""
) -> Evidence:
    """Evidence that two results agree. NaN on both sides does, and NaN will do where the rounding allowed is infinite:
    what is wrong with it, CT-6 and the laws of value say.
    """
    blank = (np.isnan(got) & np.isnan(other)) | (np.isposinf(allowed) & (np.isnan(got) | np.isnan(other)))
    blank |= got == other  # infinities too
    return agree(np.where(blank, 0.0, got), np.where(blank, 0.0, other), allowed, format, expected, result)


def slack(result: Floats, bound: Bounded, format: Format) -> Floats:
    """The rounding allowed, scaled up where the result is larger than the exact one, as if that were a relative error.

    So two results of one implementation are held to each other even where it computes another function than it should.
    """
    with np.errstate(all="ignore"):
        scale = np.fmax(1.0, np.abs(result) / np.maximum(np.abs(bound.value), format.tiny))
    return np.asarray(bound.error * np.where(np.isfinite(scale), scale, 1.0))


def agree_loosely(
    ruler: Ruler, got: Floats, want: Floats, expected: str, *arguments: Array, more: Any = 0.0, **options: Any
) -> Evidence:
    """Evidence that two results agree, each within the loosest bound for these arguments, and `more`."""
    bound = ruler.loose(*arguments, **options)
    allowed = slack(got, bound, ruler.format) + slack(want, bound, ruler.format) + more
    return agree_or_nan(got, want, allowed, ruler.format, expected)
