"""Rounding bounds of scales: no sound algorithm leaves them, and small mistakes do."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.rounding import log_scales as bounds
from nnlaws.rounding.formats import format_of
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import scales as formulas
from nnlaws_spec.numbers import balls

Box = tuple[float, float]
Algorithm = Callable[..., Array]
"""Of an array, what rounds to its type, and low and high in that type or in double."""

NARROW = [np.float16, ml_dtypes.bfloat16]
RATIO: list[Box] = [(1e-4, 1.0), (0.1, 0.2), (1.0, 1000.0), (0.5, 0.999999), (1e-30, 1e-3)]
DISTANCE: list[Box] = [(0.9, 0.999), (0.5, 0.999999), (0.1, 0.2), (0.0, 0.9), (-9.0, 0.99)]
HELD: list[Box] = [(0.125, 0.75), (0.5, 0.96875)]
"""Boxes that every format holds, as well as 1 − low and 1 − high."""

MAPS = {"log_uniform_map", "one_minus_log_uniform_map"}
REVERSED = {"complement": "reverse_log"}
WORKING = {"hyperparameters": "working"}
ALL_NARROW = {"hyperparameters": "working", "arithmetic": "narrow"}

RATIO_ALGORITHMS: dict[str, dict[str, Algorithm]] = {
    "log_uniform_map": {
        "exponential": lambda u, kind, low, high: np.exp(np.log(low) + u * np.log(high / low)),
        "mean of logarithms": lambda u, kind, low, high: np.exp((kind(1) - u) * np.log(low) + u * np.log(high)),
        "power of the quotient": lambda u, kind, low, high: low * (high / low) ** u,
        "powers": lambda u, kind, low, high: low ** (kind(1) - u) * high**u,
        "base 10": lambda u, kind, low, high: kind(10) ** (np.log10(low) + u * (np.log10(high) - np.log10(low))),
        "base 2": lambda u, kind, low, high: np.exp2(np.log2(low) + u * np.log2(high / low)),
        "from high": lambda u, kind, low, high: high * np.exp((kind(1) - u) * np.log(low / high)),
        "by expm1": lambda u, kind, low, high: low + low * np.expm1(u * np.log1p((high - low) / low)),
    },
    "log_uniform_inverse": {
        "quotients": lambda x, kind, low, high: np.log(x / low) / np.log(high / low),
        "differences": lambda x, kind, low, high: (np.log(x) - np.log(low)) / (np.log(high) - np.log(low)),
        "base 10": lambda x, kind, low, high: (np.log10(x) - np.log10(low)) / np.log10(high / low),
        "base 2": lambda x, kind, low, high: np.log2(x / low) * (kind(1) / np.log2(high / low)),
        "log1p": lambda x, kind, low, high: np.log1p((x - low) / low) / np.log1p((high - low) / low),
        "from high": lambda x, kind, low, high: kind(1) - np.log(high / x) / np.log(high / low),
    },
    "log_uniform_density": {
        "reciprocal": lambda x, kind, low, high: kind(1) / (x * np.log(high / low)),
        "quotient": lambda x, kind, low, high: kind(1) / (np.log(high) - np.log(low)) / x,
        "base 10": lambda x, kind, low, high: np.log10(kind(np.e)) / (x * np.log10(high / low)),
    },
}
DISTANCE_ALGORITHMS: dict[str, dict[str, Algorithm]] = {
    "one_minus_log_uniform_map": {
        "powers": lambda u, kind, low, high: kind(1) - (kind(1) - low) ** (kind(1) - u) * (kind(1) - high) ** u,
        "power of the quotient": lambda u, kind, low, high: (
            kind(1) - (kind(1) - low) * ((kind(1) - high) / (kind(1) - low)) ** u
        ),
        "base 10": lambda u, kind, low, high: (
            kind(1) - kind(10) ** ((kind(1) - u) * np.log10(kind(1) - low) + u * np.log10(kind(1) - high))
        ),
        "by expm1": lambda u, kind, low, high: -np.expm1(np.log1p(-low) + u * (np.log1p(-high) - np.log1p(-low))),
        "from low": lambda u, kind, low, high: (
            low - (kind(1) - low) * np.expm1(u * np.log((kind(1) - high) / (kind(1) - low)))
        ),
    },
    "one_minus_log_uniform_inverse": {
        "quotients": lambda x, kind, low, high: (
            np.log((kind(1) - x) / (kind(1) - low)) / np.log((kind(1) - high) / (kind(1) - low))
        ),
        "log1p": lambda x, kind, low, high: (np.log1p(-x) - np.log1p(-low)) / (np.log1p(-high) - np.log1p(-low)),
        "base 2": lambda x, kind, low, high: (
            (np.log2(kind(1) - x) - np.log2(kind(1) - low)) / np.log2((kind(1) - high) / (kind(1) - low))
        ),
        "from high": lambda x, kind, low, high: (
            kind(1) - np.log((kind(1) - x) / (kind(1) - high)) / np.log((kind(1) - low) / (kind(1) - high))
        ),
        "quotients less 1": lambda x, kind, low, high: (
            np.log1p((x - low) / (kind(1) - x)) / np.log1p((high - low) / (kind(1) - high))
        ),
    },
    "one_minus_log_uniform_density": {
        "reciprocal": lambda x, kind, low, high: kind(1) / ((kind(1) - x) * np.log((kind(1) - low) / (kind(1) - high))),
        "log1p": lambda x, kind, low, high: kind(1) / (np.log1p(-low) - np.log1p(-high)) / (kind(1) - x),
    },
}
REVERSED_ALGORITHMS: dict[str, dict[str, Algorithm]] = {
    "one_minus_log_uniform_map": {
        "sum first": lambda u, kind, low, high: high + low - low * (high / low) ** (kind(1) - u),
        "difference first": lambda u, kind, low, high: low + (high - np.exp(np.log(high) + u * np.log(low / high))),
    },
    "one_minus_log_uniform_inverse": {
        "sum first": lambda x, kind, low, high: kind(1) - np.log((low + high - x) / low) / np.log(high / low),
        "difference first": lambda x, kind, low, high: np.log(high / (low + (high - x))) / np.log(high / low),
    },
    "one_minus_log_uniform_density": {
        "sum first": lambda x, kind, low, high: kind(1) / ((low + high - x) * np.log(high / low)),
    },
}
SETS: list[Any] = [
    *[pytest.param(name, each, RATIO, {}, id=name) for name, each in RATIO_ALGORITHMS.items()],
    *[pytest.param(name, each, DISTANCE, {}, id=name) for name, each in DISTANCE_ALGORITHMS.items()],
    *[
        pytest.param(name, each, [*RATIO[:2], (1e-4, 0.99)], REVERSED, id=f"{name}-reversed")
        for name, each in REVERSED_ALGORITHMS.items()
    ],
]
every_set = pytest.mark.parametrize(("name", "algorithms", "boxes", "declared"), SETS)


def entries(name: str, box: Box, dtype: Any, n: int = 60, seed: int = 0) -> Array:
    """u at and near the ends and between; or x that comes of it, inside the box."""
    random = np.random.default_rng(seed)
    near = 2.0 ** -np.arange(1, 31, 4)
    part = np.concatenate([[0, 1, 0.5], near, 1 - near, np.linspace(0, 1, 11), random.random(n)])
    if name in MAPS:
        return np.asarray(part.astype(dtype))
    low, high = box
    ratio = low > 0 and not name.startswith("one_minus")
    x = low ** (1 - part) * high**part if ratio else 1 - (1 - low) ** (1 - part) * (1 - high) ** part
    x = np.unique(np.clip(x, low, high).astype(dtype).astype(float))
    normal = (x == 0) | (np.abs(x) >= format_of(np.dtype(dtype)).tiny)
    return np.asarray(x[(x >= low) & (x <= high) & normal].astype(dtype))


def bound_of(name: str, x: Array, box: Box, conventions: dict[str, str]) -> Bounded:
    found: Bounded = getattr(bounds, name)(bounded(x), low=box[0], high=box[1], conventions=conventions)
    assert found.dtype == x.dtype
    assert found.shape == x.shape
    return found


def ratios(got: Array, name: str, x: Array, box: Box, conventions: dict[str, str]) -> Any:
    """error/bound of each entry."""
    formula: Any = getattr(formulas, name)
    named = {key: value for key, value in conventions.items() if key in ("direction", "complement")}
    distance: Any = np.frompyfunc(lambda x, y: float(abs(arb(x) - y).upper()), 2, 1)
    with ctx.workprec(256):
        truth = formula(balls(x), low=box[0], high=box[1], **named)
        error = distance(got.astype(np.float64).astype(object), truth).astype(np.float64)
    error = np.where(error > 1e-60, error, 0.0)  # a ball's own radius
    bound = bound_of(name, x, box, conventions).error
    return np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=bound > 0)


def computed(algorithm: Algorithm, x: Array, box: Box, within: Any) -> Array:
    """With all of it, low and high too, in one type."""
    with np.errstate(all="ignore"):
        return np.asarray(algorithm(x.astype(within), within, within(box[0]), within(box[1])))


@every_set
@pytest.mark.parametrize("dtype", [np.float64, np.float32, *NARROW])
def test_the_norm_computes_in_double_and_rounds_once(
    name: str, algorithms: dict[str, Algorithm], boxes: list[Box], declared: dict[str, str], dtype: Any
) -> None:
    for box in boxes:
        x = entries(name, box, dtype)
        assert np.isfinite(bound_of(name, x, box, declared).error).all()
        for algorithm in algorithms.values():
            assert ratios(computed(algorithm, x, box, np.float64).astype(dtype), name, x, box, declared).max() <= 1


@every_set
@pytest.mark.parametrize("dtype", [np.float32, *NARROW])
def test_all_in_the_working_type_is_within_what_is_declared(
    name: str, algorithms: dict[str, Algorithm], boxes: list[Box], declared: dict[str, str], dtype: Any
) -> None:
    for box in boxes:
        x = entries(name, box, dtype)
        for algorithm in algorithms.values():
            got = computed(algorithm, x, box, np.float32).astype(dtype)
            assert ratios(got, name, x, box, {**declared, **WORKING}).max() <= 1


@every_set
@pytest.mark.parametrize("dtype", NARROW)
def test_every_step_in_a_narrow_type_is_within_what_is_declared(
    name: str, algorithms: dict[str, Algorithm], boxes: list[Box], declared: dict[str, str], dtype: Any
) -> None:
    for box in (*HELD, *boxes):
        x = entries(name, box, dtype)
        found = bound_of(name, x, box, {**declared, **ALL_NARROW}).error
        for algorithm in algorithms.values():
            got = computed(algorithm, x, box, dtype).astype(dtype)
            got = np.where(np.isinf(found), 0, got).astype(dtype)  # nothing is promised there
            assert ratios(got, name, x, box, {**declared, **ALL_NARROW}).max() <= 1


@pytest.mark.parametrize("dtype", NARROW)
def test_what_is_promised_of_narrow_arithmetic_is_finite_where_the_type_holds_the_box(dtype: Any) -> None:
    for name in (*RATIO_ALGORITHMS, *DISTANCE_ALGORITHMS):
        for box in HELD:
            assert np.isfinite(bound_of(name, entries(name, box, dtype), box, ALL_NARROW).error).all()


@every_set
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_grade_that_rounds_more_allows_more(
    name: str, algorithms: dict[str, Algorithm], boxes: list[Box], declared: dict[str, str], dtype: Any
) -> None:
    for box in boxes:
        x = entries(name, box, dtype)
        norm, working = (bound_of(name, x, box, {**declared, **grade}).error for grade in ({}, WORKING))
        if dtype is np.float64:
            np.testing.assert_array_equal(norm, working)
        else:
            assert (working > norm).all()


@every_set
def test_descending_has_the_same_errors_at_the_other_end(
    name: str, algorithms: dict[str, Algorithm], boxes: list[Box], declared: dict[str, str]
) -> None:
    descending = {**declared, "direction": "descending"}
    for box in boxes if not name.endswith("density") else ():
        x = entries(name, box, np.float64)
        exact_turn = x[(x == 0) | (x >= 2.0**-20)] if name in MAPS else x
        turned = 1 - exact_turn if name in MAPS else exact_turn
        for algorithm in algorithms.values():
            up = computed(algorithm, turned, box, np.float64)
            got = up if name in MAPS else 1 - up
            assert ratios(got, name, exact_turn, box, descending).max() <= 1


def test_a_result_of_float32_is_allowed_one_rounding() -> None:
    """So what is computed in float32 has to be declared."""
    u = entries("log_uniform_map", RATIO[0], np.float32)
    found = bound_of("log_uniform_map", u, RATIO[0], {})
    assert (found.error <= 2.0**-24 * found.value * (1 + 1e-6)).all()
    got = computed(RATIO_ALGORITHMS["log_uniform_map"]["base 10"], u, RATIO[0], np.float32)
    assert ratios(got, "log_uniform_map", u, RATIO[0], {}).max() > 1
    assert ratios(got, "log_uniform_map", u, RATIO[0], WORKING).max() <= 1


MISTAKES: dict[str, Algorithm] = {
    "log_uniform_map": lambda u, kind, low, high: low * (high / low) ** (u * 0.999),
    "log_uniform_inverse": lambda x, kind, low, high: np.log1p(x - low) / np.log1p(high - low),
    "log_uniform_density": lambda x, kind, low, high: 1 / (x * np.log10(high / low)),
    "one_minus_log_uniform_map": lambda u, kind, low, high: low + high - low * (high / low) ** (1 - u),
    "one_minus_log_uniform_inverse": lambda x, kind, low, high: np.log(x / low) / np.log(high / low),
    "one_minus_log_uniform_density": lambda x, kind, low, high: 1 / ((1 - x) * np.log((1 - low) / (1 - high)) * 0.99),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, *NARROW])
def test_a_mistake_is_out_of_bounds(name: str, dtype: Any) -> None:
    box = (0.9, 0.999) if name.startswith("one_minus") else (1e-4, 1.0)
    x = entries(name, box, dtype)
    got = computed(MISTAKES[name], x, box, np.float64).astype(dtype)
    assert ratios(got, name, x, box, {}).max() > 1


def test_what_is_flushed_to_0_is_within_the_bound() -> None:
    u = np.linspace(0, 0.25, 9).astype(np.float16)
    zeros = np.zeros(9, np.float16)
    assert ratios(zeros, "log_uniform_map", u, (1e-30, 1e-3), {}).max() <= 1


def test_of_ends_that_the_type_does_not_hold_nothing_is_promised_in_it() -> None:
    u = np.linspace(0, 1, 5).astype(ml_dtypes.bfloat16)
    found = bound_of("one_minus_log_uniform_map", u, (0.9, 0.999), ALL_NARROW)  # 0.999 is rounded to 1
    assert np.isinf(found.error[1:]).all()
