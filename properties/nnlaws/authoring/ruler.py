"""The ruler: for one operation in one format, the exact results of given arguments and the rounding allowed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from inspect import unwrap
from typing import Any, TypeVar

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import Enclosure, enclose, enclose_quickly

from nnlaws.authoring.convention import finest, loosest
from nnlaws.authoring.operation import Operation, Option
from nnlaws.rounding.formats import Floats, Format
from nnlaws.rounding.number import Bounded, bounded

T = TypeVar("T")

FINENESS = 2.0**-10  # how much smaller than the allowed rounding a ball's radius must be
LARGE = 1 << 13  # entries of arguments, of whose exact values nobody reads all digits
SMALLER = (
    2.0**-10
)  # than the allowed rounding: the error of a value in float64; see FINEST in nnlaws.rounding.reductions
MANY = 1000  # entries a step, from which on double-double numbers are faster than balls
REMEMBERED = 100_000  # entries of arguments at most: what is known of larger ones would fill the memory


@dataclass(frozen=True)
class Measure:
    """One result's name, exact value, and the rounding allowed of it, elementwise."""

    result: str
    exact: Enclosure
    allowed: Floats


@dataclass(frozen=True)
class Ruler:
    """What results are held to: the operation, the format, and the conventions that the implementation declares."""

    operation: Operation
    format: Format
    conventions: Mapping[str, str]

    def declaring(self, conventions: Mapping[str, str]) -> "Ruler":
        """The ruler of an implementation that declares these as well."""
        return replace(self, conventions={**self.conventions, **conventions})

    @property
    def loosest(self) -> "Ruler":
        """The ruler of the conventions whose bounds admit the most: for laws about structure."""
        return self.declaring(loosest(self.operation.conventions))

    @property
    def finest(self) -> "Ruler | None":
        """The ruler of the tightest bounds, or None where this is it, or a convention of that name is declared."""
        tighter = finest(self.operation.conventions)
        return self.declaring(tighter) if tighter and not tighter.keys() & self.conventions.keys() else None

    @property
    def surest(self) -> "Ruler":
        """The ruler of the tightest bounds, whatever is declared: infinite where no algorithm can promise anything."""
        return self.declaring(finest(self.operation.conventions))

    def bounds(self, *arguments: Array, **options: Option) -> tuple[Bounded, ...]:
        """The results as bounded numbers: their `error` is the rounding allowed."""
        return self._looked_up(_bounds, arguments, options)

    def bound(self, *arguments: Array, **options: Option) -> Bounded:
        """The first of them."""
        return self.bounds(*arguments, **options)[0]

    def loose(self, *arguments: Array, **options: Option) -> Bounded:
        """The same under the conventions that admit the most."""
        return self.loosest.bound(*arguments, **options)

    def measures(self, *arguments: Array, **options: Option) -> tuple[Measure, ...]:
        """Each result's exact value and the allowed |computed − exact|.

        For float64, in balls or double-double numbers. For the narrower formats the bounded value of a sound algorithm
        in float64 is 2^29 times finer than the format and a hundred times faster than balls, and as well proven: its
        error is the enclosure's radius. Of large arrays, where bounds are proportional, that is not worked out: it is
        at most 2^−29 of what rounding in float32 may do, of which sums on a grid allow 2^−18 at least.
        """
        return self._looked_up(_measures, arguments, options)

    def _looked_up(self, function: Callable[..., T], arguments: tuple[Array, ...], options: dict[str, Option]) -> T:
        """What the function gives, or gave before, for these arguments."""
        known: Callable[..., T] = function if sum(a.size for a in arguments) <= REMEMBERED else unwrap(function)
        conventions, numbers = frozenset(self.conventions.items()), frozenset(options.items())
        return known(self.operation, self.format, conventions, numbers, _Given(arguments))

    def exact(self, formula: Callable[..., Any], *arguments: Array, within: Floats) -> Enclosure:
        """formula(*arguments) of any formula, enclosed tightly enough to compare with an error of `within`."""
        if self.format.digits < 53:
            return _enclosure(formula(*(bounded(a.astype(np.float64)) for a in arguments)))
        return enclose(formula, *arguments, within=_radius(within, self.format))


