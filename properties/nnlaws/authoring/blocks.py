"""Arrays in blocks: along the axis on which each place is by itself, results of a part are a part of the results."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Operation

KEPT = 31 << 20  # bytes; glibc learns from arrays of up to 32 MiB


def keep_memory() -> None:
    """Makes and drops one large array, not touched, after which glibc keeps what smaller ones leave for the next.

    Else memory of more than 128 KiB goes back each time, and its pages come anew, which takes several times as long
    as what is computed with them.
    """
    np.empty(KEPT, np.uint8)


def places(operation: Operation, arguments: Sequence[Array]) -> int:
    """How many there are along that axis; 0 where the operation has none."""
    return operation.sizes(x.shape for x in arguments)[operation.apart] if operation.apart else 0


def blocks(operation: Operation, arguments: Sequence[Array], entries: int, most: int = 0) -> Iterator[slice]:
    """Blocks of about so many entries of the largest argument, one place at least; up to place `most`, default all.

    Everything at once where the operation has no such axis.
    """
    there = places(operation, arguments)
    keep_memory()
    if not there:
        yield slice(None)
        return
    last = min(most or there, there)
    step = max(entries * there // max(*(x.size for x in arguments), 1), 1)
    for start in range(0, last, step):
        yield slice(start, min(start + step, last))


def part(operation: Operation, x: Array, dims: tuple[str, ...], where: slice) -> Array:
    """The block's part of an array with these axes last."""
    if operation.apart not in dims:
        return x
    index: list[Any] = [..., where, *(slice(None) for _ in dims[dims.index(operation.apart) + 1 :])]
    found: Array = x[tuple(index)]
    return found


def parts(operation: Operation, arguments: Sequence[Array], where: slice) -> tuple[Array, ...]:
    """The block's part of each argument."""
    named = zip(operation.arguments.values(), arguments, strict=True)
    return tuple(part(operation, x, dims, where) for dims, x in named)
