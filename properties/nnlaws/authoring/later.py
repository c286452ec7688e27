"""What takes its time to import, and is wanted only now and then: known mistakes, sound variants."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar, overload

T = TypeVar("T", covariant=True)


class Later(Sequence[T]):
    """A tuple that is made when something is first asked of it."""

    def __init__(self, make: Callable[[], tuple[T, ...]]) -> None:
        self._make = make
        self._made: tuple[T, ...] | None = None

    @property
    def made(self) -> tuple[T, ...]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: Any) -> Any:
        return self.made[index]

    def __len__(self) -> int:
        return len(self.made)


def later(module: str, name: str) -> Later[Any]:
    """The tuple of that name in that module, which is imported when it is first asked for."""
    return Later(lambda: tuple(getattr(import_module(module), name)))
