"""The subject: an operation of the implementation as laws call it, guarded: whatever it does is an outcome."""

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from threading import Barrier
from time import perf_counter
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array

from nnlaws.authoring.errors import words
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.subject import NotOffered, Refused, TargetFault
from nnlaws.isolation import floating_point
from nnlaws.isolation.process_state import ERROR_STATE, FLOATING_POINT_MODE, borrowed, changed
from nnlaws.rounding.formats import Floats

T = TypeVar("T")
CALLS, LONGEST = 12, 0.05  # of each of several threads: so many, in about so many seconds at most
SWITCH = 1e-6  # seconds between two switches of threads: as often as Python can
_NUMBERS = frozenset(DTYPES.values())


class Watch(Protocol):
    """Told before and after each call; a worker process has one that tells its parent."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


@runtime_checkable
class Reachable(Protocol):
    """A function that another process has as well, which it starts itself."""

    def elsewhere(self, *arguments: Any, **options: Any) -> tuple[Array, ...]: ...


class NobodyWatches:
    """For calls in the process that started them."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


@contextmanager
def silence() -> Generator[None]:
    """While laws run: the target's warnings and prints are its own affair; overflow is judged by its results."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
    ):
        warnings.simplefilter("ignore")
        yield


def _only(process: int) -> None:
    """Ends a process that the target has forked off, and that would judge on beside the other."""
    if os.getpid() != process:
        os._exit(0)


class GuardedSubject:
    """`function` as an implementation of `operation`: see `nnlaws.authoring.subject.Subject` for what each method
    promises.
    """

    def __init__(self, function: Callable[..., Any], operation: Operation, watch: Watch | None = None) -> None:
        self.function = function
        self.operation = operation
        self.watch: Watch = watch or NobodyWatches()
        self.changed: set[str] = set()  # what calls have changed that is put back after each

    def __call__(self, *arguments: Array, **options: Option) -> Floats:
        return self.results(*arguments, **options)[0]

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]:
        lanes = [tuple(a[lane].copy() for a in arguments) for lane in range(len(arguments[0]))]
        return self.batch(lanes, **options)

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]:
        shapes = self.operation.result_shapes(argument.shape for argument in lanes[0])
        results = tuple(np.empty((len(lanes), *shape)) for shape in shapes)
        for number, lane in enumerate(lanes):
            for result, found in zip(results, self.arrays(*lane, lane=number, **options), strict=True):
                result[number] = self._floats(found, result.shape[1:], number)
        return results

    def raw(self, *arguments: Any, lane: int = 0, **options: Any) -> Any:
        return self._guarded(lambda: self.function(*arguments, **options), lane)

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]:
        return self._right_number(self._guarded(lambda: self._called(arguments, options), lane), lane)

    def at_once(
        self, each: Sequence[tuple[Array, ...]], lane: int = 0, **options: Any
    ) -> list[list[tuple[Array, ...]]]:
        def calls(arguments: tuple[Array, ...], start: Barrier) -> list[tuple[Array, ...] | str]:
            start.wait()
            until = perf_counter() + LONGEST
            found = [self._called(tuple(argument.copy() for argument in arguments), options)]
            while len(found) < CALLS and perf_counter() < until:
                found.append(self._called(tuple(argument.copy() for argument in arguments), options))
            return found

        def run() -> list[list[tuple[Array, ...] | str]]:
            start, interval = Barrier(len(each)), sys.getswitchinterval()
            sys.setswitchinterval(SWITCH)
            try:
                with ThreadPoolExecutor(len(each)) as pool:
                    running = [pool.submit(calls, arguments, start) for arguments in each]
                    return [one.result() for one in running]
            finally:
                sys.setswitchinterval(interval)

        return [[self._right_number(found, lane) for found in one] for one in self._guarded(run, lane)]

    def _called(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Array, ...] | str:
        """The results of one call as arrays; in words, where there is another number of them."""
        wanted = self.operation.results
        found = self.function(*arguments, **options)
        if len(wanted) == 1:
            return (np.asarray(found),)
        if not isinstance(found, (tuple, list)):
            return f"a {type(found).__name__}"
        return tuple(np.asarray(each) for each in found) if len(found) == len(wanted) else f"{len(found)} results"

    def _right_number(self, results: tuple[Array, ...] | str, lane: int) -> tuple[Array, ...]:
        if isinstance(results, str):
            names = ", ".join(self.operation.results)
            raise TargetFault(f"{self.operation.name} returned {results} where ({names}) is expected (CT-2)", lane)
        return results

    def elsewhere(self, *arguments: Any, **options: Any) -> tuple[Array, ...]:
        from nnlaws.isolation import elsewhere  # which only what a seed does has need of

        if isinstance(self.function, Reachable):
            other = self.function.elsewhere
            return self._guarded(lambda: other(*arguments, **options), 0)
        try:
            return elsewhere.call(self.function, self.operation.name, *arguments, **options)
        except elsewhere.Unreachable as error:
            raise NotOffered(str(error)) from error

    def takes(self, keyword: str) -> bool:
        try:
            return keyword in inspect.signature(self.function).parameters
        except (TypeError, ValueError):  # written in C, or not callable at all
            return False

    def left_changed(self, call: Callable[[], object]) -> list[str]:
        with borrowed():
            call()  # the first may load a library, or start its threads
        self.changed.clear()
        with borrowed() as before:
            call()
            names = changed(before)
        return [*sorted(self.changed), *names]

    def _guarded(self, call: Callable[[], T], lane: int) -> T:
        """The call, with the watch told. What it raises is the target's fault; what it does to the floating-point mode
        is noted and undone.
        """
        self.watch.begin(lane)
        process = os.getpid()
        floating_point.enter()
        try:
            with np.errstate():
                before = np.geterr()
                try:
                    result = call()
                finally:
                    _only(process)
                    if floating_point.leave():
                        self.changed.add(FLOATING_POINT_MODE)
                    if np.geterr() != before:
                        self.changed.add(ERROR_STATE)
        except TargetFault as fault:  # of a client that is no longer there
            self.watch.end()
            fault.lane = lane
            raise
        except NotImplementedError as error:
            self.watch.end()
            raise NotOffered(f"{self.operation.name} raised {words(error)}", lane) from error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and isinstance(self.watch, NobodyWatches):
                raise  # the user's own; a worker process has none
            self.watch.end()
            raise Refused(f"{self.operation.name} raised {words(error)}", lane) from error
        self.watch.end()
        return result

    def _floats(self, found: Array, shape: tuple[int, ...], lane: int) -> Floats:
        if found.dtype not in _NUMBERS and found.dtype.kind not in "biuf":
            raise TargetFault(f"{self._returned(found)}, which is no array of numbers (CT-2)", lane)
        if found.shape != shape:
            raise TargetFault(f"{self._returned(found)} where shape {shape} is expected (CT-2)", lane)
        return found if found.dtype == np.float64 else found.astype(np.float64)

    def _returned(self, found: Array) -> str:
        return f"{self.operation.name} returned {found.dtype} of shape {found.shape}"
