"""How small an error nnlaws sees, measured: the parts of sensitivity.py that compute.

The reference's results are multiplied by 1 + 2^k u in one place, and what follows is an ordinary run in the ci profile.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

import numpy as np
from nnlaws.authoring.evidence import compare
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.harness.targets import resolve
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence
from nnlaws_spec.numbers import Enclosure
from numpy.typing import NDArray
from tolerances import OTHERS, Close

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Function = Callable[..., Any]

BEYOND = 10  # up to a factor of 1 + 2^10: what is not caught there counts as never caught
UNSTEERED = 10  # examples that Hypothesis draws before it mutates or steers by what it saw: the same whatever the error
SEEING = "CT-6"  # of the contract's laws, the one that an error which depends on the result alone can break
FIRST = "first element"
LAST: dict[str, tuple[Any, ...]] = {"row": (-1,), "step": (-1,), "feature": (..., -1)}


@dataclass(frozen=True)
class Spot:
    """Where the error goes: which result, and how much of it."""

    result: str
    kind: str


@dataclass(frozen=True)
class Rung:
    """What was found for one spot: the least k, None if there is none; in how many runs it was caught; after how many
    misses in how many runs k − 1 was given up; what the laws' own check and others need on the same few arrays."""

    result: str
    kind: str
    k: int | None
    caught: int
    below: tuple[int, int]
    same_arrays: int | None
    others: dict[str, int | None]
    by: dict[str, int]


@dataclass(frozen=True)
class Ladder:
    """One operation in one dtype. alarms: of the arrays drawn, how many of the reference's results each scheme rejects;
    for nnlaws, how many results of whole examples."""

    operation: str
    dtype: str
    runs: int
    seed: int
    rungs: tuple[Rung, ...]
    arrays: int
    alarms: dict[str, int]
    seconds: float


# --- the error ---


def spots(operation: Operation) -> list[Spot]:
    """An element of every result; of arrays also a row or step, and a feature."""
    found: list[Spot] = []
    for name, dims in operation.results.items():
        kinds = ("element",) if len(dims) < 2 else ("element", "step" if dims[0] == "T" else "row", "feature")
        found += [Spot(name, kind) for kind in kinds]
    return found


def hit(kind: str, shape: tuple[int, ...]) -> Bools:
    """The entries of an array of that shape that the error goes to: the last, unless it says the first."""
    entries = np.zeros(shape, dtype=bool)
    if entries.size:
        entries[LAST.get(kind, ((0 if kind == FIRST else -1),) * len(shape))] = True
    return entries


def off(values: Any, k: int, format: Format) -> Floats:
    """The values times 1 + 2^k u, each rounded to the format."""
    with np.errstate(all="ignore"):
        return rounded(np.asarray(values, dtype=np.float64) * (1 + 2.0**k * format.u), format)


def rounded(values: Floats, format: Format) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(values.astype(format.dtype).astype(np.float64))


def injected(
    function: Function, number: int, where: Callable[[tuple[int, ...]], Bools], k: int, format: Format
) -> Function:
    """The function with the error in its result of that number, `where` of a shape says."""

    @wraps(function)
    def wrong(*arguments: Any, **options: Any) -> Any:
        results = function(*arguments, **options)
        each = list(results) if isinstance(results, tuple) else [results]
        right = np.asarray(each[number])
        changed = np.where(where(right.shape), off(right, k, format), right.astype(np.float64))
        each[number] = changed.astype(right.dtype)
        return tuple(each) if isinstance(results, tuple) else each[0]

    return wrong


# --- what a run draws ---


@dataclass
class Entries:
    """What a run's first examples have at one spot: the reference's results, exact values, and the rounding allowed."""

    got: list[Floats] = field(default_factory=list[Floats])
    want: list[Floats] = field(default_factory=list[Floats])
    rest: list[Floats] = field(default_factory=list[Floats])
    radius: list[Floats] = field(default_factory=list[Floats])
    allowed: list[Floats] = field(default_factory=list[Floats])

    def add(self, *parts: Floats) -> None:
        for one, part in zip((self.got, self.want, self.rest, self.radius, self.allowed), parts, strict=True):
            one.append(part)


