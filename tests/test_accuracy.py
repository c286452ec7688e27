"""assert_accurate and bound: sound code passes, planted mistakes do not, and messages say what to do."""

import importlib.util
import re
from collections.abc import Callable
from functools import partial
from textwrap import dedent
from typing import Any

import ml_dtypes
import nnlaws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import erf

Array = NDArray[Any]
repeatable = settings(derandomize=True, deadline=None, max_examples=20)
seeds = st.integers(0, 2**32 - 1)


# --- formulas: array code, as one writes it down ---


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + erf(x / 2**0.5))


def swish(x: Any) -> Any:
    return x / (1 + np.exp(-x))


def softmax(z: Any) -> Any:
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def shifted(z: Any) -> Any:
    return softmax(z - z.max(axis=-1, keepdims=True))


def layer_norm(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    return gamma * (x - mean) / (x.var(axis=-1, keepdims=True) + eps) ** 0.5 + beta


def rms_norm(x: Any) -> Any:
    return x / ((x * x).mean(axis=-1, keepdims=True) + 1e-6) ** 0.5


def attention(q: Any, k: Any, v: Any) -> Any:
    return shifted(q @ k.T / q.shape[-1] ** 0.5) @ v


def leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.01 * x)


def _normal(seed: int, dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# --- sound code passes ---


@repeatable
@given(seed=seeds, dtype=st.sampled_from((np.float32, np.float64)))
def test_sound_code_passes(seed: int, dtype: Any) -> None:
    x = 3 * _normal(seed, dtype, 4, 6)
    for formula in (gelu, swish, softmax, rms_norm, leaky, np.tanh, np.var):
        found = nnlaws.assert_accurate(np.asarray(formula(x)).astype(dtype), formula, x, dtype=dtype)
        assert 0 <= found.ratio <= 1
        assert (found.dtype, found.size) == (np.dtype(dtype).name, np.size(formula(x)))
    q, k, v = _normal(seed, dtype, 3, 5, 8)
    nnlaws.assert_accurate(attention(q, k, v), attention, q, k, v)
    gamma, beta = _normal(seed + 1, dtype, 2, 6)
    nnlaws.assert_accurate(layer_norm(x, gamma, beta), layer_norm, x, gamma, beta)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_narrow_types_are_computed_in_float32_and_rounded_once(dtype: Any) -> None:
    x = _normal(0, dtype, 4, 64)
    wide = x.astype(np.float32)
    assert (
        nnlaws.assert_accurate(wide.sum(axis=-1).astype(dtype), partial(np.sum, axis=-1), x).dtype
        == np.dtype(dtype).name
    )
    narrow = np.zeros(4, dtype)
    for column in x.T:
        narrow = narrow + column
    with pytest.raises(AssertionError, match="compute in float32 and round once"):
        nnlaws.assert_accurate(narrow, partial(np.sum, axis=-1), x)


def test_an_algorithm_stands_for_a_formula_that_overflows() -> None:
    z = np.array([[1000.0, 999.0, 0.0]])
    nnlaws.assert_accurate(shifted(z), softmax, z, algorithm=shifted)
    nnlaws.assert_accurate(shifted(z), softmax, z, algorithm=(shifted, shifted))
    with pytest.raises(
        ValueError, match=r"nothing can be promised of 2 of 3 elements of softmax, the first at \[0, 0\]"
    ):
        nnlaws.assert_accurate(shifted(z), softmax, z)
    assert np.isposinf(nnlaws.bound(softmax, z)[0, :2]).all()


def test_a_bound_that_is_wrong_by_overflow_is_none() -> None:
    """e^700/e^710: in double the denominator overflows to infinity and the quotient is 0, which is not e^-10."""
    x, y = np.array([700.0]), np.array([710.0])
    assert np.isposinf(nnlaws.bound(lambda x, y: np.exp(x) / np.exp(y), x, y)).all()


def test_bound_is_the_error_that_is_allowed() -> None:
    x = _normal(0, np.float64, 3, 4)
    allowed = nnlaws.bound(np.tanh, x)
    assert allowed.shape == x.shape
    assert (allowed < 12 * 2.0**-53).all()
    assert (nnlaws.bound(np.tanh, x.astype(np.float32)) > 1e6 * allowed).all()
    assert (nnlaws.bound(np.tanh, x, dtype=np.float16) > 1e3 * nnlaws.bound(np.tanh, x, dtype="float32")).all()
    assert nnlaws.bound(lambda x: x.sum(), np.zeros(3)).shape == ()


def test_integers_and_plain_numbers_are_passed_on() -> None:
    x, labels = _normal(0, np.float32, 3, 4), np.array([[0], [3], [1]])

    def picked(x: Any, labels: Any, scale: float) -> Any:
        return scale * np.take_along_axis(x, labels, axis=1)

    nnlaws.assert_accurate(picked(x, labels, 0.5), picked, x, labels, 0.5)
    nnlaws.assert_accurate(np.float64(0.5), lambda x: x / 2, np.array(1.0))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_tensors_are_read() -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(_normal(0, np.float32, 4, 6))
    nnlaws.assert_accurate(torch.nn.functional.gelu(x), gelu, x)
    nnlaws.assert_accurate(torch.softmax(x, -1), softmax, x, algorithm=shifted)
    narrow = x.to(torch.bfloat16)
    assert nnlaws.assert_accurate(torch.nn.functional.gelu(narrow), gelu, narrow).dtype == "bfloat16"
    with pytest.raises(ValueError, match=r"dtype is torch\.float32: expected one of float16"):
        nnlaws.bound(gelu, x, dtype=torch.float32)
    with pytest.raises(TypeError, match=r"got, a torch\.Tensor, cannot be read as an array .* tensor\.detach\(\)"):
        nnlaws.assert_accurate(x.requires_grad_(), gelu, x.detach())


def test_a_mask_is_no_reason_to_promise_nothing() -> None:
    """Large negatives beside scores: their error, of 60 and more, is not that of the row's maximum."""
    q, k, v = _normal(0, np.float32, 3, 5, 8)
    for low in (-1e4, -1e9, float(np.finfo(np.float32).min)):
        mask = np.where(np.tri(5) > 0, 0, low).astype(np.float32)

        def masked(q: Any, k: Any, v: Any, mask: Any) -> Any:
            return shifted(q @ k.T / 8**0.5 + mask) @ v

        got = masked(q, k, v, mask).astype(np.float32)
        assert nnlaws.assert_accurate(got, masked, q, k, v, mask).ratio < 1
        with pytest.raises(AssertionError):
            nnlaws.assert_accurate(masked(q, k, v, np.maximum(mask, -9)).astype("f"), masked, q, k, v, mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_and_tiny_numbers_can_be_judged(dtype: Any) -> None:
    x = np.array([0.0, 1e-30, 0.5, -2.0], dtype)
    formulas: tuple[Callable[[Any], Any], ...] = (
        lambda g: g / (np.sqrt(g * g) + 1e-8),
        lambda x: np.sqrt((x[:, None] - x) ** 2),
        lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
        lambda x: np.sqrt(np.var(np.stack([x, x]) + 0.1, axis=0)),
        lambda x: +x,
    )
    for formula in formulas:
        nnlaws.assert_accurate(np.asarray(formula(x)).astype(dtype), formula, x)


def test_a_formula_in_a_wider_type_is_rounded_once() -> None:
    x = _normal(0, np.float32, 20)
    nnlaws.assert_accurate(np.exp(x.astype(np.float64)).astype(np.float32), lambda x: np.exp(x.astype(np.float64)), x)


def test_one_number_of_numpys_is_an_array() -> None:
    nnlaws.assert_accurate(np.exp(np.float64(0.3)), np.exp, np.float64(0.3))
    with pytest.raises(AssertionError):
        nnlaws.assert_accurate(np.exp(np.float64(0.3)) + 1e-12, np.exp, np.float64(0.3))


def test_another_byte_order_is_read() -> None:
    x = np.array([0.5, 2.0])
    nnlaws.assert_accurate(np.exp(x).astype(">f8"), np.exp, x.astype(">f8"))


# --- planted mistakes do not ---


def _rational_tanh(x: Any) -> Any:
    """Padé's approximation: off by 1e-5 at 2."""
    return x * (10395 + 1260 * x**2 + 21 * x**4) / (10395 + 4725 * x**2 + 210 * x**4 + x**6)


def _one_pass(x: Array) -> Array:
    return np.asarray((x * x).mean(axis=-1) - x.mean(axis=-1) ** 2)


def _gelu_by_tanh(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))))


