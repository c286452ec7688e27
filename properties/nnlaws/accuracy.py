"""A formula is enough to judge: is this as accurate as rounding allows, of any function of one's own?

    nnlaws.assert_accurate(got, formula, *arguments)
    nnlaws.bound(formula, *arguments)

No tolerance is guessed. The formula, in NumPy's (or scipy.special's) words, is evaluated twice: in balls, which gives
the exact value, and in bounded numbers, which gives how far rounding may carry it. Where the formula is not how one
computes the function, as e^z / Σ e^z overflows, `algorithm` is what runs on bounded numbers; several are joined.

float16 and bfloat16 are held to what is common: computed in float32, and rounded once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array, working_dtype
from nnlaws_spec.numbers import Enclosure, PrecisionError, enclose_exact
from numpy.typing import DTypeLike, NDArray

from nnlaws.authoring.evidence import Evidence, compare
from nnlaws.authoring.ruler import FINENESS
from nnlaws.diagnosis.example import SMALL, digits, distance, entries, number
from nnlaws.rounding.counted import given
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import Bounded, as_bounded, join

Formula = Callable[..., Any]
Algorithms = Formula | Sequence[Formula] | None


@dataclass(frozen=True)
class Accuracy:
    """A computation that is as accurate as rounding allows.

    ratio: the largest |got − exact| / allowed of all elements, at most 1. size: how many there are. dtype: what was
    taken to be computed in.
    """

    ratio: float
    size: int
    dtype: str


@dataclass(frozen=True)
class _Question:
    """What is to be judged: a formula at arguments. arrays: those of `arguments` that are of floats, by position."""

    formula: Formula
    arguments: tuple[Any, ...]
    format: Format

    @property
    def arrays(self) -> dict[int, Array]:
        return {i: x for i, x in enumerate(self.arguments) if _floating(x)}

    def at(self, function: Formula, arrays: Iterable[Any]) -> Any:
        """function of the arguments, with `arrays` in place of those of floats."""
        replaced = dict(zip(self.arrays, arrays, strict=True))
        return function(*(replaced.get(i, x) for i, x in enumerate(self.arguments)))


def bound(
    formula: Formula, *arguments: Any, dtype: DTypeLike | None = None, algorithm: Algorithms = None
) -> NDArray[np.float64]:
    """How far from formula(*arguments) a sound computation in `dtype` may be, elementwise.

    formula: array code in NumPy's functions and operators, and scipy.special's erf, erfc and expit; of one array.
    arguments: arrays of floats, exact as they are; integers, booleans and plain numbers are passed on as they are. An
    argument that dtype does not hold may be rounded to it once. dtype: default, the widest of the arguments.
    algorithm: how the function is computed, where that is not by the formula's steps: array code of the same arguments,
    or several, any of which is admitted.
    Infinite where nothing can be promised; 0 where the exact value is beyond double, so that an infinity is right.
    Raises TypeError for a function that bounded numbers have no rule for, ValueError for arguments that are not finite,
    or an algorithm whose value is not the formula's.
    """
    question = _question(formula, arguments, dtype)
    return _measure(question, algorithm)[1]


def assert_accurate(
    got: Any, formula: Formula, *arguments: Any, dtype: DTypeLike | None = None, algorithm: Algorithms = None
) -> Accuracy:
    """Raises AssertionError where `got` is further from formula(*arguments) than rounding can carry it.

    got: what was computed: an array, or what numpy.asarray makes one of. dtype: what it was computed in; default,
    got's. The rest is as in `bound`. An overflow is an error too: the infinity of the exact value's sign is accepted
    only where that value is beyond dtype's range. Where the bound of an element is infinite, so that it cannot be
    judged, that is a ValueError and not a pass.
    """
    __tracebackhide__ = True
    result = _array(got, "got")
    if not _floating(result):
        raise TypeError(f"got is an array of {result.dtype}: expected {_NAMES}; give what the computation returns")
    question = _question(formula, arguments, result.dtype if dtype is None else dtype)
    if format_of(result.dtype).digits < question.format.digits:
        raise ValueError(
            f"got is {result.dtype}, which cannot hold a result of {question.format.name}; "
            "give the result as it was computed, or leave out dtype"
        )
    exact, allowed = _measure(question, algorithm)
    if result.shape != allowed.shape:
        raise ValueError(
            f"got has shape {result.shape}: expected {allowed.shape}, the shape of {_name(formula)}; "
            "give the whole result, and the arguments it was computed from"
        )
    evidence = compare(result.astype(np.float64)[None], exact[None], allowed[None], question.format)
    if not evidence.holds:
        raise AssertionError(_message(question, evidence, result))
    unknown = np.argwhere(np.isinf(allowed))
    if len(unknown):
        raise ValueError(
            f"nothing can be promised of {len(unknown)} of {allowed.size} elements of {_name(formula)}"
            f"{_at(unknown[0], ', the first')}: rounding may carry them anywhere, as where a value "
            "overflows, cancels, or is so small that it may be taken for 0; "
            "give a sound algorithm as algorithm=, or other arguments"
        )
    return Accuracy(evidence.ratio, allowed.size, question.format.name)


# --- what is asked ---

_NAMES = ", ".join(DTYPES)


def _question(formula: Formula, arguments: tuple[Any, ...], dtype: DTypeLike | None) -> _Question:
    if not callable(formula):
        raise TypeError(f"formula is {type(formula).__name__}: expected a function of the arguments; give it uncalled")
    read = tuple(
        _argument(x, name) for x, name in zip(arguments, _argument_names(formula, len(arguments)), strict=True)
    )
    floating = [x for x in read if _floating(x)]
    if not floating:
        raise TypeError(
            "no argument is an array of floats, so that the formula would be computed in plain numbers, which round; "
            "give its argument as an array, such as numpy.asarray(x, 'float64')"
        )
    if dtype is None:
        format = min((format_of(x.dtype) for x in floating), key=lambda format: (format.u, format.tiny))
    else:
        format = _format(dtype)
    return _Question(formula, read, format)


def _format(dtype: Any) -> Format:
    """Of a dtype, or a name of one; bfloat16, which NumPy does not know by itself, too."""
    try:
        name = dtype if isinstance(dtype, str) else getattr(np.dtype(dtype), "name", "")
    except TypeError:  # such as another library's
        name = ""
    if name not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}: expected one of {_NAMES}")
    return format_of(DTYPES[name])


def _floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype in DTYPES.values()


def _argument(x: Any, name: str) -> Any:
    """An array, or what the formula is to be given as it is. NumPy's float64 is one of Python's floats."""
    if x is None or (isinstance(x, bool | int | float | str | tuple) and not isinstance(x, np.floating)):
        return x
    array = _array(x, name)
    if _floating(array):
        if not np.isfinite(array.astype(np.float64)).all():
            raise ValueError(
                f"{name} has entries that are infinite or not a number: expected finite ones; leave them out"
            )
        return array
    if array.dtype.kind in "iub":
        return array
    raise TypeError(f"{name} is an array of {array.dtype}: expected {_NAMES}, integers or booleans; convert it first")


def _array(x: Any, name: str) -> Array:
    """As NumPy reads it: lists, tensors, arrays of other libraries. Of bfloat16, which it lacks, by way of float32."""
    try:
        narrow = str(getattr(x, "dtype", "")) == "torch.bfloat16"
        array = np.asarray(x.float()).astype(DTYPES["bfloat16"]) if narrow else np.asarray(x)
    except Exception as error:
        raise TypeError(
            f"{name}, a {type(x).__module__}.{type(x).__name__}, cannot be read as an array ({error}); "
            "give a NumPy array, as of tensor.detach().cpu().numpy()"
        ) from error
    if array.dtype == object:
        raise TypeError(f"{name} is read as an array of objects: expected numbers of one shape; give a NumPy array")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


# --- the two evaluations ---


class _Undefined(ValueError):
    """The formula has no exact value, or none within the radius that was asked for."""


def _measure(question: _Question, algorithm: Algorithms) -> tuple[Enclosure, Floats]:
    """The exact value, and the allowed |computed − exact|, infinite where nothing is promised.

    The bounded numbers' own value, in double, is one that their bound admits: it shows an algorithm of another
    function, and a formula that overflows in double on the way.
    """
    run = _bounded(question, algorithm)
    allowed = np.where(np.isfinite(run.value), run.error, np.inf)
    try:
        exact = _exact(question, allowed)
    except _Undefined:  # or its value is not near the run's, so that no double pair is as fine as that run's error
        coarse = _of_one_shape(question, _exact(question, np.full(allowed.shape, np.inf)), allowed)
        exact = _exact(question, np.where(_astray(run, coarse, allowed), np.inf, allowed))
    astray = _astray(run, _of_one_shape(question, exact, allowed), allowed)
    if algorithm is not None and astray.any():
        place = np.argwhere(astray)[0]
        computed, wanted = (float(x[tuple(place)]) for x in (run.value, exact.hi))
        raise ValueError(
            f"algorithm computes {computed!r} where {_name(question.formula)} is {wanted!r}{_at(place)}: expected the "
            "same function, without overflow on the way; correct the algorithm"
        )
    allowed = np.where(astray, np.inf, allowed)
    beyond = np.isposinf(run.value) & (exact.hi == np.inf) | np.isneginf(run.value) & (exact.hi == -np.inf)
    return exact, np.where(beyond & np.isfinite(run.error), run.error, allowed)


def _of_one_shape(question: _Question, exact: Enclosure, allowed: Floats) -> Enclosure:
    """The exact value, where the algorithm gives as many."""
    if exact.hi.shape != allowed.shape:
        raise ValueError(
            f"the algorithm gives shape {allowed.shape}, and {_name(question.formula)} {exact.hi.shape}: expected one "
            "shape; give an algorithm of the same function"
        )
    return exact


def _astray(run: Bounded, exact: Enclosure, allowed: Floats) -> NDArray[np.bool_]:
    """Where the run's own value is not within what it allows."""
    if run.shape != exact.hi.shape:
        return np.zeros(allowed.shape, bool)
    with np.errstate(all="ignore"):
        off = np.abs((run.value - exact.hi) - exact.lo)
        return np.asarray(np.isfinite(allowed) & ~np.isnan(exact.hi) & ~(off <= allowed + exact.radius))


