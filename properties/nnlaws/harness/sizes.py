"""The search through sizes: a law's fixed cases, ascending, and on failure the smallest size that fails.

A target that is slow at size is cut off by its own time: a case is left out where, by how long the calls before took,
its own would take longer than the profile's patience.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from nnlaws.authoring.at_size import ascending, letters
from nnlaws.authoring.blocks import parts
from nnlaws.authoring.case import Inputs, built, expand
from nnlaws.authoring.counting import Counting, miscounted
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Measure, Ruler
from nnlaws.authoring.subject import Refused, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.harness.search import Search, Seen
from nnlaws.isolation.guard import GuardedSubject, Watch
from nnlaws.plan import PROFILES, Selection
from nnlaws.rounding.number import Bounded

LEAST = 2  # rows or columns to which a failing case is made smaller
SINGLE = 24  # digits of float32: formats with fewer hold no large numbers of entries
NAMED = 4  # entries that do not count once; where more do not, it is no matter of single ones
MOST = 1 << 21  # entries of a case, one of whose sizes is given
BEYOND = (1, 2, 3)  # sizes more: where one of them holds, what fails does not fail from there on
LOST = (1, 2, 4, 8, 16, 32, 64, 128)  # entries
QUICK = 0.05  # seconds: what is faster says nothing about larger calls


class Stopwatch:
    """A watch that adds up the time of the calls."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.seconds = 0.0

    def begin(self, lane: int) -> None:
        self.watch.begin(lane)
        self._began = perf_counter()

    def end(self) -> None:
        self.seconds += perf_counter() - self._began
        self.watch.end()


def by_sizes(search: Search, judging: Rounding) -> Seen:
    """Tries the law's cases from the smallest on, up to the first that breaks it, which is then made smaller."""
    law, seen = search.law, Seen()
    assert isinstance(search.subject, GuardedSubject)
    stopwatch = Stopwatch(search.subject.watch)
    subject = GuardedSubject(search.subject.callee, search.subject.operation, stopwatch)

    def made(case: Case) -> Inputs:
        return expand(law.build, case, search.ruler.format, 1)

    def tried(case: Case, inputs: Inputs) -> Evidence:
        search.tell(case)
        stopwatch.seconds = 0.0
        evidence = law.evidence(subject, search.ruler, inputs)
        if not evidence.holds:
            seen.failures.append((case, evidence))
        return evidence

    def fails(case: Case) -> bool:
        try:
            return not tried(case, made(case)).holds
        except TargetFault:
            return False

    def raises(case: Case) -> bool:
        try:
            tried(case, made(case))
        except TargetFault:
            return True
        return False

    own, patience = search.selection.own_sizes, PROFILES[search.selection.profile].patience
    patience = search.selection.timeout / 2 if own else min(search.selection.timeout / 2, patience)
    calls: list[Call] = []
    for case in sizes(law, search.selection):
        search.tell(case)
        inputs = made(case)
        try:
            slow = _slow(law, calls, case, inputs, patience)
            while slow is not None and not slow.again:  # the first call may compile
                evidence = tried(slow.case, made(slow.case))
                if not evidence.holds:
                    search.first(slow.case, evidence)
                    return seen
                fastest = min(slow.seconds, stopwatch.seconds)
                calls[calls.index(slow)] = replace(slow, seconds=fastest, again=True)
                slow = _slow(law, calls, case, inputs, patience)
            if slow is not None:
                took = f"a call at {_size(slow.case)} took {slow.seconds:.2g} s"
                seen.size = f"sizes from {_size(case)} on are left out, for {took}"
                break
            seen.arrays += 1
            evidence = tried(case, inputs)
        except TargetFault as fault:
            if search.ignores(fault):
                continue
            least, axis = case, ""
            if isinstance(fault, Refused) and search.shrink:
                least, axis = smallest(case, raises)
            seen.failures.append((least, fault))
            seen.size = _from(law, least, axis, "raises from") if axis else f"at {_size(case)}"
            break
        seen.worst = max(seen.worst, evidence.ratio)
        if not evidence.holds:
            search.first(case, evidence)
            if search.shrink:
                least, axis = smallest(case, fails)
                gaps = any(not fails(_at(least, axis, getattr(least, axis) + more)) for more in BEYOND)
                told = _from(law, least, axis, "fails at" if gaps else "fails from"), _miscounted(search, least)
                seen.failures.append(next(each for each in seen.failures[::-1] if each[0] == least))
                seen.size = "; ".join(filter(None, told))
            break
        seen.passed = True
        calls.append(Call(case, _steps_of(law, inputs), _entries_of(inputs), _widest(inputs), stopwatch.seconds))
    if not seen.failures and law.counting is not None and search.ignored is None:
        counted = [call.case for call in calls if call.case.family == law.counting.family]
        if counted:
            seen.size = "; ".join(filter(None, (_lost(law, law.counting, search.ruler, counted[-1]), seen.size)))
    return seen


