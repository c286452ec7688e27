"""Rounding bounds of averages and optimizers: no sound algorithm leaves them, and small mistakes do."""

from collections.abc import Callable
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.chapters.optimizers import bounds as bounds
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import optimizers as formulas
from nnlaws_spec.numbers import balls
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Options = dict[str, Any]
Averaging = Callable[[Array, Array, float], Array]

LANES, COORDINATES = 2, 6
NARROW = [np.float16, ml_dtypes.bfloat16]
ADAM: Options = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
OPTIONS: dict[str, Options] = {
    "gradient_descent": {"learning_rate": 0.1},
    "momentum": {"learning_rate": 0.1, "beta": 0.9},
    "rmsprop": {"learning_rate": 0.1, "beta": 0.99, "eps": 1e-8},
    "adam": ADAM,
    "adamw": {**ADAM, "weight_decay": 0.01},
}


def forms(**values: tuple[str, ...]) -> list[dict[str, str]]:
    """Every combination."""
    return [dict(zip(values, each, strict=True)) for each in product(*values.values())]


CONVENTIONS = {
    "gradient_descent": forms(),
    "momentum": forms(velocity=("average", "heavy_ball", "rate_inside", "dampened"), lookahead=("none", "nesterov")),
    "rmsprop": forms(
        rmsprop_epsilon=("outside", "inside"), accumulator=("zero", "one"), second_moment=("raw", "centred")
    ),
    "adam": forms(adam_form=("epsilon_outside", "epsilon_inside", "epsilon_hat", "epsilon_hat_inside", "uncorrected")),
    "adamw": forms(
        adam_form=("epsilon_outside", "epsilon_hat", "epsilon_hat_inside"),
        decoupling=("times_rate", "without_rate", "rate_squared", "after_step", "l2"),
    ),
}
EVERY = [
    pytest.param(name, named, id="-".join([name, *named.values()]))
    for name, each in CONVENTIONS.items()
    for named in each
]
every_form = pytest.mark.parametrize(("name", "named"), EVERY)
every_optimizer = pytest.mark.parametrize("name", OPTIONS)

# --- arguments, and exact results ---


def parameters(random: np.random.Generator, dtype: Any) -> Array:
    """(LANES, COORDINATES), 0 in the first lane, where the smallest step can be seen."""
    theta = random.standard_normal((LANES, COORDINATES))
    theta[0] = 0.0
    return np.asarray(theta, dtype=dtype)


def gradients(random: np.random.Generator, steps: int, dtype: Any, scale: float = 1.0) -> Array:
    """(LANES, steps, COORDINATES): of several scales, some 0."""
    g = random.standard_normal((LANES, steps, COORDINATES)) * scale * np.array([1, 1, 2.0**-13, 2.0**-13, 1, 1])
    g[..., -1] *= random.random((LANES, steps)) < 0.4
    return np.asarray(g, dtype=dtype)


def exact(name: str, theta: Array, grads: Array, options: Options, named: dict[str, str]) -> Any:
    formula: Any = getattr(formulas, name)
    with ctx.workprec(256):
        return formula(balls(theta), balls(grads), **options, **named)


def bound_of(name: str, theta: Array, grads: Array, options: Options, conventions: dict[str, str]) -> Bounded:
    found: Bounded = getattr(bounds, name)(bounded(theta), bounded(grads), **options, conventions=conventions)
    assert found.dtype == theta.dtype
    assert found.shape == grads.shape
    assert not np.isnan(found.error).any()
    assert np.isfinite(found.value).all()
    return found


def worst(got: Array, truth: Any, bound: Bounded) -> float:
    """error/bound at the worst element where the bound is finite; NaN counts as infinite."""
    distance: Any = np.frompyfunc(lambda x, y: float(abs(arb(x) - y).upper()), 2, 1)
    finite = np.isfinite(bound.error)
    with ctx.workprec(256):
        error = distance(np.where(finite, got, 0).astype(np.float64).astype(object), truth).astype(np.float64)
    error = np.where(finite & (error > 1e-60), error, 0.0)  # a ball's own radius
    ratio = np.divide(error, bound.error, out=np.where(error > 0, np.inf, 0.0), where=bound.error > 0)
    return float(np.max(np.where(np.isnan(ratio), np.inf, ratio), initial=0.0))


# --- sound algorithms, each step rounded to the arguments' dtype ---


def literal(v: Array, x: Array, beta: float) -> Array:
    kind = x.dtype.type
    return np.asarray(kind(beta) * v + kind(1 - beta) * x)


def difference(v: Array, x: Array, beta: float) -> Array:
    return np.asarray(v + x.dtype.type(1 - beta) * (x - v))


def towards_new(v: Array, x: Array, beta: float) -> Array:
    """The difference from whichever end is nearer, as torch.lerp."""
    return difference(v, x, beta) if beta > 0.5 else np.asarray(x - x.dtype.type(beta) * (x - v))


