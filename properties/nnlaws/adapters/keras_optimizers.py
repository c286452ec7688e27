"""Keras's optimizers on CPU, by the backend of the module keras: SGD, RMSprop, Adam, AdamW, two schedules and the EMA.

Variables and state have the arguments' dtype; the rate is the optimizer's own variable, of keras.config.floatx(), which
is float32. The average is that of use_ema, fed by a variable that is set to each value in turn and never moved.
"""

from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.adapters.driver import Optimizer, stateful, stateless
from nnlaws.adapters.kept import kept
from nnlaws.adapters.keras_arrays import array, tensor

State = tuple[keras.Variable, keras.optimizers.Optimizer]

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
    nothing = tensor(np.zeros(n, values.dtype))
    for t, value in enumerate(values):
        variable.assign(tensor(value))
        optimizer.apply([nothing])
        averages[t] = array(average)
    return averages


@stateless
def gradient_descent() -> Optimizer[State]:
    return _optimizer("SGD")


@stateful
def momentum(*, beta: float) -> Optimizer[State]:
    return _optimizer("SGD", momentum=beta)


@stateful
def rmsprop(*, beta: float, eps: float) -> Optimizer[State]:
    return _optimizer("RMSprop", rho=beta, epsilon=eps)


@stateful
def adam(*, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
    return _optimizer("Adam", beta_1=beta1, beta_2=beta2, epsilon=eps)


@stateful
def adamw(*, beta1: float, beta2: float, eps: float, weight_decay: float) -> Optimizer[State]:
    return _optimizer("AdamW", beta_1=beta1, beta_2=beta2, epsilon=eps, weight_decay=weight_decay)


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(keras.optimizers.schedules.InverseTimeDecay(initial, 1, rate), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(keras.optimizers.schedules.ExponentialDecay(initial, 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _rates(keras.optimizers.schedules.ExponentialDecay(initial, int(every), rate, staircase=True), epoch)


def _optimizer(name: str, **options: float) -> Optimizer[State]:
    def init(theta: Array) -> State:
        variable, optimizer = _reset(*_kept(name, len(theta), theta.dtype.name, **options))
        variable.assign(tensor(theta))
        return variable, optimizer

    def restored(state: State) -> State:
        """A new optimizer with the variables that the old one saved."""
        theta, saved = array(state[0]), dict[str, Array]()
        state[1].save_own_variables(saved)
        variable, optimizer = _new(name, len(theta), theta.dtype.name, **options)
        variable.assign(tensor(theta))
        optimizer.load_own_variables(saved)
        return variable, optimizer

    return Optimizer(init, _step, lambda state: array(state[0]), restored)


def _step(state: State, gradient: Array, rate: float) -> State:
    _, optimizer = state
    optimizer.learning_rate = rate
    optimizer.apply([tensor(gradient)])
    return state


def _new(name: str, n: int, dtype: str, **options: Any) -> State:
    variable = keras.Variable(np.zeros(n), dtype=dtype)
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.0, **options)
    optimizer.build([variable])
    return variable, optimizer


_kept = kept(1024)(_new)  # building one takes longer than its first steps


def _reset(variable: keras.Variable, optimizer: keras.optimizers.Optimizer) -> State:
    """As if new: all that an optimizer keeps is in its variables, and all of them start from 0."""
    for state in optimizer.variables:
        state.assign(np.zeros(state.shape))
    return variable, optimizer


def _rates(schedule: keras.optimizers.schedules.LearningRateSchedule, epoch: Array) -> Array:
    return array(schedule(keras.ops.convert_to_tensor(epoch.astype(np.int32)))).astype(epoch.dtype)
