"""Answers what the judge says, line by line: each a kind, a number, and words (see docs/protocol.md)."""

import builtins
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from nnlaws_server.callee import Again, Between, Found, Here, Memory, own
from nnlaws_server.errors import TargetError
from nnlaws_server.errors import words as told_of
from nnlaws_server.kept import Kept
from nnlaws_server.pulse import Pulse
from nnlaws_server.words import flat, memory, said, said_together, spaceless, understood

Array = NDArray[Any]
OURS = {"nnlaws", "nnlaws_reference", "nnlaws_spec"}
MEMORY: frozenset[Memory] = frozenset(get_args(Memory))
OPTIONS = "*"  # the word after which options come, and not arguments
OTHER = "other_"  # before the name of an argument of the calls that come between


class Axis(NamedTuple):
    """One hyperparameter of a space, as the reference's are."""

    name: str
    low: float
    high: float
    scale: str


class Conversation:
    """Lines that are asked and answered; and what a call may ask in its turn."""

    def __init__(self, asked: IO[bytes], answers: IO[bytes]) -> None:
        self.asked, self.answers = asked, answers
        self.number = ""
        self._one = threading.Lock()

    def say(self, kind: str, *words: str) -> None:
        self.answers.write(" ".join((kind, self.number, *words)).encode(errors="replace") + b"\n")
        self.answers.flush()

    def function(self, name: str) -> Callable[..., Any]:
        """What the judge is asked for in the middle of a call; when that is over, no more."""
        call = self.number

        def ask(*arguments: Any) -> Any:
            given = [said(f"a{place}", _sayable(value)) for place, value in enumerate(arguments)]
            with self._one:
                if call != self.number:
                    raise RuntimeError(f"{name} is called after the search that it was given to has returned")
                self.say("ask", name, *given)
                kind, _, *words = self.asked.readline().decode().rstrip("\n").split(" ")
            if kind == "told":
                return understood(words)["value"]
            kind, _, text = " ".join(words).partition(": ")
            error = getattr(builtins, kind, None)
            raise (error if isinstance(error, type) and issubclass(error, Exception) else RuntimeError)(text)

        ask.__name__ = ask.__qualname__ = name
        return ask


class Session:
    """The target's operations, and what lasts from one message to another."""

    def __init__(self, callees: Mapping[str, Here], pulse: Pulse | None, conversation: Conversation) -> None:
        self.callees, self.pulse, self.conversation = callees, pulse, conversation
        self._kept: tuple[ExitStack, Kept] | None = None
        self._borrowed: tuple[ExitStack, list[str]] | None = None
        self._modules = set(sys.modules)

    def answer(self, kind: str, words: list[str]) -> list[str]:
        """The words of the answer. What the target raises, this raises."""
        name, *rest = words
        if kind == "imports":
            return [f"imported:={spaceless(self._imported())}"]
        callee = self.callees[name]
        if kind == "keep":
            stack = ExitStack()
            self._kept = stack, stack.enter_context(callee.keeping())
            return []
        if kind in ("kept", "free"):
            assert self._kept is not None
            stack, kept = self._kept
            if kind == "free":
                stack.close()
                return []
            return [f"written:={spaceless(kept.written_over())}", f"shared:={spaceless(kept.shared())}"]
        if kind == "borrow":
            stack = ExitStack()
            self._borrowed = stack, stack.enter_context(callee.borrowed())
            return []
        if kind == "back":
            assert self._borrowed is not None
            stack, names = self._borrowed
            stack.close()
            return [f"changed:={spaceless(names)}"]
        place = rest.index(OPTIONS)
        given = understood(rest[:place] + rest[place + 1 :])
        arguments, options = dict(list(given.items())[:place]), dict(list(given.items())[place:])
        if kind == "again":
            between = arguments.pop("between")
            others = [arguments.pop(name) for name in [*arguments] if name.startswith(OTHER)]
            return self._again(callee, list(arguments.values()), others, options, between)
        if kind in MEMORY:
            return self._lanes(callee, list(arguments.values()), options, kind)
        if kind == "threads":
            threads, *values = arguments.values()
            number = len(values) // threads
            found = callee.at_once([tuple(values[at : at + number]) for at in range(0, len(values), number)], options)
            return [word for number, one in enumerate(found) for word in many(f"t{number}_", one)]
        arguments, options = (
            {name: self._meant(value) for name, value in given.items()} for given in (arguments, options)
        )
        arrays = {name: x for name, x in {**arguments, **options}.items() if isinstance(x, np.ndarray)}
        before = {name: flat(memory(x)).tobytes() for name, x in arrays.items()}
        try:
            if kind == "form":
                found_words = [f"form:={spaceless(callee.form(tuple(arguments.values()), options))}"]
            else:
                found_words = many("y", [callee.call(tuple(arguments.values()), options)])
        except BaseException as error:
            raise Raised(error, _after(arrays, before)) from error
        return [*found_words, *_after(arrays, before)]

    def _lanes(self, callee: Here, arguments: Sequence[Array], options: dict[str, Any], memory: Memory) -> list[str]:
        found: list[Found] = []
        answers = callee.lanes(arguments, options, memory)
        try:
            for number in range(len(arguments[0])):
                if self.pulse is not None:
                    self.pulse.begin(number)
                found.append(own(next(answers)))  # before the next call can write over it
        except BaseException as error:
            return [*many("y", found), f"stopped:={spaceless([_kind(error), told_of(error)])}"]
        return many("y", found)

    def _again(
        self, callee: Here, arguments: Sequence[Array], others: Sequence[Array], options: dict[str, Any], times: Between
    ) -> list[str]:
        found: list[Again] = []
        steps = callee.again(arguments, others, options, times)
        calls = [number for number, pattern in enumerate(times) for _ in range(1 + len(pattern) + sum(pattern))]
        stopped = list[str]()
        try:
            for number in calls:
                if self.pulse is not None:
                    self.pulse.begin(number)
                step = next(steps)
                found += [] if step is None else [step]
        except BaseException as error:
            stopped = [f"stopped:={spaceless([_kind(error), told_of(error)])}"]
        intact = f"intact:={spaceless([step.intact for step in found])}"
        return [*many("y", [step.results for step in found]), intact, *stopped]

    def _imported(self) -> dict[str, str]:
        """The packages that have been imported since this was asked last and tell a version; and nnlaws's own."""
        if len(sys.modules) == len(self._modules):
            return {}
        now = set(sys.modules)
        new, self._modules = now - self._modules, now
        names = {name.partition(".")[0] for name in new}
        versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in sorted(names)}
        told = {name: text for name, text in versions.items() if isinstance(text, str)}
        return {**dict.fromkeys(names & OURS, ""), **told}

    def _meant(self, value: Any) -> Any:
        if isinstance(value, dict) and "axes" in value:
            return tuple(Axis(*axis) for axis in value["axes"])
        if isinstance(value, dict) and "ask" in value:
            return self.conversation.function(value["ask"])
        return value


