"""What an operation is: its name, chapter and signature, and what an implementation may declare of it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

Option = float | tuple[float, ...]
"""What may be given by name: a number, or one a step."""

Dims = dict[str, tuple[str, ...]]
"""Of each array by name, what its axes count, as in {"z": ("m", "C")}."""

_ARRAY = re.compile(r"(\w+)\(([\w,]*)\)")


@dataclass(frozen=True)
class Operation:
    """One operation: its `name`, `chapter` and `signature`, as in "z(m,C), y(m,C) -> J()", and what may be declared.

    conventions: names of those that change the value; the formula takes each as a keyword. grades: names of those
    that change how much rounding is allowed. The formula, reference and rounding bound are the functions of the
    operation's name in the three modules of its chapter. arrays: whether its arguments are arrays of one dtype, to
    which rounding bounds and the contract's laws apply; else it is judged in float64 alone.
    """

    name: str
    chapter: str
    signature: str
    protocol: type
    conventions: tuple[str, ...] = ()
    grades: tuple[str, ...] = ("arithmetic",)
    arrays: bool = True

    @property
    def meaning(self) -> str:
        """Arguments, result and clauses, in one sentence or two."""
        return " ".join(str(self.protocol.__doc__).split())

    @cached_property
    def arguments(self) -> Dims:
        """The arrays that it takes, in order."""
        return _dims(self.signature.partition("->")[0])

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The numbers that it takes by name."""
        listed = self.signature.partition("->")[0].partition("*,")[2]
        return tuple(name.strip() for name in listed.split(",") if name.strip())

    @cached_property
    def results(self) -> Dims:
        """The arrays that it returns, in order: one by itself, several as a tuple."""
        return _dims(self.signature.partition("->")[2])

    @property
    def call(self) -> str:
        """How it is called: name(z, gamma, *, eps)."""
        keywords = ("*", *self.options) if self.options else ()
        return f"{self.name}({', '.join((*self.arguments, *keywords))})"

    @property
    def scalar(self) -> bool:
        """Whether it returns one number for the whole batch."""
        return list(self.results.values()) == [()]

    @property
    def per_sample(self) -> bool:
        """Whether all it returns is one array with a row a sample, so that no samples give no rows."""
        (first, *others) = self.results.values()
        return not others and first[:1] == ("m",)

    @cached_property
    def formula(self) -> Callable[..., Any]:
        return self._in("nnlaws_spec.formulas")

    @cached_property
    def reference(self) -> Callable[..., Any]:
        return self._in("nnlaws_reference")

    @cached_property
    def bound(self) -> Callable[..., Any]:
        return self._in("nnlaws.bounds")

    def result_shapes(self, shapes: Iterable[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the results for arguments of these shapes."""
        sizes = {
            dim: size
            for dims, shape in zip(self.arguments.values(), shapes, strict=True)
            for dim, size in zip(dims, shape, strict=True)
        }
        return tuple(tuple(sizes[dim] for dim in dims) for dims in self.results.values())

    def _in(self, package: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"{package}.{self.chapter}"), self.name)
        return function


def _dims(listed: str) -> Dims:
    return {name: tuple(filter(None, dims.split(","))) for name, dims in _ARRAY.findall(listed)}


def idle(name: str, dtype: str) -> bool:
    """Whether a convention or grade says nothing in this dtype: what is computed in is the dtype itself, or double."""
    wide = ("float32", "float64")
    return dtype in {"arithmetic": wide, "state": wide, "hyperparameters": ("float64",)}.get(name, ())
