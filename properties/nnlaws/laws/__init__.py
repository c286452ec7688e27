"""What must hold: one module of laws a chapter, each law a plain value in that module's LAWS."""

from nnlaws.laws import batch_norm, contract, decay, optimizers, sampling, scales, search, softmax
from nnlaws.laws.law import Law

LAWS: tuple[Law, ...] = (
    *batch_norm.LAWS,
    *softmax.LAWS,
    *optimizers.LAWS,
    *decay.LAWS,
    *scales.LAWS,
    *sampling.LAWS,
    *search.LAWS,
    *contract.LAWS,
)

__all__ = ["LAWS", "Law"]
