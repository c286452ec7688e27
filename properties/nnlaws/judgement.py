"""One result at its own shape: is it within what rounding allows, where is it the worst, and what does it look like?

    nnlaws.judge("softmax", z, result=got)
    nnlaws.allowed("softmax", z)

Nothing is called, and nothing is drawn: the arguments and the result are arrays that somebody has. So no tolerance has
to be guessed for a shape that no law draws. What relates several calls to each other, and what a function does besides
its result, only `nnlaws.check` can see.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import ml_dtypes
import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.numbers import PrecisionError

from nnlaws.authoring.at_size import moved
from nnlaws.authoring.blocks import blocks, part, parts
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.evidence import Evidence, compare
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.ruler import Measure, Ruler
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.diagnosis import by_one_result
from nnlaws.diagnosis.example import SMALL, digits, distance, entries, number, place
from nnlaws.report import Cause, LawResult, Outcome, Violation
from nnlaws.rounding.formats import Floats, format_of

BLOCK = 1 << 15  # entries that are looked at together: what they need stays in a processor's cache
WHOLE = 1 << 18  # entries up to which known mistakes are tried on all of the arguments
RESULT, OPERATION, CONVENTIONS = "result", "operation", "conventions"  # names in a file besides those of arguments


@dataclass(frozen=True)
class Allowed:
    """Of one result, float64 arrays of its shape: the exact value is exact + rest, known within radius; a computed one
    may be `error` away from that, radius included, infinite where nothing can be promised.
    """

    result: str
    exact: Floats
    rest: Floats
    radius: Floats
    error: Floats


@dataclass(frozen=True)
class Judgement:
    """What is seen of one result. str() is a line, or the report of a violation.

    ratio: the largest |got − exact| / allowed of all entries, at most 1 where it conforms. place: where that is; got,
    want: the entry there, and the exact digits of what it should be; off, allowed: how far away that is, and how far it
    may be, in ulp where there are any. entries: how many were looked at. law: the clause's law, as a check reports it.
    """

    law: LawResult
    place: str
    got: str
    want: str
    off: str
    allowed: str
    entries: int

    @property
    def ratio(self) -> float:
        return self.law.worst or 0.0

    @property
    def conforms(self) -> bool:
        return not self.law.broken

    def __str__(self) -> str:
        if not self.conforms:
            from nnlaws.reports.terminal import explain

            return explain(self.law).rstrip("\n")
        where = f" at {self.place}" if self.place else ""
        return (
            f"{self.law.operation} {self.law.dtype} {self.law.outcome}: of {self.entries:,} entries the worst is "
            f"{self.got}{where}, {self.off} from {self.want}; {self.allowed} is allowed ({self.ratio:.2g} of that)"
        )


def judge(
    operation: str,
    *arguments: Array,
    result: Any,
    conventions: Mapping[str, str] | None = None,
    **options: Any,
) -> Judgement:
    """Is `result` what the operation gives for these arguments, up to rounding?

    operation: a name of `nnlaws list operations` that takes arrays. arguments: in its order, of one dtype and any
    size. result: an array of that dtype; of several results a tuple of them, None for one that is not to be judged.
    conventions: what its computation declares, as a target does. options: the operation's own, by name.
    Raises UsageError (a ValueError), which says what was given and what was expected.
    """
    question = _asked(operation, arguments, conventions, options)
    results = _results(question, result)
    seen, where = Evidence(0.0), Block(slice(None), question.arguments)
    for block in question.blocks():
        measures = _measures(question, block)
        for got, measure in zip(question.parts(results, block), measures, strict=True):
            if got is None:
                continue
            wide = got[None].astype(np.float64)
            promised = np.isfinite(measure.allowed)
            wide = np.where(np.isnan(wide) & ~promised, 0.0, wide)  # where nothing is promised, NaN will do
            rest = measure.exact, measure.allowed, question.ruler.format, "the exact value", measure.result
            if seen.element is None or compare(wide, *rest).ratio > seen.ratio:
                seen, where = compare(wide, *rest, told=True), block
    return _judged(question, results, seen, where)


def allowed(
    operation: str, *arguments: Array, conventions: Mapping[str, str] | None = None, **options: Any
) -> Allowed | tuple[Allowed, ...]:
    """The exact value and what rounding may do to it, as arrays: of one result by itself, of several as a tuple.

    For other people's harnesses: a result fits where |(got − exact) − rest| ≤ error. Arguments as for `judge`.
    """
    question = _asked(operation, arguments, conventions, options)
    shapes = question.operation.result_shapes(x.shape for x in question.arguments)
    found = [
        Allowed(name, *(np.empty(shape) for _ in range(4)))
        for name, shape in zip(question.operation.results, shapes, strict=True)
    ]
    for block in question.blocks():
        for one, measure in zip(found, _measures(question, block), strict=True):
            exact = measure.exact
            found_here = (exact.hi, exact.lo, exact.radius, measure.allowed + exact.radius)
            for whole, each in zip((one.exact, one.rest, one.radius, one.error), found_here, strict=True):
                question.part(whole, one.result, block)[...] = each[0]
    return found[0] if len(found) == 1 else tuple(found)


def judge_file(path: Path, conventions: Mapping[str, str] | None = None) -> Judgement:
    """`judge` of a .npz file: `operation`, arguments, options and results by their names, a single one as `result`.

    bfloat16, which NumPy saves as two bytes without a name, is read as such.
    """
    try:
        file = np.load(path)
        if not hasattr(file, "files"):
            raise ValueError
        with file:
            found = {name: _read(file[name]) for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        why = getattr(error, "strerror", None) or "expected several arrays of numbers, as numpy.savez writes them"
        raise UsageError(f"{path} cannot be read as a .npz file: {why}") from None
    if OPERATION not in found:
        raise UsageError(
            f"{path} has {', '.join(sorted(found)) or 'nothing in it'}; expected an entry {OPERATION!r}, its name"
        )
    name = str(found.pop(OPERATION))
    known = _operation(name)
    arguments = [_taken(found, each, path, known) for each in known.arguments]
    wanted = [RESULT] if RESULT in found and len(known.results) == 1 else [*known.results]
    results = tuple(found.pop(each, None) for each in wanted)
    if all(each is None for each in results):
        raise UsageError(
            f"{path} has no result; expected {' or '.join([RESULT, *known.results] if len(wanted) == 1 else wanted)}"
        )
    given = {**declared(str(found.pop(CONVENTIONS, "")), str(path)), **(conventions or {})}
    return judge(name, *arguments, result=results if len(wanted) > 1 else results[0], conventions=given, **found)


def declared(text: str, source: str) -> dict[str, str]:
    """Conventions of a text such as "variance=one_pass, state=narrow"."""
    pairs = [each.split("=") for each in text.split(",") if each.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise UsageError(f"{source}: expected conventions as in variance=one_pass, got {text!r}")
    return {name.strip(): value.strip() for name, value in pairs}


@dataclass(frozen=True)
class Block:
    """Part of the arguments, along the axis on which each place is by itself: results there depend on no other."""

    where: slice
    arguments: tuple[Array, ...]


@dataclass(frozen=True)
class Question:
    """What is asked about: an operation of arguments and options, under conventions."""

    operation: Operation
    ruler: Ruler
    arguments: tuple[Array, ...]
    options: dict[str, Option]

    def blocks(self) -> Iterator[Block]:
        """Of so many entries, or one place along the axis at least."""
        return map(self.block, blocks(self.operation, self.arguments, BLOCK))

    def block(self, where: slice) -> Block:
        return Block(where, parts(self.operation, self.arguments, where))

    def part(self, whole: Any, result: str, block: Block) -> Any:
        """The block's part of that result."""
        return part(self.operation, whole, self.operation.results[result], block.where)

    def parts(self, results: Sequence[Array | None], block: Block) -> list[Array | None]:
        named = zip(self.operation.results, results, strict=True)
        return [None if x is None else self.part(x, name, block) for name, x in named]