MISTAKES: dict[str, tuple[Callable[[Array], Any], Callable[[Any], Any], Any, float]] = {
    "a rational tanh": (_rational_tanh, np.tanh, np.float64, 0.0),
    "a variance in one pass": (_one_pass, partial(np.var, axis=-1), np.float32, 1e4),
    "gelu by tanh": (_gelu_by_tanh, gelu, np.float32, 0.0),
    "a missing term": (lambda x: x[:, :-1].sum(axis=-1), partial(np.sum, axis=-1), np.float32, 0.0),
    "a sample's variance": (partial(np.var, axis=-1, ddof=1), partial(np.var, axis=-1), np.float32, 0.0),
    "sums in float32": (lambda x: x.astype("f").sum(-1).astype("d"), partial(np.sum, axis=-1), np.float64, 0.0),
    "log(1 + x)": (lambda x: np.log(1 + np.abs(x) * 1e-9), lambda x: np.log1p(np.abs(x) * 1e-9), np.float64, 0.0),
}


@pytest.mark.parametrize("name", MISTAKES)
@repeatable
@given(seed=seeds)
def test_a_mistake_is_seen(name: str, seed: int) -> None:
    mistaken, formula, dtype, offset = MISTAKES[name]
    x = offset + _normal(seed, np.float64, 16, 32)
    x = x.astype(dtype)
    with pytest.raises(AssertionError, match="INACCURATE"):
        nnlaws.assert_accurate(mistaken(x), formula, x)


