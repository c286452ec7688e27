"""Finds what an unknown mistake does: makes theories of a wrong result, and holds them to all that comes back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from time import process_time
from typing import Any

import numpy as np

from nnlaws.authoring.case import Inputs, batches, stacks
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.diagnosis.probes.arguments import by_arguments
from nnlaws.diagnosis.probes.calls import KEPT, of_calls
from nnlaws.diagnosis.probes.formula import slips
from nnlaws.diagnosis.probes.inserted import inserted
from nnlaws.diagnosis.probes.options import by_options
from nnlaws.diagnosis.probes.returned import by_results
from nnlaws.diagnosis.probes.theory import Bench, Sample, Spent, Theory
from nnlaws.diagnosis.probes.where import Place, is_wrong, where
from nnlaws.isolation.guard import GuardedSubject

VIOLATIONS = 3  # of one function in one dtype: to all of them goes so many times what one is worth
TRIES = 2  # violations in which a theory is sought, before it is given up
CALLED = 6  # single calls that are looked at again
ABOUT = 1 / 16
CONFIRMED = 3  # arrays in which a theory has to tell itself from what is right
FOR_PLACES = 0.3  # of the time, that is kept for where it is wrong, should no theory be found
LANES = 6
SHAPES = ((2, 3), (1, 1), (3, 5), (4, 1), (1, 4), (5, 10), (2, 3), (3, 2))
GROUPS = 8  # sets of options
EDGES = 16  # batches of boundary cases, about


@dataclass(frozen=True)
class Call:
    """A batch that a law asked for."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]
    results: tuple[Any, ...]


@dataclass
class Known:
    """What has been found of one function: kept, for violation after violation asks."""

    function: Any
    battery: list[Sample]
    theories: list[Theory]
    seconds: float = 0.0
    place: Place | None = None
    placed: bool = False
    calls: str = ""
    failed: int = 0
    seen: list[Sample] = field(default_factory=list[Sample])


_KNOWN: dict[tuple[Any, ...], Known] = {}


@dataclass(frozen=True)
class Finding:
    """What a cause says. theory: what the target returns, where that is known; place: else only where it is wrong."""

    name: str
    fault: str
    fix: str
    theory: Theory | None = None
    place: Place | None = None

    @property
    def of_calls(self) -> bool:
        """Whether it is about calls, not about what is computed."""
        return self.theory is None and self.place is None and self.name != NOTHING


def find(
    chapter: Chapter,
    law: Law,
    subject: GuardedSubject,
    ruler: Ruler,
    calls: Sequence[Call],
    single: Sequence[Inputs] = (),
    seconds: float = 5.0,
) -> Finding | None:
    """The theory that says all that the target returns, in the calls of the failing cases and in others; if any does.

    calls: batches that the law asked for on its failing cases; single: what it called one by one; seconds: of work,
    that one violation is worth.
    """
    known = _known(law, subject, ruler)
    if known.seconds > VIOLATIONS * seconds:
        return None
    began = process_time()
    bench = Bench(subject, ruler, seconds)
    try:
        return _found(chapter, bench, known, calls, single)
    except Spent:
        return None
    finally:
        known.seconds += process_time() - began


def _found(
    chapter: Chapter, bench: Bench, known: Known, calls: Sequence[Call], single: Sequence[Inputs]
) -> Finding | None:
    if not known.battery:
        known.battery = battery(chapter, bench)
    recorded = [sample for call in calls if (sample := bench.seen(call.arguments, call.options, call.results))]
    known.seen += recorded
    if vacuous(known.battery):
        return Finding(NOTHING, f"{NOTHING}, whatever it is given", "")
    again = [bench.sample(sample.arguments, sample.options) for sample in recorded if is_wrong(sample)]
    wrong = bool(again) and all(is_wrong(sample) for sample in again)  # else it lies in the calls, not the numbers
    if not known.calls:
        alone = [sample for inputs in single[:CALLED] if (sample := _alone(bench, inputs))]
        known.calls = of_calls(bench, known.battery, [*alone, *recorded[:2]])
    if known.calls and (not wrong or known.calls in KEPT):
        return Finding(known.calls, known.calls, "")
    if not wrong:
        return None
    theory = None
    with bench.sooner(FOR_PLACES):
        theory = _sought(bench, known, recorded)
    if theory is not None:
        return Finding(theory.name, theory.fault, theory.fix, theory)
    if not known.placed:
        known.place, known.placed = where(chapter, bench, laws_of(chapter, bench), known.battery, known.seen), True
    if known.place is None or not known.place.covers(bench, known.seen):
        return None
    place = known.place
    words = f"wrong where {place.words}" if place.always else f"wrong only where {place.words}"
    rest = "and not seen wrong elsewhere" if place.always else "though not always there"
    return Finding(words, f"{words}, {rest}", "", place=place)