def _operation(name: str) -> Operation:
    known = {each: operation for each, operation in OPERATIONS.items() if operation.arrays}
    if name not in known:
        raise UsageError(f"unknown operation {name!r}; expected one of {', '.join(known)}")
    return known[name]


def _asked(
    name: str, arguments: Sequence[Any], conventions: Mapping[str, str] | None, options: Mapping[str, Any]
) -> Question:
    operation = _operation(name)
    if len(arguments) != len(operation.arguments):
        raise UsageError(f"{name} takes {', '.join(operation.arguments)}; got {len(arguments)} arrays")
    own = set(operation.options)
    if not own <= set(options) <= own | set(operation.optional):
        may = f"and may take {', '.join(operation.optional)}" if operation.optional else ""
        wanted = f"{', '.join(operation.options) or 'no options'} {may}".rstrip()
        raise UsageError(f"{name} takes {wanted}; got {', '.join(options) or 'none'}")
    arrays = tuple(map(np.asarray, arguments))
    sizes: dict[str, int] = {}
    for (label, dims), x in zip(operation.arguments.items(), arrays, strict=True):
        if label in operation.integers:
            if x.dtype.kind not in "iu":
                raise UsageError(f"{label} is of {x.dtype}; expected whole numbers, as int64")
        elif x.dtype not in DTYPES.values() or x.dtype != arrays[0].dtype:
            raise UsageError(f"{label} is of {x.dtype}; expected all arguments to be of one of {', '.join(DTYPES)}")
        if x.ndim != len(dims) or any(sizes.setdefault(dim, n) != n for dim, n in zip(dims, x.shape, strict=True)):
            known = ", ".join(f"{dim} = {n}" for dim, n in sizes.items())
            raise UsageError(
                f"{label} is of shape {x.shape}; expected ({', '.join(dims)})" + (f" with {known}" if known else "")
            )
    named = dict(conventions or {})
    format = format_of(arrays[0].dtype)
    choices = operation.choices(format.name)
    for label, value in named.items():
        if value not in choices.get(label, ()):
            there = "; ".join(f"{one} = {' or '.join(values)}" for one, values in choices.items()) or "none"
            raise UsageError(f"{name} has no convention {label} = {value} in {format.name}; there are: {there}")
    given = {label: _plain(value) for label, value in options.items()}
    return Question(operation, Ruler(operation, format, named), arrays, given)


