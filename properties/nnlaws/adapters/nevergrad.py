"""Nevergrad: p.Scalar and p.Log between two bounds, sampled, and the optimizer RandomSearch.

Whole numbers are p.Scalar(…).set_integer_casting(), both ends included. An axis on the scale of 1 − x is 1 − x with
p.Log, since Nevergrad has no such scale. Whole numbers on the log scale are rounded, `parts = within`.
"""

from collections.abc import Callable
from typing import Any

import nevergrad
import numpy as np
from nevergrad import p
from nnlaws_reference.dtypes import Array

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Space

description = (
    f"Nevergrad {nevergrad.__version__}: p.Scalar, p.Log, set_integer_casting; optimizers.RandomSearch, LHSSearch"
)
conventions = {"log_integers.parts": "within"}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(_linear(low, high), size, seed)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(_log(low, high), size, seed)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(_integer(low, high), size, seed)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(_log(low, high).set_integer_casting(), size, seed)


def latin_hypercube(*, size: int, axes: int, seed: int) -> Array:
    cube = p.Array(shape=(axes,), lower=0.0, upper=1.0)
    cube.random_state = np.random.RandomState(seed)
    optimizer = nevergrad.optimizers.LHSSearch(cube, budget=size)
    return np.array([optimizer.ask().value for _ in range(size)])


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    axes = p.Tuple(*(_AXIS[scale](low, high) for _, low, high, scale in spaces.complemented(space)))
    axes.random_state = np.random.RandomState(seed)
    optimizer = nevergrad.optimizers.RandomSearch(axes, budget=budget)
    return spaces.points(space, [optimizer.ask().value for _ in range(budget)])


def _linear(low: float, high: float) -> Any:
    return p.Scalar(lower=low, upper=high)


def _log(low: float, high: float) -> Any:
    return p.Log(lower=low, upper=high)


def _integer(low: float, high: float) -> Any:
    return p.Scalar(lower=low, upper=high).set_integer_casting()


_AXIS: dict[str, Callable[[float, float], Any]] = {"linear": _linear, "log": _log, "integer": _integer}


def _draws(parameter: Any, size: int, seed: int) -> Array:
    parameter.random_state = np.random.RandomState(seed)
    return np.array([parameter.sample().value for _ in range(size)])
