"""Mistakes in searching a space of hyperparameters, chapters/search.md."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.search.mutants import nursed, points, trials

MUTANTS: tuple[Mutant, ...] = (*points.MUTANTS, *trials.MUTANTS, *nursed.MUTANTS)
