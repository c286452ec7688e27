"""The laws of chapters/contract.md: what every operation promises, whatever it computes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array
from nnlaws_server.words import memory

from nnlaws.authoring.case import Boundary, Builder, Inputs, Range, large
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.judging import Chance, Rounding, Unusual
from nnlaws.authoring.law import About, Check, Law, agree_or_nan, law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Refused, Subject
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters.contract import draws
from nnlaws.chapters.contract.common import FIXES, LATER, NEEDS, SOON, SURROUNDINGS, process_kept
from nnlaws.chapters.contract.layouts import CHANGES, LAYOUTS, VIEWS, Arguments, by_turns, laid
from nnlaws.chapters.contract.others import LEVELS, beside
from nnlaws.rounding.formats import Floats, Format


def arguments_unmodified(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The arguments' bytes are the same after the call, and those of the arrays that they are views of."""
    lanes = _lanes(arguments)
    tried = [(number, "", lane) for number, lane in enumerate(lanes)]
    tried += [(number, *laid(ruler.operation, lanes[number], place)) for number, place in by_turns(lanes, VIEWS)]
    before = [[memory(argument).tobytes() for argument in lane] for _, _, lane in tried]
    forms = f.forms([lane for _, _, lane in tried], [number for number, _, _ in tried], **options)
    for place, (number, how, lane) in enumerate(tried):
        try:
            next(forms)
        except Refused:  # of a layout, that is another clause's
            if not place:
                raise
        for argument, was, kept in zip(ruler.operation.arguments, before[place], lane, strict=True):
            if memory(kept).tobytes() != was:
                return _broken(number, f"the argument {argument} was written to" + (f", where {how}" if how else ""))
    return require(True, "")


