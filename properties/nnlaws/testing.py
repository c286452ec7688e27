"""Tests of a chapter: what every chapter promises, as checks for pytest, whether or not the chapter is installed.

    from nnlaws.testing import Check, checks_of

    @pytest.mark.parametrize("check", checks_of(CHAPTER), ids=str)
    def test_it_keeps_what_every_chapter_promises(check: Check) -> None:
        check()

Every clause is whole, its examples run, and a law stands for it; every law kills a mutant, and every mutant is killed;
formula, bound and reference are of one function; no law refuses the reference or a sound variant; every convention
changes something. A check that fails raises AssertionError, which says of which law, mutant or clause, and what to do.
"""

import doctest
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence
from nnlaws_spec import Clause, clauses

from nnlaws.authoring.case import Inputs, expand
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.convention import Convention
from nnlaws.authoring.errors import ChapterError
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law, values
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, TargetFault
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import CHAPTERS, PLUGINS, fits, own_laws, whole
from nnlaws.harness.methods import METHODS
from nnlaws.harness.search import Search, Seen
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import Format, format_of

LANES = 4  # arrays of a case, where formula, reference and bound are compared
FIRST = "float32"  # the dtype that mistakes are looked for in first


@dataclass(frozen=True)
class Check:
    """One promise of a chapter. Called, it returns where the promise is kept, else raises AssertionError."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        __tracebackhide__ = True  # pytest shows the test and the message, not what is in between
        self.run()

    def __str__(self) -> str:
        return self.name


def checks_of(chapter: Chapter, profile: str = "quick") -> list[Check]:
    """All that the chapter promises, in the order in which to mend it. profile: how hard to look for violations."""
    trial = _Trial(chapter, whole(chapter), Selection(profile=profile))
    return [Check(name, run) for name, run in _promises(trial)]


def check_chapter(chapter: Chapter, profile: str = "quick") -> None:
    """Makes all of these checks, up to the first that fails."""
    for check in checks_of(chapter, profile):
        check()


def _promises(trial: "_Trial") -> Iterator[tuple[str, Callable[[], None]]]:
    chapter = trial.chapter
    yield "stands beside the other chapters", partial(_stands_beside_others, chapter)
    for clause in chapter.text.clauses.values():
        yield f"{clause.id} is whole", partial(_clause_is_whole, chapter, clause)
        yield f"{clause.id} shows an example that runs", partial(_examples_run, chapter, clause)
        yield f"{clause.id} has a law", partial(_clause_has_a_law, chapter, clause)
    for operation in chapter.operations:
        yield f"{operation} is complete", partial(_operation_is_complete, chapter, operation)
        if operation.arrays:
            yield f"{operation}: bound and formula agree", partial(trial.bound_is_of_the_formula, operation, {})
        for dtype in trial.dtypes if operation.arrays else ():
            within = partial(trial.reference_is_within_the_bound, operation, dtype)
            yield f"{operation} {dtype}: the reference is within the bound", within
    for operation, dtype in product(chapter.operations, trial.dtypes):
        laws_hold = partial(trial.laws_hold, "the reference", operation, operation.reference, {}, dtype)
        yield f"{operation} {dtype}: the reference conforms", laws_hold
    for variant, dtype in product(chapter.sound, trial.dtypes):
        of, declared = trial.operation(variant.operation), variant.conventions
        laws_hold = partial(trial.laws_hold, f"the sound variant {variant.name}", of, variant.function, declared, dtype)
        yield f"{variant.name} {dtype}: the sound variant conforms", laws_hold
    for operation in chapter.operations:
        for convention in operation.conventions:
            run = partial(trial.convention_changes_something, operation, convention)
            yield f"{operation}, {convention}: changes something", run
    for mutant in chapter.mutants:
        yield f"{mutant.name} is killed", partial(trial.mutant_is_killed, mutant)
    for law in own_laws(chapter):
        yield f"{law.id} kills a mutant", partial(trial.law_kills, law)


def _stands_beside_others(chapter: Chapter) -> None:
    foreign = {plugin.chapter for plugin in PLUGINS}
    if chapter.name in CHAPTERS and chapter.name not in foreign:
        return  # one of nnlaws' own
    try:
        fits(chapter, [each for each in CHAPTERS.values() if each.name not in foreign])
    except ChapterError as error:
        raise AssertionError(str(error)) from None


def _clause_is_whole(chapter: Chapter, clause: Clause) -> None:
    demands = re.findall(r"\b(MUST|SHOULD)\b", clause.statement)
    _hold(
        len(demands) == (0 if clause.informative else 1),
        f"the first paragraph of {clause.id} has {len(demands)} MUST; write one sentence with one MUST, or one SHOULD, "
        "or begin it with *Informative.*, and neither, where nothing is demanded",
    )
    known = {*clauses(), *chapter.text.clauses}
    unknown = [id for id in clause.see_also if id not in known]
    _hold(not unknown, f"{clause.id} says See also: {', '.join(unknown)}, which no clause has; correct it")


def _examples_run(chapter: Chapter, clause: Clause) -> None:
    parser = doctest.DocTestParser()
    setup, examples = parser.get_examples(chapter.text.preamble), parser.get_examples(clause.text)
    _hold(
        any(example.want for example in examples),
        f"{clause.id} shows no example with a result; add one, with `>>>`, as you would type it",
    )
    shown = doctest.DocTest([*setup, *examples], {}, clause.id, chapter.name, 0, None)
    said: list[str] = []
    failed, _ = doctest.DocTestRunner().run(shown, out=said.append)
    _hold(not failed, f"an example of {clause.id} gives something else; correct it, or the formula:\n{''.join(said)}")


def _clause_has_a_law(chapter: Chapter, clause: Clause) -> None:
    _hold(
        clause.informative or any(law.clause == clause.id for law in chapter.laws),
        f"no law stands for {clause.id}; add one to LAWS, or begin the clause with *Informative.*",
    )


def _operation_is_complete(chapter: Chapter, operation: Operation) -> None:
    laws = [law for law in own_laws(chapter) if law.operation is operation]
    known = {*clauses(), *chapter.text.clauses}
    for law in laws:
        _hold(law.clause in known, f"the law {law.id} cites {law.clause}, which no clause has; cite one that there is")
    if isinstance(chapter.judging, Rounding):
        _hold(
            any(law.kind == "value" for law in laws),
            f'no law says what the value of {operation} is; add one of kind="value" to LAWS',
        )
        _hold(
            any(law.name == chapter.judging.probe for law in laws),
            f"the chapter's probe is {chapter.judging.probe!r}, and {operation} has no law of that name; the third "
            "argument of Rounding names a law whose inputs are of every size, which every operation needs",
        )
    for what, there in (("mutant", chapter.mutants), ("sound variant", chapter.sound)):
        _hold(
            any(each.operation == operation.name for each in there),
            f"{operation} has no {what}; add one, so that its laws are seen to work",
        )


@dataclass(frozen=True, eq=False)
class _Trial:
    """A chapter on trial. whole: the same with the laws of the contract, which hold of every operation."""

    chapter: Chapter
    whole: Chapter
    selection: Selection

    @property
    def dtypes(self) -> list[str]:
        """Those that it is judged in, the first first."""
        judged = self.chapter.judging.dtypes((), tuple(DTYPES))
        return sorted(judged, key=lambda dtype: dtype != FIRST)

    def operation(self, name: str) -> Operation:
        return next(each for each in self.chapter.operations if each.name == name)

    def laws_hold(
        self, what: str, operation: Operation, function: Callable[..., Any], declared: Mapping[str, str], dtype: str
    ) -> None:
        """No law refuses a function that declares these conventions."""
        for law in self.whole.laws_of(operation):
            broken = self._broken(law, function, declared, dtype)
            _hold(
                broken is None,
                f"{what} is refused by the law {law.id} ({law.clause}) in {dtype}: {broken}; correct the law or its "
                f"bound, or {what}" + ("" if declared else ", or have it declare a convention"),
            )

    def reference_is_within_the_bound(self, operation: Operation, dtype: str) -> None:
        """On inputs of every family at every level."""
        ruler = Ruler(operation, format_of(DTYPES[dtype]), {})
        subject = GuardedSubject(operation.reference, operation)
        for case, inputs in self._drawn(operation, ruler.format):
            with silence():
                evidence = values(subject, ruler, *inputs.arguments, **inputs.options)
            _hold(
                evidence.holds,
                f"the reference of {operation} is {_off(evidence)} on the case {case} in {dtype}; correct the "
                "reference, or let the bound admit its algorithm",
            )

    def bound_is_of_the_formula(self, operation: Operation, conventions: Mapping[str, str]) -> None:
        """What the bound takes for the exact value in narrower types, is that."""
        ruler = Ruler(operation, format_of(DTYPES["float64"]), conventions)
        for case, inputs in self._drawn(operation, ruler.format):
            with silence():
                bounds = ruler.bounds(*inputs.arguments, **inputs.options)
                measures = ruler.measures(*inputs.arguments, **inputs.options)
            for bound, measure in zip(bounds, measures, strict=True):
                exact = measure.exact
                with np.errstate(all="ignore"):
                    off = np.abs((bound.value - exact.hi) - exact.lo) > bound.error + exact.radius
                _hold(
                    not np.any(off & np.isfinite(bound.value)),
                    f"the bound of {operation} computes another {measure.result} than the formula on the case {case}, "
                    f"with the conventions {dict(conventions)}; correct one of them",
                )

    def convention_changes_something(self, operation: Operation, convention: Convention) -> None:
        """Some result, bound or verdict is another under it; a weaker bound is nowhere tighter, nor the reverse."""
        different = False
        for dtype in convention.dtypes if operation.arrays else ():
            plain = Ruler(operation, format_of(DTYPES[dtype]), {})
            for case, inputs in self._drawn(operation, plain.format):
                differs, against = _differences(plain, convention, inputs)
                different |= differs
                _hold(
                    not against,
                    f"{convention} is said to be a {convention.effect}, and is the opposite on the case {case} of "
                    f"{operation} in {dtype}; correct the convention's effect, or join its bound with the default one",
                )
        if operation.arrays and convention.effect == "value":
            self.bound_is_of_the_formula(operation, convention.item)
        _hold(
            different or self._refused_without(operation, convention),
            f"{convention} changes nothing of {operation}: no result, no bound, and no law refuses the sound variants "
            "that declare it if they do not; let formula, bound or a law take account of it, or drop it",
        )

    def _refused_without(self, operation: Operation, convention: Convention) -> bool:
        """Whether a sound variant that declares the convention is refused where it does not."""
        laws = self.whole.laws_of(operation)
        for variant in self.chapter.sound:
            if variant.operation != operation.name or variant.conventions.get(convention.name) != convention.value:
                continue
            without = {name: value for name, value in variant.conventions.items() if name != convention.name}
            if any(self._broken(law, variant.function, without, dtype) for law in laws for dtype in self.dtypes):
                return True
        return False

    def mutant_is_killed(self, mutant: Mutant) -> None:
        laws = self.whole.laws_of(self.operation(mutant.operation))
        _hold(
            any(self.kills(law, mutant, dtype) for dtype in self.dtypes for law in laws),
            f"no law kills the mutant {mutant.name} ({mutant.fault}), tried: {', '.join(law.name for law in laws)}; "
            "add a law that does, or give one inputs on which the fault shows",
        )

    def law_kills(self, law: Law) -> None:
        mutants = self.chapter.mutants_of(law.operation)
        _hold(
            any(self.kills(law, mutant, dtype) for dtype in self.dtypes for mutant in mutants),
            f"the law {law.id} kills no mutant, tried: {', '.join(each.name for each in mutants) or 'there are none'}; "
            "add the mistake that it is there to catch",
        )

    @cache  # noqa: B019 - a trial lives as long as its tests
    def kills(self, law: Law, mutant: Mutant, dtype: str) -> bool:
        """Whether a counterexample is found. What the mutant raises is no counterexample."""
        seen = self._search(law, mutant.function, {}, dtype, ignored=TargetFault)
        return any(isinstance(failure, Evidence) for _, failure in seen.failures)

    def _broken(self, law: Law, function: Callable[..., Any], declared: Mapping[str, str], dtype: str) -> str | None:
        """How the function breaks the law, where it does; a keyword that it does not take is not offered."""
        seen = self._search(law, function, declared, dtype, ignored=NotOffered)
        if not seen.failures:
            return None
        case, failure = seen.failures[-1]
        return f"{_off(failure) if isinstance(failure, Evidence) else failure} on the case {case}"

    def _search(
        self,
        law: Law,
        function: Callable[..., Any],
        declared: Mapping[str, str],
        dtype: str,
        ignored: type[TargetFault],
    ) -> Seen:
        """As `nnlaws check` searches, but for chapters that are not installed too."""
        bearing = law.operation.choices(dtype)
        conventions = {name: value for name, value in declared.items() if name in bearing}
        ruler = Ruler(law.operation, format_of(DTYPES[dtype]), conventions)
        subject = GuardedSubject(function, law.operation)
        request = Search(law, subject, ruler, "chapter", self.selection, ignored=ignored, shrink=False)
        with silence():
            return METHODS[type(self.chapter.judging)].search(request, self.chapter.judging)

    def _drawn(self, operation: Operation, format: Format) -> Iterable[tuple[Case, Inputs]]:
        """Inputs of every family at every level, ordinary ones and of every size."""
        judging = self.chapter.judging
        assert isinstance(judging, Rounding)
        for draws in (judging.ordinary, judging.extreme):
            build, _ = draws(operation)
            for number, (family, k) in enumerate(product(judging.families, judging.levels)):
                case = Case(judging.samples[1], judging.columns[1], family, k, number * TOGETHER)
                inputs = expand(build, case, format, LANES)
                given = {name: value for name, value in inputs.options.items() if name in operation.options}
                yield case, replace(inputs, options=given)


def _differences(plain: Ruler, convention: Convention, inputs: Inputs) -> tuple[bool, bool]:
    """Whether a result or a bound differs under the convention; and whether a bound does so in the wrong direction."""
    different = against = False
    with silence():
        before = plain.bounds(*inputs.arguments, **inputs.options)
        after = plain.declaring(convention.item).bounds(*inputs.arguments, **inputs.options)
    for one, other in zip(before, after, strict=True):
        if convention.effect == "value":
            different |= bool(np.any(one.value != other.value))
            continue
        smaller, larger = bool(np.any(other.error < one.error)), bool(np.any(other.error > one.error))
        weaker = convention.effect == "weaker bound"
        different |= larger if weaker else smaller
        against |= smaller if weaker else larger
    return different, against


def _hold(holds: object, message: str) -> None:
    """Raises AssertionError with this message unless it holds, whatever Python and pytest do with `assert`."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(message)


def _off(evidence: Evidence) -> str:
    """What a law saw, in a few words."""
    if evidence.reason:
        return evidence.reason
    return f"off by {evidence.ratio:.3g} times the bound"
