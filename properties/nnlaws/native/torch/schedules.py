"""Schedules of PyTorch: a class as its library has it, called as the operations."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn, optim
from torch.optim import lr_scheduler

from nnlaws.native import names

Kind = Callable[..., lr_scheduler.LRScheduler]
Keywords = Callable[..., dict[str, Any]]

OWN = {"optimizer", "last_epoch", "verbose", "start_factor", "end_factor", "total_iters", "power", "T_max", "eta_min"}
HALF = 0.5  # of the first rate: what goes on along the cosine has it again after twice the steps


def schedule(kind: Kind, operations: Mapping[str, Keywords], **declared: Any) -> SimpleNamespace:
    """A target: the operations by `kind(optimizer, …)`, a subclass of LRScheduler that is stepped once an epoch.

    operations: of each, what makes keywords of its options but for `initial`, as in
    {"exponential_decay": lambda rate: {"gamma": rate}}. declared: description, dtypes, conventions.
    """

    def operation(keywords: Keywords) -> Callable[..., Array]:
        def run(epoch: Array, *, initial: float, **options: float) -> Array:
            return rates(kind, initial, epoch, **keywords(**options))

        return run

    return SimpleNamespace(**declared, **{name: operation(each) for name, each in operations.items()})


def rates(kind: Kind, initial: float, step: Array, **options: Any) -> Array:
    """The rates that `kind(optimizer, …)` has at these steps, where the optimizer's own is `initial`."""
    return _schedule(kind, initial, **options).rates(step)


def over_steps(kind: Kind, given: names.Keywords, **declared: Any) -> SimpleNamespace | None:
    """A target: the schedule over a number of steps that the parameters of `kind` are those of; None of others."""
    there = names.parameters(kind)

    def made(schedule: Callable[..., Array], **limits: Any) -> SimpleNamespace:
        lines = (f"taken for a schedule: {schedule.__name__}", *names.told(given))
        alone = there.keys() <= OWN  # else what more it has may make another schedule of it
        return SimpleNamespace(recognised=lines, insisted=alone, **declared, **limits, **{schedule.__name__: schedule})

    def linear_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
        """Both ends are factors of a rate, of at most 1."""
        rate = max(start, end)
        factors = {"start_factor": start / rate, "end_factor": end / rate}
        return rates(kind, rate, step, **given, **factors, total_iters=int(steps))

    def polynomial_schedule(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
        return rates(kind, start, step, **given, total_iters=int(steps), power=power)

    def cosine_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
        return rates(kind, start, step, **given, T_max=int(steps), eta_min=end)

    if {"start_factor", "end_factor", "total_iters"} <= there.keys():
        names.left_to_laws(given, {"start_factor", "end_factor", "total_iters"})
        return made(linear_schedule, positive=("linear_schedule.start",))
    if {"total_iters", "power"} <= there.keys():
        names.left_to_laws(given, {"total_iters", "power"})
        return made(
            polynomial_schedule, positive=("polynomial_schedule.start",), fixed={"polynomial_schedule.end": 0.0}
        )
    if {"T_max", "eta_min"} <= there.keys():
        names.left_to_laws(given, {"T_max", "eta_min"})
        again = cosine_schedule(np.array([8.0]), start=1.0, end=0.0, steps=4.0)[0] > HALF
        return made(cosine_schedule, conventions={"beyond": "periodic"} if again else {})
    return None


class _Schedule:
    """A scheduler that is stepped from epoch 0 to the last one that was ever asked for, and the rates that it had."""

    def __init__(self, make: Kind, initial: float, **options: Any) -> None:
        optimizer = optim.SGD([nn.Parameter(torch.zeros(()))], lr=initial)
        self._scheduler, self._seen = make(optimizer, **options), list[float]()
        optimizer.step()  # the scheduler warns where its optimizer has never been stepped

    def rates(self, epoch: Array) -> Array:
        while len(self._seen) <= epoch.max(initial=0):
            self._seen.append(float(self._scheduler.get_last_lr()[0]))
            self._scheduler.step()
        return np.asarray(np.array(self._seen)[epoch.astype(int)], epoch.dtype)


_schedule = lru_cache(512)(_Schedule)  # PyTorch takes a thousand times as long as others for a thousand steps
