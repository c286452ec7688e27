"""Theories of one argument that is taken for another array: clipped, scaled, rounded, turned round, or left out."""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import ml_dtypes
import numpy as np

from nnlaws.diagnosis.probes.options import number
from nnlaws.diagnosis.probes.plain import Plain
from nnlaws.diagnosis.probes.returned import factors
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Said, Sample, Saying, Theory
from nnlaws.rounding.formats import Floats

Change = Callable[[Floats], Floats]
"""Of one argument with lanes."""
ROUNDS = 7  # of the search for a number, each of which narrows it eightfold or more
BATCH = 48  # numbers that are tried at once
MOST_POWERS = 1000  # of 2, by which an argument is scaled
FAR = (0.25, 0.5, 2.0, 4.0)  # times what is known to be wrong, to see on which side of a limit it lies


def _to(dtype: Any) -> Change:
    return lambda a: a.astype(dtype).astype(np.float64)


def _wrapped(bits: int) -> Change:
    """As a whole number of so many bits, with a sign."""
    return lambda a: np.where(np.isfinite(a), (np.trunc(a) + 2.0 ** (bits - 1)) % 2.0**bits - 2.0 ** (bits - 1), a)


def _norm(a: Floats) -> Floats:
    norm = np.sqrt(np.sum(a * a, axis=-1, keepdims=True))
    return np.where(norm == 0, 1, norm)


def _flip(axis: int) -> Change:
    return lambda a: np.flip(a, axis)


def _roll(axis: int, by: int) -> Change:
    return lambda a: np.roll(a, by, axis)


EVERY: dict[str, Change] = {
    "rounded to bfloat16": _to(ml_dtypes.bfloat16),
    "rounded to float16": _to(np.float16),
    "rounded to float32": _to(np.float32),
    "rounded to whole numbers": np.rint,
    "truncated to whole numbers": np.trunc,
    "wrapped to 8 bits": _wrapped(8),
    "wrapped to 16 bits": _wrapped(16),
    "taken as its absolute value": np.abs,
    "taken as its negative": np.negative,
    "taken as 0": np.zeros_like,
    "taken as 1": np.ones_like,
    "taken as one more": lambda a: a + 1,
    "taken as one less": lambda a: a - 1,
    "taken as 0 where it is negative": lambda a: np.maximum(a, 0),
    "taken as 0 where it is positive": lambda a: np.minimum(a, 0),
    "taken as 0 where it is NaN": lambda a: np.where(np.isnan(a), 0, a),
    "taken as 0 where it is -inf": lambda a: np.where(np.isneginf(a), 0, a),
    "taken less its mean along the last axis": lambda a: a - a.mean(axis=-1, keepdims=True),
    "taken as its mean along the last axis": lambda a: np.broadcast_to(a.mean(axis=-1, keepdims=True), a.shape),
    "divided by its norm along the last axis": lambda a: a / _norm(a),
    "divided by its sum along the last axis": lambda a: a / a.sum(axis=-1, keepdims=True),
    "taken as its sign": np.sign,
    "rounded to one hot": lambda a: (np.arange(a.shape[-1]) == a.argmax(axis=-1)[..., None]) * 1.0,
}
PLACES: dict[str, tuple[int, Change]] = {
    "with its rows in reverse": (2, _flip(-2)),
    "with its columns in reverse": (1, _flip(-1)),
    "as its running sum along the rows": (2, lambda a: np.cumsum(a, -2)),
    "as its mean over the rows": (2, lambda a: np.broadcast_to(a.mean(axis=-2, keepdims=True), a.shape)),
    "with its rows moved down by one": (2, _roll(-2, 1)),
    "with its rows moved up by one": (2, _roll(-2, -1)),
    "with its columns moved right by one": (1, _roll(-1, 1)),
    "with its columns moved left by one": (1, _roll(-1, -1)),
    "with its first row in all rows": (2, lambda a: np.broadcast_to(a[..., :1, :], a.shape)),
    "with its last row in all rows": (2, lambda a: np.broadcast_to(a[..., -1:, :], a.shape)),
    "with its first column in all columns": (1, lambda a: np.broadcast_to(a[..., :1], a.shape)),
    "with its last row as the one before": (2, lambda a: np.concatenate([a[..., :-1, :], a[..., -2:-1, :]], -2)),
    "with 0 in its last row": (2, lambda a: a * (np.arange(a.shape[-2]) < a.shape[-2] - 1)[:, None]),
    "with 0 in its first row": (2, lambda a: a * (np.arange(a.shape[-2]) > 0)[:, None]),
    "with 0 in its last column": (1, lambda a: a * (np.arange(a.shape[-1]) < a.shape[-1] - 1)),
    "with 0 in its first column": (1, lambda a: a * (np.arange(a.shape[-1]) > 0)),
    "in the order of the other axis": (2, lambda a: np.swapaxes(a, -1, -2).reshape(a.shape)),
}
"""With the least number of axes that it takes, beside the lanes'."""


