"""What a sound variant is: another right algorithm for an operation, with the conventions that it has to declare."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SoundVariant:
    """`function` implements `operation` rightly; `conventions` says what it declares, most often nothing."""

    operation: str
    name: str
    function: Callable[..., Any]
    conventions: dict[str, str] = field(default_factory=dict[str, str])


def sound(operation: str, **conventions: str) -> Callable[[Callable[..., Any]], SoundVariant]:
    """Makes a function the sound variant of its name."""

    def make(function: Callable[..., Any]) -> SoundVariant:
        return SoundVariant(operation, f"{operation}.{function.__name__}", function, conventions)

    return make
