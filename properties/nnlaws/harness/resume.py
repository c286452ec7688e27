"""Reports on disk: written as laws are done, so that a run that is killed leaves one that is valid, and read again.

JSON in, JSON out: nothing is unpickled or evaluated, and what is no report is refused with what is wrong about it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from nnlaws.authoring.errors import UsageError
from nnlaws.output import writable, write
from nnlaws.plan import Task
from nnlaws.report import LawResult, Outcome, Report

EVERY = 1.0  # seconds between two writings
LONG = 200  # characters of a file that are shown, at most

SAME = ("target", "description", "version", "profile", "seed", "strict", "planned")
"""What has to be the same for a run to be gone on with; of a target that changed since, only its version tells."""


class Saver:
    """Writes the report of a run that goes on: `report(complete)` gives it as it is.

    A file that can be written to at first may be no more, as on a disk that is full: then the run goes on, and `failed`
    says why.
    """

    def __init__(self, path: Path, report: Callable[[bool], Report]) -> None:
        self._path, self._report = writable("--json", path), report
        self._last, self.failed = time.monotonic(), ""
        if self._growing:
            self._write(False)

    @property
    def _growing(self) -> bool:
        """Whether it is a file, and no device or pipe, which gets the whole report at the end."""
        return self._path.is_file() or not self._path.exists()

    def soon(self) -> None:
        """Unless it was written a moment ago."""
        if self._growing and not self.failed and time.monotonic() - self._last >= EVERY:
            self.now(False)

    def now(self, complete: bool) -> None:
        try:
            self._write(complete)
            self.failed = ""
        except UsageError as error:
            self.failed = str(error)

    def _write(self, complete: bool) -> None:
        write(self._path, json.dumps(self._report(complete).as_json(), indent=1, allow_nan=False) + "\n")
        self._last = time.monotonic()


def results(path: Path, run: Report, tasks: Sequence[Task]) -> dict[tuple[str, str], LawResult]:
    """The results in the file, by law and dtype. Raises UsageError for a file that is no report of this run's tasks."""
    if path.is_fifo():  # it may never say anything
        raise UsageError(f"cannot read {path}: it is a pipe, expected a file")
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        was = {name: data[name] for name in SAME}
        found = [LawResult.from_json(_checked(each)) for each in data["results"]]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        wrong = f"{type(error).__name__}: {error}"[:LONG]
        raise UsageError(f"{path} is no report that `nnlaws check --json` wrote ({wrong})") from None
    for name in SAME:
        now = getattr(run, name)
        if was[name] != now:
            raise UsageError(
                f"{path} is of another run: {name} was {str(was[name])[:LONG]!r}, and is {now!r} now; start it anew"
            )
    asked = {(task.law, task.clause, task.statement, task.operation, task.dtype) for task in tasks}
    for each in found:
        if (each.law, each.clause, each.statement, each.operation, each.dtype) not in asked:
            raise UsageError(f"{path} is of another run: {each.law} in {each.dtype} is none of its laws; start it anew")
    return {(each.law, each.dtype): each for each in found}


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


Types = Mapping[str, tuple[type, ...]]
_TEXT, _NUMBER = (str,), (int, float)
_RESULT: Types = {
    **dict.fromkeys(
        (
            "law",
            "clause",
            "statement",
            "operation",
            "dtype",
            "outcome",
            "grade",
            "reason",
            "replay",
            "level",
            "kind",
            "size",
        ),
        _TEXT,
    ),
    "worst": (*_NUMBER, type(None)),
    "cases": (int,),
    "seconds": _NUMBER,
    "conventions": (dict,),
    "violation": (dict, type(None)),
}
_VIOLATION: Types = {
    **dict.fromkeys(("result", "place", "got", "want", "expected", "off", "allowed", "reason", "fix", "passed"), _TEXT),
    "example": (list,),
    "cause": (dict, type(None)),
}
_ARGUMENT: Types = dict.fromkeys(("name", "dtype", "shape", "entries"), _TEXT)
_CAUSE: Types = dict.fromkeys(("name", "fault", "seen"), _TEXT)


def _checked(result: dict[str, Any]) -> dict[str, Any]:
    """The same, if it has just what a result has, each of its type. Raises TypeError else."""
    violation = result["violation"]
    _of_types({**result, "worst": 0 if result["worst"] == "inf" else result["worst"]}, _RESULT)
    _of_types(result["conventions"], dict.fromkeys(result["conventions"], _TEXT))
    if violation is not None:
        _of_types(violation, _VIOLATION)
        for argument in violation["example"]:
            _of_types(argument, _ARGUMENT)
        if violation["cause"] is not None:
            _of_types(violation["cause"], _CAUSE)
    shown = violation is not None and violation["example"]
    if result["outcome"] == Outcome.VIOLATES and not shown:
        raise TypeError("it violates, and shows no example")
    if result["outcome"] == Outcome.FALLS_SHORT and not (shown or result["reason"]):
        raise TypeError("it falls short, and does not say of what")
    return result


def _of_types(given: dict[str, Any], wanted: Types) -> None:
    if given.keys() != wanted.keys():
        raise TypeError(f"expected {', '.join(wanted)}, got {', '.join(given)}")
    for name, types in wanted.items():
        value = given[name]
        beyond = type(value) is int and abs(value) >= 2**63
        if type(value) not in types or beyond or (type(value) is float and not isfinite(value)):
            raise TypeError(f"{name} is {value!r}, and no {' or '.join(each.__name__ for each in types)}")