class Enough(BaseException):
    """Ends a run of Hypothesis at once: it takes no part of what is no Exception."""


class Recorder(GuardedSubject):
    """Keeps what the first examples of a law of value are about, and then ends the run."""

    def __init__(self, function: Function, ruler: Ruler, at: Sequence[Spot]) -> None:
        super().__init__(function, ruler.operation)
        self.ruler, self.spots = ruler, at
        self.entries = {spot: Entries() for spot in self.spots}
        self.examples, self.seen = 0, 0
        self.alarms: Counter[str] = Counter()
        self.given: list[tuple[tuple[Array, ...], dict[str, Any], tuple[Floats, ...]]] = []

    def results(self, *arguments: Any, **options: Any) -> tuple[Floats, ...]:
        if self.examples == UNSTEERED:
            raise Enough
        self.examples += 1
        found, format = super().results(*arguments, **options), self.ruler.format
        self.seen += len(arguments[0])
        self.given.append((arguments, options, found))
        rejected: dict[str, Bools] = {name: np.zeros(len(arguments[0]), dtype=bool) for name in OTHERS}
        for got, measure in zip(found, self.ruler.measures(*arguments, **options), strict=True):
            got = np.where(np.isposinf(measure.allowed) & np.isnan(got), 0.0, got)  # nothing is promised there
            exact, inner = measure.exact, tuple(range(1, got.ndim))
            self.alarms["nnlaws"] += not compare(got, exact, measure.allowed, format).holds
            truth = rounded(exact.hi, format)
            for name, close in OTHERS.items():
                rejected[name] |= ~close(got, truth, format).all(axis=inner)
            for spot in self.spots:
                if spot.result == measure.result:
                    at = (slice(None), hit(spot.kind, got.shape[1:])) if inner else (slice(None),)
                    parts = (got, exact.hi, exact.lo, exact.radius, measure.allowed)
                    self.entries[spot].add(*(part[at].ravel() for part in parts))
        self.alarms.update({name: int(each.sum()) for name, each in rejected.items()})
        return found


@dataclass(frozen=True)
class Drawn:
    """One run's first examples at one spot."""

    got: Floats
    exact: Enclosure
    allowed: Floats

    @classmethod
    def of(cls, entries: Entries) -> "Drawn":
        got, want, rest, radius, allowed = (
            np.concatenate(each) for each in (entries.got, entries.want, entries.rest, entries.radius, entries.allowed)
        )
        return cls(got, Enclosure(want, rest, radius), allowed)

    def violates(self, k: int, format: Format) -> bool:
        """What the law of value says of them, with the error."""
        return not compare(off(self.got, k, format), self.exact, self.allowed, format).holds

    def rejected(self, k: int, format: Format, close: Close) -> bool:
        """Whether a scheme rejects some entry with the error that it accepts without."""
        truth = rounded(self.exact.hi, format)
        return bool((close(self.got, truth, format) & ~close(off(self.got, k, format), truth, format)).any())


def least(highest: int, caught: Callable[[int], bool]) -> int:
    """The least k from 1 to `highest` that is caught, as if larger errors always were; highest + 1 if none is."""
    low, high = 0, highest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if caught(middle) else (middle, high)
    return high


def all_but(misses: int, thresholds: list[int]) -> int:
    """The least k that is enough for all but so many runs."""
    return sorted(thresholds)[-1 - misses]


# --- the ladder ---


def primary(operation: Operation) -> Law:
    """The law of value whose cases are recorded; the others of its kind, one a result, draw the same."""
    return next(law for law in LAWS if law.operation is operation and law.name == "value")


def can_see(law: Law) -> bool:
    """Whether it looks at values: the rest of the contract is about arguments, shapes, layouts and state."""
    return not law.clause.startswith("CT-") or law.clause == SEEING


