"""The progress of a run, on a terminal."""

import sys
from typing import Any

from nnlaws.report import LawResult


class Bar:
    """A progress bar on standard error, if both that and standard output are a terminal."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._progress: Any = None

    def __enter__(self) -> "Bar":
        if sys.stderr.isatty() and sys.stdout.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[law]}"),
            )
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.start()
            self._bar = self._progress.add_task(f"loading {self._target}", total=None, law="")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, result: LawResult, done: int, total: int) -> None:
        if self._progress is not None:
            law = f"{result.clause} {result.law} {result.dtype}"
            self._progress.update(self._bar, description=self._target, completed=done, total=total, law=law)
