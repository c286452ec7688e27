"""The laws of chapters/sampling.md: how draws are distributed, and what a seed does.

Each test of chance is an e-process, or exact: all those of a whole run together give a false alarm with a probability
of at most 1e-9. They run outside Hypothesis, with seeds of their own.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject
from nnlaws.authoring.token import Case
from nnlaws.chance import LogE
from nnlaws.chance.evidence import even, evidence, given
from nnlaws.chance.scale import Scale, mistaken
from nnlaws.chance.seeds import WORD
from nnlaws.chapters.sampling import inputs as cases
from nnlaws.chapters.sampling.drawing import (
    KINDS,
    SIZES,
    asked,
    chances,
    checked,
    draw,
    draw_or_none,
    repeating,
    scale_of,
)
from nnlaws.chapters.sampling.inputs import LOW_BITS
from nnlaws.chapters.sampling.operations import (
    SAMPLE_INTEGER,
    SAMPLE_LOG_UNIFORM,
    SAMPLE_ONE_MINUS_LOG_UNIFORM,
    SAMPLE_UNIFORM,
)
from nnlaws.chapters.sampling.seed_laws import other_seed, same_seed, same_seed_elsewhere, seeds_apart
from nnlaws.rounding.formats import Floats

LAST = 4  # draws of a call that are its last ones
BLOCK = 8  # draws of which more are asked for: what is left over after whole blocks
AGAIN = 6  # calls of each smaller size, so that a third of their last draws suffices to show


def distribution(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """The draws are distributed as the operation says."""
    x, scale, random = draw_or_none(f, ruler, **options), scale_of(ruler, **options), chances(**options)
    if x is None:  # refused, as it may
        return Evidence(0.0)
    u = random.permutation(scale.uniform(x, random))  # whatever their order, which is another law's
    seen = _marginal(u, x, scale)
    want = float(scale.value(np.asarray(0.5)))
    middle = f"the middle one of them is {np.median(x):.4g} where it should be about {want:.4g}"
    if len(x) > 1 and (x == x[0]).all():
        middle = f"all of them are {given(x[0])}"
    elif scale.kind == "integer" and scale.count < len(x):
        values, counts = np.unique(x, return_counts=True)
        oddest = int(np.argmax(np.abs(counts - len(x) / scale.count)))
        often = f"{given(values[oddest])} was drawn {counts[oddest]} times"
        wanted = f"each of the {scale.count} integers should be drawn about {len(x) / scale.count:.0f} times"
        middle = f"{often} where {wanted}"
    elif abs(np.median(u) - 0.5) < 0.05:
        below = [float((u < edge).mean()) for edge in (0.1, 0.9)]
        middle = f"the lowest tenth of the box has {below[0]:.1%} of them, the highest {1 - below[1]:.1%}"
    return evidence(seen, len(x), middle)


def last_bits(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """What is left of a draw when divided by 8, 4 or 2 is as often each remainder: where the box has all equally often,
    or so many numbers that it makes no difference.
    """
    x, scale, random = draw_or_none(f, ruler, **options), scale_of(ruler, **options), chances(**options)
    if x is None:
        return Evidence(0.0)
    for bits in LOW_BITS:
        grain = scale.residual_grain(bits)
        if grain is not None:
            rest = scale.residues(x, bits)
            u = random.permutation((rest + random.random(len(x))) / 2**bits)
            counts = np.bincount(rest.astype(np.intp), minlength=2**bits)
            words = (
                f"x − low leaves, divided by {2**bits}, the rests 0, 1 … {counts.tolist()} times, not about as often"
            )
            return evidence(statistics.marginal(u, grain=grain), len(x), words)
    return Evidence(0.0)


def last_draws(f: Subject, ruler: Ruler, *, size: int, seed: int, **options: Any) -> Evidence:
    """The last draws of a call, whether of a few or just beside a power of two, rank among those before as any would.

    So each rank is uniform whatever the distribution is; and independent of those of calls by other seeds, which have
    nothing to do with each other. Where they give the same draws, that is another law's.
    """
    random = chances(seed=seed)
    ranks, known = list[Floats](), set[bytes]()
    for count in (each for each in cases.SIZES if each > BLOCK for _ in range(AGAIN if each <= size else 1)):
        x = draw(f, ruler, size=count, seed=int(random.integers(WORD)), **options)
        if x.tobytes() in known:
            return Evidence(0.0)
        known.add(x.tobytes())
        ranks.append(statistics.sequential_ranks(x.astype(np.float64), random)[-LAST:])
    row = np.concatenate(ranks)
    words = f"of {len(row)} draws that were the last of a call {(row < 0.5).mean():.0%} rank in the lower half of it"
    return evidence(statistics.marginal(row), len(row), words)


def in_the_box(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """No draw is outside the box, and integers are whole."""
    x = draw_or_none(f, ruler, **options)
    wrong = scale_of(ruler, **options).outside(x) if x is not None else np.empty(0)
    first = given(wrong[0]) if len(wrong) else ""
    return require(not len(wrong), f"{len(wrong)} of the draws are not in the box, {first} for one")


def independent(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Each draw's rank among those before it is independent of the ranks before, whatever the distribution; and of
    whole numbers that of its last bit, and of its last three.
    """
    x, scale, random = draw_or_none(f, ruler, **options), scale_of(ruler, **options), chances(**options)
    if x is None:
        return Evidence(0.0)
    ranks = statistics.sequential_ranks(x.astype(np.float64), random)
    correlation = float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1])
    words = f"each draw tells of the next: the ranks of neighbours correlate by {correlation:.2f}"
    seen = [evidence(statistics.serial(ranks), len(ranks), words)]
    for bits in (bits for bits in (1, 3) if scale.kind == "integer" and scale.count > 2**bits):
        rest = statistics.sequential_ranks(scale.residues(x, bits), random)
        words = f"each draw tells of later ones: what is left of it when divided by {2**bits} follows a pattern"
        seen.append(evidence(statistics.serial(rest), len(rest), words))
    return worst(*seen)


