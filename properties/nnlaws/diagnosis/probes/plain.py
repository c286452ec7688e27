"""The formula in long doubles: a quick look at what would come of other arguments or options, many at once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaws.diagnosis.probes.theory import APART, Bench, Said, Sample, Saying
from nnlaws.rounding.formats import Floats, Format

Function = Callable[..., Any]
ROUNDINGS = 16  # allowed besides, of what is said: a changed formula rounds elsewhere


def evaluated(function: Function, arguments: Any, options: dict[str, Any]) -> tuple[Any, ...]:
    """Its results, computed in long doubles."""
    with np.errstate(all="ignore"):
        found = function(*(np.asarray(a, dtype=np.float64).astype(np.longdouble) for a in arguments), **options)
        each = found if isinstance(found, tuple) else (found,)
        return tuple(np.asarray(one, dtype=np.longdouble).astype(np.float64) for one in each)


def about(format: Format, value: Any, right: Said, sound: Any = None) -> Said:
    """The value, with the rounding that is allowed of what is right, in proportion; silent in lanes that are not sound.

    right: of as many lanes, or of one.
    """
    if value.shape[1:] != right.value.shape[1:]:
        raise ValueError("of another shape")
    with np.errstate(all="ignore"):
        scale = np.fmax(1, np.abs(value) / np.maximum(np.abs(right.value), format.tiny))
        scale = np.where(np.isfinite(scale), scale, 1)
        within = 2 * right.within * scale + ROUNDINGS * format.u * np.abs(value)
        silent = np.isfinite(value) & (np.abs(value) > format.largest / 2)
    if sound is not None:
        lanes = sound.reshape(len(sound), -1).all(axis=1)
        silent = silent | ~lanes.reshape(-1, *(1 for _ in value.shape[1:]))
    return Said(value, np.where(np.isfinite(value), within, 0), silent)


class Plain:
    """A wrong lane, and how far what comes of other arguments or options is from it."""

    def __init__(self, bench: Bench, sample: Sample) -> None:
        self.bench, self.sample = bench, sample
        named = {key: v for key, v in bench.ruler.conventions.items() if key in bench.operation.changing}
        self.options: dict[str, Any] = {**sample.options, **named}
        self.wide = tuple(np.asarray(a, dtype=np.float64) for a in sample.arguments)
        self.sound = all(
            bool(np.all(right.fits(value)))
            for value, right in zip(self._found(self.wide, self.options), sample.right, strict=True)
        )

    def _found(self, wide: Any, options: dict[str, Any]) -> tuple[Any, ...]:
        return evaluated(self.bench.operation.formula, wide, options)

    def by_option(self, name: str, values: Any) -> Floats:
        """Of each value of the option, in place of it, the misfit."""
        values = np.asarray(values, dtype=np.float64)
        try:
            wide = [np.repeat(a, len(values), axis=0) for a in self.wide]
            said = self._about(self._found(wide, {**self.options, name: values.astype(np.longdouble)[:, None]}))
        except Exception:  # a formula that takes no arrays there
            return np.array([self.of(name, float(each)) for each in values])
        return self._misfits(said)

    def of(self, name: str, value: Any) -> float:
        """The misfit, with the option as that; infinite, where there are no results."""
        try:
            said = self._about(self._found(self.wide, {**self.options, name: value}))
        except (ArithmeticError, ValueError, TypeError):
            return np.inf
        return float(self._misfits(said)[0])

    def by_argument(self, place: int, changed: Floats) -> Floats:
        """Of each lane in the argument's place, the misfit."""
        many = len(changed)
        wide = [np.repeat(a, many, axis=0) for a in self.wide]
        wide[place] = changed
        try:
            if self.sound:
                return self._misfits(self._about(self._found(wide, self.options)))
            return self._misfits(self.bench.of_arguments(tuple(wide), self.sample.options))
        except (ArithmeticError, ValueError, TypeError, IndexError):
            return np.full(many, np.inf)

    def by_function(self, function: Function, many: int) -> Floats:
        """Of another formula, whose lanes may be of so many kinds, the misfit of each."""
        wide = [np.repeat(a, many, axis=0) for a in self.wide]
        return self._misfits(self._about(evaluated(function, wide, self.options)))

    def _about(self, found: tuple[Any, ...]) -> Saying:
        format = self.bench.ruler.format
        return tuple(about(format, value, right) for value, right in zip(found, self.sample.right, strict=True))

    def _misfits(self, said: Saying) -> Floats:
        """Lane by lane; infinite, where what is said would be anything, or right."""
        scores, tells = np.zeros(1), np.zeros(1, dtype=bool)
        for one, got, right, wrong in zip(said, self.sample.got, self.sample.right, self.sample.wrong, strict=True):
            many = len(one.value)
            with np.errstate(all="ignore"):
                off = np.where(one.fits(got), 0.0, np.abs(got - one.value) / one.within)
                off = np.where(np.isnan(off) | (wrong & np.isposinf(one.within)), np.inf, off)
                apart = (np.abs(one.value - right.value) > APART * (one.within + right.within)) & wrong
                odd = ~np.isfinite(one.value) & wrong
            scores = np.maximum(scores, off.reshape(many, -1).max(axis=1, initial=0.0))
            tells = tells | (apart | odd).reshape(many, -1).any(axis=1)
        return np.where((scores <= 1) & ~tells, np.inf, scores)
