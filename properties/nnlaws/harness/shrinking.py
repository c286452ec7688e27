"""Cases made larger, so that every run has large ones, and failing cases made simpler again, as Hypothesis does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from nnlaws.authoring.case import MOST, TALL, WIDE, Range
from nnlaws.authoring.token import TOGETHER, Case

SIZES = [
    size
    for turn in range(len(WIDE))
    for size in (("columns", WIDE[(7 * turn + 6) % len(WIDE)]), ("m", TALL[(5 * turn + 9) % len(TALL)]))
]
"""By turns: of few cases, one is beyond the blocks of kernels that take 16 or 32 numbers at once."""
TRIES = 300  # at most, to make a case simpler


def enlarged(cases: Sequence[Case], m: Range, columns: Range, turn: int = 0) -> list[Case]:
    """The cases with more columns or more samples, by turns from this one on, where their law is about any number of
    them.

    What would then have more than MOST entries gets as few of the other kind as there may be, or is left out.
    """
    free = {"m": m[0] < m[1], "columns": columns[0] < columns[1]}
    sizes = [(name, size) for name, size in SIZES if free[name]]
    sizes = sizes[turn % max(len(sizes), 1) :] + sizes[: turn % max(len(sizes), 1)]
    larger: list[Case] = []
    for case, (name, size) in zip(cases, sizes * len(cases), strict=False):
        if name == "m":
            choices = (replace(case, m=size), replace(case, m=size, columns=columns[0]))
        else:
            choices = (replace(case, columns=size), replace(case, columns=size, m=m[0]))
        larger += [choice for choice in choices if choice.m * choice.columns <= MOST][:1]
    return larger


def simplified(case: Case, fails: Callable[[Case], Case | None], families: Sequence[str], m: int, columns: int) -> None:
    """Makes a failing case simpler in one respect after another, for as long as it fails.

    fails: tries a case, and returns the one of its arrays that fails. families: simplest first. m, columns: the least.
    """
    left, going = TRIES, True
    while going:
        going = False
        for simpler in _simpler(case, families, m, columns):
            left -= 1
            if left < 0:
                return
            failed = fails(simpler)
            if failed is not None:
                case, going = failed, True
                break


def _simpler(case: Case, families: Sequence[str], m: int, columns: int) -> Iterator[Case]:
    """The case simpler in one respect, the largest steps first."""
    for number in _towards(case.columns, columns):
        yield replace(case, columns=number)
    for number in _towards(case.m, m):
        yield replace(case, m=number)
    for place in range(len(case.overlays)):
        yield replace(case, overlays=case.overlays[:place] + case.overlays[place + 1 :])
    for place in range(len(case.settings)):
        yield replace(case, settings=case.settings[:place] + case.settings[place + 1 :])
    known = case.family in families  # those of boundary cases alone are simpler as any other
    for family in families[: families.index(case.family)] if known else families:
        yield replace(case, family=family)
    for number in _towards(abs(case.k), 0):
        yield replace(case, k=number)
    if case.seed:
        yield replace(case, seed=0)
    if case.group:
        yield replace(case, seed=case.seed % TOGETHER)


def _towards(number: int, least: int) -> list[int]:
    """Numbers that are less, the least first."""
    return list(dict.fromkeys(each for each in (least, (least + number) // 2, number - 1) if least <= each < number))
