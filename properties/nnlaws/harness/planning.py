"""Planning: which laws to run, in which dtypes, for a target and a selection."""

import difflib
from collections.abc import Iterable

from nnlaws_reference.dtypes import DTYPES

from nnlaws.authoring.convention import precisions
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.chance import SHARES
from nnlaws.chapters import BROKEN, LAWS, OPERATIONS, PLUGINS, all_clauses, chapter_of
from nnlaws.harness.targets import Target
from nnlaws.plan import Judged, Plan, Selection, Task


def plan(target: Target, selection: Selection) -> list[Task]:
    """The laws to run, operation by operation, law by law, dtype by dtype.

    Raises UsageError for a name that does not exist.
    """
    _known("operation", selection.operations, OPERATIONS)
    _known("dtype", selection.dtypes, DTYPES)
    _known("law", selection.laws, {name for law in LAWS for name in (law.id, law.name, law.clause)})
    chosen = [
        law
        for name, operation in OPERATIONS.items()
        for law in chapter_of(operation).laws_of(operation)
        if (not selection.operations or name in selection.operations)
        and (not selection.laws or {law.id, law.name, law.clause} & set(selection.laws))
        and (not selection.at_size or law.at_size or (selection.largest and law.largest))
    ]
    if not chosen and selection.at_size and not selection.laws:
        raise UsageError(f"no law at size is about {', '.join(selection.operations)}; see `nnlaws list laws`")
    if not chosen:
        raise UsageError(
            f"no law {', '.join(selection.laws)} is about {', '.join(selection.operations)}; see `nnlaws list laws`"
        )
    known = all_clauses()
    tasks = [
        Task(
            law.id, law.clause, law.statement, law.operation.name, dtype,
            law.operation.name in target.operations and not target.hides(law),
            kind=law.kind, level=known[law.clause].level, strict=selection.strict,
            hidden=target.hides(law) if law.operation.name in target.operations else "",
        )
        for law in chosen
        for dtype in chapter_of(law.operation).judging.dtypes(selection.dtypes, target.dtypes)
    ]  # fmt: skip
    if not tasks:
        names = ", ".join(dict.fromkeys(law.operation.name for law in chosen))
        usual = ", ".join(chapter_of(chosen[0].operation).judging.dtypes((), target.dtypes))
        raise UsageError(f"{names}: judged in {usual} alone, got {', '.join(selection.dtypes)}")
    _within_budget(chosen)
    return tasks


def planned(target: Target, selection: Selection) -> Plan:
    """The same, with what the target is and offers, and how each operation is judged."""
    tasks = plan(target, selection)
    names = dict.fromkeys(task.operation for task in tasks)
    return Plan(
        target.description,
        tuple(target.operations),
        tuple(tasks),
        {name: Judged(chapter_of(name).judging.limit, precisions(OPERATIONS[name].conventions)) for name in names},
        tuple(map(str, PLUGINS)),
        tuple(BROKEN),
        recognised=target.recognised,
        declares=target.limits.told(),
    )


def _within_budget(laws: Iterable[Law]) -> None:
    """Raises UsageError where the tests of chance are more than share one probability of a false alarm."""
    tests = {law.id: law.tests * len(law.trials) for law in laws}
    total = sum(tests.values())
    if total > SHARES:
        most = sorted(tests, key=lambda id: -tests[id])[:3]
        raise UsageError(
            f"the laws selected make {total} tests of chance, more than the {SHARES} among which the false alarms of a "
            f"run are shared, most of them {', '.join(most)}; select fewer (--operation, --law), or leave out the "
            "chapters of other packages (NNLAWS_NO_PLUGINS=1)"
        )


def _known(what: str, asked: tuple[str, ...], known: Iterable[str]) -> None:
    there = list(known)
    for name in asked:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(there)}"
            hint = f"see `nnlaws list {what}s`" if len(there) > 20 and not near else hint
            raise UsageError(f"unknown {what} {name!r}; {hint}")


def find(id: str) -> Law:
    """The law of that id. Raises UsageError if there is none."""
    _known("law", (id,), (law.id for law in LAWS))
    return next(law for law in LAWS if law.id == id)
