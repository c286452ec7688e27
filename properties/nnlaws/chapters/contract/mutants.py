"""Mistakes that any operation can make: each is made here of the reference, which is right but for it."""

import time
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.mutant import Implementation, Mutant, each
from nnlaws.authoring.operation import Operation


def writes_over_its_argument(right: Implementation) -> Implementation:
    def run(z: Array, *others: Array, **options: Any) -> Any:
        result = right(z, *others, **options)
        if z.flags.writeable and z.size:
            z -= z.max(axis=-1, keepdims=True) + 1
        return result

    return run


def returns_the_wrong_dtype(right: Implementation) -> Implementation:
    def run(z: Array, *others: Array, **options: Any) -> Any:
        wrong = np.float32 if z.dtype == np.float64 else np.float64
        return each(lambda result: result.astype(wrong))(right(z, *others, **options))

    return run


def _as(dtype: Any, arguments: tuple[Array, ...]) -> list[Array]:
    """Those that are no whole numbers, in another dtype."""
    return [x if x.dtype.kind in "iu" else x.astype(dtype) for x in arguments]


def promotes_to_float64(right: Implementation) -> Implementation:
    return lambda *arguments, **options: right(*_as(np.float64, arguments), **options)


def returns_one_axis_more(right: Implementation) -> Implementation:
    def run(*arguments: Array, **options: Any) -> Any:
        return each(lambda result: np.asarray(result)[None])(right(*arguments, **options))

    return run


def reuses_its_buffer(right: Implementation) -> Implementation:
    buffers: dict[Any, Array] = {}

    def keep(number: int, result: Array) -> Array:
        buffer = buffers.setdefault((number, result.shape, result.dtype), np.empty_like(result))
        buffer[...] = result
        return buffer

    def run(*arguments: Array, **options: Any) -> Any:
        numbers = count()
        return each(lambda result: keep(next(numbers), np.asarray(result)))(right(*arguments, **options))

    return run


def remembers_the_last_call(right: Implementation) -> Implementation:
    last: list[float] = [0.0]

    def run(z: Array, *others: Array, **options: Any) -> Any:
        total = float(z.sum())
        shift, last[0] = last[0], total if np.isfinite(total) else 0.0
        factor = np.asarray(1 + np.sin(shift) / 4).astype(z.dtype)
        result = right(z, *others, **options)
        return result if shift == 0 else each(lambda part: (part * factor).astype(z.dtype))(result)

    return run


def reads_memory_in_order(right: Implementation) -> Implementation:
    return lambda *arguments, **options: right(*map(_in_memory_order, arguments), **options)


def _in_memory_order(z: Array) -> Array:
    """As many numbers as z has, from the place of its first on; z itself where they do not all lie within it."""
    reach = sum((size - 1) * step for size, step in zip(z.shape, z.strides, strict=True)) + z.itemsize
    if not z.size or min(z.strides, default=0) < 0 or reach < z.nbytes:
        return z
    return np.lib.stride_tricks.as_strided(z, (z.size,), (z.itemsize,)).reshape(z.shape)


def pads_the_empty_batch(right: Implementation) -> Implementation:
    def run(z: Array, *others: Array, **options: Any) -> Any:
        return right(z, *others, **options) if len(z) else np.zeros((1, *z.shape[1:]), z.dtype)

    return run


def nan_at_zero(right: Implementation) -> Implementation:
    def run(z: Array, *others: Array, **options: Any) -> Any:
        def spoil(result: Array) -> Array:
            return np.where((z == 0).any(), np.nan, result).astype(z.dtype)

        return each(spoil)(right(z, *others, **options))

    return run


def seeds_the_global_generator(right: Implementation) -> Implementation:
    def run(*arguments: Any, **options: Any) -> Any:
        np.random.seed(7)
        return right(*arguments, **options)

    return run


def silences_warnings(right: Implementation) -> Implementation:
    def run(*arguments: Any, **options: Any) -> Any:
        warnings.filterwarnings("ignore", message=str(len(warnings.filters)))
        return right(*arguments, **options)

    return run


