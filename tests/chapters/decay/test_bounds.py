"""Rounding bounds of learning-rate decay: no sound algorithm leaves them, and small mistakes do."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.chapters.decay import bounds as bounds
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import decay as formulas
from nnlaws_spec.numbers import balls

Options = dict[str, float]

NARROW = [np.float16, ml_dtypes.bfloat16]
OPTIONS: dict[str, list[Options]] = {
    "inverse_time_decay": [{"initial": 0.2, "rate": 1.0}, {"initial": 0.1, "rate": 0.01}],
    "exponential_decay": [{"initial": 0.2, "rate": 0.95}, {"initial": 0.1, "rate": 0.5}, {"initial": 0.1, "rate": 1.0}],
    "staircase_decay": [{"initial": 0.2, "rate": 0.5, "every": 3.0}, {"initial": 0.1, "rate": 0.9, "every": 49.0}],
    "inverse_root_decay": [{"initial": 0.2, "factor": 1.0}, {"initial": 0.1, "factor": 3.0}],
}
every_schedule = pytest.mark.parametrize(
    ("name", "options"), [pytest.param(name, each, id=f"{name}-{each}") for name in OPTIONS for each in OPTIONS[name]]
)


def epochs(dtype: Any, last: float = 300.0) -> Array:
    """0 to 20, those about a stair's end, and some up to the last."""
    chosen = [np.arange(21.0), np.arange(47.0, 51.0), np.arange(97.0, 99.0), np.rint(np.geomspace(30, last, 8))]
    return np.asarray(np.concatenate(chosen), dtype=dtype)


def bound_of(name: str, epoch: Array, options: Options, **conventions: str) -> Bounded:
    found: Bounded = getattr(bounds, name)(bounded(epoch), **options, conventions=conventions)
    assert found.dtype == epoch.dtype
    assert found.shape == epoch.shape
    assert np.isfinite(found.value).all()
    assert np.isfinite(found.error).all()
    return found


def worst(got: Array, name: str, epoch: Array, options: Options, bound: Bounded) -> float:
    """error/bound at the worst epoch."""
    formula: Any = getattr(formulas, name)
    distance: Any = np.frompyfunc(lambda x, y: float(abs(arb(x) - y).upper()), 2, 1)
    with ctx.workprec(256):
        truth = formula(balls(epoch), **options)
        error = distance(got.astype(np.float64).astype(object), truth).astype(np.float64)
    error = np.where(error > 1e-60, error, 0.0)  # a ball's own radius
    return float(np.max(np.divide(error, bound.error, out=np.where(error > 0, np.inf, 0.0), where=bound.error > 0)))


# --- sound algorithms, in the epochs' type; `kind` rounds to it ---

Algorithm = Callable[..., Array]


def by_products(start: Any, rate: Any, k: Array) -> Array:
    """start · rate · rate ..., k times."""
    steps = np.full(int(k.max()) + 1, rate)
    steps[0] = start
    return np.asarray(np.multiply.accumulate(steps)[k.astype(int)])


