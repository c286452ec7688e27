"""The search for a case that breaks a law: by Hypothesis where rounding is judged, by the law's own trials
elsewhere.
"""

import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from time import perf_counter

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky

from nnlaws.authoring.case import batches, expand, stack
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Chance, Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.authoring.token import Case, Token
from nnlaws.harness.seeding import by_seed_alone
from nnlaws.harness.shrinking import enlarged, simplified
from nnlaws.plan import PROFILES, Selection

LANES = {"float64": 4}  # at most: exact values of float64 are balls, which cost more than all else together
EXAMPLES = ".hypothesis/nnlaws"
UNCHECKED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given)  # a target may be slow
TOGETHER = 16  # boundary cases in one call at most: more take memory, and the heartbeat no more text
SMALL = 128  # entries of an array; of larger ones a case expands to an eighth as many
OWN = 0  # the seed of the cases that quick and ci call their own
FEWEST = 3  # examples: the first is always the simplest there is, which shows little
ENLARGED = 5  # one in so many examples comes again, wide or tall
TASTE = 10_007  # draws, by whose time it is seen how many more a sampler can make
SHRINKING = 4  # what a failing case is shrunk to, to so many times fewer
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)

Failure = Evidence | TargetFault


class LawBroken(Exception):
    """Raised inside Hypothesis where a law does not hold, for it to shrink."""


@dataclass
class Seen:
    """What a run has seen: how many arrays, whether a batch passed, the worst ratio, also by the tightest
    bound there is, and the failures, each as it came. size: what a law at size says of sizes. stuck: whether
    since the last failure every call fails, also those that passed before, as after an error of a device."""

    arrays: int = 0
    passed: bool = False
    worst: float = 0.0
    finest: float | None = None
    failures: list[tuple[Case, Failure]] = field(default_factory=list[tuple[Case, Failure]])
    size: str = ""
    stuck: bool = False

    def add(self, other: "Seen") -> None:
        self.arrays += other.arrays
        self.passed |= other.passed
        self.worst = max(self.worst, other.worst)
        self.finest = _larger(self.finest, other.finest)
        self.failures = other.failures or self.failures
        self.size = other.size or self.size
        self.stuck |= other.stuck


@dataclass(frozen=True)
class Search:
    """What to look at, and how hard: a law, a subject, the ruler of its format and conventions, the target's name.

    about: told each case's replay token before it runs. first: told the first violation, before it is shrunk.
    ignored: a kind of fault that counts as if the case had not been drawn. shrink: whether to make a failure smaller.
    """

    law: Law
    subject: Subject
    ruler: Ruler
    target: str
    selection: Selection
    about: Callable[[str], None] = lambda token: None
    first: Callable[[Case, Evidence], None] = lambda case, evidence: None
    ignored: type[TargetFault] | None = None
    shrink: bool = True

    def tell(self, case: Case, *others: Case) -> None:
        """Says which case comes next, or which cases the lanes of the next batch are."""
        lines = (Token(self.law.id, self.ruler.format.name, case, self.target), *others)
        self.about("\n".join(map(str, lines)))

    def ignores(self, fault: TargetFault) -> bool:
        return self.ignored is not None and isinstance(fault, self.ignored)


def evaluate(law: Law, subject: Subject, ruler: Ruler, case: Case, lanes: int = 1) -> Evidence:
    """The law's evidence on the arrays of one case."""
    return law.evidence(subject, ruler, expand(law.build, case, ruler.format, lanes))


