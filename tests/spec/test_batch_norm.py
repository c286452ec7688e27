"""Batch norm's formulas: values by hand, certified gradients, exact running averages, identities held in balls."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from nnlaws.gradients import certify
from nnlaws_spec import clauses
from nnlaws_spec.formulas import batch_norm as formulas
from nnlaws_spec.numbers import balls, directional_derivative, enclose, jets
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PRECISION = 256
SHAPES = [(2, 1), (3, 2), (7, 4), (2, 3, 2)]
EPS = 2.0**-10

every_epsilon = pytest.mark.parametrize("epsilon", get_args(formulas.Epsilon))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def _exactly(test: Callable[..., None]) -> Callable[..., None]:
    """At flint's own default of 53 bits, balls would be no finer than the floats that they are to judge."""
    run: Callable[..., None] = ctx.workprec(PRECISION)(test)
    return run


def _numbers(shape: tuple[int, ...], seed: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
    """z, gamma, beta and an upstream gradient; z has mean about 3, and no feature is constant."""
    random = np.random.default_rng((seed, *shape))
    features = (*shape[:-2], shape[-1])
    z, dout = 3 + random.normal(size=shape), random.normal(size=shape)
    return z, random.normal(size=features), random.normal(size=features), dout


def _near(a: Any, b: Any) -> bool:
    """Whether balls overlap, all of them narrow: radii up to 2^-200, at 256 bits."""
    pairs = list(np.broadcast(np.asarray(a, object), np.asarray(b, object)))
    narrow = all(arb(x).rad() < arb(2) ** -200 and arb(y).rad() < arb(2) ** -200 for x, y in pairs)
    return narrow and all(bool(arb(x).overlaps(arb(y))) for x, y in pairs)


# Values


def test_bn1_bn2_bn3_statistics_by_hand() -> None:
    z = np.array([[0.0, 1.0], [2.0, -1.0], [4.0, 3.0]])
    assert formulas.mean(z).tolist() == [2, 1]
    assert formulas.variance(z) == pytest.approx([8 / 3, 8 / 3])
    # σ² = 1 in [0, 2]: with ε = 3 the root is 2 where ε is inside it, 1 + 3 where ε is outside
    assert formulas.normalise(z[:2, :1], eps=3.0).tolist() == [[-0.5], [0.5]]
    assert formulas.normalise(z[:2, :1], eps=3.0, epsilon="outside").tolist() == [[-0.25], [0.25]]


def test_bn4_training_by_hand() -> None:
    z, gamma, beta = np.array([[0.0, 5.0], [2.0, 1.0]]), np.array([4.0, -1.0]), np.array([1.0, 2.0])
    out, mean, var = formulas.batch_norm_train(z, gamma, beta, eps=0.0)
    assert (out.tolist(), mean.tolist(), var.tolist()) == ([[-3, 1], [5, 3]], [1, 3], [1, 4])
    unbiased = formulas.batch_norm_train(z, gamma, beta, eps=0.0, running_variance="unbiased")
    assert (unbiased[0].tolist(), unbiased[2].tolist()) == (out.tolist(), [2, 8])


def test_bn13_bn14_bn15_gradients_by_hand() -> None:
    """σ² = 1 and ε = 3: s = 2, z_norm = ∓1/2, dγ = 1: dz = 2/2 (∓1 ± 1/4). Outside: s = 4, z_norm = ∓1/4, dγ = 1/2."""
    dout, z, gamma = np.array([[1.0], [3.0]]), np.array([[-1.0], [1.0]]), np.array([2.0])
    dz, dgamma, dbeta = formulas.batch_norm_backward(dout, z, gamma, eps=3.0)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[-0.75], [0.75]], [1], [4])
    dz, dgamma, dbeta = formulas.batch_norm_backward(dout, z, gamma, eps=3.0, epsilon="outside")
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[-0.375], [0.375]], [0.5], [4])


