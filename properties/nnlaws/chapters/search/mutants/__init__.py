"""Mistakes in searching a space of hyperparameters, chapters/search.md."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.mutants import any_search, caviar, nursed, points, processes, rounds, shared, trials

MUTANTS: tuple[Mutant, ...] = (
    *points.MUTANTS,
    *shared.MUTANTS,
    *trials.MUTANTS,
    *caviar.MUTANTS,
    *rounds.MUTANTS,
    *any_search.MUTANTS,
    *nursed.MUTANTS,
    *processes.MUTANTS,
)
