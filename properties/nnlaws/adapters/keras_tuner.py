"""Keras Tuner: Float and Int, which includes both ends, and the values that RandomSearchOracle populates trials with.

sampling="reverse_log" is another law than that of 1 − x on a log scale: `complement = reverse_log`. So in a search, an
axis on the scale of 1 − x is 1 − x with sampling="log". The oracle refuses to repeat the points of trials that were
started; none is here. Keras, which it imports, runs by the backend that the variable KERAS_BACKEND names, or PyTorch.
"""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Float
from nnlaws_reference.dtypes import Array

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Space

description = (
    f"Keras Tuner {keras_tuner.__version__}: Float(sampling=log, reverse_log), Int; oracles.RandomSearchOracle"
)
dtypes = ("float64",)
conventions = {"complement": "reverse_log", "box": "rounded"}


def log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return _each(Float("x", low, high, sampling="log").prob_to_value, u)


def log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return _each(Float("x", low, high, sampling="log").value_to_prob, x)


def one_minus_log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return _each(Float("x", low, high, sampling="reverse_log").prob_to_value, u)


def one_minus_log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return _each(Float("x", low, high, sampling="reverse_log").value_to_prob, x)


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _populated((("x", low, high, "linear"),), size, seed)[:, 0]


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _populated((("x", low, high, "log"),), size, seed)[:, 0]


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _populated((("x", low, high, "reverse_log"),), size, seed)[:, 0]


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _populated((("x", low, high, "integer"),), size, seed)[:, 0]


def quantised_uniform(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return _values(lambda names: names.Float("x", low, high, step=step), size, seed)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _values(lambda names: names.Int("x", low, high, sampling="log"), size, seed)


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    return spaces.points(space, _populated(spaces.complemented(space), budget, seed))


def _populated(space: Space, count: int, seed: int) -> Array:
    names = keras_tuner.HyperParameters()
    for name, low, high, scale in space:
        if scale == "integer":
            names.Int(name, int(low), int(high))
        else:
            names.Float(name, low, high, sampling=scale)
    oracle = keras_tuner.oracles.RandomSearchOracle(hyperparameters=names, seed=seed, max_trials=count)
    trials = [oracle.populate_space(str(number))["values"] for number in range(count)]
    return np.array([[trial[name] for name, _, _, _ in space] for trial in trials], dtype=np.float64)


def _values(add: Callable[[Any], object], count: int, seed: int) -> Array:
    names = keras_tuner.HyperParameters()
    add(names)
    oracle = keras_tuner.oracles.RandomSearchOracle(hyperparameters=names, seed=seed, max_trials=count)
    return np.array([oracle.populate_space(str(number))["values"]["x"] for number in range(count)], dtype=np.float64)


def _each(function: Callable[[float], Any], numbers: Array) -> Array:
    return np.array([function(number) for number in numbers.tolist()], dtype=np.float64)
