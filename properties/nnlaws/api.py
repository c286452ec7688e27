"""What a program calls: check, assert_conforms, as_test."""

import secrets
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import LARGEST, Token
from nnlaws.harness import resume as resuming
from nnlaws.harness.parent import ChildProcess, LoadError, offering
from nnlaws.harness.provenance import provenance
from nnlaws.output import writable
from nnlaws.plan import BOUND, PROFILES, RANDOM, Plan, Selection, Task
from nnlaws.report import LawResult, Outcome, Progress, Report
from nnlaws.wire import PREFIX

SEED_BITS = 31


class Runner(Protocol):
    """Where laws are run: a process of the target's own, or this one."""

    libraries: dict[str, str]
    """What the target's process has imported so far, with versions."""

    def plan(self) -> Plan: ...

    def run(self, task: Task) -> LawResult: ...

    def run_all(self, tasks: Sequence[Task], jobs: int) -> Iterator[LawResult]: ...

    def close(self) -> None: ...


class InProcess:
    """Runs laws on an object, which cannot be sent to another process: a hang or a crash in it is ours too."""

    def __init__(self, implementation: Any, selection: Selection) -> None:
        from nnlaws_server import process_state
        from nnlaws_server.errors import TargetError

        from nnlaws.harness import finding, planning, run, targets
        from nnlaws.isolation.guard import NobodyWatches

        self.libraries: dict[str, str] = {}
        name = getattr(implementation, "__name__", type(implementation).__name__)
        try:
            self._target = targets.of_object(implementation, name)
            if self._target.recognised:
                self._target = finding.judged_as(self._target, selection, NobodyWatches())
            self._plan = planning.planned(self._target, selection)
            process_state.remember()
        except TargetError as error:
            raise LoadError(str(error)) from None
        self._selection = selection
        self._run, self._restore = run.run, process_state.restore

    def plan(self) -> Plan:
        return offering(self._plan, self._target.name)

    def run(self, task: Task) -> LawResult:
        return self._run(task, self._target, self._selection)

    def run_all(self, tasks: Sequence[Task], jobs: int) -> Iterator[LawResult]:
        return map(self.run, tasks)

    def close(self) -> None:
        self._restore()


class Printed(Report):
    """A report that prints as the terminal shows it."""

    def __str__(self) -> str:
        from nnlaws.reports.terminal import text

        return text(self)


