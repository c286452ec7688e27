"""The ruler: for one operation in one format, the exact result of given arguments and the rounding allowed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import Enclosure, enclose
from numpy.typing import NDArray

from nnlaws.bounds.formats import Format
from nnlaws.bounds.number import Bounded, bounded
from nnlaws.operations import Operation

Floats = NDArray[np.float64]

LOOSEST = {"normalisation": "lse", "arithmetic": "narrow"}
FINENESS = 2.0**-10  # how much smaller than the allowed rounding a ball's radius must be


@dataclass(frozen=True)
class Ruler:
    """What results are held to: the operation, the format, and the conventions that the implementation declares."""

    operation: Operation
    format: Format
    conventions: Mapping[str, str]

    def bound(self, *arguments: Array) -> Bounded:
        """The result as a bounded number: its `error` is the rounding allowed."""
        bound: Bounded = self.operation.bound(*(bounded(a) for a in arguments), self.conventions)
        return bound

    def loose(self, *arguments: Array) -> Bounded:
        """The same under the conventions that admit the most: for laws about structure, not rounding."""
        bound: Bounded = self.operation.bound(*(bounded(a) for a in arguments), LOOSEST)
        return bound

    def measure(self, *arguments: Array) -> tuple[Enclosure, Floats]:
        """The exact result and the allowed |computed − exact|, elementwise."""
        allowed = self.bound(*arguments).error
        return self.exact(self.operation.formula, *arguments, within=allowed, sound=self.operation.reference), allowed

    def exact(
        self, formula: Callable[..., Any], *arguments: Array, within: Floats, sound: Callable[..., Any] | None = None
    ) -> Enclosure:
        """formula(*arguments), enclosed tightly enough to compare with an error of `within`.

        For float64, in balls. For the narrower formats a bounded float64 value is 2^29 times finer than the format
        and a hundred times faster than balls, and as well proven: its error is the enclosure's radius. It is computed
        by `sound`, an algorithm for the formula that does not overflow (default: the formula itself).
        """
        if self.format.digits < 53:
            value: Bounded = (sound or formula)(*(bounded(a.astype(np.float64)) for a in arguments))
            return Enclosure(value.value, np.zeros(value.shape), value.error)
        return enclose(formula, *arguments, within=np.maximum(within, self.format.tiny) * FINENESS)
