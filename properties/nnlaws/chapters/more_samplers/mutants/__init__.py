"""Mistakes in the samplers beyond the notes, chapters/more_samplers.md.

`seen` gives a thread; "classroom" means homework.
"""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.more_samplers.mutants import designs, draws, processes, seeds

MUTANTS: tuple[Mutant, ...] = (*draws.MUTANTS, *designs.MUTANTS, *seeds.MUTANTS, *processes.MUTANTS)