def by_arguments(bench: Bench, sample: Sample) -> Iterator[Theory]:
    """Theories that explain a wrong result of one lane."""
    arguments, plain = bench.operation.arguments, Plain(bench, sample)
    for place, (name, dims) in enumerate(arguments.items()):
        for words, change in EVERY.items():
            if _explains(plain, place, change):
                yield theory(bench, place, f"{name} is {words}", change)
        for words, (axes, change) in PLACES.items():
            if len(dims) >= axes and _explains(plain, place, change):
                yield theory(bench, place, f"{name} is read {words}", change)
        for other, (another, others) in enumerate(arguments.items()):
            if other > place and others == dims:
                yield _exchanged(bench, place, other, f"{name} and {another} are taken for each other")
            if other != place and others == dims:
                yield _exchanged(bench, place, other, f"{another} is taken for {name}", both=False)
        for axis, dim in enumerate(dims):
            for words, factor in factors(dim).items():
                change = _by_size(factor, axis + 1)
                if sample.arguments[place].shape[axis + 1] > 1 and _explains(plain, place, change):
                    yield theory(bench, place, f"{name} is taken {words} times", change)
        yield from _numbers(bench, plain, place, name)
        if name not in bench.operation.integers:
            yield from _limits(bench, sample, place, name)


def _explains(plain: Plain, place: int, change: Change) -> bool:
    with np.errstate(all="ignore"):
        changed = np.asarray(change(plain.wide[place]), dtype=np.float64)
    return bool(plain.by_argument(place, changed)[0] <= 1)


def theory(
    bench: Bench,
    place: int,
    words: str,
    change: Change,
    *reshaped: Callable[[Arguments], Arguments],
    exact: bool = True,
) -> Theory:
    """exact: whether the changed argument is just what the target takes, or a rounding away from it."""

    def predict(arguments: Arguments, options: Options) -> Saying:
        wide = _wide(arguments)
        with np.errstate(all="ignore"):
            wide[place] = np.asarray(change(wide[place]))
        said = bench.of_arguments(tuple(wide), options)
        if exact:
            return said
        wide[place] = np.nextafter(
            wide[place], np.where(np.indices(wide[place].shape).sum(axis=0) % 2, np.inf, -np.inf)
        )
        beside = bench.of_arguments(tuple(wide), options)
        return tuple(map(_widened, said, beside))

    name = list(bench.operation.arguments)[place]
    return Theory(words, f"{words}: the results are right for that", f"take {name} as it is", predict, (), reshaped)


def _widened(said: Said, beside: Said) -> Said:
    """With room for what a rounding of the argument makes of it."""
    with np.errstate(all="ignore"):
        moved = np.nan_to_num(np.abs(said.value - beside.value), nan=0.0, posinf=0.0)
    return Said(said.value, said.within + 2 * moved, said.silent)


def _exchanged(bench: Bench, place: int, other: int, words: str, both: bool = True) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        wide = _wide(arguments)
        wide[place], wide[other] = wide[other], wide[place] if both else wide[other]
        return bench.of_arguments(tuple(wide), options)

    return Theory(words, f"{words}: the results are right for that", "take them in their order", predict)


def _wide(arguments: Arguments) -> list[Floats]:
    return [np.asarray(a, dtype=np.float64) for a in arguments]


Numbered = Callable[[Any], Change]
"""Of a number, or numbers that broadcast with lanes, a change."""


