"""scikit-learn: ParameterSampler with distributions of scipy.stats, and ParameterGrid, which is given its values.

An axis on the scale of 1 − x is 1 − x with scipy.stats.loguniform, since no distribution to pass has that scale.
"""

from typing import Any

import sklearn
from nnlaws_reference.dtypes import Array
from scipy import stats
from sklearn.model_selection import ParameterGrid, ParameterSampler

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Space

description = f"scikit-learn {sklearn.__version__}: ParameterSampler with scipy.stats, ParameterGrid"


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return random_search((("x", low, high, "linear"),), budget=size, seed=seed)[:, 0]


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return random_search((("x", low, high, "log"),), budget=size, seed=seed)[:, 0]


def grid_search(space: Space, *, per_axis: int) -> Array:
    return _points(space, ParameterGrid(spaces.ticks(space, per_axis)))


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    axes = {name: _axis(low, high, scale) for name, low, high, scale in spaces.complemented(space)}
    return _points(space, ParameterSampler(axes, budget, random_state=seed))


def _axis(low: float, high: float, scale: str) -> Any:
    if scale == "integer":
        return stats.randint(int(low), int(high) + 1)
    return stats.loguniform(low, high) if scale == "log" else stats.uniform(low, high - low)


def _points(space: Space, found: Any) -> Array:
    return spaces.points(space, [[parameters[name] for name, _, _, _ in space] for parameters in found])
