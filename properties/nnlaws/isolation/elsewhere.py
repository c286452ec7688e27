"""The same call in another process, whose hashes of strings, clocks and numbers drawn at its start are others.

One process for all that is asked, started when it is first needed: its cost is that of Python, NumPy and the target.
"""

import atexit
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.subject import Unreachable
from nnlaws.isolation import second

PATIENCE = 120.0  # seconds for an answer: importing the target is part of the first

Place = tuple[str, str, str]
"""Module, its file, and what it calls the function."""


def place(function: Callable[..., Any], operation: str) -> Place:
    """Where another process finds the function. Raises Unreachable."""
    home = sys.modules.get(str(getattr(function, "__module__", "")))
    names = [(home, str(getattr(function, "__qualname__", "")))] if home else []
    others = [module for module in list(sys.modules.values()) if operation in getattr(module, "__dict__", {})]
    for module, name in [*names, *((module, operation) for module in others)]:
        if module.__name__ != "__main__" and any(each is function for each in _called(module, name)):
            return module.__name__, str(getattr(module, "__file__", None) or ""), name
    raise Unreachable(
        "not found by name in another process: define it at the top of a file, or of a module that can be imported, "
        "and check that"
    )


def _called(module: Any, name: str) -> list[Any]:
    """What the module calls so; and the function of a mutant or a sound variant of that name."""
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return [found, getattr(found, "function", None)]


class SecondProcess:
    """A process that calls what it is asked to. Hashes of strings are surely others there."""

    def __init__(self) -> None:
        salt = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(second.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": salt},
        )
        self._answers: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._write(pickle.dumps(sys.path))

    def call(self, where: Place, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Array, ...]:
        """What the function there returns. Raises Unreachable where there is no answer, or it raises."""
        self._write(pickle.dumps((*where, pickle.dumps((arguments, options)))))
        try:
            answer = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Unreachable(f"another process did not answer within {PATIENCE:g} s") from None
        if not answer:
            raise Unreachable("another process, with the target loaded, came to an end")
        how, what = pickle.loads(answer)
        if how == "raised":
            raise Unreachable(f"in another process it raised {what}")
        return tuple(np.frombuffer(bits, np.dtype(dtype)).reshape(shape) for dtype, shape, bits in what)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # if it has ended, the answer is none
            second.write(self._process.stdin, message)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while answer := second.read(pipe):
                self._answers.put(answer)
        self._answers.put(b"")


_processes: list[SecondProcess] = []
_given_up: dict[Place, str] = {}
"""Why there is no answer for what was asked before: it is not asked again, so that a run says one thing of it."""


def call(function: Callable[..., Any], operation: str, *arguments: Any, **options: Any) -> tuple[Array, ...]:
    """The results of the function in another process. Raises Unreachable that says why there are none."""
    where = place(function, operation)
    if where in _given_up:
        raise Unreachable(_given_up[where])
    if not _processes:
        _processes.append(SecondProcess())
    try:
        return _processes[0].call(where, arguments, options)
    except Unreachable as error:
        _given_up[where] = str(error)
        close()
        raise


def close() -> None:
    """Ends the process, where there is one."""
    while _processes:
        _processes.pop().close()


atexit.register(close)
