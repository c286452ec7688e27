"""Cases of scales that come in every run: the ends of u and what is beside them, in boxes that chance does not draw."""

from nnlaws.authoring.case import Boundary, Range, large
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.scales.inputs import BESIDE, LAST, Box
from nnlaws.chapters.scales.operations import ON_DISTANCES
from nnlaws.rounding.formats import Format

RATIO: tuple[Box, ...] = (
    *((1e-4, 1.0), (1e-5, 0.1), (1e-6, 1e-2), (1e-3, 0.3), (1e-8, 1e-3)),
    *((1.0, 1e6), (2.0, 3.0), (64.0, 4096.0), (1e-12, 1e3), (1e-30, 1e30), (1e-100, 1e100)),
)
DISTANCE: tuple[Box, ...] = (
    *((0.9, 0.999), (0.8, 0.99), (0.95, 0.9995), (0.99, 0.99999), (0.5, 0.9), (0.9, 0.9999)),
    *((0.9, 1 - 1e-9), (1e-3, 0.5), (1e-8, 1e-6), (1e-12, 0.999)),
)
BELOW: tuple[Box, ...] = ((0.0, 0.999), (0.0, 0.5), (-1.0, 0.0), (-9.0, 0.0), (-0.5, 0.9), (-1e6, 0.5), (-3.0, -1.0))
"""Boxes of learning rates and of momenta as people choose them, and the same far out; with 0 for an end. Some are wider
than a narrow type."""
CLOSE: tuple[Box, ...] = ((0.5, 0.5 * (1 + 2.0**-10)), (0.75, 0.75 * (1 + 2.0**-18)))
"""Boxes with low next to high, for types that hold numbers between them."""

OUT_RATIO: tuple[Box, ...] = (
    *((1e-7, 0.003), (1e-8, 0.02), (1e-8, 0.03), (1e-8, 0.7), (1e-7, 1e-4)),
    *((0.7, 1.0), (0.7, 2.0), (1e-6, 1e-5), (1e-6, 0.03)),
)
OUT_DISTANCE: tuple[Box, ...] = ((0.1, 0.3), (0.6, 0.7), (0.2, 0.9999), (0.7, 0.8), (0.3, 0.5))
"""Boxes at whose ends rounding carries the usual expressions out: exp(log low + u log(high/low)), 10^…, (high/low)^u,
(log x − log low)/log(high/low) in double: each expression at one of these at least, and most at two."""


def values(operation: Operation) -> Boundary:
    """u at the ends, beside them, and beside the middle, in every box; and arrays of the large shapes."""

    def cases_of(format: Format, m: Range, columns: Range) -> list[Case]:
        close = CLOSE if format.digits >= 24 else ()
        chosen = (*(DISTANCE if operation in ON_DISTANCES else RATIO), *close)
        return [*_in_boxes(chosen, format), *large("drawn", LAST, m, columns)]

    return cases_of


def below_zero(format: Format, m: Range, columns: Range) -> list[Case]:
    """The same in boxes that begin at 0 or below."""
    return _in_boxes(BELOW, format)


def out_of_the_box(operation: Operation) -> Boundary:
    """Both ends, and beside them, where rounding carries out what is not clipped."""

    def cases_of(format: Format, m: Range, columns: Range) -> list[Case]:
        return _in_boxes(OUT_DISTANCE if operation in ON_DISTANCES else OUT_RATIO, format)

    return cases_of


def _in_boxes(chosen: tuple[Box, ...], format: Format) -> list[Case]:
    """In those of which the format holds a number that is not subnormal."""
    return [
        Case(len(BESIDE), 1, "beside", 0, 0, settings=(("low", low), ("high", high)))
        for low, high in chosen
        if not 0 < high < 2 * format.tiny
    ]
