"""Mistakes that any optimizer can make: each is made here of the reference, which is right but for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.given import (
    beta_at_most_999,
    decay_at_most_one,
    default_for_no_beta,
    default_for_no_decay,
    default_for_no_epsilon,
    default_for_no_rate,
    epsilon_at_least_1e_10,
    rate_at_most_one,
)
from nnlaws.authoring.mutant import Implementation, Mutant, stored
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.trajectories import Rates, rates


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


def clipped_at_ten_thousand(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.clip(grads, -1e4, 1e4).astype(grads.dtype), **options)

    return run


def rates_of_coordinates(right: Implementation) -> Implementation:
    """np.asarray(rates) * gradients: as many rates as coordinates go to these, not to steps."""

    def run(theta: Array, grads: Array, *, learning_rate: Any, **options: Any) -> Array:
        if not isinstance(learning_rate, tuple) or len(learning_rate) != theta.shape[-1]:
            return right(theta, grads, learning_rate=learning_rate, **options)
        each = [
            right(theta[..., at : at + 1], grads[..., at : at + 1], learning_rate=rate, **options)
            for at, rate in enumerate(learning_rate)
        ]
        return np.concatenate(each, axis=-1)

    return run


def parameters_clipped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(np.clip(theta, -1e3, 1e3).astype(theta.dtype), grads, **options)

    return run


def small_gradients_dropped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.where(np.abs(grads) < 1e-7, 0, grads).astype(grads.dtype), **options)

    return run


def tail_left(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        iterates, whole = right(theta, grads, **options), len(theta) // 8 * 8
        if whole and len(theta) - whole > 1:
            iterates[:, whole + 1 :] = theta[whole + 1 :]
        return np.asarray(iterates)

    return run


def not_numbers_taken_for_zero(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, np.where(np.isfinite(grads), grads, 0).astype(grads.dtype), **options)

    return run


def _only(steps: Any, right: Implementation, theta: Array, grads: Array, options: dict[str, Any]) -> Array:
    """These steps alone are taken; at the others θ and the state stay as they are."""
    given = rates(options.pop("learning_rate"), grads)
    taken = right(theta, grads[steps], learning_rate=tuple(np.array(given)[steps].tolist()), **options)
    return np.concatenate([theta[None], taken])[np.cumsum(steps)]


def steps_of_no_numbers_skipped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return _only(np.isfinite(grads).all(axis=1), right, theta, grads, options)

    return run


def steps_without_gradients_skipped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return _only(grads.any(axis=1), right, theta, grads, options)

    return run


def entries_without_gradients_skipped(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        alone = [
            _only(grads[:, j] != 0, right, theta[j : j + 1], grads[:, j : j + 1], dict(options))
            for j in range(len(theta))
        ]
        return np.concatenate(alone, axis=1)

    return run


def saved_rate_goes_on(right: Implementation) -> Implementation:
    """What was saved has the rate of its step, and that takes the place of the resumed optimizer's own."""

    def run(theta: Array, grads: Array, *, learning_rate: Rates, save_at: int | None = None, **options: Any) -> Array:
        given = rates(learning_rate, grads)
        if save_at is not None:
            given = (*given[:save_at], *given[save_at - 1 : save_at] * (len(given) - save_at))
        return right(theta, grads, learning_rate=given, **options)

    return run


def defaults_once_resumed(right: Implementation) -> Implementation:
    """Up to the save by the options, from there on by the usual ones: iterates and steps are otherwise right."""

    def run(theta: Array, grads: Array, *, save_at: int | None = None, **options: Any) -> Array:
        iterates = right(theta, grads, **options)
        if save_at is None:
            return iterates
        usual = {"beta": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}
        other = right(theta, grads, **{name: usual.get(name, value) for name, value in options.items()})
        moved = np.diff(other, axis=0)[save_at - 1 :]
        return np.concatenate([iterates[:save_at], iterates[save_at - 1] + moved.cumsum(axis=0)])

    return run


