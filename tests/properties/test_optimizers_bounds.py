"""Rounding bounds of averages and optimizers: no sound algorithm leaves them, and small mistakes do."""

from collections.abc import Callable
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.bounds import Bounded, bounded
from nnlaws.bounds import optimizers as bounds
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
CONVENTIONS: dict[str, list[dict[str, str]]] = {
    "gradient_descent": [{}],
    "momentum": [
        {"velocity": velocity, "lookahead": lookahead}
        for velocity, lookahead in product(("average", "heavy_ball", "rate_inside", "dampened"), ("none", "nesterov"))
    ],
    "rmsprop": [
        {"rmsprop_epsilon": epsilon, "accumulator": start, "second_moment": moment}
        for epsilon, start, moment in product(("outside", "inside"), ("zero", "one"), ("raw", "centred"))
    ],
    "adam": [{"adam_form": form} for form in ("epsilon_outside", "epsilon_inside", "epsilon_hat", "uncorrected")],
    "adamw": [
        {"adam_form": form, "decoupling": decoupling}
        for form, decoupling in product(("epsilon_outside", "epsilon_hat"), ("times_rate", "without_rate", "l2"))
    ],
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
    return theta.astype(dtype)


def gradients(random: np.random.Generator, steps: int, dtype: Any, scale: float = 1.0) -> Array:
    """(LANES, steps, COORDINATES): of several scales, some 0."""
    g = random.standard_normal((LANES, steps, COORDINATES)) * scale * np.array([1, 1, 2.0**-13, 2.0**-13, 1, 1])
    g[..., -1] *= random.random((LANES, steps)) < 0.4
    return g.astype(dtype)


def exact(name: str, theta: Array, grads: Array, options: Options, named: dict[str, str]) -> Any:
    with ctx.workprec(256):
        return getattr(formulas, name)(balls(theta), balls(grads), **options, **named)


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
    return kind(beta) * v + kind(1 - beta) * x


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
    return kind(beta) * v + (kind(1) - kind(beta)) * x


AVERAGES: tuple[Averaging, ...] = (literal, difference, towards_new, fused)


def adam_steps(m: Array, v: Array, alpha: float, c1: float, c2: float, eps: float) -> dict[str, Array]:
    """Of Adam, in several orders; c1 and c2 are the corrections in double."""
    kind = m.dtype.type
    denominator = np.sqrt(v / kind(c2)) + kind(eps)
    one = kind(1)
    return {
        "literal": kind(alpha) * ((m / kind(c1)) / denominator),
        "rate first": kind(alpha) * (m / kind(c1)) / denominator,
        "reciprocals": (m * (one / kind(c1))) * (kind(alpha) * (one / (np.sqrt(v * (one / kind(c2))) + kind(eps)))),
        "torch's": kind(alpha / c1) * (m / (np.sqrt(v) / kind(c2**0.5) + kind(eps))),
        "folded": kind(alpha * c2**0.5 / c1) * m / (np.sqrt(v) + kind(eps * c2**0.5)),
    }


def adam_by(average: Averaging, order: str, theta: Array, grads: Array, options: Options) -> Array:
    m, v, iterates = 0 * theta, 0 * theta, list[Array]()
    for t in range(grads.shape[-2]):
        g = grads[..., t, :]
        m, v = average(m, g, options["beta1"]), average(v, g * g, options["beta2"])
        c1, c2 = 1 - options["beta1"] ** (t + 1), 1 - options["beta2"] ** (t + 1)
        theta = theta - adam_steps(m, v, options["learning_rate"], c1, c2, options["eps"])[order]
        iterates.append(theta)
    return np.stack(iterates, axis=-2)


ORDERS = tuple(adam_steps(np.ones(1), np.ones(1), 0.1, 0.1, 0.1, 0.1))

# --- the bounds hold ---


@every_form
def test_in_float64_the_value_is_the_convention_to_within_its_error(name: str, named: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float64), gradients(random, 6, np.float64)
    bound = bound_of(name, theta, grads, OPTIONS[name], named)
    assert worst(bound.value, exact(name, theta, grads, OPTIONS[name], named), bound) <= 1
    assert np.median(bound.error / np.abs(bound.value)) < 1e-13
    narrower = bound_of(name, theta.astype(np.float32), grads.astype(np.float32), OPTIONS[name], named)
    assert (narrower.error >= 2**20 * bound.error)[np.isfinite(narrower.error) & (bound.error > 1e-300)].all()


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_a_sound_average_stays_within_its_bound(average: Averaging, beta: float) -> None:
    x = gradients(np.random.default_rng(0), 8, np.float32)
    for corrected in (False, True):
        v, averages = np.zeros((LANES, COORDINATES), np.float32), list[Array]()
        for t in range(8):
            v = average(v, x[..., t, :], beta)
            averages.append(v / np.float32(1 - beta ** (t + 1)) if corrected else v)
        options: Options = {"beta": beta, "bias_correction": corrected}
        with ctx.workprec(256):
            truth = formulas.exponential_average(balls(x), **options)
        bound = bounds.exponential_average(bounded(x), **options, conventions={})
        assert worst(np.stack(averages, axis=-2), truth, bound) <= 1


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
    """15½ roundings are counted; the five orders make five or six of them at the worst of 400 steps."""
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


@pytest.mark.parametrize(
    ("name", "named"),
    [each for each in EVERY if any(value not in ("times_rate",) for value in each.values[1].values())],  # type: ignore
)
def test_another_convention_is_out_of_bounds(name: str, named: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    theta, grads = parameters(random, np.float32), gradients(random, 4, np.float32, 1e-4)
    got = bound_of(name, theta, grads, OPTIONS[name], named).value.astype(np.float32)
    for other in CONVENTIONS[name]:
        bound = bound_of(name, theta, grads, OPTIONS[name], other)
        off = np.abs(got - bound.value) / np.where(bound.error > 0, bound.error, np.inf)
        assert (np.nanmax(off) > 1) == (named != other)
