"""The formulas: one function for floats, balls and jets; certified gradients; identities held in balls."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.gradients import certify
from nnlaws.rounding.number import bounded
from nnlaws_spec.formulas import softmax as formulas
from nnlaws_spec.numbers import balls, jets
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=40)

Floats = NDArray[np.float64]
PARTS = 64


def exactly(test: Callable[..., None]) -> Callable[..., None]:
    """At flint's own default of 53 bits, balls would be no finer than the floats that they are to judge."""
    run: Callable[..., None] = ctx.workprec(256)(test)
    return run


ONE_ARGUMENT = ("softmax", "sigmoid", "log_softmax")
TWO_ARGUMENTS = ("cross_entropy", "cross_entropy_gradient")


@st.composite
def batches(draw: st.DrawFn, m: tuple[int, int] = (1, 4), classes: tuple[int, int] = (1, 5)) -> tuple[Floats, Floats]:
    """Logits, and targets whose rows are multiples of 1/64 that sum to exactly 1."""
    shape = draw(st.integers(*m)), draw(st.integers(*classes))
    size = shape[0] * shape[1]
    z = draw(st.lists(st.floats(-80, 80), min_size=size, max_size=size))
    cuts = [
        draw(st.lists(st.integers(0, PARTS), min_size=shape[1] - 1, max_size=shape[1] - 1)) for _ in range(shape[0])
    ]
    y = np.array([np.diff([0, *sorted(row), PARTS]) for row in cuts]) / PARTS
    assert (y.sum(axis=-1) == 1).all()
    return np.array(z).reshape(shape), y


def _arguments(name: str, z: Floats, y: Floats) -> tuple[Floats, ...]:
    return {"entropy": (y,)}.get(name, (z,) if name in ONE_ARGUMENT else (z, y))


def _overlap(a: Any, b: Any) -> bool:
    """Whether no pair of balls is disjoint: two enclosures of one value always overlap."""
    return all(bool(arb.overlaps(x, y)) for x, y in np.broadcast(np.asarray(a, object), np.asarray(b, object)))


def _ends(*results: Any) -> list[Any]:
    """Flat arrays of the entries of arrays or of single numbers."""
    return [np.asarray(result, dtype=object).ravel() for result in results]


@pytest.mark.parametrize("name", [*ONE_ARGUMENT, "entropy", *TWO_ARGUMENTS])
@repeatable
@given(batch=batches())
@exactly
def test_a_formula_means_the_same_in_floats_and_in_balls(name: str, batch: tuple[Floats, Floats]) -> None:
    """The float result lies within the running-error bound of the ball; at |z| ≤ 80 nothing overflows."""
    formula: Callable[..., Any] = getattr(formulas, name)
    arguments = _arguments(name, *batch)
    allowed = formula(*(bounded(a) for a in arguments)).error
    got, exact, errors = _ends(formula(*arguments), formula(*(balls(a) for a in arguments)), allowed)
    assert np.isfinite(allowed).all()
    assert all(bool(abs(x - g) <= e) for g, x, e in zip(got, exact, errors, strict=True))


@pytest.mark.parametrize("name", [*ONE_ARGUMENT, *TWO_ARGUMENTS])
@repeatable
@given(batch=batches())
@exactly
def test_a_jets_value_is_the_ball(name: str, batch: tuple[Floats, Floats]) -> None:
    formula: Callable[..., Any] = getattr(formulas, name)
    z, *others = _arguments(name, *batch)
    constants = [balls(other) for other in others]
    on_jets = formula(jets(z, np.ones_like(z)), *constants)
    series = on_jets.ravel() if isinstance(on_jets, np.ndarray) else [on_jets]
    (exact,) = _ends(formula(balls(z), *constants))
    assert _overlap([each[0] for each in series], exact)


