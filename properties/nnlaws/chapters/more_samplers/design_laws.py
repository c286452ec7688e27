"""The laws of MS-6 to MS-14 for designs of points: how evenly they fill the unit cube, and what is left to chance."""

from itertools import product
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import more_samplers as formulas

from nnlaws import chance as statistics
from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject, TargetFault
from nnlaws.chance import seeding
from nnlaws.chance.evidence import evidence
from nnlaws.chance.seeds import SCATTERED, SEEDS, WORD
from nnlaws.chapters.more_samplers.drawing import chances
from nnlaws.chapters.more_samplers.inputs import CENTRED
from nnlaws.rounding.formats import Floats

POINTS = 2000  # numbers that a test of strata sees, of as many seeds as it takes
SCRAMBLED = 1200  # numbers of one point by each of many seeds
EDGE = 8 * 2.0**-53
"""How far rounding may carry a number of [0, 1), by the unit roundoff 2⁻⁵³: π plus a place is below n, and rounded by n
of it at most; then the quotient by n, or 1/n and a product, by 2. A box that a library maps [0, 1) to, and back, takes
as much again, and the ends of the stratum take the rest."""


def points(f: Subject, *, size: int, axes: int, seed: int) -> Floats:
    """The target's points. Raises TargetFault for what cannot be judged as such."""
    (x,) = f.arrays(size=size, axes=axes, seed=seed)
    return checked(x, size, axes)


def checked(x: Array, size: int, axes: int) -> Floats:
    """The points. Raises TargetFault for what cannot be judged as such."""
    if x.shape != (size, axes) or x.dtype.kind != "f":
        raise TargetFault(f"returned {x.dtype} of shape {x.shape} where points ({size}, {axes}) are expected (MS-8)")
    if not np.isfinite(x).all():
        raise TargetFault("a number of a point is NaN or infinite (MS-8)")
    return np.ascontiguousarray(x, dtype=np.float64)


def as_many(f: Subject, ruler: Ruler, *, size: int, axes: int, seed: int) -> Evidence:
    """`size` points of `axes` numbers, float64, each at least 0 and below 1."""
    returned = f.form(size=size, axes=axes, seed=seed).whole
    if not returned.array:
        return require(False, f"expected a NumPy array, got a {returned.type}")
    (x,) = f.arrays(size=size, axes=axes, seed=seed)
    if x.shape != (size, axes):
        return require(
            False, f"expected {size} points of {axes} numbers, of shape ({size}, {axes}), got shape {x.shape}"
        )
    if x.dtype != np.float64:
        return require(False, f"expected float64, got {x.dtype}")
    return require(bool(((x >= 0) & (x < 1)).all()), "a number of a point is not in [0, 1)")


