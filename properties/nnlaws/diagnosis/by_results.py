"""Diagnosis by results: which one known mistake, or undeclared convention, does just what the implementation did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, product
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import DTYPES

from nnlaws.authoring.case import Inputs, stack, stacks
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.convention import Convention
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Option
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.authoring.variant import in_float64
from nnlaws.diagnosis.conventions import admits, declare, holds_on, looseness, shown, undeclared
from nnlaws.diagnosis.probes.find import Call as Seen
from nnlaws.diagnosis.probes.find import Finding, find
from nnlaws.diagnosis.recording import Recorder, Remembering
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import Cause
from nnlaws.rounding.formats import Floats, format_of
from nnlaws.rounding.number import Bounded

WIDEST = "float64"
SINGLE = 24  # digits of float32: formats with fewer are narrow
# Of the wrong results in a narrow format. Chosen, not derived: over 16,000 bfloat16 rows PyTorch's log-softmax agrees
# with its own recipe in all results, right and wrong, and with four others in 48 to 98 % of them.
TO_THE_BIT = 0.95
ALIKE = 2.0**-6  # how far results may be apart, of their size, where nothing is promised of them
ENOUGH = 10  # wrong results, before so much can be said
OPTIONS = 4  # how many other options inputs of diagnosis come with
SEEN = 4  # failing cases, whose calls what is found has to explain
LESS = 4  # times less is probed in a narrow format, where few theories tell themselves from what is right
THIRD = 3  # of the families, one in so many is tried far off
EXAMPLES = 20  # how many failing cases are tried for one that tells the causes apart

Results = tuple[Floats, ...]


def explain(
    chapter: Chapter,
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    failures: Sequence[tuple[Case, Evidence]],
    seconds: float,
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one fits, and the fix.

    A mutant fits if it breaks the law on the smallest example by the same results, and gives the subject's results on
    a battery of other inputs too, and on failures of other shapes, where most of the wrong candidates differ. A
    convention fits if, declared, it makes every failure seen an allowed one, and no other law is broken. It is the
    cause where it is the only one, and the mutants that fit are only instances of it; but in narrow formats a weaker
    bound allows so much that a mutant says more, and then none is proposed that waives a clause. The example shown is
    the smallest on which no other mutant gives the same results. seconds: of work, that probing may take.
    """
    smallest, evidence = failures[-1]
    if any(holds_on(law, subject, ruler, _stacks(law, ruler, [smallest])) for _ in range(2)):
        # what does not come again may be kept from before
        finding = _probed(chapter, law, subject, ruler, failures, seconds)
        cause = Cause(finding.name, finding.fault, "") if finding and finding.of_calls else None
        return smallest, evidence, cause, law.fix
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    wide = ruler.format.digits >= SINGLE
    types = _types(law, subject, ruler, smallest)
    widened = law.about == "results" and _are_wider(types, ruler)  # another clause's: compared once rounded
    subject = Remembering(subject, ruler.format if widened else None)
    failed = {(case.m, case.columns): case for case, _ in failures}.values()
    others = _stacks(law, ruler, [*_battery(judging, law, smallest, 1 if wide else 4), *failed])
    battery, far = others, law
    if wide:  # inputs of every size tell apart what is alike on this law's own
        probes = [each for each in chapter.laws_of(law.operation) if each.name == judging.probe]
        far = next(iter([*subject.within(probes), *probes]))
        battery = _stacks(far, ruler, [*_battery(judging, far, _small(far), 1), *far_off(judging, _small(far))])

    def gives_the_same(mutant: Candidate) -> bool:
        if not widened and _types(law, mutant.subject, ruler, smallest) != types:
            return False
        return all(
            _gives_the_same_on(stacks, mutant, which, subject, ruler)
            for which, stacks in ((law, others), (far, battery))
        )

    breaking, fitting = dict[str, Candidate](), dict[str, Candidate]()
    for candidates in _candidates(chapter, law, ruler):
        breaking = {name: each for name, each in candidates.items() if _fits(each, law, subject, ruler, smallest)}
        fitting = {name: each for name, each in breaking.items() if gives_the_same(each)}
        if fitting:
            break
    if fitting and not any(_some_number(subject, law, inputs) for inputs in others):
        fitting = {}  # nothing but NaN: all that gives just this is alike
    seen = _stacks(law, ruler, [case for case, _ in failures[-EXAMPLES:]])
    conventions = [
        each
        for each in undeclared(law, ruler)
        if admits(each, law, subject, ruler, [*seen, *others]) and admits(each, far, subject, ruler, battery)
    ]
    told = [*battery, *(seen if law.kind == "value" else ())]
    conventions = [v for v in conventions if shown(chapter, v, subject, ruler, told)]
    conventions = [v for v in conventions if _right_otherwise(chapter, v, subject, ruler)]
    loose = {v: looseness(v, ruler, battery) for v in conventions}
    conventions.sort(key=lambda v: (v.effect != "value", loose[v]))
    declared = [declare(v, loose[v]) for v in conventions]
    telling = wide or not fitting or any(v.effect == "value" for v in conventions)
    if conventions and telling:
        variant = conventions[0]
        if all(admits(variant, law, mutant.subject, ruler, others) for mutant in fitting.values()):
            cause = Cause(str(variant), f"a convention that is not declared: {variant.meaning}", "")
            return smallest, evidence, cause, f"{declared[0]}, or compute as the clause says"
    if len(fitting) == 1 and not (wide and conventions):
        (name,) = fitting
        mutant = next(mutant for mutant in chapter.mutants_of(law.operation) if mutant.name == name)
        case, evidence = _most_telling(law, subject, ruler, failures, breaking, name)
        or_else = [words for v, words in zip(conventions, declared, strict=True) if not v.waives]
        fault = mutant.fault + fitting[name].how
        return case, evidence, Cause(mutant.name, fault, mutant.seen), "; or ".join((mutant.fix, *or_else[:1]))
    worth = seconds if wide else seconds / LESS
    finding = None if conventions else _probed(chapter, law, subject, ruler, failures, worth)
    if finding is not None:
        return smallest, evidence, Cause(finding.name, finding.fault, ""), finding.fix or law.fix
    several = len(law.operation.changing) > 1 and not (fitting or declared or law.fix)
    identify = "run nnlaws identify, to see whether several conventions together explain it"
    fixes = (law.fix, *declared[:1], identify if several else "")
    return smallest, evidence, None, "; or ".join(filter(None, fixes))


