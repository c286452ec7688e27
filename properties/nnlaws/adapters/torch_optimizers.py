"""PyTorch's optimizers on CPU: torch.optim, the average of torch.optim.swa_utils, and schedules.

The target `torch` runs them one tensor at a time, as PyTorch does by default on CPU; `foreach` and `fused` are its two
other code paths, `variants` its Nesterov momentum, centred RMSprop and schedules of another kind, and `dampened` its
momentum with dampening = β.
Parameters and state have the arguments' dtype, as in a model moved by `model.to(dtype)`. The rate of a step is set in
the parameter group, as schedulers do; a schedule is stepped from epoch 0 on, in Python floats, and rounded at the end.
OneCycleLR is asked for no step after the last, which it refuses.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn, optim
from torch.optim import lr_scheduler, swa_utils

from nnlaws.native.names import Keywords, insist
from nnlaws.native.torch import schedule
from nnlaws.native.torch.arrays import array, tensor
from nnlaws.native.torch.optimizers import operation
from nnlaws.native.torch.phases import phases
from nnlaws.native.torch.schedules import over_steps

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
    **{f"{name}.arithmetic": "narrow" for name in ("sgd", "adagrad", "amsgrad", "nadam", "radam")},
    "beyond": "periodic",
    "turns": "within",
}
FACTORS = ("one_cycle_schedule.initial", "one_cycle_schedule.peak", "one_cycle_schedule.end")
positive = ("linear_schedule.start", "polynomial_schedule.start", *FACTORS)  # they are factors of each other
below_one = ("one_cycle_schedule.up",)  # then it divides by 0
fixed = {"polynomial_schedule.end": 0.0, "cosine_restarts_schedule.shrink": 1.0}


def _adam(beta1: float, beta2: float, eps: float) -> Keywords:
    return {"betas": (beta1, beta2), "eps": eps}


OPERATIONS: Mapping[str, tuple[type[optim.Optimizer], Callable[..., Keywords]]] = {
    "gradient_descent": (optim.SGD, lambda: {}),
    "momentum": (optim.SGD, lambda beta: {"momentum": beta}),
    "rmsprop": (optim.RMSprop, lambda beta, eps: {"alpha": beta, "eps": eps}),
    "adam": (optim.Adam, _adam),
    "adamw": (optim.AdamW, lambda weight_decay, **more: {**_adam(**more), "weight_decay": weight_decay}),
    "sgd": (
        optim.SGD,
        lambda beta, dampening, weight_decay: {
            "momentum": beta,
            "dampening": dampening,
            "weight_decay": weight_decay,
        },
    ),
    "adagrad": (
        optim.Adagrad,
        lambda eps, initial_accumulator: {"eps": eps, "initial_accumulator_value": initial_accumulator},
    ),
    "amsgrad": (optim.Adam, lambda **options: {**_adam(**options), "amsgrad": True}),
    "nadam": (optim.NAdam, lambda momentum_decay, **more: {**_adam(**more), "momentum_decay": momentum_decay}),
    "radam": (optim.RAdam, _adam),
}


def _operations(*names: str, **path: bool) -> SimpleNamespace:
    """These operations, by optimizers made with the options of one code path."""
    made = {name: operation(name, kind, each, path) for name, (kind, each) in OPERATIONS.items() if name in names}
    return SimpleNamespace(**made)


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


exponential_decay = schedule(
    lr_scheduler.ExponentialLR, {"exponential_decay": lambda rate: {"gamma": rate}}
).exponential_decay
staircase_decay = schedule(
    lr_scheduler.StepLR, {"staircase_decay": lambda rate, every: {"gamma": rate, "step_size": int(every)}}
).staircase_decay
linear_schedule = insist(over_steps(lr_scheduler.LinearLR, {})).linear_schedule
polynomial_schedule = insist(over_steps(lr_scheduler.PolynomialLR, {})).polynomial_schedule
cosine_schedule = insist(over_steps(lr_scheduler.CosineAnnealingLR, {})).cosine_schedule
cosine_restarts_schedule = insist(phases(lr_scheduler.CosineAnnealingWarmRestarts, {})).cosine_restarts_schedule
one_cycle_schedule = insist(phases(lr_scheduler.OneCycleLR, {})).one_cycle_schedule
cyclical_schedule = insist(phases(lr_scheduler.CyclicLR, {})).cyclical_schedule

_one_by_one = _operations(*OPERATIONS, foreach=False)
gradient_descent = _one_by_one.gradient_descent
momentum = _one_by_one.momentum
rmsprop = _one_by_one.rmsprop
adam = _one_by_one.adam
adamw = _one_by_one.adamw
sgd = _one_by_one.sgd
adagrad = _one_by_one.adagrad
amsgrad = _one_by_one.amsgrad
nadam = _one_by_one.nadam
radam = _one_by_one.radam

foreach = _operations(*OPERATIONS, foreach=True)
foreach.description = f"PyTorch {torch.__version__} on CPU: torch.optim SGD, RMSprop, Adam, AdamW, with foreach=True"
foreach.dtypes, foreach.conventions = DTYPES, conventions
fused = _operations("gradient_descent", "momentum", "adam", "adamw", fused=True)
fused.description = f"PyTorch {torch.__version__} on CPU: torch.optim SGD, Adam, AdamW, with fused=True"
fused.dtypes, fused.conventions = DTYPES, {"velocity": "heavy_ball", "state": "narrow"}


def _nesterov(beta: float) -> Keywords:
    """PyTorch refuses nesterov=True with momentum 0, where it would change nothing."""
    return {"momentum": beta, "nesterov": beta > 0}


variants = SimpleNamespace(
    description=(
        f"PyTorch {torch.__version__} on CPU: torch.optim SGD with nesterov=True, RMSprop with centered=True; "
        "OneCycleLR of lines in three phases, CyclicLR with mode=exp_range"
    ),
    dtypes=DTYPES,
    conventions={
        "velocity": "heavy_ball",
        "lookahead": "nesterov",
        "second_moment": "centred",
        "momentum.arithmetic": "narrow",
        "rmsprop.arithmetic": "narrow",
        "turns": "within",
        "anneal": "line",
        "phases": "three",
        "shrinks": "every_step",
    },
    positive=FACTORS,
    below_one=below_one,
    one_cycle_schedule=insist(
        phases(lr_scheduler.OneCycleLR, {"anneal_strategy": "linear", "three_phase": True})
    ).one_cycle_schedule,
    cyclical_schedule=insist(phases(lr_scheduler.CyclicLR, {"mode": "exp_range"})).cyclical_schedule,
    momentum=operation("momentum", optim.SGD, _nesterov, {"foreach": False}),
    rmsprop=operation("rmsprop", optim.RMSprop, OPERATIONS["rmsprop"][1], {"foreach": False, "centered": True}),
)
dampened = SimpleNamespace(
    description=f"PyTorch {torch.__version__} on CPU: torch.optim.SGD with dampening = momentum",
    dtypes=DTYPES,
    conventions={"velocity": "dampened", "arithmetic": "narrow"},
    momentum=operation("momentum", optim.SGD, lambda beta: {"momentum": beta, "dampening": beta}, {"foreach": False}),
)
