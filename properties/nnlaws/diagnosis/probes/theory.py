"""Theories of what a target returns, and the bench on which they are held to what it does return."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Bounded

APART = 8  # times its tolerance that what a theory says has to be from what is right, to tell one from the other
Options = dict[str, Option]
Arguments = tuple[Array, ...]


@dataclass(frozen=True)
class Said:
    """What one result should be, and how far rounding may carry it. silent: where nothing is said."""

    value: Floats
    within: Floats
    silent: Any = False

    def fits(self, got: Floats) -> Any:
        """Elementwise, whether the target's result may be that."""
        with np.errstate(all="ignore"):
            near = np.abs(got - self.value) <= self.within
        same = (got == self.value) | (np.isnan(got) & np.isnan(self.value))
        return near | same | np.isposinf(self.within) | self.silent

    def misfit(self, got: Floats) -> float:
        """How far the target's result is from that, at worst, in what rounding allows."""
        with np.errstate(all="ignore"):
            off = np.where(self.fits(got), 0.0, np.abs(got - self.value) / self.within)
        return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))


Saying = tuple[Said, ...]
Predict = Callable[[Arguments, Options], Saying]
"""Of the arguments of a batch, and options: what is returned."""


@dataclass(frozen=True)
class Theory:
    """A mistake in the target's place: `predict` says what comes of it.

    name, fault, fix: as of a cause. designed: options under which it can be told from its neighbours, tried on the
    arguments of what is known to be wrong; each replaces some of the options there. reshaped: the same, of arguments.
    """

    name: str
    fault: str
    fix: str
    predict: Predict
    designed: tuple[Options, ...] = ()
    reshaped: tuple[Callable[[Arguments], Arguments], ...] = ()


@dataclass(frozen=True)
class Sample:
    """A batch of calls: arguments with lanes, options, what came back, and what is right."""

    arguments: Arguments
    options: Options
    got: tuple[Floats, ...]
    right: Saying

    @cached_property
    def wrong(self) -> tuple[Any, ...]:
        """Of each result, elementwise, whether it is clearly wrong."""
        return tuple(~said.fits(one) for one, said in zip(self.got, self.right, strict=True))

    @cached_property
    def wrong_lanes(self) -> Any:
        return np.any([_lanes(each) for each in self.wrong], axis=0)

    def lanes(self, chosen: Any) -> "Sample":
        """Those lanes alone."""
        return Sample(
            tuple(a[chosen] for a in self.arguments),
            self.options,
            tuple(one[chosen] for one in self.got),
            tuple(Said(said.value[chosen], said.within[chosen]) for said in self.right),
        )

    def fits(self, saying: Saying) -> bool:
        """Whether all that came back is as it was said; nothing that is wrong may be anything."""
        for said, one, wrong in zip(saying, self.got, self.wrong, strict=True):
            if not np.all(said.fits(one)) or np.any(wrong & np.isposinf(said.within) & ~np.asarray(said.silent)):
                return False
        return True

    def telling(self, saying: Saying) -> Any:
        """The lanes in which what is said is far from what is right, where the target is not right either."""
        found = []
        for said, right, wrong in zip(saying, self.right, self.wrong, strict=True):
            with np.errstate(all="ignore"):
                apart = np.abs(said.value - right.value) > APART * (said.within + right.within)
            odd = ~np.isfinite(said.value)
            found.append(_lanes(wrong & (apart | odd) & ~np.isposinf(said.within) & ~np.asarray(said.silent)))
        return np.any(found, axis=0)


def _lanes(marks: Any) -> Any:
    return marks.any(axis=tuple(range(1, marks.ndim)))


def _nan_kept(said: Said, lanes: Any) -> Said:
    where = np.isnan(said.value) & lanes.reshape(-1, *(1 for _ in said.value.shape[1:]))
    return Said(said.value, np.where(where, 0.0, said.within))


class Unsaid(Exception):
    """A theory cannot say what would be returned: a changed formula raises."""


class Spent(Exception):
    """There was no more time."""


