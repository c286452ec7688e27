"""Mistakes in designs of points: strata that are empty, axes that go together, points that are skipped."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference import latin_hypercube, sobol
from nnlaws_reference.dtypes import Array
from nnlaws_reference.more_samplers import sobol_sequence

from nnlaws.authoring.mutant import Mutant

LATIN, SOBOL = "latin_hypercube", "sobol"
PERMUTED = "rng.permutation(n) on each axis, each its own"
PLACED = "(permutation + rng.random(n)) / n"
FIRST = "begin with the first point of the sequence, and skip none"
DIGITS = "scramble the binary digits of each axis by chances of its own, none of them of single points"

Design = Callable[[int, int, np.random.Generator], Any]
"""Of size, axes and a generator, the points."""


def _mutant(operation: str, fault: str, fix: str, seen: str = "classroom") -> Callable[[Design], Mutant]:
    def make(design: Design) -> Mutant:
        def points(*, size: int, axes: int, seed: int) -> Any:
            return design(size, axes, np.random.default_rng(seed))

        return Mutant(operation, f"{operation}.{design.__name__}", fault, fix, seen, points)

    return make


def _orders(n: int, axes: int, random: np.random.Generator) -> Array:
    return np.stack([random.permutation(n) for _ in range(axes)], axis=1)


@_mutant(LATIN, "random whole numbers for a permutation: strata stay empty", PERMUTED, "scipy #13647, moose PR 16145")
def drawn_for_permuted(n: int, axes: int, random: np.random.Generator) -> Array:
    return (random.integers(0, max(n, 1), (n, axes)) + random.random((n, axes))) / n


@_mutant(LATIN, "independent points", PERMUTED)
def at_random(n: int, axes: int, random: np.random.Generator) -> Array:
    return random.random((n, axes))


@_mutant(LATIN, "one permutation for all axes: points on the diagonal", PERMUTED)
def one_permutation(n: int, axes: int, random: np.random.Generator) -> Array:
    return (random.permutation(n)[:, None] + random.random((n, axes))) / n


@_mutant(LATIN, "every second axis is the one before backwards", PERMUTED)
def backwards(n: int, axes: int, random: np.random.Generator) -> Array:
    order = _orders(n, axes, random)
    order[:, 1::2] = n - 1 - order[:, : axes // 2 * 2 : 2]
    return (order + random.random((n, axes))) / n


@_mutant(LATIN, "each axis is the first one, turned", PERMUTED)
def turned(n: int, axes: int, random: np.random.Generator) -> Array:
    order = (random.permutation(n)[:, None] + random.integers(0, n, axes)) % n
    return (order + random.random((n, axes))) / n


@_mutant(LATIN, "the last two axes have one permutation", PERMUTED, "scipy PR 20494")
def last_axes_together(n: int, axes: int, random: np.random.Generator) -> Array:
    order = _orders(n, axes, random)
    order[:, -1] = order[:, max(axes - 2, 0)]
    return (order + random.random((n, axes))) / n


@_mutant(LATIN, "strata are exchanged with their neighbours alone", PERMUTED)
def hardly_shuffled(n: int, axes: int, random: np.random.Generator) -> Array:
    order = np.argsort(np.arange(n)[:, None] + 2.0 * random.random((n, axes)), axis=0)
    return (order + random.random((n, axes))) / n


@_mutant(LATIN, "in the middle of its stratum", PLACED)
def in_the_middle(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_orders(n, axes, random) + 0.5) / n


@_mutant(LATIN, "in the lower half of its stratum", PLACED)
def in_the_lower_half(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_orders(n, axes, random) + random.random((n, axes)) / 2) / n


@_mutant(LATIN, "one place within strata for all points", PLACED)
def one_place(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_orders(n, axes, random) + random.random()) / n


@_mutant(LATIN, "from end to end: π/(n − 1)", PLACED)
def from_end_to_end(n: int, axes: int, random: np.random.Generator) -> Array:
    return _orders(n, axes, random) / max(n - 1, 1)


@_mutant(LATIN, "counted from 1: the lowest stratum is empty", PLACED)
def counted_from_one(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_orders(n, axes, random) + 1 + random.random((n, axes))) / n


@_mutant(LATIN, "axes first: (axes, size)", "return an array (size, axes)")
def axes_first(n: int, axes: int, random: np.random.Generator) -> Array:
    return ((_orders(n, axes, random) + random.random((n, axes))) / n).T


@_mutant(LATIN, "in float32", "return float64")
def in_float32(n: int, axes: int, random: np.random.Generator) -> Array:
    return ((_orders(n, axes, random) + random.random((n, axes))) / n).astype(np.float32)


def _sequence(n: int, axes: int, random: np.random.Generator, first: int = 0) -> Array:
    """So many points of a scrambled sequence, from the number `first` on."""
    whole = 1 << (n + first - 1).bit_length()
    points: Array = sobol(size=whole, axes=axes, seed=random)
    return points[first : first + n]


@_mutant(SOBOL, "the first point is left out", FIRST, "chaospy #280, Sobol.jl #31")
def first_left_out(n: int, axes: int, random: np.random.Generator) -> Array:
    return _sequence(n, axes, random, 1)


@_mutant(SOBOL, "a number of points is skipped, which is no multiple of so many", FIRST, "scikit-optimize #953")
def skipped(n: int, axes: int, random: np.random.Generator) -> Array:
    return _sequence(n, axes, random, n // 2)


@_mutant(SOBOL, "the first point is one at random", FIRST)
def first_at_random(n: int, axes: int, random: np.random.Generator) -> Array:
    points = _sequence(n, axes, random)
    points[0] = random.random(axes)
    return points


@_mutant(SOBOL, "independent points", "the points of Sobol's sequence")
def independent(n: int, axes: int, random: np.random.Generator) -> Array:
    return random.random((n, axes))


@_mutant(SOBOL, "a Latin hypercube: each axis is even, and no two together", "the points of Sobol's sequence")
def latin(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_orders(n, axes, random) + random.random((n, axes))) / n


@_mutant(SOBOL, "each axis is scrambled in another order of points", DIGITS)
def shuffled_on_each_axis(n: int, axes: int, random: np.random.Generator) -> Array:
    return random.permuted(_sequence(n, axes, random), axis=0)


@_mutant(SOBOL, "shifted modulo 1, not digit by digit", DIGITS)
def shifted_modulo_one(n: int, axes: int, random: np.random.Generator) -> Array:
    return np.minimum((_digits(n, axes) / n + random.random(axes)) % 1, 1 - 2.0**-53)


def _digits(n: int, axes: int) -> Array:
    """The sequence itself: in which of n equal parts each number lies."""
    return np.stack([sobol_sequence(axis, n.bit_length() - 1) for axis in range(axes)], axis=1)


@_mutant(SOBOL, "all axes are shifted by the same digits", DIGITS)
def one_shift(n: int, axes: int, random: np.random.Generator) -> Array:
    return ((_digits(n, axes) ^ int(random.integers(n))) + random.random()) / n


@_mutant(SOBOL, "the first digits are not scrambled", DIGITS)
def first_digits_kept(n: int, axes: int, random: np.random.Generator) -> Array:
    return (_digits(n, axes) + random.random((n, axes))) / n


@_mutant(SOBOL, "each point is scrambled by itself", DIGITS)
def each_point_by_itself(n: int, axes: int, random: np.random.Generator) -> Array:
    return ((_digits(n, axes) ^ random.integers(0, n, (n, axes))) + random.random((n, axes))) / n


@_mutant(SOBOL, "the second axis is the first again", "direction numbers of another polynomial for each axis")
def one_polynomial(n: int, axes: int, random: np.random.Generator) -> Array:
    points = _digits(n, axes)
    points[:, 1:2] = points[:, :1]
    return ((points ^ random.integers(0, n, axes)) + random.random((n, axes))) / n


@_mutant(
    SOBOL, "the third axis has the second one's polynomial", "direction numbers of another polynomial for each axis"
)
def second_polynomial_again(n: int, axes: int, random: np.random.Generator) -> Array:
    points = _digits(n, axes)
    points[:, 2:3] = points[:, 1:2][:, : axes - 2]
    return ((points ^ random.integers(0, n, axes)) + random.random((n, axes))) / n


@_mutant(SOBOL, "a sequence of Halton, in base 3 on the second axis", "the points of Sobol's sequence")
def halton(n: int, axes: int, random: np.random.Generator) -> Array:
    shift = random.random(axes)
    columns = [[_inverse(number, base) for number in range(n)] for base in (2, 3, 5, 7, 11)[:axes]]
    return np.minimum((np.array(columns).T + shift) % 1, 1 - 2.0**-53)


def _inverse(number: int, base: int) -> float:
    """The digits of a number behind the point, the last one first."""
    found, place = 0.0, 1.0 / base
    while number:
        number, digit = divmod(number, base)
        found, place = found + digit * place, place / base
    return found


@_mutant(
    SOBOL, "numbers are rounded up, to 1 at the end", "cut the digits that the type does not hold", "pytorch #32047"
)
def rounded_up(n: int, axes: int, random: np.random.Generator) -> Array:
    return np.ceil(_sequence(n, axes, random) * 2**10) / 2**10


@_mutant(SOBOL, "in float32", "return float64")
def single(n: int, axes: int, random: np.random.Generator) -> Array:
    return _sequence(n, axes, random).astype(np.float32)


RIGHT: dict[str, Callable[..., Any]] = {LATIN: latin_hypercube, SOBOL: sobol}

MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