def shape_and_dtype(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """NumPy arrays (or what NumPy converts by `__array__`) of the arguments' dtype and the operation's shapes."""
    shapes = ruler.operation.result_shapes(argument.shape[1:] for argument in arguments)
    lanes = _lanes(arguments)
    for number, returned in enumerate(f.forms(lanes, range(len(lanes)), **options)):
        parts = (returned.whole,) if len(shapes) == 1 or returned.parts is None else returned.parts
        if len(parts) != len(shapes):
            names = ", ".join(ruler.operation.results)
            got = f"{len(parts)} results" if len(parts) > 1 else f"a {returned.whole.type}"
            return _broken(number, f"expected a tuple ({names}), got {got}")
        for name, shape, part in zip(ruler.operation.results, shapes, parts, strict=True):
            wanted, which = f"{ruler.format.name} and shape {shape}", f"{name}: " if len(shapes) > 1 else ""
            if not part.array:
                return _broken(number, f"{which}expected a NumPy array of {wanted}, got a {part.type}")
    for number, found in enumerate(f.again(*arguments, others=(), between=[()] * len(lanes), **options)):
        for name, shape, array in zip(ruler.operation.results, shapes, found[0][0], strict=True):
            which = f"{name}: " if len(shapes) > 1 else ""
            if array.shape != shape or array.dtype != ruler.format.dtype:
                wanted = f"{ruler.format.name} of shape {shape}"
                return _broken(number, f"{which}expected {wanted}, got {array.dtype} of shape {array.shape}")
    return require(True, "")


def same_result_again(f: Subject, ruler: Ruler, *arguments: Array, **more: Any) -> Evidence:
    """The same bits each time, whatever comes between and whatever free memory holds; and no later call changes a
    result that was returned.
    """
    others = [more.pop(f"other_{name}") for name in ruler.operation.arguments]
    between = [(1, 0, 2) if number else (1, 0, 2, SOON) for number in range(len(arguments[0]))]  # buffers in turn
    found = f.again(*arguments, others=others, between=between, **more)
    for number, ((first, _), *later) in enumerate(found):
        for results, intact in later:
            if not intact:
                return _broken(number, "an array that was returned changed when the operation was called again")
            if _bits(results) != _bits(first):
                return _broken(number, "another call with the same arguments returned other bits")
    for number, (((first, _), *_), now) in enumerate(zip(found, f.poisoned(*arguments, **more), strict=True)):
        if _bits(now) != _bits(first):
            return _broken(number, "other bits came where free memory is full of NaN: some of it is read unwritten")
    return require(True, "")


def same_numbers_again(f: Subject, ruler: Ruler, *arguments: Array, **more: Any) -> Evidence:
    """The same numbers each time, up to rounding, of what adds in another order each time; and no later call changes a
    result that was returned.
    """
    others = [more.pop(f"other_{name}") for name in ruler.operation.arguments]
    found = f.again(*arguments, others=others, between=[(1, 0, 2)] * len(arguments[0]), **more)
    for number, (lane, ((first, _), *later)) in enumerate(zip(_lanes(arguments), found, strict=True)):
        given, want = [argument[None] for argument in lane], _alone(first)
        for results, intact in later:
            if not intact:
                return _broken(number, "an array that was returned changed when the operation was called again")
            seen = _within(ruler, given, want, _alone(results), more)
            if not seen.holds:
                return replace(seen, lane=number, expected="what the first call with the same arguments returned")
        seen = _within(ruler, given, want, _alone(f.poisoned(*given, **more)[0]), more)
        if not seen.holds:
            return replace(seen, lane=number, expected="the same where free memory is full of NaN")
    return require(True, "")


def _alone(results: Sequence[Array]) -> list[Floats]:
    """As one lane."""
    return [part.astype(np.float64)[None] for part in results]


def any_layout_accepted(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Whatever the layout, nothing is raised that is not raised for contiguous copies."""
    lanes = _lanes(arguments)
    for _ in f.forms(lanes, range(len(lanes)), **options):
        pass
    tried = [(number, *laid(ruler.operation, lanes[number], place)) for number, place in by_turns(lanes, len(LAYOUTS))]
    forms = f.forms([lane for _, _, lane in tried], [number for number, _, _ in tried], **options)
    for number, how, _ in tried:
        try:
            next(forms)
        except Refused as refusal:
            return _broken(number, f"refused where {how}: {refusal}")
    return require(True, "")


def entries_alone(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same results, up to rounding, however the same entries lie; or the layout is refused."""
    lanes = _lanes(arguments)
    got = f.results(*arguments, **options)  # whoever refuses contiguous arrays has refused no layout
    pairs = [(number, *laid(ruler.operation, lanes[number], place)) for number, place in by_turns(lanes, len(LAYOUTS))]
    seen = _agreeing(f, ruler, arguments, got, pairs, options)
    if not seen.holds:
        return seen
    seen = _within(ruler, arguments, got, f.refilled(*arguments, **options), options)
    if not seen.holds:
        return replace(seen, expected="the result for new arrays; here the same ones held other entries a call before")
    for turn, (name, change) in enumerate(CHANGES.items()):
        number = turn % len(lanes)
        changed = change(ruler.operation, lanes[number])
        if changed is None:
            continue
        entries, lying = changed
        alone = tuple(entry[None] for entry in entries)
        try:
            want = f.results(*alone, **options)
        except Refused:  # these other entries, and not how they lie
            continue
        seen = _agreeing(f, ruler, alone, want, [(0, name, lying)], options)
        if not seen.holds:
            return replace(seen, lane=number)
    return require(True, "")


def _agreeing(
    f: Subject,
    ruler: Ruler,
    arguments: Sequence[Array],
    want: Sequence[Floats],
    pairs: Sequence[tuple[int, str, Arguments]],
    options: dict[str, Any],
) -> Evidence:
    """Evidence that arguments as they lie in `pairs`, by lane and in words, give what the contiguous ones gave."""
    accepted: list[tuple[int, str]] = []
    found: list[tuple[Floats, ...]] = []
    each = f.each([lying for _, _, lying in pairs], [number for number, _, _ in pairs], **options)
    for number, how, _ in pairs:
        with suppress(Refused):
            results = next(each)
            if not _equal(results, [one[number : number + 1] for one in want]):
                found.append(results)
                accepted.append((number, how))
    if not accepted:
        return require(True, "")
    numbers = [number for number, _ in accepted]
    bounds = ruler.loosest.bounds(*arguments, **options)
    for result, one, others, bound in zip(ruler.operation.results, want, zip(*found, strict=True), bounds, strict=True):
        allowed = 2 * bound.error[numbers]
        seen = agree_or_nan(np.concatenate(others), one[numbers], allowed, ruler.format, "", result)
        if not seen.holds:
            number, how = accepted[seen.lane]
            return replace(seen, lane=number, expected=f"the result for contiguous arguments; here {how}")
    return require(True, "")


def _within(
    ruler: Ruler, arguments: Sequence[Array], want: Sequence[Floats], got: Sequence[Floats], options: dict[str, Any]
) -> Evidence:
    """Evidence that other calls with these arguments gave the same, up to rounding."""
    if not _equal(got, want):
        bounds = ruler.loosest.bounds(*arguments, **options)
        for result, one, other, bound in zip(ruler.operation.results, got, want, bounds, strict=True):
            seen = agree_or_nan(one, other, 2 * bound.error, ruler.format, "", result)
            if not seen.holds:
                return seen
    return require(True, "")


def _equal(results: Sequence[Array], others: Sequence[Array]) -> bool:
    """Whether they are the same numbers: most are, and then there is no need to know how much rounding is allowed."""
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(results, others, strict=True))


def results_of_its_own(f: Subject, ruler: Ruler, *arguments: Array, **more: Any) -> Evidence:
    """No result shares memory with an argument, with another result, or with that of the same call made again; nor is
    one written over, however many calls with other arguments come after it.
    """
    others = [more.pop(f"other_{name}") for name in ruler.operation.arguments]
    names, given = list(ruler.operation.results), list(ruler.operation.arguments)
    for number, (lane, other) in enumerate(zip(_lanes(arguments), _lanes(others), strict=True)):
        with f.keeping() as kept:
            for _ in range(2):
                f.arrays(*lane, lane=number, **more)
            for each in kept.shared():
                another = (given if each.kind == "argument" else names)[int(each.other)]
                what = {
                    "argument": f"the argument {another}",
                    "later": f"the result {another} of a later call",
                    "result": f"the result {another}",
                }[each.kind]
                return _broken(number, f"the result {names[each.result]} is {what}, or shares its memory")
            f.repeat(*other, times=0 if number else LATER, **more)
            if 0 in kept.written_over():
                return _broken(number, f"a result was written over by one of {LATER} later calls")
    return require(True, "")


def threads_apart(f: Subject, ruler: Ruler, *arguments: Array, **more: Any) -> Evidence:
    """Two threads that call at the same time, each again and again with arguments of its own, get what each would get
    alone, up to rounding.
    """
    others = [more.pop(f"other_{name}") for name in ruler.operation.arguments]
    for number, (lane, other) in enumerate(zip(_lanes(arguments), _lanes(others), strict=True)):
        for each, found in zip((lane, other), f.at_once((lane, other), lane=number, **more), strict=True):
            alone = tuple(argument[None] for argument in each)
            want = f.results(*alone, **more)
            if all(_equal(parts, [one[0] for one in want]) for parts in found):
                continue
            bounds = ruler.loosest.bounds(*alone, **more)
            for result, one, parts, bound in zip(
                ruler.operation.results, want, zip(*found, strict=True), bounds, strict=True
            ):
                expected = "what one thread alone gets"
                got = np.stack([part.astype(np.float64) for part in parts])
                wanted, allowed = (np.repeat(x, len(got), axis=0) for x in (one, 2 * bound.error))
                seen = agree_or_nan(got, wanted, allowed, ruler.format, expected, result)
                if not seen.holds:
                    return replace(seen, lane=number)
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
    return process_kept(f, lambda: f.form(*lane, **options))


def _or(unusual: Unusual, build: Builder) -> Builder:
    """Inputs of the unusual families by their own builder."""

    def built(case: Case, format: Format) -> Inputs:
        return (unusual.build if case.family in unusual.families else build)(case, format)

    return built


def _lanes(arguments: Sequence[Array]) -> list[tuple[Array, ...]]:
    """Each lane's arguments, as arrays of their own."""
    return [tuple(argument[number].copy() for argument in arguments) for number in range(len(arguments[0]))]


def _bits(results: Sequence[Array]) -> list[bytes]:
    return [part.tobytes() for part in results]


def _broken(lane: int, reason: str) -> Evidence:
    return Evidence(np.inf, lane, reason=reason)


def contract_laws(chapter: Chapter) -> tuple[Law, ...]:
    """What the contract says of each operation of a chapter."""
    if isinstance(chapter.judging, Chance):
        return tuple(
            law for operation in chapter.operations for law in draws.contract_laws(chapter.judging, chapter, operation)
        )
    return tuple(law for operation in chapter.operations for law in _on_arrays(chapter.judging, operation))


def _on_arrays(judging: Rounding, operation: Operation) -> tuple[Law, ...]:
    _, ordinary = judging.ordinary(operation)
    inputs, extreme = judging.extreme(operation)
    unusual = judging.unusual(operation) if judging.unusual else None
    if unusual is not None:
        inputs = _or(unusual, inputs)
    with_others = beside(inputs, operation, judging.families)
    with_different = beside(inputs, operation, judging.families, LEVELS)
    shapes: Any = {"m": judging.samples, "columns": judging.columns}

    def make(
        clause: str, check: Check, statement: str, build: Builder = inputs, about: About = "call", **own: Any
    ) -> Law:
        usual: Any = {"fix": FIXES[clause], "about": about, "lanes": 4, "share": 0.4, "needs": NEEDS.get(clause, ())}
        return law(clause, operation, check, statement, build, of_any_size, **{**usual, **shapes, **own})

    def of_any_size(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
        return st.one_of(ordinary(format, m, columns), extreme(format, m, columns))

    def at_the_ends(format: Format, m: Range, columns: Range) -> list[Case]:
        """A small case for each option at each of its ends, of either sort of seed."""
        size = (max(2, m[0]), max(2, columns[0]))
        ends = [(name, end) for name in operation.options for end in judging.ends.get(name, ())]
        return [
            Case(*size, judging.families[0], 1, seed, settings=(setting,)) for setting in ends for seed in (0, TOGETHER)
        ]

    def of_every_size(which: int) -> Boundary:
        """Some of the shapes beyond those that are drawn, and what is unusual."""

        def cases(format: Format, m: Range, columns: Range) -> list[Case]:
            found = large(judging.families[-1], 2, m, columns)
            return [*found[which::6], *(unusual.cases(format, m, columns) if unusual else ())]

        return cases

    def of_its_own(format: Format, m: Range, columns: Range) -> list[Case]:
        return [*at_the_ends(format, m, columns), *of_every_size(0)(format, m, columns)]

    few: Any = {"share": 0.15}
    finite = "finite arguments give finite results"
    own, again = "a result is an array of its own", "the same input gives the same output"
    # of every size: what a library does to large arrays, or to masked ones, it may not do to others
    found = (
        make("CT-1", arguments_unmodified, "arguments are left as they were", boundary=of_every_size(0)),
        make("CT-2", shape_and_dtype, "shape and dtype are kept", about="results"),
        make("CT-3", same_result_again, again, with_others, kind="state", boundary=of_every_size(1)),
        make("CT-4", any_layout_accepted, "arrays of any memory layout are accepted", **few),
        law("CT-6", operation, finite_from_finite, finite, inputs, extreme, fix=judging.stay_finite, **shapes),
        make("CT-7", surroundings_kept, SURROUNDINGS),
        make("CT-8", entries_alone, "entries decide, not where they lie", boundary=of_every_size(2)),
        make("CT-9", results_of_its_own, own, with_others, boundary=of_its_own, lanes=1, **few),
        make("CT-10", threads_apart, "threads may call at the same time", with_different, lanes=1, **few),
    )
    empty = make("CT-5", empty_batch, "an empty batch gives an empty result")
    return (*found, empty) if operation.per_sample else found
