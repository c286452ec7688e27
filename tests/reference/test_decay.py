"""The reference decays: right in every dtype and shape, rounded once; clear in what they refuse."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from nnlaws.rounding.formats import format_of
from nnlaws_reference import exponential_decay, inverse_root_decay, inverse_time_decay, staircase_decay
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import decay as formulas
from nnlaws_spec.numbers import enclose

Call = Callable[..., Any]
CASES: dict[str, tuple[Call, Call, dict[str, float]]] = {
    "inverse time": (inverse_time_decay, formulas.inverse_time_decay, {"initial": 0.2, "rate": 0.3}),
    "exponential": (exponential_decay, formulas.exponential_decay, {"initial": 0.2, "rate": 0.999}),
    "staircase": (staircase_decay, formulas.staircase_decay, {"initial": 0.2, "rate": 0.95, "every": 7.0}),
    "inverse root": (inverse_root_decay, formulas.inverse_root_decay, {"initial": 0.2, "factor": 0.3}),
}
EPOCHS = np.array([0, 1, 2, 3, 6, 7, 8, 13, 14, 100, 256])

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
every_decay = pytest.mark.parametrize("name", CASES)


@every_dtype
@every_decay
def test_lr1_to_lr4_are_right_and_rounded_once(dtype: np.dtype[Any], name: str) -> None:
    """Four roundings in float64, 1/2 ulp each, and a power within 1 ulp; and the one of the result."""
    decay, formula, options = CASES[name]
    epochs = EPOCHS.astype(dtype)
    exact = enclose(partial(formula, **options), epochs, within=1e-30).hi
    got = decay(epochs, **options)
    assert got.dtype == dtype
    allowed = (6 * 2.0**-53 + (format_of(dtype).u if dtype != np.float64 else 0)) * exact
    assert (np.abs(got.astype(np.float64) - exact) <= allowed).all()


@every_decay
def test_long_runs_lose_no_digits(name: str) -> None:
    """A power taken in float32 would be off by thousands of roundings at epoch 10000."""
    decay, formula, options = CASES[name]
    epochs = np.array([10000, 9999, 1000], np.float32)
    exact = enclose(partial(formula, **options), epochs, within=1e-30).hi
    assert (np.abs(decay(epochs, **options) - exact) <= 2.0**-24 * (1 + 1e-6) * exact + 1e-30).all()


@every_dtype
@every_decay
def test_any_shape_order_and_layout(dtype: np.dtype[Any], name: str) -> None:
    decay, _, options = CASES[name]
    epochs = np.arange(12).astype(dtype)
    epochs.flags.writeable = False
    flat = decay(epochs, **options)
    for given in (epochs.reshape(3, 4), np.asfortranarray(epochs.reshape(3, 4)), np.repeat(epochs, 2)[::2]):
        got = decay(given, **options)
        assert got.shape == given.shape
        assert got.flags.c_contiguous
        assert np.array_equal(got.ravel(), flat)
    assert np.array_equal(decay(epochs[::-1], **options), flat[::-1])
    assert decay(epochs[:0], **options).shape == (0,)
    one = decay(np.asarray(epochs[5]), **options)
    assert (one.shape, one.dtype, one) == ((), dtype, flat[5])


def test_lr3_the_floor_is_of_the_exact_quotient() -> None:
    """The double 0.1 is above a tenth: of 1/0.1, which rounds to 10, the floor is 9."""
    assert staircase_decay(np.array([1.0, 3.0]), initial=1.0, rate=0.5, every=0.1).tolist() == [2.0**-9, 2.0**-29]
    assert staircase_decay(np.array([6.0, 7.0]), initial=1.0, rate=0.5, every=7.0).tolist() == [1, 0.5]


@every_dtype
def test_lr5_lr9_the_start_and_the_stairs(dtype: np.dtype[Any]) -> None:
    zero = np.zeros(1, dtype)
    for decay, _, options in CASES.values():
        want = options["initial"] * options.get("factor", 1.0)
        assert decay(zero, **options) == np.asarray(want).astype(dtype)
    stairs = staircase_decay(np.arange(12).astype(dtype), initial=0.5, rate=0.5, every=3.0)
    assert stairs.tolist() == [0.5 ** (1 + epoch // 3) for epoch in range(12)]


@every_decay
def test_lr6_no_rate_grows(name: str) -> None:
    decay, _, options = CASES[name]
    for dtype in DTYPES.values():
        rates = decay(np.arange(257).astype(dtype), **options).astype(np.float64)
        assert (np.diff(rates) <= 0).all()
        assert (rates >= 0).all()


@every_decay
def test_numpys_own_numbers_and_extreme_ones(name: str) -> None:
    decay, _, options = CASES[name]
    epochs = EPOCHS.astype(np.float32)
    own = {key: np.float64(value) for key, value in options.items()}
    assert np.array_equal(decay(epochs, **own), decay(epochs, **options))
    assert decay(epochs, **own).dtype == np.float32
    assert (decay(epochs, **{**options, "initial": 0.0}) == 0).all()
    assert decay(epochs[:1].astype(np.float16), **{**options, "initial": 1e6}) == np.inf


EPOCH = np.zeros(2)
REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "rate": (r"expected rate in \(0, 1\], .* got 1.5", lambda: exponential_decay(EPOCH, initial=0.1, rate=1.5)),
    "no rate": (r"expected rate in \(0, 1\]", lambda: staircase_decay(EPOCH, initial=0.1, rate=0.0, every=3.0)),
    "falling rate": ("rate finite and ≥ 0, got -1", lambda: inverse_time_decay(EPOCH, initial=0.1, rate=-1.0)),
    "factor": ("factor finite and ≥ 0, got inf", lambda: inverse_root_decay(EPOCH, initial=0.1, factor=math.inf)),
    "every": ("every finite and > 0, .* got 0", lambda: staircase_decay(EPOCH, initial=0.1, rate=0.5, every=0.0)),
    "dtype": ("expected an array of", lambda: exponential_decay(np.arange(3), initial=0.1, rate=0.5)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    words, call = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()


@every_decay
def test_other_epochs_and_initial_rates_are_refused(name: str) -> None:
    decay, _, options = CASES[name]
    for epoch in (-1.0, 0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"expected epochs to be whole numbers, counted from 0, got {epoch}"):
            decay(np.array([1.0, epoch]), **options)
    for initial in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"expected initial finite and ≥ 0, got {initial}"):
            decay(EPOCH, **{**options, "initial": initial})
