"""What the formulas of optimizers share: the gradient and the rate of each step, the iterates, and the root."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers

LearningRate: TypeAlias = float | tuple[float, ...]


def steps(grads: Numbers, learning_rate: LearningRate) -> Iterator[tuple[Numbers, float]]:
    """Each step's gradient and learning rate."""
    total = grads.shape[-2]
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * total
    return zip((grads[..., t, :] for t in range(total)), rates, strict=True)


def in_order(results: list[Numbers], like: Numbers) -> Numbers:
    """The results of the steps as one array (..., T, n); of no steps, none."""
    return np.stack(results, axis=-2) if results else like[..., :0, :]


def root(moment: Numbers, eps: float, *, inside: bool) -> Numbers:
    return np.sqrt(moment + eps) if inside else np.sqrt(moment) + eps
