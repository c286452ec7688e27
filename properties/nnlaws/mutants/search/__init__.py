"""Mistakes in searching a space of hyperparameters, chapters/search.md."""

from nnlaws.mutants.mutant import Mutant
from nnlaws.mutants.search import points, trials

MUTANTS: tuple[Mutant, ...] = (*points.MUTANTS, *trials.MUTANTS)
