"""The contract: what each operation is called, what it takes, and what it returns.

An implementation is any module or object with attributes of these names. Arrays are NumPy arrays of one floating dtype,
samples first; what a signature lists after `*` is given by name: Python floats, a learning rate may also be a tuple of
floats, one a step. Samplers and searches take numbers, a space or a function, and are judged once, in float64. The
Protocols, a module a chapter, are for type checkers and readers; OPERATIONS is what the harness reads.
"""

from nnlaws.operations import batch_norm, decay, optimizers, sampling, scales, search, softmax
from nnlaws.operations.operation import Dims, Operation, Option, idle

OPERATIONS = {
    operation.name: operation
    for chapter in (softmax, batch_norm, optimizers, decay, scales, sampling, search)
    for operation in chapter.OPERATIONS
}

__all__ = ["OPERATIONS", "Dims", "Operation", "Option", "idle"]
