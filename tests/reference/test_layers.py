"""The reference's layer with batch norm: right however large x is, the formula's gradients, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nnlaws.chapters.layers import bounds
from nnlaws.rounding.number import bounded
from nnlaws_reference import batch_norm_layer, batch_norm_layer_backward
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.formulas import layers as formulas
from nnlaws_spec.numbers import enclose

EPS = 1e-3

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())


def _given(dtype: np.dtype[Any], offset: float = 0.0) -> dict[str, Array]:
    random = np.random.default_rng(int(offset))
    shapes = {"x": (5, 4), "W": (3, 4), "b": (3,), "gamma": (3,), "beta": (3,), "dout": (5, 3)}
    arrays = {name: random.normal(size=shape) for name, shape in shapes.items()}
    arrays["x"] = arrays["x"] + offset
    return {name: each.astype(dtype) for name, each in arrays.items()}


@every_dtype
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_it_is_right_within_the_bound(dtype: np.dtype[Any], offset: float) -> None:
    given = _given(dtype, offset)
    forward = [given[each] for each in ("x", "W", "b", "gamma", "beta")]
    backward = [given[each] for each in ("dout", "x", "W", "b", "gamma")]
    out = batch_norm_layer(*forward, eps=EPS)
    gradients = batch_norm_layer_backward(*backward, eps=EPS)
    allowed = bounds.batch_norm_layer(*map(bounded, forward), eps=EPS, conventions={})
    exact = enclose(lambda *lifted: formulas.batch_norm_layer(*lifted, eps=EPS), *forward, within=1e-20)
    assert out.dtype == dtype
    assert (np.abs(out.astype(np.float64) - exact.hi) <= allowed.error).all()
    limits = bounds.batch_norm_layer_backward(*map(bounded, backward), eps=EPS, conventions={})
    for number, (got, limit) in enumerate(zip(gradients, limits, strict=True)):
        exact = enclose(
            lambda *lifted, number=number: formulas.batch_norm_layer_backward(*lifted, eps=EPS)[number],
            *backward,
            within=1e-20,
        )
        assert got.dtype == dtype
        assert (np.abs(got.astype(np.float64) - exact.hi) <= limit.error).all()


REFUSED: dict[str, tuple[str, Callable[[dict[str, Array]], Any]]] = {
    "W of other inputs": (
        r"expected x of shape \(m, k\) and W of shape \(n, k\), got \(5, 4\) and \(4, 3\)",
        lambda a: batch_norm_layer(a["x"], a["W"].T, a["b"], a["gamma"], a["beta"], eps=EPS),
    ),
    "b of other units": (
        r"expected b of shape \(3,\), one number a unit",
        lambda a: batch_norm_layer(a["x"], a["W"], a["b"][:1], a["gamma"], a["beta"], eps=EPS),
    ),
    "another dtype": (
        r"expected gamma of x's dtype float64, got float32",
        lambda a: batch_norm_layer(a["x"], a["W"], a["b"], a["gamma"].astype(np.float32), a["beta"], eps=EPS),
    ),
    "no samples": (
        r"an empty batch has no mean and no variance",
        lambda a: batch_norm_layer(a["x"][:0], a["W"], a["b"], a["gamma"], a["beta"], eps=EPS),
    ),
    "dout of other samples": (
        r"expected dout of shape \(5, 3\)",
        lambda a: batch_norm_layer_backward(a["dout"][:2], a["x"], a["W"], a["b"], a["gamma"], eps=EPS),
    ),
    "another eps": (
        r"expected eps finite and ≥ 0",
        lambda a: batch_norm_layer(a["x"], a["W"], a["b"], a["gamma"], a["beta"], eps=-1.0),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused(what: str) -> None:
    message, call = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        call(_given(np.dtype(np.float64)))
