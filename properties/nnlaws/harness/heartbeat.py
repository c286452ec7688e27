"""A few bytes of a file in which a worker says, before and after every call into the target, where it is.

The parent reads them to know whether a call has taken too long and on which case.
"""

import struct
import time
from dataclasses import replace
from pathlib import Path

from nnlaws_server.pulse import CALL, FIRST, SIZE, Pulse

from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import Case, Token

_LENGTH = struct.Struct("<H")
_TEXT = CALL.size + _LENGTH.size


class Heartbeat(Pulse):
    """The running call, then the replay token of the running case; last, whether the call is the first of its kind."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._first = False

    def clear(self) -> None:
        """No call runs, and none has."""
        self._write(bytes(SIZE), 0)

    def first(self) -> None:
        """The next call is the first one, which may compile and load what later ones need not."""
        self._first = True
        self._write(b"\1", FIRST)

    def end(self) -> None:
        super().end()
        if self._first:
            self._first = False
            self._write(b"\0", FIRST)

    def about(self, token: str) -> None:
        text = token.encode()[: FIRST - _TEXT]
        self._write(_LENGTH.pack(len(text)) + text, CALL.size)

    @property
    def is_first(self) -> bool:
        return bool(self.place[FIRST])

    @property
    def running(self) -> float:
        """For how many seconds the present call has been running; 0 between calls, and where no such time is noted."""
        began, *_ = CALL.unpack_from(self.place)
        return max(0.0, time.monotonic() - began) if began else 0.0

    @property
    def place(self) -> bytes:
        """Where the worker is: other bytes after each call, and for each case. Bytes that are not there are 0."""
        with self._using:
            self._file.seek(0)
            return (self._file.read(SIZE) or b"").ljust(SIZE, b"\0")

    @property
    def token(self) -> str:
        """The token of the array in the running call: lane i of a case is the case with i more for its seed, unless the
        text has a line for each lane, the token of the first and then the cases of the others.
        """
        place = self.place
        _, lane, _ = CALL.unpack_from(place)
        (length,) = _LENGTH.unpack_from(place, CALL.size)
        text = place[_TEXT : _TEXT + length].decode(errors="replace")
        first, *others = text.split("\n")
        try:
            token = Token.parse(first)
            if not others:
                return str(token.lane(lane))
            return str(replace(token, case=[token.case, *map(Case.parse, others)][lane % (len(others) + 1)]))
        except UsageError:  # no case runs, or its token was too long to be noted
            return text