def check(
    target: Any,
    *,
    operations: Sequence[str] = (),
    laws: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    profile: str = "ci",
    seed: int | str | None = None,
    timeout: float = 10.0,
    memory: float = 8.0,
    strict: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    save: str | Path | None = None,
    resume: str | Path | None = None,
    setup: str = "",
    trace: str = "",
    rows: int = 0,
    columns: int = 0,
    steps: int = 0,
    shapes: str = "",
) -> Report:
    """Judges an implementation by every law of what it offers.

    target: a built-in name ("scipy", "torch"), a path to a .py file, an importable "module" or "module:object", a
    file of ONNX or a node of one, "file.onnx:node", or "command:" and how to run a client in any language
    (docs/protocol.md), which run in a process of their own; or a module, an object or a function named after an
    operation, which run in this one. operations, laws, dtypes: what to
    run; default all, in the dtypes that the target declares, else float32 and float64. profile: quick, ci, thorough, or
    scale, which is the laws at size alone, up to the largest. rows, columns, steps: one's own sizes for those laws.
    shapes: "few" draws arrays of four shapes a law at most, for what compiles each shape anew.
    seed: for other cases than the profile's own; "random" for one that is drawn now. timeout: seconds a call; memory:
    GiB that the process may hold (both: own process only). strict: whether what falls short of a SHOULD violates. jobs:
    how many such processes may share the laws, where there are many. progress: called after each law with its result,
    how many are done, how many there are. save: a file to write the report to as JSON, at first incomplete, then as
    laws are done. resume: a file that `save` wrote, of a run that was ended: its results are taken over. setup: a
    command that is run before, as to compile. trace: a file that gets what is said to and by a client. Raises LoadError
    if the target cannot be loaded or offers no operation, UsageError (a ValueError) for an unknown name, or a file that
    is of another run.
    """
    selection = select(
        operations, laws, dtypes, profile, seed, timeout, memory, strict, trace, rows, columns, steps, shapes
    )
    if jobs < 1:
        raise UsageError(f"jobs must be 1 or more, got {jobs!r}")
    _traceable(target, trace)
    set_up(setup)
    began = time.perf_counter()
    with runner(target, selection) as runs:
        plan = runs.plan()
        empty = Printed(
            target=_name(target),
            description=plan.description,
            version=version("nnlaws"),
            profile=selection.looked,
            seed=selection.seed,
            offered=plan.offered,
            results=(),
            planned=len(plan.tasks),
            seconds=0.0,
            complete=False,
            plugins=plan.plugins,
            left_out=plan.left_out,
            limits={name: each.limit for name, each in plan.judged.items() if each.limit != BOUND},
            precisions={name: each.precisions for name, each in plan.judged.items() if each.precisions},
            strict=strict,
            recognised=plan.recognised,
            declares=plan.declares,
            provenance=provenance(target if isinstance(target, (str, Path)) else "", plan.libraries),
        )
        known = {} if resume is None else resuming.results(Path(resume), empty, plan.tasks)
        results = dict(known)
        left = [task for task in plan.tasks if task.key not in results]

        def report(complete: bool) -> Report:
            done = tuple(results[task.key] for task in plan.tasks if task.key in results)
            found = {**empty.provenance, "libraries": dict(sorted(runs.libraries.items()))}
            return replace(
                empty, results=done, seconds=time.perf_counter() - began, complete=complete, provenance=found
            )

        keep = None if save is None else resuming.Saver(Path(save), report)
        complete = True
        try:
            for task, result in zip(left, runs.run_all(left, jobs), strict=True):
                results[task.key] = result
                if keep is not None:
                    keep.soon()
                if progress is not None:
                    progress(result, len(results), len(plan.tasks))
        except KeyboardInterrupt:
            complete = False  # what was found so far stands, marked so
        finally:
            if keep is not None:
                keep.now(len(results) == len(plan.tasks))
        return replace(report(complete), unsaved=keep.failed if keep is not None else "")


def _traceable(target: Any, trace: str) -> None:
    """Raises UsageError for a trace that cannot be written, or of a target that no lines are said to."""
    if not trace:
        return
    if not str(target).startswith(PREFIX):
        raise UsageError(f"--trace is of what is said to and by a client: expected a target {PREFIX}CMD, got {target}")
    writable("--trace", trace)


