"""Several processes share a long list of laws: faults are counted together, and none is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nnlaws
import pytest
from nnlaws.api import select
from nnlaws.harness.parent import PATIENCE, ChildProcess, Closed
from nnlaws.report import LawResult, Outcome, Report

Write = Callable[..., str]

PRELUDE = "import os\nopen(f'{os.getpid()}.pid', 'w').close()\n"
"""Each process that loads the target leaves its number."""
BOTH: dict[str, Any] = {"profile": "quick", "operations": ["softmax", "log_softmax"], "dtypes": ["float32", "float64"]}


def loaded() -> list[int]:
    """The processes that have loaded the target."""
    return [int(path.stem) for path in Path().glob("*.pid")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        time.sleep(0.02)
    return holds()


def outcomes(report: Report) -> set[Outcome]:
    return {result.outcome for result in report.results}


@pytest.mark.sampled
@pytest.mark.parametrize("after", [1, 5])
def test_an_interrupt_leaves_no_process_and_no_thread(write: Write, after: int) -> None:
    """At the first law the other process is still loading; the laws after it would take half a minute."""
    before = threading.active_count()
    name = write("time.sleep(0.01)\nreturn right(z)", prelude=PRELUDE + "import time\ntime.sleep(0.3)\n")

    def interrupt(result: LawResult, done: int, total: int) -> None:
        if done == after:
            raise KeyboardInterrupt

    began = time.monotonic()
    report = nnlaws.check(name, jobs=2, progress=interrupt, timeout=5, **BOTH)
    assert time.monotonic() - began < 20
    assert (len(report.results), report.complete, report.conforms) == (after, False, False)
    assert f"incomplete: stopped after {after} of {report.planned} laws" in str(report)
    assert within(3, lambda: threading.active_count() <= before)
    assert not [pid for pid in loaded() if alive(pid)]


def test_an_interrupt_at_the_keyboard_ends_every_process_at_once(write: Write) -> None:
    """Also those that are in a call of the target which does not return."""
    target = write("if len(os.listdir()) > 2:\n    time.sleep(60)\nreturn right(z)", prelude=PRELUDE)
    running = subprocess.Popen(
        [sys.executable, "-m", "nnlaws.cli", "check", target, "--jobs", "2", "--timeout", "50", "--profile", "quick"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )  # fmt: skip
    with running:
        assert within(25, lambda: len(loaded()) == 2)
        time.sleep(0.5)
        began = time.monotonic()
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert err == ""
    assert "incomplete: stopped after " in out
    assert running.returncode not in (0, 1)
    assert within(3, lambda: not any(alive(pid) for pid in loaded()))


@pytest.mark.slow
def test_what_hangs_is_given_up_by_all_processes_together(write: Write) -> None:
    """A hang that another process is in already may come on top; and of each process the first is tried once more."""
    began = time.monotonic()
    report = nnlaws.check(write("time.sleep(60)", prelude=PRELUDE), jobs=2, timeout=0.3, **BOTH)
    assert time.monotonic() - began < 30
    softmax = [result for result in report.results if result.operation == "softmax"]
    assert {result.outcome for result in softmax} == {Outcome.ERROR}
    hung = [result for result in softmax if "did not return within" in result.reason]
    assert PATIENCE <= len(hung) <= PATIENCE + 1
    assert all(result.reason.startswith("not run: ") for result in softmax if result not in hung)
    others = {result.outcome for result in report.results if result.operation == "log_softmax"}
    assert others == {Outcome.CONFORMS}
    assert len(loaded()) <= 2 + PATIENCE + 1 + 2


@pytest.mark.slow
def test_a_target_that_one_process_at_a_time_can_load_is_judged_by_that_one(write: Write) -> None:
    """As one that holds a device or a port: what its helpers cannot do is no fault of its own."""
    only = "os.close(os.open('held', os.O_CREAT | os.O_EXCL))\n"
    report = nnlaws.check(write("return right(z)", prelude=PRELUDE + only), jobs=3, **BOTH)
    assert report.conforms, str(report)
    assert len(loaded()) > 1


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_target_that_cannot_be_loaded_again_ends_in_errors_and_not_in_silence(write: Write, jobs: int) -> None:
    """Law after law asks for another process, up to a point."""
    began = time.monotonic()
    name = write("os.path.exists(__file__) and os.remove(__file__)\nos._exit(3)", prelude=PRELUDE)
    report = nnlaws.check(name, jobs=jobs, **BOTH)
    assert time.monotonic() - began < 30
    assert outcomes(report) == {Outcome.ERROR} if jobs == 1 else Outcome.ERROR in outcomes(report)
    assert (report.complete, report.conforms) == (True, False)
    assert any("there is no file" in result.reason for result in report.results)


def test_a_worker_that_was_closed_starts_no_other_process(write: Write) -> None:
    """As when a thread takes it up while the run is ending."""
    worker = ChildProcess(write("return right(z)", prelude=PRELUDE), select(profile="quick"))
    worker.close()
    with pytest.raises(Closed):
        worker.plan()
    assert not loaded()


def test_a_worker_may_be_closed_at_any_moment(write: Write) -> None:
    """While it starts, loads, runs, or ends its child: the thread that waits for it goes on, and no process is left."""
    name = write("time.sleep(0.005)\nreturn right(z)", prelude=PRELUDE)
    with ChildProcess(name, select(operations=("softmax",), dtypes=("float32",))) as first:
        tasks = first.plan().tasks
    for number in range(12):
        worker = ChildProcess(name, select(operations=("softmax",), dtypes=("float32",)))

        def run(worker: ChildProcess = worker) -> None:
            try:
                for task in tasks:
                    worker.run(task)
            except (Closed, ValueError):  # its shared memory is gone too
                pass

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep((0.0, 0.001, 0.003, 0.01, 0.1, 0.6)[number % 6])
        worker.close()
        thread.join(5)
        assert not thread.is_alive()
    assert within(3, lambda: not any(alive(pid) for pid in loaded()))
