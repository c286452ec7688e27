"""Deliberate mistakes, one small function each, with their source: what the laws must catch, and what a verdict names."""

from nnlaws.mutants import contract, softmax
from nnlaws.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*softmax.MUTANTS, *contract.MUTANTS)

__all__ = ["MUTANTS", "Mutant"]