def set_up(command: str) -> None:
    """Runs a command before a target is loaded. Raises LoadError with what it last wrote, where that fails."""
    if not command:
        return
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("there is no command in it")
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except (OSError, ValueError) as error:
        raise LoadError(f"--setup {command!r} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    if done.returncode:
        written = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        last = f": {written[-1]}" if written else ""
        raise LoadError(f"--setup {command!r} ended with exit code {done.returncode}{last}")


def smoke(
    target: Any, *, operations: Sequence[str] = (), dtypes: Sequence[str] = (), timeout: float = 10.0, trace: str = ""
) -> list[LawResult]:
    """One call of each operation that the target offers, in each dtype: its first law of value on one small case.

    To see whether a target answers at all, before it is judged. Raises LoadError and UsageError as `check` does.
    """
    from nnlaws.harness.methods import few
    from nnlaws.harness.planning import find

    _traceable(target, trace)
    with runner(target, select(operations, (), dtypes, timeout=timeout, trace=trace)) as runs:
        first: dict[tuple[str, str], Task] = {}
        for task in sorted(runs.plan().tasks, key=lambda task: task.kind != "value"):
            if task.offered:
                first.setdefault((task.operation, task.dtype), task)
        return [runs.run(replace(task, case=str(few(find(task.law))[0]))) for task in first.values()]


def assert_conforms(target: Any, **options: Any) -> Report:
    """`check`, raising AssertionError with the whole report unless the target conforms."""
    report = check(target, **options)
    if not report.conforms:
        raise AssertionError(str(report))
    return report


def replay(token: str, *, target: str | None = None, timeout: float = 10.0, strict: bool = False) -> LawResult:
    """Runs the law of a violation again on its one array. token: law/dtype/case/target, as a violation prints it.

    target: another target than the token names. strict: as for `check`. Raises UsageError for a token that is none,
    LoadError as `check` does.
    """
    parsed = Token.parse(token)
    law, named = parsed.law, parsed.target
    with runner(target or named, select(laws=(law,), dtypes=(parsed.dtype,), timeout=timeout, strict=strict)) as runs:
        tasks = [task for task in runs.plan().tasks if task.law == law]
        if len(tasks) != 1:
            raise UsageError(f"unknown law {law!r} in {token!r}; expected its whole name, as in softmax.value")
        (task,) = tasks
        if not task.offered:
            what = f"{law}: {task.hidden}" if task.hidden else task.operation
            raise LoadError(f"{target or named} does not offer {what}")
        result: LawResult = runs.run(replace(task, case=str(parsed.case)))
    return result


def as_test(target: Any, **options: Any) -> Callable[..., None]:
    """A pytest function with one item a law and dtype: `test_my_layers = nnlaws.as_test("my_layers.py")`.

    Options as for `check`. What the target does not offer is skipped; what falls short of a SHOULD is an expected
    failure, which pytest counts and `pytest -rx` explains, unless strict=True.
    """
    import pytest

    selection = select(**options)
    try:
        runs = _open(target, selection)
        plan = runs.plan()
    except (LoadError, UsageError) as error:
        raise pytest.Collector.CollectError(f"nnlaws.as_test: {error}") from None

    @pytest.mark.parametrize("task", plan.tasks, ids=[task.name for task in plan.tasks])
    def test(task: Task) -> None:
        settle(runs.run(task))

    return test


def settle(result: LawResult) -> None:
    """Passes, skips or fails the running pytest item by a law's result; what falls short is an expected failure."""
    import pytest

    from nnlaws.reports.terminal import explain

    if result.outcome is Outcome.NOT_OFFERED:
        pytest.skip(result.reason or f"{result.operation} is not offered")
    if result.outcome in (Outcome.VIOLATES, Outcome.ERROR):
        pytest.fail(explain(result), pytrace=False)
    if result.outcome is Outcome.FALLS_SHORT:
        pytest.xfail(f"falls short of {result.clause}, a SHOULD:\n{explain(result)}")


def select(
    operations: Sequence[str] = (),
    laws: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    profile: str = "ci",
    seed: int | str | None = None,
    timeout: float = 10.0,
    memory: float = 8.0,
    strict: bool = False,
    trace: str = "",
    rows: int = 0,
    columns: int = 0,
    steps: int = 0,
    shapes: str = "",
) -> Selection:
    """The selection of these options.

    Raises UsageError, naming what there is, for an unknown profile or a bad limit.
    """
    for name, given in (("operations", operations), ("laws", laws), ("dtypes", dtypes)):
        if isinstance(given, str):
            raise UsageError(f"{name} takes a sequence of names, as in {name}=({given!r},), not one string")
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}; expected one of {', '.join(PROFILES)}")
    if isinstance(seed, str):
        if seed != RANDOM:
            raise UsageError(f"seed must be a whole number or {RANDOM!r}, got {seed!r}")
        seed = secrets.randbits(SEED_BITS)
    if not timeout > 0:
        raise UsageError(f"timeout must be more than 0 seconds, got {timeout!r}")
    if not memory > 0:
        raise UsageError(f"memory must be more than 0 GiB, got {memory!r}")
    for name, size in (("rows", rows), ("columns", columns), ("steps", steps)):
        if not 0 <= size <= LARGEST:
            raise UsageError(f"{name} must be from 1 to {LARGEST}, got {size!r}")
    if shapes not in ("", "few"):
        raise UsageError(f"shapes must be few, or not given, got {shapes!r}")
    return Selection(
        tuple(dict.fromkeys(operations)),
        tuple(dict.fromkeys(laws)),
        tuple(dict.fromkeys(dtypes)),
        profile,
        seed,
        timeout,
        memory,
        strict,
        trace,
        rows,
        columns,
        steps,
        shapes,
    )


@contextmanager
def runner(target: Any, selection: Selection) -> Any:
    runs = _open(target, selection)
    try:
        yield runs
    finally:
        runs.close()


def _open(target: Any, selection: Selection) -> Runner:
    if isinstance(target, (str, Path)):
        return ChildProcess(str(target), selection)
    return InProcess(target, selection)


def _name(target: Any) -> str:
    return str(target) if isinstance(target, (str, Path)) else getattr(target, "__name__", type(target).__name__)
