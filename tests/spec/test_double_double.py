"""Double-double numbers hold the truth within their error, which is as small as it is said to be."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws_spec.formulas import batch_norm, optimizers, softmax
from nnlaws_spec.numbers import balls, enclose, enclose_quickly
from nnlaws_spec.numbers.double_double import DoubleDouble, doubled
from nnlaws_spec.numbers.error_free import exp_pair
from numpy.typing import NDArray

PRECISION = 4000  # bits: sums of numbers 2⁻³⁰⁰ and 2³⁰⁰ are exact, and what is less is far below any error here
numbers = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True)
moderate = st.floats(-700, 700)


def used(function: Callable[..., Any], *arguments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each entry, how far it is off, as a part of its error; 0 where nothing is known."""
    with np.errstate(all="ignore"):
        found: DoubleDouble = function(*map(doubled, arguments))
    with ctx.workprec(PRECISION):
        exact = np.broadcast_to(np.asarray(function(*map(balls, arguments)), dtype=object), found.shape).ravel()
        parts = (exact, found.hi.ravel(), found.lo.ravel(), found.error.ravel())
        return np.array([_used(*each) for each in zip(*parts, strict=True)])


def _used(exact: arb, hi: float, lo: float, error: float) -> float:
    if np.isinf(error):
        return 0.0
    assert abs(lo) <= 2.0**-53 * abs(hi) or abs(hi) < 2.0**-1000
    off = float(abs(exact - arb(hi) - arb(lo)).abs_lower())
    return off / error if error > 0 else float("inf") if off > 0 else 0.0


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a, b: a + b,
    "sum of sums": lambda a, b: (a + b) - a,
    "product": lambda a, b: a * b,
    "product of products": lambda a, b: a * b * (a + b),
    "quotient": lambda a, b: a / b,
    "quotient of quotients": lambda a, b: (a / b) / (b + a / 7),
    "root": lambda a, b: np.sqrt(a * a + b * b),
    "power": lambda a, b: (a + b) ** 5,
    "exponential": lambda a, b: np.exp(a / 3),
    "logarithm": lambda a, b: np.log(a * a + 1),
    "of both": lambda a, b: np.log(np.exp(a) + np.exp(b)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_truth_is_within_the_error(name: str) -> None:
    @settings(derandomize=True, deadline=None, max_examples=150)
    @given(st.lists(st.tuples(numbers, numbers), min_size=4, max_size=20))
    def holds(pairs: list[tuple[float, float]]) -> None:
        a, b = np.array(pairs).T
        assert (used(FUNCTIONS[name], a, b) <= 1).all()

    holds()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_truth_is_within_a_small_error(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((2, 500)) * 2.0 ** random.integers(-20, 8, (2, 500))
    assert (used(FUNCTIONS[name], a, b) <= 1).all()
    found = FUNCTIONS[name](doubled(a), doubled(b))
    size = (
        np.abs(a) + np.abs(b)
        if name == "sum of sums"
        else np.maximum(np.abs(found.hi), name in ("logarithm", "of both"))
    )
    assert (found.error <= 2.0**-58 * size).all()


def test_an_exponential_is_as_near_as_it_is_said_to_be() -> None:
    """At steps of its table and between them, where the remainder is the largest, and anywhere."""
    random = np.random.default_rng(1)
    steps = random.integers(-740 * 1477, 690 * 1477, 4000) + random.choice([0.0, 0.5, -0.5], 4000)
    x = np.concatenate([steps * (np.log(2) / 1024), random.uniform(-708, 700, 2000), 2.0 ** -np.arange(1.0, 100)])
    tail = x * random.uniform(-1, 1, x.shape) * 2.0**-53
    hi, lo = exp_pair(x, tail)
    with ctx.workprec(300):
        exact = [(arb(a) + arb(b)).exp() for a, b in zip(x.tolist(), tail.tolist(), strict=True)]
        parts = zip(exact, hi.tolist(), lo.tolist(), strict=True)
        off = [float((abs(each - arb(a) - arb(b)) / each).abs_upper()) for each, a, b in parts if a > 2.0**-960]
    assert max(off) < 2.0**-72


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_sums_hold_the_truth(terms: int, seed: int, spread: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((3, terms)) * 2.0 ** random.integers(-spread, spread + 1, (3, terms))
    assert (used(lambda a: a.sum(axis=-1), x) <= 1).all()
    assert (used(lambda a: (a / 3).sum(axis=0, keepdims=True), x) <= 1).all()
    assert (used(lambda a: (a * a / 3).sum(axis=(0, 1)), x) <= 1).all()


FORMULAS: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "softmax": (lambda z: softmax.softmax(*softmax.shifted(z)), ((3, 40),)),
    "log_softmax": (lambda z: softmax.log_softmax(*softmax.shifted(z)), ((3, 40),)),
    "cross_entropy": (lambda z, y: softmax.cross_entropy(*softmax.shifted(z, y)), ((3, 40), (3, 40))),
    "cross_entropy_gradient": (
        lambda z, y: softmax.cross_entropy_gradient(*softmax.shifted(z, y)),
        ((3, 40), (3, 40)),
    ),
    "variance": (batch_norm.variance, ((50, 4),)),
    "normalise": (lambda z: batch_norm.normalise(z, eps=1e-5), ((50, 4),)),
    "gradient of γ": (
        lambda y, z, gamma: batch_norm.batch_norm_backward(y, z, gamma, eps=1e-5)[1],
        ((50, 4), (50, 4), (4,)),
    ),
    "gradient of z": (
        lambda y, z, gamma: batch_norm.batch_norm_backward(y, z, gamma, eps=0.0)[0],
        ((50, 4), (50, 4), (4,)),
    ),
    "running variance": (lambda x: batch_norm.batch_norm_running(x, decay=0.9)[1], ((5, 8, 3),)),
    "adam": (
        lambda theta, g: optimizers.adam(theta, g, learning_rate=0.1, beta1=0.9, beta2=0.999, eps=1e-8),
        ((7,), (9, 7)),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_enclosed_as_they_are_in_balls(name: str) -> None:
    formula, shapes = FORMULAS[name]
    random = np.random.default_rng(len(name))
    arguments = [random.standard_normal(shape) * 3 for shape in shapes]
    quick = enclose_quickly(formula, *arguments, within=2.0**-58)
    assert quick is not None
    slow = enclose(formula, *arguments, within=2.0**-90)
    assert (np.abs((quick.hi - slow.hi) + (quick.lo - slow.lo)) <= quick.radius + slow.radius).all()


def test_what_it_does_not_know_is_left_to_balls() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert enclose_quickly(np.tanh, x, within=1.0) is None
    assert enclose_quickly(np.exp, np.array([800.0]), within=np.inf) is not None
    assert enclose_quickly(np.exp, np.array([800.0]), within=1e300) is None
    assert enclose_quickly(lambda a: a / (a - a), x, within=1e300) is None
    assert enclose_quickly(lambda a: np.sqrt(a - 3), x, within=1e300) is None
    assert enclose_quickly(lambda a: np.where(a / 3 * 3 > 1, a, 0.0), x, within=1e300) is None
    assert enclose_quickly(lambda a: a**0.5, x, within=1e300) is None
    assert enclose_quickly(lambda a: a * 0 + np.array([np.nan]), x, within=np.inf) is not None
    assert enclose_quickly(lambda a: a / 3, x, within=2.0**-120) is None


@pytest.mark.parametrize("middle", [-2000.0, -800.0, -745.0, 0.0, 600.0])
@pytest.mark.parametrize("error", [1e-9, 0.9, 1.0, 100.0, 1500.0])
def test_the_exponential_of_what_is_hardly_known_holds_the_truth(middle: float, error: float) -> None:
    """Where e^x itself is 0, too, and may be anything but for what x may be."""
    found: Any = np.exp(cast(Any, DoubleDouble(np.array([middle]), np.zeros(1), np.array([error]))))
    hi, lo, off = (float(part[0]) for part in (found.hi, found.lo, found.error))
    with ctx.workprec(4000):
        for end in (arb(middle) - arb(error), arb(middle), arb(middle) + arb(error)):
            assert np.isinf(off) or bool(abs(end.exp() - arb(hi) - arb(lo)) <= arb(off))


def test_a_masked_class_is_exactly_0() -> None:
    z = np.array([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, 0.0]])
    found = enclose_quickly(lambda z: softmax.softmax(*softmax.shifted(z)), z, within=2.0**-60)
    assert found is not None
    assert (found.hi[np.isinf(z)] == 0).all()
    assert (found.radius[np.isinf(z)] == 0).all()
    assert found.hi[1, 2] == 1
