"""Samplers of any library for tuning: what makes a range of numbers that draws, called as the samplers of the notes."""

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Unrecognised, parameters, raised, told

LOW, HIGH = ("low", "lower", "lb"), ("high", "upper", "ub")
DRAWING = ("sample", "rvs", "sample_value")
"""What the method is called that draws, in the order in which it is looked for."""
SIZE, SEED = ("size", "n_samples"), ("random_state", "seed")
BOX, COUNT, NEAR = (0.01, 0.99), 4000, 0.05
"""A box in which the scales differ, the number of draws that are looked at, and how far the share of those below any
number may be from that of a scale: by chance it is further once in 2 · 10⁸ times (2 e^(−2 n d²), by Massart's bound).
"""
SCALES: dict[str, Callable[[Any], Any]] = {
    "sample_uniform": lambda x: x,
    "sample_log_uniform": np.log,
    "sample_one_minus_log_uniform": lambda x: -np.log1p(-x),
}
"""Of each sampler, the scale on which its draws are even."""
INTEGER = "sample_integer"


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """What makes a range of a lower and an upper end, which draws by a seed; None for whatever else."""
    there = parameters(found)
    low, high = (next((each for each in names if each in there), "") for names in (LOW, HIGH))
    if not (low and high) or not callable(found) or {low, high} & given.keys():
        return None
    wanted = settings.get("as", "")
    make = partial(found, **{**({"name": "x"} if "name" in there else {}), **given})

    def draws(low_: float, high_: float, *, size: int, seed: int) -> Array:
        return np.atleast_1d(np.asarray(_drawn(make(**{low: low_, high: high_}), size, seed), np.float64))

    whole = _tried(lambda: draws(1, 9, size=COUNT, seed=0))
    between = _tried(lambda: draws(*BOX, size=COUNT, seed=0))
    if isinstance(whole, _NoSampler) or isinstance(between, _NoSampler):
        return None
    root = str(getattr(found, "__module__", "")).partition(".")[0]
    if isinstance(whole, np.ndarray) and (whole == whole.round()).all() and wanted in ("", INTEGER):
        return _integers(draws, whole, root, given)
    if isinstance(between, Exception):
        raise Unrecognised(f"made with {low}, {high} = {BOX}, and asked for draws, it {raised(between)}")
    operation, apart = _scale(between)
    if not wanted and apart > NEAR:
        raise Unrecognised(f"its draws are even on no scale of the notes: they are {apart:.2g} off {operation}'s")
    return SimpleNamespace(
        **{wanted or operation: draws},
        description=root,
        recognised=(f"taken for {wanted or operation}, by {COUNT:,} draws", *told(given)),
        insisted=True,
    )


class _NoSampler(Exception):
    """It makes nothing that draws so many by a seed."""


def _tried(draw: Callable[[], Array]) -> Array | Exception:
    try:
        return draw()
    except Exception as error:
        return error


def _drawn(made: Any, size: int, seed: int) -> Any:
    """So many draws by that seed: a generator is made of it where a number will not do. Raises _NoSampler."""
    for name in DRAWING:
        method = getattr(made, name, None)
        there = parameters(method)
        sized, seeded = (next((each for each in names if each in there), "") for names in (SIZE, SEED))
        if callable(method) and sized and seeded:
            try:
                return method(**{sized: size, seeded: seed})
            except Exception:
                return method(**{sized: size, seeded: np.random.RandomState(seed)})
    raise _NoSampler


def _integers(draws: Callable[..., Array], whole: Array, root: str, given: Keywords) -> SimpleNamespace:
    """The sampler of whole numbers, of whose draws from 1 to 9 its bounds are seen."""
    counts = np.bincount(whole.astype(int), minlength=2)[1:]
    if whole.min() < 1 or counts.min() < 0.7 * counts.mean() or len(counts) not in (8, 9):
        raise Unrecognised(f"it draws whole numbers, and not evenly: of 1 to 9 they came {counts.tolist()} times")
    half_open = len(counts) == 8

    def integers(low: int, high: int, *, size: int, seed: int) -> Array:
        return draws(int(low), int(high), size=size, seed=seed).astype(np.int64)

    return SimpleNamespace(
        sample_integer=integers,
        conventions={"sample_integer.bounds": "half_open"} if half_open else {},
        description=root,
        recognised=(f"taken for {INTEGER}, its upper end {'left out' if half_open else 'drawn too'}", *told(given)),
        insisted=True,
    )


def _scale(x: Array) -> tuple[str, float]:
    """The sampler on whose scale the draws are most even, and how far they are from being so."""
    found: dict[str, float] = {}
    for operation, scale in SCALES.items():
        with np.errstate(all="ignore"):
            low, high = (float(scale(end)) for end in BOX)
            u = np.sort((scale(x) - low) / (high - low))
        distance = np.abs(u - (np.arange(len(u)) + 0.5) / len(u)).max()
        found[operation] = float(distance) if np.isfinite(distance) else float("inf")
    return min(found.items(), key=lambda each: each[1])
