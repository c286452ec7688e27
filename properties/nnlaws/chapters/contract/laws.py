"""The laws of chapters/contract.md: what every operation promises, whatever it computes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import OTHERS, Builder, Inputs
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.judging import Chance, Rounding
from nnlaws.authoring.law import About, Check, Law, agree_or_nan, law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Format


def arguments_unmodified(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The arguments' bytes are the same after the call."""
    kept: list[bool] = []
    for number, lane in enumerate(_lanes(arguments)):
        before = [argument.tobytes() for argument in lane]
        f.raw(*lane, lane=number, **options)
        kept.append(before == [argument.tobytes() for argument in lane])
    return require(kept, f"an argument ({', '.join(ruler.operation.arguments)}) was written to")


def shape_and_dtype(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """NumPy arrays (or what NumPy converts by `__array__`) of the arguments' dtype and the operation's shapes."""
    shapes = ruler.operation.result_shapes(argument.shape[1:] for argument in arguments)
    for number, lane in enumerate(_lanes(arguments)):
        returned = f.raw(*lane, lane=number, **options)
        parts = returned if len(shapes) > 1 and isinstance(returned, (tuple, list)) else (returned,)
        if len(parts) != len(shapes):
            names = ", ".join(ruler.operation.results)
            got = f"{len(parts)} results" if len(parts) > 1 else f"a {type(returned).__name__}"
            return _broken(number, f"expected a tuple ({names}), got {got}")
        for name, shape, part in zip(ruler.operation.results, shapes, parts, strict=True):
            wanted, which = f"{ruler.format.name} and shape {shape}", f"{name}: " if len(shapes) > 1 else ""
            if not hasattr(part, "__array__"):
                return _broken(number, f"{which}expected a NumPy array of {wanted}, got a {type(part).__name__}")
        found = f.arrays(*lane, lane=number, **options)
        for name, shape, part in zip(ruler.operation.results, shapes, found, strict=True):
            which = f"{name}: " if len(shapes) > 1 else ""
            if part.shape != shape or part.dtype != ruler.format.dtype:
                wanted = f"{ruler.format.name} of shape {shape}"
                return _broken(number, f"{which}expected {wanted}, got {part.dtype} of shape {part.shape}")
    return require(True, "")


def same_result_again(f: Subject, ruler: Ruler, *arguments: Array, **more: Any) -> Evidence:
    """The same bits each time, whatever comes between; and no later call changes a result that was returned."""
    others = [more.pop(f"other_{name}") for name in ruler.operation.arguments]
    for number, (lane, other) in enumerate(zip(_lanes(arguments), _lanes(others), strict=True)):
        first = f.arrays(*lane, lane=number, **more)
        bits = [part.tobytes() for part in first]
        for between in (1, 0, 2):  # so that states of period 2 and 3, and buffers in turn, do not come round
            for _ in range(between):
                f.arrays(*other, lane=number, **more)
            if [part.tobytes() for part in first] != bits:
                return _broken(number, "an array that was returned changed when the operation was called again")
            if [part.tobytes() for part in f.arrays(*lane, lane=number, **more)] != bits:
                return _broken(number, "another call with the same arguments returned other bits")
    return require(True, "")


def any_memory_layout(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Fortran order, every second column of a wider array, and read-only arrays, against contiguous copies."""
    got = f.results(*arguments, **options)
    bounds = ruler.loosest.bounds(*arguments, **options)
    lanes = _lanes(arguments)
    for name, laid in _LAYOUTS.items():
        others = f.batch([tuple(laid(argument) for argument in lane) for lane in lanes], **options)
        expected = f"the result for contiguous arguments (these are {name})"
        for result, one, other, bound in zip(ruler.operation.results, got, others, bounds, strict=True):
            seen = agree_or_nan(other, one, 2 * bound.error, ruler.format, expected, result)
            if not seen.holds:
                return seen
    return require(True, "")


def empty_batch(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """(0, C) in, (0, C) out."""
    by_sample = [dims[:1] == ("m",) for dims in ruler.operation.arguments.values()]
    first = _lanes(arguments)[0]
    lane = [argument[:0] if samples else argument for argument, samples in zip(first, by_sample, strict=True)]
    (found,) = f.arrays(*lane, **options)
    (shape,) = ruler.operation.result_shapes(argument.shape for argument in lane)
    return require(found.shape == shape, f"expected an array of shape {shape} for an empty batch, got {found.shape}")


def finite_from_finite(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """No NaN; an infinity only where the exact result is beyond the format."""
    results, bounds = f.results(*arguments, **options), ruler.bounds(*arguments, **options)
    excusing = any(np.isnan(got).any() for got in results)
    surest = ruler.surest.bounds(*arguments, **options) if excusing else bounds  # where nothing is promised
    for got, bound, sure in zip(results, bounds, surest, strict=True):
        in_range = np.abs(bound.value) + bound.error < ruler.format.largest
        broken = (np.isnan(got) & np.isfinite(sure.error)) | (np.isinf(got) & in_range)
        kept = ~broken.any(axis=tuple(range(1, got.ndim)))
        if not kept.all():
            return require(kept, "a NaN or an infinity came of finite arguments", got)
    return require(True, "")


def surroundings_kept(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The process is as it was before the call: global generators, NumPy's error state, warnings, threads …"""
    lane = _lanes(arguments)[0]
    return _kept(f, lambda: f.raw(*lane, **options))


def _kept(f: Subject, call: Callable[[], object]) -> Evidence:
    names = f.left_changed(call)
    return require(not names, f"a call changed {', '.join(names)}")


def _with_others(build: Builder, operation: Operation) -> Builder:
    """The inputs, and beside them others of the same shapes: the arguments of calls that come between."""

    def built(case: Case, format: Format) -> Inputs:
        inputs, others = build(case, format), build(case.lane(TOGETHER * OTHERS), format)
        named = zip(operation.arguments, others.arguments, strict=True)
        extra = {f"other_{name}": argument for name, argument in named}
        return Inputs(inputs.arguments, {**inputs.extra, **extra}, inputs.options)

    return built


def _lanes(arguments: Sequence[Array]) -> list[tuple[Array, ...]]:
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
    "CT-2": "return arrays of the shapes that the operation states, .astype(z.dtype); a scalar as z.dtype.type(J)",
    "CT-3": "keep no state between calls, and return new arrays each time",
    "CT-4": "index the arguments; do not flatten them in memory order, and do not write to them",
    "CT-5": "reduce over a row only, so that no samples give no results",
    "CT-7": "use generators of your own (numpy.random.default_rng), numpy.errstate and warnings.catch_warnings",
}
_SURROUNDINGS = "a call leaves the process as it was"


def contract_laws(chapter: Chapter) -> tuple[Law, ...]:
    """What the contract says of each operation of a chapter."""
    if isinstance(chapter.judging, Chance):
        return tuple(_of_draws(chapter.judging, chapter.laws_of(operation)[-1]) for operation in chapter.operations)
    return tuple(law for operation in chapter.operations for law in _on_arrays(chapter.judging, operation))


def _of_draws(judging: Chance, own: Law) -> Law:
    """Of an operation without arrays, on the first trial of one of its own laws."""

    def surroundings_of_draws_kept(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
        return _kept(f, lambda: judging.exercise(f, own.operation, **options))

    return trial_law(
        *("CT-7", own.operation, surroundings_of_draws_kept, _SURROUNDINGS, own.build, own.trials[:1], _FIXES["CT-7"]),
        about="call",
    )


def _on_arrays(judging: Rounding, operation: Operation) -> tuple[Law, ...]:
    inputs, ordinary = judging.ordinary(operation)
    unsized, extreme = judging.extreme(operation)
    shapes: Any = {"m": judging.samples, "columns": judging.columns}

    def make(clause: str, check: Check, statement: str, build: Builder = inputs, about: About = "call") -> Law:
        more: Any = {"fix": _FIXES[clause], "about": about, "lanes": 4, "share": 0.4}  # it breaks nearly anywhere
        return law(clause, operation, check, statement, build, ordinary, **more, **shapes)

    finite = "finite arguments give finite results"
    found = (
        make("CT-1", arguments_unmodified, "arguments are left as they were"),
        make("CT-2", shape_and_dtype, "shape and dtype are kept", about="results"),
        make("CT-3", same_result_again, "the same input gives the same output", _with_others(inputs, operation)),
        make("CT-4", any_memory_layout, "memory layout does not matter"),
        law("CT-6", operation, finite_from_finite, finite, unsized, extreme, fix=judging.stay_finite, **shapes),
        make("CT-7", surroundings_kept, _SURROUNDINGS),
    )
    empty = make("CT-5", empty_batch, "an empty batch gives an empty result")
    return (*found, empty) if operation.per_sample else found
