"""Hyperopt: hp.uniform, hp.loguniform (whose bounds are logarithms), hp.randint, sampled; and fmin by rand.suggest.

hp.randint leaves its upper bound out; the target `uniformint` is hp.uniformint, which includes it. Hyperopt samples and
searches the expression `1 - hp.loguniform(…)`. hp.quniform and hp.qloguniform round to multiples of q.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import hyperopt
import numpy as np
from hyperopt import hp
from hyperopt.pyll import stochastic
from nnlaws_reference.dtypes import Array

from nnlaws.chapters.search.operations import Objective, Space, Trials

description = (
    f"Hyperopt {hyperopt.__version__}: hp.uniform, hp.loguniform(log, log), 1 - hp.loguniform, hp.randint, "
    "hp.quniform, hp.qloguniform, hp.pchoice; fmin by rand.suggest"
)
conventions = {
    "sample_integer.bounds": "half_open",
    "quantised_uniform.ends": "half",
    "log_integers.parts": "within",
}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(hp.uniform("x", low, high), size, seed)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(_log_uniform("x", low, high), size, seed)


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(1 - _log_uniform("x", 1 - high, 1 - low), size, seed)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(hp.randint("x", low, high), size, seed)


def quantised_uniform(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    return _draws(hp.quniform("x", low, high, step), size, seed)


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(hp.qloguniform("x", np.log(low), np.log(high), 1), size, seed)


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    shares = (weights / weights.sum()).tolist()
    return _draws(hp.pchoice("x", [(share, index) for index, share in enumerate(shares)]), size, seed)


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    points, _, _ = caviar(space, lambda _: 0.0, budget=budget, seed=seed)
    return points


def caviar(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    points: list[Array] = []

    def loss(values: tuple[float, ...]) -> float:
        points.append(np.array(values, dtype=np.float64))
        return float(objective(points[-1]))

    trials = hyperopt.Trials()
    hyperopt.fmin(
        loss,
        [_AXIS[scale](name, low, high) for name, low, high, scale in space],
        algo=hyperopt.rand.suggest,
        max_evals=budget,
        trials=trials,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )
    return np.array(points), np.array(trials.losses()), trials.best_trial["tid"]


def _log_uniform(name: str, low: float, high: float) -> Any:
    return hp.loguniform(name, np.log(low), np.log(high))


_AXIS: dict[str, Callable[[str, float, float], Any]] = {
    "linear": hp.uniform,
    "log": _log_uniform,
    "one_minus_log": lambda name, low, high: 1 - _log_uniform(name, 1 - high, 1 - low),
    "integer": lambda name, low, high: hp.randint(name, int(low), int(high) + 1),
}


def _draws(expression: Any, size: int, seed: int) -> Array:
    chances = np.random.default_rng(seed)
    return np.array([stochastic.sample(expression, chances) for _ in range(size)])


def _sample_uniformint(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(hp.uniformint("x", low, high), size, seed)


uniformint = SimpleNamespace(
    description=f"Hyperopt {hyperopt.__version__}: hp.uniformint", sample_integer=_sample_uniformint
)
