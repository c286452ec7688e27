"""Theories of one result that comes out changed: a multiple, with something added, cut off, rounded, or elsewhere."""

from collections.abc import Callable, Iterator

import ml_dtypes
import numpy as np

from nnlaws.diagnosis.probes.options import number
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Said, Sample, Saying, Theory
from nnlaws.rounding.formats import Floats

Change = Callable[[Floats], Floats]
SLOPES = 2.0**-20  # relative step, by which it is seen how a change carries an error on
EVERY: dict[str, Change] = {
    "rounded to bfloat16": lambda r: r.astype(ml_dtypes.bfloat16).astype(np.float64),
    "rounded to float16": lambda r: r.astype(np.float16).astype(np.float64),
    "rounded to float32": lambda r: r.astype(np.float32).astype(np.float64),
    "rounded to a whole number": np.rint,
    "its absolute value": np.abs,
    "its root": lambda r: np.sqrt(np.maximum(r, 0)),
    "its square": np.square,
    "its reciprocal": lambda r: 1 / r,
    "its logarithm": lambda r: np.log(np.maximum(r, 0)),
    "its exponential": np.exp,
    "1 less it": lambda r: 1 - r,
    "it without its negative entries": lambda r: np.maximum(r, 0),
    "0": np.zeros_like,
    "1": np.ones_like,
    "it with its rows in reverse": lambda r: np.flip(r, -2) if r.ndim > 2 else r,
    "it with its columns in reverse": lambda r: np.flip(r, -1) if r.ndim > 1 else r,
    "it in the order of the other axis": lambda r: np.swapaxes(r, -1, -2).reshape(r.shape) if r.ndim > 2 else r,
    "its running sum along the rows": lambda r: np.cumsum(r, -2) if r.ndim > 2 else r,
    "its running sum along the columns": lambda r: np.cumsum(r, -1) if r.ndim > 1 else r,
    "its mean over the rows": lambda r: np.broadcast_to(r.mean(-2, keepdims=True), r.shape) if r.ndim > 2 else r,
    "it with its first row in all rows": lambda r: np.broadcast_to(r[..., :1, :], r.shape) if r.ndim > 2 else r,
    "it with its last row in all rows": lambda r: np.broadcast_to(r[..., -1:, :], r.shape) if r.ndim > 2 else r,
    "it with its rows moved down by one, the first twice": lambda r: _moved(r, 1),
    "it with its rows moved up by one, the last twice": lambda r: _moved(r, -1),
}


def _moved(r: Floats, by: int) -> Floats:
    if r.ndim < 3:
        return r
    rows = np.clip(np.arange(r.shape[-2]) - by, 0, r.shape[-2] - 1)
    return r[..., rows, :]


def by_results(bench: Bench, sample: Sample) -> Iterator[Theory]:
    """Theories that explain a wrong result of one lane."""
    names = list(bench.operation.results)
    for place, name in enumerate(names):
        if not sample.wrong[place].any():
            continue
        for words, change in EVERY.items():
            yield _theory(bench, place, f"{name} comes out as {words}", lambda r, _, c=change: c(r))
        yield from _late(bench, place, name)
        yield from _multiples(bench, sample, place, name)
        yield from _added(bench, sample, place, name)
        yield from _cut(bench, sample, place, name)
        for other, another in enumerate(names):
            if other != place and bench.operation.results[name] == bench.operation.results[another]:
                yield _exchanged(bench, place, other, f"{another} is returned for {name}")


Sizes = dict[str, int]
Sized = Callable[[Floats, Sizes], Floats]
"""Of the right result with lanes, and the sizes of the arguments' axes."""


def _theory(bench: Bench, place: int, words: str, change: Callable[..., Floats]) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        right = bench.allowed(bench.ruler.bounds(*arguments, **options))
        sizes = bench.sizes(arguments)
        return tuple(_said(bench, one, change, sizes) if i == place else one for i, one in enumerate(right))

    name = list(bench.operation.results)[place]
    return Theory(words, f"{words}, where all else is right", f"return {name} itself", predict)


def _said(bench: Bench, one: Said, change: Sized, sizes: Sizes) -> Said:
    """The changed result: its error is what a change makes of an error, and one rounding."""
    with np.errstate(all="ignore"):
        value = np.asarray(change(one.value, sizes), dtype=np.float64)
        ends = [np.asarray(change(one.value + sign * one.within, sizes), dtype=np.float64) for sign in (-1, 1)]
        spread = np.maximum(*(np.abs(end - value) for end in ends))
        within = 2 * np.where(np.isnan(spread), np.inf, spread) + bench.ruler.format.u * np.abs(value)
        within = np.where(np.isfinite(value), within, 0)
    return Said(value, within + bench.ruler.format.tiny)


def _exchanged(bench: Bench, place: int, other: int, words: str) -> Theory:
    def predict(arguments: Arguments, options: Options) -> Saying:
        right = bench.allowed(bench.ruler.bounds(*arguments, **options))
        return tuple(right[other] if i == place else one for i, one in enumerate(right))

    return Theory(words, f"{words}, where all else is right", "return the results in their order", predict)


