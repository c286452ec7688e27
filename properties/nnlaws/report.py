"""Reports: what a run found, as plain data that goes to JSON and back.

Imports nothing heavy: the parent process lives on it.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import inf
from typing import Any

PASSED = "an error at first, which did not come again in a new process"
STUCK = "since then every call fails, also what passed before"
MUST, SHOULD = "MUST", "SHOULD"
"""The levels of clauses that demand something (RFC 2119). What contradicts an informative one is wrong as well."""


class Outcome(StrEnum):
    """Six different things, six different words. What breaks a MUST violates; what breaks a SHOULD falls short."""

    CONFORMS = "conforms"
    DECLARED = "conforms as declared"
    FALLS_SHORT = "falls short"
    VIOLATES = "violates"
    NOT_OFFERED = "not offered"
    ERROR = "error"


@dataclass(frozen=True)
class Cause:
    """The one known mistake, or undeclared convention, that reproduces what was seen."""

    name: str
    fault: str
    seen: str


@dataclass(frozen=True)
class Violation:
    """A broken law on its smallest example. All values are text, so that every digit survives.

    example: name, dtype, shape and entries of each argument, as `array` would take them. place: index into the
    result. got, want: the value there and the exact digits of what it should be; `expected` says in words what that
    is. off, allowed: the distance and its bound, in ulp where the exact value has one. result: the whole result,
    where it is small. reason: why, where no number says it. passed: what the call was given, where a law has made that
    of the example.
    """

    example: tuple[dict[str, str], ...]
    result: str
    place: str
    got: str
    want: str
    expected: str
    off: str
    allowed: str
    reason: str
    cause: Cause | None
    fix: str
    passed: str = ""


@dataclass(frozen=True)
class LawResult:
    """One law in one dtype. worst: the largest share of the allowed rounding that was used, over `cases` arrays.

    grade: the precision reached, where that is told apart: "two_pass", or "updating" where that was not reached.
    reason: what went wrong, where the outcome is an error. replay: the token of the failing case, for `nnlaws replay`.
    level: that of the law's clause, MUST, SHOULD or informative. kind: what the law is about: value,
    size, structure or state. size: of a law at size, from which size on it fails, or what it would have seen, and which
    sizes were left out.
    """

    law: str
    clause: str
    statement: str
    operation: str
    dtype: str
    outcome: Outcome
    worst: float | None = None
    grade: str = ""
    cases: int = 0
    seconds: float = 0.0
    conventions: dict[str, str] = field(default_factory=dict[str, str])
    reason: str = ""
    replay: str = ""
    violation: Violation | None = None
    level: str = MUST
    kind: str = "structure"
    size: str = ""

    @property
    def broken(self) -> bool:
        """Whether the law was seen not to hold, or the target failed under it."""
        return self.outcome in (Outcome.VIOLATES, Outcome.FALLS_SHORT, Outcome.ERROR)

    def as_json(self) -> dict[str, Any]:
        """Plain data; JSON has no infinity, so an infinite `worst` is the text "inf"."""
        return {**asdict(self), "worst": "inf" if self.worst == inf else self.worst}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "LawResult":
        fields = dict(data, outcome=Outcome(data["outcome"]), worst=inf if data["worst"] == "inf" else data["worst"])
        if data["violation"] is not None:
            violation: dict[str, Any] = dict(data["violation"])
            violation["example"] = tuple(violation["example"])
            if violation["cause"] is not None:
                violation["cause"] = Cause(**violation["cause"])
            fields["violation"] = Violation(**violation)
        return cls(**fields)


@dataclass(frozen=True)
class Report:
    """A whole run. `offered` are the operations that the target has; `planned`, how many results a complete run has;
    `complete` is False where it was cut short.

    strict: whether what falls short of a SHOULD was to violate too.
    plugins: chapters of other packages, with package and version. left_out: a line for each of those that is broken.
    recognised: what the target was taken for, and judged as, where it is no target by itself.
    declares: what it cannot be given, and what it does not promise, a line each.
    limits: of operations that are not judged by bounds, what their worst ratios are a part of. precisions: of
    operations where that is told apart, the names of how finely they may round, the coarsest first. unsaved: why it is
    not in the file that it was to be saved in, whole. provenance: date, versions, machine, digest of the target.
    """

    target: str
    description: str
    version: str
    profile: str
    seed: int | None
    offered: tuple[str, ...]
    results: tuple[LawResult, ...]
    planned: int
    seconds: float
    complete: bool
    plugins: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    recognised: tuple[str, ...] = ()
    declares: tuple[str, ...] = ()
    limits: dict[str, str] = field(default_factory=dict[str, str])
    precisions: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    strict: bool = False
    unsaved: str = ""
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def conforms(self) -> bool:
        """Whether something was judged, all of it, and nothing violates or failed; what falls short conforms."""
        judged = {result.outcome for result in self.results} - {Outcome.NOT_OFFERED}
        return self.complete and bool(judged) and judged <= {Outcome.CONFORMS, Outcome.DECLARED, Outcome.FALLS_SHORT}

    @property
    def short_of(self) -> tuple[str, ...]:
        """The SHOULDs that it falls short of, by clause."""
        return tuple(dict.fromkeys(each.clause for each in self.results if each.outcome is Outcome.FALLS_SHORT))

    @property
    def exit_code(self) -> int:
        """0 conforms; 1 violates; 3 could not be run: nothing that is offered runs, or it was stopped early."""
        judged = {result.outcome for result in self.results} - {Outcome.NOT_OFFERED}
        if self.conforms:
            return 0
        if Outcome.VIOLATES in judged:
            return 1
        return 1 if self.complete and not judged <= {Outcome.ERROR, Outcome.FALLS_SHORT} else 3

    def as_json(self) -> dict[str, Any]:
        """What was found, as JSON holds it: see the fields here and in LawResult and Violation.

        `plugins`, `left_out`, `recognised` and `declares` stand there where there are any; what is known of operations
        without a run does not.
        """
        found = {**asdict(self), "results": [result.as_json() for result in self.results], "conforms": self.conforms}
        optional = {name for name in ("plugins", "left_out", "recognised", "declares") if not found[name]}
        return {
            name: value for name, value in found.items() if name not in optional | {"limits", "precisions", "unsaved"}
        }


Progress = Callable[[LawResult, int, int], None]
"""Called after each law with its result, how many are done, and how many there are."""


def printable(text: str) -> str:
    """The text with control characters, and what else cannot be printed, written as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def tally(results: Iterable[LawResult]) -> dict[Outcome, int]:
    """How many results of each outcome, in the outcomes' order, those that occur."""
    counts = dict.fromkeys(Outcome, 0)
    for result in results:
        counts[result.outcome] += 1
    return {outcome: count for outcome, count in counts.items() if count}
