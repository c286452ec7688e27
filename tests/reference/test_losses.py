"""Reference losses: the formulas' values, and bad input."""

from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import losses as formulas

LABELS = np.array([0, 2, -1, 1])
OF_LABELS = ("label_losses", "label_losses_gradient", "label_cross_entropy", "label_cross_entropy_gradient")
OPTIONS: list[dict[str, Any]] = [
    {"ignore_index": -1},
    {"ignore_index": -1, "label_smoothing": 0.25},
    {"ignore_index": -1, "weight": (1.0, 0.5, 0.0)},
]


def given(name: str, dtype: str) -> list[Any]:
    random = np.random.default_rng(1)
    z = random.standard_normal((4, 3)).astype(DTYPES[dtype])
    if name.startswith("sigmoid"):
        more = [random.integers(0, 5, (4, 3)) / 4, random.standard_normal((4, 3))]
        return [z, *(x.astype(z.dtype) for x in (more if name.endswith("gradient") else more[:1]))]
    return [z, LABELS, *([random.standard_normal(4).astype(z.dtype)] if name == "label_losses_gradient" else [])]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", OF_LABELS)
def test_it_is_what_the_formula_says(name: str, options: dict[str, Any], dtype: str) -> None:
    arguments = given(name, dtype)
    got = getattr(reference, name)(*arguments, **options)
    wide = [x if x.dtype.kind == "i" else x.astype(np.float64) for x in arguments]
    want = getattr(formulas, name)(*wide, **options)
    assert (got.dtype, got.shape) == (DTYPES[dtype], np.shape(want))
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2.0**-7 if got.dtype.itemsize == 2 else 2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sigmoid_losses", "sigmoid_losses_gradient"])
def test_sigmoids_are_what_the_formula_says(name: str, dtype: str) -> None:
    arguments = given(name, dtype)
    got = getattr(reference, name)(*arguments)
    want = getattr(formulas, name)(*(x.astype(np.float64) for x in arguments))
    assert got.dtype == DTYPES[dtype]
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2.0**-7 if got.dtype.itemsize == 2 else 2e-6)


def test_a_mean_of_nothing_is_nan_and_its_gradient_is_0() -> None:
    z, labels = np.zeros((2, 3)), np.array([7, 7])
    assert np.isnan(reference.label_cross_entropy(z, labels, ignore_index=7))
    assert not reference.label_cross_entropy_gradient(z, labels, ignore_index=7).any()


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("name", OF_LABELS)
def test_a_label_that_is_no_class_is_refused(name: str, label: int) -> None:
    z, _, *above = given(name, "float32")
    with pytest.raises(ValueError, match=rf"expected class numbers from 0 to 2, or None to ignore, got {label}"):
        getattr(reference, name)(z, np.array([0, 1, 2, label]), *above)


@pytest.mark.parametrize(
    ("z", "labels", "words"),
    [
        (np.zeros((2, 3)), np.zeros(2), "m class numbers of an integer dtype, got shape \\(2, 3\\), and float64"),
        (np.zeros((2, 3)), np.zeros(3, int), "and int64 of shape \\(3,\\)"),
        (np.zeros((2, 0)), np.zeros(2, int), "with one class at least"),
        (np.zeros(3), np.zeros(3, int), "expected logits \\(m, C\\)"),
    ],
)
def test_bad_arguments_say_what_is_expected(z: Any, labels: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        reference.label_losses(z, labels)


def test_there_is_one_weight_for_each_class() -> None:
    with pytest.raises(ValueError, match="expected one weight for each of 3 classes, got 2"):
        reference.label_losses(np.zeros((1, 3)), np.zeros(1, int), weight=(1.0, 2.0))


def test_no_samples_have_no_mean() -> None:
    with pytest.raises(ValueError, match="expected at least one sample"):
        reference.label_cross_entropy(np.zeros((0, 3)), np.zeros(0, int))


@pytest.mark.parametrize("name", ["sigmoid_losses", "sigmoid_losses_gradient"])
def test_arrays_of_sigmoids_are_alike(name: str) -> None:
    z, y, *above = given(name, "float32")
    with pytest.raises(ValueError, match="expected arrays of one shape and dtype"):
        getattr(reference, name)(z, y[:2], *above)