class Raised(Exception):
    """What a call raised, and what its arguments are after it."""

    def __init__(self, error: BaseException, after: list[str]) -> None:
        super().__init__(error)
        self.error, self.after = error, after


Offer = Callable[[dict[str, int]], tuple[dict[str, Here], dict[str, Any]]]
"""Of operations, by their numbers of results: those that are offered, and what there is to say. Raises TargetError."""


def serve(session: Session, offer: Offer) -> None:
    """Answers until there is no more to read."""
    conversation = session.conversation
    for line in iter(conversation.asked.readline, b""):
        kind, conversation.number, *words = line.decode().rstrip("\n").split(" ")
        if kind == "hello":
            try:
                session.callees, facts = offer(understood(words)["operations"])
                conversation.say("hello", "language=python", f"facts:={spaceless(facts)}")
            except TargetError as error:
                conversation.number = "0"
                conversation.say("failed", spaceless(str(error)))
            continue
        try:
            answer = session.answer(kind, words)
        except Raised as raised:
            conversation.say(_kind(raised.error), *raised.after, f"text:={spaceless(told_of(raised.error))}")
        except BaseException as error:
            conversation.say(_kind(error), f"text:={spaceless(told_of(error))}")
        else:
            conversation.say("done", *answer)
        conversation.number = ""


def many(prefix: str, found: Sequence[Found]) -> list[str]:
    """The results of several calls in words: each result of all calls in one array, where their types and shapes are
    the same; else by call.
    """
    first = found[0] if found else ()
    if not isinstance(first, str) and all(x.dtype.isnative for x in first) and _alike(found, first):
        return [
            f"{prefix}:={len(found)}",
            *(
                said_together(f"{prefix}{place}", [each[place] for each in found])  # type: ignore[misc]
                for place in range(len(first))
            ),
        ]
    counts = [each if isinstance(each, str) else len(each) for each in found]
    return [
        f"{prefix}:={spaceless(counts)}",
        *(
            said(f"{prefix}{call}_{place}", x)
            for call, each in enumerate(found)
            if not isinstance(each, str)
            for place, x in enumerate(each)
        ),
    ]


def _alike(found: Sequence[Found], first: tuple[Array, ...]) -> bool:
    """Whether all results have the types and shapes of the first's."""
    forms = [(x.dtype, x.shape) for x in first]
    return all(not isinstance(each, str) and [(x.dtype, x.shape) for x in each] == forms for each in found)


def each_of(prefix: str, given: Mapping[str, Any]) -> list[Found]:
    """The results that `many` said."""
    counts = given[prefix]
    if isinstance(counts, int):
        stacked = [given[name] for name in given if name.startswith(prefix) and name[len(prefix) :].isdigit()]
        return [tuple(np.asarray(x[call]) for x in stacked) for call in range(counts)]
    return [
        count if isinstance(count, str) else tuple(given[f"{prefix}{call}_{place}"] for place in range(count))
        for call, count in enumerate(counts)
    ]


def _after(arrays: Mapping[str, Array], before: Mapping[str, bytes]) -> list[str]:
    """The memory of arguments that is no longer what it was."""
    now = {name: flat(memory(x)) for name, x in arrays.items()}
    return [said(f"after_{name}", now[name]) for name, was in before.items() if now[name].tobytes() != was]


def _kind(error: BaseException) -> str:
    return "absent" if isinstance(error, NotImplementedError) else "refused"


def _sayable(value: Any) -> Any:
    """What a target hands back: an array of numbers, or what is said as it is."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"expected an array of numbers, got a {type(value).__name__} of {array.dtype}")
    return array
