"""Results as they lie in memory, kept alive from call to call: which share memory, and which were written over."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


KINDS = ("argument", "result", "later")


class Shared(NamedTuple):
    """That a result shares memory with an "argument" of a call, by its place or its name; one of the first call with
    another "result" of it, or with a "later" one, by its place.
    """

    result: int
    kind: str
    other: int | str


class Kept:
    """The results of each call since, and the arrays among its arguments, as views of their memory: what is lent out
    again when the arrays themselves are gone is seen.
    """

    def __init__(self) -> None:
        self._given: list[dict[int | str, Array]] = []
        self._results: list[tuple[Array, ...]] = []
        self._bits: list[list[bytes]] = []

    def add(self, arguments: tuple[Any, ...], options: Mapping[str, Any], results: tuple[Array, ...]) -> None:
        named: list[tuple[int | str, Any]] = [*enumerate(arguments), *options.items()]
        self._given.append({name: value for name, value in named if isinstance(value, np.ndarray)})
        self._results.append(tuple(part[...] for part in results))
        self._bits.append([part.tobytes() for part in results])

    def written_over(self) -> list[int]:
        """The calls whose results are no longer what they were when they were returned."""
        return [
            call
            for call, (results, bits) in enumerate(zip(self._results, self._bits, strict=True))
            if [part.tobytes() for part in results] != bits
        ]

    def shared(self) -> list[Shared]:
        """With what results share memory: any with an argument of any call; those of the first call with each other,
        and with later ones.
        """
        if not self._results:
            return []
        first, *later = self._results
        given = [(name, x) for each in self._given for name, x in each.items()]
        found = [
            Shared(place, "argument", name)
            for results in self._results
            for place, part in enumerate(results)
            for name, x in given
            if np.shares_memory(part, x)
        ]
        for place, part in enumerate(first):
            others = [(other, x) for results in later for other, x in enumerate(results)]
            found += [Shared(place, "later", other) for other, x in others if np.shares_memory(part, x)]
        for (place, part), (other, another) in combinations(enumerate(first), 2):
            if np.shares_memory(part, another):
                found.append(Shared(place, "result", other))
        return found
