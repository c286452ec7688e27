"""Keras on CPU: BatchNormalization and optimizers, by the backend that the variable KERAS_BACKEND names, or PyTorch.

The layer and its variables have the arguments' dtype. Its momentum is the weight of the old statistics, as decay is.
"""

import os
from functools import partial
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras

from nnlaws.adapters import keras_optimizers
from nnlaws.native import keras as native
from nnlaws.native import labels

_BACKEND = native.BACKEND

description = (
    f"Keras {keras.__version__} on {_BACKEND}, CPU: layers.BatchNormalization, its automatic derivative, and optimizers"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "batch_norm_running.arithmetic": "narrow",  # the averages are rounded to the dtype after every batch
    **keras_optimizers.conventions,
}
if _BACKEND == "torch":
    conventions["variance"] = "one_pass"
    conventions["sigmoid_form"] = "cancelling"
positive = keras_optimizers.positive

_layer = native.batch_norm(keras.layers.BatchNormalization)
batch_norm_train = _layer.batch_norm_train
batch_norm_backward = _layer.batch_norm_backward
batch_norm_running = _layer.batch_norm_running
batch_norm_inference = _layer.batch_norm_inference


def _each(z: Any, labels: Any, reduction: str | None = None, **given: Any) -> Any:
    """The loss of class numbers, or, with label smoothing, that of probabilities: Keras has two."""
    more = {"from_logits": True, "reduction": reduction, "dtype": keras.backend.standardize_dtype(z.dtype)}
    if "label_smoothing" not in given:
        ignored = {"ignore_class": given["ignore_index"]} if given else {}
        return keras.losses.SparseCategoricalCrossentropy(**ignored, **more)(labels, z)
    if "ignore_index" in given:
        raise NotImplementedError("the loss with label_smoothing has no ignore_class")
    hot = keras.ops.one_hot(labels, z.shape[-1], dtype=z.dtype)
    return keras.losses.CategoricalCrossentropy(**given, **more)(hot, z)


def _of_sigmoids(z: Any, y: Any) -> Any:
    return keras.ops.binary_crossentropy(y, z, from_logits=True)


_labelled = labels.label_losses(
    native.KIT, _each, partial(_each, reduction="sum_over_batch_size"), ("ignore_index", "label_smoothing")
)
label_losses = _labelled.label_losses
label_losses_gradient = _labelled.label_losses_gradient
label_cross_entropy = _labelled.label_cross_entropy
label_cross_entropy_gradient = _labelled.label_cross_entropy_gradient
_sigmoids = labels.sigmoid_losses(native.KIT, _of_sigmoids)
sigmoid_losses = _sigmoids.sigmoid_losses
sigmoid_losses_gradient = _sigmoids.sigmoid_losses_gradient

exponential_average = keras_optimizers.exponential_average
gradient_descent = keras_optimizers.gradient_descent
momentum = keras_optimizers.momentum
rmsprop = keras_optimizers.rmsprop
adam = keras_optimizers.adam
adamw = keras_optimizers.adamw
inverse_time_decay = keras_optimizers.inverse_time_decay
exponential_decay = keras_optimizers.exponential_decay
staircase_decay = keras_optimizers.staircase_decay
linear_schedule = keras_optimizers.linear_schedule
polynomial_schedule = keras_optimizers.polynomial_schedule
cosine_schedule = keras_optimizers.cosine_schedule
if _BACKEND != "jax":  # which compiles restarts anew for each call, and a warm-up for each step
    cosine_restarts_schedule = keras_optimizers.cosine_restarts_schedule
    warmup_cosine_schedule = keras_optimizers.cosines.warmup_cosine_schedule
