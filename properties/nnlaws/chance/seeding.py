"""What a seed does, of any sampler: the same draws again, in another process too, and others by another seed."""

from collections.abc import Callable, Iterable

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence, require
from nnlaws.chance.evidence import given

Draw = Callable[[int], Array]
"""Of a seed, the draws; further axes of points."""


def same_seed(draw: Draw, seed: int) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between; 0 is a seed like any other."""
    for each in (seed, 0):
        first = draw(each)
        draw(each + 1)
        again = draw(each)
        if first.tobytes() != again.tobytes():
            return require(False, _unlike(first, again, each))
    return require(True, "")


def same_seed_elsewhere(draw: Draw, elsewhere: Draw, seed: int) -> Evidence:
    """Another process draws the same by the same seed: nothing comes in that is drawn when a process starts."""
    for each in (seed, 0):
        here, again = (draw(each) for _ in range(2))
        if here.tobytes() != again.tobytes():
            return require(True, "")  # not even in one process, which another law says
        there = elsewhere(each)
        if here.tobytes() != there.tobytes():
            return require(False, _unlike(here, there, each, "in another process"))
    return require(True, "")


def apart_throughout(draw: Callable[[int, int], Array], sizes: Iterable[int], seed: int, enough: int) -> Evidence:
    """Two seeds next to each other never draw the same `enough` draws at the same places, of each number of them that
    is asked for: `draw(size, seed)`.
    """
    for many in sizes:
        one, other = (draw(many, each) for each in (seed, seed + 1))
        for start in range(0, many - enough + 1, enough):
            if np.array_equal(one[start : start + enough], other[start : start + enough]):
                words = f"seeds {seed} and {seed + 1} give the same draws from {start} on, of {many} that are asked for"
                return require(False, words)
    return require(True, "")


def all_apart(draw: Callable[[int], Array | None], seeds: Iterable[int], mirror: float | None = None) -> Evidence:
    """No two of the seeds give the same draws; nor, where low + high is given as `mirror`, their mirror images. A seed
    whose draws are None is left out.
    """
    found: dict[bytes, int] = {}
    for each in dict.fromkeys(seeds):
        x = draw(each)
        if x is None:
            continue
        images = [x] if mirror is None else [x, mirror - x]
        key = min(image.astype(x.dtype).tobytes() for image in images)
        if key in found:
            same = "the same draws" if mirror is None else "the same draws, or mirrored ones"
            return require(False, f"seeds {found[key]} and {each} give {same}")
        found[key] = each
    return require(True, "")


def _unlike(first: Array, again: Array, seed: int, when: str = "again") -> str:
    if first.shape != again.shape or not (first != again).any():
        was, now = f"{first.dtype} of shape {first.shape}", f"{again.dtype} of shape {again.shape}"
        return f"with the seed {seed} {when}, draws were {now} that were {was}"
    place = int(np.flatnonzero(first != again)[0])
    one, other = given(first.ravel()[place]), given(again.ravel()[place])
    return f"draw {place} was {one} and, with the same seed {when}, {other} (seed {seed})"
