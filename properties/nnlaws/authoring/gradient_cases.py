"""Boundary cases of averages and optimizers: what chance hardly ever draws, and where kernels go wrong.

Options at their ends, 0 and beyond 1, at the usual defaults and just beside them; gradients of every decade, of which a
limit or a floor under ε shows; a step without gradients; numbers of steps and of coordinates of every remainder by 8;
long runs; decays that a narrow type can hardly hold.
"""

from collections.abc import Callable, Mapping, Sequence

from nnlaws.authoring.case import Boundary, Range, large
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Format

Options = Mapping[str, float]

DECADES = (3, 25)
"""Three steps of gradients from 1e-12 to 1e12, a decade a coordinate."""

_ROWS: tuple[Options, ...] = (
    {"learning_rate": 1e-3, "beta": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
    {"learning_rate": 0.0},
    {"learning_rate": 3.0, "beta": 0.95, "beta1": 0.95, "beta2": 0.95, "eps": 1e-6, "weight_decay": 1.0},
    {"learning_rate": 10.0, "beta": 0.8, "beta1": 0.8, "beta2": 0.9999, "eps": 1e-5, "weight_decay": 0.0},
    {"learning_rate": 1.0, "beta": 0.9999, "beta1": 0.999, "beta2": 0.99999, "eps": 1e-10, "weight_decay": 0.1},
    {"learning_rate": 1e-5, "beta": 0.99999, "beta1": 0.0, "beta2": 0.99, "eps": 1e-12, "weight_decay": 20.0},
    {"learning_rate": 1.001, "beta": 0.0, "beta1": 0.99, "beta2": 0.0, "eps": 1.01e-8, "weight_decay": 1e-4},
    {"learning_rate": 0.001001, "beta": 0.899, "beta1": 0.901, "beta2": 0.9989, "eps": 0.99e-8, "weight_decay": 0.0101},
    {"learning_rate": 0.1, "beta": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1e-15, "weight_decay": 50.0},
)
_BESIDES = {
    "dampening": (0.0, 0.5, 0.95, 1.0, 0.9, 0.1, 0.5, 0.01, 0.99),
    "initial_accumulator": (0.1, 0.0, 1.0, 1e-6, 0.0, 100.0, 0.1001, 0.099, 0.01),
    "momentum_decay": (0.004, 1.0, 0.0, 0.004, 10.0, 0.1, 0.0041, 0.0039, 0.5),
}
ROWS: tuple[Options, ...] = tuple(
    {**row, **{name: values[at] for name, values in _BESIDES.items()}} for at, row in enumerate(_ROWS)
)
"""The usual defaults; a rate of 0, at which nothing moves, and rates beyond 1; each β at 0, at other usual values, and
as near to 1 as anyone has it; ε at the usual values, and at what is a floor elsewhere; no decay, and more than all;
and the defaults missed by little."""

SMALLER = 1 - 2.0**-16
"""A β₂ that rounds to 1 in narrow types, and is cut to 1 − 2⁻⁸ in bfloat16."""


LONGEST = 300
"""Steps of the longest run: more than 256, where a counter in bfloat16 stands still, and one of 8 bits starts anew."""


def values(operation: Operation) -> Boundary:
    """Of a law of value on any number of steps and coordinates."""

    def boundary(format: Format, m: Range, columns: Range) -> list[Case]:
        rows = _rows(operation, [Case(*DECADES, "decades", 0, seed) for seed in (0, 1)])
        paused = [Case(5, 4, family, 0, seed) for family in ("paused", "cliff") for seed in (0, 1)]
        spiked = {"learning_rate": 0.5, "beta1": 0.0, "beta2": SMALLER, "weight_decay": 0.0, "eps": 1e-8}
        adaptive = "beta2" in operation.options
        spikes = _rows(operation, [Case(LONGEST, 1, "spike", 0, 0)], [spiked]) if adaptive else []
        return [*paused, *rows, *tails(format, m, columns), *spikes]

    return boundary


def averages(corrected: bool) -> Callable[[Operation], Boundary]:
    """The same of averages, and long ones; corrected, one in which the first value and the last are all there is."""

    def of(operation: Operation) -> Boundary:
        def boundary(format: Format, m: Range, columns: Range) -> list[Case]:
            long = [Case(40, 2, "normal", 0, 0), Case(100, 1, "normal", 0, 0, (), (("beta", 0.999),))]
            spike = [Case(LONGEST, 1, "spike", 0, 0, (), (("beta", SMALLER),))]
            return [*values(operation)(format, m, columns), *long, *(spike if corrected else ())]

        return boundary

    return of


def tails(format: Format, m: Range, columns: Range) -> list[Case]:
    """Sizes of every remainder by 8; in float64, whose exact values are dear, the least of them."""
    if format.digits < 53:
        return large("normal", 4, m, columns)
    wide = [Case(2, width, "normal", 4, TOGETHER * width) for width in range(9, 17)]
    return [*wide, *(Case(steps, 2, "normal", 4, TOGETHER * steps) for steps in (7, 8, 12, 18, 30, 33))]


def long_runs(operation: Operation) -> Boundary:
    """Of a law on a hundred steps: by the usual defaults."""

    def boundary(format: Format, m: Range, columns: Range) -> list[Case]:
        return _rows(operation, [Case(m[0], columns[0], "normal", 0, 1)], ROWS[:1])

    return boundary


def rates(format: Format, m: Range, columns: Range) -> list[Case]:
    """Of a law on rates that change: eight steps, each with another rate, from every one of them on; and as many
    coordinates as steps, of which a rate is not.
    """
    square = [Case(size, size, "normal", 0, TOGETHER * size + 1) for size in (2, 3, 5)]
    return [*square, *(Case(8, 3, "normal", 0, TOGETHER * group + 1) for group in range(0, 8, 2))]


def many(format: Format, m: Range, columns: Range) -> list[Case]:
    """Of a law on many coordinates: as many as a token may have, of which a mean strays by less than is lost."""
    return [Case(3, 3300, "normal", 0, 0)] if format.digits < 24 else []


def decays(operation: Operation) -> Boundary:
    """Of a law on zero gradients: αλ just above a quarter of the spacing at 1, or just below three quarters.

    1 − αλ is then halfway between two numbers of the type, nearly, and rounds by as much as αλ; but the product with
    a parameter just above a power of 2 does not move by it.
    """

    def boundary(format: Format, m: Range, columns: Range) -> list[Case]:
        part, beside = format.u / 2, 2.0 ** (2 - format.digits)
        shrinks = (part * (1 + beside), 3 * part * (1 - beside))
        rows = [{"learning_rate": 1.0, "eps": 2.0**-10, "weight_decay": shrink} for shrink in shrinks]
        return [
            *_rows(operation, [Case(steps, 8, "fine", 0, 0) for steps in (1, 3)], rows),
            *_rows(operation, [Case(3, 4, "normal", 0, 1)], ROWS),
        ]

    return boundary


def resumptions(operation: Operation) -> Boundary:
    """Of a law on runs that are interrupted: no option by default, after the first step or the last but one."""

    def boundary(format: Format, m: Range, columns: Range) -> list[Case]:
        rows = [{**row, "save_at": save_at} for row, save_at in ((ROWS[4], 1), (ROWS[7], 3))]
        return _rows((*operation.options, "save_at"), [Case(5, 3, "normal", 0, TOGETHER + 1)], rows)

    return boundary


def _rows(of: Operation | Sequence[str], cases: Sequence[Case], rows: Sequence[Options] = ROWS) -> list[Case]:
    """Every case with every row, of which it takes the operation's own options. Rows that then are alike come once."""
    options = of.options if isinstance(of, Operation) else of
    own = dict.fromkeys(tuple((name, value) for name, value in row.items() if name in options) for row in rows)
    return [
        Case(each.m, each.columns, each.family, each.k, each.seed, settings=settings)
        for settings in own
        for each in cases
    ]
