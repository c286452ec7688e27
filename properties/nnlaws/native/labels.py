"""Losses of logits and class numbers, and their gradients, of any library whose arrays come from NumPy's."""

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.functions import Kit

KEYWORDS = ("ignore_index", "label_smoothing", "weight")
"""What a loss of class numbers need not take; weight is one number for each class."""
Loss = Callable[..., Any]


def label_losses(
    kit: Kit, losses: Loss, mean: Loss | None, takes: Sequence[str] = (), **declared: Any
) -> SimpleNamespace:
    """A target: losses of class numbers, their mean and, where the library derives, their gradients.

    losses, mean: functions of logits (m, C) and labels (m,), arrays of the library, and of the keywords among
    `KEYWORDS` that `takes` names, weight being an array (C,) of the library. losses returns one for each sample. mean:
    None where the library has no mean of its own.
    """

    def call(function: Loss, z: Any, labels: Array, dtype: Any, options: dict[str, Any]) -> Any:
        given = {name: kit.tensor(np.asarray(x, dtype)) if name == "weight" else x for name, x in options.items()}
        return function(z, kit.tensor(labels), **given)

    def label_losses(z: Array, labels: Array, **options: Any) -> Array:
        return kit.array(call(losses, kit.tensor(z), labels, z.dtype, options))

    made: dict[str, Any] = {"label_losses": label_losses}
    derive = kit.gradient
    if derive is not None:

        def label_losses_gradient(z: Array, labels: Array, upstream: Array, **options: Any) -> Array:
            above = kit.tensor(upstream)
            return derive(lambda logits: kit.sum(call(losses, logits, labels, z.dtype, options) * above), z)

        made["label_losses_gradient"] = label_losses_gradient
    if mean is not None:
        of_all: Loss = mean

        def label_cross_entropy(z: Array, labels: Array, **options: Any) -> Array:
            return kit.array(call(of_all, kit.tensor(z), labels, z.dtype, options))

        made["label_cross_entropy"] = label_cross_entropy
        if derive is not None:

            def label_cross_entropy_gradient(z: Array, labels: Array, **options: Any) -> Array:
                return derive(lambda logits: call(of_all, logits, labels, z.dtype, options), z)

            made["label_cross_entropy_gradient"] = label_cross_entropy_gradient
    for function in made.values():
        function.__signature__ = _signature(function, takes)
    return SimpleNamespace(**declared, **made)


def _signature(function: Callable[..., Any], takes: Sequence[str]) -> inspect.Signature:
    """The function's, with the keywords that it takes by their names."""
    own = inspect.signature(function)
    arrays = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    named = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in takes]
    return own.replace(parameters=[*arrays, *named])


def sigmoid_losses(kit: Kit, losses: Loss, **declared: Any) -> SimpleNamespace:
    """A target: the losses of sigmoids, one for each entry of logits and targets (m, C), and their gradient."""

    def sigmoid_losses(z: Array, y: Array) -> Array:
        return kit.array(losses(kit.tensor(z), kit.tensor(y)))

    made: dict[str, Any] = {"sigmoid_losses": sigmoid_losses}
    derive = kit.gradient
    if derive is not None:

        def sigmoid_losses_gradient(z: Array, y: Array, upstream: Array) -> Array:
            targets, above = kit.tensor(y), kit.tensor(upstream)
            return derive(lambda logits: kit.sum(losses(logits, targets) * above), z)

        made["sigmoid_losses_gradient"] = sigmoid_losses_gradient
    return SimpleNamespace(**declared, **made)
