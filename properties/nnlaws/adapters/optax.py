"""Optax on CPU, under jit: sgd, rmsprop, adam and adamw as they are by default, ema, and its schedules.

The target `variants` has Nesterov momentum, centred RMSprop with its accumulator from 1 and ε outside the root, Adam
with ε inside the root (eps_root), and the one-cycle of lines. Hyperparameters are arguments of the compiled step, which
gives what Python floats would; a state is saved and restored by its leaves.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numpy as np
import optax
from nnlaws_reference.dtypes import Array

from nnlaws.native import optax as native
from nnlaws.native.names import Keywords, insist, parameters
from nnlaws.native.optax_schedules import FACTORS, RESTARTS, THREE_LINES, over_steps, rates

description = f"Optax {optax.__version__} on CPU, jax.jit: sgd, rmsprop, adam, adamw, ema, schedules"
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {"arithmetic": "narrow", "velocity": "heavy_ball", "rmsprop_epsilon": "inside"}
conventions |= {"adagrad_epsilon": "inside", "amsgrad_form": "corrected_maximum"}
conventions |= {"momentum_schedule": "steady", "radam_form": "epsilon_outside"}
positive = ("cosine_schedule.start", "warmup_cosine_schedule.peak", "cosine_restarts_schedule.start", *FACTORS)
"""The other rates are parts of it, or factors of each other."""
fixed = RESTARTS


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = np.empty_like(values)
    make = _corrected if bias_correction else _uncorrected
    state = native.initial(make, {"decay": beta}, np.zeros_like(values[0]))
    for value, average in zip(values, averages, strict=True):
        average[...], state = native.update(make, {"decay": beta}, value, state)
    return averages


def _adam(beta1: float, beta2: float, eps: float) -> Keywords:
    return {"b1": beta1, "b2": beta2, "eps": eps}


def _operation(name: str, make: native.Make, keywords: Callable[..., Keywords]) -> Callable[..., Array]:
    found: Callable[..., Array] = getattr(native.optimizer(make, {name: keywords}), name)
    return found


gradient_descent = _operation("gradient_descent", optax.sgd, dict)
momentum = _operation("momentum", optax.sgd, lambda beta: {"momentum": beta})
rmsprop = _operation("rmsprop", optax.rmsprop, lambda beta, eps: {"decay": beta, "eps": eps})
adam = _operation("adam", optax.adam, _adam)
adamw = _operation("adamw", optax.adamw, lambda weight_decay, **more: {**_adam(**more), "weight_decay": weight_decay})

adagrad = _operation(
    "adagrad",
    optax.adagrad,
    lambda eps, initial_accumulator: {"eps": eps, "initial_accumulator_value": initial_accumulator},
)
amsgrad = _operation("amsgrad", optax.amsgrad, _adam)
nadam = _operation("nadam", optax.nadam, lambda momentum_decay, **more: _adam(**more))
radam = _operation("radam", optax.radam, _adam)
lion = _operation(
    "lion", optax.lion, lambda beta1, beta2, weight_decay: {"b1": beta1, "b2": beta2, "weight_decay": weight_decay}
)

_decay = native.schedule(
    optax.exponential_decay,
    {
        "exponential_decay": lambda initial, rate: {"init_value": initial, "transition_steps": 1, "decay_rate": rate},
        "staircase_decay": lambda initial, rate, every: {
            "init_value": initial,
            "transition_steps": int(every),
            "decay_rate": rate,
            "staircase": True,
        },
    },
)
exponential_decay = _decay.exponential_decay
staircase_decay = _decay.staircase_decay


def _over_steps(make: Callable[..., optax.Schedule]) -> SimpleNamespace:
    return insist(over_steps(make, parameters(make), {}, {}))


linear_schedule = _over_steps(optax.linear_schedule).linear_schedule
polynomial_schedule = _over_steps(optax.polynomial_schedule).polynomial_schedule
cosine_schedule = _over_steps(optax.cosine_decay_schedule).cosine_schedule
warmup_cosine_schedule = _over_steps(optax.warmup_cosine_decay_schedule).warmup_cosine_schedule
cosine_restarts_schedule = _over_steps(optax.sgdr_schedule).cosine_restarts_schedule
one_cycle_schedule = _over_steps(optax.cosine_onecycle_schedule).one_cycle_schedule


def warmup_linear_schedule(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
    up = optax.linear_schedule(0.0, peak, int(warmup))
    down = optax.linear_schedule(peak, end, int(steps - warmup))
    return rates(optax.join_schedules([up, down], [int(warmup)]), step)


def warmup_stable_decay_schedule(
    step: Array, *, peak: float, end: float, warmup: float, stable: float, steps: float
) -> Array:
    up, level = optax.linear_schedule(0.0, peak, int(warmup)), int(warmup + stable)
    down = optax.linear_schedule(peak, end, int(steps) - level)
    parts = [up, optax.constant_schedule(peak), down]
    return rates(optax.join_schedules(parts, [int(warmup), level]), step)


_corrected = partial(optax.ema, debias=True)
_uncorrected = partial(optax.ema, debias=False)
_nesterov = partial(optax.sgd, nesterov=True)
_centred = partial(optax.rmsprop, eps_in_sqrt=False, centered=True, initial_scale=1.0)
_inside = partial(optax.adam, eps=0.0)
_decoupled_inside = partial(optax.adamw, eps=0.0)


def _inside_root(beta1: float, beta2: float, eps: float) -> Keywords:
    return {"b1": beta1, "b2": beta2, "eps_root": eps}


variants = SimpleNamespace(
    description=(
        f"Optax {optax.__version__} on CPU, jax.jit: sgd(nesterov=True), adam and adamw(eps_root), "
        "rmsprop(eps_in_sqrt=False, centered=True, initial_scale=1), linear_onecycle_schedule"
    ),
    dtypes=dtypes,
    conventions={
        "arithmetic": "narrow",
        "velocity": "heavy_ball",
        "lookahead": "nesterov",
        "second_moment": "centred",
        "accumulator": "one",
        "adam_form": "epsilon_inside",
        **THREE_LINES,
    },
    positive=FACTORS,
    one_cycle_schedule=_over_steps(optax.linear_onecycle_schedule).one_cycle_schedule,
    momentum=_operation("momentum", _nesterov, lambda beta: {"momentum": beta}),
    rmsprop=_operation("rmsprop", _centred, lambda beta, eps: {"decay": beta, "eps": eps}),
    adam=_operation("adam", _inside, _inside_root),
    adamw=_operation(
        "adamw",
        _decoupled_inside,
        lambda weight_decay, **more: {**_inside_root(**more), "weight_decay": weight_decay},
    ),
)