def _probed(
    chapter: Chapter,
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    failures: Sequence[tuple[Case, Evidence]],
    seconds: float,
) -> Finding | None:
    """What the target does, found by probes, where its results show it."""
    recorder = Recorder(subject)
    last = [case for case, _ in failures[-1 : -1 - SEEN : -1]]
    worst, _ = max(failures, key=lambda failure: _off(failure[1]))  # the smallest may show it by rounding alone
    for case in dict.fromkeys((*last, worst)):
        try:
            law.evidence(recorder, ruler, stack(law.build, [case], ruler.format))
        except TargetFault:
            continue
    calls = [Seen(call.inputs.arguments, call.inputs.options, call.results) for call in recorder.calls]
    return find(chapter, law, subject, ruler, calls, recorder.single, seconds)


def _off(evidence: Evidence) -> float:
    """By how much; nothing, where that is no number."""
    off = 0.0 if evidence.element is None else evidence.element.off
    return off if np.isfinite(off) else 0.0


@dataclass(frozen=True)
class Candidate:
    """A mutant as a subject, and the ruler of the format that it computes in, to tell if other results are its own.

    how: what it does besides, in words.
    """

    subject: GuardedSubject
    ruler: Ruler
    how: str = ""


def _candidates(chapter: Chapter, law: Law, ruler: Ruler) -> Iterator[dict[str, Candidate]]:
    """The mutants, by name; then, of a law about results, the same mistakes made in float64, where that is wider: then
    their numbers overflow elsewhere.
    """
    mutants = chapter.mutants_of(law.operation)
    yield {
        mutant.name: Candidate(
            GuardedSubject(mutant.function, law.operation),
            replace(ruler, format=format_of(DTYPES[mutant.computes_in])) if mutant.computes_in else ruler,
        )
        for mutant in mutants
    }
    if law.about == "results" and ruler.format.name != WIDEST:
        yield {
            mutant.name: Candidate(
                GuardedSubject(in_float64(mutant.function), law.operation), ruler, f", here computed in {WIDEST}"
            )
            for mutant in mutants
            if not mutant.computes_in
        }


