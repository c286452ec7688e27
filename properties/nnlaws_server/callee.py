"""What a target's function is called as, in the process that it runs in: guarded, and watched."""

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from itertools import repeat
from threading import Barrier
from time import perf_counter
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnlaws_server import floating_point
from nnlaws_server.freed import poison
from nnlaws_server.kept import Kept
from nnlaws_server.process_state import ERROR_STATE, FLOATING_POINT_MODE, borrowed, changed

Array = NDArray[Any]
Found = tuple[Array, ...] | str
"""The results of a call; in words, what is another number of them."""
Memory = Literal["lanes", "refilled", "poisoned"]
"""What the arrays of several calls are: each call's own; the same ones, filled anew; or each call's own, after memory
that holds NaN was freed.
"""
Between = Sequence[Sequence[int]]
"""Of each lane, how many other calls come before the call is made again, each time that it is."""
T = TypeVar("T")

CALLS, LONGEST = 12, 0.05  # of each of several threads: so many, in about so many seconds at most
SWITCH = 1e-6  # seconds between two switches of threads: as often as Python can


class Part(NamedTuple):
    """One thing that came back: its type's name, and whether NumPy takes it for an array by `__array__`."""

    type: str
    array: bool


class Form(NamedTuple):
    """What came back, before anything is made of it: its type's name and, of a tuple or a list, its parts."""

    whole: Part
    parts: tuple[Part, ...] | None


class Again(NamedTuple):
    """The results of a call, and whether what the same call returned first is still what it was before it."""

    results: Found
    intact: bool


