"""Where a target is wrong, if what it does there is like nothing known: at which sizes, for which numbers and options.

Each is told only if the target is wrong there and right elsewhere, and again on inputs that were not looked at before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from nnlaws.authoring.case import stack
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.diagnosis.probes.options import drawn, number
from nnlaws.diagnosis.probes.patterns import Pattern, pattern
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Sample

SIZES = (*range(1, 27), 30, 31, 32, 33, 40, 47, 48, 63, 64, 65, 96, 100, 127, 128, 129, 130)
AGAIN = (27, 28, 29, 34, 36, 39, 41, 44, 50, 56, 60, 66, 72, 80, 99, 110, 131, 136)
"""Sizes that are looked at, and those that a pattern is then held to."""
ENTRIES = 700  # of an array, at most
LANES = 4
SPECIALS = {"NaN": np.nan, "-inf": -np.inf, "inf": np.inf, "0": 0.0, "-0": -0.0}
FACTORS = tuple(2.0**power for power in range(-30, 41))
NARROWING = 12  # halvings of an interval between a right and a wrong factor


@dataclass(frozen=True)
class Place:
    """Words that say where: "m is 5 to 8"."""

    words: str


def where(
    chapter: Chapter, bench: Bench, laws: Sequence[Law], samples: Sequence[Sample], seen: Sequence[Sample]
) -> Place | None:
    """Where the target is wrong, if that is only somewhere that can be said. seen: what a law has seen it do."""
    judging = chapter.judging
    assert isinstance(judging, Rounding)
    looks = (_sizes, _options, _magnitudes)
    found = _specials(bench, samples, seen)
    for look in looks:
        found = found or look(bench, judging, laws, samples)
    return Place(found + _only_results(bench, [*seen, *samples])) if found else None


def _only_results(bench: Bench, samples: Sequence[Sample]) -> str:
    """Which of several results alone are wrong."""
    names = list(bench.operation.results)
    wrong = [name for i, name in enumerate(names) if any(bool(sample.wrong[i].any()) for sample in samples)]
    return f", in {' and '.join(wrong)} alone" if len(names) > len(wrong) > 0 else ""


def is_wrong(sample: Sample | None) -> bool:
    return sample is not None and bool(sample.wrong_lanes.any())


def _specials(bench: Bench, samples: Sequence[Sample], seen: Sequence[Sample]) -> str | None:
    """A number that is wrong wherever it stands, where all else is right; of those in what the law has seen."""
    right = [sample for sample in samples if not is_wrong(sample) and _ordinary(sample.arguments)]
    if len(right) < 2:
        return None
    for place, name in enumerate(bench.operation.arguments):
        for words, special in SPECIALS.items():
            if not any(_holds(sample.arguments[place], special) for sample in seen if is_wrong(sample)):
                continue
            flags = [is_wrong(_with(bench, sample, place, special, seed)) for seed, sample in enumerate(right[:4])]
            if len(flags) >= 2 and all(flags):
                return f"{name} holds {words}"
    return None


def _holds(a: Any, special: float) -> bool:
    """Whether each lane that counts may have it: some entry is that number, to the bit."""
    wide = np.asarray(a, dtype=np.float64)
    same = np.isnan(wide) if np.isnan(special) else (wide == special) & (np.signbit(wide) == np.signbit(special))
    return bool(same.any())


def _ordinary(arguments: Arguments) -> bool:
    return all(bool(np.isfinite(np.asarray(a, dtype=np.float64)).all()) for a in arguments)


def _with(bench: Bench, sample: Sample, place: int, special: float, seed: int) -> Sample | None:
    """The sample with one entry of each lane of an argument as that number."""
    changed = sample.arguments[place].copy()
    flat = changed.reshape(len(changed), -1)
    flat[:, (7 * seed + 3) % flat.shape[1]] = special
    arguments = (*sample.arguments[:place], changed, *sample.arguments[place + 1 :])
    return bench.sample(arguments, sample.options)


def inputs_of(
    bench: Bench, judging: Rounding, law: Law, m: int, columns: int, seed: int, group: int = 0
) -> tuple[Arguments, dict[str, Any]] | None:
    """Arguments of that size, all of whose entries differ as a rule, of moderate size; and options."""
    if not law.admits(Case(m, columns, "", 0, 0)):
        return None
    families = [family for family in judging.families if family not in ("constant", "one")]
    level = sorted(judging.levels, key=abs)[0]
    cases = [
        Case(m, columns, families[(seed + lane) % len(families)], level, (8 * (seed + lane) + lane % 2) % TOGETHER + TOGETHER * group)
        for lane in range(LANES)
    ]  # fmt: skip
    inputs = stack(law.build, cases, bench.ruler.format)
    return inputs.arguments, {name: inputs.options[name] for name in bench.operation.options}


def _sizes(bench: Bench, judging: Rounding, laws: Sequence[Law], samples: Sequence[Sample]) -> str | None:
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
            if len(again) >= 3 and all(found.holds(n) == is_so for n, is_so in again.items()):
                return found.words(_axis_name(bench, axis, law))
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


def _options(bench: Bench, judging: Rounding, laws: Sequence[Law], samples: Sequence[Sample]) -> str | None:
    """Values of one option."""
    for name in bench.operation.options:
        values = drawn([s for s in samples if not isinstance(s.options[name], bool)], name)
        flags: list[dict[float, bool]] = []
        for sample in _bases(samples):
            answers = {v: bench.sample(sample.arguments, {**sample.options, name: v}) for v in values}
            flags.append({v: is_wrong(answer) for v, answer in answers.items() if answer is not None})
        wrong = {v: any(each.get(v, False) for each in flags) for v in values}
        found = pattern(wrong)
        if found is not None and len(values) > 2 and sum(each == wrong for each in flags) >= 2:
            return found.words(name)
    return None


def _bases(samples: Sequence[Sample]) -> list[Sample]:
    """The most wrong, and some others."""
    ordered = sorted(samples, key=lambda sample: -int(sample.wrong_lanes.sum()))
    return ordered[:3]


Move = Callable[[Any, float], Any]
MOVES: dict[str, tuple[str, Move, tuple[float, ...]]] = {
    "scaled": ("the largest |{}| is", lambda a, x: a * (x / max(float(np.abs(a).max()), 1e-300)), FACTORS),
    "raised": ("all of {} is about", lambda a, x: a - a.mean() + x, FACTORS),
    "lowered": ("all of {} is about", lambda a, x: a - a.mean() - x, FACTORS),
}


def _magnitudes(bench: Bench, judging: Rounding, laws: Sequence[Law], samples: Sequence[Sample]) -> str | None:
    """A size of numbers from which on it is wrong, or up to which."""
    for place, name in enumerate(bench.operation.arguments):
        for kind, (words, move, factors) in MOVES.items():
            limits = [_limit(bench, base, place, move, factors) for base in _right_bases(bench, judging, laws[0])]
            told = [each for each in limits if each is not None]
            if len(told) < 3 or len(told) < len(limits) or len({above for _, above in told}) > 1:
                continue
            at = [limit for limit, _ in told]
            if max(at) > 3 * min(at):
                continue
            sign = "-" if kind == "lowered" else ""
            side = "or more" if told[0][1] != (kind == "lowered") else "or less"
            return f"{words.format(name)} {sign}{number(float(f'{min(at):.2g}'))} {side}"
    return None


def _right_bases(bench: Bench, judging: Rounding, law: Law) -> Iterator[Sample]:
    for seed in (3, 11, 23):
        given = inputs_of(bench, judging, law, max(law.m[0], 2), max(law.columns[0], 4), seed)
        sample = bench.sample(*given) if given is not None else None
        if sample is not None:
            yield sample.lanes(slice(0, 1))


def _limit(
    bench: Bench, base: Sample, place: int, move: Move, factors: Sequence[float]
) -> tuple[float, bool] | None:
    """Where right and wrong meet, once, and whether it is wrong above."""

    def wrong(x: float) -> bool | None:
        a = np.asarray(base.arguments[place], dtype=np.float64)
        with np.errstate(all="ignore"):
            moved = move(a, x).astype(base.arguments[place].dtype)
        if not np.isfinite(np.asarray(moved, dtype=np.float64)).all():
            return None
        sample = bench.sample((*base.arguments[:place], moved, *base.arguments[place + 1 :]), base.options)
        return None if sample is None else is_wrong(sample)

    flags = [(x, is_so) for x in factors[::2] if (is_so := wrong(x)) is not None]
    turns = [(a, b) for a, b in zip(flags, flags[1:], strict=False) if a[1] != b[1]]
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


__all__ = ["Pattern", "Place", "where"]
