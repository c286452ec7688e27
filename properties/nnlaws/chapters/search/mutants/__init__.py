"""Mistakes in searching a space of hyperparameters, chapters/search.md."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.mutants import nursed, points, processes, shared, trials

MUTANTS: tuple[Mutant, ...] = (
    *points.MUTANTS,
    *shared.MUTANTS,
    *trials.MUTANTS,
    *nursed.MUTANTS,
    *processes.MUTANTS,
)
