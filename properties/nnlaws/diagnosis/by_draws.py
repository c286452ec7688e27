"""Diagnosis by draws: which one known mistake, or undeclared convention, draws as the target did.

Results cannot be compared number by number, as `by_results` compares them: the same mistake draws others with the same
seed. How its draws lie is compared instead, in thousands of them, as the chapter says. What has no chances, a grid or a
finer box, has to be equal.
"""

from collections.abc import Sequence

import numpy as np

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.convention import Convention
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance import THRESHOLD
from nnlaws.chance.comparison import LIKELY
from nnlaws.diagnosis.probes.draws import fact_of, long_period
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import Cause

Failure = tuple[Case, Evidence]
MOST = float(-np.log(LIKELY) / THRESHOLD)
"""Of what is allowed, what a sound target uses nearly always."""


def explain(
    chapter: Chapter, law: Law, subject: GuardedSubject, ruler: Ruler, failures: Sequence[Failure]
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one fits, and the fix: as of `by_results.explain`."""
    case, evidence = failures[-1]
    every = chapter.laws_of(law.operation)
    value_laws = [each for each in every if each.kind == "value"]  # of thousands of draws
    others = [each for each in every if each.about == "results"]
    undeclared = [each for each in law.operation.conventions if ruler.conventions.get(each.name) != each.value]
    comes_again = not _keeps(law, case, subject, ruler)  # else any convention would seem to be all that it needs
    allowing = [
        each
        for effect in ("value", "weaker bound")  # what admits more comes after what says something else
        for each in undeclared
        if comes_again and each.effect == effect and _admits(each, [law, *others], case, subject, ruler)
    ]
    if allowing and (len(allowing) == 1 or allowing[1].effect != "value"):
        convention = allowing[0]
        declare = f'{{"{convention.name}": "{convention.value}"}}'
        cause = Cause(str(convention), f"a convention that is not declared: {convention.meaning}", "")
        hidden = f" ({convention.unseen})" if convention.unseen else ""
        return case, evidence, cause, f"declare conventions = {declare}{hidden}, or do as the clause says"
    assert isinstance(chapter.judging, Chance)
    again = long_period(chapter.judging, law, subject, ruler)
    if again is not None:
        return case, evidence, Cause(again.words, again.words, ""), again.fix
    fitting = [
        mutant
        for mutant in chapter.mutants_of(law.operation)
        if law.about == "results" and _draws_as(chapter, mutant, law, value_laws, subject, ruler)
    ]
    if len(fitting) == 1:
        (mutant,) = fitting
        return case, evidence, Cause(mutant.name, mutant.fault, mutant.seen), mutant.fix
    fact = fact_of(chapter.judging, law, subject, ruler)
    if fact is not None:
        return case, evidence, Cause(fact.words, fact.words, ""), fact.fix
    return case, evidence, None, law.fix


def _admits(convention: Convention, laws: Sequence[Law], case: Case, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether, with the convention declared, each of these laws holds on all its cases, and the first on this one; and
    that without anything that is unlikely by itself: a weaker bound is no reason for what hardly keeps to it.
    """
    declared = ruler.declaring(convention.item)
    return _keeps(laws[0], case, subject, declared, MOST) and all(
        _holds(each, subject, declared) for each in {each.id: each for each in laws}.values()
    )


def _keeps(law: Law, case: Case, subject: GuardedSubject, ruler: Ruler, most: float = 1.0) -> bool:
    """Whether the law holds on this case, with no more than so much of what is allowed."""
    try:
        return _evidence(law, subject, ruler, case).ratio <= most
    except TargetFault:
        return False


def _holds(law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether the law holds, without anything that is unlikely by itself."""
    try:
        return all(_evidence(law, subject, ruler, case).ratio <= MOST for case in law.trials)
    except TargetFault:
        return False


def _evidence(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> Evidence:
    return law.evidence(subject, ruler, law.build(case, ruler.format))


def _draws_as(
    chapter: Chapter, mutant: Mutant, law: Law, value_laws: Sequence[Law], subject: GuardedSubject, ruler: Ruler
) -> bool:
    """Whether the mutant breaks the law too, and what it returns is like what the target returns."""
    assert isinstance(chapter.judging, Chance)
    alike = chapter.judging.alike.get(law.operation.name)
    if alike is None:
        return False
    other = GuardedSubject(mutant.function, law.operation)
    try:
        if all(_evidence(law, other, ruler, case).holds for case in law.trials):
            return False
        tried = {case: each for each in (*value_laws, law) for case in each.trials}
        return all(alike(subject, other, each.build(case, ruler.format).options) for case, each in tried.items())
    except TargetFault:
        return False
