"""Draws that are others in another process. Each is named after its operation, so that another process finds it."""

from typing import Any

import nnlaws_reference
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant


def salted(seed: int) -> int:
    """Python's hash of a string is another in each process."""
    return abs(hash(f"seed {seed}")) % 2**31


def quantised_uniform(low: float, high: float, *, seed: int, **options: Any) -> Array:
    return nnlaws_reference.quantised_uniform(low, high, seed=salted(seed), **options)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return nnlaws_reference.log_integers(low, high, size=size, seed=salted(seed))


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    return nnlaws_reference.weighted_choice(weights, size=size, seed=salted(seed))


def latin_hypercube(*, size: int, axes: int, seed: int) -> Array:
    return nnlaws_reference.latin_hypercube(size=size, axes=axes, seed=salted(seed))


def sobol(*, size: int, axes: int, seed: int) -> Array:
    return nnlaws_reference.sobol(size=size, axes=axes, seed=salted(seed))


FAULT = "the seed is Python's hash of a string, which is another in each process"
FIX = "numpy.random.default_rng(seed), or zlib.crc32 and hashlib where a name has to come in"

MUTANTS: tuple[Mutant, ...] = tuple(
    Mutant(function.__name__, f"{function.__name__}.seed_hashed", FAULT, FIX, "classroom", function)
    for function in (quantised_uniform, log_integers, weighted_choice, latin_hypercube, sobol)
)
