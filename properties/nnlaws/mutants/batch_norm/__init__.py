"""Mistakes in batch norm: in training, in its gradient, in its running averages, and at inference."""

from nnlaws.mutants.batch_norm import backward, inference, running, train
from nnlaws.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*train.MUTANTS, *backward.MUTANTS, *running.MUTANTS, *inference.MUTANTS)
