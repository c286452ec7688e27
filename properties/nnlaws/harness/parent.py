"""The parent's side of isolation: a worker process runs whole laws; a hang or a death costs one law, not the run.

Isolation costs nothing a call: the worker notes in a file when a call begins and ends, and the parent looks now
and then. A worker that hangs or has died is replaced at the next law. Several workers share a long list of laws.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from nnlaws_server.pulse import SIZE

from nnlaws.authoring.errors import UsageError
from nnlaws.harness import tree
from nnlaws.harness.heartbeat import Heartbeat
from nnlaws.harness.keeper import KEEPER
from nnlaws.plan import Plan, Selection, Task
from nnlaws.report import PASSED, STUCK, LawResult, Outcome
from nnlaws.wire import PREFIX

LOADING = 180.0  # seconds that importing a target may take: large libraries on a cold disk
BETWEEN = 300.0  # seconds that a law may do without calling the target: none of ours takes a tenth of it
GLANCE = 0.05  # seconds between two looks at a silent worker
ENOUGH = 24  # laws that are worth a process more
GIB = 2**30
NOISE, LINE = 20_000, 500  # bytes of what a process last wrote that are kept, and the most that is shown of them
PARTING = 1.0  # seconds that what an ended process last wrote is waited for
FIRST_CALL = 12  # times as long as any other the first call of an operation in a process may take: it may compile
MARK = "NNLAWS_WORKER"  # in the environment of a worker and of what it starts: its own folder
PATIENCE = 3  # hangs, deaths or failures to load in one operation, after which its other laws are not run


def resident(pid: int) -> int:
    """The bytes of memory that a process and its children hold; 0 where it has ended."""
    import psutil  # 50 ms, that only what takes its time costs

    held = 0
    with suppress(psutil.Error):
        own = psutil.Process(pid)
        children = tree.children(pid)
        others = own.children() if children is None else map(psutil.Process, children)
        for process in (own, *others):
            held += int(process.memory_info().rss)
    return held


class LoadError(Exception):
    """The target could not be loaded; the message says why."""


class Closed(Exception):
    """The worker was closed while another thread waited for it: nobody wants what it was asked for."""


def offering(plan: Plan, target: str) -> Plan:
    """The plan, or LoadError if there is nothing to judge."""
    if not plan.offered and plan.recognised:
        raise LoadError(f"{target} is not recognised: {'; '.join(plan.recognised)}")
    if not plan.offered:
        names = ", ".join(dict.fromkeys(task.operation for task in plan.tasks))
        if target.startswith(PREFIX):
            raise LoadError(f"{target} offers no operation: its hello needs operations= with some of {names}")
        raise LoadError(f"{target} offers no operation: it needs functions named {names} (see `nnlaws template`)")
    return plan


def _maker(task: Task) -> str:
    """Whose fault it is, where it is not the target's."""
    from nnlaws.chapters import maker  # as long as all goes well, the parent has no need of chapters

    return maker(task.operation)


