"""A chapter holds together, or says in one line what is missing or wrong and what to do."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.errors import ChapterError
from nnlaws.chapters import CHAPTERS

DECAY, SOFTMAX = CHAPTERS["decay"], CHAPTERS["softmax"]
EMPTY = ModuleType("empty")


def without(chapter: Chapter, **modules: Any) -> dict[str, Any]:
    """The chapter's first operation with another module, and all that depends on it."""
    first, *others = chapter.operations
    changed = replace(first, **modules)
    laws = tuple(replace(law, operation=changed) if law.operation is first else law for law in chapter.laws)
    return {"operations": (changed, *others), "laws": laws}


def plain(chapter: Chapter) -> dict[str, Any]:
    """The same operations, without any convention."""
    operations = {each: replace(each, conventions=()) for each in chapter.operations}
    laws = tuple(replace(law, operation=operations[law.operation]) for law in chapter.laws)
    return {"operations": tuple(operations.values()), "laws": laws}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operations": ()}, "it has no operations; give at least one"),
        (without(DECAY, formulas=EMPTY), "the formula of inverse_time_decay is missing; define .* in empty"),
        (without(DECAY, reference_module=EMPTY), "the reference of inverse_time_decay is missing; define .* in empty"),
        (without(DECAY, bounds=EMPTY), "the bound of inverse_time_decay is missing; define .* in empty"),
        (plain(DECAY), "a clause has the variant `arithmetic = narrow`, which no operation takes; give it to those"),
        (
            {"laws": (*DECAY.laws, *SOFTMAX.laws[:1])},
            r"the law softmax\.value is about an operation of another",
        ),
        (
            {"laws": (*DECAY.laws, replace(DECAY.laws[0], clause="LR-99", name="other"))},
            "the law inverse_time_decay.other cites LR-99, which no clause has; write the clause, or cite another",
        ),
        ({"mutants": SOFTMAX.mutants[:1]}, "the mutant softmax.* is of 'softmax'; expected one of inverse_time_decay"),
        (
            {"sound": SOFTMAX.sound[:1]},
            "the sound variant softmax.* is of 'softmax'; expected one of inverse",
        ),
        ({"laws": (*DECAY.laws, DECAY.laws[0])}, r"2 laws are called inverse_time_decay\.value; give their checks"),
    ],
)
def test_what_does_not_hold_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ChapterError, match=f"chapter 'decay': {message}"):
        replace(DECAY, **changes)


def test_a_chapter_knows_what_it_is_made_of() -> None:
    assert (SOFTMAX.name, SOFTMAX.prefix, SOFTMAX.text.title) == ("softmax", "SM", "Softmax and cross entropy")
    assert SOFTMAX.formulas.__name__ == "nnlaws_spec.formulas.softmax"
    assert SOFTMAX.bounds is not None
    declared = {"normalisation = lse", "normalisation = logaddexp", "exponential = scaled_first", "arithmetic = narrow"}
    assert {str(convention) for convention in SOFTMAX.conventions} == declared
    assert CHAPTERS["sampling"].bounds is None
    for chapter in CHAPTERS.values():
        assert sum(len(chapter.laws_of(each)) for each in chapter.operations) == len(chapter.laws)
        assert sum(len(chapter.mutants_of(each)) for each in chapter.operations) == len(chapter.mutants)
