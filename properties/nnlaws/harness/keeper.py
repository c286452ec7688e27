"""A process that outlives the one that started it by a moment, and then ends and removes what that has left behind.

Told on standard input what there is: `keep PID FOLDER`, and `done PID`. Its end of input is the other's end, whatever
that died of, also of what no process can handle.
"""

import atexit
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress

from nnlaws.harness import tree

PARTING = 1.0  # seconds that its end is waited for


def main() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    kept: dict[int, str] = {}
    for line in sys.stdin:
        what, pid, *folder = line.rstrip("\n").split(" ", 2)
        if what == "keep":
            kept[int(pid)] = folder[0]
        else:
            kept.pop(int(pid), None)
    for pid, folder in kept.items():
        tree.end(pid)
        shutil.rmtree(folder, ignore_errors=True)


class Keeper:
    """The keeper of this process, started when there is something to keep."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._one = threading.Lock()  # several threads start processes

    def keep(self, pid: int, folder: str) -> None:
        self._tell(f"keep {pid} {folder}\n")

    def done(self, pid: int) -> None:
        self._tell(f"done {pid}\n")

    def _tell(self, line: str) -> None:
        with self._one, suppress(OSError):
            if self._process is None:
                self._process = self._started()
                atexit.register(self._close)
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def _close(self) -> None:
        """There is no more to keep: the keeper ends."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.stdin.close()
                self._process.wait(PARTING)

    @staticmethod
    def _started() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlaws.harness.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


KEEPER = Keeper()

if __name__ == "__main__":
    main()
