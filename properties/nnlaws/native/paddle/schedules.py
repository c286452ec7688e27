"""Schedules of Paddle: a class as its library has it, called as the operations."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, parameters, pick, raised, told


def recognised(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    """The target that a class of schedules is. Raises Unrecognised."""
    there = parameters(kind)
    start, rate, every = (pick(there, word) for word in ("learning_rate", "rate", "every"))
    known = {start, rate, every, *given}
    needed = [name for name, each in there.items() if each.default is inspect.Parameter.empty and name not in known]
    if not start or not rate or needed:
        raise Unrecognised(f"its parameters are {', '.join(there)}; expected learning_rate, gamma, and step_size alone")
    left_to_laws(given, {start, rate, every} - {""})

    def made(initial: float, factor: float, stair: float) -> Any:
        return kind(**{**given, start: initial, rate: factor, **({every: int(stair)} if every else {})})

    def refused(factor: float) -> str:
        try:
            made(1.0, factor, 2.0)
        except Exception as error:
            return raised(error)
        return ""

    if why := refused(0.5):
        raise Unrecognised(f"made with {start} = 1.0 and {rate} = 0.5, it {why}")
    first = np.arange(3.0)
    if all(np.allclose(_walked(made, 1.0, each, 1.0).rates(first), np.exp(-each * first)) for each in (0.5, 0.25)):
        raise Unrecognised(
            f"it falls as the initial rate times e^(-{rate} epoch): the factor of an epoch is e^-{rate}, and no "
            "operation takes its logarithm"
        )

    def decay(epoch: Array, *, initial: float, rate: float) -> Array:
        return _walked(made, initial, rate, 1.0).rates(epoch)

    def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
        return _walked(made, initial, rate, every).rates(epoch)

    operations: dict[str, Callable[..., Array]] = (
        {"staircase_decay": staircase_decay} if every else {"exponential_decay": decay, "inverse_time_decay": decay}
    )
    lines = (f"taken for a schedule: {', '.join(operations)}", *told(given))
    below_one = ("rate",) if refused(1.0) else ()
    return SimpleNamespace(**about, recognised=lines, below_one=below_one, **operations)


class _Schedule:
    """A scheduler that is stepped from epoch 0 to the last one that was ever asked for, and the rates that it had."""

    def __init__(self, made: Callable[..., Any], *numbers: float) -> None:
        self._scheduler, self._seen = made(*numbers), list[float]()

    def rates(self, epoch: Array) -> Array:
        while len(self._seen) <= epoch.max(initial=0):
            self._seen.append(float(self._scheduler()))
            self._scheduler.step()
        return np.asarray(np.array(self._seen)[epoch.astype(int)], epoch.dtype)


_walked = lru_cache(512)(_Schedule)  # a thousand steps take longer than reading them
