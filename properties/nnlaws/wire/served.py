"""A target in Python, in a process that only answers calls: what it offers, as callees of this process."""

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import Again, Between, Form, Found, Memory, Part
from nnlaws_server.errors import TargetError
from nnlaws_server.kept import KINDS, Shared
from nnlaws_server.loading import read_again
from nnlaws_server.serving import OPTIONS, OTHER
from nnlaws_server.words import flat, memory, said, said_as_it_lies, spaceless

from nnlaws.authoring.subject import TargetFault, Unreachable
from nnlaws.chapters import OPERATIONS
from nnlaws.wire.process import start
from nnlaws.wire.server import NONE, Raised, Server

T = TypeVar("T")
PATIENCE = 120.0  # seconds for an answer of another process: importing the target is part of the first
AHEAD = 16_384  # characters of lines that are sent before the first is answered: a pipe holds four times as many


class Served:
    """An operation of the process, called as one of this process is: see `nnlaws_server.callee.Here`."""

    def __init__(self, server: Server, operation: str, parameters: Sequence[str], other: "Other") -> None:
        self.server, self.name, self._parameters, self._other = server, operation, parameters, other
        self._names = tuple(OPERATIONS[operation].arguments)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        found = self.call(arguments, options)
        if isinstance(found, str):
            raise TargetFault(f"{self.name} returned {found}")
        return found[0] if len(found) == 1 else found

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found:
        return _only(self.server, self._called("call", arguments, options, self.server))

    def form(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Form:
        return _form(self.server, self._called("form", arguments, options, self.server))

    def calls(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Found]:
        return _Ahead(self, "call", each, options, _only)

    def forms(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Form]:
        return _Ahead(self, "form", each, options, _form)

    def again(
        self, arguments: Sequence[Array], others: Sequence[Array], options: dict[str, Any], between: Between
    ) -> Iterator[Again]:
        given = [said(name, x) for name, x in zip(self._names, arguments, strict=True)]
        given += [said(f"{OTHER}{name}", x) for name, x in zip(self._names, others, strict=False)]
        words = [said("between", between), *given, OPTIONS, *(said(*option) for option in options.items())]
        answer = self.server.ask("again", self.name, *words)
        found = self.server.found("y", answer)
        wanted = sum(1 + len(times) for times in between)
        stopped = self.server.read(lambda: _stopped(answer, self.name, len(found) - wanted))
        intact = self.server.read(lambda: [bool(answer["intact"][place]) for place in range(len(found))])
        yield from map(Again, found, intact)
        if stopped is not None:
            raise stopped

    def lanes(self, arguments: Sequence[Array], options: dict[str, Any], memory: Memory = "lanes") -> Iterator[Found]:
        named = zip(self._names, arguments, strict=True)
        words = [*(said(name, x) for name, x in named), OPTIONS, *(said(*option) for option in options.items())]
        try:
            answer = self.server.ask(memory, self.name, *words)
        except Raised as raised:
            raise raised.fault from None
        found = self.server.found("y", answer)
        stopped = self.server.read(lambda: _stopped(answer, self.name, len(found) - len(arguments[0])))
        yield from found
        if stopped is not None:
            raise stopped

    def at_once(self, each: Sequence[tuple[Array, ...]], options: dict[str, Any]) -> list[list[Found]]:
        given = [
            said(f"{name}_{place}", x)
            for place, one in enumerate(each)
            for name, x in zip(self._names, one, strict=True)
        ]
        words = [said("threads", len(each)), *given, OPTIONS, *(said(*option) for option in options.items())]
        try:
            answer = self.server.ask("threads", self.name, *words)
        except Raised as raised:
            raise raised.fault from None
        found = [self.server.found(f"t{number}_", answer) for number in range(len(each))]
        self.server.read(lambda: [one[0] for one in found])  # each thread has called at least once
        return found

    @contextmanager
    def keeping(self) -> Generator["KeptThere"]:
        self.server.ask("keep", self.name)
        try:
            yield KeptThere(self)
        finally:
            self.server.ask("free", self.name)

    @contextmanager
    def borrowed(self) -> Generator[list[str]]:
        names: list[str] = []
        self.server.ask("borrow", self.name)
        try:
            yield names
        finally:
            answer = self.server.ask("back", self.name)
            names += self.server.read(lambda: list(map(str, answer["changed"])))

    def elsewhere(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found:
        """The same in another process, where hashes of strings are others."""
        return self._other.answer(self.name, lambda server: self._called("call", arguments, options, server))

    def parameters(self) -> list[str]:
        return list(self._parameters)

    def close(self) -> None:
        """Ends the processes of the whole target."""
        self.server.close()
        self._other.close()

    def _called(self, kind: str, arguments: tuple[Any, ...], options: dict[str, Any], server: Server) -> dict[str, Any]:
        """The answer; what the call did to its arguments is done to ours."""
        given = self.given(arguments, options)
        return self.answered(server.send(kind, self.name, *given.words), given, server)

    def answered(self, number: int, given: "_Given", server: Server) -> dict[str, Any]:
        """The answer to the line of that number, likewise."""
        try:
            answer = server.answer_to(number, self.name, given.functions)
        except Raised as raised:
            _put_back(given.arrays, raised.after)
            raise raised.fault from None
        _put_back(given.arrays, answer)
        return answer

    def given(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> "_Given":
        functions: dict[str, Any] = {}
        arrays: dict[str, Array] = {}

        def word(name: str, value: Any) -> str:
            if isinstance(value, np.ndarray):
                text = said_as_it_lies(name, value, arrays)
                arrays[name] = value
                return text
            if callable(value):
                functions[name] = value
                return f"{name}:={spaceless({'ask': name})}"
            if isinstance(value, tuple) and value and hasattr(value[0], "scale"):
                return f"{name}:={spaceless({'axes': value})}"
            return said(name, value)

        names = self._names or tuple(f"argument{place}" for place in range(len(arguments)))
        words = [*(map(word, names, arguments)), OPTIONS, *(word(*option) for option in options.items())]
        return _Given(words, arrays, functions)


class _Given(NamedTuple):
    """What a call is given: in words; the arrays among it, by name; and the functions, which it may ask."""

    words: list[str]
    arrays: dict[str, Array]
    functions: dict[str, Any]


class _Ahead(Iterator[T]):
    """What one call after another gives, of which the next ones are asked for before an answer is there. Where a call
    raises, `next` does, and goes on with the next call.
    """

    def __init__(
        self,
        callee: Served,
        kind: str,
        each: Sequence[tuple[Any, ...]],
        options: dict[str, Any],
        reader: Callable[[Server, dict[str, Any]], T],
    ) -> None:
        self._callee, self._kind, self._reader = callee, kind, reader
        self._left = (callee.given(arguments, options) for arguments in each)
        self._sent = deque[tuple[int, _Given]]()
        self._bytes = 0

    def __next__(self) -> T:
        while self._bytes < AHEAD and (given := next(self._left, None)):
            self._sent.append((self._callee.server.send(self._kind, self._callee.name, *given.words), given))
            self._bytes += _size(given)
        if not self._sent:
            raise StopIteration
        number, given = self._sent.popleft()
        self._bytes -= _size(given)
        return self._reader(self._callee.server, self._callee.answered(number, given, self._callee.server))


def _size(given: _Given) -> int:
    return sum(map(len, given.words))


class KeptThere:
    """What is asked of results that the process keeps: see `nnlaws_server.kept.Kept`."""

    def __init__(self, callee: Served) -> None:
        self._callee = callee

    def written_over(self) -> list[int]:
        answer = self._asked()
        return self._callee.server.read(lambda: list(map(int, answer["written"])))

    def shared(self) -> list[Shared]:
        answer = self._asked()
        return self._callee.server.read(lambda: [_shared(*each) for each in answer["shared"]])

    def _asked(self) -> dict[str, Any]:
        return self._callee.server.ask("kept", self._callee.name)


class Other:
    """Another process of the same target, started when it is first needed, and given up where it once gave nothing."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._server: Server | None = None
        self._given_up = ""

    def answer(self, operation: str, call: Callable[[Server], dict[str, Any]]) -> Found:
        """Raises Unreachable, which says why there is no answer; from then on without another try."""
        if self._given_up:
            raise Unreachable(self._given_up)
        try:
            server = self._started()
            patience = threading.Timer(PATIENCE, server.kill)
            patience.start()
            try:
                return _only(server, call(server))
            finally:
                patience.cancel()
        except (TargetError, TargetFault) as error:
            told = str(error).removeprefix(f"{operation} ")
            self._given_up = f"in another process it {told}" if told.startswith("raised") else told
        self.close()
        raise Unreachable(self._given_up)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _started(self) -> Server:
        if self._server is None:
            salt = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
            self._server = Server(start(self._target, PYTHONHASHSEED=salt), _came_to_an_end)
            self._server.hello()
        return self._server


def implementation(target: str, process: "subprocess.Popen[bytes]", ended: Callable[[int | str], NoReturn]) -> Any:
    """What the target offers and declares, as the attributes that any implementation has; `imported`, a function:
    what it has imported since it was asked last. Raises TargetError where it cannot be loaded.
    """
    server = Server(process, ended)
    facts, other = server.hello(), Other(target)
    named = {name: Served(server, name, taken, other) for name, taken in facts["operations"].items()}
    said_of_itself = {name: read_again(value) for name, value in facts["declared"].items()}
    return SimpleNamespace(**{**said_of_itself, **named}, imported=server.imported)


def _came_to_an_end(how: int | str) -> NoReturn:
    raise TargetFault("another process, with the target loaded, came to an end, or did not answer in time")


def _only(server: Server, answer: Mapping[str, Any]) -> Found:
    """The results of one call."""
    found = server.found("y", answer)
    return server.read(lambda: found[0])


def _form(server: Server, answer: Mapping[str, Any]) -> Form:
    def reader() -> Form:
        whole, parts = answer["form"]
        return Form(_part(whole), None if parts is None else tuple(map(_part, parts)))

    return server.read(reader)


def _stopped(answer: Mapping[str, Any], operation: str, missing: int) -> TargetFault | None:
    """What the call after the last that has results raised; None where all have some."""
    if missing == 0:
        return None
    kind, text = answer["stopped"]
    return NONE[kind](f"{operation} raised {text}")


def _part(said_so: Any) -> Part:
    name, array = said_so
    return Part(str(name), bool(array))


def _shared(result: Any, kind: Any, other: Any) -> Shared:
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    return Shared(int(result), str(kind), other if isinstance(other, str) else int(other))


def _put_back(arrays: Mapping[str, Array], answer: Mapping[str, Any]) -> None:
    """Writes what arguments are after a call into ours."""
    for name, value in arrays.items():
        after = answer.get(f"after_{name}")
        if after is not None:
            owner = memory(value)
            ours, writeable = flat(owner), owner.flags.writeable
            if isinstance(after, np.ndarray) and after.dtype == np.uint8 and after.size == ours.size:
                owner.flags.writeable = True  # theirs was read-only too, and has been written to
                flat(owner)[:] = after
                owner.flags.writeable = writeable
