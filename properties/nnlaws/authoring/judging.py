"""The two ways to judge a chapter's operations: by how far rounding may carry a result, or by what chance allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from nnlaws.authoring.case import Boundary, Builder, Range, Strategy
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Subject

Draws: TypeAlias = Callable[[Operation], tuple[Builder, Strategy]]
"""Of an operation, the inputs of a case and the cases."""


class Unusual(NamedTuple):
    """Inputs of these families that are no ordinary numbers, and the cases of them that come in every run."""

    families: tuple[str, ...]
    build: Builder
    cases: Boundary


@dataclass(frozen=True)
class Rounding:
    """By rounding: a result is compared with the exact one, on arrays that Hypothesis draws and shrinks, in any dtype.

    families: of its inputs, simplest first. levels: their k where a cause is sought. probe: the name of the law whose
    inputs are of every size, by which causes are told apart; far: k of these besides, between the levels, at which
    mistakes part that are alike at those. samples, columns: how many its laws draw that are about
    any number of them. ordinary, extreme: inputs for the laws of the contract; unusual: such as its operations have to
    bear besides, where there are any. stay_finite: how its results do so.
    ends: of options, the ends of what they may be, where there is little to compute, and a shortcut to take.
    shown: the fewest columns that a failure is shown with, where it fails with so many too: one class says little.
    """

    families: tuple[str, ...]
    levels: tuple[int, ...]
    probe: str
    ordinary: Draws
    extreme: Draws
    stay_finite: str
    samples: Range = (1, 4)
    columns: Range = (1, 8)
    unusual: Callable[[Operation], Unusual] | None = None
    far: tuple[int, ...] = ()
    ends: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    shown: int = 1

    limit = "bound"
    """What the worst ratio of a result is a part of."""

    def dtypes(self, wanted: tuple[str, ...], declared: tuple[str, ...]) -> tuple[str, ...]:
        """Those to judge in: what is asked for, else what the target declares."""
        return wanted or declared


@dataclass(frozen=True)
class Chance:
    """By chance: what is drawn is held to its distribution, by tests that share one probability of a false alarm.

    Hyperparameters are doubles, so it is judged in float64 alone, by the trials of each law. exercise: makes one call
    as the laws do, `exercise(subject, operation, **options)`. alike: of operations whose results differ from seed to
    seed, whether two subjects draw alike, `alike(subject, other, options)`; results of the others have to be equal.
    grows: whether a case's m is a number of draws, of which a thorough profile makes more. given_arrays: the operations
    that are given arrays, and might write to them.
    """

    exercise: Callable[..., object]
    alike: Mapping[str, Callable[[Subject, Subject, dict[str, Any]], bool]] = field(default_factory=dict[str, Any])
    grows: bool = False
    given_arrays: tuple[str, ...] = ()

    limit = "rejection threshold"

    def dtypes(self, wanted: tuple[str, ...], declared: tuple[str, ...]) -> tuple[str, ...]:
        """Doubles, unless something else is asked for."""
        return tuple(dtype for dtype in ("float64",) if not wanted or dtype in wanted)


Judging: TypeAlias = Rounding | Chance
