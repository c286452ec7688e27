"""Mistakes that any optimizer can make: each is made here of the reference, which is right but for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, stored
from nnlaws.chapters.optimizers.mutants.common import SAVED
from nnlaws.chapters.optimizers.operations import OPERATIONS
from nnlaws.chapters.optimizers.trajectories import Rates, rates


def ascends(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, -grads, **options)

    return run


def first_rate_for_all(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        return right(theta, grads, learning_rate=rates(learning_rate, grads)[0], **options)

    return run


def rate_a_step_late(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        given = rates(learning_rate, grads)
        return right(theta, grads, learning_rate=(*given[:1], *given[:-1]), **options)

    return run


def rate_squared(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        squared = tuple(rate * rate for rate in rates(learning_rate, grads))
        return right(theta, grads, learning_rate=squared, **options)

    return run


def from_the_start(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        iterates = right(theta, grads, **options)
        before = np.concatenate([theta[None], iterates[:-1]])
        return np.asarray(theta + (iterates - before))

    return run


def an_iterate_late(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return np.concatenate([theta[None], right(theta, grads, **options)[:-1]])

    return run


def gradients_added_up(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, grads.cumsum(axis=0), **options)

    return run


def applied_twice(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        twice = tuple(rate for rate in rates(learning_rate, grads) for _ in range(2))
        return right(theta, grads.repeat(2, axis=0), learning_rate=twice, **options)[1::2]

    return run


def gradient_a_step_ahead(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.concatenate([grads[1:], grads[-1:]]), **options)

    return run


def gradients_backwards(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.ascontiguousarray(grads[::-1]), **options)

    return run


def unit_norm(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        norms = np.sqrt((grads * grads).sum(axis=1, keepdims=True))
        return right(theta, grads / np.where(norms == 0, 1, norms), **options)

    return run


def one_gradient_for_all(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, grads * 0 + grads.mean(axis=1, keepdims=True), **options)

    return run


def sign_lost(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.abs(grads), **options)

    return run


def negative_dropped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.maximum(grads, 0), **options)

    return run


def noise_added(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        noise = np.random.default_rng(0).standard_normal(grads.shape) * 0.01
        return right(theta, grads + noise.astype(grads.dtype), **options)

    return run


def epsilon_limited(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, eps: float, **options: Any) -> Array:
        return right(theta, grads, eps=max(eps, 1e-7), **options)

    return run


def epsilon_fixed(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, eps: float, **options: Any) -> Array:
        return right(theta, grads, eps=1e-8, **options)

    return run


def state_not_saved(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, save_at: int | None = None, **options: Any) -> Array:
        if save_at is None:
            return right(theta, grads, learning_rate=learning_rate, **options)
        given = rates(learning_rate, grads)
        first = right(theta, grads[:save_at], learning_rate=given[:save_at], **options)
        return np.concatenate([first, right(first[-1], grads[save_at:], learning_rate=given[save_at:], **options)])

    return run


_EACH = "take the gradients as they are, each once, in their order"
_FAULTS: tuple[tuple[Callable[[Implementation], Implementation], str, str, str], ...] = (
    (ascends, "steps up the gradient, not down", "subtract the step", "classroom"),
    (first_rate_for_all, "every step takes the first learning rate", "step t takes the rate of step t", "classroom"),
    (rate_a_step_late, "a step takes the rate of the step before", "step t takes the rate of step t", "simpleNN #3"),
    (rate_squared, "the learning rate is applied twice", "multiply by the learning rate once", "classroom"),
    (from_the_start, "each step starts from θ_0", "theta = theta - step, once for each gradient", "classroom"),
    (an_iterate_late, "returns θ_0 to θ_{T−1}", "return the iterate after each step, without θ_0", "classroom"),
    (gradients_added_up, "gradients are never cleared, but added up", _EACH, "classroom"),
    (applied_twice, "each gradient is applied twice", _EACH, "classroom"),
    (gradient_a_step_ahead, "a step takes the gradient of the next", _EACH, "classroom"),
    (gradients_backwards, "takes the gradients from the last to the first", _EACH, "classroom"),
    (unit_norm, "each gradient is divided by its norm", _EACH, "classroom"),
    (one_gradient_for_all, "every coordinate takes the mean of the gradient", _EACH, "classroom"),
    (sign_lost, "gradients lose their sign", _EACH, "classroom"),
    (negative_dropped, "negative gradients are taken for 0", _EACH, "classroom"),
    (noise_added, "noise is added to the gradients", _EACH, "classroom"),
    (epsilon_limited, "ε below 1e-7 becomes 1e-7", "use the eps that is given", "classroom"),
    (epsilon_fixed, "ε = 1e-8, whatever is asked for", "use the eps that is given", "classroom"),
    (state_not_saved, "θ is saved, and no state with it", SAVED, "classroom"),
)
_NEEDED: dict[Callable[[Implementation], Implementation], str] = {
    epsilon_limited: "eps",
    epsilon_fixed: "eps",
    state_not_saved: "beta",
}

MUTANTS: tuple[Mutant, ...] = tuple(
    Mutant(operation.name, f"{operation.name}.{make.__name__}", fault, fix, seen, stored(make(operation.reference)))
    for operation in OPERATIONS
    if "grads" in operation.arguments
    for make, fault, fix, seen in _FAULTS
    if any(option.startswith(_NEEDED.get(make, "")) for option in operation.options)
)
