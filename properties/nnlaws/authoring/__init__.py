"""Authoring: all that the author of a chapter imports.

    Chapter                         one subject, from the words of its clauses to the mistakes that its laws catch
    Operation, Convention, named    what implementations offer, and what they may declare
    sized, positions, tiled         laws at size, and how to make arrays for them
    Law, laws_of, trial_law         what must hold; `values`, `judge`, `agree_loosely` say what a check compares
    compare, agree, require, worst  evidence: with the exact value, of two results, or of a plain condition
    Mutant                          a known mistake; SoundVariant, sound: another right algorithm
    Rounding, Chance                the two ways to judge
    Case, Inputs, cases             what arrays are drawn from
    Subject, Ruler                  the implementation under test, and what it is held to

Names are imported when first used: the process that only reads reports lives on this package too. `law` and `mutant`
are modules here, and the functions of these names come from them: `from nnlaws.authoring.mutant import mutant`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlaws.authoring.at_size import positions, sized, tiled
    from nnlaws.authoring.case import Builder, Family, Inputs, Range, RowFamily, Strategy, cases, expand
    from nnlaws.authoring.chapter import Chapter
    from nnlaws.authoring.convention import NARROW, Convention, named
    from nnlaws.authoring.errors import ChapterError, UsageError
    from nnlaws.authoring.evidence import Evidence, agree, compare, require, worst
    from nnlaws.authoring.judging import Chance, Rounding
    from nnlaws.authoring.law import (
        CLOSE,
        Check,
        Law,
        agree_loosely,
        agree_or_nan,
        judge,
        laws_of,
        slack,
        trial_law,
        unless_refused,
        values,
    )
    from nnlaws.authoring.mutant import Mutant
    from nnlaws.authoring.operation import Operation, Option
    from nnlaws.authoring.ruler import Ruler
    from nnlaws.authoring.subject import NotOffered, Refused, Subject, TargetFault
    from nnlaws.authoring.token import Case, Token
    from nnlaws.authoring.variant import SoundVariant, sound

_HOMES = {
    "at_size": ("positions", "sized", "tiled"),
    "case": ("Builder", "Family", "Inputs", "Range", "RowFamily", "Strategy", "cases", "expand"),
    "chapter": ("Chapter",),
    "convention": ("NARROW", "Convention", "named"),
    "errors": ("ChapterError", "UsageError"),
    "evidence": ("Evidence", "agree", "compare", "require", "worst"),
    "judging": ("Chance", "Rounding"),
    "law": (
        *("CLOSE", "Check", "Law", "agree_loosely", "agree_or_nan", "judge", "laws_of", "slack", "trial_law"),
        *("unless_refused", "values"),
    ),
    "mutant": ("Mutant",),
    "operation": ("Operation", "Option"),
    "ruler": ("Ruler",),
    "subject": ("NotOffered", "Refused", "Subject", "TargetFault"),
    "token": ("Case", "Token"),
    "variant": ("SoundVariant", "sound"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CLOSE", "NARROW", "Builder", "Case", "Chance", "Chapter", "ChapterError", "Check", "Convention", "Evidence",
    "Family", "Inputs", "Law", "Mutant", "NotOffered", "Operation", "Option", "Range", "Refused", "Rounding",
    "RowFamily", "Ruler", "SoundVariant", "Strategy", "Subject", "TargetFault", "Token", "UsageError", "agree",
    "agree_loosely", "agree_or_nan", "cases", "compare", "expand", "judge", "laws_of", "named", "positions", "require",
    "sized", "slack", "sound", "tiled", "trial_law", "unless_refused", "values", "worst",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'nnlaws.authoring' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"nnlaws.authoring.{_HOME[name]}"), name)
