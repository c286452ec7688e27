"""Known mistakes in losses of class numbers and of sigmoids."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.losses.mutants import means, samples, sigmoids

MUTANTS: tuple[Mutant, ...] = (*samples.MUTANTS, *means.MUTANTS, *sigmoids.MUTANTS)
