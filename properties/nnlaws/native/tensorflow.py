"""Functions and losses of TensorFlow on logits, and their gradients; optimizers that keep their state in variables."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.driver import Optimizer
from nnlaws.native.functions import Function, Kit
from nnlaws.native.names import Keywords


def _tensor(x: Array) -> Any:
    return tf.constant(np.array(x), dtype=tf.as_dtype(x.dtype.name))


def copied(x: Any) -> Array:
    """A copy of a tensor or a variable, for layers and optimizers that are used again."""
    return np.array(x.numpy())


def _gradient(function: Function, z: Array) -> Array:
    logits = _tensor(z)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        whole = function(logits)
    return np.asarray(tape.gradient(whole, logits).numpy())


def pulled_back(function: Function, x: Any, learnt: tuple[Any, ...], dout: Any) -> tuple[Any, ...]:
    """The gradients in x, and in variables that it is computed with, of what a function gives of x."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = function(x)
    return tuple(tape.gradient(out, (x, *learnt), output_gradients=dout))


class Made(NamedTuple):
    """An optimizer; what sets its rate; and what applies a gradient to a variable."""

    optimizer: Any
    set_rate: Callable[[float], Any]
    apply: Callable[[Any, Any], Any]


State = tuple[tf.Variable, Made]


def driven_by(make: Callable[[], Made]) -> Optimizer[State]:
    """The optimizer that `make` makes, whose state tf.train.Checkpoint saves."""

    def init(theta: Array) -> State:
        return tf.Variable(theta), make()

    def step(state: State, gradient: Array, rate: float) -> State:
        variable, made = state
        made.set_rate(rate)
        made.apply(_tensor(gradient), variable)
        return state

    def restored(state: State) -> State:
        """A new optimizer with what the old one's checkpoint holds; its first step makes the variables to restore."""
        nothing = np.zeros_like(state[0].numpy())
        new = step(init(nothing), nothing, 0.0)
        with tempfile.TemporaryDirectory() as folder:
            path = _checkpoint(state).write(str(Path(folder) / "state"))
            _checkpoint(new).read(path).assert_consumed()
        return new

    return Optimizer(init, step, lambda state: copied(state[0]), restored)


def _checkpoint(state: State) -> Any:
    variable, made = state
    return tf.train.Checkpoint(variable=variable, optimizer=made.optimizer)


def _array(x: Any) -> Array:
    """Of a number in bfloat16 there is no array but by way of NumPy's scalar."""
    return np.asarray(x.numpy())


KIT = Kit("TensorFlow", _tensor, _array, tf.is_tensor, _gradient, tf.reduce_mean, tf.reduce_sum)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function of TensorFlow's tensors; None for whatever else."""
    return functions.of_a_library(KIT, tf.__version__, found, given, settings)