def test_bn21_inference_by_hand() -> None:
    z, gamma, beta, mean, var = (np.array(each) for each in ([[5.0]], [2.0], [1.0], [1.0], [4.0]))
    assert formulas.batch_norm_inference(z, gamma, beta, mean, var, eps=0.0) == 5
    assert formulas.batch_norm_inference(z, gamma, beta, mean, var, eps=12.0) == 3
    assert formulas.batch_norm_inference(z, gamma, beta, mean, var, eps=2.0, epsilon="outside") == 3


@every_shape
@every_epsilon
def test_floats_balls_and_jets_agree(shape: tuple[int, ...], epsilon: formulas.Epsilon) -> None:
    """z is about 3 with a spread of about 1, so a float result is off by some m·n·u at most: 1e-13."""
    z, gamma, beta, dout = _numbers(shape)
    train = partial(formulas.batch_norm_train, eps=EPS, epsilon=epsilon)
    backward = partial(formulas.batch_norm_backward, eps=EPS, epsilon=epsilon)
    for formula, arguments in ((train, (z, gamma, beta)), (backward, (dout, z, gamma))):
        for k, got in enumerate(formula(*arguments)):
            exact = enclose(lambda *lifted, f=formula, k=k: f(*lifted)[k], *arguments, within=1e-30)
            assert got.shape == exact.hi.shape
            assert np.abs(got - exact.hi).max() < 1e-13 * max(1, np.abs(got).max())
            on_jets = formula(jets(arguments[0], 1.0), *(balls(each) for each in arguments[1:]))[k]
            values = [each[0] if hasattr(each, "coeffs") else each for each in on_jets.ravel()]
            assert np.allclose(np.array(values, float), exact.hi.ravel(), rtol=1e-12, atol=1e-12)


def test_stacked_batches_are_each_their_own() -> None:
    z, gamma, beta, dout = _numbers((2, 4, 3))
    for k in range(2):
        together = formulas.batch_norm_train(z, gamma, beta, eps=EPS)
        alone = formulas.batch_norm_train(z[k], gamma[k], beta[k], eps=EPS)
        assert all(np.array_equal(a[k], b) for a, b in zip(together, alone, strict=True))
        together = formulas.batch_norm_backward(dout, z, gamma, eps=EPS)
        alone = formulas.batch_norm_backward(dout[k], z[k], gamma[k], eps=EPS)
        assert all(np.array_equal(a[k], b) for a, b in zip(together, alone, strict=True))
        stacked = formulas.batch_norm_running(np.stack([dout, z]).swapaxes(0, 1), decay=0.75)
        one = formulas.batch_norm_running(np.stack([dout[k], z[k]]), decay=0.75)
        assert all(np.array_equal(a[k], b) for a, b in zip(stacked, one, strict=True))


# Gradients


def _weighted(
    z: Any, gamma: Any, beta: Any, dout: Any, *, eps: float = EPS, epsilon: formulas.Epsilon = "inside"
) -> Any:
    """A scalar whose gradient in out is dout."""
    return (dout * formulas.batch_norm_train(z, gamma, beta, eps=eps, epsilon=epsilon)[0]).sum()


@every_shape
@every_epsilon
@pytest.mark.parametrize("eps", [0.0, EPS, 3.0])
def test_bn13_bn14_bn15_the_gradients_are_certified(
    shape: tuple[int, ...], epsilon: formulas.Epsilon, eps: float
) -> None:
    z, gamma, beta, dout = _numbers(shape)
    f = partial(_weighted, eps=eps, epsilon=epsilon)
    g = partial(formulas.batch_norm_backward, eps=eps, epsilon=epsilon)
    certificates = (
        certify(f, lambda z, gamma, beta, dout: g(dout, z, gamma)[0], z, gamma, beta, dout),
        certify(
            lambda gamma, z, beta, dout: f(z, gamma, beta, dout),
            lambda gamma, z, beta, dout: g(dout, z, gamma)[1],
            *(gamma, z, beta, dout),
        ),
        certify(
            lambda beta, z, gamma, dout: f(z, gamma, beta, dout),
            lambda beta, z, gamma, dout: g(dout, z, gamma)[2],
            *(beta, z, gamma, dout),
        ),
    )
    assert all(certificates)
    assert max(certificate.radius for certificate in certificates) < 2.0**-90


