"""What is exactly so in draws, where no known mistake draws alike: equal ones, an order, a grid, and what a seed does.

Each is a relation that chance does not make: it holds to the bit in every call that is looked at. That it is why a law
is broken is tried, too: what is in the order of draws is the cause only where the law holds of the same draws shuffled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.judging import Chance
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.isolation.guard import GuardedSubject

CALLS = 4  # that a relation has to hold in
FEWEST = 8  # draws of a call, before a relation between them says anything
PERIODS = 64  # the longest that is looked for
WIDE = 2**20  # numbers of a box that whole numbers or floats may be too narrow for
UNLIKELY = 1e-12
MOSTLY = 0.5
WHOLE = "draw in whole numbers of 64 bits, not in floats or narrower ones"
SEED = "seed"
TENS, TWOS = tuple(10**k for k in range(1, 10)), tuple(2**k for k in range(7, 17))
MODULI = (*TENS, *TWOS, *(2**k - 1 for k in (16, 31, 32)), 9973, 10**9 + 7)  # of a seed
BITS = range(1, 41)  # of a seed, that may be cut off
Draw = Callable[..., Array]
"""Of options, what one call draws: a row a draw."""


@dataclass(frozen=True)
class Fact:
    """What is so, in words; fix: what to do. ordered: whether it is about the order of draws; related: or how axes go
    together, which says nothing of how each is distributed."""

    words: str
    fix: str
    ordered: bool = False
    related: bool = False


def fact_of(judging: Chance, law: Law, subject: GuardedSubject, ruler: Ruler) -> Fact | None:
    """What is so of the target's draws, and may be why it breaks the law; if anything is."""
    operation = law.operation
    if SEED not in operation.options:
        return None

    def draw(**options: Any) -> Array:
        return np.asarray(judging.exercise(subject, operation, **options))

    options = [law.build(case, ruler.format).options for case in law.trials]
    try:
        facts = _of_seeds(draw, options) if law.about == "seed" else iter(())
        for fact in (*facts, *_of_draws(draw, options)):
            if fact.related and law.kind == "value":
                continue
            if not fact.ordered or (not _holds(law, subject, ruler) and _holds(law, shuffled(subject), ruler)):
                return fact
    except TargetFault:
        return None
    return None


