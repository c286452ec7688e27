"""Where a target is wrong, if what it does there is like nothing known: at which sizes, for which numbers and options.

Each is told only if the target is wrong there and right elsewhere, and again on inputs that were not looked at before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, pairwise, product
from typing import Any

import numpy as np

from nnlaws.authoring.case import stack
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.diagnosis.probes.marks import MARKS, Mark
from nnlaws.diagnosis.probes.options import drawn, number
from nnlaws.diagnosis.probes.patterns import Pattern, pattern
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Sample

SIZES = (*range(1, 27), 30, 31, 32, 33, 40, 47, 48, 59, 63, 64, 65, 76, 77, 96, 100, 127, 128, 129, 130)
AGAIN = (27, 28, 29, 34, 36, 39, 41, 44, 50, 56, 60, 66, 72, 80, 99, 110, 131, 136)
"""Sizes that are looked at, and those that a pattern is then held to."""
ENTRIES = 700  # of an array, at most
LANES = 4
FACTORS = tuple(2.0**power for power in range(-30, 41))
MOSTLY = 0.5  # of what is known to have such an option, that is wrong at least
LOOSE = 1.5  # times, that limits of like arrays may differ
CONFIRMED = 3  # arrays that have to show it
JUMP = 4  # times what is allowed, that an error is at once where a limit of an option is passed
NARROWING = 12  # halvings of an interval between a right and a wrong factor


Holds = Callable[[Arguments, Options], bool | None]
"""Of the arguments of a batch of one lane, and options, whether the place is there; None where that is not known."""


@dataclass(frozen=True)
class Place:
    """Where a target is wrong: `words` after "where", and whether some arguments are there; always: whether it is wrong
    wherever that is.
    """

    words: str
    holds: Holds
    always: bool = True

    def covers(self, bench: Bench, samples: Sequence[Sample]) -> bool:
        """Whether all that is wrong in the samples is there."""
        for sample in samples:
            for lane in np.flatnonzero(sample.wrong_lanes):
                if self.holds(tuple(a[lane : lane + 1] for a in sample.arguments), sample.options) is False:
                    return False
        return True


def where(
    chapter: Chapter, bench: Bench, laws: Sequence[Law], samples: Sequence[Sample], seen: Sequence[Sample]
) -> Place | None:
    """Where the target is wrong, if that is only somewhere that can be said. seen: what a law has seen it do."""
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    every = [*seen, *samples]
    looks: tuple[Callable[[], Place | None], ...] = (
        lambda: _marks(bench, samples, seen),
        lambda: _sizes(bench, judging, laws),
        lambda: _options(bench, every),
        lambda: _magnitudes(bench, judging, laws),
    )
    for look in looks:
        found = look()
        if found is not None and found.covers(bench, every):
            return replace(found, words=found.words + _only_results(bench, every))
    return None


def _only_results(bench: Bench, samples: Sequence[Sample]) -> str:
    """Which of several results alone are wrong."""
    names = list(bench.operation.results)
    wrong = [name for i, name in enumerate(names) if any(bool(sample.wrong[i].any()) for sample in samples)]
    return f", in {' and '.join(wrong)} alone" if len(names) > len(wrong) > 0 else ""


def is_wrong(sample: Sample | None) -> bool:
    return sample is not None and bool(sample.wrong_lanes.any())


def _marks(bench: Bench, samples: Sequence[Sample], seen: Sequence[Sample]) -> Place | None:
    """What all that is wrong has, and without which it is right: a number, a row of zeros, two largest."""
    every = [*seen, *samples]
    for place, name in enumerate(bench.operation.arguments):
        for mark in MARKS:
            held = [
                (sample.lanes(slice(lane, lane + 1)), bool(wrong))
                for sample in every
                for lane, wrong in enumerate(sample.wrong_lanes)
                if mark.holds(sample.arguments[place][lane])
            ]
            bad = [sample for sample, wrong in held if wrong]
            if not bad or len(bad) < sum(int(sample.wrong_lanes.sum()) for sample in every):
                continue
            if not _mended(bench, bad, place, mark):
                continue
            spoilt = _spoilt(bench, samples, place, mark)
            always = len(bad) == len(held) and len(spoilt) >= CONFIRMED and all(spoilt)
            if always or (any(spoilt) and len(bad) >= CONFIRMED):
                return Place(mark.words.format(name), _holder(place, mark), always)
    return None


def _holder(place: int, mark: Mark) -> Holds:
    return lambda arguments, options: all(mark.holds(lane) for lane in arguments[place])


def _mended(bench: Bench, bad: Sequence[Sample], place: int, mark: Mark) -> bool:
    """Whether what is wrong becomes right when it is taken out, and nothing else is changed."""
    return all(
        _changed(bench, sample, place, mark.without) is False for sample in bad[:: max(len(bad) // CONFIRMED, 1)]
    )


def _spoilt(bench: Bench, samples: Sequence[Sample], place: int, mark: Mark) -> list[bool]:
    """Of some arrays that are right, whether they become wrong by it."""
    right = [sample.lanes(slice(0, 1)) for sample in samples if not is_wrong(sample)][: 4 * CONFIRMED]
    flags = [_changed(bench, sample, place, mark.put) for sample in right]
    return [flag for flag in flags if flag is not None]


def _changed(bench: Bench, sample: Sample, place: int, change: Callable[[Any], Any]) -> bool | None:
    """Whether the one lane is wrong with an argument changed; None where it cannot be told."""
    given = sample.arguments[place]
    with np.errstate(all="ignore"):
        changed = change(given[0].astype(np.float64)).astype(given.dtype)[None]
    if np.array_equal(changed, given, equal_nan=True):
        return None
    other = bench.sample((*sample.arguments[:place], changed, *sample.arguments[place + 1 :]), sample.options)
    return None if other is None else is_wrong(other)


def inputs_of(
    bench: Bench, judging: Rounding, law: Law, m: int, columns: int, seed: int
) -> tuple[Arguments, dict[str, Any]] | None:
    """Arguments of that size, all of whose entries differ as a rule, of moderate size and not all 0; and options."""
    if not law.admits(Case(m, columns, "", 0, 0)):
        return None
    families = judging.families[len(judging.families) // 2 :]  # simplest first: of the first, all entries are alike
    for level in sorted(judging.levels, key=abs):
        cases = [
            Case(m, columns, families[(seed + lane) % len(families)], level, (8 * (seed + lane) + lane % 2) % TOGETHER)
            for lane in range(LANES)
        ]
        inputs = stack(law.build, cases, bench.ruler.format)
        if any(a.any() for a in inputs.arguments):
            return inputs.arguments, bench.operation.given(inputs.options)
    return None


def _sizes(bench: Bench, judging: Rounding, laws: Sequence[Law]) -> Place | None:
    """Sizes of one axis, with others small."""
    law = laws[0]
    for axis in ("columns", "m"):
        low, high = law.columns if axis == "columns" else law.m
        if low == high:
            continue
        for other in (3, 1):
            flag = _flags(bench, judging, law, axis, other)
            wrong = {float(n): is_so for n in SIZES if (is_so := flag(n)) is not None}
            found = pattern(wrong)
            if found is None:
                continue
            again = {float(n): is_so for n in AGAIN if (is_so := flag(n)) is not None}
            from_there = {found.holds(n) for n in again if n >= min(n for n, is_so in wrong.items() if is_so)}
            if found.block and len(from_there) < 2:
                continue  # what is left over by blocks is told by both kinds of numbers
            if len(again) >= CONFIRMED and all(found.holds(n) == is_so for n, is_so in again.items()):
                dim = _axis_name(bench, judging, axis, law)

                def holds(arguments: Arguments, options: Options, dim: str = dim, found: Pattern = found) -> bool:
                    return found.holds(bench.sizes(arguments)[dim])

                return Place(found.words(dim), holds)
    return None


def _flags(bench: Bench, judging: Rounding, law: Law, axis: str, other: int) -> Callable[[int], bool | None]:
    """Of a size, whether the target is wrong there; None where it is no size for the law."""
    seeds = count(1, 5)

    def flag(size: int) -> bool | None:
        m, columns = (other, size) if axis == "columns" else (size, other)
        if m * columns > ENTRIES:
            return None
        given = inputs_of(bench, judging, law, m, columns, next(seeds))
        if given is None:
            return None
        arguments, options = given
        answers = [bench.sample(arguments, {**options, **ways}) for ways in _either_way(options)]
        return None if None in answers else any(is_wrong(each) for each in answers)

    return flag


def _either_way(options: dict[str, Any]) -> list[dict[str, Any]]:
    """What is true or false, as the one and as the other."""
    names = [name for name, value in options.items() if isinstance(value, bool)]
    return [dict(zip(names, values, strict=True)) for values in product((False, True), repeat=len(names))]


def _axis_name(bench: Bench, judging: Rounding, axis: str, law: Law) -> str:
    """What the operation calls the axis: the one that a case's number changes."""
    larger = (3, 4) if axis == "columns" else (4, 3)
    small, large = (
        law.build(Case(*size, judging.families[0], judging.levels[0], 0), bench.ruler.format)
        for size in ((3, 3), larger)
    )
    for dims, a, b in zip(bench.operation.arguments.values(), small.arguments, large.arguments, strict=True):
        for dim, one, other in zip(dims, a.shape, b.shape, strict=True):
            if one != other:
                return dim
    return axis


