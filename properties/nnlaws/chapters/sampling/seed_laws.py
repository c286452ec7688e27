"""The laws of SA-9 and SA-10: what a seed does."""

from dataclasses import replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chance import seeding, used
from nnlaws.chance.evidence import evidence
from nnlaws.chance.scale import Scale
from nnlaws.chance.seeds import SCATTERED, SEEDS
from nnlaws.chapters.sampling.drawing import asked, chances, checked, draw, draw_or_none, repeating, scale_of

FEW = 10  # draws of each seed, where many seeds are compared
MANY = (100, 257, 700, 2000)  # draws of each of two seeds
ENOUGH = 20  # draws of which not even whole numbers are all the same by chance: once in 9²⁰ pairs of seeds


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between; 0 is a seed like any other."""
    return seeding.same_seed(lambda each: draw(f, ruler, seed=each, **options), seed)


def same_seed_elsewhere(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, seed: int) -> Evidence:
    """Another process draws the same by the same seed: nothing comes in that is drawn when a process starts."""

    def there(each: int) -> Array:
        (x,) = f.elsewhere(low, asked(ruler, high), size=size, seed=each)
        return checked(x, size)

    return seeding.same_seed_elsewhere(
        lambda each: draw(f, ruler, low=low, high=high, size=size, seed=each), there, seed
    )


def other_seed(f: Subject, ruler: Ruler, *, seed: int, size: int, **options: Any) -> Evidence:
    """Seeds next to each other, seeds that differ in a few bits alone, and many others give draws of their own; and so
    do two seeds throughout, of which many draws are asked for. Of whole numbers a mirror image is none of their own.
    """
    throughout = seeding.apart_throughout(
        lambda many, each: draw(f, ruler, size=many, seed=each, **options), MANY, seed, ENOUGH
    )
    if not throughout.holds:
        return throughout
    whole = scale_of(ruler, **options).kind == "integer"
    return seeding.all_apart(
        lambda each: draw_or_none(f, ruler, size=min(size, ENOUGH), seed=each, **options),
        (*SEEDS, *SCATTERED, *range(seed, seed + 4)),
        options["low"] + options["high"] if whole else None,
    )


def seeds_apart(f: Subject, ruler: Ruler, *, size: int, seed: int, **options: Any) -> Evidence:
    """The draws of many seeds, put in a row, are as independent as the draws of one."""
    few = {**options, "size": FEW}
    streams = np.stack([draw(f, ruler, seed=seed + number, **few) for number in range(max(size // FEW, 2))])
    row = streams.T.reshape(-1)  # all the first, all the second, …: what neighbouring seeds share stands side by side
    ranks = statistics.sequential_ranks(row.astype(np.float64), chances(seed=seed))
    words = f"the draws of {len(streams)} seeds in a row tell of each other"
    seen = evidence(statistics.serial(ranks), len(row), words)
    scale = scale_of(ruler, **options)
    if scale.kind != "integer":
        coarse = replace(scale, coarse=True)  # how fine uniform numbers are is another law's
        among = f"in {FEW} draws of each of {len(streams)} seeds, "
        own = draw(f, ruler, seed=seed, **{**options, "size": len(row)})
        if used(statistics.repeats(own.astype(np.float64), coarse.chance(own)).highest) > 1:
            return seen  # they come again by one seed, which is another law's
        return worst(seen, repeating(row, coarse, among), _mirrored(f, ruler, coarse, streams, seed, **few))
    again = statistics.shifted(streams.astype(np.float64), scale.count)
    return worst(seen, evidence(again, len(row), "a seed gives the draws of the seed before it, some draws later"))


def _mirrored(f: Subject, ruler: Ruler, scale: Scale, streams: Array, seed: int, **few: Any) -> Evidence:
    """What there is to say of positions by one seed that come again by another, or their mirror images; of the streams
    of neighbours, from one seed on, and of seeds that differ in a few bits.
    """
    known = range(seed, seed + len(streams))
    others = [draw_or_none(f, ruler, seed=each, **few) for each in SEEDS if each not in known]
    rows = np.stack([*streams, *(each for each in others if each is not None)])
    kinds = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    cells, likely = scale.cells(rows.ravel(), chances(seed=seed))
    again = statistics.repeats(cells, likely, kinds.ravel())
    return evidence(again, rows.size, "draws by one seed come again by another, or their mirror images do")
