"""What a cause that is named for a mistake is worth: it is put to the proof on inputs that diagnosis has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import inf
from typing import Any
from unittest.mock import patch

import hypothesis
import numpy as np
from hypothesis import Phase, given, settings
from nnlaws.authoring.case import Inputs, expand
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import comparison
from nnlaws.chapters import LAWS, MUTANTS, OPERATIONS, chapter_of
from nnlaws.diagnosis import by_results as diagnosis
from nnlaws.diagnosis.probes.calls import of_calls
from nnlaws.diagnosis.probes.draws import fact_of, long_period
from nnlaws.diagnosis.probes.find import NOTHING, Finding
from nnlaws.diagnosis.probes.theory import Bench, Sample, Unsaid
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run as run_task
from nnlaws.harness.search import UNCHECKED, trials
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.report import Cause, Outcome
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence

KNOWN = {mutant.name: mutant for mutant in MUTANTS}
FIND = diagnosis.find  # type: ignore[attr-defined]
DRAWN, LANES = 12, 4  # fresh cases a law, and arrays a case
MANY, UNLIKELY = 1000, 1e-5  # draws that are compared, and a difference that chance does not make
RELATED = 0.95  # of the results that either gets wrong, those that have to be the same

VERDICTS = {
    "itself": "the mutant",
    "same": "another mutant, which gives the same results everywhere",
    "relative": f"another mutant, which gives the same results in {RELATED:.0%} of what either gets wrong",
    "convention": "a convention: declared, every law holds",
    "theory": f"a theory, which says what it returns in {RELATED:.0%} of what it gets wrong",
    "place": f"a place, in which lies {RELATED:.0%} of what it gets wrong",
    "calls": "what is wrong with its calls, found again on other inputs",
    "fact": "what is so of its draws, found again with other seeds",
    "partly": "a convention: declared, the law holds, but another does not",
    "none": "none",
    "wrong": "a wrong one",
}
"""Same: up to twice the rounding allowed, on cases drawn for all laws of the operation; for what has chances, by
comparison of draws with other seeds."""
RIGHT = ("itself", "same", "relative", "convention", "theory", "place", "calls", "fact")


def verdict(mutant: Mutant, cause: Cause | None, law: str, dtype: str) -> str:
    """What naming that cause for the mutant's violation of the law is worth."""
    if cause is None:
        return "none"
    if cause.name == mutant.name:
        return "itself"
    if "surroundings" in law:
        return "wrong"  # the results, which are compared, say nothing of that
    if cause.name in FOUND:
        return proven(mutant, FOUND[cause.name], law, dtype)
    if cause.name in KNOWN:
        share = alike(mutant.name, cause.name, dtype, law.endswith(".resumed"))
        return "same" if share == 1 else "relative" if share >= RELATED else "wrong"
    if " = " not in cause.name:
        return "fact" if cause.name in facts(mutant.name, law, dtype) else "wrong"
    broken = breaking(mutant.name, cause.name, dtype)
    return "convention" if not broken else "partly" if law not in broken else "wrong"


FOUND: dict[str, Finding] = {}
"""What probes have found in this process, by the cause's name."""


def keeping(find: Callable[..., Finding | None]) -> Callable[..., Finding | None]:
    """The same, and what is found is kept."""

    def run(*arguments: Any) -> Finding | None:
        found = find(*arguments)
        if found is not None:
            FOUND[found.name] = found
        return found

    return run


def proven(mutant: Mutant, finding: Finding, law: str, dtype: str) -> str:
    """What a finding is worth on inputs that the laws draw and nothing has seen; of a law's violation, by that law's
    inputs too.
    """
    operation = OPERATIONS[mutant.operation]
    bench = Bench(GuardedSubject(mutant.function, operation), Ruler(operation, format_of(DTYPES[dtype]), {}), inf)
    said = wrong = 0
    seen: list[Sample] = []
    with silence():
        for each in (each for each in LAWS if each.operation is operation and not each.at_size):
            for inputs in fresh(each, bench.ruler):
                sample = bench.sample(inputs.arguments, {name: inputs.options[name] for name in operation.options})
                if sample is None:
                    continue
                seen.append(sample)
                for lane in np.flatnonzero(sample.wrong_lanes):
                    one = sample.lanes(slice(lane, lane + 1))
                    wrong += 1
                    said += _says(finding, one)
        if finding.theory is None and finding.place is None:
            again = of_calls(bench, seen[1::3], [sample.lanes(slice(0, 1)) for sample in seen[::3]])
            return "calls" if finding.name in (again, NOTHING) else "wrong"
    right = wrong == 0 or said >= RELATED * wrong
    return ("theory" if finding.theory else "place") if right else "wrong"


def _says(finding: Finding, sample: Sample) -> bool:
    if finding.place is not None:
        return finding.place.holds(sample.arguments, sample.options) is not False
    try:
        return finding.theory is not None and sample.fits(finding.theory.predict(sample.arguments, sample.options))
    except (Unsaid, ArithmeticError, ValueError, TypeError):
        return False


