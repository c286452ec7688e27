"""Ray Tune: tune.uniform, tune.loguniform, tune.randint, which leaves its upper bound out, and its search over a space.

The search is generate_variants, with which Tune's default, BasicVariantGenerator, makes trials of a space, given a
generator as there. Grids are given their values. An axis on the scale of 1 − x is 1 − x with tune.loguniform, since
Tune has no such scale. tune.quniform rounds to multiples of q, and tune.lograndint leaves its upper bound out.
"""

from typing import Any

import numpy as np
import ray
from nnlaws_reference.dtypes import Array
from ray import tune
from ray.tune.search.variant_generator import generate_variants

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Space

description = f"Ray {ray.__version__}: tune.uniform, loguniform, randint, quniform, lograndint, grid_search"
conventions = {"sample_integer.bounds": "half_open", "quantised_uniform.ends": "half"}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(tune.uniform(low, high), size, seed)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(tune.loguniform(low, high), size, seed)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(tune.randint(low, high), size, seed)


def quantised_uniform(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return _draws(tune.quniform(low, high, step), size, seed)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(tune.lograndint(low, high + 1), size, seed)


def grid_search(space: Space, *, per_axis: int) -> Array:
    axes = {name: tune.grid_search(values) for name, values in spaces.ticks(space, per_axis).items()}
    return _points(space, [found for _, found in generate_variants(axes)])


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    axes = {name: _axis(low, high, scale) for name, low, high, scale in spaces.complemented(space)}
    chances = np.random.default_rng(seed)
    return _points(space, [found for _ in range(budget) for _, found in generate_variants(axes, random_state=chances)])


def _axis(low: float, high: float, scale: str) -> Any:
    if scale == "integer":
        return tune.randint(int(low), int(high) + 1)
    return tune.loguniform(low, high) if scale == "log" else tune.uniform(low, high)


def _draws(domain: Any, size: int, seed: int) -> Array:
    return np.atleast_1d(domain.sample(size=size, random_state=seed))  # one draw comes as a number


def _points(space: Space, found: list[Any]) -> Array:
    return spaces.points(space, [[variant[name] for name, _, _, _ in space] for variant in found])
