"""How a chapter is searched, and how what breaks it is explained: by rounding, or by chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nnlaws.authoring.case import MOST
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Chance, Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters import chapter_of
from nnlaws.diagnosis import by_draws, by_results, by_size
from nnlaws.harness.search import Search, Seen, by_hypothesis, by_trials, few_drawn, few_trials
from nnlaws.harness.sizes import by_sizes
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Profile, Selection
from nnlaws.report import Cause


@dataclass(frozen=True)
class Method:
    """One of the two ways to judge. search: for a case that breaks a law. few: some cases of a law, of every kind."""

    search: Callable[[Search, Any], Seen]
    few: Callable[[Law, Any], list[Case]]


METHODS: Mapping[type, Method] = {
    Rounding: Method(by_hypothesis, few_drawn),
    Chance: Method(by_trials, few_trials),
}


def search(request: Search) -> Seen:
    """What is seen, the way of the law's chapter: the smallest failure last, where there is any."""
    judging = chapter_of(request.law.operation).judging
    if request.law.at_size and isinstance(judging, Rounding):
        return by_sizes(request, judging)
    return METHODS[type(judging)].search(request, judging)


def few(law: Law) -> list[Case]:
    """Some cases of a law, of every kind."""
    judging = chapter_of(law.operation).judging
    if law.at_size:  # whatever fails at all sizes is right or wrong at small ones
        m, columns = max(law.m[0], 2), max(law.columns[0], 2)
        return [replace(case, m=min(case.m, m), columns=min(case.columns, columns)) for case in law.trials]
    return METHODS[type(judging)].few(law, judging)


def explain(
    law: Law, subject: GuardedSubject, ruler: Ruler, failures: Sequence[tuple[Case, Evidence]], profile: Profile
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one is known that does just this, and the fix."""
    chapter = chapter_of(law.operation)
    if law.at_size:
        case, evidence = failures[-1]
        return case, evidence, *_explain_at_size(law, subject, ruler, failures[0][0], case, profile)
    given = (chapter, law, subject, ruler, failures)
    if isinstance(chapter.judging, Rounding):
        return by_results.explain(*given, profile.probing)
    return by_draws.explain(*given)


def _explain_at_size(
    law: Law, subject: GuardedSubject, ruler: Ruler, first: Case, case: Case, profile: Profile
) -> tuple[Cause | None, str]:
    """The cause and the fix. What fails at a size that other laws see as well is explained as they are."""
    chapter = chapter_of(law.operation)
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    if case.m * case.columns <= MOST:
        own = next(each for each in chapter.laws_of(law.operation) if each.clause == law.clause and not each.at_size)
        seen = by_hypothesis(Search(own, subject, ruler, "", Selection(profile="quick")), judging)
        failures = [(each, evidence) for each, evidence in seen.failures if isinstance(evidence, Evidence)]
        if failures:
            *_, cause, fix = by_results.explain(chapter, own, subject, ruler, failures, profile.probing)
            return cause, fix
    return by_size.explain(chapter, law, subject, ruler, first, case)
