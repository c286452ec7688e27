"""The kill matrix: which law catches which known mistake, after how many examples, and on how small a one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from time import process_time
from typing import Any

from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence

from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, TargetFault
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.harness.methods import search
from nnlaws.harness.planning import find, plan
from nnlaws.harness.search import Search
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of

SHRUNK_IN = "float32"  # shrinking takes longer than all else, and says the same in every dtype


class Catch(StrEnum):
    """What becomes of a mutant that is held to a law."""

    KILLED = "killed"
    ERROR = "error"
    NOT_OFFERED = "not offered"
    MISSED = "missed"


@dataclass(frozen=True)
class Cell:
    """One law and one mutant of its operation in one dtype.

    Killed, where results contradict the law; error, where none do and some could not be compared, because the mutant
    raised or a shape was wrong; not offered, where the law is about a keyword that the mutant lacks. examples, arrays,
    seconds of processor time: up to the first counterexample, of the whole search where there is none. case: the
    counterexample, shrunk where `entries`, the numbers in its arrays, is given.
    """

    operation: str
    law: str
    clause: str
    mutant: str
    dtype: str
    catch: Catch
    examples: int
    arrays: int
    seconds: float
    case: str = ""
    entries: int | None = None

    @property
    def killed(self) -> bool:
        return self.catch is Catch.KILLED


@dataclass(frozen=True)
class Need:
    """What a law is there for: the mutants that it kills, those that no other law kills, those that it explains best.

    A law with neither of the latter is not needed to tell the known mistakes from what is right.
    """

    kills: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    best: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        return bool(self.alone or self.best)


@dataclass(frozen=True)
class Matrix:
    """Every law against every mutant of its operation, in the order of operations, mutants, dtypes and laws."""

    profile: str
    seed: int | None
    cells: tuple[Cell, ...]

    @property
    def mutants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.mutant for cell in self.cells))

    @property
    def killed(self) -> tuple[str, ...]:
        """The mutants that some law kills in some dtype."""
        return tuple(dict.fromkeys(cell.mutant for cell in self.cells if cell.killed))

    @property
    def survivors(self) -> tuple[str, ...]:
        killed = set(self.killed)
        return tuple(mutant for mutant in self.mutants if mutant not in killed)

    def of(self, operations: Iterable[str]) -> "Matrix":
        """The part that is about these operations."""
        chosen = set(operations)
        return replace(self, cells=tuple(cell for cell in self.cells if cell.operation in chosen))

    def best(self) -> dict[str, Cell]:
        """Of each mutant that is killed, the cell of the law that explains it best, in the dtype that was shrunk in.

        That is the one of the smallest example, after the fewest; of several, the one that kills the fewest mutants,
        for it says the most about this one.
        """
        kills = Counter(law for law, _ in {(cell.law, cell.mutant) for cell in self.cells if cell.killed})
        found: dict[str, Cell] = {}
        for mutant, cells in groupby(self.cells, key=lambda cell: cell.mutant):
            killed = [cell for cell in cells if cell.killed]
            first = [cell for cell in killed if cell.dtype == killed[0].dtype]
            if first:
                found[mutant] = min(first, key=lambda cell: (cell.entries or 0, cell.examples, kills[cell.law]))
        return found

    def needs(self) -> dict[str, Need]:
        """What each law is needed for."""
        killers: dict[str, dict[str, None]] = {mutant: {} for mutant in self.mutants}
        kills: dict[str, dict[str, None]] = {cell.law: {} for cell in self.cells}
        for cell in self.cells:
            if cell.killed:
                killers[cell.mutant][cell.law] = kills[cell.law][cell.mutant] = None
        best: dict[str, list[str]] = defaultdict(list)
        for mutant, cell in self.best().items():
            best[cell.law].append(mutant)
        return {
            law: Need(tuple(each), tuple(mutant for mutant in each if len(killers[mutant]) == 1), tuple(best[law]))
            for law, each in kills.items()
        }


def matrix(selection: Selection, jobs: int = 1) -> Iterator[tuple[Cell, ...]]:
    """The cells of one operation after another: every law that is selected, against every mutant.

    Each operation has a process of its own, `jobs` of them at a time: some mutants remember calls, so that what runs
    before them must not depend on how many processes there are. Raises UsageError for an unknown name, or jobs < 1.
    """
    if jobs < 1:
        raise UsageError(f"jobs must be 1 or more, got {jobs!r}")
    tasks = plan(Target("mutants", "", dict.fromkeys(OPERATIONS, _nothing), tuple(DTYPES)), selection)
    operations = list(dict.fromkeys(task.operation for task in tasks))
    pairs = {name: [(task.law, task.dtype) for task in tasks if task.operation == name] for name in operations}
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(partial(_apart, selection), operations, pairs.values())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _nothing() -> None:
    """Stands for an operation where only its name is asked for."""


def _apart(selection: Selection, operation: str, pairs: list[tuple[str, str]]) -> tuple[Cell, ...]:
    """The cells of an operation, from a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(cells, selection, operation, pairs).result()


