"""Rounding bounds of optimizers beyond the notes: no sound algorithm leaves them, and small mistakes do."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from nnlaws.chapters.more_optimizers import bounds
from nnlaws.chapters.more_optimizers.operations import OPERATIONS
from nnlaws.chapters.more_optimizers.sound import SOUND
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.formulas import more_optimizers as formulas
from nnlaws_spec.numbers import enclose

ADAM: dict[str, float] = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"beta": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    "adagrad": {"eps": 1e-8, "initial_accumulator": 0.1},
    "amsgrad": ADAM,
    "nadam": {**ADAM, "momentum_decay": 0.004},
    "radam": ADAM,
    "lion": {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1},
}
STEPS = 14


def arrays(dtype: str, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    theta, grads = random.standard_normal(5), random.standard_normal((STEPS, 5)) * np.array([1, 1, 1e-3, 0, 1])
    return theta.astype(DTYPES[dtype]), grads.astype(DTYPES[dtype])


def bound_of(name: str, theta: Array, grads: Array, options: dict[str, Any], named: dict[str, str]) -> Bounded:
    found: Bounded = getattr(bounds, name)(bounded(theta), bounded(grads), **options, conventions=named)
    assert (found.dtype, found.shape) == (theta.dtype, grads.shape)
    assert np.isfinite(found.value).all()
    assert not np.isnan(found.error).any()
    return found


def worst(got: Array, name: str, theta: Array, grads: Array, options: dict[str, Any], named: dict[str, str]) -> float:
    """error/bound at the worst entry."""
    operation = next(each for each in OPERATIONS if each.name == name)
    values = {key: value for key, value in named.items() if key in operation.changing}
    formula, bound = getattr(formulas, name), bound_of(name, theta, grads, options, named)
    exact = enclose(lambda x, g: formula(x, g, **options, **values), theta, grads, within=1e-25)
    error = np.abs((got.astype(np.float64) - exact.hi) - exact.lo)
    return float(np.max(np.divide(error, bound.error, out=np.where(error > 1e-24, np.inf, 0), where=bound.error > 0)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", SOUND, ids=lambda variant: variant.name)
def test_a_sound_algorithm_stays_within(variant: Any, dtype: str) -> None:
    operation = next(each for each in OPERATIONS if each.name == variant.operation)
    named = {name: value for name, value in variant.conventions.items() if name in operation.choices(dtype)}
    if named != variant.conventions:
        return  # it is about other types
    rates: tuple[Any, ...] = (0.1, tuple(0.5 / step for step in range(1, STEPS + 1)))
    for seed, rate in product((0, 1), rates):
        theta, grads = arrays(dtype, seed)
        options = {"learning_rate": rate, **OPTIONS[variant.operation]}
        with np.errstate(all="ignore"):
            got = variant.function(theta, grads, **options)
        assert worst(got, variant.operation, theta, grads, options, named) <= 1


@pytest.mark.parametrize("name", OPTIONS)
def test_the_bound_is_of_a_few_units(name: str) -> None:
    """A few hundred in fourteen steps; but of Lion where a sign is open, and of RAdam in its first rectified steps."""
    theta, grads = arrays("float32")
    error = bound_of(name, theta, grads, {"learning_rate": 0.1, **OPTIONS[name]}, {}).error
    assert (error <= 500 * 2.0**-24).all()


@pytest.mark.parametrize("name", OPTIONS)
def test_a_rate_that_is_a_little_off_is_outside(name: str) -> None:
    theta, grads = arrays("float32")
    options = {"learning_rate": 0.1, **OPTIONS[name]}
    off = getattr(formulas, name)(
        theta.astype(np.float64), grads.astype(np.float64), **{**options, "learning_rate": 0.1001}
    )
    assert worst(off, name, theta, grads, options, {}) > 10


def test_a_sign_that_rounding_decides_may_be_any() -> None:
    """β₁m + (1 − β₁)g cancels to the last digit: one step of α up, or down, or none; and no further."""
    theta, options = np.zeros(1), {"learning_rate": 0.5, "beta1": 0.9, "beta2": 0.9, "weight_decay": 0.0}
    grads = np.array([[1.0], [-0.9]])  # m = 0.1, 0.9 m = 0.09, 0.1 g = −0.09
    bound = bound_of("lion", theta, grads, options, {})
    assert bound.error[0] == 0
    assert 1 <= bound.error[1, 0] <= 1 + 1e-12
    sure = bound_of("lion", theta, np.array([[1.0], [-0.8]]), options, {})
    assert sure.error[1, 0] < 1e-12


def test_without_gradients_lion_does_not_move_at_all() -> None:
    bound = bound_of(
        "lion", np.ones(2), np.zeros((3, 2)), {"learning_rate": 0.1, **OPTIONS["lion"], "weight_decay": 0.0}, {}
    )
    assert (bound.error == 0).all()
    assert (bound.value == 1).all()


def test_where_rounding_decides_whether_radam_is_rectified_it_may_be_either() -> None:
    """In float32 ρ_5 = 4.996 may as well be 5.1, and the step that of the one or the other."""
    theta, grads = np.zeros(1, np.float32), np.full((5, 1), 2.0, np.float32)
    options = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    double, single = (bound_of("radam", theta, grads, options, named) for named in ({}, {"hyperparameters": "working"}))
    assert double.error[4, 0] < 1e-5
    assert 0.1 < single.error[4, 0] < 0.4
    assert single.error[3, 0] < 1e-5
