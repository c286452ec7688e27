"""A few bytes of shared memory in which a worker says, before and after every call into the target, where it is.

The parent reads them to know whether a call has taken too long and on which case. Writing costs about a microsecond.
"""

import struct
import time
from dataclasses import replace

from nnlaws_server.pulse import CALL, FIRST, Pulse

from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import Case, Token

_LENGTH = struct.Struct("<H")
_TEXT = CALL.size + _LENGTH.size


class Heartbeat(Pulse):
    """The running call, then the replay token of the running case; last, whether the call is the first of its kind."""

    def first(self) -> None:
        """The next call is the first one, which may compile and load what later ones need not."""
        self._memory[FIRST] = 1

    @property
    def is_first(self) -> bool:
        return bool(self._memory[FIRST])

    def about(self, token: str) -> None:
        text = token.encode()[: FIRST - _TEXT]
        _LENGTH.pack_into(self._memory, CALL.size, len(text))
        self._memory[_TEXT : _TEXT + len(text)] = text

    @property
    def running(self) -> float:
        """For how many seconds the present call has been running; 0 between calls."""
        began, *_ = CALL.unpack_from(self._memory, 0)
        return time.monotonic() - began if began else 0.0

    @property
    def place(self) -> bytes:
        """Where the worker is: other bytes after each call, and for each case."""
        return bytes(self._memory)

    @property
    def token(self) -> str:
        """The token of the array in the running call: lane i of a case is the case with i more for its seed, unless the
        text has a line for each lane, the token of the first and then the cases of the others.
        """
        _, lane, _ = CALL.unpack_from(self._memory, 0)
        (length,) = _LENGTH.unpack_from(self._memory, CALL.size)
        text = self._memory[_TEXT : _TEXT + length].decode(errors="replace")
        first, *others = text.split("\n")
        try:
            token = Token.parse(first)
            if not others:
                return str(token.lane(lane))
            return str(replace(token, case=[token.case, *map(Case.parse, others)][lane % (len(others) + 1)]))
        except UsageError:  # no case runs, or its token was too long to be noted
            return text