def _parts(z: Any, gamma: Any, dout: Any) -> tuple[Any, Any, Any]:
    """γ/s, z_norm and the first two terms' difference, from which wrong gradients are made."""
    s = np.sqrt(formulas.variance(z) + EPS)
    return gamma / s, formulas.normalise(z, eps=EPS), dout - formulas.mean(dout)


def _dz(z: Any, gamma: Any, dout: Any, *, eps: float = EPS, epsilon: formulas.Epsilon = "inside") -> Any:
    return formulas.batch_norm_backward(dout, z, gamma, eps=eps, epsilon=epsilon)[0]


WRONG: dict[str, Callable[[Any, Any, Any], Any]] = {
    "the term through μ missing": lambda z, gamma, dout: (
        _dz(z, gamma, dout) + _parts(z, gamma, dout)[0] * formulas.mean(dout)
    ),
    "the term through σ² missing": lambda z, gamma, dout: _parts(z, gamma, dout)[0] * _parts(z, gamma, dout)[2],
    "both missing, as at inference": lambda z, gamma, dout: _parts(z, gamma, dout)[0] * dout,
    "γ missing": lambda z, gamma, dout: _dz(z, 1 + 0 * gamma, dout),
    "the other sign": lambda z, gamma, dout: -_dz(z, gamma, dout),
    "zero": lambda z, gamma, dout: 0 * z,
    "divided by m again": lambda z, gamma, dout: _dz(z, gamma, dout) / len(z),
    "ε missing": lambda z, gamma, dout: _dz(z, gamma, dout, eps=0.0),
    "ε outside": lambda z, gamma, dout: _dz(z, gamma, dout, epsilon="outside"),
    "m − 1 in the term through σ²": lambda z, gamma, dout: (
        _parts(z, gamma, dout)[0]
        * (
            _parts(z, gamma, dout)[2]
            - _parts(z, gamma, dout)[1] * (dout * _parts(z, gamma, dout)[1]).sum(axis=0) / (len(z) - 1)
        )
    ),
    "the term through σ² with the other sign": lambda z, gamma, dout: (
        2 * _parts(z, gamma, dout)[0] * _parts(z, gamma, dout)[2] - _dz(z, gamma, dout)
    ),
    "a relative error of 2^-90": lambda z, gamma, dout: _dz(z, gamma, dout) * (1 + arb(2) ** -90),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("seed", range(3))
def test_bn13_a_wrong_gradient_is_refused(name: str, seed: int) -> None:
    z, gamma, beta, dout = _numbers((5, 2), seed)
    certificate = certify(_weighted, lambda z, gamma, beta, dout: WRONG[name](z, gamma, dout), z, gamma, beta, dout)
    assert not certificate
    assert certificate.gap > 0


WRONG_FOR_GAMMA: dict[str, Callable[[Any, Any], Any]] = {
    "not normalised": lambda z, dout: (dout * z).sum(axis=0),
    "centred, but not scaled": lambda z, dout: (dout * (z - formulas.mean(z))).sum(axis=0),
    "the mean": lambda z, dout: formulas.mean(dout * formulas.normalise(z, eps=EPS)),
    "dβ": lambda z, dout: dout.sum(axis=0),
    "ε missing": lambda z, dout: (dout * formulas.normalise(z, eps=0.0)).sum(axis=0),
}


@pytest.mark.parametrize("name", WRONG_FOR_GAMMA)
def test_bn14_a_wrong_gradient_is_refused(name: str) -> None:
    z, gamma, beta, dout = _numbers((5, 2))
    assert not certify(
        lambda gamma, z, beta, dout: _weighted(z, gamma, beta, dout),
        lambda gamma, z, beta, dout: WRONG_FOR_GAMMA[name](z, dout),
        *(gamma, z, beta, dout),
    )


@every_epsilon
@_exactly
def test_bn25_a_constant_feature_has_value_and_gradient(epsilon: formulas.Epsilon) -> None:
    """0.1 is no binary fraction; m = 3 is no power of two. The deviation is √ε inside, ε outside."""
    z, gamma, beta, dout = np.full((3, 1), 0.1), balls([2.0]), balls([1.0]), balls([[1.0], [-2.0], [0.5]])
    out, mean, var = formulas.batch_norm_train(balls(z), gamma, beta, eps=0.25, epsilon=epsilon)
    assert _near(out, 1)
    assert _near(mean, arb(0.1))
    assert _near(var, 0)
    dz, dgamma, dbeta = formulas.batch_norm_backward(dout, balls(z), gamma, eps=0.25, epsilon=epsilon)
    deviation = {"inside": 0.5, "outside": 0.25}[epsilon]
    assert _near(dz, 2 / deviation * (dout - formulas.mean(dout)))
    assert _near(dgamma, 0)
    assert _near(dbeta, arb(-0.5))


@every_epsilon
def test_bn24_one_sample_has_value_and_gradient(epsilon: formulas.Epsilon) -> None:
    z, gamma, beta = np.array([[5.0, -7.0]]), np.array([2.0, -3.0]), np.array([1.0, 0.5])
    out, mean, var = formulas.batch_norm_train(z, gamma, beta, eps=EPS, epsilon=epsilon)
    assert (out.tolist(), mean.tolist(), var.tolist()) == ([[1, 0.5]], [5, -7], [0, 0])
    dz, dgamma, dbeta = formulas.batch_norm_backward(np.ones((1, 2)), z, gamma, eps=EPS, epsilon=epsilon)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0, 0]], [0, 0], [1, 1])