def _bounded(question: _Question, algorithm: Algorithms) -> Bounded:
    """The formula, or the algorithms that stand for it, run on bounded numbers."""
    computed = format_of(working_dtype(question.format.dtype))
    lifted = []
    for array in question.arrays.values():
        exact = given(array.astype(np.float64), question.format)
        lifted.append(Bounded(exact.value, exact.error, computed))
    return join(*(_one(question, route, lifted, computed) for route in _routes(question, algorithm))).astype(
        question.format.dtype
    )


def _routes(question: _Question, algorithm: Algorithms) -> list[Formula]:
    if algorithm is None:
        return [question.formula]
    routes: list[Any] = list(algorithm) if isinstance(algorithm, list | tuple) else [algorithm]
    for route in routes or [None]:
        if not callable(route):
            raise TypeError(
                f"algorithm is {algorithm!r}: expected a function of the formula's arguments, or several; "
                "leave it out, or give it uncalled"
            )
    return routes


def _one(question: _Question, route: Formula, lifted: list[Bounded], format: Format) -> Bounded:
    try:
        with np.errstate(all="ignore"):
            result = question.at(route, lifted)
    except (TypeError, ValueError, AttributeError) as error:
        branch = "; choose with numpy.where and not with if" if "truth value of an array" in str(error) else ""
        raise type(error)(f"{_name(route)} cannot be run on bounded numbers: {error}{branch}") from error
    if result is None or isinstance(result, str):
        raise TypeError(f"{_name(route)} returns {result!r}: expected an array; have it return what it computes")
    if isinstance(result, tuple | list):
        raise TypeError(
            f"{_name(route)} returns {len(result)} results: expected one array; "
            "judge them one at a time, as by lambda *arguments: formula(*arguments)[0]"
        )
    return as_bounded(result, format)


