"""Keras on CPU: BatchNormalization and optimizers, by the backend that the variable KERAS_BACKEND names, or PyTorch.

The layer and its variables have the arguments' dtype. Its momentum is the weight of the old statistics, as decay is.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras

from nnlaws.adapters import keras_optimizers
from nnlaws.native import keras as native

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
positive = keras_optimizers.positive

_layer = native.batch_norm(keras.layers.BatchNormalization)
batch_norm_train = _layer.batch_norm_train
batch_norm_backward = _layer.batch_norm_backward
batch_norm_running = _layer.batch_norm_running
batch_norm_inference = _layer.batch_norm_inference

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