def _options(bench: Bench, samples: Sequence[Sample]) -> Place | None:
    """Values of one option."""
    for name in bench.operation.options:
        if any(isinstance(sample.options[name], bool) for sample in samples):
            continue
        values = drawn(samples, name)
        flags: list[dict[float, bool]] = []
        for sample in _bases(samples):
            answers = {v: bench.sample(sample.arguments, {**sample.options, name: v}) for v in values}
            flags.append({v: is_wrong(answer) for v, answer in answers.items() if answer is not None})
        wrong = {v: any(each.get(v, False) for each in flags) for v in values}
        found = pattern(wrong)
        if found is not None and len(values) > CONFIRMED and sum(each == wrong for each in flags) >= CONFIRMED:
            there = [
                bool(wrong)
                for sample in samples
                if not isinstance(value := sample.options[name], tuple) and found.holds(float(value))
                for wrong in sample.wrong_lanes
            ]
            if np.mean(there) < MOSTLY:
                continue  # it shows there, and is something else
            narrowed = _narrowed(bench, found, name, _bases(samples))
            if narrowed is None:
                continue
            found = narrowed

            def holds(arguments: Arguments, options: Options, name: str = name, found: Pattern = found) -> bool | None:
                value: Any = options[name]
                return None if isinstance(value, tuple) else found.holds(float(value))

            return Place(found.words(name), holds)
    return None


