"""The parent's side of isolation: a worker process runs whole laws; a hang or a death costs one law, not the run.

Isolation costs nothing a call: the worker notes in shared memory when a call begins and ends, and the parent looks now
and then. A worker that hangs or has died is replaced at the next law.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from nnlaws.heartbeat import SIZE, Heartbeat
from nnlaws.verdict import LawResult, Outcome, Selection, Task, UsageError

LOADING = 180.0  # seconds that importing a target may take: large libraries on a cold disk
GLANCE = 0.05  # seconds between two looks at a silent worker
PATIENCE = 3  # hangs or deaths in one operation, after which its other laws are not run


class LoadError(Exception):
    """The target could not be loaded; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What a target is and offers, and the tasks selected for it."""

    description: str
    offered: tuple[str, ...]
    tasks: tuple[Task, ...]

    def offering(self, target: str) -> "Plan":
        """Itself, or LoadError if there is nothing to judge."""
        if not self.offered:
            names = ", ".join(dict.fromkeys(task.operation for task in self.tasks))
            raise LoadError(f"{target} offers no operation: it needs functions named {names} (see `nnlaws template`)")
        return self


class Worker:
    """A child process with a target loaded. Use it as a context manager, or call `close`."""

    def __init__(self, target: str, selection: Selection) -> None:
        self.target = target
        self.selection = selection
        self._folder = tempfile.TemporaryDirectory(prefix="nnlaws-")
        self._pulse = Path(self._folder.name) / "heartbeat"
        self._pulse.write_bytes(bytes(SIZE))
        self._heartbeat = Heartbeat(self._pulse)
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        self._noise: deque[bytes] = deque(maxlen=40)
        self._faults: dict[str, int] = {}

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._end()
        self._heartbeat.close()
        self._folder.cleanup()

    def plan(self) -> Plan:
        """Starts the child and loads the target. Raises LoadError where that fails."""
        self._start()
        self._ask({"target": self.target, "selection": asdict(self.selection)})
        answer = self._wait(LOADING)
        if isinstance(answer, str):
            self._end()
            raise LoadError(f"loading {self.target} failed: {answer}")
        if "failed" in answer or "bug" in answer:
            raise LoadError(answer.get("failed") or f"nnlaws itself failed; please report this:\n{answer['bug']}")
        if "usage" in answer:
            raise UsageError(answer["usage"])
        tasks = tuple(Task(**task) for task in answer["tasks"])
        return Plan(answer["description"], tuple(answer["offered"]), tasks).offering(self.target)

    def run(self, task: Task) -> LawResult:
        """One law's result; an error where the target hangs, dies, or can no longer be loaded."""
        if not task.offered:
            return task.result(Outcome.NOT_OFFERED)
        if self._faults.get(task.operation, 0) >= PATIENCE:
            return task.result(
                Outcome.ERROR, reason=f"not run: the target hung or died {PATIENCE} times in {task.operation}"
            )
        if self._child is None:
            try:
                self.plan()
            except LoadError as error:
                return task.result(Outcome.ERROR, reason=str(error))
        self._heartbeat.about("")
        self._heartbeat.end()
        self._ask({"task": asdict(task)})
        answer = self._wait()
        early: LawResult | None = None
        while not isinstance(answer, str) and "early" in answer:
            early = LawResult.from_json(answer["early"])
            answer = self._wait()
        if not isinstance(answer, str) and "bug" in answer:
            return task.result(
                Outcome.ERROR, reason=f"nnlaws itself failed here, not the target; please report this:\n{answer['bug']}"
            )
        if not isinstance(answer, str):
            if "usage" in answer:
                raise UsageError(answer["usage"])
            return LawResult.from_json(answer["result"])
        self._faults[task.operation] = self._faults.get(task.operation, 0) + 1
        self._end()
        if early is not None:
            return replace(
                early, reason=f"then, called again to make the example smaller or to find the cause: {answer}"
            )
        return task.result(Outcome.ERROR, reason=answer, replay=self._heartbeat.token)

    def _start(self) -> None:
        self._end()
        self._answers, self._noise = queue.Queue(), deque(maxlen=40)
        command = [sys.executable, "-P", "-m", "nnlaws.worker", str(self._pulse)]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # its own process group: an interrupt at the keyboard is ours alone
        )
        for pipe, listen in ((self._child.stdout, self._listen), (self._child.stderr, self._drain)):
            threading.Thread(target=listen, args=(pipe,), daemon=True).start()

    def _end(self) -> None:
        """Ends the child and whatever it has started. Its pipes are closed by the threads that read them."""
        if self._child is None:
            return
        if hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)
        self._child.kill()
        self._child.wait()
        if self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()
        self._child = None

    def _ask(self, command: dict[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        with suppress(OSError):  # if it has died, _wait will say so
            self._child.stdin.write(json.dumps(command).encode() + b"\n")
            self._child.stdin.flush()

    def _wait(self, limit: float | None = None) -> dict[str, Any] | str:
        """The child's next answer, or what happened instead, in words."""
        waited = 0.0
        while True:
            try:
                line = self._answers.get(timeout=GLANCE)
            except queue.Empty:
                waited += GLANCE
                if self._child is not None and self._child.poll() is not None and self._answers.empty():
                    return self._death()  # a process that it left behind may hold its pipes open
                if limit is not None and waited > limit:
                    return f"no answer within {limit:.0f} s"
                if limit is None and self._heartbeat.running > self.selection.timeout:
                    return f"a call did not return within {self.selection.timeout:g} s"
                continue
            if line is None:
                return self._death()
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _death(self) -> str:
        assert self._child is not None
        code = self._child.wait()
        if code < 0:
            how = f"its process was killed by {signal.Signals(-code).name}"
        else:
            how = f"its process ended with exit code {code}"
        noise = b"".join(self._noise).decode(errors="replace").split("\n")
        fatal = [line for line in noise if line.startswith("Fatal Python error")]
        last = [line.strip() for line in noise if line.strip()]
        return f"{how} ({(fatal or last)[-1]})" if last else how

    def _listen(self, pipe: IO[bytes]) -> None:
        answers = self._answers
        with suppress(OSError, ValueError), pipe:
            for line in pipe:
                answers.put(line)
        answers.put(None)

    def _drain(self, pipe: IO[bytes]) -> None:
        noise = self._noise
        with suppress(OSError, ValueError), pipe:
            for line in pipe:
                noise.append(line[-500:])