class ChildProcess:
    """A child process with a target loaded. Use it as a context manager, or call `close`.

    of: another, of the same run, with which it counts the target's faults, and notes what that imports.
    """

    def __init__(self, target: str, selection: Selection, of: "ChildProcess | None" = None) -> None:
        self.target = target
        self.selection = selection
        self._folder = tempfile.TemporaryDirectory(prefix="nnlaws-")
        self._pulse = Path(self._folder.name) / "heartbeat"
        self._pulse.write_bytes(bytes(SIZE))
        self._heartbeat = Heartbeat(self._pulse)
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._ran = False  # whether the child has run a law
        self._errors: dict[str, int] = {}  # by operation
        self._idle = False  # whether the law itself has not come to an end
        self._changing = threading.Lock()  # the child: another thread may close this
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        self._noise = bytearray()
        self._drains: threading.Thread | None = None
        self._blamed = False  # whether the last attempt ended by a fault of the target
        self._counting: threading.Lock = threading.Lock() if of is None else of._counting
        self.faults: dict[str, int] = {} if of is None else of.faults
        self._slow: set[str] = set() if of is None else of._slow  # operations whose first call did not return
        self.libraries: dict[str, str] = {} if of is None else of.libraries
        # why it is not asked under which conventions it computes
        self._as_it_is: str = "" if of is None else of._as_it_is

    def __enter__(self) -> "ChildProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._changing:
            self._closed = True
        self._end()
        self._heartbeat.close()
        self._folder.cleanup()

    def plan(self) -> Plan:
        """Starts the child and loads the target. Raises LoadError where that fails.

        Where a call ends the process while conventions are looked for, that is left out.
        """
        self._start()
        answer = self._loaded()
        if isinstance(answer, str) and self._heartbeat.running and not self._as_it_is:
            self._as_it_is = answer
            self._start()
            answer = self._loaded()
        if isinstance(answer, str) or "tasks" not in answer:
            self._end()  # a child without a target would answer nothing
        if isinstance(answer, str):
            raise LoadError(f"loading {self.target} failed: {answer}")
        if "failed" in answer or "bug" in answer:
            raise LoadError(answer.get("failed") or f"nnlaws itself failed; please report this:\n{answer['bug']}")
        if "usage" in answer:
            raise UsageError(answer["usage"])
        plan = offering(Plan.from_json(answer), self.target)
        self.libraries.update(plan.libraries)
        return plan

    def _loaded(self) -> dict[str, Any] | str:
        self._heartbeat.clear()
        self._ask({"target": self.target, "selection": asdict(self.selection), "as_it_is": self._as_it_is})
        return self._wait(LOADING)

    def run(self, task: Task) -> LawResult:
        """One law's result; an error where the target hangs, dies, or can no longer be loaded.

        What other laws have done to the process is not this one's: before an error is reported, the law is run once
        more in a new process, and so is the next law after it; of an operation with many errors, the first few times.
        """
        settled = self._settled(task)
        if settled is not None:
            return settled
        result = self._tried(task)
        if self._blamed:
            with self._counting:  # other workers count theirs at the same time
                self.faults[task.operation] = self.faults.get(task.operation, 0) + 1
        return result

    def _tried(self, task: Task) -> LawResult:
        first = not self._ran
        result = self._attempt(task)
        if result.outcome is not Outcome.ERROR:
            return result
        self._errors[task.operation] = errors = self._errors.get(task.operation, 0) + 1
        if errors <= PATIENCE or STUCK in result.reason:
            self._end()
        if errors > PATIENCE:
            return result
        if first:
            return result
        again = self._attempt(task)
        if again.outcome is not Outcome.ERROR:
            return replace(again, reason=again.reason or f"{PASSED}: {result.reason}")
        self._end()
        return again

    def _attempt(self, task: Task) -> LawResult:
        self._blamed = False
        if self._child is None:
            try:
                self.plan()
            except LoadError as error:
                self._blamed = True
                return task.result(Outcome.ERROR, reason=str(error))
        self._ran = True
        self._heartbeat.clear()
        self._ask({"task": asdict(task)})
        answer = self._wait(operation=task.operation)
        early: LawResult | None = None
        while not isinstance(answer, str) and "early" in answer:
            early = LawResult.from_json(answer["early"])
            answer = self._wait(operation=task.operation)
        if not isinstance(answer, str) and "bug" in answer:
            reason = f"{_maker(task)} failed here, not the target; please report this:\n{answer['bug']}"
            return task.result(Outcome.ERROR, reason=reason)
        if not isinstance(answer, str):
            if "usage" in answer:
                raise UsageError(answer["usage"])
            self.libraries.update(answer["imported"])
            return LawResult.from_json(answer["result"])
        if not self._idle:
            self._blamed = task.counts  # what falls short of a SHOULD by that is not given up for it
        else:
            answer = f"{_maker(task)} did not come to an end here, not the target: {answer}"
        self._end()
        if early is not None:
            return replace(
                early, reason=f"then, called again to make the example smaller or to find the cause: {answer}"
            )
        if self._idle:
            return task.result(Outcome.ERROR, reason=answer, replay=self._heartbeat.token)
        return task.broken(Outcome.ERROR, reason=answer, replay=self._heartbeat.token)

    def _settled(self, task: Task) -> LawResult | None:
        """The result of what is not worth running."""
        if not task.offered:
            return task.result(Outcome.NOT_OFFERED, reason=task.hidden)
        if self.faults.get(task.operation, 0) >= PATIENCE:
            why = f"the target hung, died or could not be loaded {PATIENCE} times in {task.operation}"
            return task.result(Outcome.ERROR, reason=f"not run: {why}")
        return None

    def _ready(self) -> bool:
        """Whether a child has the target loaded, after another try where there is none."""
        if self._child is None:
            try:
                self.plan()
            except LoadError:
                return False
        return True

    def run_all(self, tasks: Sequence[Task], jobs: int) -> Iterator[LawResult]:
        """The results of the tasks, in their order; where there are many, other workers help, `jobs` in all at most.

        A helper that cannot load the target is let go: not every target can be loaded twice at the same time.
        """
        wanted = min(jobs, 1 + sum(task.offered for task in tasks) // ENOUGH)
        helpers = [ChildProcess(self.target, self.selection, self) for _ in range(wanted - 1)]
        free: queue.SimpleQueue[ChildProcess] = queue.SimpleQueue()
        for worker in (self, *helpers):
            free.put(worker)

        def run(task: Task) -> LawResult:
            settled = self._settled(task)
            if settled is not None:
                return settled
            worker = free.get()
            try:
                while worker is not self and not worker._ready():
                    worker = free.get()
                return worker.run(task)
            finally:
                free.put(worker)

        pool = ThreadPoolExecutor(wanted)
        try:
            yield from pool.map(run, tasks)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for helper in helpers:
                helper.close()

    def _start(self) -> None:
        self._end()
        self._ran = False
        self._answers, self._noise = queue.Queue(), bytearray()
        command = [sys.executable, "-P", "-m", "nnlaws.harness.child", str(self._pulse)]
        with self._changing:
            if self._closed:
                raise Closed
            self._child = child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, MARK: self._folder.name},
                start_new_session=True,  # its own process group: an interrupt at the keyboard is ours alone
            )
            KEEPER.keep(child.pid, self._folder.name)
        self._drains = threading.Thread(target=self._drain, args=(child.stderr,), daemon=True)
        self._drains.start()
        threading.Thread(target=self._listen, args=(child.stdout,), daemon=True).start()

    def _end(self) -> None:
        """Ends the child and whatever it has started. Its pipes are closed by the threads that read them."""
        with self._changing:
            child, self._child = self._child, None
        if child is None:
            return
        died = child.poll() is not None
        tree.end(child.pid)
        child.wait()
        if died:
            tree.end_marked(f"{MARK}={self._folder.name}")
        KEEPER.done(child.pid)
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()

    def _own(self) -> "subprocess.Popen[bytes]":
        """The child that was started."""
        child = self._child
        if child is None:
            raise Closed
        return child

    def _ask(self, command: dict[str, Any]) -> None:
        pipe = self._own().stdin
        assert pipe is not None
        with suppress(OSError, ValueError):  # if it has died, or was closed, _wait will say so
            pipe.write(json.dumps(command).encode() + b"\n")
            pipe.flush()

    def _wait(self, limit: float | None = None, operation: str = "") -> dict[str, Any] | str:
        """The child's next answer, or what happened instead, in words."""
        child, waited = self._own(), 0.0
        place, since, self._idle = b"", time.monotonic(), False
        while True:
            try:
                line = self._answers.get(timeout=GLANCE)
            except queue.Empty:
                waited += GLANCE
                if child.poll() is not None and self._answers.empty():
                    return self._death(child)  # a process that it left behind may hold its pipes open
                if limit is not None and waited > limit:
                    return f"no answer within {limit:.0f} s"
                if limit is None and self._heartbeat.running > (allowed := self._allowed(operation)):
                    which = "the first" if self._heartbeat.is_first else "a"
                    if self._heartbeat.is_first:
                        self._slow.add(operation)
                    return f"{which} call did not return within {allowed:g} s"
                if place != self._heartbeat.place:
                    place, since = self._heartbeat.place, time.monotonic()
                if limit is None and not self._heartbeat.running and time.monotonic() - since > BETWEEN:
                    self._idle = True
                    return f"a law did not call the target for {BETWEEN:g} s"
                if resident(child.pid) > self.selection.memory * GIB:
                    return f"its process held more than {self.selection.memory:g} GiB of memory, the limit (--memory)"
                continue
            if line is None:
                return self._death(child)
            try:
                answer: dict[str, Any] = json.loads(line)
            except ValueError:
                return "its process wrote what is no answer where answers go"
            return answer if "lost" not in answer else str(answer["lost"])

    def _allowed(self, operation: str) -> float:
        """The seconds that the running call may take."""
        patient = self._heartbeat.is_first and operation not in self._slow
        return self.selection.timeout * (FIRST_CALL if patient else 1)

    def _death(self, child: "subprocess.Popen[bytes]") -> str:
        code = child.wait()
        if self._drains is not None:  # what it last wrote may still be in the pipe
            self._drains.join(PARTING)
        if code < 0:
            how = f"its process was killed by {signal.Signals(-code).name}"
        else:
            how = f"its process ended with exit code {code}"
        noise = self._noise.decode(errors="replace").splitlines()
        fatal = [line for line in noise if line.startswith("Fatal Python error")]
        last = [line.strip() for line in noise if line.strip()]
        return f"{how} ({(fatal or last)[-1][-LINE:]})" if last else how

    def _listen(self, pipe: IO[bytes]) -> None:
        answers = self._answers
        with suppress(OSError, ValueError), pipe:
            for line in pipe:
                answers.put(line)
        answers.put(None)

    def _drain(self, pipe: IO[bytes]) -> None:
        noise = self._noise
        with suppress(OSError, ValueError), pipe:
            while some := os.read(pipe.fileno(), 1 << 16):  # by lines, a target that never ends one would fill memory
                noise += some
                del noise[:-NOISE]