NORM: dict[str, dict[str, Algorithm]] = {
    "inverse_time_decay": {
        "quotient": lambda n, kind, initial, rate: kind(initial) / (kind(1) + kind(rate) * n),
        "reciprocal": lambda n, kind, initial, rate: kind(initial) * (kind(1) / (kind(rate) * n + kind(1))),
    },
    "exponential_decay": {
        "power": lambda n, kind, initial, rate: kind(initial) * kind(rate ** n.astype(float)),
        "products": lambda n, kind, initial, rate: kind(by_products(initial, rate, n)),
        "exponential": lambda n, kind, initial, rate: kind(initial) * np.exp(n * kind(np.log(rate))),
    },
    "staircase_decay": {
        "power": lambda n, kind, initial, rate, every: kind(initial) * kind(rate ** (n.astype(float) // every)),
        "products": lambda n, kind, initial, rate, every: kind(by_products(initial, rate, n // kind(every))),
    },
    "inverse_root_decay": {
        "quotient": lambda n, kind, initial, factor: kind(initial * factor) / np.sqrt(n + kind(1)),
        "one by one": lambda n, kind, initial, factor: kind(initial) * (kind(factor) / np.sqrt(n + kind(1))),
        "reciprocal": lambda n, kind, initial, factor: kind(initial) * kind(factor) * (kind(1) / np.sqrt(n + kind(1))),
        "power": lambda n, kind, initial, factor: kind(initial) * kind(factor) * (n + kind(1)) ** kind(-0.5),
    },
}
WORKING: dict[str, dict[str, Algorithm]] = {
    "exponential_decay": {
        "power": lambda n, kind, initial, rate: kind(initial) * kind(rate) ** n,
        "products": lambda n, kind, initial, rate: by_products(kind(initial), kind(rate), n),
        "exponential": lambda n, kind, initial, rate: kind(initial) * np.exp(n * np.log(kind(rate))),
    },
    "staircase_decay": {
        "power": lambda n, kind, initial, rate, every: kind(initial) * kind(rate) ** np.floor(n / kind(every)),
        "products": lambda n, kind, initial, rate, every: by_products(kind(initial), kind(rate), n // kind(every)),
    },
}


@every_schedule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sound_algorithm_stays_within_its_bound(name: str, options: Options, dtype: Any) -> None:
    n = epochs(dtype)
    norm, working = bound_of(name, n, options), bound_of(name, n, options, hyperparameters="working")
    assert (working.error >= norm.error).all()
    for algorithm in NORM[name].values():
        assert worst(algorithm(n, dtype, **options), name, n, options, norm) <= 1
    for algorithm in WORKING.get(name, {}).values():
        assert worst(algorithm(n, dtype, **options), name, n, options, working) <= 1


@every_schedule
def test_in_float64_the_value_is_right_to_within_its_error_and_no_option_is_rounded(
    name: str, options: Options
) -> None:
    n = epochs(np.float64, 1e4)
    norm, working = bound_of(name, n, options), bound_of(name, n, options, hyperparameters="working")
    assert worst(norm.value, name, n, options, norm) <= 1
    np.testing.assert_array_equal(norm.error, working.error)


@every_schedule
@pytest.mark.parametrize("dtype", NARROW)
def test_narrow_types_are_computed_in_float32_or_step_by_step_where_declared(
    name: str, options: Options, dtype: Any
) -> None:
    n = epochs(dtype, 250.0)
    norm = bound_of(name, n, options)
    narrow = bound_of(name, n, options, arithmetic="narrow", hyperparameters="working")
    flushed = 2 * float(np.finfo(np.float32).tiny)  # in float32 too, before the norm stores a result
    assert (narrow.error + flushed >= norm.error * (1 - 1e-6)).all()
    for algorithm in NORM[name].values():
        got = algorithm(n.astype(np.float32), np.float32, **options).astype(dtype)
        assert worst(got, name, n, options, norm) <= 1
    for algorithm in {**NORM, **WORKING}[name].values():
        assert worst(algorithm(n, dtype, **options).astype(dtype), name, n, options, narrow) <= 1


def test_a_rate_rounded_first_is_out_of_bounds_where_it_is_not_declared() -> None:
    n, options = np.array([1000.0], np.float32), {"initial": 0.1, "rate": 0.99}
    got = WORKING["exponential_decay"]["power"](n, np.float32, **options)
    norm, working = (bound_of("exponential_decay", n, options, **each) for each in ({}, {"hyperparameters": "working"}))
    assert worst(got, "exponential_decay", n, options, working) <= 1
    assert worst(got, "exponential_decay", n, options, norm) > 1


@every_schedule
def test_the_first_epoch_is_the_initial_rate_rounded_once(name: str, options: Options) -> None:
    first = bound_of(name, np.zeros(1, np.float32), options)
    units = 10 if name == "inverse_root_decay" else 1  # the factor, the product and a root that may be a power
    assert first.error[0] <= 1.001 * units * 2.0**-24 * first.value[0]
    if units == 1:
        assert bound_of(name, np.zeros(1), options).error[0] == 0


MISTAKES: dict[str, Algorithm] = {
    "inverse_time_decay": lambda n, initial, rate: initial / (1 + rate * (n + 1)),
    "exponential_decay": lambda n, initial, rate: initial * np.exp((rate - 1) * n),
    "staircase_decay": lambda n, initial, rate, every: initial * rate ** np.rint(n / every),
    "inverse_root_decay": lambda n, initial, factor: initial * factor / np.sqrt(np.maximum(n, 1)),
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, *NARROW])
def test_a_mistake_is_out_of_bounds(name: str, dtype: Any) -> None:
    n, options = epochs(dtype, 250.0), OPTIONS[name][0]
    bound = bound_of(name, n, options)
    got = MISTAKES[name](n.astype(np.float64), **options).astype(dtype)
    assert worst(got, name, n, options, bound) > 1


def test_a_stair_ends_where_it_ends() -> None:
    """Of whole numbers below 2²⁴ no rounded quotient reaches a stair too soon; of narrow ones some do."""
    n, options = epochs(np.float32), {"initial": 0.1, "rate": 0.5, "every": 49.0}
    assert (bound_of("staircase_decay", n, options).error < 1e-5 * bound_of("staircase_decay", n, options).value).all()
    near = np.array([250.0], ml_dtypes.bfloat16)
    either = bound_of("staircase_decay", near, {**options, "every": 250.5}, arithmetic="narrow")
    assert either.error[0] > 0.5 * either.value[0]


def test_what_is_flushed_to_0_is_within_the_bound() -> None:
    n, options = np.array([200.0, 2000.0], np.float32), {"initial": 0.1, "rate": 0.5}
    assert (
        worst(np.zeros(2, np.float32), "exponential_decay", n, options, bound_of("exponential_decay", n, options)) <= 1
    )
