"""Deliberate mistakes, one small function each, with source: what laws must catch and verdicts name."""

from nnlaws.mutants import contract, softmax
from nnlaws.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*softmax.MUTANTS, *contract.MUTANTS)

__all__ = ["MUTANTS", "Mutant"]
