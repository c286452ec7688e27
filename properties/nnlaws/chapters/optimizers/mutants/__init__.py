"""Mistakes in optimizers: in the averages they keep, in each of them, and such as any of them can make."""

from nnlaws.authoring.faults import mutants_of
from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.optimizers.mutants import adam, adamw, at_size, averages, descent, rmsprop
from nnlaws.chapters.optimizers.operations import OPERATIONS

MUTANTS: tuple[Mutant, ...] = (
    *averages.MUTANTS,
    *descent.MUTANTS,
    *rmsprop.MUTANTS,
    *adam.MUTANTS,
    *adamw.MUTANTS,
    *(each for operation in OPERATIONS if "grads" in operation.arguments for each in mutants_of(operation)),
    *at_size.MUTANTS,
)
