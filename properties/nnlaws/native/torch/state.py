"""All that a module of PyTorch remembers: parameters and buffers, and whatever else its modules have as attributes."""

import copy
from collections import deque
from typing import Any

import torch
from torch import nn

PLAIN = (bool, int, float, str, type(None))
SEVERAL = (list, tuple, deque, dict)


def within(module: nn.Module, path: str) -> nn.Module:
    """The module of that path in it; itself, of none."""
    for part in filter(None, path.split(".")):
        module = getattr(module, part)
    return module


def tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """By path: parameters, buffers, and tensors that are neither, as a layer of a course may have them."""
    found = dict([*module.named_parameters(), *module.named_buffers()])
    for path, each in module.named_modules():
        own = {name: value for name, value in vars(each).items() if isinstance(value, torch.Tensor)}
        found |= {f"{path}.{name}" if path else name: value for name, value in own.items()}
    return found


class State:
    """The state of a module as it is now, to which it can be put back.

    A layer may assign its buffers anew, count calls in an attribute, or keep a tensor that is no buffer: so tensors are
    looked up each time, and attributes are put back too.
    """

    def __init__(self, module: nn.Module) -> None:
        self._places = {
            name: (within(module, name.rpartition(".")[0]), name.rpartition(".")[2]) for name in tensors(module)
        }
        self._tensors = {name: self.tensor(name) for name in self._places}
        self._first = {name: value.detach().clone() for name, value in self._tensors.items()}
        self._attributes = [(each, _plain(each)) for each in module.modules()]

    def tensor(self, name: str) -> torch.Tensor:
        """The parameter or buffer of that name, as it is now."""
        owner, attribute = self._places[name]
        found: torch.Tensor = getattr(owner, attribute)
        return found

    def put(self, name: str, value: torch.Tensor) -> None:
        """Writes to it."""
        there = self.tensor(name)
        with torch.no_grad():
            there.copy_(value.reshape(there.shape))

    def restore(self) -> None:
        """All as it was when this was made."""
        for name, (owner, attribute) in self._places.items():
            if getattr(owner, attribute, None) is not self._tensors[name]:
                setattr(owner, attribute, self._tensors[name])
            self.put(name, self._first[name])
        for owner, was in self._attributes:
            now = vars(owner)
            for name in [name for name in _plain(owner) if name not in was]:
                delattr(owner, name)
            for name, value in was.items():
                if now.get(name) is not value or isinstance(value, SEVERAL):
                    setattr(owner, name, copy.deepcopy(value))


def _plain(module: nn.Module) -> dict[str, Any]:
    """Copies of a module's own attributes that are numbers, words, and what is made of them."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_") and _is_plain(value)}
    return copy.deepcopy(own)


def _is_plain(value: Any) -> bool:
    if isinstance(value, SEVERAL):
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return isinstance(value, PLAIN)
