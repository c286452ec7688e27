"""Few shapes: for targets that compile each shape anew, and take seconds to do so.

Every case that is drawn has one of at most four shapes of its law: its smallest and its largest m with its smallest and
its largest number of columns. What happens between, at tails of blocks above all, is then left to the laws at size.
"""

from collections.abc import Sequence
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
    """Those that have such a shape: what others show hangs on theirs."""

    def tried(format: Format, m: Range, columns: Range) -> Sequence[Case]:
        return [case for case in boundary(format, m, columns) if case.m in m and case.columns in columns]

    return tried


def _end(size: int, ends: Range) -> int:
    """The nearer end."""
    low, high = ends
    return low if size - low < high - size else high
