"""Diagnosis of one result: which known mistake, or undeclared convention, gives just this; nothing can be called."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import PrecisionError

from nnlaws.authoring.case import Inputs
from nnlaws.authoring.evidence import compare
from nnlaws.authoring.law import agree_or_nan, slack
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Measure, Ruler
from nnlaws.chapters import chapter_of
from nnlaws.diagnosis.conventions import declare, looseness
from nnlaws.report import Cause
from nnlaws.rounding.formats import Floats

Results = Sequence[Floats | None]
"""Each with an axis of one lane before its own; None where it is not to be judged."""


def explain(
    ruler: Ruler, arguments: Sequence[Array], options: dict[str, Any], got: Results
) -> tuple[Cause | None, str]:
    """The tightest convention under which the results are right, or else the one mistake that gives them; and what to
    do. None where there is neither, or several mistakes do.
    """
    stacked = tuple(x[None] for x in arguments)
    inputs = [Inputs(stacked, options=options)]
    fitting = {
        convention: looseness(convention, ruler, inputs)
        for convention in ruler.operation.conventions
        if ruler.format.name in convention.dtypes
        and ruler.conventions.get(convention.name) != convention.value
        and _right(got, ruler.declaring(convention.item), stacked, options)
    }
    if fitting:
        convention = min(fitting, key=lambda each: (each.effect != "value", fitting[each]))
        fault = f"a convention that is not declared: {convention.meaning}"
        fix = f"{declare(convention, fitting[convention])}, or compute as the clause says"
        return Cause(str(convention), fault, ""), fix
    bounds, measures = ruler.bounds(*stacked, **options), ruler.measures(*stacked, **options)
    alike = []
    for mutant in chapter_of(ruler.operation).mutants_of(ruler.operation):
        theirs = _returned(mutant.function, ruler.operation, arguments, options)
        if (
            theirs is not None
            and not _holds(theirs, got, measures, ruler)
            and all(
                x is None
                or agree_or_nan(
                    x, y, slack(x, bound, ruler.format) + slack(y, bound, ruler.format), ruler.format, ""
                ).holds
                for x, y, bound in zip(got, theirs, bounds, strict=True)
            )
        ):
            alike.append(mutant)
    if len(alike) != 1:
        return None, ""
    (mutant,) = alike
    return Cause(mutant.name, mutant.fault, mutant.seen), mutant.fix


def _right(got: Results, ruler: Ruler, stacked: tuple[Array, ...], options: dict[str, Any]) -> bool:
    try:
        return _holds(got, got, ruler.measures(*stacked, **options), ruler)
    except PrecisionError:  # under that convention it is not defined there
        return False


def _holds(results: Results, wanted: Results, measures: Sequence[Measure], ruler: Ruler) -> bool:
    """Whether results are exact up to rounding, of those that are wanted."""
    return all(
        y is None or x is None or compare(x, measure.exact, measure.allowed, ruler.format).holds
        for x, y, measure in zip(results, wanted, measures, strict=True)
    )


def _returned(
    function: Callable[..., Any], operation: Operation, arguments: Sequence[Array], options: dict[str, Any]
) -> list[Floats] | None:
    """What a mutant returns; None where that is not of the right shapes."""
    try:
        with np.errstate(all="ignore"):
            found = function(*(x.copy() for x in arguments), **options)
        parts = found if isinstance(found, tuple) else (found,)
        arrays = [np.asarray(x)[None].astype(np.float64) for x in parts]
    except Exception:
        return None
    shapes = operation.result_shapes(x.shape for x in arguments)
    return arrays if [x.shape[1:] for x in arrays] == list(shapes) else None
