"""Keras 2, which is tf_keras: layers, optimizers, schedules and losses of its kind, called as the operations.

Beside input of a narrow type the layer keeps its variables in float32. The rate is the optimizer's own variable, which
is float32; in the legacy optimizers so are all of the numbers that they are made with.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from nnlaws.native import keras_kind, tensorflow
from nnlaws.native.keras_kind import State
from nnlaws.native.names import Keywords

LEGACY = keras.optimizers.legacy.Optimizer


def _gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    return tensorflow.pulled_back(lambda x: layer(x, training=True), x, (layer.gamma, layer.beta), dout)


def _made(kind: Callable[..., Any], n: int, dtype: str, **options: Any) -> State:
    variable = tf.Variable(np.zeros(n), dtype=dtype)
    made = kind(learning_rate=0.0, **options)
    if isinstance(made, LEGACY):
        made.apply_gradients([(tf.zeros_like(variable), variable)])  # its first step makes its variables
    else:
        made.build([variable])
    return variable, made


KIT = replace(tensorflow.KIT, array=tensorflow.copied)
KERAS = keras_kind.Keras(
    keras,
    (keras.optimizers.Optimizer, LEGACY),
    f"tf_keras {keras.__version__}",
    KIT,
    value=tf.identity,
    gradients=_gradients,
    made=_made,
    states=lambda made: made.variables(),
    apply=lambda made, gradient, variable: made.apply_gradients([(gradient, variable)]),
    hand_on=lambda old, new: new.set_weights([variable.numpy() for variable in old.variables()]),
)
batch_norm = partial(keras_kind.batch_norm, KERAS)
optimizer = partial(keras_kind.optimizer, KERAS)
schedule = partial(keras_kind.schedule, KERAS)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of tf_keras, or a function of its tensors; None for whatever else."""
    return keras_kind.recognise(KERAS, found, given, settings)
