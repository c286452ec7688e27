"""The subject: an operation of the implementation as laws call it, guarded: whatever it does is an outcome."""

import io
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, Protocol

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.bounds.ruler import Floats
from nnlaws.operations import Operation


class TargetFault(Exception):
    """The implementation raised, or returned what cannot be compared, given array number `lane` of a batch."""

    def __init__(self, message: str, lane: int = 0) -> None:
        super().__init__(message)
        self.lane = lane


class NotOffered(TargetFault):
    """The implementation raised NotImplementedError: a template's function that is still to be written."""


class Watch(Protocol):
    """Told before and after each call; a worker process has one that tells its parent."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


class NobodyWatches:
    """For calls in the process that started them."""

    def begin(self, lane: int) -> None: ...

    def end(self) -> None: ...


@contextmanager
def silence() -> Generator[None]:
    """While laws run: the target's warnings and prints are its own affair; overflow is judged by its results."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


class GuardedSubject:
    """`function` as an implementation of `operation`: see `nnlaws.laws.law.Subject` for what each method promises."""

    def __init__(self, function: Callable[..., Any], operation: Operation, watch: Watch | None = None) -> None:
        self.function = function
        self.operation = operation
        self.watch: Watch = watch or NobodyWatches()

    def __call__(self, *arguments: Array) -> Floats:
        return self.batch([tuple(a[lane].copy() for a in arguments) for lane in range(len(arguments[0]))])

    def batch(self, lanes: Sequence[tuple[Array, ...]]) -> Floats:
        shape = self.operation.result_shape(lanes[0][0].shape)
        results = np.empty((len(lanes), *shape))
        for number, lane in enumerate(lanes):
            results[number] = self._floats(self.raw(*lane, lane=number), shape, number)
        return results

    def raw(self, *arguments: Array, lane: int = 0) -> Any:
        self.watch.begin(lane)
        try:
            return self.function(*arguments)
        except KeyboardInterrupt:
            raise
        except NotImplementedError as error:
            raise NotOffered(f"{self.operation.name} raised NotImplementedError: {error}", lane) from error
        except BaseException as error:
            raise TargetFault(f"{self.operation.name} raised {type(error).__name__}: {error}", lane) from error
        finally:
            self.watch.end()

    def _floats(self, result: Any, shape: tuple[int, ...], lane: int) -> Floats:
        name = self.operation.name
        try:
            found = np.asarray(result)
            floats = found if found.dtype == np.float64 else found.astype(np.float64)
        except Exception as error:
            raise TargetFault(
                f"{name} returned a {type(result).__name__} that is no array of numbers ({error})", lane
            ) from error
        if found.shape != shape or found.dtype.kind in "cOSUM":
            raise TargetFault(
                f"{name} returned {found.dtype} of shape {found.shape} where shape {shape} is expected (CT-2)", lane
            )
        return floats