class Bench:
    """Where the target is called, and theories are held to what it returns. Raises Spent after so many
    seconds of work."""

    def __init__(self, subject: GuardedSubject, ruler: Ruler, seconds: float) -> None:
        self.subject = subject
        self.ruler = ruler
        self.until = process_time() + seconds
        self.trust: dict[Any, Any] = {}

    @property
    def operation(self) -> Operation:
        return self.ruler.operation

    def sizes(self, arguments: Arguments) -> dict[str, int]:
        """Of each axis, how long it is, beside the lanes'."""
        each = zip(self.operation.arguments.values(), arguments, strict=True)
        return {dim: size for dims, a in each for dim, size in zip(dims, a.shape[1:], strict=True)}

    @contextmanager
    def sooner(self, share: float) -> Generator[None]:
        """A part of the work that ends when that share of the time that is left would be left; it is broken off then,
        and nothing is raised.
        """
        until = self.until
        self.until -= share * max(until - process_time(), 0)
        try:
            yield
        except Spent:
            pass
        finally:
            self.until = until

    def check_time(self) -> None:
        if process_time() > self.until:
            raise Spent

    def sample(self, arguments: Arguments, options: Options) -> Sample | None:
        """What the target returns for these, or None where it refuses them."""
        self.check_time()
        try:
            got = self.subject.results(*arguments, **options)
        except TargetFault:
            return None
        return self.seen(arguments, options, got)

    def seen(self, arguments: Arguments, options: Options, got: tuple[Floats, ...]) -> Sample | None:
        if not all(argument.size for argument in arguments):
            return None
        own = self.operation.given(options)
        try:
            right = self.allowed(self.ruler.bounds(*arguments, **own))
        except (ArithmeticError, ValueError):  # arguments that do not go with such options
            return None
        odd = np.any([np.isnan(a.astype(np.float64)).reshape(len(a), -1).any(axis=1) for a in arguments], axis=0)
        if odd.any():  # NaN in, NaN out, where the formula has it
            right = tuple(_nan_kept(said, odd) for said in right)
        return Sample(arguments, own, got, right)

    def allowed(self, bounds: Sequence[Bounded]) -> Saying:
        """The bounds of the exact results as what is said; with room for the errors of the bounds' own values."""
        largest, wide = self.ruler.format.largest, self.ruler.format.digits >= 53
        said = []
        for bound in bounds:
            with np.errstate(all="ignore"):
                within = bound.error * (2 if wide else 1.0001) + self.ruler.format.tiny
                beyond = np.abs(bound.value) + within > largest
            said.append(Said(bound.value, np.where(beyond | np.isnan(bound.value), np.inf, within)))
        return tuple(said)

    def of_arguments(self, wide: tuple[Floats, ...], options: Options, ruler: Ruler | None = None) -> Saying:
        """What a right target returns for these arguments, rounded to its format before or not at all."""
        ruler, dtype = ruler or self.ruler, self.ruler.format.dtype
        with np.errstate(all="ignore"):
            narrow = tuple(np.asarray(a, dtype=np.float64).astype(dtype) for a in wide)
        said = self.allowed(ruler.bounds(*narrow, **options))
        if all(np.array_equal(n.astype(np.float64), w, equal_nan=True) for n, w in zip(narrow, wide, strict=True)):
            return said
        exact = ruler.bounds(*(np.asarray(w, dtype=np.float64) for w in wide), **options)
        with np.errstate(all="ignore"):
            return tuple(
                Said(one.value, each.within + 2 * np.nan_to_num(np.abs(one.value - each.value), nan=np.inf) + one.error)
                for one, each in zip(exact, said, strict=True)
            )

    def holds(self, theory: Theory, samples: Iterable[Sample]) -> tuple[bool, int]:
        """Whether the theory says all that came back, and in how many lanes it tells."""
        telling = 0
        for sample in samples:
            self.check_time()
            try:
                saying = theory.predict(sample.arguments, sample.options)
            except (Unsaid, ArithmeticError, ValueError, TypeError, IndexError, KeyError):
                return False, 0
            if not sample.fits(saying):
                return False, telling
            telling += int(sample.telling(saying).sum())
        return True, telling
