"""Mistakes in drawing hyperparameters at random, chapters/sampling.md."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.sampling.mutants import draws, processes, seeds

MUTANTS: tuple[Mutant, ...] = (*draws.MUTANTS, *seeds.MUTANTS, *processes.MUTANTS)
