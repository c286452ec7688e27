"""Optimizers of Paddle: a class as its library has it, called as the operations."""

import io
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import paddle
from nnlaws_reference.dtypes import Array

from nnlaws.native import driver
from nnlaws.native.driver import Optimizer, none_zero, parts
from nnlaws.native.names import Keywords, of_optimizer, parameters, pick, settled, told
from nnlaws.native.paddle.arrays import array, tensor

State = tuple[list[Any], Any]
"""The parameters, and what steps them."""
_NAMING = threading.Lock()


def recognised(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    """The target that a class of optimizers, or a function that makes one, is. Raises Unrecognised."""
    there = parameters(kind)
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)
    rate = pick(there, "learning_rate")
    whole = {**({rate: 0.1} if rate else {}), **fixed}  # the rate is set anew at each step

    def make(**options: Any) -> Any:
        return kind(parameters=[paddle.zeros([2])], **options)

    return SimpleNamespace(
        **about,
        positive=none_zero(make, operations, whole),
        recognised=(f"taken for an optimizer: {', '.join(operations)}", *told(fixed)),
        **driver.each(lambda **options: driven_by(kind, options), operations, whole),
    )


def is_made_by(found: Callable[..., Any], given: Keywords) -> bool:
    """Whether a function makes an optimizer of a list of parameters."""
    rate = pick(parameters(found), "learning_rate")
    with suppress(Exception):
        made = found(parameters=[paddle.zeros([2])], **({rate: 0.1} if rate else {}), **given)
        return isinstance(made, paddle.optimizer.Optimizer)
    return False


def driven_by(kind: Callable[..., Any], options: Mapping[str, Any]) -> Optimizer[State]:
    """The optimizer of that class and options. Of several parameters, each is in a group of its own."""

    def new(values: list[Array]) -> State:
        with _NAMING, paddle.utils.unique_name.guard():
            own = [paddle.create_parameter([*value.shape], value.dtype.name) for value in values]
        for parameter, value in zip(own, values, strict=True):
            parameter.set_value(tensor(value))
        groups = own if len(own) == 1 else [{"params": [each]} for each in own]
        return own, kind(parameters=groups, **options)

    def step(state: State, gradient: Array, rate: float) -> State:
        own, optimizer = state
        optimizer.set_lr(rate)
        for parameter, part in zip(own, parts(gradient), strict=True):
            parameter.grad = tensor(part)
        with _NAMING, paddle.utils.unique_name.guard():  # what it keeps is named by count, as in a new process
            optimizer.step()
        optimizer.clear_grad()
        return state

    def restored(state: State) -> State:
        """New parameters, and a new optimizer with the state that the old one saved."""
        own, optimizer = state
        made = new([array(each) for each in own])
        file = io.BytesIO()
        paddle.save(optimizer.state_dict(), file)
        file.seek(0)
        made[1].set_state_dict(paddle.load(file))
        return made

    def read(state: State) -> Array:
        return np.concatenate([array(each).reshape(-1) for each in state[0]])

    return Optimizer(lambda theta: new(parts(theta)), step, read, restored)
