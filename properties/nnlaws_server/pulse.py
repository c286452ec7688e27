"""A few bytes of a file that say which call runs, and since when: who waits for it need not ask.

They are written and read as a file is, and not mapped into memory: who has a file mapped dies of what others do to it.
"""

import struct
import threading
import time
from pathlib import Path

SIZE = 4096
FIRST = SIZE - 1  # the byte that says whether the running call, or the next, is the first of its kind
CALL = struct.Struct("<dHQ")  # when the running call began (0: none runs), its lane, and how many began before


class Pulse:
    """Told before and after each call. Writing costs a microsecond or two. Another thread may close it at any moment:
    then ValueError is raised, and nothing is written to what has got its file's number since.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b", buffering=0)
        self._using = threading.Lock()
        self._calls = 0

    def begin(self, lane: int) -> None:
        if lane == 1:
            self._write(b"\0", FIRST)
        self._write(CALL.pack(time.monotonic(), lane, self._calls), 0)
        self._calls += 1

    def end(self) -> None:
        self._write(CALL.pack(0.0, 0, self._calls), 0)

    def close(self) -> None:
        with self._using:
            self._file.close()

    def _write(self, what: bytes, place: int) -> None:
        with self._using:
            self._file.seek(place)
            self._file.write(what)