def fused(v: Array, x: Array, beta: float) -> Array:
    """One rounding at the end."""
    return np.asarray(beta * v.astype(np.float64) + (1 - beta) * x.astype(np.float64)).astype(x.dtype)


def options_first(v: Array, x: Array, beta: float) -> Array:
    kind = x.dtype.type
    return np.asarray(kind(beta) * v + (kind(1) - kind(beta)) * x)


def averaged(average: Averaging, x: Array, beta: float) -> Array:
    """From 0, after each value."""
    v, averages = 0 * x[..., 0, :], list[Array]()
    for t in range(x.shape[-2]):
        v = average(v, x[..., t, :], beta)
        averages.append(v)
    return np.stack(averages, axis=-2)


AVERAGES: tuple[Averaging, ...] = (literal, difference, towards_new, fused)


def adam_steps(m: Array, v: Array, c1: Any, c2: Any, options: Options) -> dict[str, Array]:
    """Of Adam, in several orders; c1 and c2 are the corrections in double."""

    def kind(x: Any) -> Array:
        return np.asarray(x).astype(m.dtype)

    alpha, eps, one = options["learning_rate"], options["eps"], kind(1)
    divisor = np.sqrt(v / kind(c2)) + kind(eps)
    return {
        "literal": kind(alpha) * ((m / kind(c1)) / divisor),
        "rate first": kind(alpha) * (m / kind(c1)) / divisor,
        "reciprocals": (m * (one / kind(c1))) * (kind(alpha) * (one / (np.sqrt(v * (one / kind(c2))) + kind(eps)))),
        "torch's": kind(alpha / c1) * (m / (np.sqrt(v) / kind(c2**0.5) + kind(eps))),
        "folded": kind(alpha * c2**0.5 / c1) * m / (np.sqrt(v) + kind(eps * c2**0.5)),
    }


ORDERS = ("literal", "rate first", "reciprocals", "torch's", "folded")


def correction(beta: float, steps: int) -> Floats:
    return 1 - beta ** np.arange(1.0, steps + 1)[:, None]


def descended(theta: Array, steps: Array) -> Array:
    """θ less one step after the other."""
    return np.asarray(np.subtract.accumulate(np.concatenate([theta[:, None, :], steps], axis=1), axis=1)[:, 1:])


def adam_by(average: Averaging, order: str, theta: Array, grads: Array, options: Options) -> Array:
    beta1, beta2, total = options["beta1"], options["beta2"], grads.shape[-2]
    m, v = averaged(average, grads, beta1), averaged(average, grads * grads, beta2)
    return descended(theta, adam_steps(m, v, correction(beta1, total), correction(beta2, total), options)[order])


# --- the bounds hold ---


@every_form
def test_in_float64_the_value_is_the_convention_to_within_its_error(name: str, named: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float64), gradients(random, 6, np.float64)
    for rate in (0.1, (0.1, 1.0, 1e-3, 0.1, 0.5, 0.5)):
        options = {**OPTIONS[name], "learning_rate": rate}
        bound = bound_of(name, theta, grads, options, named)
        assert worst(bound.value, exact(name, theta, grads, options, named), bound) <= 1


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_a_sound_average_stays_within_its_bound(average: Averaging, beta: float) -> None:
    x = gradients(np.random.default_rng(0), 8, np.float32)
    plain = averaged(average, x, beta)
    for corrected, got in ((False, plain), (True, plain / correction(beta, 8).astype(np.float32))):
        options: Options = {"beta": beta, "bias_correction": corrected}
        with ctx.workprec(256):
            truth = formulas.exponential_average(balls(x), **options)
        bound = bounds.exponential_average(bounded(x), **options, conventions={})
        assert worst(got, truth, bound) <= 1


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e-9])
def test_a_sound_adam_stays_within_its_bound(average: Averaging, order: str, scale: float) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float32), gradients(random, 5, np.float32, scale)
    for beta1, beta2 in ((0.9, 0.999), (0.0, 0.5)):
        options = {**ADAM, "beta1": beta1, "beta2": beta2}
        truth, bound = exact("adam", theta, grads, options, {}), bound_of("adam", theta, grads, options, {})
        assert worst(adam_by(average, order, theta, grads, options), truth, bound) <= 1


def test_the_bound_of_one_step_of_adam_is_a_few_times_the_errors_made() -> None:
    """15½ roundings are counted; at the worst of 400 steps, in five orders, the error is four of them."""
    random = np.random.default_rng(0)
    theta, grads = np.zeros((1, 400), np.float32), random.standard_normal((1, 1, 400)).astype(np.float32)
    truth, bound = exact("adam", theta, grads, ADAM, {}), bound_of("adam", theta, grads, ADAM, {})
    assert (bound.error <= 15.6 * 2.0**-24 * np.abs(bound.value)).all()
    assert 1 / 6 < max(worst(adam_by(literal, order, theta, grads, ADAM), truth, bound) for order in ORDERS) < 1


