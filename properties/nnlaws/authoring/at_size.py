"""Laws at real sizes: arrays of thousands of rows, columns or steps, made so that one entry more or less shows.

Kernels fail at the edges of blocks, in tails, split sums, counters and index types, of which small arrays have none.
The cases of such a law are few, fixed and ascending; its inputs are plates: arrays whose sums no order of summation
rounds, or of which few entries are not 0, so that the rounding allowed stays a few units at any size. Along the axis on
which each place is by itself they may repeat after a prime number of places, which falls out of step with every block:
then the exact values of one period are those of all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import Enclosure
from numpy.typing import NDArray

from nnlaws.authoring.blocks import blocks, part, parts, places
from nnlaws.authoring.case import Builder
from nnlaws.authoring.evidence import Element, Evidence, compare, worst
from nnlaws.authoring.law import Check, Law
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.ruler import Measure, Ruler
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.authoring.token import LARGEST, Case
from nnlaws.rounding.formats import Floats, Format

PERIODS = (61, 997)  # primes: of columns, and of rows
BLOCK = 1 << 15  # entries whose exact values are worked out together: what they need stays in a processor's cache
TOGETHER = 1 << 18  # entries of results that are compared together


def at_size(f: Subject, ruler: Ruler, *arguments: Array, **options: Option) -> Evidence:
    """f is what its formula says, whatever the size."""
    operation = ruler.operation
    given = [x[0].copy() for x in arguments]
    got = f.arrays(*given, lane=0, **options)
    if any(_wider(each, ruler.format) for each in got) and _is_wider_anyway(f, ruler.format, arguments, options):
        with np.errstate(over="ignore"):
            got = tuple(each.astype(ruler.format.dtype) if _wider(each, ruler.format) else each for each in got)
    if wrong := _returned(operation, arguments, got, ruler.format) or _written(operation, arguments, given):
        return Evidence(float("inf"), reason=wrong)
    period = repeats(operation, arguments)
    found = Evidence(0.0)
    for where in blocks(operation, arguments, BLOCK, period):
        measures = ruler.measures(*parts(operation, arguments, where), **options)
        for measure, result in zip(measures, got, strict=True):
            found = worst(found, *_compared(result[None], measure, where, period, ruler))
    return found


def _wider(result: Array, format: Format) -> bool:
    return result.dtype.kind == "f" and result.dtype.itemsize > format.dtype.itemsize


def _is_wider_anyway(f: Subject, format: Format, arguments: Sequence[Array], options: Mapping[str, Option]) -> bool:
    """Whether wider floats come back of two entries each way too: that is CT-2's, and what they are another thing. So
    it is taken to be where the target takes no such arrays.
    """
    tiny = [x[0][(slice(0, 2),) * (x.ndim - 1)].copy() for x in arguments]
    given = {name: value[:2] if isinstance(value, tuple) else value for name, value in options.items()}
    try:
        return any(_wider(each, format) for each in f.arrays(*tiny, lane=0, **given))
    except TargetFault:
        return True


def _returned(operation: Operation, arguments: Sequence[Array], got: Sequence[Array], format: Format) -> str:
    """What is wrong with the dtypes of what came back. Raises TargetFault for another shape."""
    shapes = operation.result_shapes([x.shape[1:] for x in arguments])
    for name, result, shape in zip(operation.results, got, shapes, strict=True):
        told = f"{result.dtype} of shape {result.shape}"
        if result.shape != shape:
            raise TargetFault(f"{operation.name} returned {told} where shape {shape} is expected (CT-2)")
        if result.dtype != format.dtype:
            which = f"{name}: " if len(shapes) > 1 else ""
            return f"{which}expected {format.name} of shape {shape}, got {told} (CT-2)"
    return ""


def _written(operation: Operation, arguments: Sequence[Array], given: Sequence[Array]) -> str:
    """Which argument the call has changed."""
    for name, before, after in zip(operation.arguments, arguments, given, strict=True):
        if before[0].tobytes() != after.tobytes():
            return f"the call has written to its argument {name} (CT-1)"
    return ""


def repeats(operation: Operation, arguments: Sequence[Array]) -> int:
    """After how many places the arguments come again, of PERIODS; 0 where they do not."""
    there = places(operation, arguments)
    for period in PERIODS:
        if there > 2 * period:
            first, later = (parts(operation, arguments, each) for each in (slice(0, -period), slice(period, None)))
            named = zip(operation.arguments.values(), first, later, strict=True)
            apart = [(a, b) for dims, a, b in named if operation.apart in dims]
            if all(np.array_equal(a, b) for a, b in apart):
                return period
    return 0


def _compared(result: Floats, measure: Measure, where: slice, period: int, ruler: Ruler) -> Iterator[Evidence]:
    """The result held to the exact values of a block, and wherever else its arguments come again."""
    dims = ruler.operation.results[measure.result]
    exact = (measure.exact.hi, measure.exact.lo, measure.exact.radius, measure.allowed)
    if not period:
        yield _near(part(ruler.operation, result, dims, where), exact, measure.result, dims, ruler, where.start or 0)
        return
    axis = dims.index(ruler.operation.apart) - len(dims)
    got, places = np.moveaxis(result, axis, -1), result.shape[axis]
    known = [np.moveaxis(each, axis, -1) for each in exact]
    whole, start, stop = places // period, where.start, where.stop
    step = max(TOGETHER // known[0].size, 1)
    for first in range(0, whole, step):
        count = min(step, whole - first)
        some = got[..., first * period : (first + count) * period].reshape(*got.shape[:-1], count, period)
        one = _near(some[..., start:stop], [each[..., None, :] for each in known], measure.result, dims, ruler)
        yield _placed(one, dims, axis, first * period + start, period)
    rest = min(places - whole * period, stop) - start
    if rest > 0:
        some = got[..., whole * period + start :][..., :rest]
        one = _near(some[..., None, :], [each[..., None, :rest] for each in known], measure.result, dims, ruler)
        yield _placed(one, dims, axis, whole * period + start, period)


def _near(
    got: Floats, exact: Sequence[Floats], name: str, dims: tuple[str, ...], ruler: Ruler, start: int = 0
) -> Evidence:
    got, hi, lo, radius, allowed = np.broadcast_arrays(got.astype(np.float64), *exact)
    if (undefined := np.isnan(got)).any():
        got = np.where(undefined & np.isposinf(allowed), 0.0, got)
    one = compare(got, Enclosure(hi, lo, radius), allowed, ruler.format, result=name)
    if one.element is None or not start:
        return one
    return replace(one, element=moved(ruler.operation, one.element, start))


def _placed(one: Evidence, dims: tuple[str, ...], axis: int, start: int, period: int) -> Evidence:
    """The evidence with its element, of an axis in periods at the end, where that is in the whole result."""
    if one.element is None:
        return one
    *others, number, place = one.element.index
    others.insert(len(dims) + axis, start + number * period + place)
    return replace(one, element=replace(one.element, index=tuple(others)))


def moved(operation: Operation, element: Element, start: int) -> Element:
    """The element of a block with its place in the whole result."""
    dims = operation.results[element.result]
    index = tuple(at + start * (dim == operation.apart) for at, dim in zip(element.index, dims, strict=True))
    return replace(element, index=index)


def sized(
    clause: str,
    operation: Operation,
    build: Builder,
    cases: Sequence[Case],
    statement: str,
    check: Check = at_size,
    **more: Any,
) -> Law:
    """The law of one operation at size: cases of plates that `build` makes."""
    given: dict[str, Any] = {"m": (1, LARGEST), "columns": (1, LARGEST), "lanes": 1, "kind": "size", **more}
    trials, name = tuple(ascending(operation, cases)), check.__name__
    return Law(clause, operation, f"{statement}, at any size", name, check, build, None, trials=trials, **given)


def ascending(operation: Operation, cases: Sequence[Case]) -> list[Case]:
    """The smallest first; of steps, the fewest."""
    stepped = letters(operation)[0] == "T"
    return sorted(cases, key=lambda case: (stepped and case.m, case.m * case.columns))


def letters(operation: Operation) -> tuple[str, str]:
    """What a case's m and columns count, by the letters of the signature: of the widest argument the last but one, and
    the last; or, where more arguments have it, another, as a layer's number of units beside that of its inputs.
    """
    *_, rows, columns = ["", *max(operation.arguments.values(), key=len)]
    if not rows:
        return columns, ""
    every = [letter for dims in operation.arguments.values() for letter in dims]
    most = max(dict.fromkeys(every), key=every.count)
    return (rows, most) if every.count(most) > 1 and most not in (rows, columns) else (rows, columns)


def positions(size: int, count: int, random: np.random.Generator) -> NDArray[np.intp]:
    """`count` places below `size` at which kernels go wrong, the rest by chance: the ends, and both sides of the first
    and of the last multiple of each power of 2.
    """
    edges = [0, size - 1, 1, size - 2]
    for exponent in range(3, 18):
        block = 1 << exponent
        last = size // block * block
        edges += [last, last - 1, block, block - 1] if last < size else [size - block, size - block - 1]
    edges = list(dict.fromkeys(each for each in edges if 0 <= each < size))
    if len(edges) > count:
        edges = [edges[each] for each in sorted(random.permutation(len(edges))[:count])]
    more = random.choice(size, size=min(size, 2 * count), replace=False)
    return np.array(list(dict.fromkeys([*edges, *more.tolist()]))[: min(count, size)], dtype=np.intp)


def tiled(x: NDArray[Any], size: int, axis: int) -> NDArray[Any]:
    """x, over and over along an axis, up to a size."""
    return np.asarray(np.take(x, np.arange(size) % x.shape[axis], axis=axis))
