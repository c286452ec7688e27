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

Kind = Callable[..., lr_scheduler.LRScheduler]
Keywords = Callable[..., dict[str, Any]]


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