def _seeds(options: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The options of so many calls, with seeds of their own."""
    for number in range(CALLS):
        each = options[number % len(options)]
        yield {**each, SEED: int(each[SEED]) + 1009 * number}


def _of_draws(draw: Draw, options: Sequence[dict[str, Any]]) -> Iterator[Fact]:
    yield from _of_boxes(draw, options)
    calls = [draw(**each) for each in _seeds(options)]
    if any(len(call) < FEWEST or not np.isfinite(call).all() for call in calls):
        return
    anew = "draw each anew, from one generator that is seeded once a call"
    if all((call == call[0]).all() for call in calls):
        yield Fact("all draws of a call are equal", anew)
        return
    columns = [[call.reshape(len(call), -1)[:, axis] for call in calls] for axis in range(_width(calls))]
    for period in range(1, PERIODS):
        if all(len(call) > 2 * period and _repeats(call, period) for call in calls):
            yield Fact(f"draws come again after {period}", anew, ordered=True)
            return
    yield from _in_blocks(columns)
    for words, is_so in (("rising", _ascending), ("falling", lambda x: _ascending(-x))):
        if any(all(is_so(x) for x in each) for each in columns):
            yield Fact(f"draws are in {words} order", "do not sort them", ordered=True)
    if all(_mirrored(x) for each in columns for x in each):
        yield Fact("the second half of a call is the first half in mirror", anew, ordered=True)
    for axis, each in enumerate(columns):
        yield from _whole(each, f" on axis {axis}" if len(columns) > 1 else "")
    for one in range(len(columns)):
        for other in range(len(columns)):
            for later in (0, 1, 2):
                if (one != other or later) and all(
                    _same_ranks(a, b, later) for a, b in zip(columns[one], columns[other], strict=True)
                ):
                    far = f", {later} points later" if later else ""
                    words = f"axis {other} goes as axis {one} does{far}: they share their numbers"
                    yield Fact(words, anew, ordered=later > 0, related=True)
                    return


def long_period(judging: Chance, law: Law, subject: GuardedSubject, ruler: Ruler) -> Fact | None:
    """All draws beyond a number of them come again, one after another: nothing else does so."""
    try:
        calls = [
            np.asarray(judging.exercise(subject, law.operation, **law.build(case, ruler.format).options))
            for case in law.trials
        ]
    except TargetFault:
        return None
    calls = [call for call in calls if len(call) > 2 * FEWEST and len(np.unique(call, axis=0)) > PERIODS]
    if SEED not in law.operation.options or not calls:
        return None
    longest = max(calls, key=len)
    rows = longest.reshape(len(longest), -1)
    for period in np.flatnonzero((rows == rows[0]).all(axis=1))[1:]:
        told = [call for call in calls if len(call) >= period + FEWEST]
        if period > PERIODS and all((call[period:] == call[:-period]).all() for call in told):
            return Fact(
                f"draws come again after {period}", "draw each anew, from one generator that is seeded once a call"
            )
    return None


def _in_blocks(columns: Sequence[Sequence[Array]]) -> Iterator[Fact]:
    """Draws in order by twos, threes …, and not as a whole."""
    for size in range(2, FEWEST + 1):
        for words, sign in (("rising", 1), ("falling", -1)):
            if any(all(_by_blocks(sign * x, size) for x in each) for each in columns):
                yield Fact(f"every {size} draws are in {words} order", "do not sort them", ordered=True)
                return


def _by_blocks(x: Array, size: int) -> bool:
    whole = x[: len(x) // size * size].reshape(-1, size)
    steps = np.diff(whole, axis=1)
    if len(whole) < 2 * FEWEST or _ascending(x) or not (steps >= 0).all():
        return False
    return bool((steps > 0).mean() > MOSTLY)  # else they are equal, and in no order


def _width(calls: Sequence[Array]) -> int:
    return min(int(np.prod(call.shape[1:], dtype=int)) for call in calls)


def _repeats(call: Array, period: int) -> bool:
    if len(np.unique(call, axis=0)) > period:
        return False
    return bool((call[period:] == call[:-period]).all())


def _ascending(x: Array) -> bool:
    return bool((np.diff(x) >= 0).all()) and len(np.unique(x)) > FEWEST // 2


def _mirrored(x: Array) -> bool:
    """Whether what is larger in the first half is smaller in the second, without exception."""
    half = len(x) // 2
    first, second = x[:half], x[-half:]
    if half < FEWEST or len(np.unique(first)) < FEWEST:
        return False
    order = np.argsort(first, kind="stable")
    return bool((np.diff(second[order]) <= 0).all())


def _same_ranks(a: Array, b: Array, later: int) -> bool:
    """Whether b, so many draws later, is in the order that a is in."""
    a, b = (a[: len(a) - later], b[later:]) if later else (a, b)
    if len(np.unique(a)) < len(a) // 2 or len(np.unique(b)) < FEWEST:
        return False
    return bool((np.diff(b[np.argsort(a, kind="stable")]) >= 0).all())


def _whole(calls: Sequence[Array], where: str) -> Iterator[Fact]:
    """Whole numbers of which only some come, or whose low digits have an order."""
    if not all(bool((x == np.rint(x)).all()) for x in calls):
        return
    steps = [_step(x) for x in calls]
    if min(steps) > 1 and all(len(np.unique(x)) >= FEWEST for x in calls):
        yield Fact(f"only every {_th(reduce(gcd, steps))} whole number is drawn{where}", WHOLE)
        return
    for bit in range(3):
        low = [(x.astype(np.int64) >> bit) & 1 for x in calls]
        for period in (2, 4, 8):
            if all(len(x) > 4 * period and x.any() and not x.all() and _repeats(x, period) for x in low):
                digit = ("lowest", "second lowest", "third lowest")[bit]
                fix = "take the high bits of a generator, or numpy.random.default_rng(seed)"
                words = f"the {digit} binary digit of the draws has period {period}{where}"
                yield Fact(words, fix, ordered=True)
                return


def _step(x: Array) -> int:
    """The largest number that all differences are multiples of."""
    return reduce(gcd, (int(b) - int(a) for a, b in pairwise(np.unique(x))), 0)


def _of_boxes(draw: Draw, options: Sequence[dict[str, Any]]) -> Iterator[Fact]:
    """What is so of wide boxes of whole numbers alone: that only some of them come, or none beyond a number."""
    if not {"low", "high"} <= {*options[0]}:
        return
    wide = sorted((each for each in options if each["high"] - each["low"] >= WIDE), key=lambda o: o["high"] - o["low"])
    for each in wide:
        x, width = draw(**each), each["high"] - each["low"]
        if x.ndim != 1 or x.dtype.kind != "i" or len(np.unique(x)) < 2 * FEWEST:
            continue
        upper = x[x > each["low"] + width // 2]
        for part, where in ((x, ""), (upper, ", of its upper half")):
            if len(np.unique(part)) >= 2 * FEWEST and (step := _step(part)) > 1:
                yield Fact(f"of a box {width:.3g} wide only every {_th(step)} whole number is drawn{where}", WHOLE)
                return
        reach = int(x.max()) - each["low"]
        if reach > 0 and (reach / width) ** len(x) < UNLIKELY and (reach / (int(x.max()) - int(x.min()))) < 2:
            yield Fact(f"of a box {width:.3g} wide nothing beyond the first {reach:.3g} numbers is drawn", WHOLE)
            return


def _th(number: int) -> str:
    return "second" if number == 2 else f"{number}th"


def _of_seeds(draw: Draw, options: Sequence[dict[str, Any]]) -> Iterator[Fact]:
    by_seed = "draw all from one generator of that seed: numpy.random.default_rng(seed)"
    given = list(_seeds(options))
    kept = {seed: _kept(draw, {**given[0], SEED: seed}) for seed in (0, 1, *(each[SEED] for each in given))}
    if not any(kept.values()):
        yield Fact("no seed is kept to: two calls with the same one draw differently", by_seed)
        return
    if not all(kept.values()):
        odd = [seed for seed, is_so in kept.items() if not is_so]
        if odd == [0] and not any(_kept(draw, {**given[0], SEED: 0}) for _ in range(2)):
            yield Fact("seed 0 is not kept to: two calls with it draw differently", by_seed)
        return
    calls = [draw(**{**given[0], SEED: each[SEED]}) for each in given]
    if all((call == call[0]).all() for call in calls):
        return  # of equal draws a seed says nothing
    if all(np.array_equal(call, calls[0]) for call in calls):
        yield Fact("the seed is not looked at: all seeds draw the same", by_seed)
        return
    yield from _cut(draw, given, by_seed)
    yield from _taken_for(draw, given, by_seed)
    if "start" not in given[0]:  # else all begin there
        yield from _shared(calls, by_seed)


def _kept(draw: Draw, options: dict[str, Any]) -> bool:
    return draw(**options).tobytes() == draw(**options).tobytes()


def _cut(draw: Draw, given: Sequence[dict[str, Any]], fix: str) -> Iterator[Fact]:
    """Bits of the seed that do not count."""

    def same(bit: int) -> bool:
        return all(
            np.array_equal(draw(**each), draw(**{**each, SEED: each[SEED] ^ (1 << bit)})) for each in given[:CALLS]
        )

    blind = [bit for bit in (0, *BITS) if same(bit)]
    if not blind:
        return
    if blind == list(range(blind[0], BITS[-1] + 1)) and blind[0]:
        yield Fact(f"only the low {blind[0]} bits of the seed count", fix)
    elif blind == list(range(blind[-1] + 1)):
        words = f"lowest {len(blind)} bits of the seed do" if len(blind) > 1 else "lowest bit of the seed does"
        yield Fact(f"the {words} not count", fix)


def _taken_for(draw: Draw, given: Sequence[dict[str, Any]], fix: str) -> Iterator[Fact]:
    """Seeds that are divided by a number, or folded."""

    def same(change: Callable[[int], int]) -> bool:
        return all(np.array_equal(draw(**each), draw(**{**each, SEED: change(each[SEED])})) for each in given[:CALLS])

    for modulus in MODULI:
        if same(lambda seed, modulus=modulus: seed + modulus):  # type: ignore[misc]
            yield Fact(f"seeds that are {modulus} apart draw the same", fix)
            return
    if same(lambda seed: seed << 32) and same(lambda seed: (5 << 32) | (seed ^ 5)):
        yield Fact("the high 32 bits of the seed are folded into the low ones", fix)


def _shared(calls: Sequence[Array], fix: str) -> Iterator[Fact]:
    """Draws that are the same by every seed."""
    if len({call.shape for call in calls}) > 1 or len(calls[0]) < FEWEST:
        return
    rows = [call.reshape(len(call), -1) for call in calls]
    if any(len(np.unique(row[:, 0])) < len(row) // 2 for row in rows):
        return  # of few numbers, some are the same by chance
    same = np.all([(row == rows[0]).all(axis=1) for row in rows[1:]], axis=0)
    places = np.flatnonzero(same)
    if not len(places):
        return
    number, total = len(places), len(same)
    which = "the first draw is" if places.tolist() == [0] else f"{number} of {total} draws are"
    if number > 1 and (places == np.arange(number)).all():
        which = f"the first {number} of {total} draws are"
    yield Fact(f"{which} the same by every seed", fix)


def shuffled(subject: GuardedSubject) -> GuardedSubject:
    """The subject, with the draws of each call in another order."""

    def function(*arguments: Any, **options: Any) -> Any:
        (found,) = subject.arrays(*arguments, **options)
        return np.random.default_rng(int(options[SEED]) + 77).permutation(found, axis=0)

    return GuardedSubject(function, subject.operation, subject.watch)


def _holds(law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    try:
        return all(law.evidence(subject, ruler, law.build(case, ruler.format)).holds for case in law.trials)
    except TargetFault:
        return False
