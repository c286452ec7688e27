"""Optimizers of PyTorch: a class as its library has it, called as the operations."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from nnlaws_reference.dtypes import Array
from torch import nn, optim

from nnlaws.native.driver import Optimizer, driven, parts
from nnlaws.native.names import NAMES, of_optimizer, parameters
from nnlaws.native.torch.arrays import array, made_apart, tensor

State = tuple[list[nn.Parameter], optim.Optimizer]
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
    classes = isinstance(getattr(kind, "func", kind), type)  # a function may take one list of parameters only

    def init(theta: Array) -> State:
        parameters = [nn.Parameter(tensor(part, device)) for part in parts(theta)]
        return parameters, make(_groups(parameters) if classes else parameters)

    def restored(state: State) -> State:
        """A new optimizer, built with other numbers, with the state that the old one saved: the numbers too."""
        parameters, optimizer = state
        file = io.BytesIO()
        torch.save({"parameters": parameters, "optimizer": optimizer.state_dict()}, file)
        file.seek(0)
        saved = torch.load(file, weights_only=False)  # our own file, of whatever a state may be
        new = make(_groups(saved["parameters"]) if classes else saved["parameters"], **others)
        new.load_state_dict(saved["optimizer"])
        return saved["parameters"], new

    def step(state: State, gradient: Array, rate: float) -> State:
        parameters, optimizer = state
        if hasattr(optimizer, "set_hyper"):  # as fastai's
            optimizer.set_hyper("lr", rate)
        else:
            for group in optimizer.param_groups:
                group["lr" if "lr" in group else _rate(group)] = rate
        for parameter, part in zip(parameters, parts(gradient), strict=True):
            parameter.grad = tensor(part, device)
        optimizer.step()
        return state

    def read(state: State) -> Array:
        parameters, _ = state
        return array(parameters[0] if len(parameters) == 1 else torch.cat([part.reshape(-1) for part in parameters]))

    return Optimizer(init, step, read, restored)


def _groups(parameters: list[nn.Parameter]) -> list[Any]:
    """Of several parameters, each in a group of its own."""
    return parameters if len(parameters) == 1 else [{"params": [each]} for each in parameters]


def _rate(group: Mapping[str, Any]) -> str:
    return next((name for name in NAMES["learning_rate"] if name in group), "lr")


def _other(value: Any) -> Any:
    """Half of a number, or of each."""
    if isinstance(value, tuple):
        return tuple(map(_other, value))  # pyright: ignore[reportUnknownArgumentType]
    return value / 2 if isinstance(value, float) else value
