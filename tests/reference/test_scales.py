"""The reference scales: right in every dtype and shape, rounded once, in the box always; clear in what they refuse."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nnlaws.rounding.formats import format_of
from nnlaws_reference import (
    log_uniform_density,
    log_uniform_inverse,
    log_uniform_map,
    one_minus_log_uniform_density,
    one_minus_log_uniform_inverse,
    one_minus_log_uniform_map,
)
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import scales as formulas
from nnlaws_spec.numbers import enclose

Call = Callable[..., Any]
Box = tuple[float, float]


class Scale(NamedTuple):
    map: Call
    inverse: Call
    density: Call
    boxes: tuple[Box, ...]


SCALES = {
    "log": Scale(
        log_uniform_map,
        log_uniform_inverse,
        log_uniform_density,
        ((1e-4, 1.0), (0.1, 0.2), (1.0, 1.0001), (1e-30, 1e-3), (3.0, 1e4), (1e-300, 1e300)),
    ),
    "one minus log": Scale(
        one_minus_log_uniform_map,
        one_minus_log_uniform_inverse,
        one_minus_log_uniform_density,
        ((0.9, 0.999), (0.0, 0.5), (0.5, 0.999999), (1e-20, 0.9), (1e-20, 2e-20), (0.999, 1 - 2.0**-50)),
    ),
}
SHARES = np.array([0, 2.0**-40, 1e-3, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 0.999, 1 - 2.0**-40, 1])

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
every_scale = pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES.keys())
every_box = pytest.mark.parametrize(
    ("scale", "box"), [pytest.param(s, box, id=f"{name} {box}") for name, s in SCALES.items() for box in s.boxes]
)
shares = st.floats(0, 1)


def within_ulps(got: Any, formula: Call, given: Any, box: Box, ulps: float = 4) -> None:
    """Within so many ulp of float64, besides the one rounding to a narrower dtype.

    A power is within 1 ulp, and so is a logarithm; then come two or three roundings more.
    """
    low, high = box
    wide, form = got.astype(np.float64), format_of(got.dtype)
    exact = enclose(
        partial(formula, low=low, high=high), given, within=np.maximum(np.abs(wide) * 1e-18, form.tiny * 1e-12 + 1e-300)
    ).hi
    once = 0 if form.name == "float64" else form.u * np.maximum(np.abs(exact), form.tiny)
    fits = np.abs(exact) <= form.largest
    assert (np.abs(wide - exact) <= ulps * 2.0**-52 * np.abs(exact) + once)[fits].all()


@every_dtype
@every_box
def test_sc1_sc2_maps_are_right_and_rounded_once(scale: Scale, box: Box, dtype: np.dtype[Any]) -> None:
    u = SHARES.astype(dtype)
    got = scale.map(u, low=box[0], high=box[1])
    assert got.dtype == dtype
    within_ulps(got, getattr(formulas, scale.map.__name__), u, box)


@every_box
def test_sc3_sc4_inverses_keep_their_digits_near_low(scale: Scale, box: Box) -> None:
    """A quotient of rounded logarithms would be off by many ulp where x is close to low, or the box is narrow."""
    low, high = box
    x = np.sort(scale.map(SHARES, low=low, high=high))
    got = scale.inverse(x, low=low, high=high)
    within_ulps(got, getattr(formulas, scale.inverse.__name__), x, box)
    assert (got[0], got[-1]) == (0, 1)


@pytest.mark.parametrize(("dtype", "scale"), [(d, s) for d in DTYPES.values() for s in SCALES.values()])
def test_sc3_sc4_sc11_sc12_inverses_and_densities_are_rounded_once(dtype: np.dtype[Any], scale: Scale) -> None:
    low, high = scale.boxes[0]
    x = scale.map(np.linspace(0.01, 0.99, 50).astype(dtype), low=low, high=high)
    x = x[(x.astype(np.float64) > low) & (x.astype(np.float64) < high)]
    assert len(x) > 10
    for function in (scale.inverse, scale.density):
        got = function(x, low=low, high=high)
        assert got.dtype == dtype
        within_ulps(got, getattr(formulas, function.__name__), x, scale.boxes[0])


@every_box
def test_sc5_the_ends_are_exact(scale: Scale, box: Box) -> None:
    low, high = box
    for dtype in DTYPES.values():
        ends = np.array(box).astype(dtype) if abs(math.log10(high)) < 30 else None
        if ends is not None:
            assert np.array_equal(scale.map(np.array([0, 1], dtype), low=low, high=high), ends)
    assert scale.inverse(np.array(box), low=low, high=high).tolist() == [0, 1]
    wide = np.array([low, (low + high) / 2, high])
    back = scale.map(scale.inverse(wide, low=low, high=high), low=low, high=high)
    assert back.tolist() == pytest.approx(wide.tolist(), rel=1e-12 if high < 1e30 else 1e-9)


@given(
    st.sampled_from(sorted(DTYPES)), st.lists(shares, min_size=1, max_size=20), st.floats(1e-30, 1e30), st.floats(0, 30)
)
@settings(deadline=None)
def test_sc6_nothing_leaves_the_box_on_the_log_scale(name: str, u: list[float], low: float, decades: float) -> None:
    high = low * 10**decades
    assume(low < high)
    held_inside(SCALES["log"], DTYPES[name], u, low, high)


@given(
    st.sampled_from(sorted(DTYPES)), st.lists(shares, min_size=1, max_size=20), st.floats(-1e3, 0.9999), st.floats(0, 1)
)
@settings(deadline=None)
def test_sc6_nothing_leaves_the_box_on_the_other_scale(name: str, u: list[float], low: float, part: float) -> None:
    high = min(low + (1 - low) * part, 1 - 2.0**-53)
    assume(low < high)
    held_inside(SCALES["one minus log"], DTYPES[name], u, low, high)


def held_inside(scale: Scale, dtype: np.dtype[Any], u: list[float], low: float, high: float) -> None:
    """And what comes out of the map goes into the inverse."""
    with np.errstate(over="ignore"):
        least, most = np.array([low, high]).astype(dtype).astype(np.float64)
    x = scale.map(np.array([0, *u, 1]).astype(dtype), low=low, high=high)
    assert ((x.astype(np.float64) >= least) & (x.astype(np.float64) <= most)).all()
    back = scale.inverse(x, low=low, high=high).astype(np.float64)
    assert ((back >= 0) & (back <= 1)).all()
    assert (scale.density(x, low=low, high=high) >= 0).all()


def test_sc6_the_box_of_scikit_optimize_586() -> None:
    """exp(log high) is above high for many a high; here none is."""
    highs = np.random.default_rng(0).uniform(1, 10, 2000)
    assert (np.exp(np.log(highs)) > highs).any()
    assert all(log_uniform_map(np.ones(1), low=0.5, high=high) == high for high in highs)


@every_dtype
@every_box
def test_sc7_order_is_kept(scale: Scale, box: Box, dtype: np.dtype[Any]) -> None:
    low, high = box
    u = np.sort(np.random.default_rng(0).random(2000).astype(dtype))
    x = scale.map(u, low=low, high=high).astype(np.float64)
    down = 1 - (0 if dtype.itemsize < 8 else 4 * 2.0**-53)  # in float64 rounding may turn close neighbours round
    assert (x[1:] >= down * x[:-1]).all()
    back = scale.inverse(np.sort(x).astype(dtype), low=low, high=high).astype(np.float64)
    assert (back[1:] >= down * back[:-1]).all()


@given(st.lists(shares, min_size=1, max_size=10), st.integers(-40, 40))
@settings(deadline=None)
def test_sc8_the_unit_is_irrelevant(u: list[float], exponent: int) -> None:
    given, c = np.array(u), 2.0**exponent
    x = log_uniform_map(given, low=1e-4, high=1.0)
    scaled = {"low": 1e-4 * c, "high": c}
    assert log_uniform_map(given, **scaled) == pytest.approx(c * x, rel=1e-15)
    assert log_uniform_inverse(c * x, **scaled).tolist() == log_uniform_inverse(x, low=1e-4, high=1.0).tolist()
    assert log_uniform_density(c * x, **scaled) == pytest.approx(
        log_uniform_density(x, low=1e-4, high=1.0) / c, rel=1e-15
    )


@given(shares)
@settings(deadline=None)
def test_sc9_sc10_the_middle_and_the_window(share: float) -> None:
    u = np.array([share, 1 - share])
    below, above = log_uniform_map(u, low=1e-4, high=1.0)
    assert below * above == pytest.approx(1e-4, rel=1e-14)
    window = 1 / (1 - one_minus_log_uniform_map(u, low=0.9, high=0.999))  # 1 − x has lost three digits
    assert window[0] * window[1] == pytest.approx(10 * 1000, rel=1e-12)
    assert window[0] == pytest.approx(10 * 100**share, rel=1e-12)


def test_sc13_every_decade_has_the_same_share() -> None:
    u = log_uniform_inverse(np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0]), low=1e-4, high=1.0)
    assert u.tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1], rel=1e-15)
    u = one_minus_log_uniform_inverse(np.array([0.9, 0.99, 0.999]), low=0.9, high=0.999)
    assert u.tolist() == pytest.approx([0, 0.5, 1], rel=1e-14)


@every_scale
@every_dtype
def test_any_shape_order_and_layout(dtype: np.dtype[Any], scale: Scale) -> None:
    box = dict(zip(("low", "high"), scale.boxes[0], strict=True))
    u = np.linspace(0, 1, 12).astype(dtype)
    for function, entry in ((scale.map, u), (scale.inverse, scale.map(u, **box)), (scale.density, scale.map(u, **box))):
        entry.flags.writeable = False
        flat = function(entry, **box)
        for laid_out in (entry.reshape(3, 4), np.asfortranarray(entry.reshape(3, 4)), np.repeat(entry, 2)[::2]):
            got = function(laid_out, **box)
            assert got.shape == laid_out.shape
            assert got.flags.c_contiguous
            assert np.array_equal(got.ravel(), flat)
        assert function(entry[:0], **box).shape == (0,)
        one = function(np.asarray(entry[5]), **box)
        assert (one.shape, one.dtype, one) == ((), dtype, flat[5])
        own = {name: np.float64(end) for name, end in box.items()}
        assert np.array_equal(function(entry, **own), flat)


def test_ends_that_a_narrow_type_cannot_hold() -> None:
    """1e-30 and 1e30 are 0 and infinite in float16; they are in the box all the same."""
    box = {"low": 1e-30, "high": 1e30}
    x = log_uniform_map(np.array([0, 0.5, 1], np.float16), **box)
    assert x.tolist() == [0, 1, math.inf]
    assert log_uniform_inverse(x, **box).tolist() == [0, 0.5, 1]
    assert log_uniform_density(x, **box).tolist() == [math.inf, np.float16(1 / (60 * math.log(10))), 0]
    assert log_uniform_inverse(np.array([5e-324, 1.7e308]), low=5e-324, high=1.7e308).tolist() == [0, 1]
    assert one_minus_log_uniform_map(np.array([0.0, 1.0]), low=-1e308, high=1 - 2.0**-53)[0] == -1e308


WORDS = {
    log_uniform_map: "expected 0 < low < high, both finite",
    one_minus_log_uniform_map: "expected low < high < 1, both finite",
}


@every_scale
@pytest.mark.parametrize("box", [(0.5, 0.5), (0.6, 0.5), (math.nan, 0.5), (0.5, math.nan), (-math.inf, 0.5)])
def test_other_boxes_are_refused(scale: Scale, box: Box) -> None:
    for function in scale[:3]:
        with pytest.raises(ValueError, match=f"{WORDS[scale.map]}, got low = {box[0]} and high = {box[1]}"):
            function(np.array([0.5]), low=box[0], high=box[1])


def test_boxes_where_the_logarithm_ends_are_refused() -> None:
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (1.0, math.inf)):
        with pytest.raises(ValueError, match="expected 0 < low < high"):
            log_uniform_map(np.array([0.5]), low=low, high=high)
    with pytest.raises(ValueError, match=r"expected low < high < 1, .* high = 1.0"):
        one_minus_log_uniform_map(np.array([0.5]), low=0.9, high=1.0)


@every_scale
def test_what_lies_outside_is_refused(scale: Scale) -> None:
    low, high = scale.boxes[0]
    for u in (-1e-9, 1.0001, math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"expected u in \[0, 1\], 0 for low and 1 for high, got {u}"):
            scale.map(np.array([0.5, u]), low=low, high=high)
    for x in (low - 1e-9, np.nextafter(high, 2), math.nan, -math.inf):
        for function in (scale.inverse, scale.density):
            with pytest.raises(ValueError, match=f"expected x between low = {low} and high = {high}, got {x}"):
                function(np.array([(low + high) / 2, x]), low=low, high=high)
    for function in scale[:3]:
        with pytest.raises(ValueError, match="expected an array of"):
            function(np.arange(2), low=low, high=high)