def _numbers(bench: Bench, plain: Plain, place: int, name: str) -> Iterator[Theory]:
    """Changes by a number, which is sought: a factor, and what is added."""
    limits = _levels(plain.wide[place])
    factors = np.concatenate([FACTORS, 10.0 ** np.linspace(-4, 4, BATCH)])
    kinds: tuple[tuple[str, Numbered, Any], ...] = (
        ("is taken {} times", lambda c: lambda a: a * c, np.concatenate([factors, -factors])),
        ("has {} added", lambda c: lambda a: a + c, np.concatenate([-limits, limits])),
        ("is spread evenly along its last axis, to a part of {}", _spread, np.concatenate([PARTS, 1 - PARTS])),
    )
    for words, make, grid in kinds:
        bench.check_time()
        c = _sought(plain, place, make, grid)
        if c is not None:
            yield theory(bench, place, f"{name} {words.format(number(c))}", make(c), exact=False)


def _limits(bench: Bench, sample: Sample, place: int, name: str) -> Iterator[Theory]:
    """Changes of what is beyond a limit, which is sought where the target just begins to be wrong.

    Far beyond a limit, every limit explains the same: so the argument is scaled to where the results turn right.
    """
    near, right = _turning(bench, sample, place)
    wide, largest = np.asarray(near.arguments[place], dtype=np.float64), bench.ruler.format.largest
    plain, limits = Plain(bench, near), np.append(_levels(wide), [largest] if np.isinf(wide).any() else [])
    both = np.concatenate([limits, -limits])
    kinds: tuple[tuple[str, Numbered, Any], ...] = (
        ("is clipped to ±{}", lambda c: lambda a: np.clip(a, -c, c), limits),
        ("is cut off above {}", lambda c: lambda a: np.minimum(a, c), both),
        ("is cut off below {}", lambda c: lambda a: np.maximum(a, c), both),
        ("below {} is taken as 0", lambda c: lambda a: np.where(np.abs(a) < c, 0, a), limits),
        ("stands for at most {} in its norm", _by_norm, limits),
    )
    for words, make, grid in kinds:
        bench.check_time()

        def tells(c: float, make: Numbered = make) -> bool:
            known = theory(bench, place, "", make(c))
            return bench.holds(known, [sample, *right])[0]

        c = _sought(plain, place, make, grid, tells, largest)
        if c is not None:
            told = number(c) if abs(c) != largest else "the largest number" if c > 0 else "the least finite number"
            beyond = (_sized(place, each * abs(c), least) for each, least in ((0.5, False), (0.9, False), (2.0, True)))
            farther = (*beyond, *(_scaled(place, factor) for factor in FAR))
            yield theory(bench, place, f"{name} {words.format(told)}", make(c), *farther)


def _levels(wide: Floats) -> Floats:
    """Numbers from a tenth of the least to the largest, the usual ones among them."""
    finite = np.abs(wide[np.isfinite(wide) & (wide != 0)])
    if not finite.size:
        return np.zeros(0)
    low, high = np.log10(finite.min()) - 1, np.log10(finite.max())
    levels = np.concatenate([NICE, 10.0 ** np.linspace(low, high, BATCH)])
    return np.unique(levels[(levels <= finite.max()) & (levels >= finite.min() / 10)])


def _turning(bench: Bench, sample: Sample, place: int) -> tuple[Sample, list[Sample]]:
    """The sample with its argument scaled by a power of 2 so far that it is only just wrong, up or down, and that
    which is right beside it; the sample itself, where it is wrong at every scale.
    """
    for sign in (-1, 1):

        def scaled(power: int, sign: int = sign) -> Sample | None:
            if power > MOST_POWERS:
                return None
            arguments = _scaled(place, 2.0 ** (sign * power))(sample.arguments)
            return bench.sample(arguments, sample.options)

        near, wrong, right = sample, 0, 1
        turned: Sample | None = None
        while turned is None or right - wrong > 1:
            power = right if turned is None else (wrong + right) // 2
            tried = scaled(power)
            if tried is None:
                break
            if tried.wrong_lanes.all():
                near, wrong, right = tried, power, right if turned else 2 * right
            else:
                turned, right = tried, power
        if turned is not None and right - wrong == 1:
            return near, [turned]
    return sample, []


def _by_size(factor: Callable[[float], float], axis: int) -> Change:
    return lambda a: a * factor(float(a.shape[axis]))


