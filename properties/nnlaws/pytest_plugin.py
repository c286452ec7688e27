"""The pytest plugin: `pytest --nnlaws TARGET` adds one item a law and dtype, named by clause.

Every pytest run loads this module, so it imports nothing but pytest until --nnlaws is given.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nnlaws.harness.parent import ChildProcess
    from nnlaws.plan import Task

_FOREIGN: pytest.StashKey[list[str]] = pytest.StashKey()
"""What a run says of the chapters of other packages."""
_WORKERS: pytest.StashKey[list[ChildProcess]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nnlaws", "laws of neural-network mathematics")
    group.addoption(
        "--nnlaws",
        action="append",
        default=[],
        metavar="TARGET",
        help="hold TARGET to the laws, one item a law and dtype; may be repeated",
    )
    group.addoption(
        "--nnlaws-profile", default="ci", metavar="PROFILE", help="quick, ci, thorough, scale (default: ci)"
    )
    group.addoption(
        "--nnlaws-dtype", action="append", default=[], metavar="DTYPE", help="a dtype to judge in; may be repeated"
    )
    group.addoption(
        "--nnlaws-strict",
        action="store_true",
        help="what falls short of a SHOULD fails (default: an expected failure, which -rx explains)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--nnlaws"):
        config.pluginmanager.register(_Collecting(), "nnlaws-collecting")


class _Collecting:
    """Registered only for --nnlaws: adds a suite a target to what the session has collected."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if isinstance(collector, pytest.Session):
            targets: Any = collector.config.getoption("--nnlaws")
            report.result += [_suite(collector, target) for target in targets]
        return report

    def pytest_report_collectionfinish(self, config: pytest.Config) -> list[str]:
        lines = config.stash.get(_FOREIGN, list[str]())
        return [f"nnlaws: {line}" for line in dict.fromkeys(lines)]


def _suite(session: pytest.Session, target: str) -> Suite:
    """The target's suite, with a worker that has it loaded."""
    from nnlaws.api import select
    from nnlaws.authoring.errors import UsageError
    from nnlaws.harness.parent import ChildProcess, LoadError

    profile: Any = session.config.getoption("--nnlaws-profile")
    dtypes: Any = session.config.getoption("--nnlaws-dtype")
    strict: Any = session.config.getoption("--nnlaws-strict")
    try:
        worker = ChildProcess(target, select(profile=profile, dtypes=dtypes, strict=strict))
        session.config.stash.setdefault(_WORKERS, []).append(worker)
        plan = worker.plan()
    except (LoadError, UsageError) as error:
        raise pytest.UsageError(f"--nnlaws {target}: {error}") from error
    if plan.plugins:
        session.config.stash.setdefault(_FOREIGN, []).append(f"chapters of other packages: {', '.join(plan.plugins)}")
    session.config.stash.setdefault(_FOREIGN, []).extend(plan.left_out)
    return Suite.from_parent(session, name=f"nnlaws-{target}", worker=worker, tasks=plan.tasks)


def pytest_unconfigure(config: pytest.Config) -> None:
    for worker in config.stash.get(_WORKERS, []):
        worker.close()


class Suite(pytest.Collector):
    """One target's laws: the parent of its items."""

    def __init__(self, *, worker: ChildProcess, tasks: tuple[Task, ...], **rest: Any) -> None:
        super().__init__(**rest)
        self.worker = worker
        self.tasks = tasks

    def collect(self) -> list[pytest.Item]:
        return [LawItem.from_parent(self, name=task.name, task=task, worker=self.worker) for task in self.tasks]


class LawItem(pytest.Item):
    """One law in one dtype."""

    def __init__(self, *, task: Task, worker: ChildProcess, **rest: Any) -> None:
        super().__init__(**rest)
        self.task = task
        self.worker = worker

    def runtest(self) -> None:
        from nnlaws.api import settle

        settle(self.worker.run(self.task))

    def reportinfo(self) -> tuple[str, int | None, str]:
        return self.nodeid, None, self.name
