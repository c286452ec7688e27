"""Conventions: what an implementation may do otherwise than a clause says, and still be right if it declares so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from nnlaws_spec import ChapterText

Effect = Literal["value", "weaker bound", "tighter bound"]
NARROW = ("float16", "bfloat16")
ALL_DTYPES = (*NARROW, "float32", "float64")


@dataclass(frozen=True)
class Convention:
    """`name = value`, in place of the default convention, and what that means in the chapter's words.

    effect: whether it changes the value, so that the formula takes it as a keyword, or only how much rounding is
    allowed: a weaker bound admits all that the default convention's does, a tighter one less. dtypes: those in which it
    says something; elsewhere what it is about does not occur. default: what the default convention is called, where it
    has a name. weaker_than: other values of the same name that this one's bound admits as well. waives: clauses that
    do not hold of an implementation that declares it. unseen: what declaring it stops seeing, in a few words, where
    that is known; else it is measured.
    """

    name: str
    value: str
    meaning: str
    effect: Effect = "value"
    dtypes: tuple[str, ...] = ALL_DTYPES
    default: str = ""
    weaker_than: tuple[str, ...] = ()
    waives: tuple[str, ...] = ()
    unseen: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"

    @property
    def item(self) -> dict[str, str]:
        """As it is declared."""
        return {self.name: self.value}


def named(text: ChapterText, name: str, value: str, effect: Effect = "value", **more: Any) -> Convention:
    """The convention that a variant of the chapter's text is. Raises KeyError where no clause has that variant."""
    return Convention(name, value, text.variant(name, value).meaning, effect, **more)


def loosest(conventions: Iterable[Convention]) -> dict[str, str]:
    """Of each name the value whose bound admits the most, where one is weaker than the default's."""
    weaker = [each for each in conventions if each.effect == "weaker bound"]
    admitted = {(each.name, value) for each in weaker for value in each.weaker_than}
    return {each.name: each.value for each in weaker if (each.name, each.value) not in admitted}


def finest(conventions: Iterable[Convention]) -> dict[str, str]:
    """Of each name the value whose bound admits the least, where one is tighter than the default's."""
    return {each.name: each.value for each in conventions if each.effect == "tighter bound"}


def values(conventions: Iterable[Convention]) -> dict[str, list[str]]:
    """The values of each name, in order."""
    found: dict[str, list[str]] = {}
    for each in conventions:
        if each.value not in found.setdefault(each.name, []):
            found[each.name].append(each.value)
    return found


def each_combination(choices: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """All combinations of values, or none, of each name; the fewest conventions first."""
    every = product(*([None, *values] for values in choices.values()))
    found = [{name: value for name, value in zip(choices, chosen, strict=True) if value} for chosen in every]
    return sorted(found, key=len)


def changing(conventions: Iterable[Convention]) -> tuple[str, ...]:
    """The names of those that change the value."""
    return tuple(dict.fromkeys(each.name for each in conventions if each.effect == "value"))


def precisions(conventions: Iterable[Convention]) -> tuple[str, ...]:
    """The names of how finely an operation may round, the coarsest first, where a tighter bound than the default's has
    a name; else none."""
    known = list(conventions)
    for tighter in (each for each in known if each.effect == "tighter bound"):
        weaker = [each.value for each in known if (each.name, each.effect) == (tighter.name, "weaker bound")]
        return (*weaker, tighter.default, tighter.value)
    return ()


def precision(conventions: Iterable[Convention], declared: Mapping[str, str], keeps_tighter: bool | None) -> str:
    """Which of the `precisions` an implementation reached: what it declares, or else whether it keeps to the tighter
    bound (None where there is none).
    """
    for each in conventions:
        if each.effect == "tighter bound":
            return declared.get(each.name) or (each.value if keeps_tighter else each.default)
    return ""
