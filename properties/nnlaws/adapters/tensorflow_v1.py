"""TensorFlow's first optimizers, tf.compat.v1.train, in eager mode: gradient descent, momentum, RMSProp, Adam, average.

Variables and state have the arguments' dtype; the rate of a step is asked for through a function, as they allow. A
schedule computes in float32. A state is saved and restored by tf.train.Checkpoint.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.native.driver import Optimizer, stateful, stateless
from nnlaws.native.tensorflow import Made, State, driven_by

tf.config.threading.set_intra_op_parallelism_threads(1)  # the arrays are small: threads would only wait for each other
tf.config.threading.set_inter_op_parallelism_threads(1)

train = tf.compat.v1.train

description = (
    f"TensorFlow {tf.__version__} on CPU, tf.compat.v1.train: GradientDescentOptimizer, MomentumOptimizer, "
    "RMSPropOptimizer, AdamOptimizer, ExponentialMovingAverage, exponential_decay, inverse_time_decay, "
    "polynomial_decay, cosine_decay, cosine_decay_restarts"
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
positive = ("cosine_schedule.start", "cosine_restarts_schedule.start")  # the end is a part of it


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


@stateless
def gradient_descent() -> Optimizer[State]:
    return _optimizer(train.GradientDescentOptimizer)


@stateful
def momentum(*, beta: float) -> Optimizer[State]:
    return _optimizer(train.MomentumOptimizer, momentum=beta)


@stateful
def rmsprop(*, beta: float, eps: float) -> Optimizer[State]:
    return _optimizer(train.RMSPropOptimizer, decay=beta, epsilon=eps)


@stateful
def adam(*, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
    return _optimizer(train.AdamOptimizer, beta1=beta1, beta2=beta2, epsilon=eps)


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(train.inverse_time_decay(initial, epoch.astype(np.int32), 1, rate), epoch)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _rates(train.exponential_decay(initial, epoch.astype(np.int32), 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _rates(train.exponential_decay(initial, epoch.astype(np.int32), int(every), rate, staircase=True), epoch)


def linear_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
    return polynomial_schedule(step, start=start, end=end, steps=steps, power=1.0)


def polynomial_schedule(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
    return _rates(train.polynomial_decay(start, step.astype(np.int32), int(steps), end, power), step)


def cosine_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
    return _rates(train.cosine_decay(start, step.astype(np.int32), int(steps), alpha=end / start), step)


def cosine_restarts_schedule(
    step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
) -> Array:
    factors = {"t_mul": stretch, "m_mul": shrink, "alpha": end / start}
    return _rates(train.cosine_decay_restarts(start, step.astype(np.int32), int(period), **factors), step)


def _optimizer(kind: Callable[..., Any], **options: float) -> Optimizer[State]:
    def make() -> Made:
        rate = {"now": 0.0}
        optimizer = kind(lambda: rate["now"], **options)
        return Made(
            optimizer,
            lambda now: rate.update(now=now),
            lambda gradient, variable: optimizer.apply_gradients([(gradient, variable)]),
        )

    return driven_by(make)


def _rates(schedule: Callable[[], tf.Tensor], epoch: Array) -> Array:
    return np.asarray(schedule().numpy()).astype(epoch.dtype)
