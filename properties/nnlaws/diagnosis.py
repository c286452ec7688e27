"""Diagnosis: which one known mistake, or undeclared convention, does just what the implementation did."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.clauses import Variant, clauses

from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import Floats, Ruler
from nnlaws.cases.case import Case, expand
from nnlaws.cases.softmax import FAMILIES, any_size
from nnlaws.evidence import Evidence
from nnlaws.laws import LAWS
from nnlaws.laws.law import Law
from nnlaws.mutants import MUTANTS
from nnlaws.subject import GuardedSubject, TargetFault
from nnlaws.verdict import Cause

LEVELS = (1, -1, 3, -3, 20, -20, 100, -100, 2000, -2000)
SINGLE = 24  # digits of float32: formats with fewer are narrow
# Of the wrong results in a narrow format. Chosen, not derived: over 16,000 bfloat16 rows PyTorch's log-softmax agrees
# with its own recipe in all results, right and wrong, and with four others in 48 to 98 % of them.
TO_THE_BIT = 0.95
ENOUGH = 10  # wrong results, before so much can be said
EXAMPLES = 20  # how many failing cases are tried for one that tells the causes apart

Calls = list[tuple[tuple[Array, ...], Floats]]


class Recorder(GuardedSubject):
    """A subject that keeps what it was called with and what came back."""

    def __init__(self, subject: GuardedSubject) -> None:
        super().__init__(subject.function, subject.operation, subject.watch)
        self.calls: Calls = []

    def batch(self, lanes: Sequence[tuple[Array, ...]]) -> Floats:
        results = super().batch(lanes)
        self.calls.append((tuple(np.stack(argument) for argument in zip(*lanes, strict=True)), results))
        return results


def explain(
    law: Law, subject: GuardedSubject, ruler: Ruler, failures: Sequence[tuple[Case, Evidence]]
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one fits, and the fix.

    A mutant fits if it breaks the law on the smallest example by the same results, and gives the subject's results on
    a battery of other inputs too, and on failures of other shapes, where most of the wrong candidates differ. A
    convention fits if, declared, it makes every failure seen an allowed one; it is the cause where no mutant is, for
    it allows more than one behaviour. The example shown is the smallest on which no other mutant gives the same
    results.
    """
    smallest, evidence = failures[-1]
    breaking = {
        name: mutant for name, mutant in _candidates(law, ruler).items() if _fits(mutant, law, subject, ruler, smallest)
    }
    others = [
        *_battery(law, smallest, 1 if ruler.format.digits >= SINGLE else 4),
        *{(case.m, case.classes): case for case, _ in failures}.values(),
    ]
    fitting = {name: mutant for name, mutant in breaking.items() if _same_on(others, mutant, law, subject, ruler)}
    conventions = _conventions(law, subject, ruler, [case for case, _ in failures], others)
    if ruler.format.digits >= SINGLE:  # large logits tell apart what is alike for moderate ones
        far = next(each for each in LAWS if each.operation is law.operation and each.cases is any_size)
        probes = _battery(far, Case(2, 3, "constant", 0, 0), 1)
        fitting = {name: m for name, m in fitting.items() if _same_on(probes, m, far, subject, ruler)}
        conventions = [v for v in conventions if _admits(v, far, subject, ruler, probes)]
    declare = [f'declare conventions = {{"{v.name}": "{v.value}"}} ({v.meaning})' for v in conventions]
    if len(fitting) == 1 and (ruler.format.digits < SINGLE or not conventions):
        (name,) = fitting
        mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
        case, evidence = _telling(law, subject, ruler, failures, breaking, name)
        return case, evidence, Cause(mutant.name, mutant.fault, mutant.seen), "; or ".join((mutant.fix, *declare[:1]))
    if fitting or len(conventions) != 1:
        return smallest, evidence, None, "; or ".join(filter(None, (law.fix, *declare)))
    (variant,) = conventions
    cause = Cause(f"{variant.name} = {variant.value}", f"a convention that is not declared: {variant.meaning}", "")
    return smallest, evidence, cause, f"{declare[0]}, or compute as the clause says"


@dataclass(frozen=True)
class Candidate:
    """A mutant as a subject, and the ruler of the format that it computes in, to tell if other results are its own."""

    subject: GuardedSubject
    ruler: Ruler


def _candidates(law: Law, ruler: Ruler) -> dict[str, Candidate]:
    return {
        mutant.name: Candidate(
            GuardedSubject(mutant.function, law.operation),
            replace(ruler, format=format_of(DTYPES[mutant.computes_in])) if mutant.computes_in else ruler,
        )
        for mutant in MUTANTS
        if mutant.operation == law.operation.name
    }