def sizes(law: Law, selection: Selection) -> list[Case]:
    """The law's cases that the profile asks for, ascending; or its families at the sizes that the selection gives."""
    profile = PROFILES[selection.profile]
    cases = law.trials + (law.largest if profile.scale else ())
    wanted: dict[str, Any] = {
        "columns": selection.columns,
        "m": selection.steps if letters(law.operation)[0] == "T" else selection.rows,
    }
    if any(wanted.values()):
        cases = tuple({case.family: _of_own_size(case, **wanted) for case in cases}.values())
    elif profile.sizes < 1:
        cases = cases[: max(round(len(cases) * profile.sizes), 1)]
    return ascending(law.operation, cases)


def _of_own_size(case: Case, m: int, columns: int) -> Case:
    """The case at these sizes: of what is not given, 0, as much as leaves so many entries as a run has at most."""
    if m and columns:
        return replace(case, m=m, columns=columns)
    if m:
        return replace(case, m=m, columns=min(case.columns, max(MOST // m, 1)))
    return replace(case, columns=columns, m=min(case.m, max(MOST // columns, LEAST)))


def smallest(case: Case, fails: Callable[[Case], bool]) -> tuple[Case, str]:
    """The case with the least of the shorter axis, and then of the other, that fails; and which axis that is.

    By doubling and bisection, as if what fails at a size failed at all larger ones.
    """
    axes = sorted(("m", "columns"), key=lambda axis: getattr(case, axis))
    for axis in axes:
        case = _least(case, axis, fails)
    return case, axes[1]


def _at(case: Case, axis: str, size: int) -> Case:
    return replace(case, m=size) if axis == "m" else replace(case, columns=size)


def _least(case: Case, axis: str, fails: Callable[[Case], bool]) -> Case:
    failing, holding = getattr(case, axis), 0
    size = LEAST
    while size < failing:  # from the least on, for a case is cheap there
        if fails(_at(case, axis, size)):
            failing = size
        else:
            holding, size = size, min(2 * size + 1, failing)
    while failing - holding > 1 and holding:
        middle = (failing + holding) // 2
        if fails(_at(case, axis, middle)):
            failing = middle
        else:
            holding = middle
    return _at(case, axis, failing)


def _miscounted(search: Search, case: Case) -> str:
    """Which entries do not count once at that size, where the format holds such numbers."""
    counting, format = search.law.counting, search.ruler.format
    if counting is None or format.digits < SINGLE:
        return ""
    try:
        found = miscounted(counting, search.subject, format, entries(search.law, counting, case), NAMED + 1)
    except TargetFault:
        return ""
    told = [f"{counting.entry} {place} counts {_times(count)}" for place, count in found if np.isfinite(count)]
    return ", ".join(told) if len(told) == len(found) <= NAMED else ""


def _times(count: float) -> str:
    whole = round(count, 2)
    return "not at all" if whole == 0 else "twice" if whole == 2 else f"{whole:g} times"


def _lost(law: Law, counting: Counting, ruler: Ruler, case: Case) -> str:
    """How few entries, if they were lost, would have been seen, as one says it."""
    count = least_lost(law, counting, ruler, case)
    if count is None:
        return ""
    lost = f"one lost {counting.entry}" if count == 1 else f"{count} lost {counting.entries}"
    return f"{lost} of {entries(law, counting, case):,} would have been seen"


def entries(law: Law, counting: Counting, case: Case) -> int:
    """How many there are in a case of what is counted."""
    return case.columns if letters(law.operation)[1] == counting.axis else case.m


def least_lost(law: Law, counting: Counting, ruler: Ruler, case: Case) -> int | None:
    """How few entries, if they were lost in the first place along the other axis, are seen: of LOST; None for more."""
    inputs = built(law.build, case, ruler.format)
    where = slice(0, 1) if law.operation.apart else slice(None)
    options = {name: inputs.options[name] for name in law.operation.options}
    first = parts(law.operation, inputs.arguments, where)
    measures = ruler.measures(*(x[None] for x in first), **options)

    def seen(count: int) -> bool:
        less, places = counting.without(first, count)
        altered = ruler.bounds(*(x[None] for x in less), **options)
        return any(_seen(law, counting, *each, places) for each in zip(measures, altered, strict=True))

    return next(filter(seen, LOST)) if seen(LOST[-1]) else None


def _seen(law: Law, counting: Counting, whole: Measure, less: Bounded, places: Sequence[int]) -> bool:
    """Whether some result is further off than is allowed, however both are rounded, but for those of these entries."""
    off = np.abs(less.value - whole.exact.hi) - less.error > whole.allowed + whole.exact.radius
    dims = law.operation.results[whole.result]
    if counting.axis in dims:
        off = np.delete(off, places, axis=1 + dims.index(counting.axis))
    return bool(off.any())


def _from(law: Law, case: Case, axis: str, how: str) -> str:
    """Where it begins to fail, fails alone, or raises, as one says it; nothing of a size that is fixed."""
    low, high = getattr(law, axis)
    if low == high:
        return ""
    dims = letters(law.operation)
    size = getattr(case, axis)
    name = dims[0] if axis == "m" else dims[-1]
    gaps = ", and not at each size from there on" if how == "fails at" else ""
    return f"{how} {name} = {size}{gaps}" if size > LEAST else ""


@dataclass(frozen=True)
class Call:
    """A call that was made: of how many steps, of how many entries in all its arguments and along the longest of their
    axes, and how long it took. again: whether that is the shorter time of two calls.
    """

    case: Case
    steps: int
    entries: int
    widest: int
    seconds: float
    again: bool = False


def _steps_of(law: Law, inputs: Inputs) -> int:
    return law.operation.sizes(x.shape for x in inputs.arguments).get("T", 1)


def _entries_of(inputs: Inputs) -> int:
    return sum(x.size for x in inputs.arguments)


def _widest(inputs: Inputs) -> int:
    return int(max(size for x in inputs.arguments for size in x.shape))


def _slow(law: Law, calls: Sequence[Call], case: Case, inputs: Inputs, patience: float) -> Call | None:
    """The call by which another will take too long, if there is one.

    Of those of as many steps and the same longest axis, the one that promises most, for none grows faster than by
    pairs; else, of those of as many steps, the one that fears most; else that of the fastest steps.
    """
    alike = [call for call in calls if call.steps == _steps_of(law, inputs)]
    shaped = [call for call in alike if _tall(call.case) == _tall(case) and call.seconds >= QUICK]
    found: Call | None
    if shaped:
        found = min(shaped, key=lambda call: _seconds(law, call, inputs))
    elif alike:
        found = max(alike, key=lambda call: _seconds(law, call, inputs))
    else:
        found = min(calls, key=lambda call: call.seconds / call.steps, default=None)
    return found if found is not None and _seconds(law, found, inputs) > patience else None


def _tall(case: Case) -> bool:
    return case.m > case.columns


def _seconds(law: Law, before: Call, inputs: Inputs) -> float:
    """How long it takes if time grows as entries do, or as pairs of what is along an axis; or else as steps. 0 where
    the call before took next to none.
    """
    steps = _steps_of(law, inputs)
    if steps != before.steps:
        return before.seconds * steps / before.steps
    growth = max(_entries_of(inputs) / before.entries, (_widest(inputs) / before.widest) ** 2)
    return before.seconds * growth if before.seconds >= QUICK else 0.0


def _size(case: Case) -> str:
    return f"{case.m} × {case.columns}"
