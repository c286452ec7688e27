"""The contract: what every operation promises, whatever it computes. Functions of a chapter: it has no operations."""

from nnlaws.chapters.contract.laws import contract_laws
from nnlaws.chapters.contract.mutants import contract_mutants

__all__ = ["contract_laws", "contract_mutants"]
