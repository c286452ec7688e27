"""The reference batch norm: right in every dtype and layout, whatever the mean; clear in what it refuses."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from nnlaws.rounding.formats import format_of
from nnlaws_reference import (
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_running,
    batch_norm_train,
    layer_backward,
    layer_forward,
    running_start,
    running_update,
)
from nnlaws_reference.dtypes import DTYPES, Array, working_dtype
from nnlaws_spec.formulas import batch_norm as formulas
from nnlaws_spec.numbers import enclose

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
every_shape = pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 2), (16, 5), (64, 3)], ids=str)
every_eps = pytest.mark.parametrize("eps", [1e-12, 1e-5, 1.0])


@dataclass(frozen=True)
class Inputs:
    """Arguments of the four operations, of one dtype; z has the mean offset times its spread."""

    z: Array
    gamma: Array
    beta: Array
    dout: Array


def _inputs(shape: tuple[int, ...], dtype: np.dtype[Any], offset: float = 0.0, n: int | None = None) -> Inputs:
    random = np.random.default_rng((*shape, int(offset)))
    n = shape[-1] if n is None else n
    gamma, beta = random.normal(size=n), random.normal(size=n)
    arrays = offset + random.normal(size=shape), gamma, beta, random.normal(size=shape)
    return Inputs(*(np.asarray(each.astype(dtype)) for each in arrays))


def _exact(formula: Callable[..., Any], *arguments: Array) -> Array:
    """The formula's exact value within 1e-20, far below a rounding of anything here; in NumPy's longest float."""
    exact = enclose(formula, *arguments, within=1e-20)
    return exact.hi + exact.lo.astype(np.longdouble)


def _holds(got: Array, exact: Array, units: Array, dtype: np.dtype[Any]) -> bool:
    """|got − exact| ≤ units · u of the working format, and one more rounding to a narrow dtype, or to its infinity."""
    inner, outer = format_of(working_dtype(dtype)), format_of(dtype)
    allowed = inner.u * units + inner.tiny
    if outer is not inner:
        allowed = allowed + outer.u * (np.abs(exact) + allowed) + outer.tiny
    assert got.dtype == dtype
    assert got.shape == exact.shape
    wide = got.astype(np.longdouble)
    overflown = (wide == np.copysign(np.inf, exact)) & (np.abs(exact) > outer.largest)
    return bool((overflown | (np.abs(wide - exact) <= allowed)).all())


def _statistics(z: Array, eps: float) -> tuple[Array, Array, Array, Array]:
    """μ, σ, s = √(σ² + ε) and |z_norm|, in float64."""
    wide = z.astype(np.float64)
    mean, sigma = wide.mean(axis=0), wide.std(axis=0)
    s = np.sqrt(sigma**2 + eps)
    return mean, sigma, s, np.abs(wide - mean) / s


# How far the reference's rounding may carry it, in units u, to first order. With D = z − μ:
# · the first mean is off by δ, |δ| ≤ m u mean|z|; its distances z − rough are rounded once, by u|D|;
# · their mean is off by m u mean|D| ≤ m u σ, and what was δ is gone, but for terms in u δ;
# · so D is off by E ≤ u (2|D| + m σ), σ² by (2 (2 + m) + m + 1) u σ² = (3m + 5) u σ²,
#   s by (1.5m + 5) u s (with ε rounded, the sum, and the root), z_norm by u ((1.5m + 8)|z_norm| + m σ/s).
# Each bound is doubled for second-order terms. The largest is m u δ, below m u σ/16 for means to 1000 σ and m to 64.
# Where a narrow type's few digits make a feature nearly constant, its sum is short of digits too: δ is one rounding.
SECOND_ORDER = 2.0


@every_dtype
@every_shape
@every_eps
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_training_is_right_however_far_the_mean(
    dtype: np.dtype[Any], shape: tuple[int, int], eps: float, offset: float
) -> None:
    given = _inputs(shape, dtype, offset)
    m = shape[0]
    mean, sigma, s, z_norm = _statistics(given.z, eps)
    gamma, beta = np.abs(given.gamma.astype(np.float64)), np.abs(given.beta.astype(np.float64))
    units = (
        gamma * ((1.5 * m + 10) * z_norm + m * sigma / s) + beta + gamma * z_norm,
        np.abs(mean) + m * sigma,
        (3 * m + 5) * sigma**2,
    )
    got = batch_norm_train(given.z, given.gamma, given.beta, eps=eps)
    for k in range(3):
        exact = _exact(
            lambda z, g, b, k=k: formulas.batch_norm_train(z, g, b, eps=eps)[k], given.z, given.gamma, given.beta
        )
        assert _holds(got[k], exact, SECOND_ORDER * units[k], dtype)


@every_dtype
@every_shape
@every_eps
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_the_gradients_are_right_however_far_the_mean(
    dtype: np.dtype[Any], shape: tuple[int, int], eps: float, offset: float
) -> None:
    """With Z = (1.5m + 8)|z_norm| + m, dγ is off by u Σ |dout| (Z + m |z_norm|), and dz by the product rule."""
    given = _inputs(shape, dtype, offset)
    m = shape[0]
    _, _, s, z_norm = _statistics(given.z, eps)
    dout, gamma = np.abs(given.dout.astype(np.float64)), np.abs(given.gamma.astype(np.float64))
    off = (1.5 * m + 8) * z_norm + m
    dgamma_units = (dout * (off + (m + 1) * z_norm)).sum(axis=0)
    projected = (dout * z_norm).mean(axis=0)
    dz_units = (
        (1.5 * m + 10) * (dout + dout.mean(axis=0) + z_norm * projected)
        + m * dout.mean(axis=0)
        + off * projected
        + z_norm * dgamma_units / m
    )
    units = gamma / s * dz_units, dgamma_units, m * dout.sum(axis=0)
    got = batch_norm_backward(given.dout, given.z, given.gamma, eps=eps)
    for k in range(3):
        exact = _exact(
            lambda d, z, g, k=k: formulas.batch_norm_backward(d, z, g, eps=eps)[k], given.dout, given.z, given.gamma
        )
        assert _holds(got[k], exact, SECOND_ORDER * units[k], dtype)


@every_dtype
@every_eps
def test_inference_is_right(dtype: np.dtype[Any], eps: float) -> None:
    """z − mean, the root of a rounded sum with a rounded ε, the quotient, γ times it, and plus β: 6 roundings."""
    given = _inputs((16, 5), dtype)
    mean, var = given.beta[::-1].copy(), np.abs(given.gamma)[::-1].copy()
    z_norm = (given.z.astype(np.float64) - mean.astype(np.float64)) / np.sqrt(var.astype(np.float64) + eps)
    units = 7 * np.abs(given.gamma.astype(np.float64) * z_norm) + np.abs(given.beta.astype(np.float64))
    arguments = given.z, given.gamma, given.beta, mean, var
    exact = _exact(lambda *lifted: formulas.batch_norm_inference(*lifted, eps=eps), *arguments)
    assert _holds(batch_norm_inference(*arguments, eps=eps), exact, SECOND_ORDER * units, dtype)


@every_dtype
@pytest.mark.parametrize("decay", [0.0, 0.1, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("shape", [(1, 4, 2), (5, 1, 3), (30, 3, 1)], ids=str)
def test_running_averages_are_right(dtype: np.dtype[Any], decay: float, shape: tuple[int, int, int]) -> None:
    """Each step rounds decay, 1 − decay, two products and a sum: 5u of what is averaged, beside its own rounding."""
    batches = _inputs(shape, dtype, 10.0).z
    total, m, _ = shape
    wide = batches.astype(np.float64)
    largest_mean, largest_var = np.abs(wide.mean(axis=1)).max(axis=0), wide.var(axis=1).max(axis=0)
    sigma = np.sqrt(largest_var)
    units = (5 * total + 1) * largest_mean + m * sigma, (5 * total + 3 * m + 5) * np.maximum(largest_var, 1)
    got = batch_norm_running(batches, decay=decay)
    for k in range(2):
        exact = _exact(lambda lifted, k=k: formulas.batch_norm_running(lifted, decay=decay)[k], batches)
        assert _holds(got[k], exact, SECOND_ORDER * units[k], dtype)


@every_dtype
def test_running_statistics_are_kept_in_the_working_dtype_and_rounded_once(dtype: np.dtype[Any]) -> None:
    batches = _inputs((40, 3, 2), dtype, 10.0).z
    state = running_start(2, dtype)
    assert {each.dtype for each in state} == {working_dtype(dtype)}
    for batch in batches:
        state = running_update(state, batch, decay=0.99)
    assert {each.dtype for each in state} == {working_dtype(dtype)}
    got = batch_norm_running(batches, decay=0.99)
    assert all(np.array_equal(a, b.astype(dtype)) for a, b in zip(got, state, strict=True))


def test_running_update_leaves_its_state_as_it_was() -> None:
    state = running_start(2, np.dtype(np.float64))
    running_update(state, np.ones((3, 2)), decay=0.5)
    assert (state.mean.tolist(), state.var.tolist()) == ([0, 0], [1, 1])


# Images


LAYOUTS = {"(N, C, H, W)": 1, "(N, H, W, C)": -1, "(N, H, W, C) from the front": 3, "(C, N, H, W)": 0}


def _arranged(pixels: Array, axis: int) -> Array:
    """The matrix (N·H·W, C) as images with the channels on `axis`."""
    images = pixels.reshape(4, 3, 2, pixels.shape[1])
    return np.ascontiguousarray(np.moveaxis(images, -1, axis))


def _flattened(images: Array, axis: int) -> Array:
    return np.moveaxis(images, axis, -1).reshape(-1, images.shape[axis])


@every_dtype
@pytest.mark.parametrize("axis", LAYOUTS.values(), ids=LAYOUTS)
def test_images_are_the_matrix_of_their_pixels(dtype: np.dtype[Any], axis: int) -> None:
    given = _inputs((24, 5), dtype, 10.0)
    images, upstream = _arranged(given.z, axis), _arranged(given.dout, axis)
    mean, var = given.beta, np.abs(given.gamma)
    calls: tuple[tuple[Any, Any], ...] = (
        (
            batch_norm_train(images, given.gamma, given.beta, eps=1e-5, axis=axis),
            batch_norm_train(given.z, given.gamma, given.beta, eps=1e-5),
        ),
        (
            batch_norm_backward(upstream, images, given.gamma, eps=1e-5, axis=axis),
            batch_norm_backward(given.dout, given.z, given.gamma, eps=1e-5),
        ),
        (
            (batch_norm_inference(images, given.gamma, given.beta, mean, var, eps=1e-5, axis=axis),),
            (batch_norm_inference(given.z, given.gamma, given.beta, mean, var, eps=1e-5),),
        ),
        (
            (images, *running_update(running_start(5, dtype), images, decay=0.75, axis=axis)),
            (given.z, *running_update(running_start(5, dtype), given.z, decay=0.75)),
        ),
    )
    for (first, *others), (want, *rest) in calls:
        assert first.shape == images.shape
        assert first.flags.c_contiguous
        assert np.array_equal(_flattened(first, axis), want)
        assert all(np.array_equal(a, b) for a, b in zip(others, rest, strict=True))


@every_dtype
def test_any_number_of_axes_is_taken(dtype: np.dtype[Any]) -> None:
    given = _inputs((2, 3, 2, 2, 4), dtype)
    out, _, _ = batch_norm_train(given.z, given.gamma, given.beta, eps=1e-5)
    want, _, _ = batch_norm_train(given.z.reshape(-1, 4), given.gamma, given.beta, eps=1e-5)
    assert np.array_equal(out.reshape(-1, 4), want)


# The contract


def _calls(given: Inputs) -> dict[str, tuple[Callable[..., Any], tuple[Array, ...]]]:
    mean, var = given.beta, np.abs(given.gamma)
    return {
        "train": (lambda *a: batch_norm_train(*a, eps=1e-5), (given.z, given.gamma, given.beta)),
        "backward": (lambda *a: batch_norm_backward(*a, eps=1e-5), (given.dout, given.z, given.gamma)),
        "running": (lambda *a: batch_norm_running(*a, decay=0.75), (given.z[None].copy(),)),
        "inference": (
            lambda *a: (batch_norm_inference(*a, eps=1e-5),),
            (given.z, given.gamma, given.beta, mean, var),
        ),
    }


every_operation = pytest.mark.parametrize("name", ["train", "backward", "running", "inference"])


@every_dtype
@every_operation
def test_ct1_ct2_ct3_arguments_dtypes_and_bits_are_kept(dtype: np.dtype[Any], name: str) -> None:
    call, arguments = _calls(_inputs((6, 3), dtype))[name]
    before = [each.tobytes() for each in arguments]
    for each in arguments:
        each.flags.writeable = False
    got = call(*arguments)
    assert [each.tobytes() for each in arguments] == before
    assert {each.dtype for each in got} == {dtype}
    assert not any(np.shares_memory(result, each) for result in got for each in arguments)
    assert all(np.array_equal(a, b) for a, b in zip(got, call(*arguments), strict=True))


@every_operation
def test_ct4_layout_changes_the_last_bits_at_most(name: str) -> None:
    """All quantities are of order 1 and sums have 6 terms, so two orders are 100u apart at most."""
    call, arguments = _calls(_inputs((6, 3), np.dtype(np.float64)))[name]
    for laid_out in (
        [np.asfortranarray(each) for each in arguments],
        [np.repeat(each, 2, axis=-1)[..., ::2] for each in arguments],
    ):
        for got, want in zip(call(*laid_out), call(*arguments), strict=True):
            assert np.abs(got - want).max() <= 100 * 2.0**-53


@every_dtype
def test_ct5_inference_takes_an_empty_batch(dtype: np.dtype[Any]) -> None:
    ones = np.ones(3, dtype)
    for shape, axis in (((0, 3), -1), ((0, 3, 2, 2), 1), ((5, 3, 0, 2), 1)):
        out = batch_norm_inference(np.ones(shape, dtype), ones, ones, ones, ones, eps=1e-5, axis=axis)
        assert (out.shape, out.dtype) == (shape, dtype)


@every_dtype
def test_no_features_are_allowed(dtype: np.dtype[Any]) -> None:
    z, none = np.ones((4, 0), dtype), np.ones(0, dtype)
    out, mean, var = batch_norm_train(z, none, none, eps=1e-5)
    assert (out.shape, mean.shape, var.shape) == ((4, 0), (0,), (0,))
    assert [each.shape for each in batch_norm_backward(z, z, none, eps=1e-5)] == [(4, 0), (0,), (0,)]
    assert batch_norm_inference(z, none, none, none, none, eps=1e-5).shape == (4, 0)
    assert [each.shape for each in batch_norm_running(z[None], decay=0.5)] == [(0,), (0,)]


def test_numpys_own_numbers_do_not_widen() -> None:
    given = _inputs((4, 2), np.dtype(np.float32))
    eps, decay = np.float64(1e-5), np.float64(0.9)
    got = batch_norm_train(given.z, given.gamma, given.beta, eps=eps)
    want = batch_norm_train(given.z, given.gamma, given.beta, eps=float(eps))
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    state = running_update(running_start(2, given.z.dtype), given.z, decay=decay)
    assert {each.dtype for each in state} == {np.dtype(np.float32)}


# Edges


@every_dtype
def test_bn24_one_sample_gives_beta(dtype: np.dtype[Any]) -> None:
    given = _inputs((1, 4), dtype, 1000.0)
    out, mean, var = batch_norm_train(given.z, given.gamma, given.beta, eps=1e-5)
    assert np.array_equal(out[0], given.beta)
    assert np.array_equal(mean, given.z[0])
    assert np.array_equal(var, np.zeros(4))
    dz, dgamma, dbeta = batch_norm_backward(given.dout, given.z, given.gamma, eps=1e-5)
    assert not dz.any()
    assert not dgamma.any()
    assert np.array_equal(dbeta, given.dout[0])


@every_dtype
@pytest.mark.parametrize("m", [2, 3, 7, 100])
@pytest.mark.parametrize("value", [0.0, 0.1, -1000.0, 30000.0])
def test_bn25_a_constant_feature_gives_beta(dtype: np.dtype[Any], m: int, value: float) -> None:
    """The correction leaves distances of about m u² |z|: nothing beside √ε, though the mean is rounded."""
    z, gamma, beta = (np.asarray(np.full(shape, x), dtype) for shape, x in (((m, 1), value), (1, 2.0), (1, 0.5)))
    out, mean, var = batch_norm_train(z, gamma, beta, eps=1e-5)
    format = format_of(working_dtype(dtype))
    left = m * m * format.u**2 * abs(value)
    assert np.abs(out.astype(np.float64) - 0.5).max() <= 2 * left / math.sqrt(1e-5) + _unit(dtype)
    assert np.abs(mean.astype(np.float64) - z[0].astype(np.float64)) <= abs(value) * _unit(dtype)
    assert 0 <= var <= left**2
    dout = np.asarray(np.arange(m, dtype=np.float64)[:, None], dtype)
    dz, _, _ = batch_norm_backward(dout, z, gamma, eps=1.0)
    assert np.allclose(dz.astype(np.float64), 2 * (dout.astype(np.float64) - (m - 1) / 2), atol=2 * m * _unit(dtype))


def _unit(dtype: np.dtype[Any]) -> float:
    """Twice the unit roundoff."""
    return 2 * format_of(dtype).u


def test_bn26_an_empty_batch_is_refused() -> None:
    one = np.ones(2)
    state = running_start(2, np.dtype(np.float64))
    for call in (
        lambda: batch_norm_train(np.ones((0, 2)), one, one, eps=1e-5),
        lambda: batch_norm_backward(np.ones((0, 2)), np.ones((0, 2)), one, eps=1e-5),
        lambda: batch_norm_running(np.ones((3, 0, 2)), decay=0.9),
        lambda: running_update(state, np.ones((0, 2)), decay=0.9),
        lambda: batch_norm_train(np.ones((4, 2, 0, 3)), one, one, eps=1e-5, axis=1),
    ):
        with pytest.raises(ValueError, match=r"empty batch has no mean .* at least one sample \(m ≥ 1\)"):
            call()


@every_dtype
def test_bn18_no_batches_leave_the_start(dtype: np.dtype[Any]) -> None:
    mean, var = batch_norm_running(np.ones((0, 4, 2), dtype), decay=0.9)
    assert (mean.tolist(), var.tolist(), mean.dtype, var.dtype) == ([0, 0], [1, 1], dtype, dtype)


def test_bn27_squares_beyond_float16_are_no_matter() -> None:
    z = np.array([[-1000], [3000], [65504], [-65504]], np.float16)
    gamma, beta, dout = (np.array(each, np.float16) for each in ([2], [1], [[1], [-2], [0.5], [3]]))
    out, mean, var = batch_norm_train(z, gamma, beta, eps=1e-5)
    wide = [each.astype(np.float64) for each in (z, gamma, beta)]
    want, want_mean, _ = formulas.batch_norm_train(wide[0], wide[1], wide[2], eps=1e-5)
    assert np.array_equal(out, want.astype(np.float16))
    assert np.array_equal(mean, want_mean.astype(np.float16))
    assert np.array_equal(var, [np.inf])
    dz, dgamma, dbeta = batch_norm_backward(dout, z, gamma, eps=1e-5)
    assert np.isfinite(np.concatenate([dz.ravel(), dgamma, dbeta])).all()
    assert np.array_equal(batch_norm_running(z[None], decay=0.5)[1], [np.inf])
    # a running variance that float32 holds is averaged in float32: 100² · 0.001 is in float16's range, 100² · 10 is not
    assert batch_norm_running(np.array([[[-1000], [1000]]], np.float16), decay=0.999)[1] == np.float16(1000.999)


@every_dtype
def test_epsilon_may_be_zero_where_no_feature_is_constant(dtype: np.dtype[Any]) -> None:
    z, gamma, beta = (np.asarray(each, dtype) for each in ([[1.0], [3.0]], [2.0], [0.5]))
    assert batch_norm_train(z, gamma, beta, eps=0.0)[0].tolist() == [[-1.5], [2.5]]
    assert batch_norm_inference(z, gamma, beta, beta, gamma + gamma, eps=0.0).tolist() == [[1.0], [3.0]]


@every_dtype
def test_gamma_may_be_zero_or_negative(dtype: np.dtype[Any]) -> None:
    z, beta = np.asarray([[1.0, 1.0], [3.0, 3.0]], dtype), np.asarray([0.5, 0.5], dtype)
    dout = np.asarray([[1.0, 1.0], [3.0, 3.0]], dtype)
    gamma = np.asarray([0.0, -2.0], dtype)
    assert batch_norm_train(z, gamma, beta, eps=3.0)[0].tolist() == [[0.5, 1.5], [0.5, -0.5]]
    dz, dgamma, dbeta = batch_norm_backward(dout, z, gamma, eps=3.0)
    assert dz.tolist() == [[0, 0.75], [0, -0.75]]
    assert (dgamma.tolist(), dbeta.tolist()) == ([1, 1], [4, 4])


# The layer


def _layer_inputs(dtype: np.dtype[Any]) -> tuple[Array, ...]:
    random = np.random.default_rng(5)
    return tuple(random.normal(size=size).astype(dtype) for size in ((6, 3), (3, 2), (2,), (2,), (2,)))


@every_dtype
def test_bn7_the_layer_is_the_formula(dtype: np.dtype[Any]) -> None:
    """Quantities of order 1 from about 100 operations in the working dtype, and one rounding."""
    x, w, b, gamma, beta = _layer_inputs(dtype)
    activation, _ = layer_forward(x, w, b, gamma, beta, eps=1e-5)
    exact = _exact(lambda *lifted: formulas.layer(*lifted, eps=1e-5), x, w, b, gamma, beta)
    assert _holds(activation, exact, np.full(exact.shape, 100.0), dtype)


@every_dtype
def test_bn8_bn16_the_layers_bias_does_nothing(dtype: np.dtype[Any]) -> None:
    """Adding b = 8 rounds z by 8u and cancels again: of order 1 is all else. db sums 6 entries of order 1."""
    x, w, b, gamma, beta = _layer_inputs(dtype)
    with_bias, cache = layer_forward(x, w, (b + 8).astype(dtype), gamma, beta, eps=1e-5)
    without, _ = layer_forward(x, w, np.zeros_like(b), gamma, beta, eps=1e-5)
    unit = format_of(working_dtype(dtype)).u
    stored = 0 if dtype == working_dtype(dtype) else 2 * format_of(dtype).u
    assert np.abs(with_bias.astype(np.float64) - without.astype(np.float64)).max() <= 100 * unit + stored
    gradients = layer_backward(x[:, :2] + dtype.type(1), cache)
    assert np.abs(gradients.db.astype(np.float64)).max() <= 100 * unit
    assert {each.dtype for each in gradients} == {dtype}
    assert np.abs(gradients.dw.astype(np.float64)).max() > 0.01


def test_the_layers_gradients_are_the_formulas_slopes() -> None:
    """Central differences of Σ da · layer along each argument: h² f'''/6 + u/h is about 1e-10 at h = 1e-5."""
    arguments = _layer_inputs(np.dtype(np.float64))
    da = np.random.default_rng(6).normal(size=(6, 2))

    def cost(*given: Array) -> float:
        return float((da * layer_forward(*given, eps=1e-3)[0]).sum())

    _, cache = layer_forward(*arguments, eps=1e-3)
    gradients = layer_backward(da, cache)
    for place, gradient in enumerate(gradients):
        assert gradient.shape == arguments[place].shape
        step = 1e-5 * np.random.default_rng(place).normal(size=gradient.shape)
        ahead, behind = (
            cost(*(each + sign * step if k == place else each for k, each in enumerate(arguments))) for sign in (1, -1)
        )
        assert (ahead - behind) / 2e-5 == pytest.approx((gradient * step).sum() / 1e-5, abs=1e-8)


# Refusals


Z, ONE = np.ones((4, 3)), np.ones(3)
REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "one axis": (
        r"shape \(m, n\) or more axes, got shape \(3,\)",
        lambda: batch_norm_train(ONE, ONE, ONE, eps=1e-5),
    ),
    "gamma": (
        r"expected gamma of shape \(3,\), one number a channel, got shape \(4,\)",
        lambda: batch_norm_train(Z, np.ones(4), ONE, eps=1e-5),
    ),
    "beta": (r"expected beta of shape \(3,\)", lambda: batch_norm_train(Z, ONE, np.ones((1, 3)), eps=1e-5)),
    "axis forgotten": (
        r"got shape \(3,\); for images \(N, C, H, W\) pass axis=1",
        lambda: batch_norm_train(np.ones((2, 3, 5, 5)), ONE, ONE, eps=1e-5),
    ),
    "an axis that is not there": (
        "axis 2 is out of bounds",
        lambda: batch_norm_train(Z, ONE, ONE, eps=1e-5, axis=2),
    ),
    "dtype of gamma": (
        "expected gamma of the first array's dtype float64, got float32",
        lambda: batch_norm_train(Z, ONE.astype(np.float32), ONE, eps=1e-5),
    ),
    "dtype of z": (
        "expected an array of float16, bfloat16, float32, float64, got int64",
        lambda: batch_norm_train(np.ones((4, 3), np.int64), np.ones(3, np.int64), np.ones(3, np.int64), eps=1e-5),
    ),
    "shape of dout": (
        r"expected dout of z's shape \(4, 3\), got shape \(1, 3\)",
        lambda: batch_norm_backward(Z[:1], Z, ONE, eps=1e-5),
    ),
    "dtype of dout": (
        "expected dout of the first array's dtype float64, got float32",
        lambda: batch_norm_backward(Z.astype(np.float32), Z, ONE, eps=1e-5),
    ),
    "gamma in the gradient": (r"expected gamma of shape \(3,\)", lambda: batch_norm_backward(Z, Z, ONE[:1], eps=1e-5)),
    "mean": (
        r"expected mean of shape \(3,\)",
        lambda: batch_norm_inference(Z, ONE, ONE, ONE[:2], ONE, eps=1e-5),
    ),
    "dtype of var": (
        "expected var of the first array's dtype",
        lambda: batch_norm_inference(Z, ONE, ONE, ONE, ONE.astype(np.float16), eps=1e-5),
    ),
    "batches": (
        r"expected batches of shape \(T, m, n\), got shape \(4, 3\)",
        lambda: batch_norm_running(Z, decay=0.9),
    ),
    "dtype of batches": ("expected an array of", lambda: batch_norm_running(np.ones((2, 2, 2), int), decay=0.9)),
    "channels of the state": (
        r"expected mean of shape \(3,\)",
        lambda: running_update(running_start(2, Z.dtype), Z, decay=0.9),
    ),
    "dtype of the state": (
        "expected a state of float32 for batches of float16, got float64",
        lambda: running_update(running_start(3, Z.dtype), Z.astype(np.float16), decay=0.9),
    ),
    "x and w": (
        r"x of shape \(m, k\) and w of shape \(k, n\), got \(4, 3\) and \(2, 3\)",
        lambda: layer_forward(Z, Z[:2], ONE, ONE, ONE, eps=1e-5),
    ),
    "b": (r"expected b of shape \(3,\)", lambda: layer_forward(Z, np.eye(3), ONE[:1], ONE, ONE, eps=1e-5)),
    "da": (
        r"expected da of shape \(4, 3\), float64, got \(4, 2\), float64",
        lambda: layer_backward(Z[:, :2], layer_forward(Z, np.eye(3), ONE, ONE, ONE, eps=1e-5)[1]),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    words, call = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("eps", [-1e-5, math.nan, math.inf])
def test_another_eps_is_refused(eps: float) -> None:
    for call in (
        lambda: batch_norm_train(Z, ONE, ONE, eps=eps),
        lambda: batch_norm_backward(Z, Z, ONE, eps=eps),
        lambda: batch_norm_inference(Z, ONE, ONE, ONE, ONE, eps=eps),
    ):
        with pytest.raises(ValueError, match=rf"expected eps finite and ≥ 0, got {eps}"):
            call()


@pytest.mark.parametrize("decay", [-0.1, 1.1, math.nan])
def test_another_decay_is_refused(decay: float) -> None:
    calls: tuple[Callable[[], Any], ...] = (
        lambda: batch_norm_running(Z[None], decay=decay),
        lambda: running_update(running_start(3, Z.dtype), Z, decay=decay),
    )
    for call in calls:
        with pytest.raises(ValueError, match=rf"expected decay in \[0, 1\], .* got {decay}"):
            call()
