"""The chapters: one folder each, found by name; and those of other packages, found by their entry points.

All that the harness knows of operations, laws, mistakes and sound variants is derived here from what is found. A
chapter of another package comes by an entry point of the group `nnlaws.chapters`, which names its Chapter, as in
`layer_norm = "my_package:CHAPTER"`; NNLAWS_NO_PLUGINS=1 leaves them out. One that is broken is left out, with a line
that says so.
"""

import os
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from nnlaws_server.errors import words
from nnlaws_server.loading import contained
from nnlaws_spec import Clause, clauses
from nnlaws_spec import chapter as text_of

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.errors import ChapterError
from nnlaws.authoring.later import Later
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.variant import SoundVariant
from nnlaws.chance import SHARES
from nnlaws.chapters.contract import contract_laws, contract_mutants

GROUP = "nnlaws.chapters"
OFF = "NNLAWS_NO_PLUGINS"
SHORT = 2  # letters of a prefix: so short are our own alone
CONTRACT = "contract"  # the chapter that is about every operation, and has none
_CONTRACT = text_of(CONTRACT).clauses


@dataclass(frozen=True)
class Plugin:
    """Where a chapter comes from: its name, the package that brings it, and that package's version."""

    chapter: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.chapter} ({self.package} {self.version})"


def _own() -> list[Chapter]:
    """The chapters in this folder, in their places."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg and found.name != CONTRACT]
    found: list[Chapter] = [import_module(f"{__name__}.{name}").CHAPTER for name in names]
    return sorted(found, key=lambda each: (each.place, each.name))


def _foreign(known: list[Chapter]) -> tuple[list[tuple[Chapter, Plugin]], list[str]]:
    """The chapters of other packages that hold together, whole, by name; and a line about each of the others."""
    if os.environ.get(OFF, "0") not in ("", "0"):
        return [], []
    good: list[tuple[Chapter, Plugin]] = []
    broken: list[str] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        plugin = Plugin(point.name, *_package(point))
        try:
            with contained():
                found = _checked(_load(point), plugin, [*known, *(chapter for chapter, _ in good)])
                good.append((whole(found), plugin))
        except KeyboardInterrupt:  # the user's own
            raise
        except BaseException as error:  # whatever another package does wrong, the rest runs
            what = str(error) if isinstance(error, ChapterError) else words(error)
            broken.append(
                f"the chapter {point.name} of the package {plugin.package} {plugin.version} is left out: "
                f"{' '.join(what.split())} "
                f"(mend or uninstall the package, or set {OFF}=1)"
            )
    return good, broken


def _package(point: EntryPoint) -> tuple[str, str]:
    found = (point.dist.name, point.dist.version) if point.dist is not None else ("", "")
    return found[0] or "unknown", found[1] or "0"


def _load(point: EntryPoint) -> object:
    if point.pattern.match(point.value) is None:
        raise ChapterError(f"its entry point is {point.value!r}; expected a module and what it calls its Chapter, a:B")
    return point.load()


def _checked(found: object, plugin: Plugin, known: list[Chapter]) -> Chapter:
    """What the entry point names. Raises ChapterError for what is no chapter, or cannot stand beside the others."""
    if not isinstance(found, Chapter):
        raise ChapterError(f"expected its entry point to name a nnlaws.authoring.Chapter, got {type(found).__name__}")
    if found.name != plugin.chapter:
        raise ChapterError(f"its entry point calls it {plugin.chapter!r}, its text {found.name!r}; give both one name")
    fits(found, known)
    return found


def fits(found: Chapter, known: Iterable[Chapter]) -> None:
    """Raises ChapterError where a chapter of another package cannot stand beside those that are known."""
    there = list(known)
    if len(found.prefix) <= SHORT:
        raise ChapterError(
            f"its clauses begin with {found.prefix}-; prefixes of {SHORT} letters are nnlaws' own, take a longer one"
        )
    if found.name in {each.name for each in there} | {CONTRACT}:
        raise ChapterError(f"there is a chapter {found.name!r} already; take another name")
    prefixes = {each.prefix: each.name for each in there}
    if found.prefix in prefixes:
        raise ChapterError(f"the chapter {prefixes[found.prefix]} has the prefix {found.prefix} already; take another")
    offered = {operation.name for each in there for operation in each.operations}
    for operation in found.operations:
        if operation.name in offered:
            raise ChapterError(f"there is an operation {operation.name!r} already; take another name")
        if not found.laws_of(operation):
            raise ChapterError(f"no law is about the operation {operation.name!r}; add one to LAWS, or leave it out")
    for law in own_laws(found):
        if not law.clause.startswith(f"{found.prefix}-"):
            raise ChapterError(
                f"the law {law.id} cites {law.clause}; expected one of its own clauses, {found.prefix}-…"
            )

    tests, others = _tests([found]), _tests(there)
    if tests + others > SHARES:
        raise ChapterError(
            f"its laws make {tests} tests of chance, and those of the other chapters {others}; a run has {SHARES} to "
            "share, so make fewer"
        )


def _tests(chapters: Iterable[Chapter]) -> int:
    """How many tests of chance their laws make."""
    return sum(law.tests * len(law.trials) for chapter in chapters for law in chapter.laws)


def own_laws(chapter: Chapter) -> list[Law]:
    """The laws that the chapter brings itself, without those of the contract."""
    return [law for law in chapter.laws if law.clause not in _CONTRACT]


def whole(found: Chapter) -> Chapter:
    """The chapter with what the contract says of every operation, once."""
    if len(own_laws(found)) < len(found.laws):
        return found
    laws: tuple[Law, ...] = (*found.laws, *contract_laws(found))
    mutants = Later(lambda: (*found.mutants, *contract_mutants(found)))
    return replace(found, laws=laws, mutants=mutants)


_OURS = _own()
_THEIRS, BROKEN = _foreign(_OURS)

CHAPTERS: dict[str, Chapter] = {each.name: each for each in (*map(whole, _OURS), *(chapter for chapter, _ in _THEIRS))}
"""Every chapter by name, with the laws and mistakes of the contract, in reading order."""

PLUGINS: tuple[Plugin, ...] = tuple(plugin for _, plugin in _THEIRS)
"""Where the chapters come from that are not ours."""

OPERATIONS: dict[str, Operation] = {each.name: each for found in CHAPTERS.values() for each in found.operations}
LAWS: tuple[Law, ...] = tuple(law for found in CHAPTERS.values() for law in found.laws)
MUTANTS: Sequence[Mutant] = Later(lambda: tuple(mutant for found in CHAPTERS.values() for mutant in found.mutants))
SOUND: Sequence[SoundVariant] = Later(lambda: tuple(variant for found in CHAPTERS.values() for variant in found.sound))

_CHAPTER_OF = {operation.name: found for found in CHAPTERS.values() for operation in found.operations}


def chapter_of(operation: Operation | str) -> Chapter:
    """The chapter of an operation, or of the operation of that name."""
    return _CHAPTER_OF[str(operation)]


def maker(operation: Operation | str) -> str:
    """Who has to mend what fails in its chapter: nnlaws, or the package that brings it."""
    name = chapter_of(operation).name
    return next((f"the chapter {plugin}" for plugin in PLUGINS if plugin.chapter == name), "nnlaws itself")


def all_clauses() -> dict[str, Clause]:
    """The clauses of our own chapters, then those of others, by id."""
    return {**clauses(), **{id: clause for found, _ in _THEIRS for id, clause in found.text.clauses.items()}}