# Running averages


def _rational_statistics(batches: Floats, unbiased: bool) -> tuple[list[Fraction], list[Fraction]]:
    """The means and variances of batches of one feature, as fractions."""
    means, variances = [], []
    for batch in batches[:, :, 0]:
        values = [Fraction(value) for value in batch.tolist()]
        mean = sum(values, Fraction(0)) / len(values)
        means.append(mean)
        squares = sum(((value - mean) ** 2 for value in values), Fraction(0))
        variances.append(squares / (len(values) - unbiased))
    return means, variances


def _rational_average(values: list[Fraction], start: int, old: Fraction, running_average: str) -> Fraction:
    """The convention's sum over the batches, written out: no recursion."""
    total = len(values)
    if running_average == "cumulative":
        return sum(values, Fraction(0)) / total
    if running_average == "first_batch":
        rest = sum((old ** (total - t) * (1 - old) * values[t - 1] for t in range(2, total + 1)), Fraction(0))
        return old ** (total - 1) * values[0] + rest
    weighted = sum((old ** (total - t) * (1 - old) * values[t - 1] for t in range(1, total + 1)), Fraction(0))
    return weighted / (1 - old**total) if running_average == "bias_corrected" else old**total * start + weighted


@pytest.mark.parametrize("running_average", get_args(formulas.RunningAverage))
@pytest.mark.parametrize("weight", get_args(formulas.Weight))
@pytest.mark.parametrize("running_variance", get_args(formulas.RunningVariance))
@pytest.mark.parametrize("decay", [0.9, 0.99, 0.1, 0.5])
@_exactly
def test_bn18_bn19_running_averages_are_exact_in_balls(
    running_average: formulas.RunningAverage,
    weight: formulas.Weight,
    running_variance: formulas.RunningVariance,
    decay: float,
) -> None:
    """1 − 0.9 is no float: a formula that took it in floats would be off by 2^-55, far beyond these balls."""
    batches = np.random.default_rng(7).normal(size=(4, 3, 1))
    got = formulas.batch_norm_running(
        balls(batches),
        decay=decay,
        weight=weight,
        running_variance=running_variance,
        running_average=running_average,
    )
    old = Fraction(decay) if weight == "old" else 1 - Fraction(decay)
    statistics = _rational_statistics(batches, running_variance == "unbiased")
    for k, (average, values) in enumerate(zip(got, statistics, strict=True)):
        want = _rational_average(values, k, old, running_average)
        assert _near(average, arb(fmpq(want.numerator, want.denominator)))
    floats = formulas.batch_norm_running(
        batches, decay=decay, weight=weight, running_variance=running_variance, running_average=running_average
    )
    assert all(np.allclose(a, b.astype(float), rtol=1e-13, atol=1e-15) for a, b in zip(floats, got, strict=True))


