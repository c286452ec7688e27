"""The pytest plugin: `pytest --nnlaws TARGET` adds one item a law and dtype, named by clause.

Every pytest run loads this module, so it imports nothing but pytest until --nnlaws is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nnlaws.isolation import Worker
    from nnlaws.verdict import Task

_WORKERS: pytest.StashKey[list[Worker]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nnlaws", "laws of neural-network mathematics")
    group.addoption(
        "--nnlaws",
        action="append",
        default=[],
        metavar="TARGET",
        help="hold TARGET to the laws, one item a law and dtype; may be repeated",
    )
    group.addoption("--nnlaws-profile", default="ci", metavar="PROFILE", help="quick, ci or thorough (default: ci)")
    group.addoption(
        "--nnlaws-dtype", action="append", default=[], metavar="DTYPE", help="a dtype to judge in; may be repeated"
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    targets: Any = config.getoption("--nnlaws")
    profile: Any = config.getoption("--nnlaws-profile")
    dtypes: Any = config.getoption("--nnlaws-dtype")
    if not targets:
        return
    from nnlaws.api import select
    from nnlaws.isolation import LoadError, Worker
    from nnlaws.verdict import UsageError

    workers = config.stash.setdefault(_WORKERS, [])
    for target in targets:
        try:
            selection = select(profile=profile, dtypes=dtypes)
            worker = Worker(target, selection)
            workers.append(worker)
            tasks = worker.plan().tasks
        except (LoadError, UsageError) as error:
            raise pytest.UsageError(f"--nnlaws {target}: {error}") from error
        suite = Suite.from_parent(session, name=f"nnlaws-{target}")
        items += [LawItem.from_parent(suite, name=task.name, task=task, worker=worker) for task in tasks]


def pytest_unconfigure(config: pytest.Config) -> None:
    for worker in config.stash.get(_WORKERS, []):
        worker.close()


class Suite(pytest.Collector):
    """One target's laws: the parent of its items."""

    def collect(self) -> list[pytest.Item]:
        return []


class LawItem(pytest.Item):
    """One law in one dtype."""

    def __init__(self, *, task: Task, worker: Worker, **rest: Any) -> None:
        super().__init__(**rest)
        self.task = task
        self.worker = worker

    def runtest(self) -> None:
        from nnlaws.api import judge

        judge(self.worker.run(self.task))

    def reportinfo(self) -> tuple[str, int | None, str]:
        return self.nodeid, None, self.name
