"""What a sound variant is: another right algorithm for an operation, with the conventions that it has to declare."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import each


@dataclass(frozen=True)
class SoundVariant:
    """`function` implements `operation` rightly; `conventions` says what it declares, most often nothing."""

    operation: str
    name: str
    function: Callable[..., Any]
    conventions: dict[str, str] = field(default_factory=dict[str, str])


def in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed in float64, and each result rounded to the arguments' dtype once."""

    @wraps(function)
    def run(*arguments: Array, **options: Any) -> Any:
        dtype = arguments[0].dtype
        wide = (x if x.dtype.kind in "iu" else x.astype(np.float64) for x in arguments)
        results = function(*wide, **options)
        return each(lambda result: result.astype(dtype))(results)

    return run


def sound(operation: str, **conventions: str) -> Callable[[Callable[..., Any]], SoundVariant]:
    """Makes a function the sound variant of its name."""

    def make(function: Callable[..., Any]) -> SoundVariant:
        return SoundVariant(operation, f"{operation}.{function.__name__}", function, conventions)

    return make
