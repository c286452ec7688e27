"""The subject: the implementation under test, as laws see it, and how it fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import Between, Form
from nnlaws_server.kept import Shared

from nnlaws.authoring.operation import Option
from nnlaws.rounding.formats import Floats


class TargetFault(Exception):
    """The implementation raised, or returned what cannot be compared, given array number `lane` of a batch."""

    def __init__(self, message: str, lane: int = 0) -> None:
        super().__init__(message)
        self.lane = lane


class Refused(TargetFault):
    """The implementation raised: where a law allows it to, it has refused its arguments."""


class NotOffered(Refused):
    """The implementation raised NotImplementedError: a template's function that is still to be written. Or there is no
    such call to be made: in another process, of what no other process finds."""


class Unreachable(Exception):
    """There is no such call in another process; the message says why."""


class Kept(Protocol):
    """Results of calls, kept alive as they lie in memory."""

    def written_over(self) -> list[int]:
        """The calls, by number, whose results are no longer what they were when they were returned."""
        ...

    def shared(self) -> list[Shared]:
        """With what results share memory: arguments; those of the first call each other, and results of later ones."""
        ...


class Subject(Protocol):
    """The implementation under test, as laws see it.

    `results`, called with batched arguments, calls the implementation once a lane, each time with fresh C-ordered
    arrays, and stacks each result as float64; calling the subject itself returns the first result alone. `refilled`
    does so with the same arrays each time, filled anew, and `batch` with just the arrays it is given; `each` gives the
    results of one such call after another, and goes on after one that raises; the numbers are those of their lanes. So
    does `forms`, of what `form` returns. `again` makes each lane's call, and makes it again after so many calls with
    the others; with each of these results it says whether what came first is still what it was. `poisoned`
    returns as arrays what each lane's call gives after memory full of NaN was freed. `form` makes one call, with the
    arrays of one lane, and returns what came back by its types alone; `arrays` returns it as arrays. `repeat` makes so
    many calls, whose results nobody looks at. `at_once` makes as many threads as it is given arguments, each of which
    calls again and again with its own, and returns what each got. All of these raise TargetFault where the
    implementation raises, `arrays`, `poisoned` and `at_once` where the number of results is wrong, and `results`,
    `refilled` and `batch` where a result has the wrong shape or no numbers. What `form` and `arrays` do to their
    arguments is seen in the arrays that they were given; an array that was returned does not change any more: whether
    the implementation's own did, `keeping` says, of the calls of `arrays` that are made in it. `takes` says whether
    there is a keyword that need not be there. `elsewhere` makes one call in another process, and returns what came back
    as arrays; it raises NotOffered where that cannot be done. `left_changed` says what of the process a call of ours,
    which calls the implementation, has left changed: global generators, error state …, by name.
    """

    def __call__(self, *arguments: Array, **options: Option) -> Floats: ...

    def results(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]: ...

    def refilled(self, *arguments: Array, **options: Option) -> tuple[Floats, ...]: ...

    def poisoned(self, *arguments: Array, **options: Option) -> list[tuple[Array, ...]]: ...

    def batch(self, lanes: Sequence[tuple[Array, ...]], **options: Option) -> tuple[Floats, ...]: ...

    def each(
        self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Option
    ) -> Iterator[tuple[Floats, ...]]: ...

    def forms(self, calls: Sequence[tuple[Array, ...]], numbers: Sequence[int], **options: Any) -> Iterator[Form]: ...

    def again(
        self, *arguments: Array, others: Sequence[Array], between: Between, **options: Any
    ) -> list[list[tuple[tuple[Array, ...], bool]]]: ...

    def form(self, *arguments: Any, lane: int = 0, **options: Any) -> Form: ...

    def arrays(self, *arguments: Any, lane: int = 0, **options: Any) -> tuple[Array, ...]: ...

    def elsewhere(self, *arguments: Any, **options: Any) -> tuple[Array, ...]: ...

    def repeat(self, *arguments: Array, times: int, **options: Any) -> None: ...

    def keeping(self) -> AbstractContextManager[Kept]: ...

    def at_once(
        self, each: Sequence[tuple[Array, ...]], lane: int = 0, **options: Any
    ) -> list[list[tuple[Array, ...]]]: ...

    def takes(self, keyword: str) -> bool: ...

    def left_changed(self, call: Callable[[], object]) -> list[str]: ...
