"""Keras's optimizers on CPU, by the backend of the module keras: SGD, RMSprop, Adam, AdamW, two schedules and the EMA.

Variables and state have the arguments' dtype; the rate is the optimizer's own variable, of keras.config.floatx(), which
is float32. The average is that of use_ema, fed by a variable that is set to each value in turn and never moved.
"""

from functools import lru_cache
from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Option

_NARROW = ("exponential_average", "gradient_descent", "momentum", "rmsprop", "adam", "adamw")
_WORKING = ("exponential_average", "adam", "adamw", "exponential_decay", "staircase_decay")

conventions = {
    "average_start": "first_value",
    "velocity": "rate_inside",
    "rmsprop_epsilon": "inside",
    "adam_form": "epsilon_hat",
    **{f"{operation}.arithmetic": "narrow" for operation in _NARROW},
    **{f"{operation}.hyperparameters": "working" for operation in _WORKING},
}


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = np.empty_like(values)
    n, dtype = values.shape[1], values.dtype.name
    variable, optimizer = _reset(*_kept("SGD", n, dtype, use_ema=True, ema_momentum=beta))
    (average,) = (state for state in optimizer.variables if state.path.endswith("average"))
    nothing = _tensor(np.zeros(n, values.dtype))
    for t, value in enumerate(values):
        variable.assign(_tensor(value))
        optimizer.apply([nothing])
        averages[t] = _array(average)
    return averages


def gradient_descent(theta: Array, grads: Array, *, learning_rate: Option) -> Array:
    return _trajectory("SGD", theta, grads, learning_rate)


def momentum(theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None) -> Array:
    return _trajectory("SGD", theta, grads, learning_rate, save_at, momentum=beta)


def rmsprop(
    theta: Array, grads: Array, *, learning_rate: Option, beta: float, eps: float, save_at: int | None = None
) -> Array:
    return _trajectory("RMSprop", theta, grads, learning_rate, save_at, rho=beta, epsilon=eps)


def adam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    return _trajectory("Adam", theta, grads, learning_rate, save_at, beta_1=beta1, beta_2=beta2, epsilon=eps)


def adamw(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    options = {"beta_1": beta1, "beta_2": beta2, "epsilon": eps, "weight_decay": weight_decay}
    return _trajectory("AdamW", theta, grads, learning_rate, save_at, **options)


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(keras.optimizers.schedules.InverseTimeDecay(initial, 1, rate), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(keras.optimizers.schedules.ExponentialDecay(initial, 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _rates(keras.optimizers.schedules.ExponentialDecay(initial, int(every), rate, staircase=True), epoch)


def _trajectory(
    name: str, theta: Array, grads: Array, learning_rate: Option, save_at: int | None = None, **options: float
) -> Array:
    """One step for each gradient; after `save_at` steps, a new optimizer with the variables that the old one saved."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    iterates = np.empty_like(grads)
    n, dtype = grads.shape[1], grads.dtype.name
    variable, optimizer = _reset(*_kept(name, n, dtype, **options))
    variable.assign(_tensor(theta))
    for t, (gradient, rate) in enumerate(zip(grads, rates, strict=True)):
        if t == save_at:
            saved: dict[str, Array] = {}
            optimizer.save_own_variables(saved)
            variable, optimizer = _new(name, n, dtype, **options)
            variable.assign(_tensor(iterates[t - 1]))
            optimizer.load_own_variables(saved)
        optimizer.learning_rate = rate
        optimizer.apply([_tensor(gradient)])
        iterates[t] = _array(variable)
    return iterates


def _new(name: str, n: int, dtype: str, **options: Any) -> tuple[keras.Variable, keras.optimizers.Optimizer]:
    variable = keras.Variable(np.zeros(n), dtype=dtype)
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.0, **options)
    optimizer.build([variable])
    return variable, optimizer


_kept = lru_cache(maxsize=1024)(_new)  # building one takes longer than its first steps


def _reset(
    variable: keras.Variable, optimizer: keras.optimizers.Optimizer
) -> tuple[keras.Variable, keras.optimizers.Optimizer]:
    """As if new: all that an optimizer keeps is in its variables, and all of them start from 0."""
    for state in optimizer.variables:
        state.assign(np.zeros(state.shape))
    return variable, optimizer


def _rates(schedule: keras.optimizers.schedules.LearningRateSchedule, epoch: Array) -> Array:
    return _array(schedule(keras.ops.convert_to_tensor(epoch.astype(np.int32)))).astype(epoch.dtype)


def _tensor(x: Array) -> Any:
    return keras.ops.convert_to_tensor(np.array(x), dtype=x.dtype.name)


def _array(x: Any) -> Array:
    return np.array(keras.ops.convert_to_numpy(x))  # a copy: the variable will change
