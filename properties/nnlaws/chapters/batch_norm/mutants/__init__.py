"""Mistakes in batch norm: in training, in its gradient, in its running averages, and at inference."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.batch_norm.mutants import arguments, at_size, backward, inference, noise, options, running, train

MUTANTS: tuple[Mutant, ...] = (
    *train.MUTANTS,
    *noise.MUTANTS,
    *backward.MUTANTS,
    *running.MUTANTS,
    *inference.MUTANTS,
    *options.MUTANTS,
    *arguments.MUTANTS,
    *at_size.MUTANTS,
)