def _fits(mutant: Candidate, law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> bool:
    """Whether the mutant breaks the law on the case, and every call that the law makes returns the same from both."""
    theirs, ours = Recorder(subject), Recorder(mutant.subject)
    inputs = expand(law.build, case, ruler.format, 1)
    try:
        if law.check(ours, ruler, *inputs.arguments, **inputs.extra).holds:
            return False
        law.check(theirs, ruler, *inputs.arguments, **inputs.extra)
    except TargetFault:
        return False
    if len(theirs.calls) != len(ours.calls):
        return False
    pairs = list(zip(theirs.calls, ours.calls, strict=True))
    if not all(_alike(got, other, mutant.ruler, arguments) for (arguments, got), (_, other) in pairs):
        return False
    return any(_telltale(got, other, ruler, arguments) for (arguments, got), (_, other) in pairs)


def _battery(law: Law, case: Case, rounds: int) -> list[Case]:
    """Cases of every family and many sizes of logits, so many times each, of the same shape and of a larger one."""
    pairs = enumerate((family, k) for family in FAMILIES for k in LEVELS * rounds)
    same = [replace(case, family=family, k=k, seed=8 * number, overlays=()) for number, (family, k) in pairs]
    larger = [replace(each, m=case.m + 1, classes=case.classes + 2) for each in same[::3]]
    return same + [each for each in larger if law.admits(each)]


def _same_on(cases: Sequence[Case], mutant: Candidate, law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether the mutant gives the subject's results on the arguments of all these cases.

    In a narrow format, nearly all of its wrong results have to be the same to the bit: there every mistake in rounding
    is about as large as every other, and two of one kind differ only where a result is near the middle of two numbers.
    """
    same = wrong = 0
    for case in cases:
        inputs = expand(law.build, case, ruler.format, 1)
        try:
            got, other = subject(*inputs.arguments), mutant.subject(*inputs.arguments)
        except TargetFault:
            return False
        if not _alike(got, other, mutant.ruler, inputs.arguments):
            return False
        bound = ruler.bound(*inputs.arguments)
        with np.errstate(all="ignore"):
            off = np.abs(other - bound.value) > bound.error
        same, wrong = same + int((off & (got == other)).sum()), wrong + int(off.sum())
    return ruler.format.digits >= SINGLE or (wrong >= ENOUGH and same >= TO_THE_BIT * wrong)


def _alike(got: Floats, other: Floats, ruler: Ruler, arguments: tuple[Array, ...]) -> bool:
    """Equal up to twice the rounding allowed, in proportion to their size; NaN and infinities at the same places."""
    with np.errstate(all="ignore"):
        bound = ruler.bound(*(argument.astype(ruler.format.dtype) for argument in arguments))
        scale = np.maximum(1, np.abs(got) / np.maximum(np.abs(bound.value), ruler.format.tiny))
        near = np.abs(got - other) <= 2 * bound.error * np.where(np.isfinite(scale), scale, 1)
    return bool(np.all(near | (got == other) | (np.isnan(got) & np.isnan(other))))


def _telltale(got: Floats, other: Floats, ruler: Ruler, arguments: tuple[Array, ...]) -> bool:
    """Whether they are somewhere much closer to each other than to the truth: equally wrong, not both nearly right."""
    bound = ruler.bound(*arguments)
    with np.errstate(all="ignore"):
        wrong = np.abs(got - bound.value)
        together = 4 * np.abs(got - other) <= wrong
    return bool(np.any(((wrong > bound.error) & together) | np.isnan(got) | (np.isinf(got) & (got == other))))


def _telling(
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    failures: Sequence[tuple[Case, Evidence]],
    rivals: dict[str, Candidate],
    cause: str,
) -> tuple[Case, Evidence]:
    """The smallest failing case on which the cause fits and none of its rivals does, else the smallest."""
    if len(rivals) == 1:
        return failures[-1]
    bysize = sorted(failures, key=lambda failure: (failure[0].m * failure[0].classes, len(str(failure[0]))))
    for case, evidence in bysize[:EXAMPLES]:
        if [name for name, mutant in rivals.items() if _fits(mutant, law, subject, ruler, case)] == [cause]:
            return case, evidence
    return failures[-1]


def _conventions(
    law: Law, subject: GuardedSubject, ruler: Ruler, failed: Sequence[Case], others: Sequence[Case]
) -> list[Variant]:
    """The variants that, declared one by one, allow every failure seen, and the results on other inputs too."""
    fitting: list[Variant] = []
    if any(_holds(law, subject, ruler, failed[-1]) for _ in range(2)):
        return fitting  # the failure does not come again: no convention explains that
    for variant in {(v.name, v.value): v for c in reversed(clauses().values()) for v in c.variants}.values():
        declared_already = ruler.conventions.get(variant.name) == variant.value
        if declared_already or (variant.name == "arithmetic" and ruler.format.digits >= SINGLE):
            continue
        if _admits(variant, law, subject, ruler, (*failed[-EXAMPLES:], *others)):
            fitting.append(variant)
    return fitting


def _admits(variant: Variant, law: Law, subject: GuardedSubject, ruler: Ruler, cases: Sequence[Case]) -> bool:
    """Whether the law holds on all these cases if the variant is declared."""
    declared = replace(ruler, conventions={**ruler.conventions, variant.name: variant.value})
    return all(_holds(law, subject, declared, case) for case in cases)


def _holds(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> bool:
    inputs = expand(law.build, case, ruler.format, 1)
    try:
        return law.check(subject, ruler, *inputs.arguments, **inputs.extra).holds
    except TargetFault:
        return False