def no_repeats(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """A number comes again no more often than by the dtype's own coarseness."""
    return repeating(draw(f, ruler, **options), scale_of(ruler, **options))


def no_grid(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """The draws leave gaps and crowd, as chance does."""
    x, scale = draw(f, ruler, **options), scale_of(ruler, **options)
    return even(scale, x, chances(**options), "the row of draws")


def numbers(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Evidence:
    """`size` finite numbers, in one dimension: float64 or float32, for integers any type of numbers."""
    returned = f.form(low, asked(ruler, high), size=size, seed=seed).whole
    if not returned.array:
        return require(False, f"expected a NumPy array, got a {returned.type}")
    # what a tensor raises that cannot be an array is the target's fault
    (x,) = f.arrays(low, asked(ruler, high), size=size, seed=seed)
    if x.shape != (size,):
        return require(False, f"expected {size} draws, of shape ({size},), got shape {x.shape}")
    kinds = "iuf" if ruler.operation is SAMPLE_INTEGER else "f"
    if x.dtype.kind not in kinds or (x.dtype.kind == "f" and x.dtype.itemsize not in SIZES):
        wanted = "integers or floats" if "i" in kinds else "float64 or float32"
        return require(False, f"expected {wanted}, got {x.dtype}")
    return require(bool(np.isfinite(x).all()), "a draw is NaN or infinite")


def none_asked_for(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Evidence:
    """No draws, where none are asked for; or a refusal, by what draws others."""
    try:
        (x,) = f.arrays(low, asked(ruler, high), size=0, seed=seed)
    except Refused:
        draw(f, ruler, low=low, high=high, size=1, seed=seed)
        return require(True, "")
    return require(x.shape == (0,), f"expected no draws, of shape (0,), got shape {x.shape}")


def exercise(f: Subject, operation: Operation, **options: Any) -> Array:
    """One call."""
    (x,) = f.arrays(options["low"], options["high"], size=options["size"], seed=options["seed"])
    return checked(x, options["size"])


def _marginal(u: Floats, x: Array, scale: Scale) -> LogE:
    categories = scale.count if scale.kind == "integer" else 0
    return statistics.marginal(u, mistaken(scale), categories, grain=scale.grain(x))


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


_WIDEST = {
    SAMPLE_UNIFORM: "signed",
    SAMPLE_LOG_UNIFORM: "wide",
    SAMPLE_ONE_MINUS_LOG_UNIFORM: "from_below_zero",
    SAMPLE_INTEGER: "beyond_float32",
}
"""The box of ten million draws."""

_SEEDED = "numpy.random.default_rng(seed), with the seed as it is given, 0 too"


def _laws(operation: Operation) -> tuple[Law, ...]:
    build, many, few = cases.draws(operation), cases.DRAWS, cases.FEW
    whole = operation is SAMPLE_INTEGER
    every = {"boxes": len(cases.BOXES[operation.name])}

    def make(clause: str, check: Check, statement: str, fix: str, trials: tuple[Case, ...], **more: Any) -> Law:
        return trial_law(clause, operation, check, statement, build, trials, fix, **more)

    def on(*sizes: int, boxes: int = 1, skipped: int = 0) -> tuple[Case, ...]:
        return cases.trials(operation, *sizes, boxes=boxes, skipped=skipped)

    clause, statement = _STATEMENTS[operation]
    largest = {"largest": (replace(on(many)[0], m=cases.MOST, family=_WIDEST[operation]),)}
    also, others = on(few, skipped=3, **every), on(few, skipped=3, boxes=7) if whole else ()
    laws = (
        make(clause, distribution, statement, _MAPS[operation], on(many, boxes=3) + also, kind="value", tests=1,
             **largest),
        make("SA-5", in_the_box, "every draw is in the box", "sample between low and high themselves",
             on(many, boxes=3) + (also if whole else ()), **largest),
        make("SA-6", independent, "a draw tells nothing of later ones", "draw each anew",
             on(many, boxes=2) + others, tests=3 if whole else 1),
        make("SA-9", same_seed, "a seed decides the draws", _SEEDED, on(100), about="seed"),
        make("SA-9", same_seed_elsewhere, "a seed decides the draws in every process", _SEEDED, on(100), about="seed"),
        make("SA-10", other_seed, "another seed gives other draws", _SEEDED, on(100), about="seed"),
        make("SA-10", seeds_apart, "the draws of different seeds are independent", _SEEDED, on(many), about="seed",
             tests=2 if whole else 3),
        make("SA-11", numbers, "there are as many draws as were asked for", "return an array (size,)",
             on(*cases.SIZES)),
        make("SA-11", last_draws, "the last draws of a call are as its first", "fill all of the array",
             on(100), tests=1),
        make("SA-11", none_asked_for, "of none there are none", "return an array (0,)", on(1)),
    )  # fmt: skip
    if whole:
        bits = make("SA-4", last_bits, "every remainder is as likely", _MAPS[operation], also, tests=1, **largest)
        return (*laws, bits)
    return (
        *laws,
        make(
            "SA-7",
            no_repeats,
            "no number comes again",
            "draw from a continuous scale",
            on(many, boxes=2),
            tests=1,
            **largest,
        ),
        make(
            "SA-8",
            no_grid,
            "draws leave gaps and crowd, as chance does",
            "draw each anew",
            on(16, 63, many),
            tests=1,
            **largest,
        ),
    )


LAWS: tuple[Law, ...] = tuple(law for operation in KINDS for law in _laws(operation))