def _plain(option: Any) -> Any:
    """A number, or one a step."""
    value = option.tolist() if isinstance(option, np.ndarray | np.generic) else option
    return tuple(value) if isinstance(value, list) else value


def _results(question: Question, result: Any) -> list[Array | None]:
    operation, format = question.operation, question.ruler.format
    several = len(operation.results) > 1
    if several and not (isinstance(result, tuple | list) and len(result) == len(operation.results)):
        raise UsageError(
            f"{operation.name} returns a tuple ({', '.join(operation.results)}); got a {type(result).__name__}"
        )
    shapes = operation.result_shapes(x.shape for x in question.arguments)
    results = [None if x is None else np.asarray(x) for x in (result if several else (result,))]
    if all(x is None for x in results):
        raise UsageError(f"expected a result of {operation.name}, got None")
    for name, shape, x in zip(operation.results, shapes, results, strict=True):
        if x is not None and (x.shape != shape or x.dtype != format.dtype):
            raise UsageError(f"{name} is {x.dtype} of shape {x.shape}; expected {format.name} of shape {shape}")
    return results


def _measures(question: Question, block: Block) -> tuple[Measure, ...]:
    stacked = [x[None] for x in block.arguments]
    try:
        return question.ruler.measures(*stacked, **question.options)
    except PrecisionError as error:
        raise UsageError(f"{question.operation.name} is not defined for these arguments: {error}") from None


def _judged(question: Question, results: Sequence[Array | None], seen: Evidence, block: Block) -> Judgement:
    operation, ruler, element = question.operation, question.ruler, seen.element
    law = _law(operation, element.result if element else "")
    right = Outcome.DECLARED if ruler.conventions else Outcome.CONFORMS
    told = ("", "", "", "", "")
    violation = None
    if element is not None:
        element = moved(operation, element, block.where.start or 0)
        told = (
            place(operation, element),
            number(element.got, ruler.format),
            digits(element, ruler.format),
            distance(element.off, element),
            distance(element.allowed, element),
        )
        if not seen.holds:
            cause, fix = _cause(question, results, block)
            small = results[[*operation.results].index(element.result)]
            violation = Violation(
                example=(
                    *map(_shown, operation.arguments, question.arguments),
                    *map(_option, question.options.items()),
                ),
                result=entries(small) if small is not None and 1 < small.size <= SMALL else "",
                place=told[0],
                got=told[1],
                want=told[2],
                expected=seen.expected,
                off=told[3],
                allowed=told[4],
                reason="",
                cause=cause,
                fix=fix or law.fix,
            )
    found = LawResult(
        law=law.id,
        clause=law.clause,
        statement=law.statement,
        operation=operation.name,
        dtype=ruler.format.name,
        outcome=right if violation is None else Outcome.VIOLATES,
        worst=seen.ratio,
        cases=1,
        conventions=dict(ruler.conventions),
        violation=violation,
        kind="value",
    )
    where, got, want, off, may = told
    return Judgement(found, where, got, want, off, may, sum(x.size for x in results if x is not None))


def _law(operation: Operation, result: str) -> Law:
    """The law that says what this result is."""
    own = [each for each in LAWS if each.operation is operation and each.kind == "value"]
    clause = operation.clauses.get(result, "")
    return next((each for each in own if each.clause == clause), own[0])


def _cause(question: Question, results: Sequence[Array | None], block: Block) -> tuple[Cause | None, str]:
    """Of all of the arguments, or of the block where these are many."""
    if sum(x.size for x in question.arguments) <= WHOLE:
        block = question.block(slice(None))
    got = [None if x is None else x[None].astype(np.float64) for x in question.parts(results, block)]
    return by_one_result.explain(question.ruler, block.arguments, question.options, got)


def _shown(name: str, x: Array) -> dict[str, str]:
    return {"name": name, "dtype": str(x.dtype), "shape": str(x.shape), "entries": entries(x)}


def _option(named: tuple[str, Option]) -> dict[str, str]:
    name, value = named
    return {"name": name, "dtype": "", "shape": "", "entries": repr(value)}


def _read(x: Array) -> Array:
    return x.view(ml_dtypes.bfloat16) if x.dtype == np.dtype("V2") else x


def _taken(found: dict[str, Array], name: str, path: Path, operation: Operation) -> Array:
    if name not in found:
        raise UsageError(f"{path} has no {name}; {operation.name} takes {', '.join(operation.arguments)}")
    return found.pop(name)
