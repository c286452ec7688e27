"""The laws of the contract for operations that are judged by chance: samplers and searches, which take few arrays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.contract.common import FIXES, LATER, NEEDS, SURROUNDINGS, process_kept

FEW = 8  # draws or points of a call, at most: of more there is nothing more to see here


@dataclass
class Made:
    """One call: the arrays that it was given, by name, with their bytes before it; the bytes of what it returned."""

    given: dict[str, tuple[Array, bytes]]
    bits: list[bytes]

    @property
    def written(self) -> list[str]:
        """The arguments that are no longer as they were."""
        return [name for name, (array, before) in self.given.items() if array.tobytes() != before]


class Observed:
    """A subject of which each call is kept. A law that is about draws calls it as its chapter does."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.made: list[Made] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]:
        named = {**{f"argument {place}": each for place, each in enumerate(arguments)}, **options}
        given = {name: (each, each.tobytes()) for name, each in named.items() if isinstance(each, np.ndarray)}
        returned = self._subject.arrays(*arguments, lane=lane, **options)
        self.made.append(Made(given, [part.tobytes() for part in returned]))
        return returned


Exercise = Callable[[Subject], object]
"""One call, as the chapter makes it."""


def _observed(f: Subject, exercise: Exercise, times: int = 1) -> list[Made]:
    observed: Any = Observed(f)
    for _ in range(times):
        exercise(observed)
    return list(observed.made)


def arguments_unmodified(f: Subject, exercise: Exercise) -> Evidence:
    """The arrays among the arguments are the same after the call."""
    written = [name for made in _observed(f, exercise) for name in made.written]
    return require(not written, f"an array that it was given ({', '.join(written)}) was written to")


def same_result_again(f: Subject, exercise: Exercise) -> Evidence:
    """The same bits at each of several calls."""
    bits = [made.bits for made in _observed(f, exercise, 4)]
    return require(all(each == bits[0] for each in bits), "another call with the same arguments returned other bits")


def results_of_its_own(f: Subject, exercise: Exercise) -> Evidence:
    """No result shares memory with an argument, nor with the result of one of many later calls."""
    with f.keeping() as kept:
        for _ in range(1 + LATER):
            exercise(f)
        for each in kept.shared():
            if each.kind == "argument":
                name = each.other if isinstance(each.other, str) else f"argument {each.other}"
                return require(False, f"a result is an array that was given ({name}), or shares its memory")
            if each.kind == "later":
                words = f"the result of one of {LATER} later calls is an earlier one, or shares its memory"
                return require(False, words)
    return require(True, "")


_LAWS: tuple[tuple[str, Callable[[Subject, Exercise], Evidence], str], ...] = (
    ("CT-1", arguments_unmodified, "arguments are left as they were"),
    ("CT-3", same_result_again, "the same input gives the same output"),
    (
        "CT-7",
        lambda f, exercise: process_kept(f, lambda: exercise(f)),
        SURROUNDINGS,
    ),
    ("CT-9", results_of_its_own, "a result is an array of its own"),
)


def contract_laws(judging: Chance, chapter: Chapter, operation: Operation) -> tuple[Law, ...]:
    """On a trial of one of the operation's own laws, with few draws; of arguments, where it takes arrays."""
    own = chapter.laws_of(operation)[-1]
    # of samplers in the notes' own box, of searches on many axes
    case = own.trials[0] if judging.grows else own.trials[-1]
    case = replace(case, m=FEW if judging.grows else min(case.m, FEW))

    def make(clause: str, seen: Callable[[Subject, Exercise], Evidence], statement: str) -> Law:
        def check(f: Subject, ruler: Ruler, **options: Any) -> Evidence:
            return seen(f, lambda subject: judging.exercise(subject, operation, **options))

        check.__name__ = "surroundings_of_draws_kept" if clause == "CT-7" else seen.__name__
        law: Check = check
        kind = "state" if seen is same_result_again else "structure"
        more: Any = {"about": "call", "kind": kind, "needs": NEEDS.get(clause, ())}
        return trial_law(clause, operation, law, statement, own.build, (case,), FIXES[clause], **more)

    return tuple(make(*each) for each in _LAWS if operation.name in judging.given_arrays or each[0] != "CT-1")