def _late(bench: Bench, place: int, name: str) -> Iterator[Theory]:
    """A trajectory that begins with what it starts from, and ends a step early."""
    dims = bench.operation.results[name]
    for other, (another, axes) in enumerate(bench.operation.arguments.items()):
        if dims[1:] != axes or not axes:
            continue

        def predict(arguments: Arguments, options: Options, other: int = other) -> Saying:
            right = bench.allowed(bench.ruler.bounds(*arguments, **options))
            first = np.asarray(arguments[other], dtype=np.float64)[:, None]
            late = right[place]
            value = np.concatenate([first, late.value[:, :-1]], axis=1)
            within = np.concatenate([0 * first, late.within[:, :-1]], axis=1)
            return tuple(Said(value, within) if i == place else one for i, one in enumerate(right))

        words = f"{name} begins with {another}, and ends a step early"
        yield Theory(words, f"{words}, where all else is right", "return what is there after each step", predict)


def _ratios(sample: Sample, place: int) -> Floats:
    """Of what came back to what is right, where that is large enough to say."""
    got, right = sample.got[place], sample.right[place]
    sure = np.isfinite(got) & (np.abs(right.value) > 64 * right.within) & (right.value != 0)
    return np.asarray((got / np.where(sure, right.value, 1))[sure])


def _multiples(bench: Bench, sample: Sample, place: int, name: str) -> Iterator[Theory]:
    """A multiple, by a number or by the size of an axis."""
    ratios = _ratios(sample, place)
    if not ratios.size or np.ptp(ratios) > 0.05 * np.abs(np.median(ratios)):
        return
    k = float(np.median(ratios))
    sizes = bench.sizes(sample.arguments)
    for dim, size in sizes.items():
        for words, factor in factors(dim).items():
            with np.errstate(all="ignore"):
                if size > 1 and np.isclose(factor(float(size)), k, rtol=0.02):
                    change: Callable[..., Floats] = lambda r, s, f=factor, d=dim: r * f(float(s[d]))  # noqa: E731
                    yield _theory(bench, place, f"{name} comes out {words} times what it is", change)
    for digits in range(1, 8):
        few = float(f"{k:.{digits}g}")
        yield _theory(bench, place, f"{name} comes out {number(few)} times what it is", lambda r, _, f=few: r * f)
        if few == k:
            break


def factors(dim: str) -> dict[str, Callable[[float], float]]:
    return {
        dim: lambda n: n,
        f"1/{dim}": lambda n: 1 / n,
        f"{dim}/({dim} - 1)": lambda n: n / (n - 1) if n > 1 else np.nan,
        f"({dim} - 1)/{dim}": lambda n: (n - 1) / n,
        f"{dim}/({dim} + 1)": lambda n: n / (n + 1),
        f"-{dim}": lambda n: -n,
        f"{dim}^2": lambda n: n * n,
        f"1/{dim}^2": lambda n: 1 / (n * n),
        f"sqrt({dim})": lambda n: n**0.5,
        f"1/sqrt({dim})": lambda n: n**-0.5,
    }


def _added(bench: Bench, sample: Sample, place: int, name: str) -> Iterator[Theory]:
    """A number, the same everywhere."""
    got, right = sample.got[place], sample.right[place]
    sure = np.isfinite(got) & np.isfinite(right.within)
    if not sure.any():
        return
    c = float(np.median((got - right.value)[sure]))
    for digits in range(1, 8):
        few = float(f"{c:.{digits}g}")
        if few:
            yield _theory(bench, place, f"{name} comes out with {number(few)} added", lambda r, _, f=few: r + f)


def _cut(bench: Bench, sample: Sample, place: int, name: str) -> Iterator[Theory]:
    """A limit that it does not pass, or is made soft by: the logarithm of a probability that is floored."""
    wrong = sample.wrong[place]
    got = sample.got[place][wrong & np.isfinite(sample.got[place])]
    right = sample.right[place].value[wrong & np.isfinite(sample.got[place])]
    if not got.size:
        return
    with np.errstate(all="ignore"):
        for c in dict.fromkeys((float(got.min()), float(got.max()))):
            for few in _few(c):
                words = f"{name} is cut off {{}} {number(few)}"
                yield _theory(bench, place, words.format("below"), lambda r, _, f=few: np.maximum(r, f))
                yield _theory(bench, place, words.format("above"), lambda r, _, f=few: np.minimum(r, f))
        for sign, what in ((1.0, name), (-1.0, f"-{name}")):
            delta = float(np.median(np.exp(sign * got) - np.exp(sign * right)))
            for few in _few(delta) if delta > 0 else ():
                words = f"{name} is the logarithm of a number with {number(few)} added"
                yield _theory(bench, place, words, lambda r, _, f=few, s=sign: s * np.log(np.exp(s * r) + f))
            floors = np.exp(sign * got)
            for few in _few(float(floors.max() if sign < 0 else floors.min())):
                if 0 < few < 1:
                    words = f"{what} is the logarithm of a number that is raised to {number(few)}"
                    yield _theory(
                        bench, place, words, lambda r, _, f=few, s=sign: s * np.log(np.maximum(np.exp(s * r), f))
                    )


def _few(c: float) -> list[float]:
    """It, to ever more digits."""
    return list(dict.fromkeys([*(float(f"{c:.{digits}g}") for digits in range(1, 5)), c])) if np.isfinite(c) else []


__all__ = ["by_results"]