def _exact(question: _Question, allowed: Floats) -> Enclosure:
    """The formula in balls. The radius is finer than what is allowed, so that it hides nothing."""
    try:
        with np.errstate(all="ignore"):
            return enclose_exact(
                lambda *lifted: question.at(question.formula, lifted),
                *question.arrays.values(),
                within=np.maximum(allowed, question.format.tiny) * FINENESS,
            )
    except PrecisionError as error:
        raise _Undefined(
            f"{_name(question.formula)} has no exact value at these arguments: it is undefined there (0/0, log of 0 or "
            "less), or chooses by a comparison of what is equal; give other arguments"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise type(error)(f"{_name(question.formula)} cannot be evaluated exactly: {error}") from error


# --- what is said ---


def _message(question: _Question, evidence: Evidence, got: Array) -> str:
    """The parts of a violation: the example, what was computed, what it should be, how far off, what to do."""
    element, format = evidence.element, question.format
    assert element is not None
    where = _at(element.index, " ")
    whole = f"  in {entries(got)}" if 1 < got.size <= SMALL else ""
    names = _argument_names(question.formula, len(question.arguments))
    rows = [("example", _typed(name, x)) for name, x in zip(names, question.arguments, strict=True)]
    rows += [
        ("got", f"{number(element.got, format_of(got.dtype))}{where}{whole}"),
        ("want", f"{digits(element, format)}  ({evidence.expected})"),
        ("off by", f"{distance(element.off, element)}, where {distance(element.allowed, element)} is allowed"),
        ("fix", _advice(question, element.got, element.want, got.dtype)),
    ]
    lines = [f"INACCURATE  {_name(question.formula)}  {format.name}", *(f"  {name:<7}  {text}" for name, text in rows)]
    return "\n".join(lines)


def _at(place: Iterable[int], before: str = "") -> str:
    index = [int(i) for i in place]
    return f"{before} at {index}" if index else ""


def _advice(question: _Question, got: float, want: float, dtype: Any) -> str:
    if not np.isfinite(got) and np.isfinite(want):
        return f"an intermediate value is undefined, or overflows {question.format.name}: rescale or shift before it"
    coarser = [x.dtype for x in question.arrays.values() if format_of(x.dtype).digits < question.format.digits]
    if coarser and dtype == question.format.dtype:
        return (
            f"got is {dtype}, but an argument is {coarser[0]}: compute all in {dtype}, or say dtype={str(coarser[0])!r}"
        )
    narrow = working_dtype(question.format.dtype) != question.format.dtype
    rest = "correct the code, or give the sound algorithm that it follows as algorithm="
    return f"compute in float32 and round once; {rest}" if narrow else rest


def _typed(name: str, x: Any) -> str:
    """As it can be typed again, if it is small."""
    if not isinstance(x, np.ndarray):
        return f"{name} = {x!r}"
    if x.size > SMALL:
        return f"{name} = an array of {x.dtype}, shape {x.shape}"
    return f"{name} = array({entries(x)}, dtype={x.dtype})"


def _argument_names(formula: Formula, count: int) -> list[str]:
    """What the formula calls its arguments, as far as that can be told."""
    try:
        parameters = [
            each.name
            for each in signature(formula).parameters.values()
            if each.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []
    return [*parameters, *(f"argument {i + 1}" for i in range(len(parameters), count))][:count]


def _name(formula: Formula) -> str:
    """The function's own name; that of what a partial is made of."""
    name = getattr(getattr(formula, "func", formula), "__name__", "")
    return name if name and name != "<lambda>" else "the formula"
