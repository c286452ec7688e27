"""The laws of SA-9 and SA-10: what a seed does."""

from dataclasses import replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chance import used
from nnlaws.chance.evidence import evidence, given
from nnlaws.chance.scale import Scale
from nnlaws.chance.seeds import SCATTERED, SEEDS
from nnlaws.chapters.sampling.drawing import asked, chances, checked, draw, draw_or_none, repeating, scale_of

FEW = 10  # draws of each seed, where many seeds are compared
MANY = (100, 257, 700, 2000)  # draws of each of two seeds
ENOUGH = 20  # draws of which not even whole numbers are all the same by chance: once in 9²⁰ pairs of seeds


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between; 0 is a seed like any other."""
    for each in (seed, 0):
        first = draw(f, ruler, seed=each, **options)
        draw(f, ruler, seed=each + 1, **options)
        again = draw(f, ruler, seed=each, **options)
        if first.tobytes() != again.tobytes():
            return require(False, _unlike(first, again, each))
    return require(True, "")


def same_seed_elsewhere(f: Subject, ruler: Ruler, *, low: Any, high: Any, size: int, **seeds: Any) -> Evidence:
    """Another process draws the same by the same seed: nothing comes in that is drawn when a process starts."""
    for seed in (seeds["seed"], 0):
        here, again = (draw(f, ruler, low=low, high=high, size=size, seed=seed) for _ in range(2))
        if here.tobytes() != again.tobytes():
            return require(True, "")  # not even in one process, which another law says
        (there,) = f.elsewhere(low, asked(ruler, high), size=size, seed=seed)
        if here.tobytes() != checked(there, size).tobytes():
            return require(False, _unlike(here, there, seed, "in another process"))
    return require(True, "")


def other_seed(f: Subject, ruler: Ruler, *, seed: int, size: int, **options: Any) -> Evidence:
    """Seeds next to each other, seeds that differ in a few bits alone, and many others give draws of their own; and so
    do two seeds throughout, of which many draws are asked for. Of whole numbers a mirror image is none of their own.
    """
    for many in MANY:
        one, other = (draw(f, ruler, size=many, seed=each, **options) for each in (seed, seed + 1))
        for start in range(0, many - ENOUGH + 1, ENOUGH):
            if np.array_equal(one[start : start + ENOUGH], other[start : start + ENOUGH]):
                words = f"seeds {seed} and {seed + 1} give the same draws from {start} on, of {many} that are asked for"
                return require(False, words)
    found: dict[bytes, int] = {}
    whole = scale_of(ruler, **options).kind == "integer"
    for each in dict.fromkeys((*SEEDS, *SCATTERED, *range(seed, seed + 4))):
        x = draw_or_none(f, ruler, size=min(size, ENOUGH), seed=each, **options)
        if x is None:
            continue
        images = [x, options["low"] + options["high"] - x] if whole else [x]
        key = min(image.astype(x.dtype).tobytes() for image in images)
        if key in found:
            same = "the same draws, or mirrored ones" if whole else "the same draws"
            return require(False, f"seeds {found[key]} and {each} give {same}")
        found[key] = each
    return require(True, "")


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


def _unlike(first: Array, again: Array, seed: int, when: str = "again") -> str:
    places = np.flatnonzero(first != again)
    if not len(places):
        return f"with the seed {seed} {when}, draws were {again.dtype} that were {first.dtype}"
    place = int(places[0])
    return f"draw {place} was {given(first[place])} and, with the same seed {when}, {given(again[place])} (seed {seed})"
