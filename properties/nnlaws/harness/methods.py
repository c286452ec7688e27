"""How a chapter is searched, and how what breaks it is explained: by rounding, or by chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Chance, Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters import chapter_of
from nnlaws.diagnosis import by_draws, by_results
from nnlaws.harness.search import Search, Seen, by_hypothesis, by_trials, few_drawn, few_trials
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Profile
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
    return METHODS[type(judging)].search(request, judging)


def few(law: Law) -> list[Case]:
    """Some cases of a law, of every kind."""
    judging = chapter_of(law.operation).judging
    return METHODS[type(judging)].few(law, judging)


def explain(
    law: Law, subject: GuardedSubject, ruler: Ruler, failures: Sequence[tuple[Case, Evidence]], profile: Profile
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one is known that does just this, and the fix."""
    chapter = chapter_of(law.operation)
    given = (chapter, law, subject, ruler, failures)
    if isinstance(chapter.judging, Rounding):
        return by_results.explain(*given, profile.probing)
    return by_draws.explain(*given)
