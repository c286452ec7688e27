"""What an operation is: its name and signature, its formula, reference and bound, and what may be declared of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

from nnlaws.authoring.convention import Convention, changing, values

Option = float | tuple[float, ...]
"""What may be given by name: a number, or one a step."""

Dims = dict[str, tuple[str, ...]]
"""Of each array by name, what its axes count, as in {"z": ("m", "C")}."""

_ARRAY = re.compile(r"(\w+)\(([\w,]*)\)")
_ARRAYS = r"\w+\([\w,]*\)(?:, \w+\([\w,]*\))*"
SIGNATURE = re.compile(rf"(?:{_ARRAYS})?(?:(?:, )?\*(?:, \w+)+)? -> {_ARRAYS}")
"""As in "z(m,C), *, eps -> y(m,C), mean(C)"."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation: its `name` and `signature`, as in "z(m,C), y(m,C) -> J()", and how it is typed.

    formulas, reference_module, bounds: the modules of its chapter in which the functions of the operation's name are
    its formula, its reference and its rounding bound. Without bounds it takes no arrays of one dtype: then chance, not
    rounding, is what it is judged by, in float64 alone. conventions: all that bear on it. zero: whether an entry of
    its first argument may be 0. together: whether a row of what it returns depends on all samples, so that it need not
    take none of them. in_range: of arguments, others of the same results, of which no exponential overflows. apart: the
    letter of the signature along which each place is by itself: what results are there depends on no other. clauses: of
    results, the clause that says what each is, where there are several. proportional: whether its rounding bound
    shrinks with the unit roundoff, from float32 to float64 to 2^−10 at most. Sums, products, quotients, exponentials
    and logarithms shrink to 2^−29, roots to 2^−14; what is next to a pole, or cancels, need not.
    integers: those of its arguments that are whole numbers, int64 whatever dtype the others have, as class numbers are.
    optional: keywords that an implementation need not take, and that formula, reference and bound do.
    """

    name: str
    signature: str
    protocol: type
    formulas: ModuleType
    reference_module: ModuleType
    bounds: ModuleType | None = None
    conventions: tuple[Convention, ...] = ()
    zero: bool = True
    together: bool = False
    in_range: Callable[..., tuple[Any, ...]] | None = None
    apart: str = ""
    clauses: Mapping[str, str] = field(default_factory=dict[str, str])
    proportional: bool = False
    integers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def arrays(self) -> bool:
        """Whether its arguments are arrays of one dtype, which rounding bounds and the contract's laws are about."""
        return self.bounds is not None

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

    def given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Of what a law gives by name, what bears on the value: its numbers, and what else it may take."""
        more = {name: options[name] for name in self.optional if name in options}
        return {**{name: options[name] for name in self.options}, **more}

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
        return not others and first[:1] == ("m",) and not self.together

    @cached_property
    def formula(self) -> Callable[..., Any]:
        return self._function(self.formulas)

    @cached_property
    def reference(self) -> Callable[..., Any]:
        return self._function(self.reference_module)

    @cached_property
    def bound(self) -> Callable[..., Any]:
        if self.bounds is None:
            raise TypeError(f"{self.name} takes no arrays, and has no rounding bound")
        return self._function(self.bounds)

    @cached_property
    def changing(self) -> tuple[str, ...]:
        """The names of the conventions that change its value."""
        return changing(self.conventions)

    def convention(self, name: str, value: str) -> Convention | None:
        """The convention of that name and value, if it bears on the operation."""
        return next((each for each in self.conventions if (each.name, each.value) == (name, value)), None)

    def choices(self, dtype: str) -> dict[str, list[str]]:
        """Of each convention that says something in this dtype, the values that may be declared."""
        return values(each for each in self.conventions if dtype in each.dtypes)

    def sizes(self, shapes: Iterable[tuple[int, ...]]) -> dict[str, int]:
        """What each letter of the signature counts, for arguments of these shapes. Stacked axes before are left out."""
        return {
            dim: size
            for dims, shape in zip(self.arguments.values(), shapes, strict=True)
            for dim, size in zip(dims, shape[len(shape) - len(dims) :], strict=True)
        }

    def result_shapes(self, shapes: Iterable[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the results for arguments of these shapes."""
        sizes = self.sizes(shapes)
        return tuple(tuple(sizes[dim] for dim in dims) for dims in self.results.values())

    def _function(self, module: ModuleType) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(module, self.name)
        return function


def _dims(listed: str) -> Dims:
    return {name: tuple(filter(None, dims.split(","))) for name, dims in _ARRAY.findall(listed)}
