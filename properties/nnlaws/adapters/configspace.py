"""ConfigSpace: UniformFloatHyperparameter, UniformIntegerHyperparameter, sample_configuration, generate_grid.

Both ends of whole numbers are included; on the log scale they are those of as many equal parts of the box, `parts =
equal`. An axis on the scale of 1 − x is one of 1 − x on a log scale, since ConfigSpace has no such scale. Bounds and
the values of configurations are rounded to 13 decimals, and smaller boxes refused: so its maps, to_value and to_vector,
are not offered.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from ConfigSpace.util import generate_grid
from nnlaws_reference.dtypes import Array

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Space

description = (
    f"ConfigSpace {version('ConfigSpace')}: UniformFloatHyperparameter(log=…), UniformIntegerHyperparameter(log=…), "
    "CategoricalHyperparameter(weights=…), sample_configuration, generate_grid"
)
conventions = {"log_integers.parts": "equal"}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(UniformFloatHyperparameter("x", low, high), size, seed)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(UniformFloatHyperparameter("x", low, high, log=True), size, seed)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(UniformIntegerHyperparameter("x", low, high), size, seed)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(UniformIntegerHyperparameter("x", low, high, log=True), size, seed)


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    return _draws(CategoricalHyperparameter("x", range(len(weights)), weights=weights.tolist()), size, seed).astype(int)


def grid_search(space: Space, *, per_axis: int) -> Array:
    return _points(space, generate_grid(_space(space), {name: per_axis for name, _, _, _ in space}))


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    axes = _space(space, seed)
    return _points(space, [axes.sample_configuration() for _ in range(budget)])


def _draws(hyperparameter: Any, size: int, seed: int) -> Array:
    return np.asarray(hyperparameter.sample_value(size=size, seed=np.random.RandomState(seed)))


def _space(space: Space, seed: int | None = None) -> Any:
    axes = [
        UniformIntegerHyperparameter(name, int(low), int(high))
        if scale == "integer"
        else UniformFloatHyperparameter(name, low, high, log=scale == "log")
        for name, low, high, scale in spaces.complemented(space)
    ]
    return ConfigurationSpace(space=axes, seed=seed)


def _points(space: Space, configurations: Iterable[Any]) -> Array:
    return spaces.points(space, [[found[name] for name, _, _, _ in space] for found in configurations])
