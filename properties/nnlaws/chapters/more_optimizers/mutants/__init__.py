"""Mistakes in optimizers beyond the notes."""

from nnlaws.authoring.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
