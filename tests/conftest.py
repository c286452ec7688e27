"""What the tests of the harness share: target files, and the command run here or in a process of its own."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nnlaws.cli import main
from nnlaws.plan import PROFILES

RIGHT = """\
import os
import sys
import time

import numpy as np


def right(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


calls = 0


def softmax(z):
    global calls
    calls += 1
"""
"""A target file up to the body of its softmax: log_softmax is right, and so is what `right` returns."""


LONG = 20.0  # seconds of work
EVERY = 32  # of a sampled test's cases, one in so many is run by `make test`
SIXTEENTH = 16  # and of all, one in so many by `make slow`


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cause is sought for a few seconds of work: here for longer, so that a slow machine finds it too."""
    for name, profile in PROFILES.items():
        monkeypatch.setitem(PROFILES, name, replace(profile, probing=LONG))


@pytest.fixture
def hurried(unhurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cause is sought: for tests of what is found, and not of why."""
    for name, profile in PROFILES.items():
        monkeypatch.setitem(PROFILES, name, replace(profile, probing=0.0))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of each test that is marked `sampled`, every 32nd case is run by `make test`, every 16th by `make slow` at the
    latest, and all the others by `make release`.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("sampled") is not None:
            name = item.nodeid.partition("[")[0]
            if seen[name] % SIXTEENTH:
                item.add_marker(pytest.mark.release)
            elif seen[name] % EVERY:
                item.add_marker(pytest.mark.slow)
            seen[name] += 1


class Ran(NamedTuple):
    """What the command did."""

    code: int
    out: str
    err: str

    @property
    def verdict(self) -> str:
        """The text without its times."""
        return self.out[: self.out.rindex(" in ")]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Goes to a folder of the test's own, and writes target files into it.

    body: of the file's softmax, or, with `whole`, all of it; prelude: what comes before all else. Returns the name.
    """
    monkeypatch.chdir(tmp_path)

    def target(body: str, name: str = "target.py", *, prelude: str = "", whole: bool = False) -> str:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        Path(name).write_text(body if whole else prelude + RIGHT + lines, encoding="utf-8")
        return name

    return target


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs `nnlaws` in this process."""

    def run(*arguments: str) -> Ran:
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Ran]:
    """Runs `nnlaws` in a process of its own, in a folder of the test's own, for `limit` seconds at most."""

    def run(*arguments: str, program: str = "nnlaws.cli", limit: float = 30.0, **environment: str) -> Ran:
        try:
            ended = subprocess.run(
                [sys.executable, "-m", program, *arguments],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                cwd=tmp_path,
                env={**os.environ, **environment},
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            pytest.fail(str(late), pytrace=False)
        encoding = environment.get("PYTHONIOENCODING", "utf-8")
        return Ran(ended.returncode, ended.stdout.decode(encoding), ended.stderr.decode(encoding))

    return run


@pytest.fixture
def read_json() -> Callable[[str], Any]:
    """Reads JSON as strictly as other languages do, to which NaN and Infinity are no numbers."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    return lambda text: json.loads(text, parse_constant=refuse)
