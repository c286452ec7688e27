"""Runs one law in one dtype under Hypothesis, and turns what it saw into a result."""

import difflib
import re
import secrets
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib import import_module
from time import perf_counter
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky
from nnlaws_reference.dtypes import DTYPES

from nnlaws import diagnosis, likeness
from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import FINEST, Ruler
from nnlaws.cases.case import Case, expand
from nnlaws.cases.seeded import by_seed_alone
from nnlaws.cases.simpler import enlarged, simplified
from nnlaws.evidence import Evidence
from nnlaws.laws import LAWS, Law
from nnlaws.operations import OPERATIONS
from nnlaws.reports.example import show
from nnlaws.subject import GuardedSubject, NotOffered, TargetFault, Watch, silence
from nnlaws.targets import Target
from nnlaws.verdict import PROFILES, LawResult, Outcome, Selection, Task, UsageError

LANES = {"float64": 4}  # at most: exact values of float64 are balls, which cost more than all else together
EXAMPLES = ".hypothesis/nnlaws"
UNCHECKED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given)  # a target may be slow
ALONE = "float64"  # what samplers and searches are judged in: hyperparameters are doubles
SMALL = 128  # entries of an array; of larger ones a case expands to an eighth as many
OWN = 0  # the seed of the cases that quick and ci call their own
FEWEST = 3  # examples: the first is always the simplest there is, which shows little
ENLARGED = 5  # one in so many examples comes again, wide or tall
SHRINKING = 4  # what a failing case is shrunk to, to so many times fewer
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)


class LawBroken(Exception):
    """Raised inside Hypothesis where a law does not hold, for it to shrink."""


Failure = Evidence | TargetFault


@dataclass
class Seen:
    """What a run has seen: how many arrays, whether a batch passed, the worst ratio, also by the finest grade, and the
    failures in turn."""

    arrays: int = 0
    passed: bool = False
    worst: float = 0.0
    finest: float | None = None
    failures: list[tuple[Case, Failure]] = field(default_factory=list[tuple[Case, Failure]])

    def add(self, other: "Seen") -> None:
        self.arrays += other.arrays
        self.passed |= other.passed
        self.worst = max(self.worst, other.worst)
        self.finest = _larger(self.finest, other.finest)
        self.failures = other.failures or self.failures


def plan(target: Target, selection: Selection) -> list[Task]:
    """The laws to run, operation by operation, law by law, dtype by dtype.

    Raises UsageError for a name that does not exist.
    """
    _known("operation", selection.operations, OPERATIONS)
    _known("dtype", selection.dtypes, DTYPES)
    _known("law", selection.laws, {name for law in LAWS for name in (law.id, law.name, law.clause)})
    chosen = [
        law
        for operation in OPERATIONS
        for law in LAWS
        if law.operation.name == operation
        and (not selection.operations or operation in selection.operations)
        and (not selection.laws or {law.id, law.name, law.clause} & set(selection.laws))
    ]
    if not chosen:
        raise UsageError(
            f"no law {', '.join(selection.laws)} is about {', '.join(selection.operations)}; see `nnlaws list laws`"
        )
    tasks = [
        Task(law.id, law.clause, law.statement, law.operation.name, dtype, law.operation.name in target.operations)
        for law in chosen
        for dtype in (selection.dtypes or target.dtypes if law.operation.arrays else (ALONE,))
        if dtype in (selection.dtypes or (dtype,))
    ]
    if not tasks:
        names = ", ".join(dict.fromkeys(law.operation.name for law in chosen))
        raise UsageError(f"{names}: judged in {ALONE} alone, got {', '.join(selection.dtypes)}")
    return tasks


