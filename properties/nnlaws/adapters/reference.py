"""The NumPy reference of this project, judged like any other; and those of the chapters of other packages."""

import pickle
from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from typing import Any

import nnlaws_reference
import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.operation import Option
from nnlaws.native.driver import Optimizer

__version__ = version("nnlaws")
description = f"nnlaws_reference {__version__}"
conventions: dict[str, str] = {}  # else `__getattr__` would look for an operation of that name, in all chapters
dtypes = ("float32", "float64", "float16", "bfloat16")


def _saving(
    trajectory: Callable[..., Array], start: Callable[..., Any], update: Callable[..., tuple[Array, Any]]
) -> Callable[..., Array]:
    """The trajectory; or, where it is to be saved after `save_at` steps, its steps taken by hand."""

    def by_hand(dtype: np.dtype[Any], **options: float) -> Optimizer[tuple[Array, Any]]:
        wide, at_first = working_dtype(dtype), {each for each in signature(start).parameters if each in options}
        first = {each: options.pop(each) for each in at_first}

        def init(theta: Array) -> tuple[Array, Any]:
            return theta.astype(wide), start(theta.astype(wide), **first)

        def step(state: tuple[Array, Any], grad: Array, rate: float) -> tuple[Array, Any]:
            current, own = state
            return update(own, current, grad.astype(wide), learning_rate=rate, **options)

        def read(state: tuple[Array, Any]) -> Array:
            with np.errstate(over="ignore"):
                return state[0].astype(dtype)

        return Optimizer(init, step, read, lambda state: pickle.loads(pickle.dumps(state)))

    def run(
        theta: Array, grads: Array, *, learning_rate: Option, save_at: int | None = None, **options: float
    ) -> Array:
        if save_at is None:
            return trajectory(theta, grads, learning_rate=learning_rate, **options)
        return by_hand(theta.dtype, **options).trajectory(theta, grads, learning_rate, save_at)

    return run


def _stateful(name: str) -> Callable[..., Array]:
    parts = (getattr(nnlaws_reference, f"{name}{part}") for part in ("", "_init", "_update"))
    return _saving(*parts)


momentum = _stateful("momentum")
rmsprop = _stateful("rmsprop")
adam = _stateful("adam")
adamw = _stateful("adamw")
sgd = _stateful("sgd")
adagrad = _stateful("adagrad")
amsgrad = _stateful("amsgrad")
nadam = _stateful("nadam")
radam = _stateful("radam")
lion = _stateful("lion")


def __getattr__(name: str) -> Any:
    """Any other operation: nnlaws' own as the package has it, one of another package as its chapter has it."""
    if name in nnlaws_reference.__all__:
        return getattr(nnlaws_reference, name)
    from nnlaws.chapters import CHAPTERS, PLUGINS

    foreign = (CHAPTERS[plugin.chapter] for plugin in PLUGINS)
    for operation in (operation for chapter in foreign for operation in chapter.operations):
        if operation.name == name:
            return operation.reference
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
