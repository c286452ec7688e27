"""The laws of MS-1 to MS-8 for draws of finitely many values: how they are distributed, and what a seed does."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject
from nnlaws.chance import GRAIN, seeding
from nnlaws.chance.discrete import Discrete
from nnlaws.chance.evidence import evidence, given
from nnlaws.chance.seeds import SCATTERED, SEEDS, WORD
from nnlaws.chapters.more_samplers import inputs as cases
from nnlaws.chapters.more_samplers.drawing import (
    PARTS,
    SIZES,
    called,
    chances,
    checked,
    draw,
    draw_or_none,
    has_law,
    law_of,
    numbers,
    strangers,
)
from nnlaws.chapters.more_samplers.inputs import weights_of
from nnlaws.chapters.more_samplers.operations import LOG_INTEGERS, QUANTISED_UNIFORM
from nnlaws.rounding.formats import Floats

FEW = 10  # draws of each seed, where many seeds are compared
MANY = (100, 257, 700, 2000)  # draws of each of two seeds
ENOUGH = 100  # draws of which not even choices are all the same by chance: at most once in 2^100 pairs of seeds
LAST = 4  # draws of a call that are its last ones
BLOCK = 8  # draws of which more are asked for: what is left over after whole blocks
AGAIN = 6  # calls of each smaller size, so that a third of their last draws suffices to show


def distribution(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Each value is drawn with its own chance."""
    if not has_law(ruler, options):
        return Evidence(0.0)
    x, law, random = draw(f, ruler, **options), law_of(ruler, options), chances(**options)
    k = numbers(ruler, x, options)
    u = random.permutation(law.uniform(k, random))  # whatever their order, which is another law's
    seen = statistics.marginal(u, law.mistaken(mistakes(ruler, law, options)), law.count, grain=law.grain)
    return evidence(seen, len(x), _oddest(x, k, law))


def _oddest(x: Array, k: Floats, law: Discrete) -> str:
    """Which value, or part of them, was drawn most unlike its chance, in words."""
    if law.count > len(x):
        below = float(law.below(np.array([np.median(k) + 1]))[0])
        return f"half of the draws are {given(np.median(x))} or less, where {below:.0%} should be"
    counts, want = np.bincount(k.astype(np.intp), minlength=law.count), law.shares * len(x)
    oddest = int(np.argmax(np.abs(counts - want) / np.sqrt(want + 1)))
    drawn = x[k == oddest]
    which = given(drawn[0]) if len(drawn) else f"value number {oddest}, counted from 0,"
    return f"{which} was drawn {counts[oddest]} times where about {want[oddest]:.0f} should be"


def mistakes(ruler: Ruler, law: Discrete, options: dict[str, Any]) -> list[Discrete]:
    """The laws by which a usual mistake draws: another convention's; an end left out; the weights not looked at …"""
    n = law.count
    evenly = Discrete(n, lambda k: k / n)
    last_missing = Discrete(n, lambda k: np.minimum(k / max(n - 1, 1), 1.0))
    if ruler.operation is QUANTISED_UNIFORM:
        halved = law_of(ruler, options, {"ends": "half"})
        return [halved, last_missing, evenly]
    if ruler.operation is LOG_INTEGERS:
        others = [law_of(ruler, options, {"parts": parts}) for parts in PARTS]
        low, high = options["low"], options["high"]
        never_high = Discrete(n, lambda k: np.minimum(np.log((k + low) / low) / np.log(high / low), 1.0))
        return [*others, never_high, evenly]
    weights = weights_of(options)
    wrong = (
        weights > 0,
        weights**2,
        np.sqrt(weights),
        np.exp(weights - weights.max()),
        np.sort(weights),
        weights[::-1],
    )
    return [_by_weights(each.astype(np.float64)) for each in wrong]


def _by_weights(weights: Floats) -> Discrete:
    below = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    return Discrete(len(weights), lambda k: np.asarray(below[k.astype(np.intp)]))


def values_alone(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Every draw is one of the values that it has a chance of."""
    if not has_law(ruler, options):
        return Evidence(0.0)
    x = draw(f, ruler, **options)
    wrong = strangers(ruler, x, options)
    first = given(wrong[0]) if len(wrong) else ""
    return require(not len(wrong), f"{len(wrong)} of the draws are none of the values, {first} for one")


def independent(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Each draw's rank among those before it is independent of the ranks before, whatever the distribution."""
    x, random = draw(f, ruler, **options), chances(**options)
    ranks = statistics.sequential_ranks(x.astype(np.float64), random)
    correlation = float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1])
    words = f"each draw tells of the next: the ranks of neighbours correlate by {correlation:.2f}"
    return evidence(statistics.serial(ranks), len(ranks), words)


