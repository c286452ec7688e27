"""TensorFlow's first optimizers, tf.compat.v1.train, in eager mode: gradient descent, momentum, RMSProp, Adam, average.

Variables and state have the arguments' dtype; the rate of a step is asked for through a function, as they allow. A
schedule computes in float32. A state is saved and restored by tf.train.Checkpoint.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Option

tf.config.threading.set_intra_op_parallelism_threads(1)  # the arrays are small: threads would only wait for each other
tf.config.threading.set_inter_op_parallelism_threads(1)

train = tf.compat.v1.train

description = (
    f"TensorFlow {tf.__version__} on CPU, tf.compat.v1.train: GradientDescentOptimizer, MomentumOptimizer, "
    "RMSPropOptimizer, AdamOptimizer, ExponentialMovingAverage, exponential_decay, inverse_time_decay"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
_NARROW = ("exponential_average", "gradient_descent", "momentum", "rmsprop", "adam")

conventions = {
    **{f"{operation}.arithmetic": "narrow" for operation in _NARROW},
    "hyperparameters": "working",
    "average_start": "first_value",
    "velocity": "heavy_ball",
    "rmsprop_epsilon": "inside",
    "accumulator": "one",
    "adam_form": "epsilon_hat",
}


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    """The average starts at what the variable is when it is first averaged: there is no bias to correct."""
    averages = np.empty_like(values)
    variable = tf.Variable(np.zeros_like(values[0]))
    averager = train.ExponentialMovingAverage(beta)
    for value, average in zip(values, averages, strict=True):
        variable.assign(value)
        averager.apply([variable])
        average[...] = averager.average(variable).numpy()
    return averages


def gradient_descent(theta: Array, grads: Array, *, learning_rate: Option) -> Array:
    return _trajectory(lambda rate: train.GradientDescentOptimizer(rate), theta, grads, learning_rate)


def momentum(theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None) -> Array:
    return _trajectory(lambda rate: train.MomentumOptimizer(rate, beta), theta, grads, learning_rate, save_at)


def rmsprop(
    theta: Array, grads: Array, *, learning_rate: Option, beta: float, eps: float, save_at: int | None = None
) -> Array:
    return _trajectory(
        lambda rate: train.RMSPropOptimizer(rate, beta, epsilon=eps), theta, grads, learning_rate, save_at
    )


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
    return _trajectory(lambda rate: train.AdamOptimizer(rate, beta1, beta2, eps), theta, grads, learning_rate, save_at)


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(train.inverse_time_decay(initial, epoch.astype(np.int32), 1, rate), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(train.exponential_decay(initial, epoch.astype(np.int32), 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _rates(train.exponential_decay(initial, epoch.astype(np.int32), int(every), rate, staircase=True), epoch)


def _trajectory(
    make: Callable[[Callable[[], float]], Any],
    theta: Array,
    grads: Array,
    learning_rate: Option,
    save_at: int | None = None,
) -> Array:
    """One step for each gradient; after `save_at` steps, a new optimizer with what the old one's checkpoint holds."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    iterates = np.empty_like(grads)
    now = {"rate": 0.0}

    def rate() -> float:
        return now["rate"]

    variable, optimizer = tf.Variable(theta), make(rate)
    for t, gradient in enumerate(grads):
        if t == save_at:
            variable, optimizer = _restored(variable, optimizer, tf.Variable(np.zeros_like(theta)), make(rate))
        now["rate"] = rates[t]
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
        iterates[t] = variable.numpy()
    return iterates


def _restored(variable: tf.Variable, optimizer: Any, new: tf.Variable, fresh: Any) -> tuple[tf.Variable, Any]:
    """The new ones with the old ones' state; the fresh optimizer's first step makes the variables to be restored."""
    fresh.apply_gradients([(tf.zeros_like(new), new)])
    with tempfile.TemporaryDirectory() as folder:
        path = tf.train.Checkpoint(variable=variable, optimizer=optimizer).write(str(Path(folder) / "state"))
        tf.train.Checkpoint(variable=new, optimizer=fresh).read(path).assert_consumed()
    return new, fresh


def _rates(schedule: Callable[[], tf.Tensor], epoch: Array) -> Array:
    return np.asarray(schedule().numpy()).astype(epoch.dtype)