@repeatable
@given(batches())
def test_sm16_the_gradient_is_certified(batch: tuple[Floats, Floats]) -> None:
    certificate = certify(formulas.cross_entropy, formulas.cross_entropy_gradient, *batch)
    assert certificate.holds
    assert certificate.gap == 0
    # e^160 between classes costs 231 of the 128 + 1024 bits; the radius is what an undetected error may have
    assert certify(formulas.cross_entropy, formulas.cross_entropy_gradient, *batch, precision=1152).radius < 2.0**-800


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 2), (1, 7), (64, 10)])
def test_sm16_the_gradient_is_certified_in_every_shape(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(shape)
    z, y = random.normal(size=shape), np.eye(shape[1])[random.integers(0, shape[1], shape[0])]
    certificate = certify(formulas.cross_entropy, formulas.cross_entropy_gradient, z, y)
    assert certificate.holds
    assert certificate.directions == 2
    assert certificate.radius < 2.0**-100


_SOFTMAX_GRADIENT = formulas.cross_entropy_gradient

WRONG: dict[str, Callable[[Any, Any], Any]] = {
    "twice as large": lambda z, y: 2 * _SOFTMAX_GRADIENT(z, y),
    "the other sign": lambda z, y: -_SOFTMAX_GRADIENT(z, y),
    "the sum over the batch, no 1/m": lambda z, y: formulas.softmax(z) - y,
    "divided by m·C": lambda z, y: _SOFTMAX_GRADIENT(z, y) / z.shape[-1],
    "divided by m twice": lambda z, y: _SOFTMAX_GRADIENT(z, y) / z.shape[-2],
    "the softmax alone": lambda z, y: formulas.softmax(z) / z.shape[-2],
    "the target alone": lambda z, y: -y / z.shape[-2],
    "plus the target": lambda z, y: (formulas.softmax(z) + y) / z.shape[-2],
    "the logits for the softmax": lambda z, y: (z - y) / z.shape[-2],
    "the sigmoid for the softmax": lambda z, y: (formulas.sigmoid(z) - y) / z.shape[-2],
    "normalised over the samples": lambda z, y: (formulas.softmax(z.T).T - y) / z.shape[-2],
    "the diagonal of the softmax's Jacobian again": lambda z, y: (
        _SOFTMAX_GRADIENT(z, y) * formulas.softmax(z) * (1 - formulas.softmax(z))
    ),
    "the mean squared error's": lambda z, y: 2 * _SOFTMAX_GRADIENT(z, y) * formulas.softmax(z),
    "zero": lambda z, y: 0 * z,
    "one entry off by 2^-90": lambda z, y: _SOFTMAX_GRADIENT(z, y) + arb(2) ** -90 * balls(_corner(z.shape)),
    "a relative error of 2^-90": lambda z, y: _SOFTMAX_GRADIENT(z, y) * (1 + arb(2) ** -90),
    "a relative error of −2^-90": lambda z, y: _SOFTMAX_GRADIENT(z, y) * (1 - arb(2) ** -90),
}


def _corner(shape: tuple[int, ...]) -> Floats:
    corner = np.zeros(shape)
    corner[0, 0] = 1
    return corner


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_gradient_is_refused(name: str, seed: int) -> None:
    """Standard normal logits, so that no gradient vanishes: its norm is above 2^-8."""
    random = np.random.default_rng(seed)
    m, classes = int(random.integers(2, 5)), int(random.integers(2, 6))
    z, y = (
        random.normal(size=(m, classes)),
        random.multinomial(PARTS, np.full(classes, 1 / classes), m) / PARTS,
    )
    certificate = certify(formulas.cross_entropy, WRONG[name], z, y, seed=seed)
    assert not certificate
    assert certificate.gap > 0


def test_a_gradient_of_another_shape_is_an_error() -> None:
    z, y = np.zeros((2, 3)), np.eye(3)[:2]
    with pytest.raises(ValueError, match=r"gradient of x's shape \(2, 3\), got shape \(3,\)"):
        certify(formulas.cross_entropy, lambda z, y: _SOFTMAX_GRADIENT(z, y).sum(axis=0), z, y)


def test_only_a_scalar_has_a_gradient() -> None:
    with pytest.raises(ValueError, match=r"scalar f, got shape \(2, 3\)"):
        certify(formulas.softmax, formulas.softmax, np.zeros((2, 3)))


@repeatable
@given(batches(classes=(2, 2)))
@exactly
def test_sm9_two_classes_are_the_sigmoid(batch: tuple[Floats, Floats]) -> None:
    z = balls(batch[0])
    assert _overlap(formulas.softmax(z)[:, 0], formulas.sigmoid(z[:, 0] - z[:, 1]))
    assert not _overlap(formulas.softmax(z)[:, 0] + arb(2) ** -40, formulas.sigmoid(z[:, 0] - z[:, 1]))


@repeatable
@given(batches(), st.floats(-1e3, 1e3))
@exactly
def test_sm3_a_constant_changes_nothing(batch: tuple[Floats, Floats], c: float) -> None:
    z, y = balls(batch[0]), balls(batch[1])
    for name in ("softmax", "log_softmax", "cross_entropy", "cross_entropy_gradient"):
        arguments = (y,) if name in TWO_ARGUMENTS else ()
        formula: Callable[..., Any] = getattr(formulas, name)
        before, after = _ends(formula(z, *arguments), formula(z + arb(c), *arguments))
        assert _overlap(before, after)
        assert not _overlap(before, after + arb(2) ** -40)


@repeatable
@given(batches())
@exactly
def test_sm15_cross_entropy_is_at_least_the_entropy(batch: tuple[Floats, Floats]) -> None:
    """Not certainly below, at any z; equal where ŷ = y, for which z = log y is taken in balls."""
    z, y = balls(batch[0]), balls(batch[1])
    entropy = formulas.entropy(y)
    assert not bool(formulas.cross_entropy(z, y) < entropy)
    positive = balls((batch[1] * PARTS + 1) / 128)  # no zero; the logits' constant log Σ does not matter (SM-3)
    row = positive / positive.sum(axis=-1, keepdims=True)
    difference = formulas.cross_entropy(np.log(positive), row) - formulas.entropy(row)
    assert bool(difference.contains(arb(0)))
    assert bool(abs(difference) < arb(2) ** -100)


@repeatable
@given(batches())
@exactly
def test_sm2_sm17_rows_sum_to_one_and_to_zero(batch: tuple[Floats, Floats]) -> None:
    z, y = balls(batch[0]), balls(batch[1])
    assert all(total.contains(arb(1)) for total in formulas.softmax(z).sum(axis=-1))
    assert all(total.contains(arb(0)) for total in formulas.cross_entropy_gradient(z, y).sum(axis=-1))


def test_sm15_the_entropy_of_a_certain_target_is_zero() -> None:
    assert formulas.entropy(np.eye(3)) == 0
    assert formulas.entropy(balls(np.eye(3))) == 0


def test_formulas_use_the_precision_that_is_set() -> None:
    radii = []
    for precision in (64, 256):
        with ctx.workprec(precision):
            radii.append(formulas.softmax(balls([[0.0, 1.0]]))[0, 0].rad())
    assert radii[1] < radii[0] * arb(2) ** -180
