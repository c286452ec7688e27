"""Mistakes in batch norm: in training, in its gradient, in its running averages, and at inference."""

from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters.batch_norm.mutants import backward, inference, running, train

MUTANTS: tuple[Mutant, ...] = (*train.MUTANTS, *backward.MUTANTS, *running.MUTANTS, *inference.MUTANTS)
