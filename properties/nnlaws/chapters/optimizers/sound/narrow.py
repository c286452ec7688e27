"""Right ways to keep parameters in a narrow type: with a compensation, by chance, and with factors in float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.trajectories import Rates, decays, rates, steps
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.optimizers.sound import updates


def _compensated(theta: Array, taken: Array, lost: list[float] | None = None) -> Array:
    """θ less the updates, and αλ of itself, as the sum of two numbers of its own type; the rest is in float32."""
    kind, wide = theta.dtype, working_dtype(theta.dtype)
    iterates, rest = np.empty(taken.shape, kind), np.zeros_like(theta)
    for t, update in enumerate(taken):
        step = update.astype(wide)
        if lost is not None:
            step = step + wide.type(lost[t]) * (theta.astype(wide) + rest.astype(wide))
        rest = (rest.astype(wide) - step).astype(kind)
        new = (theta.astype(wide) + rest.astype(wide)).astype(kind)
        rest = (rest.astype(wide) + (theta.astype(wide) - new.astype(wide))).astype(kind)
        iterates[t] = theta = new
    return iterates


def _beside(x: Array, kind: np.dtype[Any], random: np.random.Generator) -> Array:
    """x rounded to one of the two numbers of the type beside it, the nearer the likelier."""
    nearest = x.astype(kind)
    off = x.astype(np.float64) - nearest.astype(np.float64)
    other = np.nextafter(nearest, np.where(off > 0, np.inf, -np.inf).astype(kind)).astype(kind)
    gap = np.abs(other.astype(np.float64) - nearest.astype(np.float64))
    return np.where((off != 0) & (random.random(x.shape) * gap < np.abs(off)), other, nearest)


def _by_chance(theta: Array, taken: Array, lost: list[float] | None = None) -> Array:
    kind, wide = theta.dtype, working_dtype(theta.dtype)
    iterates, random = np.empty(taken.shape, kind), np.random.default_rng(0)
    for t, update in enumerate(taken):
        here = theta.astype(wide)
        kept = here if lost is None else here - wide.type(lost[t]) * here
        iterates[t] = theta = _beside(kept - update.astype(wide), kind, random)
    return iterates


def _descent(theta: Array, grads: Array, learning_rate: Rates) -> Array:
    wide = working_dtype(theta.dtype)
    return np.array([wide.type(rate) * gradient for _, gradient, rate in steps(grads.astype(wide), learning_rate)])


Kept = Callable[..., Array]


def _descending(kept: Kept) -> Callable[..., Array]:
    def run(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
        return kept(theta, _descent(theta, grads, learning_rate).reshape(grads.shape))

    return run


def _decaying(kept: Kept) -> Callable[..., Array]:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float) -> Array:
        found = updates.word_for_word(grads.astype(working_dtype(theta.dtype)), learning_rate, **options)
        return kept(theta, found, decays(learning_rate, grads, weight_decay))

    return run


def decay_factor_in_float32(
    theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float
) -> Array:
    """Every operation on arrays rounds; 1 − αλ is a number in float32 that multiplies θ, as PyTorch's mul_ does it."""
    kind, wide, found = (
        theta.dtype,
        working_dtype(theta.dtype),
        updates.every_step_narrow(grads, learning_rate, **options),
    )
    iterates = np.empty_like(grads)
    for t, (update, rate) in enumerate(zip(found, rates(learning_rate, grads), strict=True)):
        decayed = (theta.astype(wide) * wide.type(1 - rate * weight_decay)).astype(kind)
        iterates[t] = theta = decayed - update
    return iterates


SOUND: tuple[SoundVariant, ...] = (
    SoundVariant(
        "gradient_descent", "gradient_descent.compensated_state", _descending(_compensated), {"state": "narrow"}
    ),
    SoundVariant(
        "gradient_descent", "gradient_descent.compensated", _descending(_compensated), {"parameters": "compensated"}
    ),
    SoundVariant(
        "gradient_descent", "gradient_descent.rounded_by_chance", _descending(_by_chance), {"parameters": "stochastic"}
    ),
    SoundVariant("adamw", "adamw.compensated_state", _decaying(_compensated), {"state": "narrow"}),
    SoundVariant("adamw", "adamw.compensated", _decaying(_compensated), {"parameters": "compensated"}),
    SoundVariant("adamw", "adamw.rounded_by_chance", _decaying(_by_chance), {"parameters": "stochastic"}),
    sound("adamw", arithmetic="narrow")(decay_factor_in_float32),
)
