"""The same numbers, lying otherwise in memory: what laws give an operation in place of contiguous arrays."""

from collections.abc import Callable, Sequence

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Operation

Arguments = tuple[Array, ...]
FILLER = 3.0  # around the entries of a view: a number, so that who reads it computes on
AROUND = 2  # entries of it on each side


def _every_second_column(x: Array) -> Array:
    return np.repeat(x, 2, axis=-1)[..., ::2]


def _every_second_row(x: Array) -> Array:
    return np.repeat(x, 2, axis=0)[::2]


def _rows_backwards(x: Array) -> Array:
    return x[::-1].copy()[::-1]


def _columns_backwards(x: Array) -> Array:
    return x[..., ::-1].copy()[..., ::-1]


def _block(x: Array) -> Array:
    around = np.full([size + 2 * AROUND for size in x.shape], FILLER, x.dtype)
    view = around[tuple(slice(AROUND, AROUND + size) for size in x.shape)]
    view[...] = x
    return view


def _later_in_a_buffer(x: Array) -> Array:
    buffer = np.full(x.size + 2 * AROUND + 1, FILLER, x.dtype)
    view = buffer[AROUND + 1 : AROUND + 1 + x.size].reshape(
        x.shape
    )  # an odd number of entries on: not aligned for SIMD
    view[...] = x
    return view


def _read_only(x: Array) -> Array:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "in Fortran order": lambda x: np.array(x, order="F"),
    "every second column of a wider array": _every_second_column,
    "rows in reverse, with a negative stride": _rows_backwards,
    "a block of a larger array": _block,
    "columns in reverse, with a negative stride": _columns_backwards,
    "every second row of a longer array": _every_second_row,
    "from the middle of a buffer": _later_in_a_buffer,
    "read-only": _read_only,
}
"""Ways for arrays to lie: new arrays of the entries of contiguous ones."""
VIEWS = 7
"""So many of them, the first, are views that can be written to, or lie otherwise than in C order."""

Change = Callable[[Operation, Arguments], tuple[Arguments, Arguments] | None]
"""Other entries, contiguous, and the same as they lie; None where an operation has nothing to be changed so."""


def _one_row_for_all(operation: Operation, arguments: Arguments) -> tuple[Arguments, Arguments] | None:
    """Each array has its first row throughout, and is that row alone in memory, which nobody can write to."""
    laid = tuple(np.broadcast_to(x[:1], x.shape) for x in arguments)
    return tuple(x.copy() for x in laid), laid


def _one_array_for_several(operation: Operation, arguments: Arguments) -> tuple[Arguments, Arguments] | None:
    """Arguments of the same axes are all the last of them: y is both logits and targets, var is γ, β and mean too."""
    alike = [(dims, name in operation.integers) for name, dims in operation.arguments.items()]
    last = dict(zip(alike, arguments, strict=True))
    if len(last) == len(arguments):
        return None
    laid = tuple(last[each] for each in alike)
    return tuple(x.copy() for x in laid), laid


CHANGES: dict[str, Change] = {
    "one row stands for all, with a stride of 0": _one_row_for_all,
    "one array is several arguments": _one_array_for_several,
}


def by_turns(lanes: Sequence[Arguments], ways: int) -> list[tuple[int, int]]:
    """Which lane is laid in which ways: a lane by itself in every way, several share the ways among them."""
    return [(number, way) for number in range(len(lanes)) for way in range(number % ways, ways, len(lanes))]


def laid(operation: Operation, arguments: Arguments, way: int) -> tuple[str, Arguments]:
    """The arguments, each laid in the way after that of the one before it, for not all are views in practice either;
    and in words, how they lie.
    """
    names = list(LAYOUTS)
    chosen = [names[(way + place) % len(names)] for place in range(len(arguments))]
    how = "; ".join(f"{argument} is {name}" for argument, name in zip(operation.arguments, chosen, strict=True))
    return how, tuple(LAYOUTS[name](x) for name, x in zip(chosen, arguments, strict=True))
