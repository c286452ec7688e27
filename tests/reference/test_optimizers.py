"""The reference optimizers: right in every dtype, for parameters of any shape, with their state in the open."""

import math
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws.adapters import reference as adapter
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES, Array, working_dtype
from nnlaws_spec.formulas import optimizers as formulas
from nnlaws_spec.numbers import enclose
from scipy.signal import lfilter

TOTAL = 6
RATES = (0.1, 0.2, 0.05, 0.3, 0.1, 0.01)
OPTIONS: dict[str, dict[str, float]] = {
    "gradient_descent": {},
    "momentum": {"beta": 0.9},
    "rmsprop": {"beta": 0.9, "eps": 1e-8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1},
}
STATEFUL = [name for name in OPTIONS if name != "gradient_descent"]

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
every_optimizer = pytest.mark.parametrize("name", OPTIONS)
every_stateful = pytest.mark.parametrize("name", STATEFUL)


class Stepper(NamedTuple):
    """The functions of an optimizer with a state, its options given."""

    run: Callable[..., Array]
    init: Callable[[Array], Any]
    update: Callable[..., tuple[Array, Any]]


def _stepper(name: str) -> Stepper:
    run, init, update = (getattr(reference, name + suffix) for suffix in ("", "_init", "_update"))
    return Stepper(partial(run, **OPTIONS[name]), init, partial(update, **OPTIONS[name]))


def _given(dtype: np.dtype[Any], shape: tuple[int, ...] = (3,), scale: float = 1.0) -> tuple[Array, Array]:
    random = np.random.default_rng(len(shape))
    return (
        np.asarray(random.normal(size=shape)).astype(dtype),
        np.asarray(scale * random.normal(size=(TOTAL, *shape))).astype(dtype),
    )


def _run(name: str, theta: Array, grads: Array, **more: Any) -> Array:
    result: Array = getattr(reference, name)(theta, grads, **{"learning_rate": 0.1, **OPTIONS[name], **more})
    return result


# Values. A step rounds about ten quantities of the step's size (the averages of six steps: five roundings each, whose
# errors do not cancel) and θ once. Steps are at most α |g| or, where normalised, 3.2 α; |θ| and |g| are below 4.
UNITS = 100.0


@every_dtype
@every_optimizer
@pytest.mark.parametrize("scale", [1.0, 2.0**-10])
@pytest.mark.parametrize("learning_rate", [0.1, RATES], ids=["one rate", "six rates"])
def test_iterates_are_right(dtype: np.dtype[Any], name: str, scale: float, learning_rate: Any) -> None:
    theta, grads = _given(dtype, scale=scale)
    formula = partial(getattr(formulas, name), learning_rate=learning_rate, **OPTIONS[name])
    exact = enclose(formula, theta, grads, within=1e-25).hi
    got = _run(name, theta, grads, learning_rate=learning_rate)
    inner, outer = format_of(working_dtype(dtype)), format_of(dtype)
    allowed = UNITS * inner.u + (outer.u * np.abs(exact) if outer is not inner else 0)
    assert (got.dtype, got.shape, got.flags.c_contiguous) == (dtype, grads.shape, True)
    assert (np.abs(got.astype(np.float64) - exact) <= allowed).all()


@every_dtype
@pytest.mark.parametrize("bias_correction", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.999])
def test_op1_op2_averages_are_right(dtype: np.dtype[Any], bias_correction: bool, beta: float) -> None:
    values = _given(dtype)[1]
    formula = partial(formulas.exponential_average, beta=beta, bias_correction=bias_correction)
    exact = enclose(formula, values, within=1e-25).hi
    got = reference.exponential_average(values, beta=beta, bias_correction=bias_correction)
    inner, outer = format_of(working_dtype(dtype)), format_of(dtype)
    allowed = UNITS * inner.u + (outer.u * np.abs(exact) if outer is not inner else 0)
    assert got.dtype == dtype
    assert (np.abs(got.astype(np.float64) - exact) <= allowed).all()


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999])
def test_op1_an_average_is_a_linear_filter(beta: float) -> None:
    values = np.random.default_rng(0).normal(size=(200, 4))
    want = lfilter([1 - beta], [1, -beta], values, axis=0)
    got = reference.exponential_average(values, beta=beta, bias_correction=False)
    assert np.allclose(got, want, rtol=1e-13, atol=1e-15)
    corrected = reference.exponential_average(values, beta=beta, bias_correction=True)
    divisors = 1 - beta ** np.arange(1, 201)[:, None]
    assert np.allclose(corrected, want / divisors, rtol=1e-12, atol=1e-15)


def test_the_defaults_are_the_notes() -> None:
    theta, grads = _given(np.dtype(np.float64))
    for name, defaults in {
        "momentum": {"beta": 0.9},
        "adam": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    }.items():
        bare = getattr(reference, name)(theta, grads, learning_rate=0.1)
        assert np.array_equal(bare, getattr(reference, name)(theta, grads, learning_rate=0.1, **defaults))


