"""The laws of chapters/contract.md: what every operation promises, whatever it computes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.bounds.ruler import Ruler
from nnlaws.cases.softmax import any_size, any_size_inputs, either, moderate, moderate_inputs
from nnlaws.evidence import Evidence, agree, require
from nnlaws.laws.law import Law, Subject, law
from nnlaws.operations import OPERATIONS, Operation


def arguments_unmodified(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """The arguments' bytes are the same after the call."""
    kept: list[bool] = []
    for number, lane in enumerate(_lanes(arguments)):
        before = [argument.tobytes() for argument in lane]
        f.raw(*lane, lane=number)
        kept.append(before == [argument.tobytes() for argument in lane])
    return require(kept, f"an argument ({', '.join(ruler.operation.arguments)}) was written to")


def shape_and_dtype(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """A NumPy array (or what NumPy converts by `__array__`) of the arguments' dtype and the operation's shape."""
    shape = ruler.operation.result_shape(arguments[0].shape[1:])
    for number, lane in enumerate(_lanes(arguments)):
        result = f.raw(*lane, lane=number)
        if not hasattr(result, "__array__"):
            return _broken(
                number,
                f"expected a NumPy array of {ruler.format.name} and shape {shape}, got a {type(result).__name__}",
            )
        found = f.array(*lane, lane=number)
        if found.shape != shape or found.dtype != ruler.format.dtype:
            return _broken(
                number, f"expected {ruler.format.name} of shape {shape}, got {found.dtype} of shape {found.shape}"
            )
    return require(True, "")


def same_result_again(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """The same bits each time, whatever comes between; and no later call changes a result that was returned."""
    for number, lane in enumerate(_lanes(arguments)):
        classes = np.arange(lane[0].shape[-1]).astype(ruler.format.dtype)
        other = (classes - lane[0], *(np.roll(targets, 1, axis=-1) for targets in lane[1:]))
        first = f.array(*lane, lane=number)
        bits = first.tobytes()
        for between in (1, 0, 2):  # so that states of period 2 and 3, and buffers in turn, do not come round
            for _ in range(between):
                f.array(*other, lane=number)
            if first.tobytes() != bits:
                return _broken(number, "the array that was returned changed when the operation was called again")
            if f.array(*lane, lane=number).tobytes() != bits:
                return _broken(number, "another call with the same arguments returned other bits")
    return require(True, "")


def any_memory_layout(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """Fortran order, every second column of a wider array, and read-only arrays, against contiguous copies."""
    got = f(*arguments)
    allowed = 2 * ruler.loose(*arguments).error
    lanes = _lanes(arguments)
    for name, laid in _LAYOUTS.items():
        other = f.batch([tuple(laid(argument) for argument in lane) for lane in lanes])
        seen = agree(other, got, allowed, ruler.format, f"the result for contiguous arguments (these are {name})")
        if not seen.holds:
            return seen
    return require(True, "")


def empty_batch(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """(0, C) in, (0, C) out."""
    lane = tuple(argument[:0] for argument in _lanes(arguments)[0])
    found = f.array(*lane).shape
    return require(
        found == lane[0].shape, f"expected an array of shape {lane[0].shape} for an empty batch, got {found}"
    )


def finite_from_finite(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """No NaN; an infinity only where the exact result is beyond the format."""
    got, bound = f(*arguments), ruler.bound(*arguments)
    in_range = np.abs(bound.value) + bound.error < ruler.format.largest
    broken = np.isnan(got) | (np.isinf(got) & in_range)
    return require(~broken.any(axis=tuple(range(1, got.ndim))), "a NaN or an infinity came of finite arguments", got)


def _lanes(arguments: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    """Each lane's arguments, as arrays of their own."""
    return [tuple(argument[number].copy() for argument in arguments) for number in range(len(arguments[0]))]


def _broken(lane: int, reason: str) -> Evidence:
    return Evidence(np.inf, lane, reason=reason)


def _strided(x: Array) -> Array:
    wide = np.repeat(x, 2, axis=-1)
    return wide[..., ::2]


def _read_only(x: Array) -> Array:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


_LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "in Fortran order": np.asfortranarray,
    "strided": _strided,
    "read-only": _read_only,
}


_FIXES = {
    "CT-1": "work on a copy: z = z - c, not z -= c",
    "CT-2": "return an array of the shape that the operation states, .astype(z.dtype); a scalar as z.dtype.type(J)",
    "CT-3": "keep no state between calls, and return a new array each time",
    "CT-4": "index the arguments; do not flatten them in memory order, and do not write to them",
    "CT-5": "reduce over the classes only, so that no samples give no results",
    "CT-6": "subtract the row's maximum before the exponential, and take no logarithm of a probability",
}


def _contract(operation: Operation) -> tuple[Law, ...]:
    name = operation.name
    targets = either if "y" in operation.arguments else None
    inputs = moderate_inputs(targets)
    unsized = any_size_inputs(targets, operation.scalar)
    few: Any = {"lanes": 4, "share": 0.4}  # what breaks these, breaks them nearly anywhere
    laws = (
        law(
            "CT-1",
            name,
            arguments_unmodified,
            "arguments are left as they were",
            inputs,
            moderate,
            _FIXES["CT-1"],
            **few,
        ),
        law("CT-2", name, shape_and_dtype, "shape and dtype are kept", inputs, moderate, _FIXES["CT-2"], **few),
        law(
            "CT-3",
            name,
            same_result_again,
            "the same input gives the same output",
            inputs,
            moderate,
            _FIXES["CT-3"],
            **few,
        ),
        law("CT-4", name, any_memory_layout, "memory layout does not matter", inputs, moderate, _FIXES["CT-4"], **few),
        law(
            "CT-6", name, finite_from_finite, "finite arguments give finite results", unsized, any_size, _FIXES["CT-6"]
        ),
    )
    empty = law(
        "CT-5", name, empty_batch, "an empty batch gives an empty result", inputs, moderate, _FIXES["CT-5"], **few
    )
    return laws if operation.scalar else (*laws, empty)


LAWS: tuple[Law, ...] = tuple(each for operation in OPERATIONS.values() for each in _contract(operation))