def by_hypothesis(search: Search, judging: Rounding) -> Seen:
    """Lets Hypothesis look for a case that breaks the law, steering towards the worst ratio, and shrink it; then, where
    it finds none, tries some of its cases again, made wide and tall, and the law's boundary cases.
    """
    law, ruler, seen = search.law, search.ruler, Seen()
    most = min(law.lanes, LANES.get(ruler.format.name, law.lanes))
    current: list[Case] = []
    passed: list[Case] = []  # the last batch that did
    stuck: list[TargetFault] = []
    drawn: dict[Case, int] = {}

    def tried(case: Case) -> Evidence | None:
        """Raises for a case that fails; None for a fault that is ignored."""
        current[:] = [case]
        fewer = 8 if case.m * case.columns > SMALL else SHRINKING if seen.failures else 1
        lanes = drawn.setdefault(case, max(most // fewer, 1))  # the same at each try, for Hypothesis repeats some
        search.tell(case)
        return tried_together([case.lane(number) for number in range(lanes)])

    def evidence_of(batch: list[Case]) -> Evidence:
        return law.evidence(search.subject, ruler, stack(law.build, batch, ruler.format))

    def tried_together(batch: list[Case]) -> Evidence | None:
        if stuck:  # whatever it is called with fails, and shows nothing
            if seen.failures[-1][0] in batch:
                raise stuck[0]
            return None
        seen.arrays += len(batch)
        try:
            evidence = evidence_of(batch)
        except TargetFault as fault:
            if search.ignores(fault):
                return None
            seen.failures.append((batch[fault.lane % len(batch)], fault))
            if type(fault) is Refused and passed and _fails(lambda: evidence_of(passed)):
                stuck.append(fault)
                seen.stuck = True
            raise
        seen.worst, seen.finest = max(seen.worst, evidence.ratio), _larger(seen.finest, evidence.finest)
        if not evidence.holds:
            if not any(isinstance(failure, Evidence) for _, failure in seen.failures):
                search.first(batch[evidence.lane], evidence)
            seen.failures.append((batch[evidence.lane], evidence))
            raise LawBroken(law.statement)
        seen.passed = True
        passed[:] = batch
        return evidence

    def failing_of(batch: list[Case]) -> Case | None:
        search.tell(*batch)
        return _failing(lambda: tried_together(batch), seen)

    def fails(case: Case) -> Case | None:
        return _failing(lambda: tried(case), seen)

    def holds(case: Case) -> None:
        evidence = tried(case)
        if evidence is not None and 0 < evidence.ratio < float("inf"):
            hypothesis.target(evidence.ratio, label="used/allowed")

    holds.__name__ = re.sub(r"\W", "_", f"{law.id}_{ruler.format.name}_{search.target}")  # its key in the database
    test = given(case=law.strategy(ruler.format))(_settings(law, search.selection, search.shrink)(holds))
    selection = search.selection
    seed = OWN if selection.seed is None and PROFILES[selection.profile].derandomize else selection.seed
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    try:
        with by_seed_alone():
            test()  # Hypothesis ends on its smallest failure, which is then the last in seen.failures
    except (LawBroken, TargetFault):
        pass
    except Flaky:
        if not seen.failures:
            seen.failures.append((current[0], TargetFault("the target did not do the same twice on this case")))
    failing = seen.failures[-1][0] if seen.failures else None
    if failing is None:
        again = [*drawn][ENLARGED - 1 :: ENLARGED] or [*drawn][-1:]
        own = search.selection.shapes
        larger = [] if own else enlarged(again, law.m, law.columns, zlib.crc32(law.id.encode()))
        boundary = law.boundary(ruler.format, law.m, law.columns) if law.boundary else ()
        further = chain(map(fails, larger), map(failing_of, batches(boundary, TOGETHER)))
        failing = next(filter(None, further), None)
        if failing is not None and search.shrink:  # what Hypothesis has not drawn it cannot shrink
            simplified(failing, fails, judging.families, law.m[0], law.columns[0])
    elif search.shrink and (failing.m > law.m[1] or failing.columns > law.columns[1]):  # it keeps to such sizes
        simplified(failing, fails, judging.families, law.m[0], law.columns[0])
    smallest = seen.failures[-1][0] if seen.failures and search.shrink else None
    if smallest is not None and smallest.columns < min(judging.shown, law.columns[1]):
        fails(replace(smallest, columns=judging.shown))
    violations = [failure for failure in seen.failures if isinstance(failure[1], Evidence)]
    if violations:  # worth more than faults that came between
        seen.failures = violations
    return seen


def _fails(call: Callable[[], object]) -> bool:
    """Whether it raises what it did not raise before."""
    try:
        call()
    except TargetFault:
        return True
    return False


def _failing(call: Callable[[], object], seen: Seen) -> Case | None:
    """The case that fails in this call, if one does."""
    try:
        call()
    except (LawBroken, TargetFault):
        return seen.failures[-1][0]
    return None


def by_trials(search: Search, judging: Chance) -> Seen:
    """Tries the law's own cases one after another, up to the first that breaks it."""
    seen = Seen()
    for case in trials(search.law, search.selection, judging):
        search.tell(case)
        seen.arrays += 1
        try:
            case, seen.size = _in_time(search, case)
            search.tell(case)
            evidence = evaluate(search.law, search.subject, search.ruler, case)
        except TargetFault as fault:
            if search.ignores(fault):
                continue
            seen.failures.append((case, fault))
            break
        seen.worst = max(seen.worst, evidence.ratio)
        if not evidence.holds:
            seen.failures.append((case, evidence))
            break
        seen.passed = True
    return seen


def _in_time(search: Search, case: Case) -> tuple[Case, str]:
    """The case with as many draws as the profile has patience for, by the time of a few; and what is left out.

    The few are not judged: they would be a test of chance more.
    """
    if not PROFILES[search.selection.profile].scale or case.m <= TASTE:
        return case, ""
    began = perf_counter()
    evaluate(search.law, search.subject, search.ruler, replace(case, m=TASTE))
    took = perf_counter() - began
    patience = min(PROFILES[search.selection.profile].patience, search.selection.timeout / 2)
    most = max(int(patience / took) * TASTE, TASTE)
    if most >= case.m:
        return case, ""
    told = f"{most:,} draws in place of {case.m:,}, for {TASTE:,} took {took:.2g} s"
    return replace(case, m=most), told


def trials(law: Law, selection: Selection, judging: Chance) -> list[Case]:
    """The law's own cases: with the selection's seed, or new ones each time, where the profile asks for that."""
    profile = PROFILES[selection.profile]
    cases = law.largest if profile.scale else law.trials
    if selection.seed is None and profile.derandomize:
        return list(cases)
    first = secrets.randbits(40) if selection.seed is None else selection.seed
    seeds = np.random.SeedSequence([first, zlib.crc32(law.id.encode())]).generate_state(len(cases))
    seeds >>= 1  # not every library takes a seed beyond 2³¹
    times = profile.draws if judging.grows else 1
    return [
        replace(case, m=case.m * times + case.m % times, seed=int(seed))  # not all of them multiples of `times`
        for case, seed in zip(cases, seeds, strict=True)
    ]


def few_drawn(law: Law, judging: Rounding) -> list[Case]:
    """Eight cases of every size and family."""
    sizes = ((law.m[number % 2], law.columns[number // 2 % 2]) for number in range(8))
    families = judging.families
    return [Case(*size, families[number % len(families)], 4, number) for number, size in enumerate(sizes)]


def few_trials(law: Law, judging: Chance) -> list[Case]:
    """The law's own."""
    return list(law.trials)


def _larger(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _examples(law: Law, selection: Selection) -> int:
    """How many the law is worth."""
    return max(round(law.share * PROFILES[selection.profile].examples), FEWEST)


def _settings(law: Law, selection: Selection, shrink: bool) -> settings:
    profile = PROFILES[selection.profile]
    return settings(
        max_examples=_examples(law, selection),
        database=None if profile.derandomize else DirectoryBasedExampleDatabase(EXAMPLES),
        deadline=None,
        phases=PHASES if shrink else PHASES[:-1],
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=UNCHECKED,
    )
