"""Functions and losses of TensorFlow on logits, and their gradients."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.functions import Function, Kit
from nnlaws.native.names import Keywords


def _tensor(x: Array) -> Any:
    return tf.constant(np.array(x), dtype=tf.as_dtype(x.dtype.name))


def _gradient(function: Function, z: Array) -> Array:
    logits = _tensor(z)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        whole = function(logits)
    return np.asarray(tape.gradient(whole, logits).numpy())


KIT = Kit("TensorFlow", _tensor, np.asarray, tf.is_tensor, _gradient, tf.reduce_mean)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function of TensorFlow's tensors; None for whatever else."""
    return functions.of_a_library(KIT, tf.__version__, found, given, settings)
