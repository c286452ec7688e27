"""A matrix of samples and classes, or features, as a tensor of any rank."""

from dataclasses import dataclass
from math import prod

import numpy as np
from nnlaws_reference.dtypes import Array

Dims = tuple[int | None, ...]
"""The sizes of a tensor's axes, None where they are free."""


@dataclass(frozen=True)
class Layout:
    """How a matrix lies in a tensor of these dims: its columns are along the axes from `first` up to `end`, its rows
    along all others.
    """

    dims: Dims
    first: int
    end: int

    @property
    def columns(self) -> int | None:
        """How many there have to be."""
        return _fixed([self.dims[axis] for axis in self._inner])

    @property
    def step(self) -> int:
        """Of how many rows those that fit are multiples."""
        return _known([self.dims[axis] for axis in self._outer])

    @property
    def growing(self) -> bool:
        """Whether there may be any multiple of them."""
        return any(self.dims[axis] is None for axis in self._outer)

    def tensor(self, x: Array) -> Array:
        """The matrix (m, C) as a tensor."""
        rows, columns = x.shape
        sizes = *_spread(rows, [self.dims[axis] for axis in self._outer]), *self._widths(columns)
        order = (*self._outer, *self._inner)
        return np.ascontiguousarray(x.reshape(sizes).transpose(np.argsort(order)))

    def matrix(self, y: Array, columns: int) -> Array:
        """A tensor as a matrix of so many columns."""
        by_rows = y.transpose((*self._outer, *self._inner))
        return by_rows.reshape(prod(by_rows.shape[: len(self._outer)]), columns)

    def numbers(self, x: Array) -> Array:
        """One number a row (m,) as a tensor without the axes of columns."""
        return np.ascontiguousarray(x.reshape(_spread(len(x), [self.dims[axis] for axis in self._outer])))

    @property
    def _inner(self) -> range:
        return range(self.first, self.end)

    @property
    def _outer(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(len(self.dims)) if axis not in self._inner)

    def _widths(self, columns: int) -> tuple[int, ...]:
        return _spread(columns, [self.dims[axis] for axis in self._inner])


def free(rank: int, first: int, end: int | None = None) -> Layout:
    """Of a tensor of any sizes."""
    return Layout((None,) * rank, first, first + 1 if end is None else end)


def _known(dims: list[int | None]) -> int:
    return prod(size for size in dims if size is not None)


def _fixed(dims: list[int | None]) -> int | None:
    """How many entries there are along these axes; None where their number is free."""
    return None if _known(dims) == 1 and None in dims else _known(dims)


def _spread(count: int, dims: list[int | None]) -> tuple[int, ...]:
    """So many entries along these axes: where their number has divisors enough, none but those left over is 1."""
    left, sizes = count // max(_known(dims), 1), list[int]()
    first = dims.index(None) if None in dims else -1
    for axis in reversed(range(len(dims))):
        size = dims[axis]
        if size is None:
            size = left if axis == first else _smallest_divisor(left)
            left = left // size if axis != first else left
        sizes.append(size)
    return tuple(reversed(sizes))


def _smallest_divisor(count: int) -> int:
    """The smallest divisor above 1; 1 where there is none."""
    return next((d for d in range(2, min(count, 64) + 1) if count % d == 0), 1)