def test_an_overflow_is_a_mistake_unless_the_exact_value_is_beyond_the_format() -> None:
    z = np.array([[100.0, 0.0]], np.float32)
    with (
        np.errstate(all="ignore"),
        pytest.raises(AssertionError, match="overflows float32: rescale or shift before it"),
    ):
        nnlaws.assert_accurate(softmax(z), softmax, z)
    with np.errstate(all="ignore"):
        nnlaws.assert_accurate(np.exp(z), np.exp, z)


# --- messages ---


def test_the_message_has_the_parts_of_a_violation() -> None:
    x = np.array([0.5, -2.0])
    with pytest.raises(AssertionError) as raised:
        nnlaws.assert_accurate([0.46211715725994007, -0.9640270179406462], np.tanh, x)
    wanted = """\
        INACCURATE  tanh  float64
          example  x = array([0.5, -2.0], dtype=float64)
          got      -0.9640270179406462  at [1]  in [0.46211715725994007, -0.9640270179406462]
          want     -0.96402758007581688395  (the exact value)
          off by   5.06e+09 ulp, where 9.64 ulp is allowed
          fix      correct the code, or give the sound algorithm that it follows as algorithm="""
    assert str(raised.value) == dedent(wanted)


def test_a_result_wider_than_its_arguments_is_explained() -> None:
    """NumPy makes float64 of float32 beside a float64 scalar, after products that were rounded to float32."""
    x = _normal(0, np.float32, 8, 8)
    got = x @ x / np.sqrt(8)
    with pytest.raises(
        AssertionError, match="got is float64, but an argument is float32: compute all in float64, or say"
    ):
        nnlaws.assert_accurate(got, lambda x: x @ x / np.sqrt(8), x)
    nnlaws.assert_accurate(got, lambda x: x @ x / np.sqrt(8), x, dtype="float32")