def test_updates_are_what_the_iterates_move_by() -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float64), gradients(random, 5, np.float64)
    for name, updates in bounds.UPDATES.items():
        for named in CONVENTIONS[name]:
            found = updates(bounded(grads), **OPTIONS[name], conventions=named)
            iterates = bound_of(name, theta, grads, OPTIONS[name], named)
            before = np.concatenate([theta[:, None, :], iterates.value[:, :-1]], axis=1)
            np.testing.assert_array_equal(before - found.value, iterates.value)
            assert (found.error <= iterates.error).all()


# --- and nothing that is wrong does ---


@every_form
def test_every_other_convention_is_out_of_bounds(name: str, named: dict[str, str]) -> None:
    """With gradients large and as small as ε shows in, and a rate that changes, so that it matters where it stands."""
    random = np.random.default_rng(0)
    theta, options = parameters(random, np.float32), {**OPTIONS[name], "learning_rate": (0.1, 0.05, 0.2, 0.1)}
    for other in CONVENTIONS[name]:
        out = False
        for scale, eps in ((1.0, 1e-3), (1e-4, 1e-8)):
            grads = gradients(random, 4, np.float32, scale)
            options = {key: eps if key == "eps" else value for key, value in options.items()}
            got = bound_of(name, theta, grads, options, named)
            bound = bound_of(name, theta, grads, options, other)
            out |= bool((np.abs(got.value - bound.value) > bound.error).any())
        assert out == (named != other)


MISTAKES: dict[str, tuple[Any, Any, float]] = {
    "1 − β for 1 − β^t": (0.1, 0.001, 1e-8),
    "only the first moment corrected": (correction(0.9, 3), 1.0, 1e-8),
    "corrected by the next step's": (correction(0.9, 4)[1:], correction(0.999, 4)[1:], 1e-8),
    "ε off by a hundredth of itself": (correction(0.9, 3), correction(0.999, 3), 1.01e-8),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_adam_is_out_of_bounds(mistake: tuple[Any, Any, float]) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float32), gradients(random, 3, np.float32, 1e-4)
    c1, c2, eps = mistake
    m, v = averaged(literal, grads, 0.9), averaged(literal, grads * grads, 0.999)
    got = descended(theta, adam_steps(m, v, c1, c2, {**ADAM, "eps": eps})["literal"])
    bound = bound_of("adam", theta, grads, ADAM, {})
    assert (np.abs(got - bound.value) > bound.error).any()


# --- grades ---


def test_options_rounded_first_leave_the_bound_of_the_norm_and_keep_that_of_their_grade() -> None:
    """1 − fl(0.999) is off by 1e-5 in float32: without bias correction, all of it is seen."""
    x = gradients(np.random.default_rng(0), 8, np.float32)
    got, options = averaged(options_first, x, 0.999), Options(beta=0.999, bias_correction=False)
    with ctx.workprec(256):
        truth = formulas.exponential_average(balls(x), **options)
    norm, working = (
        bounds.exponential_average(bounded(x), **options, conventions=conventions)
        for conventions in ({}, {"hyperparameters": "working"})
    )
    assert worst(got, truth, working) <= 1
    assert worst(got, truth, norm) > 10


@every_optimizer
@pytest.mark.parametrize("dtype", [*NARROW, np.float32, np.float64])
def test_every_grade_admits_what_the_norm_does(name: str, dtype: Any) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, dtype), gradients(random, 5, dtype)
    norm = bound_of(name, theta, grads, OPTIONS[name], {})
    parameters_kept = [{"parameters": kept} for kept in ("compensated", "stochastic")]
    for grade in ({"hyperparameters": "working"}, {"state": "narrow"}, {"arithmetic": "narrow"}, *parameters_kept):
        wider = bound_of(name, theta, grads, OPTIONS[name], grade)
        assert (wider.error >= norm.error).all()
        says_nothing = dtype is np.float64 or (dtype is np.float32 and "hyperparameters" not in grade)
        if says_nothing:
            np.testing.assert_array_equal(wider.error, norm.error)
        elif "hyperparameters" not in grade:
            assert (wider.error > 1.2 * norm.error).any()


@every_optimizer
@pytest.mark.parametrize("dtype", NARROW)
def test_float32_inside_and_one_rounding_is_within_the_bound_of_a_narrow_type(name: str, dtype: Any) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, dtype), gradients(random, 8, dtype)
    bound = bound_of(name, theta, grads, OPTIONS[name], {})
    inside = bound_of(name, theta.astype(np.float32), grads.astype(np.float32), OPTIONS[name], {})
    got = inside.value.astype(np.float32).astype(dtype)
    ratio = worst(got, exact(name, theta, grads, OPTIONS[name], {}), bound)
    assert 0.7 < ratio <= 1  # the rounding on store is nearly all of it


