"""Mistakes in optimizers beyond the notes: in each of them, and such as any optimizer can make."""

from nnlaws.authoring.faults import mutants_of
from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.more_optimizers.mutants import adaptive, ahead, plain, rectified
from nnlaws.chapters.more_optimizers.operations import OPERATIONS

MUTANTS: tuple[Mutant, ...] = (
    *plain.MUTANTS,
    *adaptive.MUTANTS,
    *ahead.MUTANTS,
    *rectified.MUTANTS,
    *(each for operation in OPERATIONS for each in mutants_of(operation)),
)
