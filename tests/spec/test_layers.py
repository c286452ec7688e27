"""Formulas of a layer with batch norm: values by hand, certified gradients, identities held in balls."""

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.gradients import certify
from nnlaws_spec.formulas import batch_norm, layers
from nnlaws_spec.numbers import balls, enclose
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPS = 2.0**-10
NAMES = ("x", "W", "b", "gamma", "beta")

every_epsilon = pytest.mark.parametrize("epsilon", get_args(batch_norm.Epsilon))
every_size = pytest.mark.parametrize("size", [(2, 1, 1), (3, 2, 4), (5, 3, 3), (6, 4, 2)], ids=str)


def _exactly(test: Callable[..., None]) -> Callable[..., None]:
    """At flint's own default of 53 bits, balls would be no finer than the floats that they are to judge."""
    run: Callable[..., None] = ctx.workprec(256)(test)
    return run


def _numbers(size: tuple[int, int, int], seed: int = 0) -> dict[str, Floats]:
    """Arguments for m samples of k inputs and n units, and an upstream gradient."""
    m, k, n = size
    random = np.random.default_rng((seed, *size))
    shapes = {"x": (m, k), "W": (n, k), "b": (n,), "gamma": (n,), "beta": (n,), "dout": (m, n)}
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


def test_ly1_ly7_ly8_by_hand() -> None:
    """z = (12, 14), μ = 13, σ² = 1, with ε = 3 the root is 2: z_norm = ∓1/2. dz as in BN-13's example: ∓3/4."""
    x, W, b = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[1.0, 5.0]]), np.array([7.0])
    out = layers.batch_norm_layer(x, W, b, np.array([4.0]), np.array([1.0]), eps=3.0)
    assert out.tolist() == [[-1], [3]]
    got = layers.batch_norm_layer_backward(np.array([[1.0], [3.0]]), x, W, b, np.array([2.0]), eps=3.0)
    assert [each.tolist() for each in got] == [[[-0.75, -3.75], [0.75, 3.75]], [[1.5, 0]], [0], [1], [4]]


@every_size
@every_epsilon
@pytest.mark.parametrize("eps", [0.0, EPS, 3.0])
def test_ly7_to_ly10_the_gradients_are_certified(
    size: tuple[int, int, int], epsilon: batch_norm.Epsilon, eps: float
) -> None:
    """Each overlaps the jet of Σ dout · out along its own argument, in balls: that of b as well, which is 0."""
    given = _numbers(size)

    def weighted(name: str, value: Any, *others: Any) -> Any:
        *rest, dout = others
        arguments = dict(zip([each for each in NAMES if each != name], rest, strict=True)) | {name: value}
        return (dout * layers.batch_norm_layer(*map(arguments.get, NAMES), eps=eps, epsilon=epsilon)).sum()

    def gradient(name: str, value: Any, *others: Any) -> Any:
        *rest, dout = others
        arguments = dict(zip([each for each in NAMES if each != name], rest, strict=True)) | {name: value}
        x, W, b, gamma = map(arguments.get, NAMES[:4])
        return layers.batch_norm_layer_backward(dout, x, W, b, gamma, eps=eps, epsilon=epsilon)[NAMES.index(name)]

    for name in NAMES:
        others = [given[each] for each in (*NAMES, "dout") if each != name]
        certificate = certify(partial(weighted, name), partial(gradient, name), given[name], *others)
        assert certificate, name
        assert certificate.radius < 2.0**-80


WRONG: dict[str, Callable[[Any, Any, Any, Any, Any], Any]] = {
    "dout in place of dz": lambda W, x, b, gamma, dout: np.swapaxes(dout, -1, -2) @ x,
    "the mean": lambda W, x, b, gamma, dout: _weights_gradient(W, x, b, gamma, dout) / len(x),
    "statistics held": lambda W, x, b, gamma, dout: (
        np.swapaxes(gamma / np.sqrt(batch_norm.variance(layers.preactivation(x, W, b)) + EPS) * dout, -1, -2) @ x
    ),
    "γ missing": lambda W, x, b, gamma, dout: _weights_gradient(W, x, b, 1 + 0 * gamma, dout),
    "a relative error of 2^-80": lambda W, x, b, gamma, dout: (
        _weights_gradient(W, x, b, gamma, dout) * (1 + arb(2) ** -80)
    ),
}


def _weights_gradient(W: Any, x: Any, b: Any, gamma: Any, dout: Any) -> Any:
    return layers.batch_norm_layer_backward(dout, x, W, b, gamma, eps=EPS)[1]


