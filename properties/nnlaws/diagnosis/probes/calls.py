"""What is wrong with calls themselves: results that depend on calls before, on memory layout, or that share memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.subject import TargetFault
from nnlaws.diagnosis.probes.options import number
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Sample

AGREEING = 3  # samples in which it has to show
KEPT = (
    "the same arguments give other results when it is called again: something is kept from call to call",
    "a result depends on the call before: something is kept from call to call",
)


def _strided(a: Array) -> Array:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype) if a.ndim else a.copy()
    if not a.ndim:
        return wide
    wide[..., ::2] = a
    view: Array = wide[..., ::2]
    return view


def _backwards(axis: int) -> Callable[[Array], Array]:
    def laid(a: Array) -> Array:
        if a.ndim < -axis:
            return a.copy()
        return np.flip(np.flip(a, axis).copy(), axis)

    return laid


def _read_only(a: Array) -> Array:
    kept = a.copy()
    kept.setflags(write=False)
    return kept


def _part(a: Array) -> Array:
    """Some rows of a larger array."""
    if not a.ndim:
        return a.copy()
    return np.concatenate([a[:1], a, a[-1:]])[1:-1]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "in Fortran order": lambda a: np.asfortranarray(a).copy(order="F"),
    "with negative strides along the rows": _backwards(-2),
    "with negative strides along the last axis": _backwards(-1),
    "every second column of a wider one": _strided,
    "read-only": _read_only,
    "part of a larger one": _part,
}


def of_calls(bench: Bench, samples: Sequence[Sample], failing: Sequence[Sample]) -> str:
    """What is wrong with calls, in words; "" where nothing is, or more than one thing."""
    bases = [*failing, *samples]
    found = list(_all(bench, [base.lanes(slice(0, 1)) for base in bases[:8]]))
    return found[0] if len(found) == 1 else ""


def _all(bench: Bench, bases: Sequence[Sample]) -> Iterator[str]:
    state = forgetful(bench, bases)
    if state:
        yield state
        return
    yield from _memory(bench, bases)
    yield from _types(bench, bases)
    for words, laid in LAYOUTS.items():
        bench.check_time()
        wrong = [_laid_wrong(bench, base, laid) for base in bases if not base.wrong_lanes.any()]
        if sum(each is True for each in wrong) >= AGREEING and _layout_alone(bench, bases):
            yield f"wrong where an argument is {words}, and right where it is contiguous"
            return


def forgetful(bench: Bench, bases: Sequence[Sample]) -> str:
    """Whether the same arguments give other results the second time, or after other calls."""
    again = after = tried = 0
    for one, other in zip(bases, (*bases[1:], *bases[:1]), strict=True):
        bench.check_time()
        first, second = _bits(bench, one), _bits(bench, one)
        _bits(bench, other)
        third = _bits(bench, one)
        if None in (first, second, third):
            continue
        tried += 1
        again += first != second
        after += third != second
    if again >= AGREEING:
        return KEPT[0]
    if after >= AGREEING and not again:
        return KEPT[1]
    return ""


def _bits(bench: Bench, sample: Sample) -> tuple[bytes, ...] | None:
    try:
        return tuple(one.tobytes() for one in bench.subject.arrays(*_lane(sample), lane=0, **sample.options))
    except TargetFault:
        return None


def _lane(sample: Sample) -> Arguments:
    return tuple(a[0].copy() for a in sample.arguments)


def _memory(bench: Bench, bases: Sequence[Sample]) -> Iterator[str]:
    """Results that share memory with arguments, or with each other."""
    names = list(bench.operation.arguments)
    shared: list[tuple[str, Sample]] = []
    kept = written = tried = 0
    for sample in bases:
        lane = _lane(sample)
        before = [a.tobytes() for a in lane]
        try:
            with bench.subject.keeping() as memory:
                bench.subject.arrays(*lane, lane=0, **sample.options)
                bench.subject.arrays(*_lane(sample), lane=0, **sample.options)
                found = memory.shared()
        except TargetFault:
            continue
        tried += 1
        written += before != [a.tobytes() for a in lane]
        given = {each.other for each in found if each.kind == "argument"}
        shared += [(name, sample) for place, name in enumerate(names) if place in given]
        kept += any(each.kind == "later" and each.result == each.other for each in found)
    if written >= min(AGREEING, tried) > 0:
        yield "it writes to its arguments"
    elif shared:
        name, sample = shared[0]
        yield f"a result shares memory with its argument {name}{_with_options(bench, sample, bases, shared)}"
    if kept >= min(AGREEING, tried) > 0 and not shared:
        yield "two calls return the same memory: a later call overwrites what an earlier one returned"


def _with_options(bench: Bench, sample: Sample, bases: Sequence[Sample], shared: Sequence[tuple[str, Sample]]) -> str:
    """The one option whose value tells where it does."""
    sharing = [each for _, each in shared]
    for name in bench.operation.options:
        value: Any = sample.options[name]
        same = [base.options[name] == value for base in bases]
        if all(each.options[name] == value for each in sharing) and not all(same):
            return f" where {name} is {number(value) if isinstance(value, float) else value}"
    return ""


def _types(bench: Bench, bases: Sequence[Sample]) -> Iterator[str]:
    """Results of another type than the arguments."""
    types: list[str] = []
    for sample in bases:
        try:
            types += [str(one.dtype) for one in bench.subject.arrays(*_lane(sample), lane=0, **sample.options)]
        except TargetFault:
            continue
    wanted = bench.ruler.format.name
    others = {each for each in types if each != wanted}
    if len(others) == 1:
        yield f"{wanted} arguments give {others.pop()} results"


def _laid_wrong(bench: Bench, sample: Sample, laid: Callable[[Array], Array]) -> bool | None:
    lane = tuple(laid(a) for a in _lane(sample))
    try:
        got = bench.subject.batch([lane], **sample.options)
    except TargetFault:
        return None
    seen = bench.seen(sample.arguments, sample.options, got)
    return None if seen is None else bool(seen.wrong_lanes.any())


def _layout_alone(bench: Bench, bases: Sequence[Sample]) -> bool:
    """Whether contiguous copies are right."""
    return all(_laid_wrong(bench, base, np.copy) is not True for base in bases if not base.wrong_lanes.any())


__all__ = ["forgetful", "of_calls"]
