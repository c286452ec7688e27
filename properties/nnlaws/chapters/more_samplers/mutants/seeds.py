"""Mistakes in what becomes of a seed, and in how many draws or points there are."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant
from nnlaws.chance import mistakes
from nnlaws.chance.mistakes import Change, Sampler
from nnlaws.chapters.more_samplers.mutants import designs, draws

SEED = "draw all from one numpy.random.default_rng(seed)"
AS_GIVEN = "numpy.random.default_rng(seed), with the seed as it is given, 0 too"
ARRAY = "return an array (size,)"
POINTS = "return an array (size, axes) of float64"


def _tail_of_its_first(block: int, right: Sampler) -> Sampler:
    """Whole blocks are drawn; what is left of the draws, if there is a whole block, stays at the least value."""

    def sample(*given: Any, size: int, **options: Any) -> Array:
        x: Array = right(*given, size=size, **options)
        done = size // block * block
        if done:
            x[done:] = x.min()
        return x

    return sample


_ANY: tuple[tuple[str, str, str, str, Change], ...] = (
    ("unseeded", "the seed is not passed on: others each time", SEED, "dask-ml PR 496", mistakes.unseeded),
    ("state_kept", "seeded once: the same seed goes on where it was", SEED, "classroom", mistakes.state_kept),
    ("seed_ignored", "every seed gives the same", SEED, "classroom", mistakes.seed_ignored),
    ("ten_seeds_share", "ten seeds give the same: seed // 10", SEED, "classroom", mistakes.ten_seeds_share),
    ("lowest_bit_dropped", "two seeds give the same: seed & ~1", SEED, "classroom", mistakes.lowest_bit_dropped),
    ("zero_is_no_seed", "seed or None: 0 is not reproducible", AS_GIVEN, "classroom", mistakes.zero_is_no_seed),
    *((name, fault, AS_GIVEN, "classroom", change) for name, fault, change in mistakes.SEEDS),
)
_OF_DRAWS: tuple[tuple[str, str, str, Change], ...] = (
    ("same_first_draws", "the first five draws are the same for each seed", SEED, mistakes.same_first_draws),
    ("large_calls_unseeded", "of more than 1,024 draws the seed is forgotten", AS_GIVEN, mistakes.large_calls_unseeded),
    ("one_draw_more", "one draw more than asked for", ARRAY, mistakes.one_draw_more),
    ("empty_is_one", "one draw where none is asked for", ARRAY, mistakes.empty_is_one),
    ("one_column", "a column (size, 1)", ARRAY, mistakes.one_column),
    ("number_of_one", "of one draw a number, not an array", ARRAY, mistakes.number_of_one),
    ("plain_list", "a list", ARRAY, mistakes.plain_list),
    ("nan_among_them", "a draw is NaN", ARRAY, mistakes.nan_among_them),
    ("tail_of_its_first", "8 draws at a time: what is left over stays at the least value", ARRAY,
     partial(_tail_of_its_first, 8)),
    ("tail_of_its_first_of_256", "256 draws at a time: what is left over stays at the least value", ARRAY,
     partial(_tail_of_its_first, 256)),
)  # fmt: skip
_OF_POINTS: tuple[tuple[str, str, str, Change], ...] = (
    ("plain_list", "a list of lists", POINTS, mistakes.plain_list),
    ("nan_among_them", "a number of a point is NaN", POINTS, mistakes.nan_among_them),
    ("number_of_one", "axes of length one are left out", POINTS, mistakes.number_of_one),
)

_RIGHT: dict[str, Callable[..., Any]] = {
    **{name: draws.right_sampler(name) for name in draws.RIGHT},
    **designs.RIGHT,
}

MUTANTS: tuple[Mutant, ...] = (
    *(
        Mutant(name, f"{name}.{fault}", words, fix, seen, make(right))
        for name, right in _RIGHT.items()
        for fault, words, fix, seen, make in _ANY
    ),
    *(
        Mutant(name, f"{name}.{fault}", words, fix, "classroom", make(right))
        for name, right in _RIGHT.items()
        for fault, words, fix, make in (_OF_POINTS if name in designs.RIGHT else _OF_DRAWS)
    ),
)
