"""A few bytes of shared memory in which a worker says, before and after every call into the target, where it is.

The parent reads them to know whether a call has taken too long and on which case. Writing costs about a microsecond.
"""

import mmap
import struct
import time
from pathlib import Path

SIZE = 4096
_BEGAN = struct.Struct("<d")
_LENGTH = struct.Struct("<H")
_TEXT = _BEGAN.size + _LENGTH.size


class Heartbeat:
    """At offset 0 when the running call began (0: none runs), then the replay token of the running case."""

    def __init__(self, path: Path) -> None:
        if not path.stat().st_size:
            path.write_bytes(bytes(SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SIZE)

    def begin(self) -> None:
        _BEGAN.pack_into(self._memory, 0, time.monotonic())

    def end(self) -> None:
        _BEGAN.pack_into(self._memory, 0, 0.0)

    def about(self, token: str) -> None:
        text = token.encode()[: SIZE - _TEXT]
        _LENGTH.pack_into(self._memory, _BEGAN.size, len(text))
        self._memory[_TEXT : _TEXT + len(text)] = text

    @property
    def running(self) -> float:
        """For how many seconds the present call has been running; 0 between calls."""
        (began,) = _BEGAN.unpack_from(self._memory, 0)
        return time.monotonic() - began if began else 0.0

    @property
    def token(self) -> str:
        (length,) = _LENGTH.unpack_from(self._memory, _BEGAN.size)
        return self._memory[_TEXT : _TEXT + length].decode(errors="replace")

    def close(self) -> None:
        self._memory.close()