@dataclass
class Runs:
    """The runs of one operation in one dtype. `laws` are those that an error in the result can break."""

    operation: Operation
    format: Format
    seeds: range
    spots: Sequence[Spot] = ()

    def __post_init__(self) -> None:
        self.ruler = Ruler(self.operation, self.format, {})
        self.reference: Function = resolve("reference").operations[self.operation.name]
        self.laws = [law for law in LAWS if law.operation is self.operation and can_see(law)]
        self.laws.sort(key=lambda law: "value" not in law.name)
        self.highest = self.format.digits + BEYOND
        self.spots = self.spots or spots(self.operation)

    def record(self, seed: int) -> Recorder:
        recorder = Recorder(self.reference, self.ruler, self.spots)
        try:
            with silence():
                search(Search(primary(self.operation), recorder, self.ruler, "", Selection(seed=seed), shrink=False))
        except Enough:
            pass
        return recorder

    def breaks(self, function: Function, seed: int) -> Law | None:
        """The law that a whole run finds broken. Each is seeded by itself: which comes first makes no difference to
        whether one is found, and the one that is tried first is the one that was broken last."""
        subject = GuardedSubject(function, self.operation)
        for law in self.laws:
            with silence():
                if search(Search(law, subject, self.ruler, "", Selection(seed=seed), shrink=False)).failures:
                    self.laws.remove(law)
                    self.laws.insert(0, law)
                    return law
        return None

    def rung(self, spot: Spot, drawn: dict[int, Drawn]) -> Rung:
        """The least k for one spot: down from where the runs' first examples show it in all but so many."""
        misses = len(self.seeds) // 100
        shown = {seed: least(self.highest, partial(each.violates, format=self.format)) for seed, each in drawn.items()}
        others: dict[str, int | None] = {}
        for name, close in OTHERS.items():
            rejected = [partial(each.rejected, format=self.format, close=close) for each in drawn.values()]
            others[name] = self._or_none(all_but(misses, [least(self.highest, each) for each in rejected]))
        same = all_but(misses, [*shown.values()])
        k = min(same, self.highest)
        at, below = self._missed(spot, k, shown, misses), (0, 0)
        never = at[0] > misses
        while not never and k > 1 and not below[1]:
            lower = self._missed(spot, k - 1, shown, misses)
            if lower[0] > misses:
                below = lower[:2]
            else:
                k, at = k - 1, lower
        at_k, below = (None, at[:2]) if never else (k, below)
        return Rung(*(spot.result, spot.kind, at_k, at[1] - at[0], below, self._or_none(same), others, dict(+at[2])))

    def _missed(self, spot: Spot, k: int, shown: dict[int, int], misses: int) -> tuple[int, int, Counter[str]]:
        """How many runs miss the error, of how many up to the first miss too many; and the laws broken in the rest.

        What the first examples of a run show is seen in the run, for it draws the same ones; what they do not show is
        run.
        """
        number = list(self.operation.results).index(spot.result)
        function = injected(self.reference, number, partial(hit, spot.kind), k, self.format)
        doubtful = sorted((seed for seed in shown if shown[seed] > k), key=lambda seed: -shown[seed])
        sure, count = len(shown) - len(doubtful), 0
        by = Counter({primary(self.operation).name: sure})
        for tried, seed in enumerate(doubtful, start=1):
            law = self.breaks(function, seed)
            count += law is None
            by.update([law.name] if law else [])
            if count > misses:
                return count, sure + tried, by
        return count, len(shown), by

    def _or_none(self, k: int) -> int | None:
        return k if k <= self.highest else None