def one_a_stratum(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """In order, the numbers of each axis lie one in each of n equal parts: between k/n and (k + 1)/n."""
    x = points(f, **options)
    n, wrong = len(x), _out_of_order(x)
    if not wrong.any():
        return require(True, "")
    axis = int(np.flatnonzero(wrong.any(axis=0))[0])
    empty = n - len(np.unique(np.clip(formulas.strata(x[:, axis]), 0, n - 1)))
    none = f"{empty} of {n} equal parts have none of the {n} points"
    return require(False, f"on axis {axis}, {none if empty else 'a point is out of its part'}")


def _out_of_order(x: Floats) -> Array:
    """Of the numbers of each axis, in order, which are not in the part of their place, up to rounding."""
    ordered, n, k = np.sort(x, axis=0), len(x), np.arange(len(x))[:, None]
    return np.asarray((ordered < k / n - EDGE) | (ordered > (k + 1) / n + EDGE))


def anywhere_in_its_stratum(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Places within strata are uniform and independent; or all in the middle, where that is declared. Points that are
    in no strata, or the same by two seeds, are other laws'.
    """
    found = _by_seeds(f, POINTS, **options)
    if found is None or any(_out_of_order(x).any() for x in found):
        return Evidence(0.0)
    if "within" in ruler.conventions:
        off = max(float(np.abs(_places(x) - CENTRED).max()) for x in found)
        return require(off <= EDGE * len(found[0]), f"a point is {off:.3g} of its stratum's width off the middle")
    # what rounding may carry out of a stratum, n EDGE of its width at most, is far within the grain
    row = chances(**options).permutation(np.concatenate([_places(x).ravel() for x in found]))
    words = f"{(row < 0.5).mean():.0%} of {len(row)} places are in the lower half of their strata"
    return evidence(statistics.marginal(row), len(row), words)


def paired_at_random(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """In the order of the first axis, the strata of each other one are any permutation: each one's rank among those
    before is uniform, and independent of the others, of those on other axes, and of other seeds.
    """
    found = _by_seeds(f, POINTS, **options)
    if found is None:
        return Evidence(0.0)
    random = chances(**options)
    ordered = [x[np.argsort(x[:, 0], kind="stable"), 1:] for x in found]
    columns = [
        np.concatenate([statistics.sequential_ranks(x[:, axis].copy(), random) for x in ordered])
        for axis in range(options["axes"] - 1)
    ]
    words = "in the order of one axis, those of another follow a pattern"
    rows = evidence(statistics.serial(*columns), len(columns[0]), words)
    pairs = evidence(statistics.crossed(columns, lagged=False)[0], len(columns[0]), f"{words}, or that of a third")
    return worst(rows, pairs)


def one_an_interval(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Of the first 2^j points, one lies in each of 2^j equal parts of each axis, for all j."""
    x = _in_the_cube(points(f, **options))
    for bits in range(len(x).bit_length()):
        for axis in range(x.shape[1]):
            counts = formulas.boxes(x[: 1 << bits, [axis]], (bits,))
            if counts.max() > 1:
                empty = f"{(counts == 0).sum()} of {1 << bits} equal parts"
                words = f"on axis {axis}, {empty} have none of the first {1 << bits} points"
                return require(False, words)
    return require(True, "")


def elementary_boxes(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
    """Each elementary box of volume 2^−m on the first two axes has one point; of 2^(1−m) on the first three, two."""
    x = _in_the_cube(points(f, **options))
    bits = len(x).bit_length() - 1
    for axes, t in ((2, 0), (3, 1)):
        if x.shape[1] < axes or bits < t:
            continue
        for cuts in (each for each in product(range(bits + 1), repeat=axes) if sum(each) == bits - t):
            counts = formulas.boxes(x[:, :axes], cuts)
            if counts.max() > 1 << t:
                cut = " × ".join(str(1 << each) for each in cuts)
                words = f"of {cut} equal boxes on the first {axes} axes one has {counts.max()} points, not {1 << t}"
                return require(False, words)
    return require(True, "")


def anywhere(f: Subject, ruler: Ruler, *, size: int, axes: int, seed: int) -> Evidence:
    """Over seeds, the numbers of one point are uniform and independent: of the first point, and of any other."""
    few = [points(f, size=size, axes=axes, seed=each) for each in (seed, seed + 1, 42)]
    same = all(np.array_equal(x, few[0]) for x in few)
    if "scrambling" in ruler.conventions:
        return require(same, "seeds give points of their own, where the sequence itself is declared")
    if same:
        return require(False, "seeds give the same points, as if they were not scrambled")
    found = _by_seeds(f, size * SCRAMBLED, size=size, axes=axes, seed=seed)
    if found is None:
        return Evidence(0.0)
    random = chances(seed=seed)
    one = np.stack([x[place] for x, place in zip(found, random.integers(size, size=len(found)), strict=True)])
    row = random.permutation(one.ravel())
    words = f"{(row < 0.5).mean():.0%} of {len(row)} numbers of points by as many seeds are in the lower half"
    alone = evidence(statistics.marginal(row), len(row), words)
    seen, (later, earlier, lag) = statistics.crossed(list(one.T))
    words = f"a point's number on axis {earlier} tells of that on axis {later}{f', {lag} seeds later' if lag else ''}"
    return worst(alone, evidence(seen, len(one), words))


def same_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """The same seed gives the same bits, whatever was drawn in between; 0 is a seed like any other."""
    return seeding.same_seed(lambda each: points(f, seed=each, **options), seed)


def same_seed_elsewhere(f: Subject, ruler: Ruler, *, size: int, axes: int, seed: int) -> Evidence:
    """Another process returns the same by the same seed: nothing comes in that is drawn when a process starts."""

    def there(each: int) -> Array:
        (x,) = f.elsewhere(size=size, axes=axes, seed=each)
        return checked(x, size, axes)

    return seeding.same_seed_elsewhere(lambda each: points(f, size=size, axes=axes, seed=each), there, seed)


def other_seed(f: Subject, ruler: Ruler, *, seed: int, **options: Any) -> Evidence:
    """Seeds next to each other, seeds that differ in a few bits alone, and many others give points of their own; where
    a seed says anything.
    """
    if "scrambling" in ruler.conventions:
        return Evidence(0.0)
    return seeding.all_apart(
        lambda each: _points_or_none(f, seed=each, **options), (*SEEDS, *SCATTERED, *range(seed, seed + 4))
    )


def exercise(f: Subject, **options: Any) -> Floats:
    """One call."""
    return points(f, **options)


def _points_or_none(f: Subject, *, seed: int, **options: Any) -> Floats | None:
    """The points; or None where the target refuses a seed that 32 bits do not hold, and takes others."""
    try:
        return points(f, seed=seed, **options)
    except Refused:
        if seed < WORD:
            raise
        points(f, seed=seed % WORD, **options)
        return None


def _in_the_cube(x: Floats) -> Floats:
    """The points, the numbers outside [0, 1) at its nearest ones: what is outside is another law's."""
    return np.asarray(np.clip(x, 0.0, np.nextafter(1.0, 0.0)))


def _places(x: Floats) -> Floats:
    """Where the points lie in their strata, from 0 to 1: of what is in order, by its number."""
    order = np.argsort(np.argsort(x, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(np.clip(x * len(x) - order, 0.0, 1.0))


def _by_seeds(f: Subject, most: int, *, size: int, axes: int, seed: int) -> list[Floats] | None:
    """The points by so many seeds, one after another, that there are about so many numbers; None where two of them are
    the same, which is another law's.
    """
    count = max(most // (size * axes), 2)
    found = [points(f, size=size, axes=axes, seed=seed + number) for number in range(count)]
    return found if len({x.tobytes() for x in found}) == count else None
