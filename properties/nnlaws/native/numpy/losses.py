"""Losses of NumPy that come with their gradient: given back beside the value, or by a backward pass."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import local
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.functions import Kit
from nnlaws.native.names import Keywords, parameters, raised

UPSTREAM = ("dout", "grad", "grad_output", "accum_grad", "upstream", "dl", "dloss", "d_out", "dy", "delta")
GRADIENT = "cross_entropy_gradient"
NEAR = 0.05  # of the largest entry, by which a gradient may be off, and is still meant to be one


class _Recorded:
    """A loss that remembers, of each thread's last call, what gives its gradient. run: the value, and that."""

    def __init__(self, run: Callable[..., tuple[Any, Callable[[], Any]]], like: Callable[..., Any]) -> None:
        self.run, self.last, self.of_sum = run, local(), False
        self.__signature__ = inspect.signature(like)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        value, self.last.gradient = self.run(*arguments, **keywords)
        return np.asarray(value)

    def gradient(self, function: Callable[[Array], Any], z: Array) -> Array:
        """That of the mean, where `function` calls this once."""
        function(z)
        found = np.asarray(self.last.gradient())
        return found / found.dtype.type(len(z)) if self.of_sum and len(z) else found


def of_pairs(kit: Kit, function: Callable[..., Any], about: Keywords) -> SimpleNamespace | None:
    """The target of a function of logits and targets, in either order, that gives its value and its gradient, in either
    order and perhaps with the probabilities; None of what gives something else. Raises Unrecognised where its value is
    no cross entropy.
    """
    if len([each for each in parameters(function).values() if each.default is each.empty]) != 2:
        return None
    z, y = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 2, 1, 0])
    for call, words in functions.orders(function):
        for targets in (y, np.eye(3)[y]):
            places = None
            with suppress(Exception):
                places = _places(call(z.copy(), targets), z)
            if places:
                return _paired(kit, call, places, words, about)
    return None


def _places(out: Any, z: Array) -> tuple[int, int] | None:
    """Where the value and the gradient of logits are, of several results."""
    if not isinstance(out, tuple):
        return None
    values = [place for place, each in enumerate(out) if np.ndim(each) == 0]
    arrays = [place for place, each in enumerate(out) if np.shape(each) == z.shape]
    if len(arrays) > 1:  # probabilities beside it
        arrays = [place for place in arrays if not np.allclose(np.sum(out[place], axis=-1), 1)]
    return (values[0], arrays[0]) if len(values) == len(arrays) == 1 else None


def _paired(
    kit: Kit, call: Callable[[Any, Any], Any], places: tuple[int, int], how: str, about: Keywords
) -> SimpleNamespace:
    def run(z: Any, y: Any) -> tuple[Any, Callable[[], Any]]:
        out = call(z, y)
        return out[places[0]], lambda: out[places[1]]

    recorded = _Recorded(run, lambda z, y: None)
    made = functions.recognise(replace(kit, gradient=recorded.gradient), recorded, "", about)
    recorded.of_sum = "the mean over samples" not in made.recognised[0]
    made.recognised = (f"{made.recognised[0]}{how}, and its gradient", *made.recognised[1:])
    return made


def of_class(
    kit: Kit, make: Callable[[], Any], forward: str, backward: str, kind: str, about: Keywords
) -> SimpleNamespace:
    """The target of a layer of logits, or of logits and targets, called by its forward pass; of a loss the gradient is
    that of its backward pass, of the mean or of the sum, as it has it: many leave the division to what comes before.
    Raises Unrecognised.
    """
    like = getattr(make(), forward)
    upstream = [each.name for each in parameters(getattr(make(), backward)).values() if each.default is each.empty]
    if len(upstream) > 1 or not all(name.lower() in UPSTREAM for name in upstream):
        made = functions.recognise(kit, lambda *given: getattr(make(), forward)(*given), kind, about)
        return _without(made, backward)

    def run(*arguments: Any, **keywords: Any) -> tuple[Any, Callable[[], Any]]:
        layer = make()
        value = getattr(layer, forward)(*arguments, **keywords)
        given = [np.ones_like(value)] * len(upstream)
        return value, lambda: getattr(layer, backward)(*given)

    recorded = _Recorded(run, like)
    made = functions.recognise(replace(kit, gradient=recorded.gradient), recorded, kind, about)
    if not hasattr(made, GRADIENT):
        return _without(made, backward)
    z, y = np.random.default_rng(0).standard_normal((4, 3)), np.eye(3)[[0, 2, 1, 0]]
    whole = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True) - y
    try:
        found = np.asarray(getattr(made, GRADIENT)(z.copy(), y), np.float64)
    except Exception as error:
        return _without(made, backward, f": it {raised(error)}")
    if found.shape != z.shape:
        return _without(made, backward, f": of logits of shape {z.shape} it gives {found.shape}")
    recorded.of_sum = bool(np.abs(found - whole).max() < NEAR * np.abs(whole).max())
    made.recognised += (f"its {backward} gives the gradient of the {'sum' if recorded.of_sum else 'mean'}",)
    return made


def _without(made: SimpleNamespace, backward: str, why: str = "") -> SimpleNamespace:
    """The same, of which the backward pass is not judged."""
    if hasattr(made, GRADIENT):
        delattr(made, GRADIENT)
    made.recognised += (f"its {backward} is not judged{why}",)
    return made
