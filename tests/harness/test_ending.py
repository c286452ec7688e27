"""However a run ends, all that it started ends with it, and no folder is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from nnlaws.harness import tree

TARGETS = {
    "while a call runs": "def softmax(z):\n    time.sleep(600)\n",
    "while it loads": "time.sleep(600)\n",
}
STARTS = """
import os, subprocess, sys, time
told = {told!r}
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
apart = "start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
daemon = f"import subprocess; print(subprocess.Popen({{sleep!r}}, {{apart}}).pid)"
pids = [os.getpid(), subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid]
pids.append(int(subprocess.run([sys.executable, "-c", daemon], capture_output=True, text=True).stdout))
with open(told, "a") as file:
    file.write(" ".join(map(str, pids)) + "\\n")
"""
"""A child, one in a session of its own, and one whose parent has ended."""


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found on Linux alone")
@pytest.mark.parametrize("when", TARGETS)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_a_run_that_is_ended_leaves_no_process_and_no_folder(name: str, when: str, tmp_path: Path) -> None:
    told, folder = tmp_path / "told", tmp_path / "folders"
    folder.mkdir()
    (tmp_path / "hangs.py").write_text(STARTS.format(told=str(told)) + TARGETS[when])
    command = [sys.executable, "-c", "import sys; from nnlaws.cli import main; sys.exit(main(sys.argv[1:]))"]
    run = subprocess.Popen(
        [*command, "check", "hangs.py", "--operation", "softmax", "--timeout", "500", "--jobs", "1"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 60
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.1)
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(pids) == 4
    assert os.listdir(folder)
    run.send_signal(getattr(signal, name))
    said, _ = run.communicate(timeout=30)
    assert gone(pids), f"{name} {when}: of {pids} some run on"
    until = time.monotonic() + 20
    while os.listdir(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert not os.listdir(folder)
    assert "Traceback" not in said
    if name != "SIGKILL":
        assert run.returncode == 3
        assert "stopped" in said


def test_a_process_without_children_is_ended_with_its_group() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    tree.end(process.pid)
    assert process.wait(10) == -signal.SIGKILL
    tree.end(process.pid)  # which is no more


def test_a_run_that_is_over_leaves_no_warning(tmp_path: Path) -> None:
    """The keeper, which is a process too, has ended before it."""
    target = tmp_path / "target.py"
    target.write_text("import nnlaws_reference\nsoftmax = nnlaws_reference.softmax\n")
    judging = f"import nnlaws; nnlaws.assert_conforms({str(target)!r}, laws=['SM-1'], profile='quick')"
    ran = subprocess.run([sys.executable, "-W", "always", "-c", judging], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