def _known(what: str, asked: tuple[str, ...], known: Iterable[str]) -> None:
    there = list(known)
    for name in asked:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(there)}"
            hint = f"see `nnlaws list {what}s`" if len(there) > 20 and not near else hint
            raise UsageError(f"unknown {what} {name!r}; {hint}")


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
        return task.result(Outcome.NOT_OFFERED)
    law = find(task.law)
    declared = target.conventions_for(task.operation, task.dtype)
    conventions = declared if task.trial is None else task.trial
    ruler = Ruler(law.operation, format_of(DTYPES[task.dtype]), conventions)
    subject = GuardedSubject(target.operations[task.operation], law.operation, watch)
    began = perf_counter()
    seen = Seen()

    def result(outcome: Outcome, **more: Any) -> LawResult:
        seconds = perf_counter() - began
        return task.result(outcome, cases=seen.arrays, conventions=conventions, seconds=seconds, **more)

    def failed(outcome: Outcome, case: Case, evidence: Evidence, *cause_and_fix: Any, **more: Any) -> LawResult:
        shown = show(law, ruler, case, evidence, *cause_and_fix)
        return result(outcome, replay=token(law.id, task.dtype, case, target.name), violation=shown, **more)

    def first(case: Case, evidence: Evidence) -> None:
        early(failed(Outcome.VIOLATES, case, evidence, worst=evidence.ratio))

    with silence():
        if task.case:
            seen.add(_replay(law, subject, ruler, Case.parse(task.case)))
        else:
            seen.add(search(law, subject, ruler, target.name, selection, about, first))
            for kind in (NotOffered, TargetFault):  # a fault on some inputs must not hide what others show
                if seen.failures and isinstance(seen.failures[-1][1], kind) and _ever_else(kind, law, subject, ruler):
                    seen.add(search(law, subject, ruler, target.name, selection, about, first, ignored=kind))
        if not seen.failures:
            outcome = Outcome.DECLARED if conventions else Outcome.CONFORMS
            return result(outcome, worst=seen.worst, grade=_grade(seen, ruler))
        case, failure = seen.failures[-1]
        if isinstance(failure, NotOffered):
            if not seen.passed:
                return task.result(Outcome.NOT_OFFERED, reason=str(failure))
            failure = TargetFault(f"{failure}, but not for all arguments")
        if isinstance(failure, TargetFault):
            return failed(Outcome.ERROR, case, Evidence(float("inf")), reason=str(failure))
        if task.trial is not None:
            return failed(Outcome.VIOLATES, case, failure, worst=failure.ratio)
        first(case, failure)
        failures = [(each, evidence) for each, evidence in seen.failures if isinstance(evidence, Evidence)]
        explain = likeness.explain if law.trials else diagnosis.explain
        case, failure, cause, fix = explain(law, subject, ruler, failures)
        return failed(Outcome.VIOLATES, case, failure, cause, fix, worst=failure.ratio)


def evaluate(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case, lanes: int = 1) -> Evidence:
    """The law's evidence on the arrays of one case."""
    return law.evidence(subject, ruler, expand(law.build, case, ruler.format, lanes))


def find(id: str) -> Law:
    """The law of that id. Raises UsageError if there is none."""
    _known("law", (id,), (law.id for law in LAWS))
    return next(law for law in LAWS if law.id == id)


def token(law: str, dtype: str, case: Case, target: str) -> str:
    """What `nnlaws replay` takes: law/dtype/case/target."""
    return f"{law}/{dtype}/{case}/{target}"


