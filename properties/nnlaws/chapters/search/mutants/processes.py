"""Searches that try other points in another process. Each is named after its operation, so that it is found there."""

from collections.abc import Callable
from typing import Any

import nnlaws_reference
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.inputs import Space


def salted(seed: int) -> int:
    """Python's hash of a string is another in each process."""
    return abs(hash(f"seed {seed}")) % 2**31


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    return nnlaws_reference.random_search(space, budget=budget, seed=salted(seed))


def coarse_to_fine(space: Space, objective: Callable[[Array], float], *, seed: int, **options: Any) -> Any:
    return nnlaws_reference.coarse_to_fine(space, objective, seed=salted(seed), **options)


def caviar(space: Space, objective: Callable[[Array], float], *, budget: int, seed: int) -> Any:
    return nnlaws_reference.caviar(space, objective, budget=budget, seed=salted(seed))


def panda(space: Space, train: Callable[[Any, Array], tuple[Any, float]], *, seed: int, **options: Any) -> Any:
    return nnlaws_reference.panda(space, train, seed=salted(seed), **options)


FAULT = "the seed is Python's hash of a string, which is another in each process"
FIX = "numpy.random.default_rng(seed), or zlib.crc32 and hashlib where a name has to come in"

MUTANTS: tuple[Mutant, ...] = tuple(
    Mutant(function.__name__, f"{function.__name__}.seed_hashed", FAULT, FIX, "classroom", function)
    for function in (random_search, coarse_to_fine, caviar, panda)
)
