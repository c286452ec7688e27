"""PyTorch's optimizers on CPU: torch.optim, the average of torch.optim.swa_utils, and two of its schedules.

The target `torch` runs them one tensor at a time, as PyTorch does by default on CPU; `foreach` and `fused` are its two
other code paths, `variants` its Nesterov momentum and centred RMSprop, and `dampened` its momentum with dampening = β.
Parameters and state have the arguments' dtype, as in a model moved by `model.to(dtype)`. The rate of a step is set in
the parameter group, as schedulers do; a schedule is stepped from epoch 0 on, in Python floats, and rounded at the end.
"""

import io
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn, optim
from torch.optim import lr_scheduler, swa_utils

from nnlaws.adapters.driver import Optimizer, stateful, stateless
from nnlaws.adapters.torch_arrays import array, tensor

DTYPES = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "average_start": "first_value",
    "exponential_average.state": "narrow",
    "velocity": "heavy_ball",
    "gradient_descent.arithmetic": "narrow",
    "momentum.arithmetic": "narrow",
    "rmsprop.arithmetic": "narrow",
    "adam.arithmetic": "narrow",
    "adamw.arithmetic": "narrow",
}


State = tuple[nn.Parameter, optim.Optimizer]


class Optimizers:
    """The operations, by optimizers made with the options of one code path."""

    def __init__(self, **path: bool) -> None:
        self.path = path

    @stateless
    def gradient_descent(self) -> Optimizer[State]:
        return self._optimizer(optim.SGD)

    @stateful
    def momentum(self, *, beta: float) -> Optimizer[State]:
        return self._optimizer(optim.SGD, momentum=beta)

    @stateful
    def nesterov(self, *, beta: float) -> Optimizer[State]:
        """PyTorch refuses nesterov=True with momentum 0, where it would change nothing."""
        return self._optimizer(optim.SGD, momentum=beta, nesterov=beta > 0)

    @stateful
    def dampened(self, *, beta: float) -> Optimizer[State]:
        return self._optimizer(optim.SGD, momentum=beta, dampening=beta)

    @stateful
    def rmsprop(self, *, beta: float, eps: float) -> Optimizer[State]:
        return self._optimizer(optim.RMSprop, alpha=beta, eps=eps)

    @stateful
    def centred(self, *, beta: float, eps: float) -> Optimizer[State]:
        return self._optimizer(optim.RMSprop, alpha=beta, eps=eps, centered=True)

    @stateful
    def adam(self, *, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
        return self._optimizer(optim.Adam, betas=(beta1, beta2), eps=eps)

    @stateful
    def adamw(self, *, beta1: float, beta2: float, eps: float, weight_decay: float) -> Optimizer[State]:
        return self._optimizer(optim.AdamW, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)

    def _optimizer(self, kind: Callable[..., optim.Optimizer], **options: Any) -> Optimizer[State]:
        make = partial(kind, **options, **self.path)
        others = {name: _other(value) for name, value in options.items()}

        def init(theta: Array) -> State:
            parameter = nn.Parameter(tensor(theta))
            return parameter, make([parameter])

        def restored(state: State) -> State:
            """A new optimizer, built with other numbers, with the state that the old one saved: the numbers too."""
            parameter, optimizer = state
            file = io.BytesIO()
            torch.save({"parameter": parameter, "optimizer": optimizer.state_dict()}, file)
            file.seek(0)
            saved = torch.load(file)
            new = make([saved["parameter"]], **others)
            new.load_state_dict(saved["optimizer"])
            return saved["parameter"], new

        return Optimizer(init, _step, lambda state: array(state[0]), restored)


def _other(value: Any) -> Any:
    """Half of a number, or of each."""
    if isinstance(value, tuple):
        return tuple(map(_other, value))  # pyright: ignore[reportUnknownArgumentType]
    return value / 2 if isinstance(value, float) else value


def _step(state: State, gradient: Array, rate: float) -> State:
    parameter, optimizer = state
    optimizer.param_groups[0]["lr"] = rate
    parameter.grad = tensor(gradient)
    optimizer.step()
    return state


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """AveragedModel starts at the first value, so that there is no bias to correct."""
    averages = np.empty_like(values)
    model = nn.Module()
    model.w = nn.Parameter(torch.zeros(values.shape[1:], dtype=tensor(values).dtype))
    averaged = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(beta))
    for value, average in zip(tensor(values), averages, strict=True):
        model.w.data = value
        averaged.update_parameters(model)
        average[...] = array(averaged.module.w)
    return averages


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _schedule(lr_scheduler.ExponentialLR, initial, gamma=rate).rates(epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _schedule(lr_scheduler.StepLR, initial, gamma=rate, step_size=int(every)).rates(epoch)


class _Schedule:
    """A scheduler that is stepped from epoch 0 to the last one that was ever asked for, and the rates that it had."""

    def __init__(self, make: Callable[..., lr_scheduler.LRScheduler], initial: float, **options: float) -> None:
        optimizer = optim.SGD([nn.Parameter(torch.zeros(()))], lr=initial)
        self._scheduler, self._seen = make(optimizer, **options), list[float]()
        optimizer.step()  # the scheduler warns where its optimizer has never been stepped

    def rates(self, epoch: Array) -> Array:
        while len(self._seen) <= epoch.max(initial=0):
            self._seen.append(self._scheduler.get_last_lr()[0])
            self._scheduler.step()
        return np.asarray(np.array(self._seen)[epoch.astype(int)], epoch.dtype)


_schedule = lru_cache(512)(_Schedule)  # PyTorch takes a thousand times as long as others for a thousand steps


_one_by_one = Optimizers(foreach=False)
gradient_descent = _one_by_one.gradient_descent
momentum = _one_by_one.momentum
rmsprop = _one_by_one.rmsprop
adam = _one_by_one.adam
adamw = _one_by_one.adamw

_foreach, _fused = Optimizers(foreach=True), Optimizers(fused=True)

foreach = SimpleNamespace(
    description=f"PyTorch {torch.__version__} on CPU: torch.optim SGD, RMSprop, Adam, AdamW, with foreach=True",
    dtypes=DTYPES,
    conventions=conventions,
    gradient_descent=_foreach.gradient_descent,
    momentum=_foreach.momentum,
    rmsprop=_foreach.rmsprop,
    adam=_foreach.adam,
    adamw=_foreach.adamw,
)
fused = SimpleNamespace(
    description=f"PyTorch {torch.__version__} on CPU: torch.optim SGD, Adam, AdamW, with fused=True",
    dtypes=DTYPES,
    conventions={"velocity": "heavy_ball", "state": "narrow"},
    gradient_descent=_fused.gradient_descent,
    momentum=_fused.momentum,
    adam=_fused.adam,
    adamw=_fused.adamw,
)
variants = SimpleNamespace(
    description=f"PyTorch {torch.__version__} on CPU: torch.optim SGD with nesterov=True, RMSprop with centered=True",
    dtypes=DTYPES,
    conventions={
        "velocity": "heavy_ball",
        "lookahead": "nesterov",
        "second_moment": "centred",
        "arithmetic": "narrow",
    },
    momentum=_one_by_one.nesterov,
    rmsprop=_one_by_one.centred,
)
dampened = SimpleNamespace(
    description=f"PyTorch {torch.__version__} on CPU: torch.optim.SGD with dampening = momentum",
    dtypes=DTYPES,
    conventions={"velocity": "dampened", "arithmetic": "narrow"},
    momentum=_one_by_one.dampened,
)