def test_bn18_no_batches_leave_the_start() -> None:
    for batches in (np.zeros((0, 4, 2)), balls(np.zeros((0, 4, 2)))):
        mean, var = formulas.batch_norm_running(batches, decay=0.9)
        assert (mean.astype(float).tolist(), var.astype(float).tolist()) == ([0, 0], [1, 1])


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_bn18_the_ends_of_decay(decay: float) -> None:
    batches = np.array([[[1.0], [3.0]], [[2.0], [8.0]]])
    mean, var = formulas.batch_norm_running(batches, decay=decay)
    assert (mean.tolist(), var.tolist()) == (([5], [9]) if decay == 0 else ([0], [1]))


@_exactly
def test_bn20_the_start_is_forgotten_geometrically() -> None:
    batch = balls(np.random.default_rng(3).normal(size=(4, 2)))
    mean, var = formulas.batch_norm_running(np.stack([batch] * 5), decay=0.9)
    left = arb(0.9) ** 5
    assert _near(mean, (1 - left) * formulas.mean(batch))
    assert _near(var, left + (1 - left) * formulas.variance(batch))
    for running_average in ("first_batch", "bias_corrected", "cumulative"):
        mean, var = formulas.batch_norm_running(np.stack([batch] * 5), decay=0.9, running_average=running_average)
        assert _near(mean, formulas.mean(batch))
        assert _near(var, formulas.variance(batch))


# Identities


@every_epsilon
@_exactly
def test_bn5_the_right_gamma_and_beta_undo_it(epsilon: formulas.Epsilon) -> None:
    z = balls(_numbers((5, 3))[0])
    var = formulas.variance(z)
    gamma = np.sqrt(var) + EPS if epsilon == "outside" else np.sqrt(var + EPS)
    assert _near(formulas.batch_norm_train(z, gamma, formulas.mean(z), eps=EPS, epsilon=epsilon)[0], z)


@every_epsilon
@_exactly
def test_bn6_bn7_means_and_variance_of_the_results(epsilon: formulas.Epsilon) -> None:
    z, gamma, beta, _ = (balls(each) for each in _numbers((5, 3)))
    z_norm = formulas.normalise(z, eps=EPS, epsilon=epsilon)
    var = formulas.variance(z)
    squared = (np.sqrt(var) + EPS) ** 2 if epsilon == "outside" else var + EPS
    assert _near(formulas.mean(z_norm), 0)
    assert _near(formulas.variance(z_norm), var / squared)
    assert _near(formulas.mean(formulas.batch_norm_train(z, gamma, beta, eps=EPS, epsilon=epsilon)[0]), beta)


@every_epsilon
@_exactly
def test_bn8_bn9_shift_and_scale(epsilon: formulas.Epsilon) -> None:
    z, gamma, beta, _ = (balls(each) for each in _numbers((5, 3)))
    out, mean, var = formulas.batch_norm_train(z, gamma, beta, eps=EPS, epsilon=epsilon)
    shift, scale = balls([100.0, -0.1, 7.0]), 8.0
    shifted = formulas.batch_norm_train(z + shift, gamma, beta, eps=EPS, epsilon=epsilon)
    assert all(_near(a, b) for a, b in zip(shifted, (out, mean + shift, var), strict=True))
    scaled_eps = scale * EPS if epsilon == "outside" else scale**2 * EPS
    scaled = formulas.batch_norm_train(scale * z, gamma, beta, eps=scaled_eps, epsilon=epsilon)
    assert all(_near(a, b) for a, b in zip(scaled, (out, scale * mean, scale**2 * var), strict=True))


