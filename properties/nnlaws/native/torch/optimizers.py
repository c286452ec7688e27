"""Optimizers of PyTorch: a class as its library has it, called as the operations."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from nnlaws_reference.dtypes import Array
from torch import nn, optim

from nnlaws.native.driver import Optimizer, driven
from nnlaws.native.torch.arrays import array, made_apart, tensor

State = tuple[nn.Parameter, optim.Optimizer]
Kind = Callable[..., optim.Optimizer]
Keywords = Callable[..., dict[str, Any]]
"""Makes what a class takes of an operation's own options."""


def optimizer(
    kind: Kind,
    operations: Mapping[str, Keywords] | None = None,
    *,
    fixed: Mapping[str, Any] | None = None,
    device: str = "cpu",
    **declared: Any,
) -> SimpleNamespace:
    """A target: the operations by `kind(parameters, lr=…, …)`, a subclass of torch.optim.Optimizer.

    operations: of each, what makes keywords of its options, as in {"momentum": lambda beta: {"momentum": beta}};
    default by the names of the class's parameters. fixed: keywords that are the same in all of them. declared:
    description, dtypes, conventions. The rate of a step is set in the parameter group, as schedulers do.
    """
    if operations is None:
        from nnlaws.native.names import of_optimizer, parameters

        operations = of_optimizer(parameters(kind))
    made = {name: operation(name, kind, each, fixed or {}, device) for name, each in operations.items()}
    return SimpleNamespace(**declared, **made)


def operation(
    name: str, kind: Kind, keywords: Keywords, fixed: Mapping[str, Any], device: str = "cpu"
) -> Callable[..., Array]:
    """One operation of an optimizer."""

    return driven(name, lambda **options: _optimizer(kind, {**fixed, **keywords(**options)}, device))


def _optimizer(kind: Kind, options: dict[str, Any], device: str) -> Optimizer[State]:
    make = made_apart(partial(kind, **options))
    others = {name: _other(value) for name, value in options.items()}

    def init(theta: Array) -> State:
        parameter = nn.Parameter(tensor(theta, device))
        return parameter, make([parameter])

    def restored(state: State) -> State:
        """A new optimizer, built with other numbers, with the state that the old one saved: the numbers too."""
        parameter, optimizer = state
        file = io.BytesIO()
        torch.save({"parameter": parameter, "optimizer": optimizer.state_dict()}, file)
        file.seek(0)
        saved = torch.load(file)
        new = make([saved["parameter"]], **others)
        new.load_state_dict(saved["optimizer"])
        return saved["parameter"], new

    def step(state: State, gradient: Array, rate: float) -> State:
        parameter, optimizer = state
        optimizer.param_groups[0]["lr"] = rate
        parameter.grad = tensor(gradient, device)
        optimizer.step()
        return state

    return Optimizer(init, step, lambda state: array(state[0]), restored)


def _other(value: Any) -> Any:
    """Half of a number, or of each."""
    if isinstance(value, tuple):
        return tuple(map(_other, value))  # pyright: ignore[reportUnknownArgumentType]
    return value / 2 if isinstance(value, float) else value
