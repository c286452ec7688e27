"""Mistakes in softmax, log-softmax, cross entropy and its gradient."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.softmax.mutants import at_size, extremes, loss, masks, probabilities, sizes

MUTANTS: tuple[Mutant, ...] = (
    *probabilities.MUTANTS,
    *loss.MUTANTS,
    *extremes.MUTANTS,
    *sizes.MUTANTS,
    *at_size.MUTANTS,
    *masks.MUTANTS,
)
