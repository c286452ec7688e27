"""gradcheck: silent on right gradients, loud on wrong ones, and clear about which."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.gradients import GradientReport, gradcheck

Array = Any


class Case(NamedTuple):
    f: Callable[[Array], Any]
    gradient: Callable[[Array], Any]
    x: Array


def _normal(rng: np.random.Generator, dtype: Any, *shape: int, scale: float = 1.0) -> Array:
    return np.asarray(scale * rng.standard_normal(shape), dtype=dtype)


def _case(f: Any, gradient: Any, shape: tuple[int, ...] = (7,), scale: float = 1.0, positive: bool = False) -> Any:
    """A maker of cases: (rng, dtype) → Case; f and gradient take (x, w), w being a fixed array like x.

    No entry of x is within scale/20 of 0: |x| is not smooth there, and float32 sees that from afar.
    """

    def make(rng: np.random.Generator, dtype: Any) -> Case:
        x, w = _normal(rng, dtype, *shape, scale=scale), _normal(rng, dtype, *shape)
        x = np.asarray(x + np.copysign(dtype(scale / 20), x), dtype=dtype)
        x = np.asarray(np.abs(x)) if positive else x
        return Case(lambda z: f(z, w), lambda z: gradient(z, w), x)

    return make


def _row_softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _one_hot(z: Array) -> Array:
    return np.eye(z.shape[-1], dtype=np.float32)[np.arange(z.shape[0]) % z.shape[-1]]


def cross_entropy(z: Array) -> Any:
    d = z - z.max(axis=-1, keepdims=True)
    return (np.log(np.exp(d).sum(axis=-1)) - (d * _one_hot(z)).sum(axis=-1)).mean()


def cross_entropy_gradient(z: Array) -> Array:
    return (_row_softmax(z) - _one_hot(z)) / np.asarray(len(z), dtype=z.dtype)


def _batch_norm(z: Array, w: Array) -> Any:
    d = z - z.mean(axis=0)
    return (w * (d / np.sqrt((d * d).mean(axis=0) + 1e-5))).sum()


def _batch_norm_gradient(z: Array, w: Array) -> Array:
    d = z - z.mean(axis=0)
    r = 1 / np.sqrt((d * d).mean(axis=0) + 1e-5)
    return np.asarray(r * (w - w.mean(axis=0) - d * r * (w * d * r).mean(axis=0)), dtype=z.dtype)


def _softmax_jacobian(z: Array, w: Array) -> Array:
    a = _row_softmax(z)
    return np.diag(a) - np.outer(a, a)


def _tail(z: Array) -> Array:
    """∂z[1:]²/∂z, (n − 1, n)."""
    return np.diag(2 * z)[1:]


def _matrix_square(z: Array, w: Array) -> Array:
    eye = np.eye(len(z), dtype=z.dtype)
    return np.einsum("ik,lj->ijkl", eye, z) + np.einsum("ik,lj->ijkl", z, eye)


RIGHT = {
    "cubic": _case(lambda z, w: (w * z**3).sum(), lambda z, w: 3 * w * z**2),
    "quartic": _case(lambda z, w: np.sum((z - w) ** 4), lambda z, w: 4 * (z - w) ** 3, (5, 3)),
    "square of one number": _case(lambda z, w: z * z, lambda z, w: 2 * z, ()),
    "exp": _case(lambda z, w: np.exp(z).sum(), lambda z, w: np.exp(z), (4, 5)),
    "exp of large arguments": _case(lambda z, w: np.exp(z).sum(), lambda z, w: np.exp(z), (6,), 10.0),
    "log": _case(lambda z, w: (w * np.log(z)).sum(), lambda z, w: w / z, (9,), 1.0, True),
    "log at 1e-8": _case(lambda z, w: np.log(z).sum(), lambda z, w: 1 / z, (9,), 1e-8, True),
    "sqrt at 1e8": _case(lambda z, w: np.sqrt(z).sum(), lambda z, w: 0.5 / np.sqrt(z), (9,), 1e8, True),
    "reciprocal": _case(lambda z, w: (1 / z).sum(), lambda z, w: -1 / z**2, (9,), 1.0, True),
    "log-sum-exp": _case(
        lambda z, w: np.log(np.exp(z - np.max(z)).sum()) + np.max(z), lambda z, w: _row_softmax(z), (12,), 3.0
    ),
    "log-sum-exp, the maximum's imaginary part dropped": _case(
        lambda z, w: np.log(np.exp(z - z.max()).sum()) + z.max().real, lambda z, w: _row_softmax(z), (12,)
    ),
    "cross entropy": _case(lambda z, w: cross_entropy(z), lambda z, w: cross_entropy_gradient(z), (64, 10)),
    "confident cross entropy": _case(
        lambda z, w: cross_entropy(z + 8 * _one_hot(z)),
        lambda z, w: cross_entropy_gradient(z + 8 * _one_hot(z)),
        (8, 10),
    ),
    "batch norm": _case(_batch_norm, _batch_norm_gradient, (16, 8)),
    "batch norm far from zero": _case(
        lambda z, w: _batch_norm(z + 100, w), lambda z, w: _batch_norm_gradient(z + 100, w), (16, 8)
    ),
    "trigonometric": _case(
        lambda z, w: (np.sin(z) * np.cos(w * z)).sum(),
        lambda z, w: np.cos(z) * np.cos(w * z) - w * np.sin(z) * np.sin(w * z),
    ),
    "fast trigonometric": _case(lambda z, w: np.sin(100 * z).sum(), lambda z, w: 100 * np.cos(100 * z)),
    "tanh, saturated": _case(lambda z, w: np.tanh(z).sum(), lambda z, w: 1 - np.tanh(z) ** 2, (20,), 5.0),
    "1e6 and a little": _case(lambda z, w: 1e6 + 1e-3 * np.sin(z).sum(), lambda z, w: z.dtype.type(1e-3) * np.cos(z)),
    "large terms that cancel": _case(lambda z, w: ((z + 1000) - 1000 + w).sum(), lambda z, w: np.ones_like(z), (30,)),
    "linear": _case(lambda z, w: (w * z).sum(), lambda z, w: w, (30,)),
    "linear, coefficients that cancel": _case(
        lambda z, w: (1.1 * w * z).sum() - (w * z * 1.0999).sum(), lambda z, w: w * 1.1 - 1.0999 * w, (30,)
    ),
    "linear, far away": _case(lambda z, w: (w * z).sum(), lambda z, w: w, (30,), 1e8),
    "linear, tiny": _case(lambda z, w: (w * z).sum(), lambda z, w: w, (30,), 1e-8),
    "constant": _case(lambda z, w: 3.0, lambda z, w: np.zeros_like(z)),
    "zero": _case(lambda z, w: 0 * z.sum(), lambda z, w: np.zeros_like(z)),
    "values of 1e-30": _case(lambda z, w: (w * z**2 * 1e-30).sum(), lambda z, w: 2 * w * z * z.dtype.type(1e-30)),
    "values of 1e30": _case(lambda z, w: (w * z**2 * 1e30).sum(), lambda z, w: 2 * w * z * z.dtype.type(1e30)),
    "square at 1e-8": _case(lambda z, w: (z**2).sum(), lambda z, w: 2 * z, (7,), 1e-8),
    "square at 1e8": _case(lambda z, w: (z**2).sum(), lambda z, w: 2 * z, (7,), 1e8),
    "sine at 1e8": _case(
        lambda z, w: np.sin(z / 1e6).sum(), lambda z, w: np.cos(z / 1e6) / z.dtype.type(1e6), (7,), 1e8
    ),
    "cosine at 1e-8": _case(lambda z, w: np.cos(z).sum(), lambda z, w: -np.sin(z), (7,), 1e-8),
    "absolute value": _case(lambda z, w: np.abs(z).sum(), lambda z, w: np.sign(z), (30,)),
    "a little absolute value": _case(
        lambda z, w: (z**2).sum() + 1e-12 * np.abs(z).sum(), lambda z, w: 2 * z + 1e-12 * np.sign(z), (30,)
    ),
    "ReLU": _case(lambda z, w: (w * np.maximum(z, 0)).sum(), lambda z, w: w * (z > 0), (30,)),
    "variance": _case(lambda z, w: np.var(z), lambda z, w: 2 * (z - z.mean()) / z.dtype.type(z.size), (30,)),
    "norm": _case(lambda z, w: np.sqrt((z * z).sum()), lambda z, w: z / np.sqrt((z * z).sum()), (30,)),
    "product": _case(lambda z, w: np.prod(z), lambda z, w: np.prod(z) / z, (6,), 1.0, True),
    "float32 inside f": _case(lambda z, w: np.sin(z.astype(np.float32)).sum(), lambda z, w: np.cos(z)),
    "mean of float64 in float": _case(
        lambda z, w: float(np.mean(np.tanh(z))), lambda z, w: (1 - np.tanh(z) ** 2) / z.dtype.type(z.size)
    ),
    "softmax, a vector": _case(lambda z, w: _row_softmax(z), _softmax_jacobian, (6,)),
    "entries, a vector": _case(lambda z, w: z[1:] ** 2, lambda z, w: _tail(z), (6,)),
    "sines, a vector": _case(lambda z, w: np.sin(z) * w, lambda z, w: np.diag(np.cos(z) * w), (6,)),
    "z @ z, a matrix": _case(lambda z, w: z @ z, _matrix_square, (4, 4)),
}


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm_on_right_gradients(name: str, dtype: Any) -> None:
    for seed in range(4):
        case = RIGHT[name](np.random.default_rng(seed), dtype)
        gradcheck(case.f, case.gradient, case.x, seed=seed).raise_if_wrong()


COMPLEX = [
    "cubic",
    "log-sum-exp",
    "cross entropy",
    "batch norm",
    "1e6 and a little",
    "ReLU",
    "softmax, a vector",
]
REAL = [
    "absolute value",
    "a little absolute value",
    "variance",
    "mean of float64 in float",
    "float32 inside f",
    "log-sum-exp, the maximum's imaginary part dropped",
]


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_step_where_f_is_analytic(name: str) -> None:
    case = RIGHT[name](np.random.default_rng(1), np.float64)
    report = gradcheck(case.f, case.gradient, case.x)
    assert report.method == "complex step"
    assert report.relative_detectable < 1e-11


@pytest.mark.parametrize("name", REAL)
def test_central_differences_where_f_is_not(name: str) -> None:
    case = RIGHT[name](np.random.default_rng(1), np.float64)
    assert gradcheck(case.f, case.gradient, case.x).method == "central differences"


def _logits() -> Array:
    return np.random.default_rng(3).standard_normal((64, 10))


def _entry(g: Array, factor: float) -> Array:
    g = g.copy()
    g[5, 7] *= factor
    return g


def _off_by_1e_6_of_the_norm(z: Array) -> Array:
    g = cross_entropy_gradient(z)
    g[5, 7] += 1e-6 * np.linalg.norm(g)
    return g


WRONG = {
    "zero": lambda z: np.zeros_like(z),
    "sign of one entry": lambda z: _entry(cross_entropy_gradient(z), -1.0),
    "not divided by m": lambda z: cross_entropy_gradient(z) * len(z),
    "twice": lambda z: 2 * cross_entropy_gradient(z),
    "one entry off by 1e-6 of the norm": _off_by_1e_6_of_the_norm,
    "float32 inside": lambda z: cross_entropy_gradient(z.astype(np.float32)).astype(np.float64),
    "targets forgotten": lambda z: _row_softmax(z) / len(z),
    "noise": lambda z: np.random.default_rng(int(abs(z).sum() * 1e6)).standard_normal(z.shape),
}


@pytest.mark.parametrize("central", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_of_cross_entropy_are_caught(name: str, central: bool) -> None:
    def f(z: Array) -> Any:
        return cross_entropy(np.asarray(z) if central else z)

    report = gradcheck(f, WRONG[name], _logits())
    assert not report
    assert report.worst > 1
    with pytest.raises(AssertionError, match="the gradient is wrong along"):
        report.raise_if_wrong()


def test_zero_gradient_of_batch_norm_is_caught() -> None:
    case = _case(_batch_norm, lambda z, w: np.zeros_like(z), (64, 32))(np.random.default_rng(0), np.float64)
    assert gradcheck(case.f, case.gradient, case.x).failing == 8


def test_sum_for_mean_is_caught_in_float32() -> None:
    x = np.random.default_rng(0).standard_normal((64, 32)).astype(np.float32)
    assert not gradcheck(lambda z: np.tanh(z).mean(), lambda z: 1 - np.tanh(z) ** 2, x)


@pytest.mark.parametrize("central", [False, True])
def test_the_smallest_failing_direction_is_the_wrong_entry(central: bool) -> None:
    def f(z: Array) -> Any:
        return cross_entropy(np.asarray(z) if central else z)

    x = _logits()
    truth = cross_entropy_gradient(x)[5, 7]
    report = gradcheck(f, lambda z: _entry(cross_entropy_gradient(z), -1.0), x)
    assert report.coordinates == ((5, 7),)
    assert report.yours == pytest.approx(-truth, rel=1e-12)
    assert report.measured == pytest.approx(truth, rel=1e-6)
    assert abs(report.yours - report.measured) > report.allowed
    text = str(report)
    for part in ("coordinate (5, 7) of x", "yours", "measured", "allowed", "detectable", "what to do"):
        assert part in text


def test_the_report_names_the_output() -> None:
    def jacobian(z: Array) -> Array:
        g = np.diag(np.cos(z))
        g[2, 4] = 0.01
        return g

    report = gradcheck(np.sin, jacobian, np.linspace(0.1, 1, 6))
    assert (report.coordinates, report.output) == (((4,),), (2,))
    assert "coordinate 4 of x, output 2 of f" in str(report)


def test_two_entries_that_compensate_each_other_are_caught() -> None:
    def gradient(z: Array) -> Array:
        g = 2 * z
        g[0], g[1] = g[0] + 1, g[1] - 1
        return g

    assert not gradcheck(lambda z: (z**2).sum(), gradient, np.arange(1.0, 9.0))


def test_a_kink_near_x_is_seen_from_small_steps() -> None:
    x = np.array([1e-7, -2.0, 3.0])
    assert gradcheck(lambda z: np.abs(z).sum(), np.sign, x)


def test_saturation_at_large_steps_does_not_fool() -> None:
    assert gradcheck(lambda z: np.tanh(1e5 * z).sum(), lambda z: 1e5 / np.cosh(1e5 * z) ** 2, np.array([1e-6, 0.5]))


def test_overflow_at_large_steps_hides_no_noise_at_small_ones() -> None:
    x = np.array([[1.0, -20.0], [30.0, 0.5]])

    def f(z: Array) -> Any:
        return np.exp(np.asarray(z)).sum(axis=0)

    def jacobian(z: Array) -> Array:
        return np.einsum("jl,kl->jkl", np.eye(2), np.exp(z))

    for seed in range(10):
        report = gradcheck(f, jacobian, x, seed=seed)
        report.raise_if_wrong()
        assert report.relative_detectable < 1e-5


def test_noise_may_be_given() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(0.5, 1.0, 5)

    def f(z: Array) -> Any:
        return (np.asarray(z) ** 3).sum() + 1e-6 * rng.uniform(-1, 1)

    report = gradcheck(f, lambda z: 3 * z**2, x, noise=1e-6)
    assert report
    assert 1e-5 < report.relative_detectable < 1e-1


def test_a_weak_check_says_so() -> None:
    report = gradcheck(lambda z: np.float32(np.cos(z).sum()), lambda z: -np.sin(z), np.full(3, 1e-8, np.float32))
    assert report
    assert "this says little" in str(report)


def _writes(z: Array) -> Any:
    z *= 2
    return z.sum()


def _square(z: Array) -> Any:
    return (z**2).sum()


def _twice(z: Array) -> Array:
    return 2 * z


ONES = np.ones((2, 3))
REFUSED: dict[str, tuple[Any, str, Any, Any, Any, dict[str, Any]]] = {
    "integer x": (
        TypeError,
        r"x is int64.*float32 or float64.*np.asarray",
        _square,
        _twice,
        np.ones(3, int),
        {},
    ),
    "empty x": (ValueError, r"x is empty.*\(0, 3\).*expected", _square, _twice, np.ones((0, 3)), {}),
    "NaN in x": (ValueError, "x is not finite.*expected", _square, _twice, np.array([1.0, np.nan]), {}),
    "shape": (
        ValueError,
        r"shape \(6,\): expected .*\(2, 3\); reshape",
        _square,
        lambda z: 2 * z.ravel(),
        ONES,
        {},
    ),
    "f is NaN": (
        ValueError,
        r"f\(x\) is not finite.*expected.*domain",
        lambda z: np.log(-z).sum(),
        _twice,
        ONES,
        {},
    ),
    "g is NaN": (ValueError, r"gradient\(x\) is not finite", _square, lambda z: z * np.nan, ONES, {}),
    "f is complex": (
        TypeError,
        r"f\(x\) is complex128.*expected reals",
        lambda z: 1j * z.sum(),
        _twice,
        ONES,
        {},
    ),
    "random": (
        ValueError,
        "not deterministic.*fix its random seed",
        lambda z: np.random.rand(),
        _twice,
        ONES,
        {},
    ),
    "f writes": (ValueError, r"f writes into its argument.*x.copy\(\)", _writes, _twice, ONES, {}),
    "gradient writes": (ValueError, "gradient writes into its argument", _square, _writes, ONES, {}),
    "directions": (
        ValueError,
        "directions is 0: expected.*at least 1",
        _square,
        _twice,
        ONES,
        {"directions": 0},
    ),
    "noise": (ValueError, "noise is -1.*expected.*≥ 0", _square, _twice, ONES, {"noise": -1.0}),
    "isolated": (
        ValueError,
        "not finite around x",
        lambda z: 0.0 if (z == 1).all() else np.nan,
        np.zeros_like,
        ONES,
        {},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_checked_is_refused(name: str) -> None:
    error, message, f, gradient, x, options = REFUSED[name]
    with pytest.raises(error, match=message):
        gradcheck(f, gradient, x, **options)


def test_no_global_state_changes() -> None:
    state, handling = np.random.get_state()[1].copy(), np.geterr()  # type: ignore[index]
    gradcheck(_square, _twice, ONES)
    assert np.array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    assert np.geterr() == handling


def test_same_seed_same_report() -> None:
    reports = [gradcheck(cross_entropy, cross_entropy_gradient, _logits(), seed=seed) for seed in (1, 1, 2)]
    assert reports[0] == reports[1] != reports[2]


@settings(max_examples=40, deadline=None)
@given(
    coefficients=st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=5),
    x=st.lists(st.floats(-1e2, 1e2, allow_subnormal=False), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_polynomials_pass(coefficients: list[float], x: list[float], seed: int) -> None:
    p = np.polynomial.Polynomial(coefficients)
    report = gradcheck(lambda z: p(np.asarray(z)).sum(), p.deriv(), np.array(x), seed=seed, directions=8)
    report.raise_if_wrong()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), index=st.integers(0, 29), excess=st.floats(1.0, 1e3), central=st.booleans())
def test_errors_above_the_detectable_norm_are_caught(seed: int, index: int, excess: float, central: bool) -> None:
    def f(z: Array) -> Any:
        return np.exp(np.sin(np.asarray(z) if central else z)).sum()

    def gradient(z: Array) -> Array:
        return np.exp(np.sin(z)) * np.cos(z)

    x = np.random.default_rng(seed).standard_normal(30)
    report: GradientReport = gradcheck(f, gradient, x, seed=seed)
    assert report
    wrong = gradient(x)
    wrong[index] += 2 * excess * report.detectable  # twice: the threshold is estimated anew
    assert not gradcheck(f, lambda z: gradient(z) - gradient(x) + wrong, x, seed=seed + 1)