class _Given:
    """Arguments that can be looked up: equal if their types, shapes and bytes are."""

    def __init__(self, arguments: tuple[Array, ...]) -> None:
        self.arguments = arguments

    @cached_property
    def key(self) -> tuple[tuple[str, tuple[int, ...], bytes], ...]:
        return tuple((a.dtype.name, a.shape, a.tobytes()) for a in self.arguments)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self.key == other.key


Items = frozenset[tuple[str, Any]]


@lru_cache(maxsize=64)
def _bounds(
    operation: Operation, format: Format, conventions: Items, options: Items, given: _Given
) -> tuple[Bounded, ...]:
    """Diagnosis holds one mutant after another to the same arguments."""
    named = zip(operation.arguments, given.arguments, strict=True)
    arguments = (x if name in operation.integers else bounded(x) for name, x in named)
    found = operation.bound(*arguments, conventions=dict(conventions), **dict(options))
    results = (found,) if isinstance(found, Bounded) else tuple(found)
    for result in results:
        result.error.setflags(write=False)
        result.value.setflags(write=False)
    return results


@lru_cache(maxsize=64)
def _measures(
    operation: Operation, format: Format, conventions: Items, options: Items, given: _Given
) -> tuple[Measure, ...]:
    ruler, numbers = Ruler(operation, format, dict(conventions)), dict(options)
    bounds = ruler.bounds(*given.arguments, **numbers)
    allowed = tuple(bound.error for bound in bounds)
    if format.digits < 53 and operation.proportional and sum(x.size for x in given.arguments) > LARGE:
        exact = [Enclosure(each.value, np.zeros(each.shape), SMALLER * each.error) for each in bounds]
    elif format.digits < 53:
        arguments = zip(operation.arguments, given.arguments, strict=True)
        wide = tuple(x if name in operation.integers else x.astype(np.float64) for name, x in arguments)
        exact = [_enclosure(value) for value in ruler.bounds(*wide, **numbers)]
    else:
        named = {name: value for name, value in conventions if name in operation.changing}
        within = tuple(_radius(each, format) for each in allowed)
        exact = _enclose_all(operation, {**numbers, **named}, given.arguments, within)
    return tuple(Measure(*each) for each in zip(operation.results, exact, allowed, strict=True))


def forget() -> None:
    """Drops what is remembered: so that a benchmark measures what is worked out."""
    _bounds.cache_clear()
    _measures.cache_clear()


def _enclose_all(
    operation: Operation, options: dict[str, Any], arguments: tuple[Array, ...], within: tuple[Floats, ...]
) -> list[Enclosure]:
    """Every result of the formula, all in one evaluation: of many entries a step in double-double numbers, if they come
    near enough; else in balls.
    """

    named = list(zip(operation.arguments, arguments, strict=True))
    numbers = [x for name, x in named if name not in operation.integers]

    def flat(*lifted: Any) -> Any:
        left = iter(lifted)
        results = operation.formula(*(x if name in operation.integers else next(left) for name, x in named), **options)
        each = results if isinstance(results, tuple) else (results,)
        return np.concatenate([np.ravel(one if hasattr(one, "shape") else np.asarray(one)) for one in each])

    def in_range(*lifted: Any) -> Any:
        return flat(*(operation.in_range(*lifted) if operation.in_range else lifted))

    near, found = np.concatenate([each.ravel() for each in within]), None
    steps = operation.sizes([each.shape for each in arguments]).get("T", 1)
    if max(each.size for each in arguments) > MANY * steps:
        found = enclose_quickly(in_range, *numbers, within=near)
    found = found or enclose(flat, *numbers, within=near)
    ends = np.cumsum([each.size for each in within])[:-1]
    parts = zip(*(np.split(part, ends) for part in (found.hi, found.lo, found.radius)), strict=True)
    return [Enclosure(*(part.reshape(each.shape) for part in of)) for each, of in zip(within, parts, strict=True)]


def _radius(allowed: Floats, format: Format) -> Floats:
    return np.maximum(allowed, format.tiny) * FINENESS


def _enclosure(value: Bounded) -> Enclosure:
    return Enclosure(value.value, np.zeros(value.shape), value.error)
