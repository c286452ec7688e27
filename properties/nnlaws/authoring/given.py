"""Options that are not taken as they are given: a default in the place of 0, and limits."""

from typing import Any

from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation
from nnlaws.authoring.trajectories import Rates, rates


def default_for_no_rate(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        return right(theta, grads, learning_rate=tuple(r or 1e-3 for r in rates(learning_rate, grads)), **options)

    return run


def rate_at_most_one(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: Any) -> Array:
        return right(theta, grads, learning_rate=tuple(min(r, 1.0) for r in rates(learning_rate, grads)), **options)

    return run


def default_for_no_beta(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, grads, **{n: v or 0.9 if n.startswith("beta") else v for n, v in options.items()})

    return run


def beta_at_most_999(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, **options: Any) -> Array:
        return right(theta, grads, **{n: min(v, 0.999) if n.startswith("beta") else v for n, v in options.items()})

    return run


def default_for_no_epsilon(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, eps: float, **options: Any) -> Array:
        return right(theta, grads, eps=eps or 1e-8, **options)

    return run


def epsilon_at_least_1e_10(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, eps: float, **options: Any) -> Array:
        return right(theta, grads, eps=max(eps, 1e-10), **options)

    return run


def default_for_no_decay(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, weight_decay: float, **options: Any) -> Array:
        return right(theta, grads, weight_decay=weight_decay or 0.01, **options)

    return run


def decay_at_most_one(right: Implementation) -> Implementation:
    def run(theta: Array, grads: Array, *, weight_decay: float, **options: Any) -> Array:
        return right(theta, grads, weight_decay=min(weight_decay, 1.0), **options)

    return run
