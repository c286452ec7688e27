"""Diagnosis of a law at size: which one known mistake, or undeclared convention, gives just what was returned.

Nothing is shrunk but the size, and each call is dear: every candidate is held to the results of the smallest failing
case, and those that are left to a few calls more.
"""

from dataclasses import replace

from nnlaws_spec.numbers import PrecisionError

from nnlaws.authoring.case import expand
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import Case
from nnlaws.diagnosis import by_one_result
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import Cause

MOST = 1 << 19  # entries of a case that candidates are held to
SMALL = 5  # rows or columns of which each family tells small candidates apart
OTHERS = 3  # of the law's smallest cases, that tell candidates apart


def explain(
    chapter: Chapter, law: Law, subject: GuardedSubject, ruler: Ruler, first: Case, smallest: Case
) -> tuple[Cause | None, str]:
    """The cause, if exactly one fits, and what to do. first: the case that failed before it was made smaller."""
    if smallest.m * smallest.columns > MOST:
        return None, law.fix
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    ordinary, _ = judging.ordinary(law.operation)
    extreme, _ = judging.extreme(law.operation)
    small = (max(judging.samples[0], 2), max(judging.columns[0], 1))
    larger = [first] if smallest.m * smallest.columns < first.m * first.columns <= MOST else []
    inputs = [  # what is wrong with small ones too is gone before the last: some takes memory for two classes each
        *(
            expand(ordinary, Case(*small, family, judging.levels[0], 8 * number), ruler.format, 1)
            for number, family in enumerate(judging.families)
        ),
        *(  # at size, inputs are such as a sum shows in: mistakes that others show in part on these
            expand(extreme, Case(*small, judging.families[0], k, 8 * number), ruler.format, 1)
            for number, k in enumerate((*judging.levels, *judging.far))
        ),
        *(
            expand(law.build, replace(case, m=min(case.m, SMALL), columns=min(case.columns, SMALL)), ruler.format, 1)
            for case in {case.family: case for case in law.trials}.values()
        ),
        *(expand(law.build, case, ruler.format, 1) for case in (*law.trials[:OTHERS], *larger, smallest)),
    ]
    conventions = [
        each for each in law.operation.conventions if each.effect == "value"
    ]  # a weaker bound allows anything
    mistakes = chapter.mutants_of(law.operation)
    for each in inputs:
        options = law.operation.given(each.options)
        try:
            got = subject.results(*each.arguments, **options)
        except TargetFault:
            continue
        asked = ruler, [x[0] for x in each.arguments], options, got
        try:
            conventions = by_one_result.admitting(*asked, conventions)
            mistakes = by_one_result.alike(*asked, mistakes, wrong=each is inputs[-1])
        except PrecisionError:  # the formula has no value there, as 0 · (−∞) has none
            return None, law.fix
    cause, fix = by_one_result.told(ruler, inputs[-1:], conventions, mistakes)
    return cause, fix or law.fix
