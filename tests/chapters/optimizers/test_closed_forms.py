"""Closed forms against the step-by-step formulas, under every convention: two ways to the same numbers."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from nnlaws.chapters import OPERATIONS
from nnlaws.chapters.optimizers.closed_forms import (
    constant_gradient,
    first_step,
    longest_step,
    on_quadratic,
    response,
    weight_of_epsilon,
)
from nnlaws_spec import clauses
from nnlaws_spec.formulas import optimizers as formulas

NUMBERS: dict[str, dict[str, float]] = {
    "gradient_descent": {"learning_rate": 0.1},
    "momentum": {"learning_rate": 0.1, "beta": 0.9},
    "rmsprop": {"learning_rate": 0.1, "beta": 0.9, "eps": 1e-3},
    "adam": {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-3},
}
GRADIENTS = np.array([1.0, -1.0, 1e-4, -0.5, 3.0, 1e-9])


def variants(operation: str) -> list[dict[str, str]]:
    """Every combination of the operation's conventions."""
    values: dict[str, list[str]] = {name: [""] for name in OPERATIONS[operation].changing}
    for clause in clauses().values():
        for variant in clause.variants:
            if variant.name in values and variant.value not in values[variant.name]:
                values[variant.name].append(variant.value)
    chosen = product(*values.values())
    return [{name: value for name, value in zip(values, each, strict=True) if value} for each in chosen]


def every_variant(*operations: str, but: str = "") -> pytest.MarkDecorator:
    every = [(operation, conventions) for operation in operations for conventions in variants(operation)]
    pairs = [pair for pair in every if but not in pair[1].values()]
    return pytest.mark.parametrize(
        ("operation", "conventions"),
        pairs,
        ids=lambda each: " ".join(each.values()) if isinstance(each, dict) else each,
    )


def iterates(operation: str, conventions: dict[str, str], theta: Any, grads: Any, **options: Any) -> Any:
    return OPERATIONS[operation].formula(theta, grads, **{**NUMBERS[operation], **options}, **conventions)


@every_variant("momentum", "rmsprop", "adam")
def test_a_constant_gradient(operation: str, conventions: dict[str, str]) -> None:
    grads = np.tile(GRADIENTS, (7, 1))
    stepwise = iterates(operation, conventions, np.zeros(len(GRADIENTS)), grads)
    at_once = -np.cumsum(constant_gradient(operation, conventions, grads, **NUMBERS[operation]), axis=0)
    np.testing.assert_allclose(at_once, stepwise, rtol=1e-12)


@every_variant("adam")
def test_the_first_step_of_adam(operation: str, conventions: dict[str, str]) -> None:
    theta = np.zeros(len(GRADIENTS))
    step = first_step(conventions, GRADIENTS, **NUMBERS["adam"])
    np.testing.assert_allclose(-step, iterates("adam", conventions, theta, GRADIENTS[None])[0], rtol=1e-12)


@every_variant("adam")
def test_ten_times_epsilon_weighs_no_more_than_it_is_said_to(operation: str, conventions: dict[str, str]) -> None:
    given = {**NUMBERS["adam"], "eps": 1e-12}
    one, ten = (first_step(conventions, GRADIENTS, **{**given, "eps": eps}) for eps in (1e-12, 1e-11))
    weight = weight_of_epsilon(conventions, GRADIENTS, beta2=given["beta2"], eps=1e-12)
    assert (np.abs(one - ten) <= weight * np.abs(one) * (1 + 1e-9) + 1e-15).all()
    assert (np.abs(one - ten) < np.abs(one)).all()


@every_variant("rmsprop", "adam", but="centred")  # a variance has no lower bound
def test_no_step_is_longer_than_its_bound_and_some_come_near(operation: str, conventions: dict[str, str]) -> None:
    """The bound of Cauchy and Schwarz is reached by gradients in proportion to (β1/β2)^j, newest first."""
    steps, options = 6, {**NUMBERS[operation], "eps": 0.0}
    bound = longest_step(operation, conventions, steps, **options)
    random = np.random.default_rng(0)
    grads = random.standard_normal((steps, 2000)) * 10.0 ** random.integers(-3, 4, (steps, 2000))
    if operation == "adam":
        grads[:, 0] = (options["beta1"] / options["beta2"]) ** np.arange(steps)[::-1]
    path = np.concatenate([np.zeros((1, 2000)), iterates(operation, conventions, np.zeros(2000), grads, eps=0.0)])
    longest = np.abs(np.diff(path, axis=0)).max(axis=1)
    assert (longest <= bound * (1 + 1e-12)).all()
    if operation == "adam":
        assert longest[-1] > 0.999 * bound[-1]


@every_variant("gradient_descent", "momentum")
def test_a_quadratic(operation: str, conventions: dict[str, str]) -> None:
    """Each gradient is h times where the formula has got to."""
    theta, h, steps = np.array([1.0, -2.0]), np.array([0.5, 1.0]), 6
    grads, here = np.zeros((steps, 2)), theta
    for t in range(steps):
        grads[t] = h * here
        here = iterates(operation, conventions, theta, grads[: t + 1])[-1]
    stepwise = iterates(operation, conventions, theta, grads)
    k = response(OPERATIONS[operation], conventions, steps, NUMBERS[operation])
    at_once, growth = on_quadratic(k, theta, h)
    np.testing.assert_allclose(at_once, stepwise, rtol=1e-12)
    assert growth.shape == (2, steps, steps)


def test_the_closed_forms_of_the_clause_are_those() -> None:
    """OP-25: a geometric series for gradient descent, a linear recurrence for momentum."""
    theta, h = np.array([1.0, -2.0]), np.array([0.5, 0.5])
    for operation, closed in (
        ("gradient_descent", formulas.quadratic_descent),
        ("momentum", formulas.quadratic_momentum),
    ):
        k = response(OPERATIONS[operation], {}, 6, NUMBERS[operation])
        want = closed(theta, curvature=0.5, steps=6, **NUMBERS[operation])
        np.testing.assert_allclose(on_quadratic(k, theta, h)[0], want, rtol=1e-13)
