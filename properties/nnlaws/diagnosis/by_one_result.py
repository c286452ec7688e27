"""Diagnosis of one result: which known mistake, or undeclared convention, gives just this; nothing can be called."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import PrecisionError

from nnlaws.authoring.case import Inputs
from nnlaws.authoring.convention import Convention
from nnlaws.authoring.evidence import compare
from nnlaws.authoring.law import agree_or_nan, slack
from nnlaws.authoring.mutant import Mutant
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
    conventions = admitting(ruler, arguments, options, got, ruler.operation.conventions)
    mistakes = [] if conventions else alike(ruler, arguments, options, got, mutants_of(ruler.operation))
    return told(ruler, [Inputs(_stacked(arguments), options=options)], conventions, mistakes)


def told(
    ruler: Ruler, inputs: Sequence[Inputs], conventions: Sequence[Convention], mistakes: Sequence[Mutant]
) -> tuple[Cause | None, str]:
    """The tightest of the conventions, judged by these inputs; where there are none, the mistake, if it is one."""
    if conventions:
        loose = {each: looseness(each, ruler, inputs) for each in conventions}
        convention = min(loose, key=lambda each: (each.effect != "value", loose[each]))
        fault = f"a convention that is not declared: {convention.meaning}"
        fix = f"{declare(convention, loose[convention])}, or compute as the clause says"
        return Cause(str(convention), fault, ""), fix
    if len(mistakes) != 1:
        return None, ""
    (mutant,) = mistakes
    return Cause(mutant.name, mutant.fault, mutant.seen), mutant.fix


def admitting(
    ruler: Ruler, arguments: Sequence[Array], options: dict[str, Any], got: Results, among: Sequence[Convention]
) -> list[Convention]:
    """Those conventions under which, declared, the results are right, and which are not."""
    stacked = _stacked(arguments)
    return [
        each
        for each in among
        if ruler.format.name in each.dtypes
        and ruler.conventions.get(each.name) != each.value
        and _right(got, ruler.declaring(each.item), stacked, options)
    ]


def alike(
    ruler: Ruler,
    arguments: Sequence[Array],
    options: dict[str, Any],
    got: Results,
    among: Sequence[Mutant],
    wrong: bool = True,
) -> list[Mutant]:
    """Those mistakes that give the results, up to rounding; wrong: and are seen to be wrong here."""
    stacked = _stacked(arguments)
    bounds, measures = ruler.bounds(*stacked, **options), ruler.measures(*stacked, **options)
    found: list[Mutant] = []
    for mutant in among:
        theirs = _returned(mutant.function, ruler.operation, arguments, options)
        if theirs is None or (wrong and _holds(theirs, got, measures, ruler)):
            continue
        if all(
            x is None
            or agree_or_nan(x, y, slack(x, bound, ruler.format) + slack(y, bound, ruler.format), ruler.format, "").holds
            for x, y, bound in zip(got, theirs, bounds, strict=True)
        ):
            found.append(mutant)
    return found


def mutants_of(operation: Operation) -> list[Mutant]:
    return chapter_of(operation).mutants_of(operation)


def _stacked(arguments: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(x[None] for x in arguments)


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
