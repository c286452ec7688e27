"""The decays' formulas: values by hand, exact in balls against fractions, floors that no rounding moves."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from nnlaws_spec import clauses
from nnlaws_spec.formulas import decay as formulas
from nnlaws_spec.numbers import balls, directional_derivative, enclose

PRECISION = 256
EPOCHS = np.array([0.0, 1.0, 2.0, 5.0, 9.0, 10.0, 11.0, 100.0])
DECAYS: dict[str, Callable[..., Any]] = {
    "inverse time": partial(formulas.inverse_time_decay, initial=0.1, rate=0.3),
    "exponential": partial(formulas.exponential_decay, initial=0.1, rate=0.95),
    "staircase": partial(formulas.staircase_decay, initial=0.1, rate=0.7, every=5.0),
    "inverse root": partial(formulas.inverse_root_decay, initial=0.1, factor=0.3),
}

every_decay = pytest.mark.parametrize("formula", DECAYS.values(), ids=DECAYS)


def _holds(ball: Any, exact: Fraction) -> bool:
    """Whether the ball holds the fraction, and little else."""
    return bool(ball.overlaps(arb(fmpq(exact.numerator, exact.denominator)))) and ball.rad() < arb(2) ** -200


def test_lr1_to_lr4_by_hand() -> None:
    epochs = np.array([0.0, 3.0, 8.0])
    assert formulas.inverse_time_decay(epochs, initial=1.5, rate=0.25).tolist() == [1.5, 1.5 / 1.75, 0.5]
    assert formulas.exponential_decay(epochs, initial=2.0, rate=0.5).tolist() == [2, 0.25, 2.0**-7]
    assert formulas.staircase_decay(epochs, initial=2.0, rate=0.5, every=4.0).tolist() == [2, 2, 0.5]
    assert formulas.inverse_root_decay(epochs, initial=3.0, factor=0.5).tolist() == [1.5, 0.75, 0.5]


EXACT: dict[str, Callable[[int], Fraction]] = {
    "inverse time": lambda epoch: Fraction(0.1) / (1 + Fraction(0.3) * epoch),
    "exponential": lambda epoch: Fraction(0.1) * Fraction(0.95) ** epoch,
    "staircase": lambda epoch: Fraction(0.1) * Fraction(0.7) ** (epoch // 5),
}


@pytest.mark.parametrize("name", EXACT)
def test_lr1_to_lr3_are_exact_in_balls(name: str) -> None:
    """The options are what their doubles are: 0.1 and 0.95 are no decimal fractions."""
    with ctx.workprec(PRECISION):
        got = DECAYS[name](balls(EPOCHS))
        assert all(_holds(ball, EXACT[name](int(epoch))) for ball, epoch in zip(got, EPOCHS, strict=True))


def test_lr4_is_exact_in_balls() -> None:
    with ctx.workprec(PRECISION):
        got = DECAYS["inverse root"](balls(EPOCHS))
        squares = [ball * ball * (int(epoch) + 1) for ball, epoch in zip(got, EPOCHS, strict=True)]
        assert all(_holds(square, (Fraction(0.1) * Fraction(0.3)) ** 2) for square in squares)


@every_decay
def test_floats_and_balls_agree(formula: Callable[..., Any]) -> None:
    """Five roundings, and those of a power: 0.95^100 is off by some ulp at most."""
    got = formula(EPOCHS)
    assert got == pytest.approx(enclose(formula, EPOCHS, within=1e-30).hi, rel=1e-14)
    assert np.array_equal(formula(EPOCHS.reshape(2, 4)), got.reshape(2, 4))
    assert formula(balls(EPOCHS.reshape(2, 4))).shape == (2, 4)


@every_decay
def test_no_epochs_have_no_rates(formula: Callable[..., Any]) -> None:
    assert formula(EPOCHS[:0]).shape == formula(balls(EPOCHS[:0])).shape == (0,)


def test_lr3_the_floor_is_of_the_exact_quotient() -> None:
    """The double 0.1 is above a tenth, so 1/0.1 is below 10, though it rounds to 10."""
    epochs = np.array([1.0, 3.0])
    exact = enclose(lambda e: formulas.staircase_decay(e, initial=1.0, rate=0.5, every=0.1), epochs, within=1e-30)
    assert exact.hi.tolist() == [2.0**-9, 2.0**-29]
    whole = enclose(lambda e: formulas.staircase_decay(e, initial=1.0, rate=0.5, every=3.0), 3 * EPOCHS, within=1e-30)
    assert whole.hi.tolist() == (0.5**EPOCHS).tolist()


def test_lr2_a_rate_of_0_leaves_the_first_epoch() -> None:
    exact = enclose(lambda e: formulas.exponential_decay(e, initial=0.5, rate=0.0), EPOCHS, within=1e-30)
    assert exact.hi.tolist() == [0.5, *[0.0] * 7]
    assert formulas.exponential_decay(EPOCHS, initial=0.5, rate=0.0).tolist() == [0.5, *[0.0] * 7]


def test_lr4_the_slope_is_known() -> None:
    """d/de α₀ k (e + 1)^{−1/2} = −½ α₀ k (e + 1)^{−3/2}: jets go through it as balls do."""
    slopes = directional_derivative(DECAYS["inverse root"], EPOCHS, np.ones(8))
    assert slopes.astype(float) == pytest.approx(-0.5 * 0.1 * 0.3 * (EPOCHS + 1) ** -1.5, rel=1e-14)


@every_decay
def test_lr6_no_rate_grows(formula: Callable[..., Any]) -> None:
    with ctx.workprec(PRECISION):
        rates = formula(balls(EPOCHS))
        assert all(not bool(b > a) and bool(b >= 0) for a, b in pairwise(rates))


def test_the_chapters_variants_are_the_grades() -> None:
    named = {
        (variant.name, variant.value)
        for each in clauses().values()
        if each.chapter == "decay"
        for variant in each.variants
    }
    assert named == {("arithmetic", "narrow"), ("hyperparameters", "working")}