@pytest.mark.parametrize("name", WRONG)
def test_ly8_a_wrong_gradient_is_refused(name: str) -> None:
    given = _numbers((5, 3, 2))

    def weighted(W: Any, x: Any, b: Any, gamma: Any, dout: Any) -> Any:
        return (dout * layers.batch_norm_layer(x, W, b, gamma, 0 * b, eps=EPS)).sum()

    arguments = [given[each] for each in ("W", "x", "b", "gamma", "dout")]
    assert certify(weighted, _weights_gradient, *arguments)
    assert not certify(weighted, WRONG[name], *arguments)


@every_size
@every_epsilon
def test_floats_and_balls_agree(size: tuple[int, int, int], epsilon: batch_norm.Epsilon) -> None:
    given = _numbers(size)
    forward = partial(layers.batch_norm_layer, eps=EPS, epsilon=epsilon)
    backward = partial(layers.batch_norm_layer_backward, eps=EPS, epsilon=epsilon)
    exact = enclose(forward, *(given[each] for each in NAMES), within=1e-30)
    got = forward(*(given[each] for each in NAMES))
    assert np.abs(got - exact.hi).max() < 1e-12 * max(1, np.abs(got).max())
    arguments = [given[each] for each in ("dout", "x", "W", "b", "gamma")]
    for number, got in enumerate(backward(*arguments)):
        exact = enclose(lambda *lifted, number=number: backward(*lifted)[number], *arguments, within=1e-30)
        assert got.shape == exact.hi.shape
        assert np.abs(got - exact.hi).max() < 1e-11 * max(1, np.abs(got).max())


def test_stacked_layers_are_each_their_own() -> None:
    one, two = _numbers((4, 3, 2)), _numbers((4, 3, 2), seed=1)
    both = {name: np.stack([one[name], two[name]]) for name in one}
    together = layers.batch_norm_layer(*(both[each] for each in NAMES), eps=EPS)
    assert np.array_equal(together[1], layers.batch_norm_layer(*(two[each] for each in NAMES), eps=EPS))
    names = ("dout", "x", "W", "b", "gamma")
    stacked = layers.batch_norm_layer_backward(*(both[each] for each in names), eps=EPS)
    alone = layers.batch_norm_layer_backward(*(two[each] for each in names), eps=EPS)
    assert all(np.array_equal(a[1], b) for a, b in zip(stacked, alone, strict=True))


@every_epsilon
@_exactly
def test_ly3_ly4_ly5_ly12_identities_in_balls(epsilon: batch_norm.Epsilon) -> None:
    x, W, b, gamma, beta, dout = (balls(each) for each in _numbers((5, 3, 2)).values())
    forward = partial(layers.batch_norm_layer, epsilon=epsilon)
    backward = partial(layers.batch_norm_layer_backward, epsilon=epsilon)
    out, gradients = forward(x, W, b, gamma, beta, eps=EPS), backward(dout, x, W, b, gamma, eps=EPS)
    t = balls([3.0, -0.1, 7.0])
    for inputs, bias in ((x, 8 * b - 1), (x + t, b)):
        assert _near(forward(inputs, W, bias, gamma, beta, eps=EPS), out)
        assert all(map(_near, backward(dout, inputs, W, bias, gamma, eps=EPS), gradients))
    scaled_eps = 8 * EPS if epsilon == "outside" else 64 * EPS
    assert _near(forward(x, 8 * W, 8 * b, gamma, beta, eps=scaled_eps), out)
    dx, dW, _, dgamma, _ = gradients
    var = batch_norm.variance(layers.preactivation(x, W, b))
    divisor = np.sqrt(var) + EPS if epsilon == "outside" else var + EPS
    assert _near((dW * W).sum(axis=1), gamma * dgamma * EPS / divisor)
    assert not _near((dW * W).sum(axis=1), 0 * gamma)
    assert _near(dx.sum(axis=0), 0 * t)


def _near(a: Any, b: Any) -> bool:
    """Whether balls overlap, all of them narrow: radii up to 2^-180, at 256 bits."""
    pairs = list(np.broadcast(np.asarray(a, object), np.asarray(b, object)))
    narrow = all(arb(x).rad() < arb(2) ** -180 and arb(y).rad() < arb(2) ** -180 for x, y in pairs)
    return narrow and all(bool(arb(x).overlaps(arb(y))) for x, y in pairs)
