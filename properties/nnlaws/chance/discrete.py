"""The law of a draw that has finitely many values: where draws lie on [0, 1], and where mistaken ones would."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from nnlaws.chance.eprocesses import STEEPEST, Density
from nnlaws.chance.martingale import GRAIN
from nnlaws.rounding.formats import Floats

MANY = 1 << 12
"""Of more values than that no usual mistake in the chances of single ones would show, and they are not listed."""


@dataclass(frozen=True)
class Discrete:
    """Values numbered 0 … count − 1. below: of k from 0 to count, the chance of a number less than k.

    grain: how far a sound sampler may be off in that, by the coarseness of its uniform numbers and by rounding.
    """

    count: int
    below: Callable[[Floats], Floats]
    grain: float = GRAIN

    @property
    def ends(self) -> Floats:
        """Where on [0, 1] each value's part begins, and the last one's ends."""
        return np.asarray(self.below(np.arange(self.count + 1.0)))

    @property
    def shares(self) -> Floats:
        """How likely each value is."""
        return np.diff(self.ends)

    def uniform(self, k: Floats, random: np.random.Generator) -> Floats:
        """Numbers that are uniform on [0, 1] and independent exactly if the numbers k are drawn as they should be: each
        stands for its part of [0, 1], and its place there is drawn, too.
        """
        low, high = np.asarray(self.below(k)), np.asarray(self.below(k + 1))
        return np.asarray(np.clip(low + random.random(k.shape) * (high - low), 0.0, 1.0))

    def likely(self, k: Floats) -> Floats:
        """How likely each of these is."""
        return np.asarray(self.below(k + 1) - self.below(k))

    def mistaken(self, others: Iterable["Discrete"]) -> tuple[Density, ...]:
        """Densities on [0, 1] of draws by other laws on as many values, which are taken for this one's."""
        if self.count > MANY:
            return ()
        ends, shares = self.ends, self.shares
        found: list[Density] = []
        for other in others:
            with np.errstate(all="ignore"):
                ratio = np.where(shares > 0, other.shares / shares, 0.0)
            if ratio.max() + np.abs(np.diff(ratio)).sum() <= STEEPEST:  # of no larger total variation, nor higher
                found.append(partial(_at, ends, ratio))
        return tuple(found)


def _at(ends: Floats, ratio: Floats, u: Floats) -> Floats:
    # of parts without length the last begins where the next one does: to the right of all of them
    return np.asarray(ratio[np.clip(np.searchsorted(ends, u, side="right") - 1, 0, len(ratio) - 1)])
