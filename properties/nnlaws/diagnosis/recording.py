"""Subjects that keep what they were called with: to look at the calls of a law, and to compare many candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import Form

from nnlaws.authoring.case import Inputs
from nnlaws.authoring.operation import Option
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import Floats, Format


@dataclass(frozen=True)
class Call:
    """What a batch of calls was given, and what came back."""

    inputs: Inputs
    results: tuple[Floats, ...]


class Recorder(GuardedSubject):
    """A subject that keeps what it was called with and what came back; `single`: with what it was called one by one."""

    def __init__(self, subject: GuardedSubject) -> None:
        super().__init__(subject.callee, subject.operation, subject.watch)
        self.subject = subject
        self.calls: list[Call] = []
        self.single: list[Inputs] = []

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]:
        results = self.subject.results(*arguments, **options)
        self.calls.append(Call(Inputs(tuple(argument.copy() for argument in arguments), options=options), results))
        return results

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]:
        results = self.subject.batch(lanes, **options)
        arguments = tuple(np.stack(argument) for argument in zip(*lanes, strict=True))
        self.calls.append(Call(Inputs(arguments, options=options), results))
        return results

    def form(self, *arguments: Any, lane: int = 0, **options: Any) -> Form:
        self._keep(arguments, options)
        return self.subject.form(*arguments, lane=lane, **options)

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]:
        self._keep(arguments, options)
        return self.subject.arrays(*arguments, lane=lane, **options)

    def _keep(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if all(isinstance(argument, np.ndarray) for argument in arguments):
            self.single.append(Inputs(tuple(argument[None].copy() for argument in arguments), options=dict(options)))


class Remembering(GuardedSubject):
    """A subject that is called once with the same arguments, however many candidates it is compared with.

    rounded: the format to which what comes back is rounded first, if any: what returns wider numbers than it was given
    is compared by what they would be in the format.
    """

    def __init__(self, subject: GuardedSubject, rounded: Format | None = None) -> None:
        super().__init__(subject.callee, subject.operation, subject.watch)
        self.known: dict[Any, tuple[Floats, ...]] = {}
        self.rounded = rounded

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]:
        key = ("each lane", *_layout([arguments]), *sorted(options.items()))
        if key not in self.known:
            self.known[key] = self._rounded(super().results(*arguments, **options))
        return self.known[key]

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]:
        key = (*_layout(lanes), *sorted(options.items()))
        if key not in self.known:
            self.known[key] = self._rounded(super().batch(lanes, **options))
        return self.known[key]

    def _rounded(self, results: tuple[Floats, ...]) -> tuple[Floats, ...]:
        if self.rounded is None:
            return results
        with np.errstate(all="ignore"):
            return tuple(one.astype(self.rounded.dtype).astype(np.float64) for one in results)


def _layout(lanes: Sequence[tuple[Array, ...]]) -> tuple[Any, ...]:
    """All that a function can see of these arrays."""
    return tuple((a.shape, a.strides, a.flags.writeable, a.tobytes()) for lane in lanes for a in lane)
