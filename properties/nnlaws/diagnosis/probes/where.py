"""Where a target is wrong, if what it does there is like nothing known: at which sizes, for which numbers and options.

Each is told only if the target is wrong there and right elsewhere, and again on inputs that were not looked at before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np

from nnlaws.authoring.case import stack
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.diagnosis.probes.options import drawn, number
from nnlaws.diagnosis.probes.patterns import Pattern, pattern
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Sample

SIZES = (*range(1, 27), 30, 31, 32, 33, 40, 47, 48, 63, 64, 65, 96, 100, 127, 128, 129, 130)
AGAIN = (27, 28, 29, 34, 36, 39, 41, 44, 50, 56, 60, 66, 72, 80, 99, 110, 131, 136)
"""Sizes that are looked at, and those that a pattern is then held to."""
ENTRIES = 700  # of an array, at most
LANES = 4
SPECIALS = {"NaN": np.nan, "-inf": -np.inf, "inf": np.inf, "0": 0.0}
FACTORS = tuple(2.0**power for power in range(-30, 41))
LOOSE = 1.5  # times, that limits of like arrays may differ
CONFIRMED, MANY = 3, 10  # arrays that have to show it; and where there is nothing else to try
NARROWING = 12  # halvings of an interval between a right and a wrong factor


Holds = Callable[[Arguments, Options], bool | None]
"""Of the arguments of a batch of one lane, and options, whether the place is there; None where that is not known."""


@dataclass(frozen=True)
class Place:
    """Where a target is wrong: `words` after "where", and whether some arguments are there."""

    words: str
    holds: Holds

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
        lambda: _specials(bench, samples, seen),
        lambda: _sizes(bench, judging, laws),
        lambda: _options(bench, samples),
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


def _specials(bench: Bench, samples: Sequence[Sample], seen: Sequence[Sample]) -> Place | None:
    """A number that all that is wrong holds, and nothing that is right does."""
    every = [*seen, *samples]
    for only in (False, True):
        for place, name in enumerate(bench.operation.arguments):
            for words, special in SPECIALS.items():
                held = _held(bench, every, place, special)
                there = sum(holds and wrong for holds, wrong in held)
                free = sum(not wrong and not holds for holds, wrong in held)
                if not there or free < MANY or any(wrong and not holds for holds, wrong in held):
                    continue
                everywhere = all(wrong for holds, wrong in held if holds)
                if only and not everywhere and there >= CONFIRMED:  # there, but not always
                    return Place(f"{name} holds {words}, and only there", _holder(place, special))
                if not everywhere or only:
                    continue
                if (special != 0 and _put_in(bench, samples, place, special)) or there >= MANY:
                    return Place(f"{name} holds {words}", _holder(place, special))
    return None


def _holder(place: int, special: float) -> Holds:
    return lambda arguments, options: _holds(arguments[place], special)


def _held(bench: Bench, samples: Sequence[Sample], place: int, special: float) -> list[tuple[bool, bool]]:
    """Of each lane, whether it holds the number, and whether it is wrong; of 0 only where no axis is 1: of one thing,
    much is right by chance.
    """
    return [
        (_holds(sample.arguments[place][lane], special), bool(wrong))
        for sample in samples
        if special or all(size > 1 for size in bench.sizes(sample.arguments).values())
        for lane, wrong in enumerate(sample.wrong_lanes)
    ]


def _put_in(bench: Bench, samples: Sequence[Sample], place: int, special: float) -> bool:
    """Whether what is right becomes wrong by it."""
    right = [sample for sample in samples if not is_wrong(sample)][:CONFIRMED]
    flags = [is_wrong(_with(bench, sample, place, special, seed)) for seed, sample in enumerate(right)]
    return len(flags) == CONFIRMED and all(flags)


def _holds(a: Any, special: float) -> bool:
    """Whether some entry is that number, to the bit."""
    wide = np.asarray(a, dtype=np.float64)
    same = np.isnan(wide) if np.isnan(special) else (wide == special) & (np.signbit(wide) == np.signbit(special))
    return bool(same.any())


def _with(bench: Bench, sample: Sample, place: int, special: float, seed: int) -> Sample | None:
    """The sample with one entry of each lane of an argument as that number."""
    changed = sample.arguments[place].copy()
    flat = changed.reshape(len(changed), -1)
    flat[:, (7 * seed + 3) % flat.shape[1]] = special
    arguments = (*sample.arguments[:place], changed, *sample.arguments[place + 1 :])
    return bench.sample(arguments, sample.options)


def inputs_of(
    bench: Bench, judging: Rounding, law: Law, m: int, columns: int, seed: int
) -> tuple[Arguments, dict[str, Any]] | None:
    """Arguments of that size, all of whose entries differ as a rule, of moderate size; and options."""
    if not law.admits(Case(m, columns, "", 0, 0)):
        return None
    families = judging.families[len(judging.families) // 2 :]  # simplest first: of the first, all entries are alike
    level = sorted(judging.levels, key=abs)[0]
    cases = [
        Case(m, columns, families[(seed + lane) % len(families)], level, (8 * (seed + lane) + lane % 2) % TOGETHER)
        for lane in range(LANES)
    ]
    inputs = stack(law.build, cases, bench.ruler.format)
    return inputs.arguments, {name: inputs.options[name] for name in bench.operation.options}


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
            if len(again) >= CONFIRMED and all(found.holds(n) == is_so for n, is_so in again.items()):
                dim = _axis_name(bench, axis, law)

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
        sample = bench.sample(*given)
        return None if sample is None else is_wrong(sample)

    return flag


def _axis_name(bench: Bench, axis: str, law: Law) -> str:
    """What the operation calls the axis: the one that a case's number changes."""
    small, large = (law.build(Case(*size, "integers", 1, 0), bench.ruler.format) for size in ((3, 3), (4, 3)))
    if axis == "columns":
        large = law.build(Case(3, 4, "integers", 1, 0), bench.ruler.format)
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

            def holds(arguments: Arguments, options: Options, name: str = name, found: Pattern = found) -> bool | None:
                value: Any = options[name]
                return None if isinstance(value, tuple) else found.holds(float(value))

            return Place(found.words(name), holds)
    return None


def _bases(samples: Sequence[Sample]) -> list[Sample]:
    """The most wrong, and some others."""
    ordered = sorted(samples, key=lambda sample: -int(sample.wrong_lanes.sum()))
    return ordered[:5]


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
        given = inputs_of(bench, judging, law, max(law.m[0], 2), max(law.columns[0], 4), seed)
        sample = bench.sample(*given) if given is not None else None
        if sample is not None:
            yield sample.lanes(slice(0, 1))


def _limit(bench: Bench, base: Sample, place: int, move: Move) -> tuple[float, bool] | None:
    """Where right and wrong meet, once, and whether it is wrong above."""

    def wrong(x: float) -> bool | None:
        a = np.asarray(base.arguments[place], dtype=np.float64)
        with np.errstate(all="ignore"):
            moved = move(a, x).astype(base.arguments[place].dtype)
        if not np.isfinite(np.asarray(moved, dtype=np.float64)).all():
            return None
        sample = bench.sample((*base.arguments[:place], moved, *base.arguments[place + 1 :]), base.options)
        return None if sample is None else is_wrong(sample)

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