@_exactly
def test_bn9_what_epsilon_does_to_a_scale() -> None:
    z, gamma, beta, _ = (balls(each) for each in _numbers((5, 3)))
    out, _, var = formulas.batch_norm_train(z, gamma, beta, eps=EPS)
    scaled = formulas.batch_norm_train(8.0 * z, gamma, beta, eps=EPS)[0]
    assert _near(scaled - beta, (out - beta) * np.sqrt((var + EPS) / (var + EPS / 64)))


@_exactly
def test_bn11_samples_have_no_order() -> None:
    z, gamma, beta, dout = (balls(each) for each in _numbers((5, 3)))
    order = [3, 0, 4, 1, 2]
    pairs = (
        (formulas.batch_norm_train(z, gamma, beta, eps=EPS), formulas.batch_norm_train(z[order], gamma, beta, eps=EPS)),
        (
            formulas.batch_norm_backward(dout, z, gamma, eps=EPS),
            formulas.batch_norm_backward(dout[order], z[order], gamma, eps=EPS),
        ),
    )
    for before, after in pairs:
        assert _near(before[0][order], after[0])
        assert _near(before[1], after[1])
        assert _near(before[2], after[2])


@every_epsilon
@_exactly
def test_bn16_bn17_where_the_gradient_does_not_point(epsilon: formulas.Epsilon) -> None:
    z, gamma, _, dout = (balls(each) for each in _numbers((5, 3)))
    dz, dgamma, _ = formulas.batch_norm_backward(dout, z, gamma, eps=EPS, epsilon=epsilon)
    assert _near(dz.sum(axis=0), 0)
    var = formulas.variance(z)
    left = (dz * formulas.normalise(z, eps=EPS, epsilon=epsilon)).sum(axis=0)
    divisor = (np.sqrt(var) + EPS) ** 2 if epsilon == "outside" else np.sqrt(var + EPS) ** 3
    assert _near(left, gamma * dgamma * EPS / divisor)
    assert not _near(left, 0)


@every_epsilon
@_exactly
def test_bn22_bn23_inference(epsilon: formulas.Epsilon) -> None:
    z, gamma, beta, _ = (balls(each) for each in _numbers((5, 3)))
    out, mean, var = formulas.batch_norm_train(z, gamma, beta, eps=EPS, epsilon=epsilon)
    inferred = formulas.batch_norm_inference(z, gamma, beta, mean, var, eps=EPS, epsilon=epsilon)
    assert _near(inferred, out)
    assert _near(formulas.batch_norm_inference(z[1:2], gamma, beta, mean, var, eps=EPS, epsilon=epsilon), out[1:2])


# The layer


def _layer_arguments() -> tuple[Floats, ...]:
    random = np.random.default_rng(5)
    return tuple(random.normal(size=size) for size in ((6, 3), (3, 2), (2,), (2,), (2,)))


def test_bn7_the_layer_activates_what_is_normalised() -> None:
    x, w, b, gamma, beta = _layer_arguments()
    want = np.tanh(formulas.batch_norm_train(x @ w + b, gamma, beta, eps=EPS)[0])
    assert np.allclose(formulas.layer(x, w, b, gamma, beta, eps=EPS), want, rtol=1e-13, atol=1e-15)


@_exactly
def test_bn8_bn16_the_layers_bias_has_no_effect() -> None:
    x, w, b, gamma, beta = _layer_arguments()
    lifted = [balls(each) for each in (x, w, b, gamma, beta)]

    def of_bias(b: Any, x: Any, w: Any, gamma: Any, beta: Any) -> Any:
        return formulas.layer(x, w, b, gamma, beta, eps=EPS)

    lifted_x, lifted_w, lifted_b, *learnt = lifted
    assert _near(of_bias(lifted_b, lifted_x, lifted_w, *learnt), of_bias(0 * lifted_b, lifted_x, lifted_w, *learnt))
    slopes = directional_derivative(of_bias, b, np.ones(2), x, w, gamma, beta, precision=PRECISION)
    assert _near(slopes, 0)


