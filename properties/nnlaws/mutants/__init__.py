"""Deliberate mistakes, one small function each, with source: what laws must catch and verdicts name."""

from nnlaws.mutants import batch_norm, contract, decay, optimizers, sampling, scales, search, softmax
from nnlaws.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *batch_norm.MUTANTS,
    *softmax.MUTANTS,
    *optimizers.MUTANTS,
    *decay.MUTANTS,
    *scales.MUTANTS,
    *sampling.MUTANTS,
    *search.MUTANTS,
    *contract.MUTANTS,
)

__all__ = ["MUTANTS", "Mutant"]