def _narrowed(bench: Bench, found: Pattern, name: str, bases: Sequence[Sample]) -> Pattern | None:
    """The pattern with its end sought between the last value that is right and the first that is wrong; none where what
    is wrong only grows from there until it shows.
    """
    right, wrong = found.turn
    if not found.side or right == wrong or isinstance(bases[0].options[name], int):
        return found
    low, high = right, wrong
    for _ in range(NARROWING):
        middle = float((low * high) ** 0.5 if min(low, high) > 0 else (low + high) / 2)
        answers = [bench.sample(base.arguments, {**base.options, name: middle}) for base in bases]
        low, high = (low, middle) if any(is_wrong(each) for each in answers) else (middle, high)
    there = [bench.sample(base.arguments, {**base.options, name: high}) for base in bases]
    if max((_used(sample) for sample in there if sample is not None), default=np.inf) < JUMP:
        return None
    above, about = found.side == "more", number(float(f"{high:.2g}"))

    def holds(n: float) -> bool:
        return n > low if above else n < low

    return Pattern(lambda name: f"{name} is about {about} or {found.side}", holds)


def _bases(samples: Sequence[Sample]) -> list[Sample]:
    """The most wrong, and some others."""
    ordered = sorted(samples, key=lambda sample: -int(sample.wrong_lanes.sum()))
    return ordered[:5]