def _alone(bench: Bench, inputs: Inputs) -> Sample | None:
    """What comes of a single call's arguments."""
    if not {*bench.operation.options} <= {*inputs.options}:
        return None
    return bench.sample(inputs.arguments, bench.operation.given(inputs.options))


NOTHING = "every result is NaN"


def vacuous(samples: Sequence[Sample]) -> bool:
    """Whether nothing but NaN comes back: then all mistakes that do so are alike."""
    return len(samples) > 2 and all(bool(np.isnan(one).all()) for sample in samples for one in sample.got)


def _known(law: Law, subject: GuardedSubject, ruler: Ruler) -> Known:
    key = (id(subject.function), law.operation.name, ruler.format.name, *sorted(ruler.conventions.items()))
    if key not in _KNOWN:
        _KNOWN[key] = Known(subject.function, [], [])
    return _KNOWN[key]


def _sought(bench: Bench, known: Known, recorded: Sequence[Sample]) -> Theory | None:
    for theory in known.theories:
        if holds(bench, theory, recorded, known):
            return theory
    if known.failed >= TRIES:
        return None
    known.failed += 1
    for sample in _examples(recorded, known.battery):
        for theory in theories(bench, sample, [*recorded, *known.battery]):
            bench.check_time()
            if not bench.holds(theory, [sample])[0]:
                continue
            for each in (theory, *exempting(bench, theory, known.battery)):
                if holds(bench, each, recorded, known):
                    known.theories.append(each)
                    known.failed = 0
                    return each
    return None


def theories(bench: Bench, sample: Sample, samples: Sequence[Sample]) -> Iterator[Theory]:
    """All that may explain the one wrong lane of a sample, the simplest first."""
    return chain(
        unfollowed(bench),
        by_options(bench, sample, samples),
        by_results(bench, sample),
        by_arguments(bench, sample),
        slips(bench),
        inserted(bench, sample),
    )


def unfollowed(bench: Bench) -> Iterator[Theory]:
    """A convention that is declared, and not followed."""
    ruler = bench.ruler
    for name in bench.operation.changing:
        if name not in ruler.conventions:
            continue
        rest = {key: value for key, value in ruler.conventions.items() if key != name}
        values = [each.value for each in bench.operation.conventions if each.name == name]
        for other in (None, *(value for value in values if value != ruler.conventions[name])):
            acting = replace(ruler, conventions={**rest, **({name: other} if other else {})})
            words = f"{name} = {ruler.conventions[name]} is declared, and not followed: acts as {other or 'undeclared'}"

            def predict(arguments: Any, options: Any, acting: Ruler = acting) -> Any:
                return bench.allowed(acting.bounds(*arguments, **options))

            yield Theory(words, words, f"follow {name} = {ruler.conventions[name]}, or declare what is done", predict)


def holds(bench: Bench, theory: Theory, recorded: Sequence[Sample], known: Known) -> bool:
    """Whether it says all that the law saw, and tells in some of it; and all else that is known, and that is designed
    to tell it from others.
    """
    held, telling = bench.holds(theory, recorded)
    if not held or not (telling or _says_as_much(theory, recorded)):
        return False
    held, more = bench.holds(theory, known.battery)
    if not held:
        return False
    held, designed = bench.holds(theory, _designed(bench, theory, [*recorded, *known.battery]))
    return held and telling + more + designed >= CONFIRMED


def _says_as_much(theory: Theory, recorded: Sequence[Sample]) -> bool:
    """Whether what is wrong is about what the theory says, though rounding might carry one to the other: of what should
    be 0, all that comes out is a rounding.
    """
    with np.errstate(all="ignore"):
        return all(
            bool(np.all(~wrong | (np.abs(got - said.value) <= ABOUT * np.abs(said.value)) & ~np.asarray(said.silent)))
            for sample in recorded
            for wrong, got, said in zip(
                sample.wrong, sample.got, theory.predict(sample.arguments, sample.options), strict=True
            )
        )


def exempting(bench: Bench, theory: Theory, samples: Sequence[Sample]) -> Iterator[Theory]:
    """The theory, but for arrays of which an axis is 1: where those are all right, and the theory says otherwise."""
    for dim in dict.fromkeys(dim for dims in bench.operation.arguments.values() for dim in dims):
        single = [sample for sample in samples if bench.sizes(sample.arguments).get(dim) == 1]
        if not single or any(sample.wrong_lanes.any() for sample in single) or bench.holds(theory, single)[0]:
            continue

        def predict(arguments: Any, options: Any, dim: str = dim) -> Any:
            if bench.sizes(arguments).get(dim) == 1:
                return bench.allowed(bench.ruler.bounds(*arguments, **options))
            return theory.predict(arguments, options)

        words = f", but not where {dim} is 1"
        yield replace(theory, name=theory.name + words, fault=theory.fault + words, predict=predict)


