"""Mistakes in optimizers: in the averages they keep, in each of them, and such as any of them can make."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.optimizers.mutants import adam, adamw, at_size, averages, descent, driven, rmsprop

MUTANTS: tuple[Mutant, ...] = (
    *averages.MUTANTS,
    *descent.MUTANTS,
    *rmsprop.MUTANTS,
    *adam.MUTANTS,
    *adamw.MUTANTS,
    *driven.MUTANTS,
    *at_size.MUTANTS,
)