@cache
def facts(name: str, law: str, dtype: str) -> frozenset[str]:
    """What is so of a mutant's draws, by the law's trials with seeds that nothing has seen."""
    (rule,) = (each for each in LAWS if each.id == law)
    other = replace(rule, trials=tuple(replace(case, seed=case.seed + 4711) for case in rule.trials))
    judging = chapter_of(rule.operation).judging
    assert isinstance(judging, Chance)
    subject = GuardedSubject(KNOWN[name].function, rule.operation)
    with silence():
        given = (judging, other, subject, Ruler(rule.operation, format_of(DTYPES[dtype]), {}))
        return frozenset(found.words for find in (fact_of, long_period) if (found := find(*given)) is not None)


@cache
def breaking(name: str, convention: str, dtype: str) -> frozenset[str]:
    """The laws that the mutant breaks with a convention declared, on cases of another seed."""
    mutant = KNOWN[name]
    key, _, value = convention.partition(" = ")
    target = Target(name, "", {mutant.operation: mutant.function}, (dtype,), {key: value})
    selection = Selection(operations=(mutant.operation,), seed=99, strict=True)
    with patch.object(diagnosis, "explain", lambda *given: (*given[-1][-1], None, "")):
        results = [run_task(task, target, selection) for task in plan(target, selection)]
    return frozenset(one.law for one in results if one.outcome in (Outcome.VIOLATES, Outcome.ERROR))


@cache
def alike(one: str, other: str, dtype: str, resumed: bool = False) -> float:
    """The share, of the results that either mutant gets wrong, that are the same from both; 0 if none is wrong.

    resumed: whether of runs that are interrupted, and of none else.
    """
    operation = OPERATIONS[KNOWN[one].operation]
    ruler = Ruler(operation, format_of(DTYPES[dtype]), {})
    subjects = [GuardedSubject(KNOWN[name].function, operation) for name in (one, other)]
    laws = [
        law for law in LAWS if law.operation is operation and not law.at_size and (law.name == "resumed" or not resumed)
    ]
    with silence():
        if not operation.arrays:
            return float(all(_drawn_alike(law, ruler, *subjects) for law in laws))
        counted = np.array([_compared(ruler, subjects, inputs) for law in laws for inputs in fresh(law, ruler)])
    same, wrong = counted.sum(axis=0)
    return float(same / wrong) if wrong else 0.0


def fresh(law: Law, ruler: Ruler) -> list[Inputs]:
    """Inputs as the law draws them, with a seed that nothing else has."""
    cases: list[Case] = []

    @hypothesis.seed(4711)
    @settings(
        max_examples=DRAWN,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=UNCHECKED,
    )
    @given(case=law.strategy(ruler.format))
    def draw(case: Case) -> None:
        cases.append(case)

    draw()
    return [expand(law.build, case, ruler.format, LANES) for case in cases]


def _compared(ruler: Ruler, subjects: Sequence[GuardedSubject], inputs: Inputs) -> tuple[int, int]:
    """How many results either gets wrong, and how many of those are the same."""
    options = {name: inputs.options[name] for name in ruler.operation.options}
    more = {name: value for name, value in inputs.options.items() if name == "save_at"}
    if not all(argument.size for argument in inputs.arguments):
        return 0, 0
    got: list[tuple[Any, ...] | None] = []
    for subject in subjects:
        try:
            got.append(subject.results(*inputs.arguments, **options, **(more if subject.takes("save_at") else {})))
        except TargetFault:
            got.append(None)
    ours, theirs = got
    if ours is None or theirs is None:
        return (0, 0) if ours is theirs else (0, LANES)
    same = wrong = 0
    exact = ruler.bounds(*(each.astype(ruler.format.dtype) for each in inputs.arguments), **options)
    for a, b, bound in zip(ours, theirs, exact, strict=True):
        with np.errstate(all="ignore"):
            off = ~(np.abs(a - bound.value) <= bound.error) | ~(np.abs(b - bound.value) <= bound.error)
            scale = np.fmax(1, np.abs(a) / np.maximum(np.abs(bound.value), ruler.format.tiny))
            near = np.abs(a - b) <= 2 * bound.error * np.where(np.isfinite(scale), scale, 1)
        agree = near | (a == b) | (np.isnan(a) & np.isnan(b))
        same, wrong = same + int((off & agree).sum()), wrong + int(off.sum())
    return same, wrong


def _drawn_alike(law: Law, ruler: Ruler, one: GuardedSubject, other: GuardedSubject) -> bool:
    """Whether both draw alike, by many draws; or, where nothing is drawn, return the same."""
    judging = chapter_of(law.operation).judging
    assert isinstance(judging, Chance)
    alike = judging.alike.get(law.operation.name)
    if alike is None:
        return False
    seeded = "seed" in law.operation.options
    cases = trials(law, Selection(profile="thorough", seed=4711), judging)
    try:
        with patch.object(comparison, "LIKELY", UNLIKELY):
            return all(
                alike(one, other, law.build(case, ruler.format).options)
                for case in cases
                if case.m >= MANY or not seeded
            )
    except TargetFault:
        return False