def _designed(bench: Bench, theory: Theory, samples: Sequence[Sample]) -> Iterator[Sample]:
    """Wrong and right lanes of what is known, with other options and arguments that the theory asks for."""
    bases = sorted(samples, key=lambda sample: -int(sample.wrong_lanes.sum()))[:2]
    largest = max(samples, key=lambda sample: sum(a[0].size for a in sample.arguments))
    for base in [*bases, largest]:
        for ways in theory.designed:
            sample = bench.sample(base.arguments, {**base.options, **ways})
            if sample is not None:
                yield sample
        for reshape in theory.reshaped:
            sample = bench.sample(reshape(base.arguments), base.options)
            if sample is not None:
                yield sample


def _examples(recorded: Sequence[Sample], others: Sequence[Sample]) -> Iterator[Sample]:
    """Wrong lanes to make theories of: one the law saw, one in which more is wrong, and the one that is most wrong,
    where what is put in shows by more than rounding; finite ones first.
    """

    def worth(pair: tuple[Sample, int]) -> tuple[bool, int]:
        sample, lane = pair
        finite = all(bool(np.isfinite(one[lane]).all()) for one in sample.got)
        return finite, sum(int(each[lane].sum()) for each in sample.wrong)

    for samples in (recorded, others):
        lanes = [(sample, int(lane)) for sample in samples for lane in np.flatnonzero(sample.wrong_lanes)]
        if lanes:
            sample, lane = max(lanes, key=worth)
            yield sample.lanes(slice(lane, lane + 1))
    every = [(sample, int(lane)) for sample in (*recorded, *others) for lane in np.flatnonzero(sample.wrong_lanes)]
    if every:
        sample, lane = max(every, key=lambda pair: _off(*pair))
        if np.isfinite(_off(sample, lane)) and _off(sample, lane) > 0:
            yield sample.lanes(slice(lane, lane + 1))


def _off(sample: Sample, lane: int) -> float:
    """By how much the lane is off at most; of one with results that are no numbers, nothing."""
    with np.errstate(all="ignore"):
        found = [np.abs(one[lane] - right.value[lane]) for one, right in zip(sample.got, sample.right, strict=True)]
    return min(float(np.max(one, initial=0.0)) if np.isfinite(one).all() else 0.0 for one in found)


def battery(chapter: Chapter, bench: Bench) -> list[Sample]:
    """Results on inputs of the laws of value, of many shapes, families, levels and options."""
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    laws = laws_of(chapter, bench)
    found: list[Sample] = []
    seeds = count(1)
    for number in range(max(GROUPS, 2 * len(laws))):
        law = laws[number % len(laws)]
        m, columns = SHAPES[number % len(SHAPES)]
        m, columns = (low if low == high else max(low, n) for n, (low, high) in ((m, law.m), (columns, law.columns)))
        cases = [_case(judging, m, columns, next(seeds), number) for _ in range(LANES)]
        found += _sampled(bench, law, cases)
    for law in laws:
        edges = batches(law.boundary(bench.ruler.format, law.m, law.columns) if law.boundary else (), LANES)
        for cases in edges[:: max(len(edges) * len(laws) // EDGES, 1)]:
            found += _sampled(bench, law, cases)
    return found


def _sampled(bench: Bench, law: Law, cases: Sequence[Case]) -> list[Sample]:
    found = [
        bench.sample(inputs.arguments, bench.operation.given(inputs.options))
        for inputs in stacks(law.build, cases, bench.ruler.format)
    ]
    return [sample for sample in found if sample is not None]


def laws_of(chapter: Chapter, bench: Bench) -> list[Law]:
    """Laws of value, one of each kind of inputs; their arguments are the operation's own."""
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    laws = [each for each in chapter.laws_of(bench.operation) if each.kind == "value" or each.name == judging.probe]
    kinds = {each.build: each for each in laws if not _extra(each, bench, judging)}.values()
    return bench.subject.within(kinds) or [*kinds]


def _case(judging: Rounding, m: int, columns: int, seed: int, group: int) -> Case:
    """Families and levels by turns: two prime strides, so that each meets each."""
    family = judging.families[(3 * seed + 1) % len(judging.families)]
    level = judging.levels[(7 * seed) % len(judging.levels)]
    return Case(m, columns, family, level, seed % TOGETHER + TOGETHER * group)


def _extra(law: Law, bench: Bench, judging: Rounding) -> bool:
    """Whether its inputs are not just what the operation takes."""
    m, columns = (max(low, min(2, high)) for low, high in (law.m, law.columns))
    inputs = law.build(Case(m, columns, judging.families[0], judging.levels[0], 0), bench.ruler.format)
    alike = len(inputs.arguments) == len(bench.operation.arguments) and not inputs.extra
    own, given = {*bench.operation.options}, {*inputs.options}
    return not alike or not own <= given or bool(given & {*bench.operation.optional})
