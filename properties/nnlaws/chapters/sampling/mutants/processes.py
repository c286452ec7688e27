"""Draws that are others in another process. Each is named after its operation, so that another process finds it."""

import nnlaws_reference
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Mutant


def salted(seed: int) -> int:
    """Python's hash of a string is another in each process."""
    return abs(hash(f"seed {seed}")) % 2**31


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return nnlaws_reference.sample_uniform(low, high, size=size, seed=salted(seed))


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return nnlaws_reference.sample_log_uniform(low, high, size=size, seed=salted(seed))


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return nnlaws_reference.sample_one_minus_log_uniform(low, high, size=size, seed=salted(seed))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return nnlaws_reference.sample_integer(low, high, size=size, seed=salted(seed))


FAULT = "the seed is Python's hash of a string, which is another in each process"
FIX = "numpy.random.default_rng(seed), or zlib.crc32 and hashlib where a name has to come in"

MUTANTS: tuple[Mutant, ...] = tuple(
    Mutant(function.__name__, f"{function.__name__}.seed_hashed", FAULT, FIX, "classroom", function)
    for function in (sample_uniform, sample_log_uniform, sample_one_minus_log_uniform, sample_integer)
)
