"""Ends a process and all that came of it: children of children, in sessions of their own, also where the ones between
have ended.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

LONGEST = 5.0  # seconds that a tree may take to end
GLANCE = 0.01
QUIET = 3  # looks that find nothing: while a process starts another program, it has no environment
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


def adopt_orphans() -> None:
    """On Linux, makes what children of this process leave behind children of this process, and not of the system's
    first: so they are found when it is ended.
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def end(pid: int) -> None:
    """Ends the process of that number, a child of ours or not, with its group and all that came of it."""
    if children(pid) != []:
        _end_descendants(pid)
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def end_marked(mark: str) -> None:
    """Ends what came of a process that has died, and is no child of ours now: all that has the mark in its environment,
    where the system tells.
    """
    until, quiet = monotonic() + LONGEST, 0
    while quiet < QUIET and monotonic() < until:
        quiet = 0 if _any_ended(mark.encode()) else quiet + 1
        sleep(GLANCE)


def _any_ended(mark: bytes) -> bool:
    found = False
    for folder in Path("/proc").glob("[1-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                found = True
    return found


def children(pid: int) -> list[int] | None:
    """The processes that it has started and that have not ended, where the system tells so without much ado; or None.

    psutil tells too, but takes 50 ms to import, and looks at every process there is.
    """
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(each) for task in tasks for each in (task / "children").read_text().split()]
    except OSError:
        return None


def _end_descendants(pid: int) -> None:
    """Stops the process, so that it starts no more, and ends its descendants until there are none."""
    import psutil

    until = monotonic() + LONGEST
    try:
        process = psutil.Process(pid)
        process.suspend()
        while monotonic() < until:
            left = [each for each in process.children(recursive=True) if _runs(each)]
            if not left:
                return
            for each in left:
                with suppress(psutil.Error):
                    each.kill()
            sleep(GLANCE)
    except psutil.Error:
        return


def _runs(process: Any) -> bool:
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
