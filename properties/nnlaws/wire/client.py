"""The judge's end of the protocol: a command that runs as long as it is called, and what it answers."""

import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import IO, Any

from nnlaws_reference.dtypes import Array

from nnlaws.authoring.subject import TargetFault
from nnlaws.wire.words import PROTOCOL, WireError, arrays, decoded, parsed, quoted, word

ANSWERS = ("done", "ask", "absent", "refused", "failed")
NOISE = 20_000  # bytes of standard error that are kept
LINE = 500  # characters of its last line that are shown
PARTING = 2.0  # seconds that a client has to end in, once there is no more input

Function = Callable[[Mapping[str, Array]], Mapping[str, Any]]
"""What a client may ask for while it is called: of arrays by name, values by name."""


class ClientError(TargetFault):
    """The client ended, or answered what the protocol does not know; the message says what, and where."""


class Absent(NotImplementedError):
    """The client does not have the operation."""


class Refused(ValueError):
    """The client refused the arguments, or failed with them; the message is its own."""


@dataclass(frozen=True)
class Hello:
    """What a client says of itself: facts by name, as in `dtypes` = "float32,float64"."""

    facts: Mapping[str, str]

    def listed(self, fact: str) -> tuple[str, ...]:
        """A fact that is a list."""
        return tuple(filter(None, self.facts.get(fact, "").split(",")))


class Client:
    """A command as a target. It is started when it is first needed, and again after it has ended by itself. Use it as a
    context manager, or call `close`.
    """

    def __init__(self, command: str, trace: str = "") -> None:
        self.command = command
        self.trace = trace
        self._process: subprocess.Popen[bytes] | None = None
        self._noise = bytearray()
        self._listener: threading.Thread | None = None
        self._calls = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hello(self) -> Hello:
        """Starts the client, where it does not run, and asks what it is. Raises ClientError."""
        self.close()
        try:
            command = shlex.split(self.command)
        except ValueError as error:
            raise ClientError(f"this is no command line: {error}") from None
        if not command:
            raise ClientError("there is no command; expected one, as in 'command:node client.mjs'")
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise ClientError(f"{command[0]!r} cannot be run: {error.strerror}") from None
        self._noise = bytearray()
        assert self._process.stderr is not None
        self._listener = threading.Thread(target=self._drain, args=(self._process.stderr, self._noise), daemon=True)
        self._listener.start()
        _, words = self._asked(f"hello {PROTOCOL}", "hello", "hello")
        if words[0] != str(PROTOCOL):
            raise self._broken(
                "hello", f"it speaks version {words[0]} of the protocol, and version {PROTOCOL} is spoken here"
            )
        return Hello(dict(text.split("=", 1) for text in words[1:]))

    def call(
        self, operation: str, values: Sequence[tuple[str, Any]], functions: Mapping[str, Function] | None = None
    ) -> dict[str, Array]:
        """The results of one call, by name. functions: what it may ask for meanwhile.

        Raises Absent or Refused where the client says so, ClientError where it ends or answers otherwise, WireError for
        a value that no word can say.
        """
        line = " ".join((f"call {self._calls + 1} {operation}", *(word(name, value) for name, value in values)))
        if self._process is None:
            self.hello()
        self._calls += 1
        step = f"call {self._calls} of {operation}"
        kind, words = self._asked(line, step, *ANSWERS)
        while kind == "ask":
            kind, words = self._asked(self._told(words, functions or {}), step, *ANSWERS)
        if words[0] != str(self._calls):
            raise self._broken(step, f"expected an answer to call {self._calls}, got {kind} {' '.join(words)}")
        text = " ".join(words[1:])
        if kind == "absent":
            raise Absent(text or operation)
        if kind in ("refused", "failed"):
            raise Refused(text)
        try:
            return arrays(words[1:])
        except WireError as error:
            raise self._broken(step, str(error)) from None

    def close(self) -> None:
        """Ends the client: it has no more to read, and a moment to end in."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError, ValueError):
                assert pipe is not None
                pipe.close()
        try:
            process.wait(PARTING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _told(self, words: Sequence[str], functions: Mapping[str, Function]) -> str:
        """The answer to what it asks for."""
        number, name, *given = words
        if name not in functions:
            there = ", ".join(functions) or "nothing"
            return f"raised {number} there is no {name} to ask for, but {there}"
        try:
            found = functions[name](arrays(list(given)))
        except Exception as error:
            return f"raised {number} {type(error).__name__}: {' '.join(str(error).split())}"
        return " ".join((f"told {number}", *(word(key, value) for key, value in found.items())))

    def _asked(self, line: str, step: str, *expected: str) -> tuple[str, list[str]]:
        """What the client answers to a line: the kind of its message, of those expected, and its words."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._note(">", line)
        with suppress(BrokenPipeError):  # it has ended, and what it last wrote is read below
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise self._broken(step, self._death(process, answer))
        text = answer.decode(errors="replace").rstrip("\r\n")
        self._note("<", text)
        try:
            return parsed("client", text, expected)
        except WireError as error:
            raise self._broken(step, str(error)) from None

    def _broken(self, step: str, what: str) -> ClientError:
        """The error, after which the client is started anew."""
        self.close()
        return ClientError(f"in {step}: {what}")

    def _death(self, process: "subprocess.Popen[bytes]", rest: bytes) -> str:
        try:
            code = process.wait(PARTING)
        except subprocess.TimeoutExpired:
            return "the client closed its standard output, and did not end"
        if self._listener is not None:  # what it last said may still be in the pipe
            self._listener.join(PARTING)
        how = f"was killed by {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        last = [line.strip() for line in self._noise.decode(errors="replace").splitlines() if line.strip()]
        said = f" ({last[-1][-LINE:]})" if last else ""
        wrote = f", in the middle of a line: {quoted(rest.decode(errors='replace'))}" if rest else ""
        return f"the client {how}{said}{wrote}"

    def _note(self, side: str, line: str) -> None:
        if self.trace:
            with Path(self.trace).open("a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {side} {decoded(line)}\n")

    @staticmethod
    def _drain(pipe: IO[bytes], noise: bytearray) -> None:
        with suppress(OSError, ValueError), pipe:
            while some := os.read(pipe.fileno(), 1 << 16):
                noise += some
                del noise[:-NOISE]
