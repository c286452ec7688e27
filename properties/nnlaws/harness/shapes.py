"""Few shapes: for targets that compile each shape anew, and take seconds to do so.

Every case that is drawn has one of at most four shapes of its law: its smallest and its largest m with its smallest and
its largest number of columns. What happens between, at tails of blocks above all, is then left to the laws at size. Of
its boundary cases every family and every choice of options stays, at the shape of the first that has it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from nnlaws.authoring.case import Boundary, Range, Strategy
from nnlaws.authoring.law import Law
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Format

FEW = "few"


def few_shapes(law: Law) -> Law:
    """The law on cases of few shapes; one that has trials has few anyway."""
    if law.cases is None:
        return law
    return replace(law, cases=_drawn(law.cases), boundary=_tried(law.boundary) if law.boundary else None)


def _drawn(cases: Strategy) -> Strategy:
    def drawn(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
        return cases(format, m, columns).map(
            lambda case: replace(case, m=_end(case.m, m), columns=_end(case.columns, columns))
        )

    return drawn


def _tried(boundary: Boundary) -> Boundary:
    """Those that have such a shape, and of the others one of each family and each choice of options."""

    def tried(format: Format, m: Range, columns: Range) -> Sequence[Case]:
        cases = boundary(format, m, columns)
        few = [case for case in cases if case.m in m and case.columns in columns]
        kinds = {_kind(case): case for case in (*reversed(cases), *reversed(few))}
        return list(dict.fromkeys((*few, *kinds.values())))

    return tried


def _kind(case: Case) -> Hashable:
    """What a case tries besides its shape."""
    return case.family, case.k, case.settings


def _end(size: int, ends: Range) -> int:
    """The nearer end."""
    low, high = ends
    return low if size - low < high - size else high