def last_draws(f: Subject, ruler: Ruler, *, size: int, seed: int, **options: Any) -> Evidence:
    """The last draws of a call, whether of a few or just beside a power of two, rank among those before as any would.

    So each rank is uniform whatever the distribution is; and independent of those of calls by other seeds.
    """
    random = chances(seed=seed)
    ranks, known = list[Floats](), set[bytes]()
    for count in (each for each in cases.SIZES if each > BLOCK for _ in range(AGAIN if each <= size else 1)):
        x = draw(f, ruler, size=count, seed=int(random.integers(WORD)), **options)
        if count >= ENOUGH and x.tobytes() in known:
            return Evidence(0.0)  # seeds that give the same draws are another law's
        known.add(x.tobytes())
        ranks.append(statistics.sequential_ranks(x.astype(np.float64), random)[-LAST:])
    row = np.concatenate(ranks)
    words = f"of {len(row)} draws that were the last of a call {(row < 0.5).mean():.0%} rank in the lower half of it"
    return evidence(statistics.marginal(row), len(row), words)


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between; 0 is a seed like any other."""
    return seeding.same_seed(lambda each: draw(f, ruler, seed=each, **options), seed)


def same_seed_elsewhere(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """Another process draws the same by the same seed: nothing comes in that is drawn when a process starts."""

    def there(each: int) -> Array:
        arguments, named = called(ruler.operation, {**options, "seed": each})
        (x,) = f.elsewhere(*arguments, **named)
        return checked(x, options["size"])

    return seeding.same_seed_elsewhere(lambda each: draw(f, ruler, seed=each, **options), there, seed)


def other_seed(f: Subject, ruler: Ruler, *, seed: int, size: int, **options: Any) -> Evidence:
    """Seeds next to each other, seeds that differ in a few bits alone, and many others give draws of their own; and so
    do two seeds throughout, of which many draws are asked for.
    """
    throughout = seeding.apart_throughout(
        lambda many, each: draw(f, ruler, size=many, seed=each, **options), MANY, seed, ENOUGH
    )
    if not throughout.holds:
        return throughout
    return seeding.all_apart(
        lambda each: draw_or_none(f, ruler, size=max(size, ENOUGH), seed=each, **options),
        (*SEEDS, *SCATTERED, *range(seed, seed + 4)),
    )


def seeds_apart(f: Subject, ruler: Ruler, *, size: int, seed: int, **options: Any) -> Evidence:
    """The draws of many seeds, put in a row, are as independent as the draws of one."""
    few = {**options, "size": FEW}
    streams = np.stack([draw(f, ruler, seed=seed + number, **few) for number in range(max(size // FEW, 2))])
    row = streams.T.reshape(-1)  # all the first, all the second, …: what neighbouring seeds share stands side by side
    ranks = statistics.sequential_ranks(row.astype(np.float64), chances(seed=seed))
    words = f"the draws of {len(streams)} seeds in a row tell of each other"
    serial = evidence(statistics.serial(ranks), len(row), words)
    likeliest = float(law_of(ruler, options).shares.max()) + GRAIN
    again = statistics.shifted(streams.astype(np.float64), 1 / likeliest)
    words = "a seed gives the draws of the seed before it, some draws later"
    return worst(serial, evidence(again, len(row), words))


def as_many(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """`size` finite numbers, in one dimension: of what is quantised float64 or float32, else any type of numbers."""
    arguments, named = called(ruler.operation, options)
    returned = f.form(*arguments, **named).whole
    if not returned.array:
        return require(False, f"expected a NumPy array, got a {returned.type}")
    (x,) = f.arrays(*arguments, **named)
    size = options["size"]
    if x.shape != (size,):
        return require(False, f"expected {size} draws, of shape ({size},), got shape {x.shape}")
    kinds = "f" if ruler.operation is QUANTISED_UNIFORM else "iuf"
    if x.dtype.kind not in kinds or (x.dtype.kind == "f" and x.dtype.itemsize not in SIZES):
        wanted = "integers or floats" if "i" in kinds else "float64 or float32"
        return require(False, f"expected {wanted}, got {x.dtype}")
    return require(bool(np.isfinite(x).all()), "a draw is NaN or infinite")


def none_asked_for(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """No draws, where none are asked for; or a refusal, by what draws others."""
    arguments, named = called(ruler.operation, {**options, "size": 0})
    try:
        (x,) = f.arrays(*arguments, **named)
    except Refused:
        draw(f, ruler, **{**options, "size": 1})
        return require(True, "")
    return require(x.shape == (0,), f"expected no draws, of shape (0,), got shape {x.shape}")
