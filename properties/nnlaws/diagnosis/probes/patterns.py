"""Patterns in numbers: at which sizes, or for which values, something is wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

BLOCKS = (2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 9, 10, 12, 20, 24)


@dataclass(frozen=True)
class Pattern:
    """words: of a number's name, where the pattern holds. holds: of a number. side: "more" or "less", if it is all
    numbers from one on, and then turn: the last that is right, and the first that is wrong. block: of what is left over
    by blocks, how long they are.
    """

    words: Callable[[str], str]
    holds: Callable[[float], bool]
    side: str = ""
    turn: tuple[float, float] = (0.0, 0.0)
    block: int = 0


def pattern(wrong: Mapping[float, bool]) -> Pattern | None:
    """The simplest pattern that says all of these; none where none is simple, or hardly any is right, or none wrong."""
    right = [n for n, is_so in wrong.items() if not is_so]
    if len(right) < 2 or len(right) == len(wrong):
        return None
    return next((each for each in _patterns(wrong) if all(each.holds(n) == is_so for n, is_so in wrong.items())), None)


def _patterns(wrong: Mapping[float, bool]) -> Iterator[Pattern]:
    numbers = sorted(wrong)
    bad = [n for n in numbers if wrong[n]]
    low, high = bad[0], bad[-1]
    if low == high:
        yield Pattern(lambda name: f"{name} is {low:g}", lambda n: n == low)
    if high == numbers[-1]:
        before = max(n for n in numbers if n < low) if low > numbers[0] else low
        told = f"{low:g} or more" if low - before <= 1 else f"more than {before:g}"
        yield Pattern(lambda name: f"{name} is {told}", lambda n: n > before, "more", (before, low))
    if low == numbers[0]:
        after = min(n for n in numbers if n > high) if high < numbers[-1] else high
        yield Pattern(lambda name: f"{name} is {high:g} or less", lambda n: n <= high, "less", (after, high))
    yield Pattern(lambda name: f"{name} is from {low:g} to {high:g}", lambda n: low <= n <= high)
    for block in BLOCKS if all(float(n).is_integer() for n in numbers) else ():
        yield from _by_block(block, wrong, numbers, bad)


def _by_block(block: int, wrong: Mapping[float, bool], numbers: list[float], bad: list[float]) -> Iterator[Pattern]:
    """Wrong by what is left over by blocks of so many, from the first on that is wrong, or beyond the first block."""
    for start in dict.fromkeys((1.0, float(block), block + 1.0, bad[0])):
        later = [n for n in numbers if n >= start]
        rests = {n % block for n in later if wrong[n]}
        seen = {n % block for n in later}
        left = sorted(rests)
        gap = [b for a, b in pairwise(left) if b - a > 1]
        if not rests or rests == seen or len(seen) < min(block, 17) or len(gap) > 1 or later[-1] < start + 2 * block:
            continue
        told = _rests(rests, block)
        since = f", from {bad[0]:g} on" if start > 1 else ""
        yield Pattern(partial(_told_since, told, since), partial(_left_over, start, block, rests), block=block)


def _told_since(told: str, since: str, name: str) -> str:
    return f"{name} {told}{since}"


def _left_over(start: float, block: int, rests: set[float], n: float) -> bool:
    return n >= start and n % block in rests


def _rests(rests: set[float], block: int) -> str:
    left = sorted(int(n) for n in rests)
    if block == 2:
        return "is odd" if left == [1] else "is even"
    if left == [0]:
        return f"is a multiple of {block}"
    if left == list(range(1, block)):
        return f"is no multiple of {block}"
    in_a_row = len(left) > 2 and left == list(range(left[0], left[-1] + 1))
    span = f"{left[0]} to {left[-1]}" if in_a_row else ", ".join(map(str, left))
    return f"mod {block} is {span}"
