"""Shows a failing example as text: every argument as it can be typed again, exact digits, distances in ulp."""

from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.case import Inputs, built
from nnlaws.authoring.evidence import Element, Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.report import Cause, Violation
from nnlaws.rounding.formats import Format

SMALL = 24  # entries; a result larger than that is not printed whole
WHOLE = 300  # entries; of a larger array the ends are printed, for nobody reads more: its replay token has it all
ENDS = 3
DIGITS = 20
BEST = "best_at"  # of the laws about searches: where the least loss is


def show(
    law: Law, ruler: Ruler, case: Case, evidence: Evidence, cause: Cause | None = None, fix: str = ""
) -> Violation:
    """The evidence of one array, as the text of a violation."""
    inputs = built(law.build, case, ruler.format)
    element = evidence.element
    result = ""
    if evidence.got is not None and 1 < evidence.got.size <= SMALL:
        result = entries(evidence.got.astype(ruler.format.dtype))
    return Violation(
        example=tuple(_named(law, inputs)),
        result=result,
        place="" if element is None else place(law.operation, element),
        got="" if element is None else number(element.got, ruler.format),
        want="" if element is None else digits(element, ruler.format),
        expected=evidence.expected,
        off="" if element is None else distance(element.off, element),
        allowed="" if element is None else distance(element.allowed, element),
        reason=evidence.reason,
        cause=cause,
        fix=fix,
    )


def number(x: float, format: Format) -> str:
    """The shortest digits that read back as x in the format."""
    with np.errstate(all="ignore"):
        narrow = np.asarray(x).astype(format.dtype)[()]
    return str(narrow) if float(narrow) == x or x != x else repr(x)


def entries(x: Array | NDArray[Any], whole: bool | None = None) -> str:
    """An array as nested lists of the shortest digits of its dtype; of a large one the ends of each list."""
    if x.ndim == 0:
        return str(x[()])
    whole = x.size <= WHOLE if whole is None else whole
    if whole or len(x) <= 2 * ENDS:
        return "[" + ", ".join(entries(each, whole) for each in x) + "]"
    first, last = (", ".join(entries(each, whole) for each in part) for part in (x[:ENDS], x[-ENDS:]))
    return f"[{first}, ..., {last}]"


def digits(element: Element, format: Format) -> str:
    """The exact value, to as many digits as its enclosure has proven, at most DIGITS.

    "a number" where neither is one: what is wanted was made of the result, such as the nearest number in [0, 1].
    """
    if np.isnan(element.got) and np.isnan(element.want):
        return "a number"
    if not np.isfinite(element.want):
        return str(element.want)
    if element.rest == 0 and element.radius == 0:
        return number(element.want, format).removesuffix(".0")
    with localcontext(Context(prec=1200)):
        exact = Decimal(element.want) + Decimal(element.rest)
        if not exact:
            return "0"
        proven = DIGITS
        if element.radius > 0:
            proven = exact.adjusted() - Decimal(element.radius).adjusted()
    if proven < 1:
        return f"{element.want!r} ± {element.radius:.1e}"
    return f"{exact:.{min(proven, DIGITS) - 1}e}" if _far(exact) else str(_round(exact, min(proven, DIGITS)))


LEAST = 0.001
"""Fewer ulp than that are as good as none."""


def distance(length: float, element: Element) -> str:
    """In ulp of the exact value; as a plain number where that is 0 or infinite, which has no ulp to speak of."""
    if element.want == 0 or not np.isfinite(element.want) or not np.isfinite(length):
        return f"{length:.3g}"
    ulps = length / element.ulp
    return f"{ulps:.3g} ulp" if ulps == 0 or ulps >= LEAST else f"less than {LEAST} ulp"


def _far(exact: Decimal) -> bool:
    return not -5 <= exact.adjusted() <= 15


def _round(exact: Decimal, places: int) -> Decimal:
    return Context(prec=places).plus(exact)


def _named(law: Law, inputs: Inputs) -> list[dict[str, str]]:
    names = law.operation.arguments if law.operation.arrays else ()  # else they stand among the options
    arguments = dict(zip(names, inputs.arguments, strict=True))
    arrays = [
        {"name": name, "dtype": str(array.dtype), "shape": str(array.shape), "entries": entries(array)}
        for name, array in {**arguments, **inputs.extra}.items()
    ]
    options = [
        {"name": name, "dtype": "", "shape": "", "entries": repr(option)}
        for name, option in inputs.options.items()
        if name != BEST
    ]
    if BEST in inputs.options:  # what a search is given to call
        called = list(law.operation.arguments)[-1]
        words = f"the squared distance of a point from {inputs.options[BEST]!r}, along the axes' scales"
        options.insert(1, {"name": called, "dtype": "", "shape": "", "entries": words})
    return arrays + options


def place(operation: Operation, element: Element) -> str:
    """Where in the result; and in which, where there are several."""
    index = str(list(element.index)) if element.index else ""
    return f"{element.result}{index}" if len(operation.results) > 1 else index