def computes_in_float32(right: Implementation) -> Implementation:
    def run(*arguments: Array, **options: Any) -> Any:
        narrow = _as(np.float32, arguments)
        return each(lambda result: result.astype(arguments[0].dtype))(right(*narrow, **options))

    return run


def hands_out_what_it_remembers(right: Implementation) -> Implementation:
    known: dict[Any, Any] = {}

    def run(*arguments: Any, **options: Any) -> Any:
        there = (x for x in arguments if not callable(x))
        seen = tuple((x.shape, x.tobytes()) if isinstance(x, np.ndarray) else repr(x) for x in there)
        key = (*seen, repr(sorted(options.items())))
        if key not in known:
            known[key] = each(np.asarray)(right(*arguments, **options))
        return known[key]

    return run


def has_sixteen_buffers(right: Implementation) -> Implementation:
    calls = count()
    buffers: dict[Any, Array] = {}

    def keep(place: tuple[int, int], result: Array) -> Array:
        buffer = buffers.setdefault((place, result.shape, result.dtype), np.empty_like(result))
        buffer[...] = result
        return buffer

    def run(*arguments: Any, **options: Any) -> Any:
        call, numbers = next(calls) % 16, count()
        return each(lambda result: keep((call, next(numbers)), np.asarray(result)))(right(*arguments, **options))

    return run


def reads_strides_without_their_sign(right: Implementation) -> Implementation:
    return lambda *arguments, **options: right(*map(_forwards, arguments), **options)


def _forwards(z: Array) -> Array:
    """As C code reads it that begins at the lowest address."""
    return z[tuple(slice(None, None, -1 if step < 0 else 1) for step in z.strides)]


def in_place_unless_contiguous(right: Implementation) -> Implementation:
    def run(z: Array, *others: Array, **options: Any) -> Any:
        result = right(z, *others, **options)
        if z.flags.writeable and not z.flags.c_contiguous:
            z += np.ones((), z.dtype)
        return result

    return run


def refuses_what_is_not_contiguous(right: Implementation) -> Implementation:
    def run(*arguments: Array, **options: Any) -> Any:
        if not all(x.flags.c_contiguous for x in arguments):
            raise ValueError("expected contiguous arrays")
        return right(*arguments, **options)

    return run


def takes_one_array_for_an_output(right: Implementation) -> Implementation:
    def run(*arguments: Array, **options: Any) -> Any:
        twice = len({id(x) for x in arguments}) < len(arguments)
        result = right(*arguments, **options)
        return each(lambda part: (part + part + 1).astype(arguments[0].dtype))(result) if twice else result

    return run


def knows_an_array_again(right: Implementation) -> Implementation:
    last: list[Any] = [None, None]

    def run(z: Array, *others: Array, **options: Any) -> Any:
        if last[0] is not z:
            last[:] = z, right(z, *others, **options)
        return each(lambda part: np.asarray(part).copy())(last[1])

    return run


def threads_share_its_scratch(right: Implementation) -> Implementation:
    scratch: dict[Any, Array] = {}

    def worked(place: int, argument: Array) -> Array:
        work = scratch.setdefault((place, argument.shape, argument.dtype), np.empty_like(argument))
        work[...] = argument
        return work

    def run(*arguments: Array, **options: Any) -> Any:
        work = [worked(place, argument) for place, argument in enumerate(arguments)]
        time.sleep(0)  # another thread has its turn here, as it may have anywhere
        return right(*(argument.copy() for argument in work), **options)

    return run


def another_order_each_time(right: Implementation) -> Implementation:
    calls = count()

    def run(*arguments: Any, **options: Any) -> Any:
        result = right(*arguments, **options)
        if next(calls) % 2:
            return each(lambda part: np.asarray(part)[::-1].copy() if np.ndim(part) else part)(result)
        return result

    return run


def writes_over_the_arrays_it_is_given(right: Implementation) -> Implementation:
    def run(*arguments: Any, **options: Any) -> Any:
        result = right(*arguments, **options)
        for given in (*arguments, *options.values()):
            if isinstance(given, np.ndarray):
                given += 1
        return result

    return run