def _fits(mutant: Candidate, law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> bool:
    """Whether the mutant breaks the law on the case, and every call that the law makes returns the same from both."""
    theirs, ours = Recorder(subject), Recorder(mutant.subject)
    inputs = stack(law.build, [case], ruler.format)
    try:
        if law.evidence(ours, ruler, inputs).holds:
            return False
        law.evidence(theirs, ruler, inputs)
    except TargetFault:
        return False
    if len(theirs.calls) != len(ours.calls):
        return False
    pairs = list(zip(theirs.calls, ours.calls, strict=True))
    if not all(_equal_up_to_rounding(call.results, other.results, mutant.ruler, call.inputs) for call, other in pairs):
        return False
    return any(_equally_wrong(call.results, other.results, ruler, call.inputs) for call, other in pairs)


def _some_number(subject: GuardedSubject, law: Law, inputs: Inputs) -> bool:
    """Whether the subject returns anything but NaN."""
    try:
        results = subject.results(*inputs.arguments, **_options(law, subject, inputs))
    except TargetFault:
        return True
    return any(not np.isnan(one).all() for one in results)


def _small(law: Law) -> Case:
    """A case of 2 × 3 entries, or as near as the law comes to that."""
    m, columns = (max(low, min(size, high)) for size, (low, high) in ((2, law.m), (3, law.columns)))
    return Case(m, columns, "", 0, 0)


def _battery(judging: Rounding, law: Law, case: Case, rounds: int) -> list[Case]:
    """Cases of every family and many levels, so many times each, of the same shape; larger ones with other options."""
    pairs = product(judging.families, judging.levels * rounds)
    seeds = (8 * number + number % 2 for number in count())  # even and odd: optimizers start from 0 where it is even
    same = [replace(case, family=family, k=k, seed=next(seeds), overlays=()) for family, k in pairs]
    m, columns = (
        low if low == high else size + more
        for size, (low, high), more in ((case.m, law.m, 3), (case.columns, law.columns, 2))
    )
    larger = [
        replace(each, m=m, columns=columns, seed=each.seed + TOGETHER * (1 + number % OPTIONS))
        for number, each in enumerate(same)
    ]
    return same + [each for each in larger if law.admits(each)]


def far_off(judging: Rounding, case: Case) -> list[Case]:
    """Cases of that shape between the levels, of one family in three, and at full size."""
    pairs = product(judging.families[::THIRD], judging.far)
    return [replace(case, family=family, k=k, seed=8 * number) for number, (family, k) in enumerate(pairs)]


def _stacks(law: Law, ruler: Ruler, cases: Sequence[Case]) -> list[Inputs]:
    """The inputs of all these cases, those together that can be."""
    return stacks(law.build, cases, ruler.format)


def _gives_the_same_on(
    stacks: Sequence[Inputs], mutant: Candidate, law: Law, subject: GuardedSubject, ruler: Ruler
) -> bool:
    """Whether the mutant gives the subject's results on all these arguments.

    In a narrow format, nearly all of its wrong results have to be the same to the bit: there every mistake in rounding
    is about as large as every other, and two of one kind differ only where a result is near the middle of two numbers.
    """
    same = wrong = 0
    for inputs in stacks:
        try:
            options = _options(law, subject, inputs)
            got = subject.results(*inputs.arguments, **options)
            other = mutant.subject.results(*inputs.arguments, **options)
        except TargetFault:
            return False
        if not _equal_up_to_rounding(got, other, mutant.ruler, inputs):
            return False
        for one, another, bound in zip(got, other, _bounds(ruler, inputs, got), strict=True):
            with np.errstate(all="ignore"):
                off = np.abs(another - bound.value) > bound.error
            same, wrong = same + int((off & (one == another)).sum()), wrong + int(off.sum())
    return ruler.format.digits >= SINGLE or (wrong >= ENOUGH and same >= TO_THE_BIT * wrong)


def _are_wider(types: tuple[Any, ...], ruler: Ruler) -> bool:
    """Whether results are floats, some of them wider than the format, and none narrower."""
    size = ruler.format.dtype.itemsize
    floats = all(each.kind == "f" or each == ruler.format.dtype for each in types)
    return floats and bool(types) and min(sizes := [each.itemsize for each in types]) >= size < max(sizes)


def _types(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> tuple[Any, ...]:
    """The dtypes of the results; none where there are no results."""
    inputs = stack(law.build, [case], ruler.format)
    options: dict[str, Any] = _options(law, subject, inputs)
    try:
        results = subject.arrays(*(argument[0].copy() for argument in inputs.arguments), **options)
    except TargetFault:
        return ()
    return tuple(result.dtype for result in results)


def _options(law: Law, subject: GuardedSubject, inputs: Inputs) -> dict[str, Option]:
    """Those of the operation, and what else the subject takes; without what only the law needs."""
    return {
        name: value for name, value in inputs.options.items() if name in law.operation.options or subject.takes(name)
    }


def _bounds(ruler: Ruler, inputs: Inputs, results: Results) -> tuple[Bounded, ...]:
    """The rounding allowed of each result; any, for what no samples give, of which there is no exact value."""
    if not all(argument.size for argument in inputs.arguments):
        return tuple(Bounded(0 * one, np.full(one.shape, np.inf), ruler.format) for one in results)
    options = ruler.operation.given(inputs.options)
    named = zip(ruler.operation.arguments, inputs.arguments, strict=True)
    given = (x if name in ruler.operation.integers else x.astype(ruler.format.dtype) for name, x in named)
    return ruler.bounds(*given, **options)


def _equal_up_to_rounding(got: Results, other: Results, ruler: Ruler, inputs: Inputs) -> bool:
    """Equal up to twice the rounding allowed, in proportion to their size, and where nothing is promised in their first
    digits; NaN and infinities at the same places.
    """
    for one, another, bound in zip(got, other, _bounds(ruler, inputs, got), strict=True):
        with np.errstate(all="ignore"):
            scale = np.maximum(1, np.abs(one) / np.maximum(np.abs(bound.value), ruler.format.tiny))
            near = np.abs(one - another) <= 2 * bound.error * np.where(np.isfinite(scale), scale, 1)
            alike = np.abs(one - another) <= ALIKE * np.maximum(np.abs(one), np.abs(another))
            near = np.where(np.isfinite(bound.value) & np.isfinite(bound.error), near, alike)
        if not np.all(near | (one == another) | (np.isnan(one) & np.isnan(another))):
            return False
    return True


def _equally_wrong(got: Results, other: Results, ruler: Ruler, inputs: Inputs) -> bool:
    """Whether they are somewhere much closer to each other than to the truth: equally wrong, not both nearly right."""
    for one, another, bound in zip(got, other, _bounds(ruler, inputs, got), strict=True):
        with np.errstate(all="ignore"):
            wrong = np.abs(one - bound.value)
            together = 4 * np.abs(one - another) <= wrong
        if np.any(((wrong > bound.error) & together) | np.isnan(one) | (np.isinf(one) & (one == another))):
            return True
    return False


def _most_telling(
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
    bysize = sorted(failures, key=lambda failure: (failure[0].m * failure[0].columns, len(str(failure[0]))))
    for case, evidence in bysize[:EXAMPLES]:
        if [name for name, mutant in rivals.items() if _fits(mutant, law, subject, ruler, case)] == [cause]:
            return case, evidence
    return failures[-1]


_OTHERWISE: dict[tuple[Any, ...], tuple[Any, bool]] = {}
"""What `_right_otherwise` has found, with the function, lest another gets its id: violation after violation asks."""


def _right_otherwise(chapter: Chapter, convention: Convention, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether every law of the operation that is about results holds with the convention declared."""
    about = (ruler.operation.name, ruler.format.name, *sorted(ruler.conventions.items()), str(convention))
    key = (id(subject.function), *about)
    if key not in _OTHERWISE:
        assert isinstance(chapter.judging, Rounding)
        every = subject.within(chapter.laws_of(ruler.operation))
        laws = [law for law in every if law.about == "results" and not law.at_size]
        holds = all(_admits_all(convention, law, subject, ruler, chapter.judging) for law in laws)
        _OTHERWISE[key] = subject.function, holds
    return _OTHERWISE[key][1]


def _admits_all(convention: Convention, law: Law, subject: GuardedSubject, ruler: Ruler, judging: Rounding) -> bool:
    """Whether the law holds on its boundary cases and a battery of others, with the convention declared."""
    cases = [
        *(law.boundary(ruler.format, law.m, law.columns) if law.boundary else ()),
        *_battery(judging, law, _small(law), 1),
    ]
    return admits(convention, law, subject, ruler, _stacks(law, ruler, cases))
