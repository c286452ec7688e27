"""Reports on disk: written as laws are done, so that a run that is killed leaves one that is valid, and read again.

JSON in, JSON out: nothing is unpickled or evaluated, and what is no report is refused with what is wrong about it.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnlaws.verdict import LawResult, Report, UsageError

EVERY = 1.0  # seconds between two writings

SAME = ("target", "description", "version", "profile", "seed", "planned")
"""What has to be the same for a run to be gone on with; of a target that changed since, only its version tells."""


def write(path: Path, report: Report) -> None:
    """Puts the report in the place of what is there, all at once. Raises UsageError where that fails."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


class Saver:
    """Writes the report of a run that goes on: `report(complete)` gives it as it is."""

    def __init__(self, path: Path, report: Callable[[bool], Report]) -> None:
        self._path, self._report = path, report
        self.now(False)

    def soon(self) -> None:
        """Unless it was written a moment ago."""
        if time.monotonic() - self._last >= EVERY:
            self.now(False)

    def now(self, complete: bool) -> None:
        write(self._path, self._report(complete))
        self._last = time.monotonic()


def results(path: Path, run: Report) -> dict[tuple[str, str], LawResult]:
    """The results in the file, by law and dtype. Raises UsageError for a file that is no report of this run."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        found = [LawResult.from_json(each) for each in data["results"]]
        was = {name: data[name] for name in SAME}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path} is no report that `nnlaws check --json` wrote ({wrong})") from None
    for name in SAME:
        now = getattr(run, name)
        if was[name] != now:
            raise UsageError(f"{path} is of another run: {name} was {was[name]!r}, and is {now!r} now; start it anew")
    return {(each.law, each.dtype): each for each in found}