_FAULTS: tuple[tuple[Callable[[Implementation], Implementation], str, str], ...] = (
    (writes_over_its_argument, "changes its first argument in place", "work on a copy: z = z - ..., not z -= ..."),
    (returns_the_wrong_dtype, "returns another dtype than its arguments'", "return result.astype(z.dtype)"),
    (promotes_to_float64, "computes and returns float64, whatever it is given", "return result.astype(z.dtype)"),
    (returns_one_axis_more, "returns one axis too many", "return the shape that the operation states"),
    (reuses_its_buffer, "returns the same buffer at every call", "return a new array"),
    (remembers_the_last_call, "the result depends on the call before", "keep no state between calls"),
    (
        reads_memory_in_order,
        "reads its arguments in memory order",
        "index the arguments; do not flatten them in memory order",
    ),
    (pads_the_empty_batch, "returns one row for an empty batch", "return no rows for an empty batch"),
    (computes_in_float32, "computes float64 in float32", "compute in z's dtype (JAX: switch on jax_enable_x64)"),
    (nan_at_zero, "NaN where an entry is 0", "leave zeros alone"),
    (seeds_the_global_generator, "seeds NumPy's global generator", "numpy.random.default_rng: a generator of its own"),
    (silences_warnings, "adds a filter of warnings", "with warnings.catch_warnings()"),
    (hands_out_what_it_remembers, "keeps results, and returns the same arrays again", "return a copy of what is kept"),
    (has_sixteen_buffers, "returns sixteen buffers by turns", "return a new array"),
    (reads_strides_without_their_sign, "reads negative strides forwards", "numpy.ascontiguousarray(z)"),
    (in_place_unless_contiguous, "works in place where its argument is not contiguous", "work on a copy"),
    (refuses_what_is_not_contiguous, "refuses arrays that are not contiguous", "numpy.ascontiguousarray(z)"),
    (takes_one_array_for_an_output, "is wrong where two arguments are one array", "do not write to an argument"),
    (
        knows_an_array_again,
        "knows an array that it was given before by where it lies, and not by its entries",
        "compute from what the arguments hold at each call",
    ),
    (threads_share_its_scratch, "works in an array that all threads share", "a scratch array for each call"),
)
_FAULTS_OF_DRAWS: tuple[tuple[Callable[[Implementation], Implementation], str, str], ...] = (
    (seeds_the_global_generator, "seeds NumPy's global generator", "numpy.random.default_rng: a generator of its own"),
    (silences_warnings, "adds a filter of warnings", "with warnings.catch_warnings()"),
    (hands_out_what_it_remembers, "keeps results, and returns the same arrays again", "return a copy of what is kept"),
    (has_sixteen_buffers, "returns sixteen buffers by turns", "return a new array"),
    (another_order_each_time, "every second call returns another order", "keep no state between calls"),
    (
        writes_over_the_arrays_it_is_given,
        "changes the arrays that it is given",
        "work on a copy: x = x + …, not x += …",
    ),
)
"""Of operations that take no arrays of one dtype."""


def _happens(make: Callable[[Implementation], Implementation], chapter: Chapter, operation: Operation) -> bool:
    """Whether an operation can make that mistake, so that it shows."""
    judging = chapter.judging
    if make is writes_over_the_arrays_it_is_given:
        return isinstance(judging, Chance) and operation.name in judging.given_arrays
    if make is takes_one_array_for_an_output:
        alike = {(dims, name in operation.integers) for name, dims in operation.arguments.items()}
        return len(alike) < len(operation.arguments)
    if make is pads_the_empty_batch:
        return operation.per_sample
    return operation.zero or make is not nan_at_zero


def contract_mutants(chapter: Chapter) -> tuple[Mutant, ...]:
    """These mistakes, made by each operation of a chapter."""
    return tuple(
        Mutant(
            operation.name,
            f"{operation.name}.{make.__name__}",
            fault,
            fix,
            "classroom",
            make(operation.reference),
            computes_in="float32" if make is computes_in_float32 else "",
        )
        for operation in chapter.operations
        for make, fault, fix in (_FAULTS if operation.arrays else _FAULTS_OF_DRAWS)
        if _happens(make, chapter, operation)
    )
