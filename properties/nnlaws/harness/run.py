"""Runs one law in one dtype, and turns what is seen into a result."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence

from nnlaws.authoring.convention import precision
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, TargetFault
from nnlaws.authoring.token import Case, Token
from nnlaws.chapters import LAWS
from nnlaws.diagnosis.example import show
from nnlaws.diagnosis.passed import passed
from nnlaws.harness import methods
from nnlaws.harness.limits import Beyond
from nnlaws.harness.search import Failure, Search, Seen, evaluate
from nnlaws.harness.shapes import few_shapes
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject, Watch
from nnlaws.plan import PROFILES, Selection, Task
from nnlaws.report import STUCK, LawResult, Outcome
from nnlaws.rounding.formats import format_of


def run(
    task: Task,
    target: Target,
    selection: Selection,
    watch: Watch | None = None,
    about: Callable[[str], None] = lambda token: None,
    early: Callable[[LawResult], None] = lambda result: None,
) -> LawResult:
    """Runs a task's law.

    about: told each case's replay token before it runs. early: given a violation before its cause is sought, which
    calls the target again and so may end this process.
    """
    if not task.offered:
        return task.result(Outcome.NOT_OFFERED, reason=task.hidden)
    law = few_shapes(target.law(task.law)) if selection.shapes else target.law(task.law)
    declared = target.conventions_for(task.operation, task.dtype)
    conventions = declared if task.trial is None else task.trial
    ruler = Ruler(law.operation, format_of(DTYPES[task.dtype]), conventions)
    subject = GuardedSubject(target.operations[task.operation], law.operation, watch)
    began = perf_counter()
    seen = Seen()

    def found(**more: Any) -> dict[str, Any]:
        about_all = {"cases": seen.arrays, "conventions": conventions, "size": seen.size}
        return {**about_all, "seconds": perf_counter() - began, **more}

    def failed(
        outcome: Outcome, case: Case, evidence: Evidence, *cause_and_fix: Any, given: str = "", **more: Any
    ) -> LawResult:
        shown = replace(show(law, ruler, case, evidence, *cause_and_fix), passed=given)
        replay = str(Token(law.id, task.dtype, case, target.name))
        return task.broken(outcome, **found(replay=replay, violation=shown, **more))

    def first(case: Case, evidence: Evidence) -> None:
        early(failed(Outcome.VIOLATES, case, evidence, worst=evidence.ratio))

    def search(ignored: type[TargetFault] | None = None) -> Seen:
        return methods.search(Search(law, subject, ruler, target.name, selection, about, first, ignored))

    with silence():
        if task.case:
            seen.add(_replay(law, subject, ruler, Case.parse(task.case)))
        else:
            seen.add(search())
            for kind in (Beyond, NotOffered, TargetFault):  # a fault on some inputs must not hide what others show
                if seen.failures and isinstance(seen.failures[-1][1], kind) and _ever_else(kind, law, subject, ruler):
                    if kind is Beyond:
                        seen.failures.clear()
                    seen.passed = True
                    seen.add(search(kind))
        if not seen.failures:
            outcome = Outcome.DECLARED if conventions else Outcome.CONFORMS
            return task.result(outcome, **found(worst=seen.worst, grade=_grade(law, ruler, seen)))
        case, failure = seen.failures[-1]
        if isinstance(failure, NotOffered):
            if not seen.passed:
                return task.result(Outcome.NOT_OFFERED, reason=str(failure))
            failure = TargetFault(f"{failure}, but not for all arguments")
        if isinstance(failure, TargetFault):
            evidence, how = Evidence(float("inf")), "" if seen.stuck else passed(law, subject, ruler, case)
            reason = f"{failure}; {STUCK}" if seen.stuck else str(failure)
            return failed(Outcome.ERROR, case, evidence, reason=reason, given=how)
        if task.trial is not None:
            return failed(Outcome.VIOLATES, case, failure, worst=failure.ratio)
        first(case, failure)
        more = {} if _comes_again(law, subject, ruler, case) else {"reason": _passing(law)}
        failures = [(each, evidence) for each, evidence in seen.failures if isinstance(evidence, Evidence)]
        case, failure, cause, fix = methods.explain(law, subject, ruler, failures, PROFILES[selection.profile])
        how = passed(law, subject, ruler, case)
        return failed(Outcome.VIOLATES, case, failure, cause, fix, worst=failure.ratio, given=how, **more)


def _comes_again(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> bool:
    """Whether the law is broken by the case alone, as a replay has it."""
    try:
        return not evaluate(law, subject, ruler, case, law.lanes if law.together else 1).holds
    except TargetFault:
        return True


def _passing(law: Law) -> str:
    """What to say of a violation that does not come again."""
    stateless = next((each.clause for each in LAWS if each.operation is law.operation and each.kind == "state"), "")
    see = f", see {stateless}" if stateless else ""
    return f"replayed by itself this conforms: what the function does depends on more than its arguments{see}"


def _grade(law: Law, ruler: Ruler, seen: Seen) -> str:
    """How finely it rounds, by a law of value; where that is told apart."""
    if seen.finest is None:
        return ""
    return precision(law.operation.conventions, ruler.conventions, seen.finest <= 1)


def _ever_else(kind: type[TargetFault], law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether, of a few inputs, there is one on which the subject does not fail in this way."""
    for case in methods.few(law):
        try:
            evaluate(law, subject, ruler, case)
        except TargetFault as fault:
            if isinstance(fault, kind):
                continue
        return True
    return False


def _replay(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> Seen:
    """The law on the one array of a case."""
    if not law.admits(case):
        wanted = f"m from {law.m[0]} to {law.m[1]}, columns from {law.columns[0]} to {law.columns[1]}"
        raise UsageError(f"{law.id} is not about {case.m}x{case.columns} arrays: it draws {wanted}")
    try:
        evidence = evaluate(law, subject, ruler, case, law.lanes if law.together else 1)
    except TargetFault as fault:
        return Seen(1, failures=[(case, fault)])
    failures: list[tuple[Case, Failure]] = [] if evidence.holds else [(case, evidence)]
    return Seen(1, True, evidence.ratio, evidence.finest, failures)