def _used(sample: Sample) -> float:
    """The largest error, in what is allowed; 0 where all is right."""
    return max(said.misfit(got) for got, said in zip(sample.got, sample.right, strict=True))


Move = Callable[[Any, float], Any]
MOVES: tuple[tuple[str, Move, Callable[[Any], float]], ...] = (
    (
        "the largest |{}| is about {}",
        lambda a, x: a * (x / max(float(np.abs(a).max()), 1e-300)),
        lambda a: float(np.abs(a).max()),
    ),
    ("all of {} is about {}", lambda a, x: a - a.mean() + x, lambda a: float(a.max())),
    ("all of {} is about -{}", lambda a, x: a - a.mean() - x, lambda a: float(-a.max(axis=-1).min())),
)
"""How numbers are moved to a size, in words, and how that size is measured."""


def _magnitudes(bench: Bench, judging: Rounding, laws: Sequence[Law]) -> Place | None:
    """A size of numbers from which on it is wrong, or up to which."""
    bases = list(_right_bases(bench, judging, laws[0]))
    for place, name in enumerate(bench.operation.arguments):
        for words, move, measure in MOVES:
            limits = [_limit(bench, base, place, move) for base in bases]
            told = [each for each in limits if each is not None]
            if len(told) < CONFIRMED or len(told) < len(limits) or len({above for _, above in told}) > 1:
                continue
            at = [limit for limit, _ in told]
            if max(at) > LOOSE * min(at):
                continue
            limit, above = min(at), told[0][1]

            def holds(arguments: Arguments, options: Options, *about: Any) -> bool | None:
                measure, place, limit, above = about
                size = measure(np.asarray(arguments[place], dtype=np.float64))
                if limit / LOOSE**2 < size < limit * LOOSE**2:
                    return None
                return bool((size > limit) == above)

            side = "or beyond" if above else "or nearer to 0"
            told_words = f"{words.format(name, number(float(f'{limit:.2g}')))} {side}"
            return Place(told_words, partial(_applied, holds, (measure, place, limit, above)))
    return None


def _applied(holds: Any, about: tuple[Any, ...], arguments: Arguments, options: Options) -> bool | None:
    found: bool | None = holds(arguments, options, *about)
    return found


def _right_bases(bench: Bench, judging: Rounding, law: Law) -> Iterator[Sample]:
    for seed in (3, 11, 23):
        m, columns = (max(low, min(n, high)) for n, (low, high) in ((2, law.m), (4, law.columns)))
        given = inputs_of(bench, judging, law, m, columns, seed)
        sample = bench.sample(*given) if given is not None else None
        if sample is not None:
            yield sample.lanes(slice(0, 1))


def _limit(bench: Bench, base: Sample, place: int, move: Move) -> tuple[float, bool] | None:
    """Where right and wrong meet, once, and whether it is wrong above."""

    def wrong(x: float) -> bool | None:
        a = np.asarray(base.arguments[place], dtype=np.float64)
        with np.errstate(all="ignore"):
            moved = move(a, x)
            moved = (np.rint(moved) if whole else moved).astype(base.arguments[place].dtype)
        if not np.isfinite(np.asarray(moved, dtype=np.float64)).all():
            return None
        sample = bench.sample((*base.arguments[:place], moved, *base.arguments[place + 1 :]), base.options)
        return None if sample is None else is_wrong(sample)

    whole = bool((base.arguments[place] == np.rint(base.arguments[place])).all())
    if wrong(1.0) is not False:  # of ordinary numbers: else it says only where nothing can be seen
        return None
    flags = [(x, is_so) for x in FACTORS[::2] if (is_so := wrong(x)) is not None]
    turns = [(a, b) for a, b in pairwise(flags) if a[1] != b[1]]
    if len(turns) != 1 or len(flags) < 6:
        return None
    ((low, _), (high, above)) = turns[0]
    for _ in range(NARROWING):
        middle = (low * high) ** 0.5
        if wrong(middle) == above:
            high = middle
        else:
            low = middle
    return high, above


__all__ = ["Place", "where"]
