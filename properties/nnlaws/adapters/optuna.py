"""Optuna: RandomSampler, GridSampler and a study's trials; suggest_int includes both ends.

Steps are low + k step, both ends included, and whole numbers on the log scale `parts = around`. QMCSampler draws the
first trial of a study at random, as it says: the points are those of the trials after it. GridSampler is given its
values. An axis on the scale of 1 − x is suggested as 1 − x on a log scale, since Optuna has no such scale.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from nnlaws_reference.dtypes import Array

from nnlaws.adapters import spaces
from nnlaws.chapters.search.operations import Axis, Objective, Space, Trials

optuna.logging.set_verbosity(optuna.logging.ERROR)

description = (
    f"Optuna {optuna.__version__}: RandomSampler, GridSampler, QMCSampler; suggest_float, suggest_int, Study.optimize"
)
conventions = {"log_integers.parts": "around"}


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(("x", low, high, "linear"), size, seed)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _draws(("x", low, high, "log"), size, seed)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _draws(("x", low, high, "integer"), size, seed)


def quantised_uniform(low: float, high: float, *, step: float, size: int, seed: int) -> Array:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return np.array([study.ask().suggest_float("x", low, high, step=step) for _ in range(size)])


def log_integers(low: int, high: int, *, size: int, seed: int) -> Array:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return np.array([study.ask().suggest_int("x", low, high, log=True) for _ in range(size)], dtype=np.int64)


def sobol(*, size: int, axes: int, seed: int) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.QMCSampler(scramble=True, seed=seed)
    space = tuple((f"x{axis}", 0.0, 1.0, "linear") for axis in range(axes))
    return _asked(space, sampler, size + 1)[1:]


def grid_search(space: Space, *, per_axis: int) -> Array:
    sampler = optuna.samplers.GridSampler(spaces.ticks(space, per_axis), seed=0)
    return _asked(space, sampler, per_axis ** len(space))


def random_search(space: Space, *, budget: int, seed: int) -> Array:
    return _asked(space, optuna.samplers.RandomSampler(seed=seed), budget)


def caviar(space: Space, objective: Objective, *, budget: int, seed: int) -> Trials:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    study.optimize(lambda trial: objective(_point(space, trial)), n_trials=budget)
    rows = [[trial.params[name] for name, _, _, _ in space] for trial in study.trials]
    # of a trial whose loss is NaN Optuna keeps no value, and calls it failed
    losses = [np.nan if trial.value is None else trial.value for trial in study.trials]
    return spaces.points(space, rows), np.array(losses), study.best_trial.number


def _draws(axis: Axis, size: int, seed: int) -> Array:
    return _asked((axis,), optuna.samplers.RandomSampler(seed=seed), size)[:, 0]


def _asked(space: Space, sampler: Any, count: int) -> Array:
    study = optuna.create_study(sampler=sampler)
    return np.array([_point(space, study.ask()) for _ in range(count)])


def _point(space: Space, trial: Any) -> Array:
    row = [_SUGGEST[scale](trial, name, low, high) for name, low, high, scale in spaces.complemented(space)]
    return spaces.points(space, row).reshape(-1)


_SUGGEST: dict[str, Callable[[Any, str, float, float], float]] = {
    "linear": lambda trial, name, low, high: trial.suggest_float(name, low, high),
    "log": lambda trial, name, low, high: trial.suggest_float(name, low, high, log=True),
    "integer": lambda trial, name, low, high: trial.suggest_int(name, int(low), int(high)),
}
