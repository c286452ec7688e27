"""Mistakes in AdamW: in its decay, and those of Adam that are often seen.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.chapters.optimizers.mutants.common import (
    CORRECT_BOTH,
    DECOUPLED,
    DOUBLE,
    MOMENTS,
    SAVED,
    STEP,
    WIDE,
    Rates,
    apart,
    average_in_float32,
    averaged,
    corrected,
    decayed,
    rated,
    rates,
    shares,
    walked,
    written_back,
)


def _steps(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """Adam's steps."""
    m, v = corrected(grads, beta1, beta2)
    return rated(learning_rate, m / (np.sqrt(v) + eps))


def _factors(learning_rate: Rates, grads: Array, weight_decay: float) -> list[float]:
    """α_t λ."""
    return [rate * weight_decay for rate in rates(learning_rate, grads)]


def _each(theta: Array, steps: Array, learning_rate: Rates, weight_decay: float, move: Callable[..., Any]) -> Array:
    """θ_t = move(θ_{t−1}, step_t, α_t λ)."""
    iterates, current = np.empty_like(steps), theta
    for t, (step, factor) in enumerate(zip(steps, _factors(learning_rate, steps, weight_decay), strict=True)):
        iterates[t] = current = move(current, step, factor)
    return iterates


def _penalised(
    theta: Array,
    grads: Array,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    decays: tuple[float, float, float],
) -> Array:
    """Adam, where θ times `decays` is added to the gradient in m, to that in v, and to the step."""
    iterates, m, v = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    in_average, in_square, outside = decays
    for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, grads), strict=True), 1):
        m = beta1 * m + (1 - beta1) * (gradient + in_average * theta)
        v = beta2 * v + (1 - beta2) * (gradient + in_square * theta) ** 2
        step = rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        iterates[t - 1] = theta = theta - rate * outside * theta - step
    return iterates


