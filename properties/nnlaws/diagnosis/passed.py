"""What was passed in the call that breaks a law, where that is not its example as it stands: an empty batch, rows in
another order, a view.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import lane
from nnlaws_server.words import flat, memory

from nnlaws.authoring.case import expand
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.diagnosis.example import entries


class Call(NamedTuple):
    """What an operation was given, as it lay; what came back, where it did."""

    given: tuple[Any, ...]
    results: tuple[Array, ...]


class Recorded:
    """The subject, with each of its calls noted, the last of which may have failed."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)

    def __call__(self, *arguments: Array, **options: Any) -> Array:
        return self.results(*arguments, **options)[0]

    def results(self, *arguments: Array, **options: Any) -> tuple[Array, ...]:
        each = [lane(arguments, number) for number in range(len(arguments[0]))]
        return self._noted(each, lambda: self._subject.results(*arguments, **options))

    def refilled(self, *arguments: Array, **options: Any) -> tuple[Array, ...]:
        each = [lane(arguments, number) for number in range(len(arguments[0]))]
        return self._noted(each, lambda: self._subject.refilled(*arguments, **options))

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Any) -> tuple[Array, ...]:
        return self._noted(lanes, lambda: self._subject.batch(lanes, **options))

    def arrays(self, *arguments: Any, **options: Any) -> tuple[Array, ...]:
        self.calls.append(Call(_kept(arguments), ()))
        found = self._subject.arrays(*arguments, **options)
        self.calls[-1] = self.calls[-1]._replace(results=found)
        return found

    def form(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(Call(_kept(arguments), ()))
        return self._subject.form(*arguments, **options)

    def each(
        self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Any
    ) -> Iterator[tuple[Array, ...]]:
        found = self._subject.each(calls, numbers, **options)

        def one(given: tuple[Array, ...]) -> tuple[Array, ...]:
            return self._noted([given], lambda: next(found))

        return map(one, calls)

    def forms(self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Any) -> Iterator[Any]:
        found = self._subject.forms(calls, numbers, **options)

        def one(given: tuple[Array, ...]) -> Any:
            self.calls.append(Call(_kept(given), ()))
            return next(found)

        return map(one, calls)

    def _noted(self, each: Sequence[tuple[Array, ...]], call: Callable[[], tuple[Array, ...]]) -> tuple[Array, ...]:
        try:
            found = call()
        except TargetFault as fault:
            self.calls += [Call(given, ()) for given in each[: fault.lane + 1]]
            raise
        self.calls += [Call(given, tuple(x[number] for x in found)) for number, given in enumerate(each)]
        return found


def passed(law: Law, subject: Subject, ruler: Ruler, case: Case) -> str:
    """The arguments of the call by which a case breaks the law; empty where they are the case's own, or where it is not
    broken when tried again.
    """
    if not law.operation.arrays:
        return ""
    recorded, inputs = Recorded(subject), expand(law.build, case, ruler.format, 1)
    evidence = None
    with suppress(TargetFault):
        evidence = law.evidence(cast(Subject, recorded), ruler, inputs)
        if evidence.holds:
            return ""
    given = _culprit(recorded.calls, evidence)
    own = [x[0] for x in (*inputs.arguments, *inputs.extra.values())]
    each_its_own = len({id(x) for x in given}) == len(given)
    if each_its_own and all(any(_as_it_stands(x, other) for other in own) for x in given):
        return ""
    return "; ".join(_lying(law, given))


def _culprit(calls: Sequence[Call], evidence: Evidence | None) -> tuple[Any, ...]:
    """What was given in the call that returned what the evidence shows; in the last, where it shows nothing; nothing
    where no call returned just that, or several did that were given different arrays.
    """
    if evidence is None or evidence.got is None:
        return calls[-1].given if calls else ()
    got = evidence.got
    found = [call.given for call in calls if any(np.array_equal(x, got, equal_nan=True) for x in call.results)]
    told = {tuple((x.shape, x.strides, x.tobytes()) for x in given) for given in found}
    return found[0] if len(told) == 1 else ()


def _kept(given: Sequence[Any]) -> tuple[Any, ...]:
    """Arrays as they are now and as they lie, whatever becomes of them; one that is several arguments stays one."""
    copies = {id(x): _copy(x) for x in given if isinstance(x, np.ndarray)}
    return tuple(copies.get(id(x), x) for x in given)


def _copy(x: Array) -> Array:
    owner = memory(x)
    if owner is x:
        copy = x.copy(order="K")
    else:
        offset = x.__array_interface__["data"][0] - flat(owner).__array_interface__["data"][0]
        copy = np.ndarray(x.shape, x.dtype, flat(owner).copy(), offset, x.strides)
    copy.flags.writeable = x.flags.writeable
    return copy


def _as_it_stands(x: Array, other: Array) -> bool:
    return (
        x.flags.c_contiguous
        and x.flags.writeable
        and x.base is None
        and x.shape == other.shape
        and x.tobytes() == other.tobytes()
    )


def _lying(law: Law, given: Sequence[Array]) -> list[str]:
    """Each argument as it can be typed again and, where no such words give it, as it lies."""
    seen: dict[int, str] = {}
    told: list[str] = []
    for name, x in zip(law.operation.arguments, given, strict=True):
        if id(x) in seen:
            told.append(f"{name} is {seen[id(x)]}")
            continue
        seen[id(x)] = name
        order = ", order='F'" if x.flags.f_contiguous and not x.flags.c_contiguous else ""
        text = f"empty({x.shape}, {x.dtype})" if not x.size else f"array({entries(x)}, dtype={x.dtype}{order})"
        strided = not (x.flags.c_contiguous or order)
        lies = {
            f"with strides {x.strides}": strided,
            "inside a buffer": bool(x.size) and x.base is not None and not strided and not order,
            "read-only": not x.flags.writeable,
        }
        told.append(", ".join((f"{name} = {text}", *(words for words, so in lies.items() if so))))
    return told