def search(
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    target: str,
    selection: Selection,
    about: Callable[[str], None] = lambda token: None,
    first: Callable[[Case, Evidence], None] = lambda case, evidence: None,
    ignored: type[TargetFault] | None = None,
    shrink: bool = True,
) -> Seen:
    """Lets Hypothesis look for a case that breaks the law, steering towards the worst ratio, and shrink it; then, where
    it finds none, tries some of its cases again, made wide and tall. Or tries the law's own cases in turn, where it has
    them.

    about: told each case's replay token before it runs. first: told the first violation, before it is shrunk.
    ignored: a kind of fault that counts as if the case had not been drawn.
    """
    if law.trials:
        return _in_turn(law, subject, ruler, target, selection, about, ignored)
    seen = Seen()
    most = min(law.lanes, LANES.get(ruler.format.name, law.lanes))
    current: list[Case] = []
    drawn: dict[Case, int] = {}

    def tried(case: Case) -> Evidence | None:
        """Raises for a case that fails; None for a fault that is ignored."""
        current[:] = [case]
        fewer = 8 if case.m * case.columns > SMALL else SHRINKING if seen.failures else 1
        lanes = drawn.setdefault(case, max(most // fewer, 1))  # the same at each try, for Hypothesis repeats some
        about(token(law.id, ruler.format.name, case, target))
        seen.arrays += lanes
        try:
            evidence = evaluate(law, subject, ruler, case, lanes)
        except TargetFault as fault:
            if ignored is not None and isinstance(fault, ignored):
                return None
            seen.failures.append((case.lane(fault.lane % lanes), fault))
            raise
        seen.worst, seen.finest = max(seen.worst, evidence.ratio), _larger(seen.finest, evidence.finest)
        if not evidence.holds:
            if not any(isinstance(failure, Evidence) for _, failure in seen.failures):
                first(case.lane(evidence.lane), evidence)
            seen.failures.append((case.lane(evidence.lane), evidence))
            raise LawBroken(law.statement)
        seen.passed = True
        return evidence

    def fails(case: Case) -> Case | None:
        try:
            tried(case)
        except (LawBroken, TargetFault):
            return seen.failures[-1][0]
        return None

    def holds(case: Case) -> None:
        evidence = tried(case)
        if evidence is not None and 0 < evidence.ratio < float("inf"):
            hypothesis.target(evidence.ratio, label="used/allowed")

    holds.__name__ = re.sub(r"\W", "_", f"{law.id}_{ruler.format.name}_{target}")  # its key in the example database
    test = given(case=law.strategy(ruler.format))(_settings(law, selection, shrink)(holds))
    seed = OWN if selection.seed is None and PROFILES[selection.profile].derandomize else selection.seed
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    try:
        with by_seed_alone():
            test()  # Hypothesis ends on its smallest failure, which is then the last in seen.failures
    except (LawBroken, TargetFault):
        pass
    except Flaky:
        if not seen.failures:
            seen.failures.append((current[0], TargetFault("the target did not do the same twice on this case")))
    failing = seen.failures[-1][0] if seen.failures else None
    if failing is None:
        again = [*drawn][ENLARGED - 1 :: ENLARGED] or [*drawn][-1:]
        failing = next(filter(None, map(fails, enlarged(again, law.m, law.columns))), None)
    if failing is not None and shrink and (failing.m > law.m[1] or failing.columns > law.columns[1]):
        simplified(failing, fails, _families(law), law.m[0], law.columns[0])  # Hypothesis keeps to such sizes
    violations = [failure for failure in seen.failures if isinstance(failure[1], Evidence)]
    if violations:  # worth more than faults that came between
        seen.failures = violations
    return seen


def _in_turn(
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    target: str,
    selection: Selection,
    about: Callable[[str], None],
    ignored: type[TargetFault] | None,
) -> Seen:
    """Tries the law's own cases one after another, up to the first that breaks it."""
    seen = Seen()
    for case in trials(law, selection):
        about(token(law.id, ruler.format.name, case, target))
        seen.arrays += 1
        try:
            evidence = evaluate(law, subject, ruler, case)
        except TargetFault as fault:
            if ignored is not None and isinstance(fault, ignored):
                continue
            seen.failures.append((case, fault))
            break
        seen.worst = max(seen.worst, evidence.ratio)
        if not evidence.holds:
            seen.failures.append((case, evidence))
            break
        seen.passed = True
    return seen


def trials(law: Law, selection: Selection) -> list[Case]:
    """The law's own cases: with the selection's seed, or new ones each time, where the profile asks for that."""
    profile = PROFILES[selection.profile]
    if selection.seed is None and profile.derandomize:
        return list(law.trials)
    first = secrets.randbits(40) if selection.seed is None else selection.seed
    seeds = np.random.SeedSequence([first, zlib.crc32(law.id.encode())]).generate_state(len(law.trials))
    seeds >>= 1  # not every library takes a seed beyond 2³¹
    times = profile.draws if law.operation.chapter == "sampling" else 1
    return [replace(case, m=case.m * times, seed=int(seed)) for case, seed in zip(law.trials, seeds, strict=True)]


def _ever_else(kind: type[TargetFault], law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether, of a few inputs, there is one on which the subject does not fail in this way."""
    for case in _few(law):
        try:
            evaluate(law, subject, ruler, case)
        except TargetFault as fault:
            if isinstance(fault, kind):
                continue
        return True
    return False


def _few(law: Law) -> Iterable[Case]:
    """Eight cases of every size and family; or the law's own."""
    if law.trials:
        return law.trials
    families = _families(law)
    sizes = ((law.m[number % 2], law.columns[number // 2 % 2]) for number in range(8))
    return [Case(*size, families[number % len(families)], 4, number) for number, size in enumerate(sizes)]


def _families(law: Law) -> tuple[str, ...]:
    """Those that its chapter draws from, simplest first."""
    return tuple(import_module(f"nnlaws.cases.{law.operation.chapter}").FAMILIES)


def _replay(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> Seen:
    """The law on the one array of a case."""
    if not law.admits(case):
        wanted = f"m from {law.m[0]} to {law.m[1]}, columns from {law.columns[0]} to {law.columns[1]}"
        raise UsageError(f"{law.id} is not about {case.m}x{case.columns} arrays: it draws {wanted}")
    try:
        evidence = evaluate(law, subject, ruler, case)
    except TargetFault as fault:
        return Seen(1, failures=[(case, fault)])
    failures: list[tuple[Case, Failure]] = [] if evidence.holds else [(case, evidence)]
    return Seen(1, True, evidence.ratio, evidence.finest, failures)


def _larger(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _grade(seen: Seen, ruler: Ruler) -> str:
    """The grade of rounding that was reached, where the operation has grades to tell apart."""
    if seen.finest is None:
        return ""
    return next(iter(FINEST.values())) if seen.finest <= 1 else "updating"


def _examples(law: Law, selection: Selection) -> int:
    """How many the law is worth."""
    return max(round(law.share * PROFILES[selection.profile].examples), FEWEST)


def _settings(law: Law, selection: Selection, shrink: bool) -> settings:
    profile = PROFILES[selection.profile]
    return settings(
        max_examples=_examples(law, selection),
        database=None if profile.derandomize else DirectoryBasedExampleDatabase(EXAMPLES),
        deadline=None,
        phases=PHASES if shrink else PHASES[:-1],
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=UNCHECKED,
    )
