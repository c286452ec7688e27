"""The laws of chapters/sampling.md: how draws are distributed, and what a seed does.

Each test of chance is an e-process, or exact: all those of a whole run together give a false alarm with a probability
of at most 1e-9. They run outside Hypothesis, with seeds of their own.
"""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chance.evidence import even, evidence, given
from nnlaws.chance.scale import Kind, Scale, mistaken
from nnlaws.chapters.sampling import inputs as cases
from nnlaws.chapters.sampling.operations import (
    SAMPLE_INTEGER,
    SAMPLE_LOG_UNIFORM,
    SAMPLE_ONE_MINUS_LOG_UNIFORM,
    SAMPLE_UNIFORM,
)

KINDS: dict[Operation, Kind] = {
    SAMPLE_UNIFORM: "linear",
    SAMPLE_LOG_UNIFORM: "log",
    SAMPLE_ONE_MINUS_LOG_UNIFORM: "one_minus_log",
    SAMPLE_INTEGER: "integer",
}
SIZES = (4, 8)  # bytes of float32 and float64
SEEDS = 10  # draws of each seed, where many seeds are compared


def distribution(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """The draws are distributed as the operation says."""
    x, scale, random = draw(f, **options), _scale(ruler, **options), _chances(**options)
    u = random.permutation(scale.uniform(x, random))  # whatever their order, which is another law's
    categories = scale.count if scale.kind == "integer" else 0
    seen = statistics.marginal(u, mistaken(scale), categories, grain=scale.grain(x))
    want = float(scale.value(np.asarray(0.5)))
    middle = f"the middle one of them is {np.median(x):.4g} where it should be about {want:.4g}"
    if len(x) > 1 and (x == x[0]).all():
        middle = f"all of them are {given(x[0])}"
    elif scale.kind == "integer":
        values, counts = np.unique(x, return_counts=True)
        oddest = int(np.argmax(np.abs(counts - len(x) / scale.count)))
        often = f"{given(values[oddest])} was drawn {counts[oddest]} times"
        wanted = f"each of the {scale.count} integers should be drawn about {len(x) / scale.count:.0f} times"
        middle = f"{often} where {wanted}"
    elif abs(np.median(u) - 0.5) < 0.05:
        below = [float((u < edge).mean()) for edge in (0.1, 0.9)]
        middle = f"the lowest tenth of the box has {below[0]:.1%} of them, the highest {1 - below[1]:.1%}"
    return evidence(seen, len(x), middle)


def in_the_box(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """No draw is outside the box, and integers are whole."""
    wrong = _scale(ruler, **options).outside(draw(f, **options))
    first = given(wrong[0]) if len(wrong) else ""
    return require(not len(wrong), f"{len(wrong)} of the draws are not in the box, {first} for one")


def independent(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Each draw's rank among those before it is independent of the ranks before, whatever the distribution."""
    ranks = statistics.sequential_ranks(draw(f, **options).astype(np.float64), _chances(**options))
    correlation = float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1])
    words = f"each draw tells of the next: the ranks of neighbours correlate by {correlation:.2f}"
    return evidence(statistics.serial(ranks), len(ranks), words)


def no_repeats(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """A number comes again no more often than by the dtype's own coarseness."""
    x = draw(f, **options)
    return _repeating(x, _scale(ruler, **options))


def no_grid(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """The draws leave gaps and crowd, as chance does."""
    x, scale = draw(f, **options), _scale(ruler, **options)
    return even(scale, x, _chances(**options), "the row of draws")


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between."""
    first = draw(f, seed=seed, **options)
    draw(f, seed=seed + 1, **options)
    again = draw(f, seed=seed, **options)
    return require(first.tobytes() == again.tobytes(), _unlike(first, again))


def other_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """Seeds next to each other give draws of their own."""
    streams = [draw(f, seed=seed + number, **options) for number in range(4)]
    for number, stream in enumerate(streams):
        for other in range(number):
            if stream.tobytes() == streams[other].tobytes():
                return require(False, f"seeds {seed + other} and {seed + number} give the same draws")
    return require(True, "")


def seeds_apart(f: Subject, ruler: Ruler, *, size: int, seed: int, **options: Any) -> Evidence:
    """The draws of many seeds, put in a row, are as independent as the draws of one."""
    few = {**options, "size": SEEDS}
    streams = np.stack([draw(f, seed=seed + number, **few) for number in range(max(size // SEEDS, 2))])
    row = streams.T.reshape(-1)  # all the first, all the second, …: what neighbouring seeds share stands side by side
    ranks = statistics.sequential_ranks(row.astype(np.float64), _chances(seed=seed, **few))
    words = f"the draws of {len(streams)} seeds in a row tell of each other"
    seen = evidence(statistics.serial(ranks), len(row), words)
    scale = _scale(ruler, **few)
    if scale.kind != "integer":
        return worst(seen, _repeating(row, scale, f"in {SEEDS} draws of each of {len(streams)} seeds, "))
    again = statistics.shifted(streams.astype(np.float64), scale.count)
    return worst(seen, evidence(again, len(row), "a seed gives the draws of the seed before it, some draws later"))


def numbers(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Evidence:
    """`size` finite numbers, in one dimension: float64 or float32, for integers any type of numbers."""
    returned = f.raw(low, high, size=size, seed=seed)
    if not hasattr(returned, "__array__"):
        return require(False, f"expected a NumPy array, got a {type(returned).__name__}")
    (x,) = f.arrays(low, high, size=size, seed=seed)  # what a tensor raises that cannot be one is the target's fault
    if x.shape != (size,):
        return require(False, f"expected {size} draws, of shape ({size},), got shape {x.shape}")
    kinds = "iuf" if ruler.operation is SAMPLE_INTEGER else "f"
    if x.dtype.kind not in kinds or (x.dtype.kind == "f" and x.dtype.itemsize not in SIZES):
        wanted = "integers or floats" if "i" in kinds else "float64 or float32"
        return require(False, f"expected {wanted}, got {x.dtype}")
    return require(bool(np.isfinite(x).all()), "a draw is NaN or infinite")


def draw(f: Subject, *, low: Any, high: Any, size: int, seed: int) -> Array:
    """The target's draws. Raises TargetFault for what cannot be judged as such."""
    (x,) = f.arrays(low, high, size=size, seed=seed)
    if x.shape != (size,) or not (x.dtype.kind in "iu" or (x.dtype.kind == "f" and x.dtype.itemsize in SIZES)):
        raise TargetFault(f"returned {x.dtype} of shape {x.shape} where {size} numbers are expected (SA-11)")
    if not np.isfinite(x).all():
        raise TargetFault("a draw is NaN or infinite (SA-11)")
    return x


def exercise(f: Subject, operation: Operation, **options: Any) -> Array:
    """One call."""
    return draw(f, **options)


def _scale(ruler: Ruler, *, low: float, high: float, **_: Any) -> Scale:
    kind: Kind = "reverse_log" if "complement" in ruler.conventions else KINDS[ruler.operation]
    half_open = ruler.conventions.get("bounds") == "half_open"
    return Scale(kind, low, high - 1 if half_open else high)


def _chances(*, seed: int, **_: Any) -> np.random.Generator:
    """The law's own, for where a draw lies among the numbers that round to it."""
    return Case(1, 1, "", 0, seed).random("laws of sampling")


def _repeating(x: Array, scale: Scale, among: str = "") -> Evidence:
    seen = statistics.repeats(x.astype(np.float64), scale.chance(x))
    found, counts = np.unique(x, return_counts=True)
    most = int(np.argmax(counts))
    words = (
        f"{among}{given(found[most])} was drawn {counts[most]} times, and only {len(found)} of {len(x)} draws differ"
    )
    return evidence(seen, len(x), words)


def _unlike(first: Array, again: Array) -> str:
    places = np.flatnonzero(first != again)
    place = int(places[0]) if len(places) else 0
    return f"draw {place} was {given(first[place])} and, with the same seed again, {given(again[place])}"


_MAPS = {
    SAMPLE_UNIFORM: "low + u * (high - low), u uniform on [0, 1]",
    SAMPLE_LOG_UNIFORM: "numpy.exp(rng.uniform(numpy.log(low), numpy.log(high)))",
    SAMPLE_ONE_MINUS_LOG_UNIFORM: "1 - numpy.exp(rng.uniform(numpy.log(1 - high), numpy.log(1 - low)))",
    SAMPLE_INTEGER: "rng.integers(low, high + 1): both ends, each as likely as the others",
}
_STATEMENTS = {
    SAMPLE_UNIFORM: ("SA-1", "draws are uniform between low and high"),
    SAMPLE_LOG_UNIFORM: ("SA-2", "the logarithms of draws are uniform"),
    SAMPLE_ONE_MINUS_LOG_UNIFORM: ("SA-3", "the logarithms of 1 − draws are uniform"),
    SAMPLE_INTEGER: ("SA-4", "every integer from low to high is as likely"),
}


def _laws(operation: Operation) -> tuple[Law, ...]:
    build, many = cases.draws(operation), cases.DRAWS

    def make(clause: str, check: Check, statement: str, fix: str, *sizes: int, boxes: int = 1, **more: Any) -> Law:
        trials = cases.trials(operation, *sizes, boxes=boxes)
        return trial_law(clause, operation, check, statement, build, trials, fix, **more)

    clause, statement = _STATEMENTS[operation]
    laws = (
        make(clause, distribution, statement, _MAPS[operation], many, boxes=3, kind="value", tests=1),
        make("SA-5", in_the_box, "every draw is in the box", "sample between low and high themselves", many, boxes=3),
        make("SA-6", independent, "a draw tells nothing of the next", "draw each anew", many, boxes=2, tests=1),
        make("SA-9", same_seed, "a seed decides the draws", "numpy.random.default_rng(seed)", 100, about="seed"),
        make(
            "SA-10", other_seed, "another seed gives other draws", "numpy.random.default_rng(seed)", 100, about="seed"
        ),
        make(
            "SA-10",
            seeds_apart,
            "the draws of different seeds are independent",
            "seed a generator with the seed itself: numpy.random.default_rng(seed)",
            many,
            about="seed",
            tests=2,
        ),
        make("SA-11", numbers, "there are as many draws as were asked for", "return an array (size,)", 1, 7, 100),
    )
    if operation is SAMPLE_INTEGER:
        return laws
    return (
        *laws,
        make("SA-7", no_repeats, "no number comes again", "draw from a continuous scale", many, boxes=2, tests=1),
        make("SA-8", no_grid, "draws leave gaps and crowd, as chance does", "draw each anew", 16, 64, many, tests=1),
    )


LAWS: tuple[Law, ...] = tuple(law for operation in KINDS for law in _laws(operation))