def cells(selection: Selection, operation: str, pairs: list[tuple[str, str]]) -> tuple[Cell, ...]:
    """Each mutant of the operation, held to these laws in these dtypes.

    Counterexamples are shrunk in float32, or in the first dtype in which there is one.
    """
    found: list[Cell] = []
    dtypes = sorted(dict.fromkeys(dtype for _, dtype in pairs), key=lambda dtype: dtype != SHRUNK_IN)
    with silence():
        for mutant in chapter_of(operation).mutants_of(OPERATIONS[operation]):
            shrink = True
            for dtype in dtypes:
                laws = [find(law) for law, of in pairs if of == dtype]
                found += [hunt(law, mutant, dtype, selection, shrink=shrink) for law in laws]
                shrink &= not any(cell.killed for cell in found[-len(laws) :])
    return tuple(found)


def hunt(law: Law, mutant: Mutant, dtype: str, selection: Selection, *, shrink: bool) -> Cell:
    """Looks for a counterexample as `nnlaws check` does, and notes what the first one took."""
    format = format_of(DTYPES[dtype])
    examples, arrays, faults = 0, 0, set[type[TargetFault]]()
    at_first: tuple[int, int, float] | None = None
    broken = Evidence(0.0)
    began = process_time()

    def check(subject: Any, ruler: Any, *arguments: Any, **more: Any) -> Evidence:
        nonlocal examples, arrays, at_first, broken
        if at_first is not None and not shrink:
            return replace(broken, lane=0)  # Hypothesis tries it again, twice, to be sure of it; maybe with fewer lanes
        examples += 1
        arrays += len(arguments[0]) if arguments else 1
        try:
            evidence = law.check(subject, ruler, *arguments, **more)
        except TargetFault as fault:
            faults.add(type(fault))
            raise
        if at_first is None and not evidence.holds:
            at_first, broken = (examples, arrays, process_time() - began), evidence
        return evidence

    watched = replace(law, check=check)
    subject = GuardedSubject(mutant.function, law.operation)
    ruler = Ruler(law.operation, format, {})
    seen = search(Search(watched, subject, ruler, mutant.name, selection, ignored=TargetFault, shrink=shrink))
    named = (law.operation.name, law.id, law.clause, mutant.name, dtype)
    if at_first is None:
        catch = Catch.ERROR if faults - {NotOffered} else Catch.NOT_OFFERED if faults else Catch.MISSED
        return Cell(*named, catch, examples, arrays, process_time() - began)
    case = next((case for case, failure in reversed(seen.failures) if isinstance(failure, Evidence)), None)
    arguments = law.build(case, format).arguments if case is not None and shrink else ()
    entries = sum(argument.size for argument in arguments) if arguments else None
    return Cell(*named, Catch.KILLED, *at_first, case="" if case is None else str(case), entries=entries)
