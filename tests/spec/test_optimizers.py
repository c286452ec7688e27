"""The optimizers' formulas: values by hand, averages against fractions, every convention and identity in balls."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import product
from math import sqrt
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from nnlaws_spec import clause, clauses
from nnlaws_spec.formulas import optimizers as formulas
from nnlaws_spec.formulas import search
from nnlaws_spec.hyperparameters import HYPERPARAMETERS, Hyperparameter, number
from nnlaws_spec.numbers import balls, directional_derivative, enclose
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PRECISION = 256
RATES = (0.1, 0.2, 0.05, 0.3, 0.1)
CONVENTIONS: dict[str, dict[str, Any]] = {
    "exponential_average": {"average_start": formulas.AverageStart},
    "gradient_descent": {},
    "momentum": {"velocity": formulas.Velocity, "lookahead": formulas.Lookahead},
    "rmsprop": {
        "rmsprop_epsilon": formulas.RmspropEpsilon,
        "accumulator": formulas.Accumulator,
        "second_moment": formulas.SecondMoment,
    },
    "adam": {"adam_form": formulas.AdamForm},
    "adamw": {"adam_form": formulas.AdamForm, "decoupling": formulas.Decoupling},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "gradient_descent": {},
    "momentum": {"beta": 0.9},
    "rmsprop": {"beta": 0.9, "eps": 1e-3},
    "adam": {"beta1": 0.9, "beta2": 0.99, "eps": 1e-3},
    "adamw": {"beta1": 0.9, "beta2": 0.99, "eps": 1e-3, "weight_decay": 0.1},
}


def _variants(name: str) -> Iterator[dict[str, str]]:
    kinds = CONVENTIONS[name]
    for values in product(*(get_args(kind) for kind in kinds.values())):
        yield dict(zip(kinds, values, strict=True))


CALLS = {
    f"{name} {' '.join(variant.values())}".strip(): partial(getattr(formulas, name), **options, **variant)
    for name, options in OPTIONS.items()
    for variant in _variants(name)
}
every_call = pytest.mark.parametrize("formula", CALLS.values(), ids=CALLS)


def _exactly(test: Callable[..., None]) -> Callable[..., None]:
    return ctx.workprec(PRECISION)(test)


def _given(total: int = 5, n: int = 3) -> tuple[Floats, Floats]:
    random = np.random.default_rng((total, n))
    return random.normal(size=n), random.normal(size=(total, n))


def _near(a: Any, b: Any) -> bool:
    """Whether balls overlap, all of them narrow."""
    pairs = list(np.broadcast(np.asarray(a, object), np.asarray(b, object)))
    narrow = all(arb(x).rad() < arb(2) ** -200 and arb(y).rad() < arb(2) ** -200 for x, y in pairs)
    return narrow and all(bool(arb(x).overlaps(arb(y))) for x, y in pairs)


# Values by hand: θ₀ = 1, and what makes every root a whole number


def _run(name: str, grads: list[float], **options: Any) -> list[float]:
    trajectory = getattr(formulas, name)(np.array([1.0]), np.array(grads)[:, None], **options)
    return list(map(float, trajectory.ravel()))


def test_op7_op12_gradient_descent_by_hand() -> None:
    assert _run("gradient_descent", [2, -1], learning_rate=0.25) == [0.5, 0.75]
    assert _run("gradient_descent", [2, -1], learning_rate=(0.25, 1.0)) == [0.5, 1.5]
    with pytest.raises(ValueError, match="shorter"):
        _run("gradient_descent", [2, -1], learning_rate=(0.25,))


@pytest.mark.parametrize(
    ("velocity", "lookahead", "want"),
    [
        ("average", "none", [0, -1.25]),  # v = 1, 2.5
        ("heavy_ball", "none", [-1, -3.5]),  # v = 2, 5
        ("rate_inside", "none", [-1, -4]),  # v = 2, 1 + 2
        ("dampened", "none", [-1, -2.5]),  # v = 2, 3
        ("average", "nesterov", [-0.5, -2.125]),  # u = .5 + 1, 1.25 + 2
        ("heavy_ball", "nesterov", [-2, -5.25]),  # u = 1 + 2, 2.5 + 4
        ("rate_inside", "nesterov", [-2, -5.5]),  # 1 + 2, 1.5 + 2
        ("dampened", "nesterov", [-1, -2.75]),  # u = 1 + 1, 1.5 + 2
    ],
)
def test_op8_momentum_by_hand(velocity: str, lookahead: str, want: list[float]) -> None:
    """β = 1/2, g = 2, 4, and the rates 1, 1/2."""
    got = _run("momentum", [2, 4], learning_rate=(1.0, 0.5), beta=0.5, velocity=velocity, lookahead=lookahead)
    assert got == want


def test_op9_rmsprop_by_hand() -> None:
    rmsprop = partial(_run, "rmsprop", learning_rate=0.5, beta=0.75)
    assert rmsprop([4, 2], eps=2.0) == [0.5, 0.25]  # s = 4, 4
    assert rmsprop([4, 2], eps=12.0, rmsprop_epsilon="inside") == [0.5, 0.25]
    assert rmsprop([1], eps=1.0, accumulator="one") == [0.75]  # s = .75 + .25
    assert rmsprop([4], eps=1.0, second_moment="centred") == pytest.approx([1 - 2 / (sqrt(3) + 1)])  # s − a² = 4 − 1
    assert rmsprop([4], eps=1.0, second_moment="centred", rmsprop_epsilon="inside") == [0.0]


@pytest.mark.parametrize(
    ("adam_form", "want"),
    [
        ("epsilon_outside", 1 - 3 / 4),  # m = 3/2, m̂ = 3; v = 9/4, v̂ = 9
        ("epsilon_inside", 1 - 3 / sqrt(10)),
        ("epsilon_hat", 1 - 3 / 2 / (5 / 2)),  # 3/2 · ½ / ½
        ("epsilon_hat_inside", 1 - 3 / 2 / sqrt(13 / 4)),
        ("uncorrected", 1 - 3 / 2 / (5 / 2)),
    ],
)
def test_op10_op11_adam_by_hand(adam_form: str, want: float) -> None:
    options: dict[str, Any] = {"learning_rate": 1.0, "beta1": 0.5, "beta2": 0.75, "eps": 1.0, "adam_form": adam_form}
    assert _run("adam", [3], **options) == pytest.approx([want])
    assert _run("adamw", [3], weight_decay=0.0, **options) == _run("adam", [3], **options)
    half: dict[str, Any] = {**options, "learning_rate": 0.5}
    step = (1 - want) / 2
    assert _run("adamw", [3], weight_decay=0.5, **half) == pytest.approx([1 - 0.25 - step])
    assert _run("adamw", [3], weight_decay=0.5, decoupling="without_rate", **half) == pytest.approx([0.5 - step])
    assert _run("adamw", [3], weight_decay=0.5, decoupling="rate_squared", **half) == pytest.approx([1 - 0.125 - step])
    after = _run("adamw", [3], weight_decay=0.5, decoupling="after_step", **half)
    assert after == pytest.approx([(1 - step) * (1 - 0.25)])
    assert _run("adamw", [2], weight_decay=1.0, decoupling="l2", **half) == pytest.approx([1 - step])


def test_op10_the_second_step_by_hand() -> None:
    """m = 1.5, 1.25; v = 2.25, 1.9375; the corrections are 3/4 and 7/16. Uncorrected and ε̂ differ from here on."""
    options = {"learning_rate": 1.0, "beta1": 0.5, "beta2": 0.75, "eps": 1.0}
    m, v, c1, c2 = 1.25, 1.9375, 0.75, 0.4375
    want = {
        "epsilon_outside": m / c1 / (sqrt(v / c2) + 1),
        "epsilon_inside": m / c1 / sqrt(v / c2 + 1),
        "epsilon_hat": m * sqrt(c2) / c1 / (sqrt(v) + 1),
        "epsilon_hat_inside": m * sqrt(c2) / c1 / sqrt(v + 1),
        "uncorrected": m / (sqrt(v) + 1),
    }
    for adam_form, step in want.items():
        first, second = _run("adam", [3, 1], adam_form=adam_form, **options)
        assert first - second == pytest.approx(step)


# Averages


@pytest.mark.parametrize("average_start", get_args(formulas.AverageStart))
@pytest.mark.parametrize("bias_correction", [False, True])
@pytest.mark.parametrize("beta", [0.9, 0.999, 0.0])
@_exactly
def test_op1_op2_averages_are_exact_in_balls(
    average_start: formulas.AverageStart, bias_correction: bool, beta: float
) -> None:
    """The sum over the values, written out: no recursion. 1 − 0.9 is no float."""
    values, b = _given(6, 1)[1], Fraction(beta)
    options: dict[str, Any] = {"beta": beta, "bias_correction": bias_correction, "average_start": average_start}
    got = formulas.exponential_average(balls(values), **options)
    numbers = [Fraction(value) for value in values.ravel().tolist()]
    for t in range(1, 7):
        weights = [(1 - b) * b ** (t - s) for s in range(1, t + 1)]
        if average_start == "first_value":
            weights[0] = b ** (t - 1)
        want = sum((w * x for w, x in zip(weights, numbers, strict=False)), Fraction(0))
        if bias_correction and average_start == "zero":
            want /= 1 - b**t
        assert _near(got[t - 1], arb(fmpq(want.numerator, want.denominator)))
    assert formulas.exponential_average(values, **options) == pytest.approx(got.astype(float), rel=1e-13)


def test_op1_no_values_have_no_averages_and_large_ones_do_not_overflow() -> None:
    average = partial(formulas.exponential_average, beta=0.5, bias_correction=True)
    assert average(np.zeros((0, 2))).shape == average(balls(np.zeros((0, 2)))).shape == (0, 2)
    assert average(np.full((2, 1), 1e308)).tolist() == [[1e308], [1e308]]


def test_op3_the_effective_window() -> None:
    assert formulas.effective_window(0.9) == pytest.approx(10)
    assert formulas.effective_window(0.9995) - formulas.effective_window(0.999) == pytest.approx(1000)
    assert formulas.effective_window(0.9005) - formulas.effective_window(0.9) == pytest.approx(0.05, rel=0.01)
    betas = np.array([0.5, 0.9, 0.99, 0.999])
    left = betas ** formulas.effective_window(betas)
    assert left[0] == 0.25
    assert (np.diff(left) > 0).all()
    assert left[-1] < 1 / np.e < left[-1] + 2e-4
    slopes = directional_derivative(formulas.effective_window, betas, np.ones(4))
    assert slopes.astype(float) == pytest.approx(1 / (1 - betas) ** 2)


# All conventions


@every_call
@pytest.mark.parametrize("learning_rate", [0.1, RATES])
def test_floats_balls_and_jets_agree(formula: Callable[..., Any], learning_rate: Any) -> None:
    """Quantities of order 1, about a hundred roundings: 1e-13."""
    theta, grads = _given()
    call = partial(formula, learning_rate=learning_rate)
    exact = enclose(call, theta, grads, within=1e-30)
    got = call(theta, grads)
    assert got.shape == exact.hi.shape == grads.shape
    assert np.abs(got - exact.hi).max() < 1e-13
    slopes = directional_derivative(lambda g, p: call(p, g), grads, np.ones_like(grads), theta)
    ahead, behind = (call(theta, grads + step) for step in (1e-6, -1e-6))
    assert slopes.astype(float) == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-4)


@every_call
def test_stacked_runs_are_each_their_own(formula: Callable[..., Any]) -> None:
    theta, grads = _given()
    stacked = formula(np.stack([theta, -theta]), np.stack([grads, 2 * grads]), learning_rate=RATES)
    assert np.array_equal(stacked[0], formula(theta, grads, learning_rate=RATES))
    assert np.array_equal(stacked[1], formula(-theta, 2 * grads, learning_rate=RATES))


@every_call
def test_op16_no_steps_and_fewer_steps(formula: Callable[..., Any]) -> None:
    theta, grads = _given()
    for lifted in ((theta, grads[:0]), (balls(theta), balls(grads[:0]))):
        assert formula(*lifted, learning_rate=0.1).shape == (0, 3)
        assert formula(*lifted, learning_rate=()).shape == (0, 3)
    whole = formula(theta, grads, learning_rate=RATES)
    assert np.array_equal(formula(theta, grads[:2], learning_rate=RATES[:2]), whole[:2])


# Identities


@_exactly
def test_op8_velocities_are_multiples_of_each_other() -> None:
    theta, grads = (balls(each) for each in _given())
    run = partial(formulas.momentum, theta, grads, beta=0.75)
    assert _near(run(learning_rate=0.25, velocity="heavy_ball"), run(learning_rate=1.0))
    assert _near(run(learning_rate=0.25, velocity="heavy_ball"), run(learning_rate=0.25, velocity="rate_inside"))
    assert not _near(run(learning_rate=RATES, velocity="heavy_ball"), run(learning_rate=RATES, velocity="rate_inside"))


@_exactly
def test_op10_epsilon_hat_is_a_larger_epsilon_at_the_first_step() -> None:
    theta, grads = (balls(each) for each in _given(1))
    run = partial(formulas.adam, theta, grads, learning_rate=0.1, beta1=0.9, beta2=0.75)
    assert _near(run(eps=0.5, adam_form="epsilon_hat"), run(eps=1.0))


@_exactly
def test_op18_op20_op21_no_memory_sign_and_scale() -> None:
    theta, grads = (balls(each) for each in _given())
    rate: dict[str, Any] = {"learning_rate": 0.1}
    assert _near(formulas.momentum(theta, grads, beta=0.0, **rate), formulas.gradient_descent(theta, grads, **rate))
    sizes = theta - np.cumsum(0.1 * (grads / (abs(grads) + 0.5)), axis=0)
    assert _near(formulas.rmsprop(theta, grads, beta=0.0, eps=0.5, **rate), sizes)
    assert _near(formulas.adam(theta, grads, beta1=0.0, beta2=0.0, eps=0.5, **rate), sizes)
    for name, options in OPTIONS.items():
        run = partial(getattr(formulas, name), **rate)
        assert _near(run(-theta, -grads, **options), -run(theta, grads, **options))
        if "eps" in options:
            more = {**options, "eps": 8 * options["eps"]}
            assert _near(run(theta, 8 * grads, **more), run(theta, grads, **options))
        else:
            assert _near(run(8 * theta, 8 * grads, **options), 8 * run(theta, grads, **options))


def test_op23_the_longest_steps_are_reached_and_not_passed() -> None:
    """Gradients that grow by β₂/β₁ a step reach Adam's; a first gradient after none reaches RMSprop's."""
    growing = (0.999 / 0.9) ** np.arange(30.0)[:, None]
    options: dict[str, Any] = {"learning_rate": 0.5, "beta1": 0.9, "beta2": 0.999}
    bounds = np.array([formulas.adam_longest_step(t, **options) for t in range(1, 31)])
    for grads in (growing, *(np.random.default_rng(seed).normal(size=(30, 1)) for seed in range(20))):
        steps = -np.diff(formulas.adam(np.zeros(1), grads, eps=0.0, **options).ravel(), prepend=0.0)
        assert (np.abs(steps) <= bounds * (1 + 1e-12)).all()
        if grads is growing:
            assert steps == pytest.approx(bounds, rel=1e-12)
    longest = formulas.rmsprop_longest_step(learning_rate=0.5, beta=0.75)
    assert -formulas.rmsprop(np.zeros(1), np.ones((1, 1)), learning_rate=0.5, beta=0.75, eps=0.0).item() == longest == 1


@pytest.mark.parametrize("name", ["gradient_descent", "momentum"])
@_exactly
def test_op25_the_quadratic_is_what_the_optimizers_do(name: str) -> None:
    """Each gradient is hθ where the run has got to."""
    run = partial(getattr(formulas, name), learning_rate=0.7, **OPTIONS[name])
    closed: Any = {"gradient_descent": formulas.quadratic_descent, "momentum": formulas.quadratic_momentum}[name]
    here = theta = balls([1.0, -3.0])
    grads = balls(np.empty((0, 2)))
    for _ in range(6):
        grads = np.concatenate([grads, 0.3 * here[None]])
        here = run(theta, grads)[-1]
    assert _near(run(theta, grads), closed(theta, curvature=0.3, learning_rate=0.7, steps=6, **OPTIONS[name]))


@pytest.mark.parametrize(("rate", "converges"), [(0.1, True), (1.9, True), (2.1, False)])
def test_op25_both_converge_below_their_limits(rate: float, converges: bool) -> None:
    """αh < 2; α(1 − β)h < 2(1 + β): at β = 1/2, rates that are 6/2 = 3 times as large."""
    one = np.ones(1)
    descent = formulas.quadratic_descent(one, curvature=1.0, learning_rate=rate, steps=400)
    momentum = formulas.quadratic_momentum(one, curvature=1.0, learning_rate=3 * rate, beta=0.5, steps=400)
    for iterates in (descent, momentum):
        assert (abs(iterates[-1, 0]) < 1e-6) == converges


# The chapter, and the table


def test_the_chapters_variants_are_the_formulas_conventions_and_the_grades() -> None:
    named = {(v.name, v.value) for each in clauses().values() if each.chapter == "optimizers" for v in each.variants}
    kinds = {name: kind for kinds in CONVENTIONS.values() for name, kind in kinds.items()}
    conventions = {(name, value) for name, kind in kinds.items() for value in get_args(kind)[1:]}
    parameters = {("parameters", "compensated"), ("parameters", "stochastic")}
    grades = {("arithmetic", "narrow"), ("state", "narrow"), ("hyperparameters", "working"), *parameters}
    assert named == conventions | grades


@pytest.mark.parametrize(
    ("id", "name"),
    [("OP-1", "exponential_average"), ("OP-8", "momentum"), ("OP-9", "rmsprop"), ("OP-10", "adam"), ("OP-11", "adamw")],
)
def test_a_formulas_conventions_stand_under_its_clause(id: str, name: str) -> None:
    named = {(variant.name, variant.value) for variant in clause(id).variants}
    assert named >= {(kind, value) for kind, values in CONVENTIONS[name].items() for value in get_args(values)[1:]}


def test_op26_the_table_is_the_data() -> None:
    rows = re.findall(r"^\|(.+)\|$", clause("OP-26").text, re.MULTILINE)[2:]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    data = (
        (each.name, each.symbol, *map(number, (each.default, each.importance, each.low, each.high)), each.scale)
        for each in HYPERPARAMETERS
    )
    assert cells == list(map(list, data))


@pytest.mark.parametrize("each", HYPERPARAMETERS, ids=lambda each: each.name)
def test_op26_an_axis_has_its_default_inside_and_suits_its_scale(each: Hyperparameter) -> None:
    """Positions run from 0 at low to 1 at high; a source stands beside every range."""
    axis = each.low, each.high, each.scale
    assert each.low < each.high
    assert search.position(np.array([each.low, each.high]), *axis) == pytest.approx([0, 1], abs=1e-12)
    assert each.default is None or 0 <= search.position(np.array(each.default), *axis) <= 1
    assert each.scale != "integer" or (float(each.low).is_integer() and float(each.high).is_integer())
    assert each.source


def test_op26_the_ranges_of_the_notes_are_kept() -> None:
    found = {each.name: (each.low, each.high, each.scale) for each in HYPERPARAMETERS if each.source == "the notes"}
    assert found == {"learning rate": (1e-4, 1.0, "log"), "momentum": (0.9, 0.999, "one_minus_log")}


def test_op26_both_of_the_notes_statements_are_kept() -> None:
    """The order of their list, which numbers nothing; and the numbers, which leave out momentum and mini-batch size."""
    numbered = {each.name: each.importance for each in HYPERPARAMETERS[:6]}
    assert list(numbered.items()) == [
        ("learning rate", 1),
        ("momentum", None),
        ("layers", 2),
        ("learning-rate decay", 2),
        ("mini-batch size", None),
        ("hidden units", 3),
    ]
    assert [each.default for each in HYPERPARAMETERS if each.default] == [0.9, 0.9, 0.999, 1e-8]
    assert all("rarely tuned" in each.meaning for each in HYPERPARAMETERS[6:])
    assert "vectorisation pays" in HYPERPARAMETERS[4].meaning
