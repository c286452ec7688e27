"""The formulas of optimizers beyond the notes: in balls, and the conventions by numbers worked out by hand."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws_spec.formulas import maximum, more_optimizers, sign
from nnlaws_spec.numbers import balls, enclose

THETA, GRADS = np.array([0.5]), np.array([[4.0], [2.0]])
ADAM: dict[str, Any] = {"learning_rate": 1.0, "beta1": 0.5, "beta2": 0.75, "eps": 1.0}


def steps(name: str, **options: Any) -> list[float]:
    """What each of the two subtracts."""
    iterates = getattr(more_optimizers, name)(THETA, GRADS, **options)
    return [float(step) for step in -np.diff(iterates, axis=0, prepend=THETA[None]).ravel()]


def test_the_larger_and_the_sign_are_of_balls_not_of_floats() -> None:
    with ctx.workprec(200):
        near = balls(np.array([1.0])) + arb(2) ** -100
        assert maximum(near, balls(np.array([1.0])))[0] == near[0]
        assert sign(near - 1)[0] == 1
        assert sign(near * 0)[0] == 0
        assert sign(np.array([arb(0, 1)]))[0].contains(arb(-1))
    assert maximum(np.array([1.0]), np.array([2.0]))[0] == 2
    assert sign(np.array([-3.0, 0.0])).tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"beta": 0.9, "dampening": 0.1, "weight_decay": 0.1}),
        ("adagrad", {"eps": 0.1, "initial_accumulator": 0.1}),
        ("amsgrad", {"beta1": 0.9, "beta2": 0.999, "eps": 0.1}),
        ("nadam", {"beta1": 0.9, "beta2": 0.999, "eps": 0.1, "momentum_decay": 0.004}),
        ("radam", {"beta1": 0.9, "beta2": 0.9, "eps": 0.1}),
        ("lion", {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1}),
    ],
)
def test_in_balls_nothing_is_rounded_away(name: str, options: dict[str, float]) -> None:
    random = np.random.default_rng(1)
    theta, grads = random.standard_normal(3), random.standard_normal((9, 3))
    formula = getattr(more_optimizers, name)
    found = enclose(lambda x, g: formula(x, g, learning_rate=0.1, **options), theta, grads, within=1e-28)
    assert (found.radius <= 1e-28).all()
    np.testing.assert_allclose(formula(theta, grads, learning_rate=0.1, **options), found.hi, rtol=1e-12)


def test_the_first_step_of_sgd_may_be_dampened() -> None:
    given: dict[str, Any] = {"learning_rate": 1.0, "beta": 0.5, "dampening": 0.5, "weight_decay": 0.0}
    assert steps("sgd", **given) == [4.0, 3.0]
    assert steps("sgd", **given, first_velocity="dampened") == [2.0, 2.0]
    assert steps("sgd", **given, lookahead="nesterov") == [6.0, 3.5]
    assert steps("sgd", **{**given, "beta": 0.0}) == [4.0, 2.0]
    assert steps("sgd", **{**given, "weight_decay": 2.0})[0] == 5.0


def test_adagrad_s_epsilon_may_be_inside() -> None:
    given: dict[str, Any] = {"learning_rate": 1.0, "eps": 9.0, "initial_accumulator": 0.0}
    assert steps("adagrad", **given)[0] == 4 / 13
    assert steps("adagrad", **given, adagrad_epsilon="inside")[0] == 4 / 5


def test_forms_of_amsgrad() -> None:
    """At t = 2 w is 4, v being 4, and 4: of corrected ones the first, 16, is the larger."""
    m, c1, c2 = 2.0, 0.75, 7 / 16
    assert steps("amsgrad", **ADAM)[1] == pytest.approx(m / c1 / ((4 / c2) ** 0.5 + 1))
    assert steps("amsgrad", **ADAM, amsgrad_form="epsilon_hat")[1] == pytest.approx(m * c2**0.5 / c1 / 3)
    assert steps("amsgrad", **ADAM, amsgrad_form="corrected_maximum")[1] == pytest.approx(m / c1 / 5)
    assert steps("amsgrad", **ADAM, amsgrad_form="uncorrected")[1] == pytest.approx(m / 3)


def test_nadam_s_momentum_rises_to_beta1() -> None:
    late = steps("nadam", **ADAM, momentum_decay=1e6)
    assert late == pytest.approx(steps("nadam", **ADAM, momentum_decay=0.0, momentum_schedule="steady"))
    assert late != pytest.approx(steps("nadam", **ADAM, momentum_decay=0.0))


def test_radam_is_rectified_from_the_sixth_step_on() -> None:
    grads = np.full((7, 1), 2.0)
    given: dict[str, Any] = {**ADAM, "beta2": 0.999, "eps": 0.0}
    moved = -np.diff(more_optimizers.radam(THETA, grads, **given), axis=0, prepend=THETA[None]).ravel()
    assert moved[:5] == pytest.approx([2.0] * 5)
    rho, longest = (float(each) for each in more_optimizers.rectification(6, beta2=np.float64(0.999)))
    r = ((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)) ** 0.5
    assert moved[5] == pytest.approx(r)
    by_four = more_optimizers.radam(THETA, grads, **given, rectified_above="four")
    assert abs(by_four[4] - by_four[3]) < 0.1
    still = more_optimizers.radam(THETA, grads, **given, unrectified="still")
    assert still[4] == THETA
    assert still[5] == pytest.approx(THETA - r)


def test_radam_is_never_rectified_where_so_few_are_averaged() -> None:
    grads = np.full((40, 1), 2.0)
    given: dict[str, Any] = {**ADAM, "learning_rate": 0.5, "beta2": 2 / 3}
    assert more_optimizers.radam(THETA, grads, **given)[-1] == pytest.approx(0.5 - 40)


def test_radam_s_epsilon_weighs_more_before_the_correction() -> None:
    grads = np.full((6, 1), 2.0)
    given: dict[str, Any] = {**ADAM, "beta2": 0.999, "eps": 1e-3}
    hat, outside = (
        more_optimizers.radam(THETA, grads, **given, radam_form=form)[-2:]
        for form in ("epsilon_hat", "epsilon_outside")
    )
    assert abs(hat[1] - hat[0]) < abs(outside[1] - outside[0])
