"""Mistakes in AdamW: in its decay, and those of Adam that are often seen, which are Adam's own with the decay besides.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.authoring.trajectories import Rates, decays, rates, walked
from nnlaws.chapters.optimizers.mutants import adam
from nnlaws.chapters.optimizers.mutants.common import DECOUPLED, WIDE, FaultyStep, corrected, direction, rated


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


def _steps(grads: Array, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """Adam's steps."""
    m, v = corrected(grads, beta1, beta2)
    return rated(learning_rate, direction(m, v, eps))


def _each(theta: Array, steps: Array, factors: list[float], move: Callable[[Array, Array, float], Array]) -> Array:
    """θ_t = move(θ_{t−1}, step_t, α_t λ)."""
    iterates, current = np.empty_like(steps), theta
    for t, (step, decay) in enumerate(zip(steps, factors, strict=True)):
        iterates[t] = current = move(current, step, decay)
    return iterates


def _faulty_decay(fault: str) -> Callable[[Callable[[Array, Array, list[float]], Array]], Mutant]:
    """Makes a function of θ, Adam's steps (T, n) and the α_t λ the mutant of its name."""

    def make(move: Callable[[Array, Array, list[float]], Array]) -> Mutant:
        def run(
            theta: Array,
            grads: Array,
            *,
            learning_rate: Rates,
            beta1: float,
            beta2: float,
            eps: float,
            weight_decay: float,
        ) -> Array:
            steps = _steps(grads, learning_rate, beta1, beta2, eps)
            return move(theta, steps, decays(learning_rate, grads, weight_decay))

        run.__name__ = move.__name__
        return mutant("adamw", fault, DECOUPLED, "classroom")(run)

    return make


@mutant("adamw", "the decay is not multiplied by the learning rate, undeclared", DECOUPLED, "apex #1849, addons #2282")
def decay_without_rate(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    return walked(theta, _steps(grads, learning_rate, beta1, beta2, eps), [weight_decay] * len(grads))


@_faulty_decay("the decay is multiplied by the first learning rate at every step")
def decay_by_the_first_rate(theta: Array, steps: Array, factors: list[float]) -> Array:
    return walked(theta, steps, [factors[0]] * len(steps))


@_faulty_decay("θ decays after the step, not before, undeclared")
def decay_of_the_new(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: (old - step) - decay * (old - step))


@_faulty_decay("the decay is forgotten")
def decay_forgotten(theta: Array, steps: Array, factors: list[float]) -> Array:
    return walked(theta, steps)


@_faulty_decay("θ decays twice, before the step and after")
def decayed_twice(theta: Array, steps: Array, factors: list[float]) -> Array:
    return walked(theta, steps, [2 * factor for factor in factors])


@_faulty_decay("θ grows, where it is to decay")
def decay_added(theta: Array, steps: Array, factors: list[float]) -> Array:
    return walked(theta, steps, [-factor for factor in factors])


@_faulty_decay("what decays is θ as it was at the start")
def decay_of_the_first(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: old - decay * theta - step)


@_faulty_decay("every coordinate loses the same, whatever θ is")
def constant_decay(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: old - decay - step)


@_faulty_decay("θ decays by its sign, as under an L1 penalty")
def decay_of_the_sign(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: old - decay * np.sign(old) - step)


@_faulty_decay("θ decays only where its gradient is not 0")
def decay_where_it_moves(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: old - decay * (step != 0) * old - step)


@_faulty_decay("decays by e^{−αλ}, not by 1 − αλ")
def exponential_decay(theta: Array, steps: Array, factors: list[float]) -> Array:
    return _each(theta, steps, factors, lambda old, step, decay: float(np.exp(-decay)) * old - step)


def _decayed(step: FaultyStep, fault: str = "", seen: str = "") -> Mutant:
    """The same mistake in AdamW, perhaps in other words: θ decays as it should, and steps as it should not."""

    def run(theta: Array, grads: Array, *, learning_rate: Rates, weight_decay: float, **options: float) -> Array:
        steps = rated(learning_rate, step.direction(grads, **options))
        return walked(theta, steps, decays(learning_rate, grads, weight_decay))

    return replace(step, fault=fault or step.fault, seen=seen or step.seen).mutant("adamw", run)


epsilon_hat = _decayed(
    adam.epsilon_hat,
    fault="ε is added before √v is corrected, undeclared",
    seen=f"{adam.epsilon_hat.seen}, in Adam",
)
epsilon_inside = _decayed(adam.epsilon_inside)
epsilon_hat_inside = _decayed(adam.epsilon_hat_inside)
uncorrected = _decayed(adam.uncorrected)
corrections_written_back = _decayed(
    adam.corrections_written_back,
    fault="the corrected averages are written back into the state",
    seen=f"{adam.corrections_written_back.seen}, in Adam",
)
corrected_by_new_weights = _decayed(
    adam.corrected_by_new_weights, seen=f"{adam.corrected_by_new_weights.seen}, in Adam"
)
steps_from_two = _decayed(adam.steps_from_two)
gradient_for_its_average = _decayed(adam.gradient_for_its_average)
betas_swapped = _decayed(adam.betas_swapped)
largest_second_moment = _decayed(adam.largest_second_moment)
one_second_moment_for_all = _decayed(adam.one_second_moment_for_all)
step_count_not_saved = _decayed(adam.step_count_not_saved)
betas_in_float32 = _decayed(adam.betas_in_float32)


@mutant("adamw", "θ is rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_iterates(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current = np.empty_like(grads), theta.astype(wide)
    steps = _steps(grads.astype(wide), learning_rate, beta1, beta2, eps)
    for t, (step, factor) in enumerate(zip(steps, decays(learning_rate, grads, weight_decay), strict=True)):
        current = (current - factor * current - step).astype(narrow).astype(wide)
        iterates[t] = current.astype(theta.dtype)
    return iterates


@mutant(
    "adamw",
    "θ, kept in the narrow type, is multiplied by 1 − αλ rounded to it, which is mostly 1: nothing decays",
    "keep θ in float32, or subtract αλθ and the step in float32 and round once",
    "OneTrainer #996",
    raw=True,
)
def decay_rounds_away(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current = np.empty_like(grads), theta.astype(narrow)
    steps = _steps(grads.astype(wide), learning_rate, beta1, beta2, eps)
    for t, (step, factor) in enumerate(zip(steps, decays(learning_rate, grads, weight_decay), strict=True)):
        decayed = (current.astype(wide) * wide.type(narrow.type(1 - factor))).astype(narrow)
        current = (decayed.astype(wide) - step).astype(narrow)
        iterates[t] = current.astype(theta.dtype)
    return iterates


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
