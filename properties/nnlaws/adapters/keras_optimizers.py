"""Keras's optimizers on CPU, by the backend of the module keras: SGD, RMSprop, Adam, AdamW, schedules and the EMA.

Variables and state have the arguments' dtype; the rate is the optimizer's own variable, of keras.config.floatx(), which
is float32. The average is that of use_ema, fed by a variable that is set to each value in turn and never moved.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import keras as native
from nnlaws.native.names import Keywords, insist, parameters

Operation = Callable[..., Array]

_NARROW = ("exponential_average", "gradient_descent", "momentum", "rmsprop", "adam", "adamw")
_DECAYS = ("exponential_decay", "staircase_decay")
_COSINES = ("cosine_schedule", "warmup_cosine_schedule", "cosine_restarts_schedule")
_SCHEDULES = ("linear_schedule", "polynomial_schedule", *_COSINES)
_WORKING = ("exponential_average", "adam", "adamw", *_DECAYS, *_SCHEDULES)

conventions = {
    "average_start": "first_value",
    "velocity": "rate_inside",
    "rmsprop_epsilon": "inside",
    "adam_form": "epsilon_hat",
    **{f"{operation}.arithmetic": "narrow" for operation in _NARROW},
    **{f"{operation}.hyperparameters": "working" for operation in _WORKING},
}
positive = ("cosine_schedule.start", "warmup_cosine_schedule.peak", "cosine_restarts_schedule.start")
"""The end is a part of it."""


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = np.empty_like(values)
    n, dtype = values.shape[1], values.dtype.name
    variable, optimizer = native.reset(*native.built(keras.optimizers.SGD, n, dtype, use_ema=True, ema_momentum=beta))
    (average,) = (state for state in optimizer.variables if state.path.endswith("average"))
    nothing = native.tensor(np.zeros(n, values.dtype))
    for t, value in enumerate(values):
        variable.assign(native.tensor(value))
        optimizer.apply([nothing])
        averages[t] = native.array(average)
    return averages


def _adam(beta1: float, beta2: float, eps: float) -> Keywords:
    return {"beta_1": beta1, "beta_2": beta2, "epsilon": eps}


def _operation(name: str, kind: type[keras.optimizers.Optimizer], keywords: Callable[..., Keywords]) -> Operation:
    found: Operation = getattr(native.optimizer(kind, {name: keywords}), name)
    return found


gradient_descent = _operation("gradient_descent", keras.optimizers.SGD, dict)
momentum = _operation("momentum", keras.optimizers.SGD, lambda beta: {"momentum": beta})
rmsprop = _operation("rmsprop", keras.optimizers.RMSprop, lambda beta, eps: {"rho": beta, "epsilon": eps})
adam = _operation("adam", keras.optimizers.Adam, _adam)
adamw = _operation(
    "adamw", keras.optimizers.AdamW, lambda weight_decay, **more: {**_adam(**more), "weight_decay": weight_decay}
)


def _every_step(initial: float, rate: float) -> Keywords:
    return {"initial_learning_rate": initial, "decay_steps": 1, "decay_rate": rate}


def _stairs(initial: float, rate: float, every: float) -> Keywords:
    return {**_every_step(initial, rate), "decay_steps": int(every), "staircase": True}


_schedules = keras.optimizers.schedules
inverse_time_decay = native.schedule(
    _schedules.InverseTimeDecay, {"inverse_time_decay": _every_step}
).inverse_time_decay
_exponential = native.schedule(
    _schedules.ExponentialDecay, {"exponential_decay": _every_step, "staircase_decay": _stairs}
)
exponential_decay = _exponential.exponential_decay
staircase_decay = _exponential.staircase_decay


def _over_steps(kind: Callable[..., Any]) -> SimpleNamespace:
    return insist(native.over_steps(kind, parameters(kind), {}, {}))


_powers, cosines = _over_steps(_schedules.PolynomialDecay), _over_steps(_schedules.CosineDecay)
linear_schedule = _powers.linear_schedule
polynomial_schedule = _powers.polynomial_schedule
cosine_schedule = cosines.cosine_schedule
if native.BACKEND != "jax":  # which compiles restarts anew for each call
    cosine_restarts_schedule = _over_steps(_schedules.CosineDecayRestarts).cosine_restarts_schedule
