"""What a mutant is: one deliberate mistake in one small function, with its cure and where it was seen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

Implementation = Callable[..., Any]


@dataclass(frozen=True)
class Mutant:
    """`function` is an implementation of `operation` with one `fault`; `fix` says what to do; `seen` where it occurred.

    name: operation and function name, as in softmax.unshifted. computes_in: a dtype, if that is the fault.
    """

    operation: str
    name: str
    fault: str
    fix: str
    seen: str
    function: Implementation
    computes_in: str = ""


def mutant(operation: str, fault: str, fix: str, seen: str, raw: bool = False) -> Callable[[Implementation], Mutant]:
    """Makes a function the mutant of its name.

    The function is given arrays in the working dtype and its result is stored in the arguments' own, so that a mutant
    for float16 has its one fault and no narrow arithmetic besides; with raw=True it gets and returns what it likes.
    """

    def make(function: Implementation) -> Mutant:
        return Mutant(
            operation, f"{operation}.{function.__name__}", fault, fix, seen, function if raw else stored(function)
        )

    return make


def stored(function: Implementation) -> Implementation:
    """The function, computed in the working dtype, and each result rounded to the arguments' dtype once."""

    @wraps(function)
    def run(*arguments: Array, **options: float) -> Any:
        dtype = arguments[0].dtype
        wide = working_dtype(dtype)
        return each(lambda result: np.asarray(result).astype(dtype))(
            function(*(x if x.dtype.kind in "iu" else x.astype(wide) for x in arguments), **options)
        )

    return run


def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The change, made to a result, or to each of several."""
    return lambda results: tuple(map(change, results)) if isinstance(results, tuple) else change(results)


def narrow_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The narrow type to round to: the dtype itself, or float16 for the wide ones."""
    return dtype if dtype.itemsize == 2 else np.dtype(np.float16)