# Parameters of any shape, state in the open


@every_dtype
@every_optimizer
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (2, 1, 3), (0,), (0, 2)], ids=str)
def test_parameters_may_have_any_shape(dtype: np.dtype[Any], name: str, shape: tuple[int, ...]) -> None:
    theta, grads = _given(dtype, shape)
    got = _run(name, theta, grads)
    assert (got.shape, got.dtype) == ((TOTAL, *shape), dtype)
    assert np.array_equal(got.reshape(TOTAL, -1), _run(name, theta.ravel(), grads.reshape(TOTAL, -1)))


@every_dtype
@every_stateful
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_steps_by_hand_are_the_trajectory(dtype: np.dtype[Any], name: str, shape: tuple[int, ...]) -> None:
    """With θ kept in the working dtype. State, arguments and results share no memory, and nothing given is changed."""
    run, init, update = _stepper(name)
    theta, grads = _given(dtype, shape)
    wide = working_dtype(dtype)
    current, state = theta.astype(wide), init(theta)
    for grad, rate, want in zip(grads, RATES, run(theta, grads, learning_rate=RATES), strict=True):
        given = np.asarray(grad.astype(wide))
        before = pickle.dumps((current, state, given))
        following, after = update(state, current, given, learning_rate=rate)
        assert pickle.dumps((current, state, given)) == before
        arrays = [each for each in after if isinstance(each, np.ndarray)]
        assert {(each.shape, each.dtype) for each in (following, *arrays)} == {(shape, wide)}
        assert not any(
            np.shares_memory(one, other) for one in (following, *arrays) for other in (current, given, *_arrays(state))
        )
        assert np.array_equal(following.astype(dtype), want)
        current, state = following, after


def _arrays(state: Any) -> list[Array]:
    return [each for each in state if isinstance(each, np.ndarray)]


@every_dtype
@every_optimizer
def test_a_step_returns_the_dtype_that_it_was_given(dtype: np.dtype[Any], name: str) -> None:
    theta, grads = _given(dtype)
    if name == "gradient_descent":
        got = reference.gradient_descent_update(theta, grads[0], learning_rate=0.1)
    else:
        _, init, update = _stepper(name)
        got, state = update(init(theta), theta, grads[0], learning_rate=0.1)
        assert {each.dtype for each in _arrays(state)} == {working_dtype(dtype)}
    assert got.dtype == dtype
    assert np.array_equal(got, _run(name, theta, grads)[0])