# Regularisation, and normalised inputs


def test_bn28_the_means_variance_shrinks_with_the_batch() -> None:
    """All 4^m batches that can be drawn from four values with putting back."""
    population = np.array([0.0, 1.0, 5.0, -2.0])
    for m in (1, 2, 3, 4):
        batches = np.stack(np.meshgrid(*[population] * m), axis=-1).reshape(-1, m, 1)
        noise = formulas.variance(formulas.mean(batches))
        assert noise == pytest.approx(formulas.variance(population[:, None]) / m, rel=1e-13)


def _logistic_problem(seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """w, x with features of unequal mean and scale, and labels."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(20, 3)) @ random.normal(size=(3, 3))
    return (
        random.normal(size=3) / 8,
        mixed * [1.0, 8.0, 0.25] + [0.0, 4.0, 1.0],
        (random.random(20) < 0.5).astype(float),
    )


def _logistic_gradient(w: Any, x: Any, y: Any) -> Any:
    a = 1 / (1 + np.exp(-(x * w).sum(axis=-1)))
    return ((a - y)[:, None] * x).sum(axis=0) / len(x)


def test_bn29_the_hessian_is_certified() -> None:
    w, x, y = _logistic_problem()
    assert certify(formulas.logistic_loss, _logistic_gradient, w, x, y)
    for column in range(3):
        assert certify(
            lambda w, x, y, column=column: _logistic_gradient(w, x, y)[column],
            lambda w, x, y, column=column: formulas.logistic_hessian(w, x)[column],
            *(w, x, y),
        )


def _condition(x: Floats) -> float:
    return float(np.linalg.cond(formulas.logistic_hessian(np.zeros(x.shape[1]), x)))


def test_bn29_uncorrelated_features_become_round() -> None:
    signs = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    x = signs * [1.0, 100.0, 0.1] + [0.0, 3.0, 0.0]
    assert _condition(x) > 1e5
    assert _condition(formulas.normalise(x, eps=0.0)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_bn29_no_scaling_is_better_by_more_than_n(seed: int) -> None:
    x = _logistic_problem(seed)[1]
    normalised = formulas.normalise(x, eps=0.0)
    best = min(
        _condition(normalised * scales) for scales in np.exp2(np.random.default_rng(seed).uniform(-3, 3, (200, 3)))
    )
    assert _condition(normalised) <= 3 * best


def test_bn30_gradient_descent_takes_fewer_steps() -> None:
    """The labels are separable without a bias, so every loss above 0 is reached."""
    x = _logistic_problem()[1]
    x = x - formulas.mean(x)
    y = (x @ [1.0, 0.1, 4.0] > 0).astype(float)

    def steps(x: Floats) -> int:
        w, count = np.zeros(3), 0
        rate = 1 / np.linalg.norm(formulas.logistic_hessian(w, x), 2)
        while formulas.logistic_loss(w, x, y) > 0.4:
            w, count = w - rate * _logistic_gradient(w, x, y), count + 1
        return count

    assert 3 * steps(formulas.normalise(x, eps=0.0)) < steps(x)


# The chapter


def test_the_chapters_variants_are_the_formulas_conventions_and_the_grades() -> None:
    named = {
        (variant.name, variant.value)
        for each in clauses().values()
        if each.chapter == "batch_norm"
        for variant in each.variants
    }
    kinds = {
        "epsilon": formulas.Epsilon,
        "running_variance": formulas.RunningVariance,
        "weight": formulas.Weight,
        "running_average": formulas.RunningAverage,
    }
    conventions = {(name, value) for name, kind in kinds.items() for value in get_args(kind)[1:]}
    grades = {("variance", "two_pass"), ("variance", "one_pass"), ("arithmetic", "narrow")}
    assert named == conventions | grades


def test_the_notes_on_batch_norm_are_all_cited() -> None:
    cited = {note for each in clauses().values() if each.chapter == "batch_norm" for note in each.notes}
    assert cited >= {f"N{number}" for number in range(8, 19)}