def _by_norm(c: Any) -> Change:
    def change(a: Floats) -> Floats:
        norm = np.sqrt(np.sum(a * a, axis=-1, keepdims=True))
        with np.errstate(all="ignore"):
            return np.where(norm > c, a * (c / norm), a)

    return change


def _spread(c: Any) -> Change:
    return lambda a: (1 - c) * a + c * a.mean(axis=-1, keepdims=True)


NICE = np.array([digit * 10.0**power for power in range(-12, 31) for digit in (1, 2, 5)] + [
    *(2.0**power for power in range(-24, 40)), 88.0, 87.0, 88.72, 709.0, 80.0, 30.0, 65504.0, 1e38,
])  # fmt: skip
PARTS = np.array([0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5])
FACTORS = np.array([
    *(0.5, 2.0, 10.0, 0.1, 100.0, 255.0, 1 / 255),
    *(part * base for base in (np.log(2), 1 / np.log(2), np.log(10), 1 / np.log(10)) for part in (1.0, 0.5, 2.0)),
    *(part for n in range(3, 17) for part in (n, 1 / n, n**0.5, n**-0.5)),
])  # fmt: skip


def _sized(place: int, size: float, least: bool) -> Callable[[Arguments], Arguments]:
    """Scales an argument until what is largest in it, or what is least but for 0, is of the size."""

    def reshape(arguments: Arguments) -> Arguments:
        sizes = np.abs(arguments[place].astype(np.float64))
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        if not sizes.size:
            return arguments
        return _scaled(place, size / float(sizes.min() if least else sizes.max()))(arguments)

    return reshape


def _scaled(place: int, factor: float) -> Callable[[Arguments], Arguments]:
    def reshape(arguments: Arguments) -> Arguments:
        a = arguments[place]
        with np.errstate(all="ignore"):
            larger = (a.astype(np.float64) * factor).astype(a.dtype)
        kept = np.where(np.isfinite(larger.astype(np.float64)), larger, a).astype(a.dtype)
        return (*arguments[:place], kept, *arguments[place + 1 :])

    return reshape


def _sought(
    plain: Plain,
    place: int,
    make: Numbered,
    grid: Any,
    tells: Callable[[float], bool] = lambda c: True,
    natural: float = 0.0,
) -> float | None:
    """The number of the grid, or near one, with which the change explains the result: the simplest that tells more,
    the natural one before all others.
    """
    grid = np.asarray(grid, dtype=np.float64)
    if not grid.size:
        return None
    scores = _scores(plain, place, make, grid)
    fitting = grid[scores <= 1]
    if len(fitting):
        ordered = sorted(map(float, fitting), key=lambda c: (abs(c) != natural, *_simplicity(c)))
        return next(filter(tells, ordered), None)
    best = int(np.argmin(scores))
    if not isfinite(scores[best]):
        return None
    order = np.sort(grid)
    at = int(np.searchsorted(order, grid[best]))
    low, high = float(order[max(at - 1, 0)]), float(order[min(at + 1, len(order) - 1)])
    for _ in range(ROUNDS):
        finer = np.linspace(low, high, BATCH)
        scores = _scores(plain, place, make, finer)
        best = int(np.argmin(scores))
        if not isfinite(scores[best]):
            return None
        if scores[best] <= 1:
            return _rounded(plain, place, make, float(finer[best]))
        low, high = float(finer[max(best - 1, 0)]), float(finer[min(best + 1, BATCH - 1)])
    return None


def _rounded(plain: Plain, place: int, make: Numbered, c: float) -> float:
    """As few digits of it as still explain the result."""
    few = np.array([float(f"{c:.{digits}g}") for digits in range(1, 8)])
    fitting = few[_scores(plain, place, make, few) <= 1]
    return float(fitting[0]) if len(fitting) else c


def _simplicity(c: float) -> tuple[int, float]:
    return len(f"{c:.12g}".strip("-0.")), abs(c)


def _scores(plain: Plain, place: int, make: Numbered, grid: Floats) -> Floats:
    """How far each number is from explaining the one lane of the sample; infinite, where it would explain anything."""
    wide = np.repeat(plain.wide[place], len(grid), axis=0)
    with np.errstate(all="ignore"):
        changed = np.asarray(make(grid.reshape(-1, *(1 for _ in wide.shape[1:])))(wide))
    return plain.by_argument(place, changed)