X = np.array([0.5, 2.0])


def _in_place(x: Any) -> Any:
    x += 1
    return x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nnlaws.assert_accurate(X[:1], np.tanh, X),
            ValueError,
            "got has shape (1,): expected (2,), the shape of tanh",
        ),
        (
            lambda: nnlaws.assert_accurate(np.array([1, 2]), np.tanh, X),
            TypeError,
            "got is an array of int64: expected float16",
        ),
        (
            lambda: nnlaws.assert_accurate(X.astype("e"), np.tanh, X, dtype="float32"),
            ValueError,
            "got is float16, which cannot hold a result of float32",
        ),
        (
            lambda: nnlaws.bound(np.tanh, np.array([np.nan])),
            ValueError,
            "has entries that are infinite or not a number",
        ),
        (lambda: nnlaws.bound(np.tanh, np.array([{}])), TypeError, "is read as an array of objects: expected numbers"),
        (lambda: nnlaws.bound(np.tanh, np.array([1j])), TypeError, "is an array of complex128: expected float16"),
        (lambda: nnlaws.bound(np.tanh, 0.5), TypeError, "no argument is an array of floats"),
        (lambda: nnlaws.bound(np.tanh, [1, 2], dtype="float64"), TypeError, "no argument is an array of floats"),
        (
            lambda: nnlaws.bound(_in_place, X),
            TypeError,
            "_in_place cannot be run on bounded numbers: bounded numbers cannot be changed in place by numpy.add; "
            "write y = y + x and not y += x",
        ),
        (
            lambda: nnlaws.bound(lambda x: x if x > 0 else -x, X),
            ValueError,
            "choose with numpy.where and not with if",
        ),
        (
            lambda: nnlaws.bound(lambda x: np.sin(x, where=x > 0), X),
            TypeError,
            "bounded numbers have no rule for numpy.sin with where; leave that out",
        ),
        (lambda: nnlaws.bound(lambda x: int(x[0]) * x, X), TypeError, "bounded numbers cannot become an integer"),
        (lambda: nnlaws.bound(lambda x: None, X), TypeError, "the formula returns None: expected an array"),
        (lambda: nnlaws.bound(np.tanh, X, algorithm=[]), TypeError, "algorithm is []: expected a function"),
        (
            lambda: nnlaws.bound(np.tanh, X, algorithm=3),  # type: ignore[arg-type]
            TypeError,
            "algorithm is 3: expected a function of the formula's arguments, or several; leave it out",
        ),
        (lambda: nnlaws.bound(np.tanh, X, dtype="int8"), ValueError, "dtype is 'int8': expected one of float16"),
        (lambda: nnlaws.bound(np.tanh(X), X), TypeError, "formula is ndarray: expected a function"),
        (
            lambda: nnlaws.bound(np.median, X),
            TypeError,
            "median cannot be run on bounded numbers: bounded numbers have no rule",
        ),
        (lambda: nnlaws.bound(lambda x: (x, x), X), TypeError, "the formula returns 2 results: expected one array"),
        (
            lambda: nnlaws.bound(np.log, -X, algorithm=np.tanh),
            ValueError,
            "log has no exact value at these arguments: it is undefined there",
        ),
        (
            lambda: nnlaws.bound(np.tanh, X, algorithm=np.sin),
            ValueError,
            "algorithm computes 0.479425538604203 where tanh is 0.46211715726000974 at [0]: expected the same function",
        ),
        (lambda: nnlaws.bound(np.tanh, X, algorithm=np.sum), ValueError, "the algorithm gives shape (), and tanh (2,)"),
    ],
)
def test_bad_input_is_one_clear_error(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
