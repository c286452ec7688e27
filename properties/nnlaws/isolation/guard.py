"""The subject: an operation of the implementation as laws call it, guarded: whatever it does is an outcome."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import Again, Between, Form, Found, Here, Memory
from nnlaws_server.errors import words

from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.subject import Kept, NotOffered, Refused, TargetFault, Unreachable
from nnlaws.rounding.formats import Floats

T = TypeVar("T")
_NUMBERS = frozenset(DTYPES.values())


class Watch(Protocol):
    """Told before and after each call; a worker process has one that tells its parent."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


class NobodyWatches:
    """For calls in the process that started them."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


@runtime_checkable
class Callee(Protocol):
    """A function as it is called, here or in another process: see `nnlaws_server.callee.Here`, which is the former."""

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found: ...

    def lanes(
        self, arguments: Sequence[Array], options: dict[str, Any], memory: Memory = "lanes"
    ) -> Iterator[Found]: ...

    def form(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Form: ...

    def calls(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Found]: ...

    def forms(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Iterator[Form]: ...

    def again(
        self, arguments: Sequence[Array], others: Sequence[Array], options: dict[str, Any], between: Between
    ) -> Iterator[Again | None]: ...

    def at_once(self, each: Sequence[tuple[Array, ...]], options: dict[str, Any]) -> list[list[Found]]: ...

    def keeping(self) -> AbstractContextManager[Kept]: ...

    def borrowed(self) -> AbstractContextManager[list[str]]: ...

    def parameters(self) -> list[str]: ...


@runtime_checkable
class Reachable(Protocol):
    """A function that another process has as well, which it starts itself. Raises Unreachable where that gives none."""

    def elsewhere(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Found: ...


class GuardedSubject:
    """`function` as an implementation of `operation`: see `nnlaws.authoring.subject.Subject` for what each method
    promises.
    """

    def __init__(self, function: Callable[..., Any] | Callee, operation: Operation, watch: Watch | None = None) -> None:
        self.callee: Callee = function if isinstance(function, Callee) else Here(function, len(operation.results))
        self.function: Any = function.function if isinstance(function, Here) else function
        inner = getattr(self.callee, "callee", self.callee)  # of one with limits, the one that it calls
        self.here = inner.function if isinstance(inner, Here) else None  # what is called in this process
        self.operation = operation
        self.watch: Watch = watch or NobodyWatches()

    def __call__(self, *arguments: Array, **options: Option) -> Floats:
        return self.results(*arguments, **options)[0]

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]:
        return self._results(arguments, options, "lanes")

    def refilled(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]:
        return self._results(arguments, options, "refilled")

    def poisoned(self, *arguments: Array, **options: Option) -> list[tuple[Array, ...]]:
        each = self.callee.lanes(arguments, options, "poisoned")
        numbers = range(len(arguments[0]))
        return [self._right_number(self._guarded(lambda: next(each), number), number) for number in numbers]

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]:
        found = self.callee.calls(lanes, options)
        return self._floats(found, range(len(lanes)), [argument.shape for argument in lanes[0]])

    def each(
        self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Option
    ) -> Iterator[tuple[Floats, ...]]:
        found = self.callee.calls(calls, options)
        shapes = [[argument.shape for argument in call] for call in calls]
        return map(lambda number, given: self._floats(found, [number], given), numbers, shapes)

    def forms(self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Any) -> Iterator[Form]:
        found = self.callee.forms(calls, options)

        def one(number: int) -> Form:
            return self._guarded(lambda: next(found), number)

        return map(one, numbers)

    def again(
        self, *arguments: Array, others: Sequence[Array], between: Between, **options: Any
    ) -> list[list[tuple[tuple[Array, ...], bool]]]:
        steps = self.callee.again(arguments, others, options, between)

        def after(number: int) -> tuple[tuple[Array, ...], bool]:
            while (step := self._guarded(lambda: next(steps), number)) is None:
                pass
            return self._right_number(step.results, number), step.intact

        return [[after(number) for _ in range(1 + len(times))] for number, times in enumerate(between)]

    def form(self, *arguments: Any, lane: int = 0, **options: Any) -> Form:
        return self._guarded(lambda: self.callee.form(arguments, options), lane)

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]:
        return self._right_number(self._guarded(lambda: self.callee.call(arguments, options), lane), lane)

    def repeat(self, *arguments: Array, times: int, **options: Any) -> None:
        stacked = [np.repeat(argument[None], times, axis=0) for argument in arguments]
        found = self.callee.lanes(stacked, options)
        for _ in range(times):
            self._guarded(lambda: next(found), 0)

    def at_once(
        self, each: Sequence[tuple[Array, ...]], lane: int = 0, **options: Any
    ) -> list[list[tuple[Array, ...]]]:
        all_found = self._guarded(lambda: self.callee.at_once(each, options), lane)
        return [[self._right_number(found, lane) for found in one] for one in all_found]

    def keeping(self) -> AbstractContextManager[Kept]:
        return self.callee.keeping()

    def elsewhere(self, *arguments: Any, **options: Any) -> tuple[Array, ...]:
        from nnlaws.isolation import elsewhere  # which only what a seed does has need of

        try:
            if self.here is None and isinstance(self.function, Reachable):
                return self._right_number(self.function.elsewhere(arguments, options), 0)
            return elsewhere.call(self.here or self.function, self.operation.name, *arguments, **options)
        except Unreachable as error:
            raise NotOffered(str(error)) from error

    def within(self, laws: Iterable[Law]) -> list[Law]:
        """Of the laws, those that are about what the function can be given, on inputs that keep to that."""
        limits: Any = getattr(self.function, "limits", None)
        return [*laws] if limits is None else [limits.law(law) for law in laws if not limits.beyond(law)]

    def takes(self, keyword: str) -> bool:
        return keyword in self.callee.parameters()

    def left_changed(self, call: Callable[[], object]) -> list[str]:
        with self.callee.borrowed():
            call()  # the first may load a library, or start its threads
        with self.callee.borrowed() as names:
            call()
        return names

    def _guarded(self, call: Callable[[], T], lane: int) -> T:
        """The call, with the watch told. What it raises is the target's fault."""
        self.watch.begin(lane)
        try:
            result = call()
        except TargetFault as fault:  # of another process, which raised it there
            self.watch.end()
            fault.lane = lane
            raise
        except NotImplementedError as error:
            self.watch.end()
            raise NotOffered(f"{self.operation.name} raised {words(error)}", lane) from error
        except BaseException as error:
            if self.here is None:  # what is raised in another process comes as a TargetFault
                raise
            if isinstance(error, KeyboardInterrupt) and isinstance(self.watch, NobodyWatches):
                raise  # the user's own; a worker process has none
            self.watch.end()
            raise Refused(f"{self.operation.name} raised {words(error)}", lane) from error
        self.watch.end()
        return result

    def _right_number(self, found: Found, lane: int) -> tuple[Array, ...]:
        if isinstance(found, str) or len(found) != len(self.operation.results):
            names, told = (
                ", ".join(self.operation.results),
                found if isinstance(found, str) else f"{len(found)} results",
            )
            raise TargetFault(f"{self.operation.name} returned {told} where ({names}) is expected (CT-2)", lane)
        return found

    def _results(self, arguments: Sequence[Array], options: dict[str, Any], memory: Memory) -> tuple[Floats, ...]:
        shapes = [argument.shape[1:] for argument in arguments]
        return self._floats(self.callee.lanes(arguments, options, memory), range(len(arguments[0])), shapes)

    def _floats(
        self, each: Iterator[Found], numbers: Sequence[int], given: Sequence[tuple[int, ...]]
    ) -> tuple[Floats, ...]:
        """The results of the calls of these lanes, stacked as float64. given: the shapes of the arguments."""
        results = tuple(np.empty((len(numbers), *shape)) for shape in self.operation.result_shapes(given))
        for place, number in enumerate(numbers):
            found = self._right_number(self._guarded(lambda: next(each), number), number)
            for result, part in zip(results, found, strict=True):
                if part.dtype not in _NUMBERS and part.dtype.kind not in "biuf":
                    raise TargetFault(f"{self._returned(part)}, which is no array of numbers (CT-2)", number)
                if part.shape != result.shape[1:]:
                    wanted = f"shape {result.shape[1:]} is expected"
                    raise TargetFault(f"{self._returned(part)} where {wanted} (CT-2)", number)
                result[place] = part
        return results

    def _returned(self, found: Array) -> str:
        return f"{self.operation.name} returned {found.dtype} of shape {found.shape}"