def climb(operation: str, dtype: str, runs: int, seed: int, at: str = "") -> Ladder:
    """The ladder of one operation in one dtype; of all spots, or of those of one kind."""
    began, found = time.perf_counter(), OPERATIONS[operation]
    chosen = [Spot(result, at) for result in found.results] if at else spots(found)
    of = Runs(found, format_of(DTYPES[dtype]), range(seed, seed + runs), chosen)
    recorded = {each: of.record(each) for each in of.seeds}
    rungs = tuple(
        of.rung(spot, {each: Drawn.of(recorder.entries[spot]) for each, recorder in recorded.items()})
        for spot in of.spots
    )
    alarms: Counter[str] = Counter()
    for recorder in recorded.values():
        alarms.update(recorder.alarms)
    arrays = sum(recorder.seen for recorder in recorded.values())
    return Ladder(operation, dtype, runs, seed, rungs, arrays, dict(alarms), round(time.perf_counter() - began, 1))


# --- what one entry hides ---


@dataclass(frozen=True)
class Typical:
    """Where one entry of one array alone is wrong: the least k that is seen in the median entry, of each result by each
    scheme and by the law of value."""

    operation: str
    dtype: str
    median: dict[str, dict[str, int | None]]
    entries: int
    seconds: float


def typical(operation: str, dtype: str, runs: int, seed: int) -> Typical:
    """Over all entries of the arrays that the first examples of so many runs draw, but for those that are 0."""
    began = time.perf_counter()
    of = Runs(OPERATIONS[operation], format_of(DTYPES[dtype]), range(seed, seed + runs))
    parts: dict[str, Entries] = {name: Entries() for name in of.operation.results}
    for each in of.seeds:
        for arguments, options, found in of.record(each).given:
            for got, measure in zip(found, of.ruler.measures(*arguments, **options), strict=True):
                exact, kept = measure.exact, np.isfinite(got) & (got != 0)
                every = (got, exact.hi, exact.lo, exact.radius, measure.allowed)
                parts[measure.result].add(*(part[kept] for part in every))
    drawn = {name: Drawn.of(entries) for name, entries in parts.items()}
    seen = {name: dict(medians(each, of.format, of.highest)) for name, each in drawn.items()}
    entries = sum(each.got.size for each in drawn.values())
    return Typical(operation, dtype, seen, entries, round(time.perf_counter() - began, 1))


def medians(drawn: Drawn, format: Format, highest: int) -> Iterator[tuple[str, int | None]]:
    """The median over the entries of the least k that each scheme sees, and that breaks the law of value."""
    truth, exact = rounded(drawn.exact.hi, format), drawn.exact
    wrong = {k: off(drawn.got, k, format) for k in range(1, highest + 1)}
    limit = drawn.allowed + exact.radius
    seen = {"nnlaws": {k: np.abs((got - exact.hi) - exact.lo) > limit for k, got in wrong.items()}}
    for name, close in OTHERS.items():
        seen[name] = {k: ~close(got, truth, format) for k, got in wrong.items()}
    for name, by_k in seen.items():
        needed = np.full(drawn.got.shape, highest + 1)
        for k in reversed(by_k):
            needed[by_k[k]] = k
        middle = int(np.sort(needed)[len(needed) // 2])
        yield name, middle if middle <= highest else None


# --- what no run draws ---

UNDRAWN: dict[str, tuple[str, str, int, int]] = {
    "softmax, samples from the 65th on": ("softmax", "float32", 0, 64),
    "softmax, classes from the 130th on": ("softmax", "float32", 1, 129),
    "batch_norm_train, samples from the 65th on": ("batch_norm_train", "float32", 0, 64),
    "adam, steps from the 101st on": ("adam", "float32", 0, 100),
}
"""Errors beyond the largest arrays: operation, dtype, and from where on which axis the first result is doubled."""


def unseen(what: str, runs: int, seed: int) -> int:
    """In how many runs it is caught."""
    operation, dtype, axis, first = UNDRAWN[what]
    of = Runs(OPERATIONS[operation], format_of(DTYPES[dtype]), range(seed, seed + runs))
    function = injected(of.reference, 0, lambda shape: np.indices(shape)[axis] >= first, of.format.digits, of.format)
    return sum(of.breaks(function, each) is not None for each in of.seeds)