@every_dtype
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_averages_by_hand_are_the_trajectory(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    _, values = _given(dtype, shape)
    for bias_correction in (False, True):
        state, run = reference.average_init(np.asarray(values[0])), partial(reference.exponential_average, beta=0.75)
        for value, want in zip(values, run(values, bias_correction=bias_correction), strict=True):
            given = np.asarray(value)
            got, state = reference.average_update(state, given, beta=0.75, bias_correction=bias_correction)
            assert (got.dtype, got.shape) == (dtype, shape)
            assert np.array_equal(got, want)
        assert (state.average.dtype, state.steps) == (working_dtype(dtype), TOTAL)


@every_dtype
@every_stateful
@pytest.mark.parametrize("save_at", range(1, TOTAL))
def test_op17_a_saved_state_goes_on(dtype: np.dtype[Any], name: str, save_at: int) -> None:
    theta, grads = _given(dtype)
    resumed = getattr(adapter, name)(theta, grads, learning_rate=RATES, save_at=save_at, **OPTIONS[name])
    assert resumed.dtype == dtype
    assert np.array_equal(resumed, _run(name, theta, grads, learning_rate=RATES))


# The contract, and edges


@every_dtype
@every_optimizer
def test_ct1_ct3_ct4_arguments_bits_and_layouts(dtype: np.dtype[Any], name: str) -> None:
    theta, grads = _given(dtype)
    want = _run(name, theta, grads)
    for each in (theta, grads):
        each.flags.writeable = False
    for laid_out in (grads, np.asfortranarray(grads), np.repeat(grads, 2, axis=1)[:, ::2]):
        before = laid_out.tobytes()
        assert np.array_equal(_run(name, np.repeat(theta, 2)[::2], laid_out), want)
        assert laid_out.tobytes() == before


@every_dtype
@every_optimizer
def test_no_steps_and_no_gradients(dtype: np.dtype[Any], name: str) -> None:
    theta, grads = _given(dtype)
    assert _run(name, theta, grads[:0]).shape == (0, 3)
    assert _run(name, theta, grads[:0], learning_rate=()).dtype == dtype
    still = {"weight_decay": 0.0} if name == "adamw" else {}
    assert np.array_equal(_run(name, theta, np.zeros_like(grads), **still), np.stack([theta] * TOTAL))


@every_optimizer
def test_numpys_own_numbers_do_not_widen(name: str) -> None:
    theta, grads = _given(np.dtype(np.float32))
    own = {key: np.float64(value) for key, value in OPTIONS[name].items()}
    for rates in (np.float64(0.1), [np.float64(0.1)] * TOTAL, np.full(TOTAL, 0.1)):
        got = _run(name, theta, grads, learning_rate=rates, **own)
        assert got.dtype == np.float32
        assert np.array_equal(got, _run(name, theta, grads))


def test_squares_beyond_float16_and_infinite_iterates() -> None:
    theta, grads = np.zeros(1, np.float16), np.array([[60000.0], [-30000.0]], np.float16)
    assert np.isfinite(_run("adam", theta, grads)).all()
    # −60000, then −120000: beyond float16, though float32 goes on from it
    assert _run("gradient_descent", theta, np.repeat(grads[:1], 2, axis=0), learning_rate=1.0).ravel().tolist() == [
        -60000,
        -math.inf,
    ]
    assert _run("gradient_descent", theta, grads[[0, 0, 1]], learning_rate=(1.0, 1.0, -0.0 + 4.0))[2] == 0


@every_dtype
def test_op19_epsilon_may_be_zero_where_no_gradient_is(dtype: np.dtype[Any]) -> None:
    theta, grads = np.zeros(2, dtype), np.asarray([[2.0**-10, -3.0]], dtype)
    assert _run("rmsprop", theta, grads, beta=0.75, eps=0.0, learning_rate=0.5).tolist() == [[-1, 1]]
    first = _run("adam", theta, grads, beta2=0.75, eps=0.0, learning_rate=0.5)[0].tolist()
    assert first == pytest.approx([-0.5, 0.5], rel=1e-15 if dtype == np.float64 else 1e-6)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(_run("rmsprop", theta, np.zeros_like(grads), eps=0.0)).all()


# Refusals

THETA, GRADS = np.ones(3), np.ones((2, 3))


@every_optimizer
def test_what_does_not_fit_is_refused(name: str) -> None:
    refused: dict[str, Callable[[], Any]] = {
        r"grads of shape \(T, \*theta.shape\) .* got shape \(3,\); for one gradient": lambda: _run(name, THETA, THETA),
        r"theta of shape \(3,\), got shape \(2, 4\)": lambda: _run(name, THETA, np.ones((2, 4))),
        r"for theta of shape \(\), got shape \(\)": lambda: _run(name, np.ones(()), np.ones(())),
        "theta's dtype float64, got float32": lambda: _run(name, THETA, GRADS.astype(np.float32)),
        "expected an array of float16": lambda: _run(name, THETA.astype(int), GRADS.astype(int)),
        "one learning rate, or 2, one a step, got 3": lambda: _run(name, THETA, GRADS, learning_rate=(0.1, 0.1, 0.1)),
    }
    for words, call in refused.items():
        with pytest.raises(ValueError, match=words):
            call()


@every_optimizer
@pytest.mark.parametrize("number", [-0.1, math.nan, math.inf])
def test_other_numbers_are_refused(name: str, number: float) -> None:
    names = {"eps": "eps", "weight_decay": "weight_decay"}
    options = {key: names[key] for key in OPTIONS[name] if key in names}
    for key, called in {"learning_rate": "a learning rate", **options}.items():
        with pytest.raises(ValueError, match=rf"expected {called} finite and ≥ 0, got {number}"):
            _run(name, THETA, GRADS, **{key: number})
    with pytest.raises(ValueError, match=f"got {number}"):
        _run(name, THETA, GRADS, learning_rate=(0.1, number))
    for key in OPTIONS[name]:
        for beta in (number, 1.0) if key.startswith("beta") else ():
            with pytest.raises(ValueError, match=rf"expected {key} in \[0, 1\), .* got {beta}"):
                _run(name, THETA, GRADS, **{key: beta})


@every_stateful
def test_a_state_that_does_not_fit_is_refused(name: str) -> None:
    _, init, update = _stepper(name)
    for other in (np.ones(4), THETA.astype(np.float32)):
        with pytest.raises(ValueError, match=r"expected a state whose \w+ has shape \(3,\) and dtype float64"):
            update(init(other), THETA, THETA, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"expected grad of theta's shape \(3,\), got shape \(1, 3\)"):
        update(init(THETA), THETA, GRADS[:1], learning_rate=0.1)


def test_averages_refuse_what_does_not_fit() -> None:
    average = partial(reference.exponential_average, bias_correction=True)
    with pytest.raises(ValueError, match=r"for one value, use value\[None\]"):
        average(np.ones(()), beta=0.5)
    with pytest.raises(ValueError, match=r"expected beta in \[0, 1\), .* got 1.0"):
        average(GRADS, beta=1.0)
    with pytest.raises(ValueError, match="expected an array of"):
        average(GRADS.astype(int), beta=0.5)
    with pytest.raises(ValueError, match="whose average has shape"):
        reference.average_update(reference.average_init(GRADS), THETA, beta=0.5, bias_correction=False)
