"""The NumPy reference of this project, judged like any other; and those of the chapters of other packages."""

import pickle
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import nnlaws_reference
import numpy as np
from nnlaws_reference import (
    adam_init,
    adam_update,
    adamw_init,
    adamw_update,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_running,
    batch_norm_train,
    caviar,
    coarse_to_fine,
    cross_entropy,
    cross_entropy_gradient,
    exponential_average,
    exponential_decay,
    gradient_descent,
    grid_search,
    inverse_root_decay,
    inverse_time_decay,
    log_softmax,
    log_uniform_density,
    log_uniform_inverse,
    log_uniform_map,
    momentum_init,
    momentum_update,
    one_minus_log_uniform_density,
    one_minus_log_uniform_inverse,
    one_minus_log_uniform_map,
    panda,
    random_search,
    refine,
    rmsprop_init,
    rmsprop_update,
    sample_integer,
    sample_log_uniform,
    sample_one_minus_log_uniform,
    sample_uniform,
    softmax,
    staircase_decay,
)
from nnlaws_reference.dtypes import Array, working_dtype

__all__ = [
    "adam",
    "adamw",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_norm_train",
    "caviar",
    "coarse_to_fine",
    "cross_entropy",
    "cross_entropy_gradient",
    "exponential_average",
    "exponential_decay",
    "gradient_descent",
    "grid_search",
    "inverse_root_decay",
    "inverse_time_decay",
    "log_softmax",
    "log_uniform_density",
    "log_uniform_inverse",
    "log_uniform_map",
    "momentum",
    "one_minus_log_uniform_density",
    "one_minus_log_uniform_inverse",
    "one_minus_log_uniform_map",
    "panda",
    "random_search",
    "refine",
    "rmsprop",
    "sample_integer",
    "sample_log_uniform",
    "sample_one_minus_log_uniform",
    "sample_uniform",
    "softmax",
    "staircase_decay",
]

description = f"nnlaws_reference {version('nnlaws')}"
dtypes = ("float32", "float64", "float16", "bfloat16")


def _saving(
    trajectory: Callable[..., Array], init: Callable[[Array], Any], update: Callable[..., tuple[Array, Any]]
) -> Callable[..., Array]:
    """The trajectory; or, where it is to be saved after `save_at` steps, its steps taken by hand."""

    def run(
        theta: Array,
        grads: Array,
        *,
        learning_rate: float | tuple[float, ...],
        save_at: int | None = None,
        **options: float,
    ) -> Array:
        if save_at is None:
            return trajectory(theta, grads, learning_rate=learning_rate, **options)
        wide = working_dtype(theta.dtype)
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        current, iterates = theta.astype(wide), np.empty(grads.shape, wide)
        state = init(current)
        for t, (grad, rate) in enumerate(zip(grads.astype(wide), rates, strict=True)):
            if t == save_at:
                current, state = pickle.loads(pickle.dumps((current, state)))
            current, state = update(state, current, grad, learning_rate=rate, **options)
            iterates[t] = current
        with np.errstate(over="ignore"):
            return iterates.astype(theta.dtype)

    return run


momentum = _saving(nnlaws_reference.momentum, momentum_init, momentum_update)
rmsprop = _saving(nnlaws_reference.rmsprop, rmsprop_init, rmsprop_update)
adam = _saving(nnlaws_reference.adam, adam_init, adam_update)
adamw = _saving(nnlaws_reference.adamw, adamw_init, adamw_update)


def __getattr__(name: str) -> Any:
    """The reference of an operation whose chapter comes from another package, as that chapter has it."""
    from nnlaws.chapters import CHAPTERS, PLUGINS

    foreign = (CHAPTERS[plugin.chapter] for plugin in PLUGINS)
    for operation in (operation for chapter in foreign for operation in chapter.operations):
        if operation.name == name:
            return operation.reference
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
