"""Theories of one option that acts as another value: raised, capped, rounded, replaced, or not looked at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor, inf, isfinite, log10, sqrt
from typing import Any

import ml_dtypes
import numpy as np

from nnlaws.authoring.operation import Option
from nnlaws.diagnosis.probes.plain import Plain
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Sample, Saying, Theory

Change = Callable[[float], float]
DIGITS = 6  # significant ones, that an effective value is told to, at most
VALUES = 6  # of an option, that a theory of several options is tried with
MANY, ROUNDS = 65, 7  # of the search for an effective value: so many at once, each time between two of the last


def _truncated(x: float) -> float:
    bits = np.float32(x).view(np.uint32) & np.uint32(0xFFFF0000)
    return float(bits.view(np.float32))


def _to(dtype: Any) -> Change:
    return lambda x: float(np.asarray(x).astype(dtype))


def _places(number: int) -> Change:
    return lambda x: round(x, number)


ROUNDED: dict[str, Change] = {
    "rounded to bfloat16": _to(ml_dtypes.bfloat16),
    "truncated to bfloat16": _truncated,
    "rounded to float16": _to(np.float16),
    "rounded to float32": _to(np.float32),
    "truncated to a whole number": lambda x: float(int(x)),
    "rounded to a whole number": lambda x: float(round(x)),
    "rounded to one decimal": _places(1),
    "rounded to two decimals": _places(2),
    "rounded to three decimals": _places(3),
}
ALTERED: dict[str, Change] = {
    "its complement to 1": lambda x: 1 - x,
    "its square": lambda x: x * x,
    "its root": lambda x: sqrt(x) if x >= 0 else x,
    "its reciprocal": lambda x: 1 / x if x else inf,
    "its negative": lambda x: -x,
    "twice what it is": lambda x: 2 * x,
    "half of what it is": lambda x: x / 2,
    "ten times what it is": lambda x: 10 * x,
    "a tenth of what it is": lambda x: x / 10,
    "a hundredth of what it is": lambda x: x / 100,
    "one more": lambda x: x + 1,
    "one less": lambda x: x - 1,
}
NATURAL = (
    *(0.0, 1.0, 2.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.95, 0.98, 0.75, -1.0),
    *(float(f"{digit}e{power}") for power in range(-16, 5) for digit in (1, 5, 2, 3)),
    *(2.0**-power for power in range(2, 40)),
)
"""What defaults and limits are, most often."""


@dataclass(frozen=True)
class Meant:
    """An option, and the values that laws give it."""

    name: str
    drawn: tuple[float, ...]

    def inside(self, values: Sequence[float]) -> list[float]:
        """Those between the least and the largest that is drawn; whole numbers, where all that are drawn are."""
        low, high = min(self.drawn), max(self.drawn)
        whole = all(float(each).is_integer() for each in self.drawn) and high > 1
        kept = [float(round(each)) if whole else each for each in values if isfinite(each)]
        return [each for each in kept if low <= each <= high]


def drawn(samples: Sequence[Sample], name: str) -> tuple[float, ...]:
    """Every value of the option, or of a step of it, in the samples."""
    given = [sample.options[name] for sample in samples]
    flat = [each for one in given for each in (one if isinstance(one, tuple) else (one,))]
    return tuple(dict.fromkeys(float(each) for each in flat))


def by_options(bench: Bench, sample: Sample, samples: Sequence[Sample]) -> Iterator[Theory]:
    """Theories that explain a wrong result of one lane. samples: what else is known, for the values of options."""
    plain = Plain(bench, sample)
    for name in bench.operation.options:
        value = sample.options[name]
        if isinstance(value, bool):
            yield from _flipped(bench, name)
            continue
        yield from _one(bench, plain, Meant(name, drawn(samples, name)), value)
    numbers = [name for name in bench.operation.options if isinstance(sample.options[name], float)]
    for one, other in combinations(numbers, 2):
        yield _exchanged(bench, one, other)
    for words, change in ROUNDED.items():
        meant = {name: drawn(samples, name) for name in numbers}
        inexact = {name: values for name, values in meant.items() if any(change(v) != v for v in values)}
        for size in range(2, len(inexact) + 1):
            for names in combinations(inexact, size):
                ways = tuple(dict[str, Option]({name: v}) for name in names for v in inexact[name][:VALUES])
                yield _several(bench, names, words, change, ways)


def _flipped(bench: Bench, name: str) -> Iterator[Theory]:
    other: dict[str, Change] = {
        "the other way round": lambda given: not given,
        "True": lambda given: True,
        "False": lambda given: False,
    }
    for words, change in other.items():
        ways: tuple[Options, ...] = ({name: True}, {name: False})
        yield _theory(bench, name, f"{name} is taken as {words}", f"take {name} as it is given", change, ways)


def _one(bench: Bench, plain: Plain, meant: Meant, value: Any) -> Iterator[Theory]:
    name, taken = meant.name, f"take {meant.name} as it is given"
    if isinstance(value, tuple):
        yield from _steps(bench, name, plain, value)
    for given in dict.fromkeys(value if isinstance(value, tuple) else (value,)):
        v = float(given)
        around = meant.inside([0.75 * v, 1.25 * v, 2 * v, v / 2, v / 10, *meant.drawn])
        designed = tuple(dict[str, Option]({name: each}) for each in dict.fromkeys((v, *around)))[:12]
        for c in _effective(plain, name, v, value):
            near = meant.inside([c, c / 2, 2 * c, 0.99 * c, 1.01 * c, c / 10, (v + c) / 2, sqrt(abs(v * c))])
            ways = tuple(dict[str, Option]({name: each}) for each in dict.fromkeys((*near, v, *around)))
            yield from _limits(bench, name, v, c, taken, ways)
        for words, change in (*ALTERED.items(), *ROUNDED.items()):
            if change(v) != v and plain.of(name, _each(change, value)) <= 1:
                yield _theory(bench, name, f"{name} acts as {words}", taken, change, designed)
        for other in bench.operation.options:
            another = plain.options[other]
            if other != name and isinstance(another, float) and plain.of(name, another) <= 1:
                yield _swapped(bench, name, other, designed)


STEPS: dict[str, Callable[[tuple[float, ...]], tuple[float, ...]]] = {
    "every step takes the first {}": lambda each: each[:1] * len(each),
    "every step takes the last {}": lambda each: each[-1:] * len(each),
    "a step takes the {} of the step before": lambda each: (*each[:1], *each[:-1]),
    "a step takes the {} of the next": lambda each: (*each[1:], *each[-1:]),
    "the {} of the steps are taken in reverse": lambda each: each[::-1],
    "every step takes the mean {}": lambda each: (sum(each) / len(each),) * len(each),
}


def _steps(bench: Bench, name: str, plain: Plain, value: tuple[float, ...]) -> Iterator[Theory]:
    """What is one a step, taken for other steps."""
    for words, change in STEPS.items():
        if plain.of(name, change(value)) <= 1:

            def predict(arguments: Arguments, options: Options, change: Any = change) -> Saying:
                given = options[name]
                taken = change(given) if isinstance(given, tuple) else given
                return bench.of_arguments(_wide(arguments), {**options, name: taken})

            told = words.format(name)
            yield Theory(told, f"{told}: the results are right for that", f"take each step's own {name}", predict)


def _limits(bench: Bench, name: str, v: float, c: float, taken: str, ways: tuple[Any, ...]) -> Iterator[Theory]:
    """What may make v act as c."""
    told = number(c)
    limits: list[tuple[str, Change]] = [(f"{name} always acts as {told}", lambda _: c)]
    if c > v:
        ways = ({name: 0.0}, *ways) if min(v, c) > 0 else ways
        limits.append((f"{name} below {told} acts as {told}", lambda x: max(x, c)))
        limits.append((f"{name} below {told} acts as {told}, but for 0", lambda x: max(x, c) if x else x))
    if c < v:
        limits.append((f"{name} above {told} acts as {told}", lambda x: min(x, c)))
    limits.append((f"{name} acts as {told} where it is {number(v)}", lambda x: c if x == v else x))
    if v:
        limits.append((f"{name} acts as {number(c / v)} of what it is", lambda x: x * (c / v)))
    for words, change in limits:
        yield _theory(bench, name, words, taken, change, ways)


def _theory(bench: Bench, name: str, words: str, fix: str, change: Change, ways: tuple[Options, ...]) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        return bench.of_arguments(_wide(arguments), {**options, name: _each(change, options[name])})

    return Theory(words, f"{words}: the results are right for that value", fix, predict, ways)


def _several(bench: Bench, names: tuple[str, ...], words: str, change: Change, ways: tuple[Options, ...]) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        changed = {name: _each(change, options[name]) for name in names}
        return bench.of_arguments(_wide(arguments), {**options, **changed})

    told = f"{', '.join(names[:-1])} and {names[-1]} are {words}"
    return Theory(told, f"{told}: the results are right for that", "take each as it is given", predict, ways)


def _swapped(bench: Bench, name: str, other: str, ways: tuple[Options, ...]) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        return bench.of_arguments(_wide(arguments), {**options, name: options[other]})

    words = f"{other} is taken for {name}"
    return Theory(words, f"{words}: the results are right for that value", f"use {name} there", predict, ways)


def _exchanged(bench: Bench, one: str, other: str) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        return bench.of_arguments(_wide(arguments), {**options, one: options[other], other: options[one]})

    words = f"{one} and {other} are taken for each other"
    return Theory(words, f"{words}: the results are right for that", "take each for what it is", predict)


def _wide(arguments: Arguments) -> tuple[Any, ...]:
    return tuple(np.asarray(a, dtype=np.float64) for a in arguments)


def _each(change: Change, value: Any) -> Any:
    return tuple(change(each) for each in value) if isinstance(value, tuple) else change(value)


def _effective(plain: Plain, name: str, v: float, value: Any) -> list[float]:
    """The values that the option may act as: the simplest that explain the result."""

    def of(values: Any) -> Any:
        if isinstance(value, tuple):
            return np.array([plain.of(name, tuple(c if x == v else x for x in value)) for c in values])
        return plain.by_option(name, values)

    natural = np.array([c for c in dict.fromkeys(NATURAL) if c != v])
    simple = natural[of(natural) <= 1]
    if len(simple):
        return [float(c) for c in simple[:3]]
    powers = np.linspace(-12, 4, MANY)
    for _ in range(ROUNDS):
        scores = of(10.0**powers)
        best = int(np.argmin(scores))
        if not isfinite(scores[best]):
            return []
        c = float(10.0 ** powers[best])
        if scores[best] <= 1:
            few = [_significant(c, digits) for digits in range(1, DIGITS)]
            return [next((r for r, score in zip(few, of(few), strict=True) if score <= 1), c)]
        powers = np.linspace(powers[max(best - 1, 0)], powers[min(best + 1, MANY - 1)], MANY)
    return []


def _significant(x: float, digits: int) -> float:
    return round(x, digits - 1 - floor(log10(abs(x))))


def number(x: float) -> str:
    """As it is typed, to six digits."""
    return f"{x:.6g}"