@pytest.mark.parametrize("dtype", NARROW)
def test_parameters_and_moments_rounded_after_every_step_stay_within_the_bound_of_a_narrow_state(dtype: Any) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, dtype), gradients(random, 8, dtype)
    at, v, iterates = theta, 0 * theta, list[Array]()
    for t in range(8):
        v = literal(v.astype(np.float32), grads[..., t, :].astype(np.float32), 0.9).astype(dtype)
        at = (at.astype(np.float32) - np.float32(0.1) * v.astype(np.float32)).astype(dtype)
        iterates.append(at)
    got, truth = np.stack(iterates, axis=-2), exact("momentum", theta, grads, OPTIONS["momentum"], {})
    narrow, norm = (
        bound_of("momentum", theta, grads, OPTIONS["momentum"], conventions)
        for conventions in ({"state": "narrow"}, {})
    )
    assert worst(got, truth, narrow) <= 1 < worst(got, truth, norm)


@pytest.mark.parametrize("average", [literal, difference])
def test_narrow_steps_stay_within_the_bound_of_narrow_arithmetic(average: Averaging) -> None:
    random, dtype = np.random.default_rng(0), ml_dtypes.bfloat16
    theta, grads = parameters(random, dtype), gradients(random, 4, dtype)
    options = {**ADAM, "beta2": 0.9, "eps": 1e-3}
    truth, bound = (
        exact("adam", theta, grads, options, {}),
        bound_of("adam", theta, grads, options, {"arithmetic": "narrow"}),
    )
    for order in ORDERS:
        assert worst(adam_by(average, order, theta, grads, options), truth, bound) <= 1


# --- the ends of the range ---


@every_form
def test_nothing_moves_where_every_gradient_is_0(name: str, named: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    theta = parameters(random, np.float32)
    none = np.zeros((LANES, 5, COORDINATES), np.float32)
    assert bound_of(name, theta, none[:, :0], OPTIONS[name], named).size == 0
    bound = bound_of(name, theta, none, OPTIONS[name], named)
    assert (bound.error[0] == 0).all()
    assert np.isfinite(bound.error).all()
    if name != "adamw":
        assert (bound.error == 0).all()


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_without_epsilon_a_gradient_of_0_promises_nothing_and_any_other_does(name: str) -> None:
    options = {**OPTIONS[name], "eps": 0.0}
    grads = np.array([[[0.0, 1e-3, 5.0]]], np.float32)
    bound = bound_of(name, np.zeros((1, 3), np.float32), grads, options, {})
    np.testing.assert_array_equal(np.isfinite(bound.error), [[[False, True, True]]])


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_from_the_first_square_beyond_the_range_on_nothing_is_promised(name: str) -> None:
    grads = np.array([[[1.0, 1.0], [1e30, 1.0], [1.0, 1.0]]], np.float32)
    bound = bound_of(name, np.zeros((1, 2), np.float32), grads, OPTIONS[name], {})
    np.testing.assert_array_equal(np.isfinite(bound.error[0, :, 0]), [True, False, False])
    assert np.isfinite(bound.error[0, :, 1]).all()
    wide = bound_of(name, np.zeros((1, 2)), grads.astype(np.float64), OPTIONS[name], {})
    assert np.isfinite(wide.error).all()


def test_squares_that_are_flushed_to_0_are_within_the_bound() -> None:
    """The root of a square that float32 does not hold is lost; beside ε it is nothing."""
    grads = np.array([[[1e-20, 1e-22]]], np.float32)
    bound = bound_of("rmsprop", np.zeros((1, 2), np.float32), grads, OPTIONS["rmsprop"], {})
    flushed = -np.float32(0.1) * (grads / np.float32(1e-8))
    assert worst(flushed, exact("rmsprop", np.zeros((1, 2)), grads, OPTIONS["rmsprop"], {}), bound) <= 1
    assert (bound.error < 1e-6 * np.abs(bound.value)).all()


def test_a_centred_second_moment_that_may_cancel_promises_nothing() -> None:
    """Of a constant gradient s − a² is (1 − β^t) β^t g²: with β = ½, 24 steps leave nothing that float32 can see."""
    named = {"second_moment": "centred"}
    options = {**OPTIONS["rmsprop"], "beta": 0.5}
    bound = bound_of("rmsprop", np.zeros((1, 1), np.float32), np.ones((1, 30, 1), np.float32), options, named)
    assert np.isfinite(bound.error[0, :10]).all()
    assert np.isinf(bound.error[0, 26:]).all()