class Here:
    """A function that is called in this process, and returns so many results."""

    def __init__(self, function: Callable[..., Any], results: int) -> None:
        self.function = function
        self.results = results
        self._changed: set[str] = set()  # what calls have changed that is put back after each
        self._kept: Kept | None = None
        self._moved = False  # whether the process is in another state than usual

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.function(*arguments, **options)

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found:
        """The results of one call as arrays."""
        found = self._guarded(lambda: self._called(arguments, options))
        if self._kept is not None and not isinstance(found, str):
            self._kept.add(arguments, options, found)
        return found

    def lanes(self, arguments: Sequence[Array], options: dict[str, Any], memory: Memory = "lanes") -> Iterator[Found]:
        """The results of one call a lane: each runs when it is asked for."""
        if memory == "refilled":
            return self._refilled(arguments, options)
        if memory == "poisoned":
            return self._poisoned(arguments, options)
        return map(self.call, (lane(arguments, number) for number in range(len(arguments[0]))), repeat(options))

    def form(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Form:
        """What one call returns, as it came."""
        found = self._guarded(lambda: self.function(*arguments, **options))
        return Form(_part(found), tuple(map(_part, found)) if isinstance(found, (tuple, list)) else None)

    def calls(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Found]:
        """The results of one call after another; each is made when it is asked for, also after one that raises."""
        return map(self.call, each, repeat(options))

    def forms(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Form]:
        """What each call returns, as it came; likewise."""
        return map(self.form, each, repeat(options))

    def again(
        self, arguments: Sequence[Array], others: Sequence[Array], options: dict[str, Any], between: Between
    ) -> Iterator[Again | None]:
        """Of each lane a call, and the same made again, each time after so many calls with the others; None after each
        of these. Every call runs when it is asked for.
        """
        for number, pattern in enumerate(between):
            with self.keeping() as kept:
                yield Again(own(self.call(lane(arguments, number), options)), True)
                for times in pattern:
                    for _ in range(times):
                        self.call(lane(others, number), options)
                        yield None
                    intact = 0 not in kept.written_over()
                    yield Again(own(self.call(lane(arguments, number), options)), intact)

    def at_once(self, each: Sequence[tuple[Array, ...]], options: dict[str, Any]) -> list[list[Found]]:
        """What each of as many threads gets, which call again and again, with arguments of their own."""

        def calls(arguments: tuple[Array, ...], start: Barrier) -> list[Found]:
            start.wait()
            until = perf_counter() + LONGEST
            found = [self._called(tuple(argument.copy() for argument in arguments), options)]
            while len(found) < CALLS and perf_counter() < until:
                found.append(self._called(tuple(argument.copy() for argument in arguments), options))
            return found

        def run() -> list[list[Found]]:
            start, interval = Barrier(len(each)), sys.getswitchinterval()
            sys.setswitchinterval(SWITCH)
            try:
                with ThreadPoolExecutor(len(each)) as pool:
                    running = [pool.submit(calls, arguments, start) for arguments in each]
                    return [one.result() for one in running]
            finally:
                sys.setswitchinterval(interval)

        return self._guarded(run)

    @contextmanager
    def keeping(self) -> Generator[Kept]:
        """Meanwhile the results of `call` are kept alive, to be asked about."""
        self._kept = kept = Kept()
        try:
            yield kept
        finally:
            self._kept = None

    @contextmanager
    def borrowed(self) -> Generator[list[str]]:
        """Meanwhile the process is as it was before any call. Gives, when it is over, the names of what a call has left
        changed.
        """
        names: list[str] = []
        self._changed.clear()
        self._moved = True
        try:
            with borrowed() as before:
                yield names
                names += [*sorted(self._changed), *changed(before)]
        finally:
            self._moved = False

    def parameters(self) -> list[str]:
        """The names of what it takes; none of what is written in C and does not say."""
        try:
            return list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            return []

    def _refilled(self, arguments: Sequence[Array], options: dict[str, Any]) -> Iterator[Found]:
        """All calls are given the same arrays. Before the first call, one was made with its entries in reverse."""
        arrays = tuple(np.flip(x).copy() for x in lane(arguments, 0))
        with suppress(Exception):  # of those entries
            self.call(arrays, options)
        for number in range(len(arguments[0])):
            for mine, given in zip(arrays, arguments, strict=True):
                mine[...] = given[number]
            yield self.call(arrays, options)

    def _poisoned(self, arguments: Sequence[Array], options: dict[str, Any]) -> Iterator[Found]:
        """Before each call, memory was freed with NaN in it: as much as arguments, results and parts of them take."""
        found = self.call(lane(arguments, 0), options)
        for number in range(len(arguments[0])):
            arrays = lane(arguments, number)
            poison((*arrays, *(() if isinstance(found, str) else found)))
            found = self.call(arrays, options)
            yield found

    def _called(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found:
        found = self.function(*arguments, **options)
        if self.results == 1:
            return (np.asarray(found),)
        if not isinstance(found, (tuple, list)):
            return f"a {type(found).__name__}"
        return tuple(np.asarray(each) for each in found) if len(found) == self.results else f"{len(found)} results"

    def _guarded(self, call: Callable[[], T]) -> T:
        """The call; what it does to the floating-point mode and to NumPy's error state is noted and undone."""
        process = os.getpid()
        floating_point.enter()
        with np.errstate(all="warn" if self._moved else None):
            before = np.geterr()
            try:
                return call()
            finally:
                if os.getpid() != process:  # it was forked off, and would answer beside the other
                    os._exit(0)
                if floating_point.leave():
                    self._changed.add(FLOATING_POINT_MODE)
                if np.geterr() != before:
                    self._changed.add(ERROR_STATE)


@contextmanager
def silence() -> Generator[None]:
    """Meanwhile warnings and prints are the target's own affair; overflow is judged by its results."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
    ):
        warnings.simplefilter("ignore")
        yield


def lane(arguments: Iterable[Array], number: int) -> tuple[Array, ...]:
    """What is given in one lane of a batch: arrays of its own; of no axis, a number."""
    return tuple(argument[number].copy() for argument in arguments)


def own(found: Found) -> Found:
    """The results in memory of their own, as they are now."""
    return found if isinstance(found, str) else tuple(x.copy() for x in found)


def _part(found: Any) -> Part:
    return Part(type(found).__name__, hasattr(found, "__array__"))