@mutant("adamw", "weight_decay θ is added to the gradient, as an L2 penalty is, undeclared", DECOUPLED, "classroom")
def penalty_in_the_gradient(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return _penalised(theta, grads, learning_rate, beta1, beta2, eps, (weight_decay, weight_decay, 0))


@mutant("adamw", "weight_decay θ is added to the gradient in m, but not in v", DECOUPLED, "classroom")
def penalty_in_the_average(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return _penalised(theta, grads, learning_rate, beta1, beta2, eps, (weight_decay, 0, 0))


@mutant("adamw", "θ decays by itself, and weight_decay θ is added to the gradient too", DECOUPLED, "classroom")
def decayed_and_penalised(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return _penalised(theta, grads, learning_rate, beta1, beta2, eps, (weight_decay, weight_decay, weight_decay))


@mutant("adamw", "the decay is not multiplied by the learning rate, undeclared", DECOUPLED, "apex #1849, addons #2282")
def decay_without_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return decayed(theta, steps, [weight_decay] * len(grads))


@mutant("adamw", "the decay is multiplied by the first learning rate at every step", DECOUPLED, "classroom")
def decay_by_the_first_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return decayed(theta, steps, [rates(learning_rate, grads)[0] * weight_decay] * len(grads))


@mutant("adamw", "θ decays after the step, not before", DECOUPLED, "classroom")
def decay_of_the_new(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(
        theta, steps, learning_rate, weight_decay, lambda old, step, decay: (old - step) - decay * (old - step)
    )


@mutant("adamw", "the decay is forgotten", DECOUPLED, "classroom")
def decay_forgotten(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return walked(theta, steps)


@mutant("adamw", "θ decays twice, before the step and after", DECOUPLED, "classroom")
def decayed_twice(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return decayed(theta, steps, [2 * factor for factor in _factors(learning_rate, grads, weight_decay)])


@mutant("adamw", "θ grows, where it is to decay", DECOUPLED, "classroom")
def decay_added(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return decayed(theta, steps, [-factor for factor in _factors(learning_rate, grads, weight_decay)])


@mutant("adamw", "what decays is θ as it was at the start", DECOUPLED, "classroom")
def decay_of_the_first(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(theta, steps, learning_rate, weight_decay, lambda old, step, decay: old - decay * theta - step)


@mutant("adamw", "every coordinate loses the same, whatever θ is", DECOUPLED, "classroom")
def constant_decay(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(theta, steps, learning_rate, weight_decay, lambda old, step, decay: old - decay - step)


@mutant("adamw", "θ decays by its sign, as under an L1 penalty", DECOUPLED, "classroom")
def decay_of_the_sign(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(theta, steps, learning_rate, weight_decay, lambda old, step, decay: old - decay * np.sign(old) - step)


@mutant("adamw", "θ decays only where its gradient is not 0", DECOUPLED, "classroom")
def decay_where_it_moves(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(
        theta, steps, learning_rate, weight_decay, lambda old, step, decay: old - decay * (step != 0) * old - step
    )


@mutant("adamw", "decays by e^{−αλ}, not by 1 − αλ", DECOUPLED, "classroom")
def exponential_decay(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = _steps(grads, learning_rate, beta1, beta2, eps)
    return _each(theta, steps, learning_rate, weight_decay, lambda old, step, decay: float(np.exp(-decay)) * old - step)


@mutant(
    "adamw",
    "ε is added before √v is corrected, undeclared",
    STEP,
    "tensorflow #35102, #9047, nanochat #304, oneflow PR 5960, in Adam",
)
def epsilon_hat(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = averaged(grads, beta1), averaged(grads * grads, beta2)
    factor = np.sqrt(shares(beta2, grads)) / shares(beta1, grads)
    return decayed(
        theta, rated(learning_rate, m * factor / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay)
    )


@mutant("adamw", "ε is inside the root: √(v̂ + ε), undeclared", STEP, "classroom")
def epsilon_inside(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return decayed(theta, rated(learning_rate, m / np.sqrt(v + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "neither average is corrected, undeclared", CORRECT_BOTH, "bert #153, MLX's default")
def uncorrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = averaged(grads, beta1), averaged(grads * grads, beta2)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "the corrected averages are written back into the state", CORRECT_BOTH, "holocron #1, in Adam")
def corrections_written_back(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = written_back(grads, beta1), written_back(grads * grads, beta2)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant(
    "adamw",
    "divides by 1 − β at every step, not by 1 − β^t",
    CORRECT_BOTH,
    "ML-From-Scratch #35, convnetjs PR 107, in Adam",
)
def corrected_by_new_weights(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = averaged(grads, beta1) / (1 - beta1), averaged(grads * grads, beta2) / (1 - beta2)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "the first step has number 2", CORRECT_BOTH, "classroom")
def steps_from_two(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = averaged(grads, beta1) / shares(beta1, grads, 2), averaged(grads * grads, beta2) / shares(beta2, grads, 2)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "steps by g, not by its average m̂", STEP, "classroom")
def gradient_for_its_average(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    _, v = corrected(grads, beta1, beta2)
    return decayed(
        theta, rated(learning_rate, grads / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay)
    )


@mutant("adamw", "β1 and β2 are swapped", MOMENTS, "classroom")
def betas_swapped(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = corrected(grads, beta2, beta1)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "divided by the largest √v̂ so far, as in AMSGrad, undeclared", MOMENTS, "classroom")
def largest_second_moment(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return decayed(
        theta,
        rated(learning_rate, m / (np.sqrt(np.maximum.accumulate(v, axis=0)) + eps)),
        _factors(learning_rate, grads, weight_decay),
    )


@mutant("adamw", "one v for all coordinates, the mean of theirs", MOMENTS, "classroom")
def one_second_moment_for_all(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return decayed(
        theta,
        rated(learning_rate, m / (np.sqrt(v.mean(axis=1, keepdims=True)) + eps)),
        _factors(learning_rate, grads, weight_decay),
    )


@mutant("adamw", "the step count is not among what is saved", SAVED, "classroom")
def step_count_not_saved(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    first, second = (apart(grads, save_at, partial(shares, beta)) for beta in (beta1, beta2))
    m, v = averaged(grads, beta1) / first, averaged(grads * grads, beta2) / second
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "β1 and β2 are rounded to float32, and 1 − β and β^t are computed there", DOUBLE, "classroom")
def betas_in_float32(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v = average_in_float32(grads, beta1), average_in_float32(grads * grads, beta2)
    return decayed(theta, rated(learning_rate, m / (np.sqrt(v) + eps)), _factors(learning_rate, grads, weight_decay))


@mutant("adamw", "θ is rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_iterates(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current = np.empty_like(grads), theta.astype(wide)
    steps = _steps(grads.astype(wide), learning_rate, beta1, beta2, eps)
    for t, (step, factor) in enumerate(zip(steps, _factors(learning_rate, grads, weight_decay), strict=True)):
        current = (current - factor * current - step).astype(narrow).astype(wide)
        iterates[t] = current.astype(theta.dtype)
    return iterates


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