def state_of_the_run_before(right: Implementation) -> Implementation:
    """What the run before has left, its last gradient, is taken for the first step of this one."""
    left: dict[int, Array] = {}

    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        before, left[len(theta)] = left.get(len(theta)), grads[-1].copy()
        if before is None:
            return right(theta, grads, learning_rate=learning_rate, **options)
        given = (0.0, *rates(learning_rate, grads))
        return right(theta, np.concatenate([before[None].astype(grads.dtype), grads]), learning_rate=given, **options)[
            1:
        ]

    return run


SAVED = "save and restore the whole state: averages and step count"
_EACH = "take the gradients as they are, each once, in their order"
_GIVEN = "use what is given, 0 too: `if rate is None`, not `rate or`"
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
    (default_for_no_rate, "a rate of 0 becomes .001, as by `rate or 1e-3`", _GIVEN, "classroom"),
    (rate_at_most_one, "rates above 1 become 1", _GIVEN, "classroom"),
    (clipped_at_ten_thousand, "entries of the gradient are clipped to ±1e4", _EACH, "classroom"),
    (rates_of_coordinates, "as many rates as coordinates go to coordinates, not to steps", _EACH, "classroom"),
    (parameters_clipped, "parameters are clipped to ±1000", _EACH, "classroom"),
    (small_gradients_dropped, "gradients below 1e-7 are taken for 0", _EACH, "classroom"),
    (tail_left, "of a tail after whole vectors of 8 coordinates only the first is updated", _EACH, "classroom"),
    (not_numbers_taken_for_zero, "NaN and infinities are taken for 0", _EACH, "classroom"),
    (
        steps_of_no_numbers_skipped,
        "a step with NaN, or an infinity, is left out",
        _EACH,
        "apex's and AMP's step skipping",
    ),
    (steps_without_gradients_skipped, "a step whose gradients are all 0 is left out", _EACH, "classroom"),
    (
        entries_without_gradients_skipped,
        "a coordinate whose gradient is 0 is left out",
        _EACH,
        "sparse and lazy updates",
    ),
    (default_for_no_beta, "a β of 0 becomes .9, as by `beta or 0.9`", _GIVEN, "classroom"),
    (beta_at_most_999, "β above .999 becomes .999", _GIVEN, "classroom"),
    (default_for_no_epsilon, "ε = 0 becomes 1e-8, as by `eps or 1e-8`", _GIVEN, "classroom"),
    (epsilon_at_least_1e_10, "ε below 1e-10 becomes 1e-10", _GIVEN, "classroom"),
    (default_for_no_decay, "a decay of 0 becomes .01, as by `weight_decay or 0.01`", _GIVEN, "classroom"),
    (decay_at_most_one, "a decay above 1 becomes 1", _GIVEN, "classroom"),
    (saved_rate_goes_on, "once resumed, the rate is that which was saved", SAVED, "pytorch, load_state_dict's rate"),
    (defaults_once_resumed, "once resumed, the hyperparameters are the usual ones", SAVED, "classroom"),
    (
        state_of_the_run_before,
        "the state is not cleared for a new run",
        "start each run from a state of 0",
        "classroom",
    ),
)
_NEEDED: dict[Callable[[Implementation], Implementation], str] = {
    epsilon_limited: "eps",
    epsilon_fixed: "eps",
    state_not_saved: "beta",
    steps_without_gradients_skipped: "beta",
    entries_without_gradients_skipped: "beta",
    default_for_no_beta: "beta",
    beta_at_most_999: "beta",
    default_for_no_epsilon: "eps",
    epsilon_at_least_1e_10: "eps",
    default_for_no_decay: "weight_decay",
    decay_at_most_one: "weight_decay",
    saved_rate_goes_on: "beta",
    defaults_once_resumed: "beta",
    state_of_the_run_before: "beta",
}


def mutants_of(operation: Operation) -> tuple[Mutant, ...]:
    """Those that an optimizer of its options can make."""
    return tuple(
        Mutant(operation.name, f"{operation.name}.{make.__name__}", fault, fix, seen, stored(make(operation.reference)))
        for make, fault, fix, seen in _FAULTS
        if any(option.startswith(_NEEDED.get(make, "")) for option in operation.options)
    )
