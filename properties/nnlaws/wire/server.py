"""The judge's end of the process that a target in Python runs in: lines that are said, and what is heard of them."""

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

import numpy as np
from nnlaws_server.callee import Found
from nnlaws_server.errors import TargetError
from nnlaws_server.serving import each_of
from nnlaws_server.words import said, understood

from nnlaws.authoring.subject import NotOffered, Refused, TargetFault
from nnlaws.chapters import OPERATIONS

T = TypeVar("T")
LINE = 80  # characters of a name or a version
NO_ANSWER = "its process wrote what is no answer where answers go"
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError)
NONE = {"absent": NotOffered, "refused": Refused}
"""By the word of an answer, what a call that has no results is."""


class Server:
    """The process. `ended` is told the exit code with which it ended by itself, or in words what it wrote instead of an
    answer, after which nothing that it says can be told apart; it does not return.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", ended: Callable[[int | str], NoReturn]) -> None:
        self._process, self.ended = process, ended
        assert process.stdin is not None
        assert process.stdout is not None
        self._asked, self._answers = process.stdin, process.stdout
        self._calls = self._heard = 0  # the numbers of the last line, and of the last that is answered

    def hello(self) -> dict[str, Any]:
        """What it has loaded. Raises TargetError where that failed."""
        operations = {name: len(operation.results) for name, operation in OPERATIONS.items()}
        self.say(f"hello 1 {said('operations', operations)}\n".encode())
        kind, *words = self._words()
        words = words[1:]
        try:
            if kind == "failed":
                raise TargetError(str(json.loads(" ".join(words))))
            facts: dict[str, Any] = understood(words[1:])["facts"]
            there = facts["operations"]
            offered = {name: tuple(map(str, there[name])) for name in OPERATIONS if name in there}
            facts = {"operations": offered, "declared": {str(name): each for name, each in facts["declared"].items()}}
        except TargetError:
            self.close()
            raise
        except UNREADABLE:
            self.close()
            raise TargetError("its process wrote something else where it says what it offers") from None
        return facts

    def ask(self, kind: str, operation: str, *words: str, functions: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What it answers, by name. Raises Raised with what a call raised."""
        return self.answer_to(self.send(kind, operation, *words), operation, functions or {})

    def send(self, kind: str, operation: str, *words: str) -> int:
        """Says a line, and its number. Lines that are said one after another are answered one after another."""
        self._calls += 1
        self.say(" ".join((kind, str(self._calls), operation, *words)).encode() + b"\n")
        return self._calls

    def answer_to(self, number: int, operation: str, functions: Mapping[str, Any]) -> dict[str, Any]:
        """What it answers to the line of that number; what it answers to earlier ones that nobody waits for is left."""
        if number <= self._heard:
            raise RuntimeError(f"the answer to line {number} has gone by: answer {self._heard} was waited for since")
        while True:
            answer, *found = self._words()
            if found[:1] != [str(self._heard + 1)]:
                self.ended(NO_ANSWER)
            found = found[1:]
            if answer == "ask":
                self.say(self._told(found, functions).encode(errors="replace") + b"\n")
                continue
            self._heard += 1
            if self._heard == number:
                break
        values = self.read(lambda: understood(found))
        if answer == "done":
            return values
        if answer not in NONE:
            self.ended(NO_ANSWER)
        raise Raised(NONE[answer](f"{operation} raised {values.pop('text', '')}"), values)

    def read(self, reader: Callable[[], T]) -> T:
        """What is read of an answer. Where that is not in it, the target has written answers of its own."""
        try:
            return reader()
        except UNREADABLE:
            self.ended(NO_ANSWER)

    def found(self, prefix: str, answer: Mapping[str, Any]) -> list[Found]:
        """The results that an answer has."""

        def reader() -> list[Found]:
            found = each_of(prefix, answer)
            parts: list[Any] = [x for each in found if not isinstance(each, str) for x in each]
            if not all(isinstance(x, np.ndarray) for x in parts):
                raise TypeError("a result is no array")
            return found

        return self.read(reader)

    def imported(self) -> dict[str, str]:
        """What has been imported since this was asked last, with versions."""
        answer = self.ask("imports", "-")
        return self.read(lambda: {in_a_line(name): in_a_line(version) for name, version in answer["imported"].items()})

    def kill(self) -> None:
        """Ends it; who waits for its answer is told."""
        self._process.kill()

    def close(self) -> None:
        for pipe in (self._asked, self._answers):
            with suppress(OSError, ValueError):
                pipe.close()
        self._process.kill()
        self._process.wait()

    def _told(self, words: list[str], functions: Mapping[str, Any]) -> str:
        """What the judge's function gives for what the call gives it."""
        try:
            name, *given = words
            return f"told {self._heard + 1} {said('value', functions[name](*understood(given).values()))}"
        except Exception as error:
            return f"raised {self._heard + 1} {type(error).__name__}: {' '.join(str(error).split())}"

    def say(self, line: bytes) -> None:
        with suppress(BrokenPipeError):  # it has ended, as is seen where its answer is waited for
            self._asked.write(line)
            self._asked.flush()

    def hear(self) -> bytes:
        """The next line that it answers."""
        answer = self._answers.readline()
        if not answer.endswith(b"\n"):
            self.ended(self._process.wait())
        return answer

    def _words(self) -> list[str]:
        return self.hear().decode(errors="replace").rstrip("\n").split(" ")


class Raised(Exception):
    """What a call raised, and what its arguments are after it."""

    def __init__(self, fault: TargetFault, after: dict[str, Any]) -> None:
        super().__init__(fault)
        self.fault, self.after = fault, after


def in_a_line(told: Any) -> str:
    """What the target says of itself, as part of a line."""
    return " ".join(str(told).split())[:LINE]
