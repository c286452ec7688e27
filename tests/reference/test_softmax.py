"""The reference: right in every dtype, for every shape and every finite logit; clear in what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import expand
from nnlaws.authoring.evidence import compare
from nnlaws.authoring.logits import any_size, moderate
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import OPERATIONS
from nnlaws.chapters.softmax.inputs import any_size_inputs, either, moderate_inputs
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference import cross_entropy, cross_entropy_gradient, log_softmax, softmax
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.numbers import enclose

repeatable = settings(derandomize=True, deadline=None, max_examples=40)

LANES = 3

WITHOUT_TARGETS: dict[str, Callable[..., Array]] = {"softmax": softmax, "log_softmax": log_softmax}
WITH_TARGETS: dict[str, Callable[..., Array]] = {
    "cross_entropy": cross_entropy,
    "cross_entropy_gradient": cross_entropy_gradient,
}
FUNCTIONS = WITHOUT_TARGETS | WITH_TARGETS

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
every_function = pytest.mark.parametrize("name", FUNCTIONS)
with_targets = pytest.mark.parametrize("name", WITH_TARGETS)


def _arguments(name: str, z: Array) -> tuple[Array, ...]:
    """z, and, where the function takes them, targets: the classes in turn."""
    if name in WITHOUT_TARGETS:
        return (z,)
    y = np.zeros(z.shape, z.dtype)
    y[..., np.arange(z.shape[-2]), np.arange(z.shape[-2]) % z.shape[-1]] = 1
    return z, y


def _logits(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.random.default_rng(shape).normal(size=shape).astype(dtype)


def _ratio(name: str, format: Format, *arguments: Array) -> float:
    """Error over bound at the worst element of batched arguments. The exact values are balls."""
    ruler = Ruler(OPERATIONS[name], format, {})
    allowed = ruler.bound(*arguments).error
    exact = enclose(ruler.operation.formula, *arguments, within=np.maximum(allowed, format.tiny) * 2.0**-10)
    got = FUNCTIONS[name](*arguments)
    assert got.shape == exact.hi.shape
    assert got.dtype == format.dtype
    return compare(got.astype(np.float64), exact, allowed, format).ratio


@every_dtype
@every_function
@repeatable
@given(data=st.data())
def test_values_are_right_where_the_exponential_is_in_range(
    name: str, dtype: np.dtype[Any], data: st.DataObject
) -> None:
    format = format_of(dtype)
    build = moderate_inputs(either if name in WITH_TARGETS else None)
    assert (
        _ratio(name, format, *expand(build, data.draw(moderate(format, (1, 4), (1, 8))), format, LANES).arguments) <= 1
    )


@every_dtype
@every_function
@repeatable
@given(data=st.data())
def test_values_are_right_for_every_finite_logit(name: str, dtype: np.dtype[Any], data: st.DataObject) -> None:
    format = format_of(dtype)
    build = any_size_inputs(either if name in WITH_TARGETS else None, OPERATIONS[name].scalar)
    assert (
        _ratio(name, format, *expand(build, data.draw(any_size(format, (1, 4), (1, 8))), format, LANES).arguments) <= 1
    )


@every_dtype
@every_function
@pytest.mark.parametrize("leading", [(), (4,), (2, 4)], ids=str)
def test_leading_dimensions_are_batches_of_batches(name: str, dtype: np.dtype[Any], leading: tuple[int, ...]) -> None:
    arguments = _arguments(name, _logits((*leading, 3, 5), dtype))
    got = FUNCTIONS[name](*arguments)
    shape = leading if OPERATIONS[name].scalar else (*leading, 3, 5)
    assert (got.shape, got.dtype) == (shape, dtype)
    for place in np.ndindex(leading):
        alone = FUNCTIONS[name](*(argument[place] for argument in arguments))
        assert np.array_equal(got[place], alone)


@every_dtype
@pytest.mark.parametrize("name", WITHOUT_TARGETS)
def test_one_sample_needs_no_batch(name: str, dtype: np.dtype[Any]) -> None:
    z = _logits((5,), dtype)
    got = FUNCTIONS[name](z)
    assert (got.shape, got.dtype) == ((5,), dtype)
    assert np.array_equal(got, FUNCTIONS[name](z[None, :])[0])


@every_dtype
@every_function
def test_ct1_arguments_are_not_modified(name: str, dtype: np.dtype[Any]) -> None:
    arguments = _arguments(name, _logits((3, 5), dtype))
    before = [argument.tobytes() for argument in arguments]
    for argument in arguments:
        argument.flags.writeable = False
    got = FUNCTIONS[name](*arguments)
    assert [argument.tobytes() for argument in arguments] == before
    assert not any(np.shares_memory(got, argument) for argument in arguments)


@every_dtype
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "cross_entropy"])
@pytest.mark.parametrize("shape", [(0, 3), (0, 1), (2, 0, 3)], ids=str)
def test_ct5_an_empty_batch_gives_an_empty_result(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    got = FUNCTIONS[name](*_arguments(name, np.zeros(shape, dtype)))
    assert (got.shape, got.dtype) == (shape, dtype)


@every_dtype
def test_sm6_huge_logits_keep_their_order(dtype: np.dtype[Any]) -> None:
    largest = format_of(dtype).largest
    z = np.array([[largest, largest, -largest], [-largest, -largest, -largest], [0.0, -largest, largest]])
    logits = z.astype(dtype)
    y = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]], dtype)
    third = dtype.type(1) / dtype.type(3)
    assert np.array_equal(softmax(logits), np.array([[0.5, 0.5, 0], [third, third, third], [0, 0, 1]], dtype))
    assert np.array_equal(np.isneginf(log_softmax(logits)), [[0, 0, 1], [0, 0, 0], [0, 1, 0]])
    gradient = cross_entropy_gradient(logits, y).astype(np.float64)
    assert np.array_equal(gradient[[0, 2]], np.zeros((2, 3)))


@every_dtype
def test_sm8_one_class_is_certain(dtype: np.dtype[Any]) -> None:
    z, y = np.array([[-3.0], [7.0]], dtype), np.ones((2, 1), dtype)
    assert np.array_equal(softmax(z), [[1], [1]])
    assert np.array_equal(log_softmax(z), [[0], [0]])
    assert cross_entropy(z, y) == 0
    assert np.array_equal(cross_entropy_gradient(z, y), [[0], [0]])


@every_dtype
@pytest.mark.parametrize("place", range(4))
def test_sm10_minus_infinity_masks_its_class(dtype: np.dtype[Any], place: int) -> None:
    kept = [k for k in range(4) if k != place]
    z = _logits((3, 4), dtype)
    z[:, place] = -np.inf
    y = np.zeros_like(z)
    y[:, kept[0]] = 1
    for name, masked in (("softmax", 0), ("log_softmax", -np.inf)):
        got = FUNCTIONS[name](z)
        assert (got[:, place] == masked).all()
        assert np.array_equal(got[:, kept], FUNCTIONS[name](z[:, kept]))
    assert cross_entropy(z, y) == cross_entropy(z[:, kept], y[:, kept])
    gradient = cross_entropy_gradient(z, y)
    assert (gradient[:, place] == 0).all()
    assert np.array_equal(gradient[:, kept], cross_entropy_gradient(z[:, kept], y[:, kept]))


@every_dtype
def test_a_target_on_a_masked_class_costs_infinitely_much(dtype: np.dtype[Any]) -> None:
    z, y = np.array([[0, -np.inf]], dtype), np.array([[0, 1]], dtype)
    assert cross_entropy(z, y) == np.inf
    assert np.array_equal(cross_entropy_gradient(z, y), [[1, -1]])


@every_dtype
def test_log_softmax_keeps_what_softmax_loses(dtype: np.dtype[Any]) -> None:
    z = np.array([[0, 4096]], dtype)
    assert np.array_equal(softmax(z), [[0, 1]])
    assert np.array_equal(log_softmax(z), [[-4096, 0]])


@every_dtype
def test_a_log_probability_beyond_the_dtype_is_minus_infinity(dtype: np.dtype[Any]) -> None:
    largest = format_of(dtype).largest
    assert np.array_equal(log_softmax(np.array([[-largest, largest]], dtype)), [[-np.inf, 0]])


@every_function
@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.complex128, np.longdouble])
def test_other_dtypes_are_refused(name: str, dtype: type) -> None:
    known = "float16, bfloat16, float32, float64"
    with pytest.raises(ValueError, match=rf"expected an array of {known}, got {np.dtype(dtype)}; convert it"):
        FUNCTIONS[name](*_arguments(name, np.ones((2, 3), dtype)))


@every_dtype
@every_function
def test_no_classes_are_refused(name: str, dtype: np.dtype[Any]) -> None:
    arguments = [np.zeros((2, 0), dtype)] * len(OPERATIONS[name].arguments)
    with pytest.raises(ValueError, match=r"shape \(\.\.\., C\) with at least one class, got shape \(2, 0\)"):
        FUNCTIONS[name](*arguments)


@every_function
def test_a_single_number_is_refused(name: str) -> None:
    arguments = [np.array(1.0)] * len(OPERATIONS[name].arguments)
    with pytest.raises(ValueError, match=r"expected logits of shape \(\.\.\., (m, )?C\).*got shape \(\)"):
        FUNCTIONS[name](*arguments)


@with_targets
def test_one_sample_with_targets_needs_a_batch(name: str) -> None:
    with pytest.raises(ValueError, match=r"shape \(\.\.\., m, C\), got shape \(3,\); .* use z\[None, :\]"):
        FUNCTIONS[name](np.zeros(3), np.zeros(3))


@with_targets
@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((2, 4)), r"got \(2, 4\) float64"),
        (np.zeros((1, 3)), r"got \(1, 3\) float64"),
        (np.zeros(2, np.int64), r"got \(2,\) int64"),
        (np.zeros((2, 3), np.float32), r"got \(2, 3\) float32"),
    ],
    ids=["classes", "samples", "class numbers", "dtype"],
)
def test_targets_that_do_not_match_are_refused(name: str, y: Array, words: str) -> None:
    expected = rf"expected targets of .* shape and dtype, \(2, 3\) float64, {words}; class numbers .*numpy\.eye"
    with pytest.raises(ValueError, match=expected):
        FUNCTIONS[name](np.zeros((2, 3)), y)


@every_dtype
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)], ids=str)
def test_the_cross_entropy_of_an_empty_batch_is_refused(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"empty batch is 0/0: expected at least one sample \(m ≥ 1\)"):
        cross_entropy(np.zeros(shape, dtype), np.zeros(shape, dtype))
