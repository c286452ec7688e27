"""The formulas of losses: proven gradients, conventions, and what is exact in balls."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import ctx
from nnlaws.gradients import certify
from nnlaws_spec.formulas import losses as formulas
from nnlaws_spec.formulas import softmax
from nnlaws_spec.numbers import balls, enclose

RANDOM = np.random.default_rng(0)
Z = 3 * RANDOM.standard_normal((4, 3))
LABELS = np.array([0, 2, -100, 1])
WEIGHT = (1.0, 0.5, 3.0)
OPTIONS: list[dict[str, Any]] = [
    {"ignore_index": -100},
    {"ignore_index": -100, "label_smoothing": 0.1},
    {"ignore_index": -100, "weight": WEIGHT},
    {"ignore_index": -100, "weight": WEIGHT, "label_smoothing": 0.3},
    {"ignore_index": -100, "label_smoothing": 0.1, "smoothing": "others"},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("mean", [{}, {"mean_over": "samples"}, {"reduction": "sum"}])
def test_lo3_the_gradient_of_the_mean_is_proven(options: dict[str, Any], mean: dict[str, Any]) -> None:
    def loss(z: Any) -> Any:
        return formulas.label_cross_entropy(z, LABELS, **options, **mean)

    def gradient(z: Any) -> Any:
        return formulas.label_cross_entropy_gradient(z, LABELS, **options, **mean)

    assert certify(loss, gradient, Z)


@pytest.mark.parametrize("options", OPTIONS)
def test_lo3_the_gradient_of_each_loss_is_proven(options: dict[str, Any]) -> None:
    above = RANDOM.standard_normal(4)

    def loss(z: Any, g: Any) -> Any:
        return (g * formulas.label_losses(z, LABELS, **options)).sum()

    def gradient(z: Any, g: Any) -> Any:
        return formulas.label_losses_gradient(z, LABELS, g, **options)

    assert certify(loss, gradient, Z, above)


def test_lo3_a_wrong_gradient_is_refused() -> None:
    def loss(z: Any) -> Any:
        return formulas.label_cross_entropy(z, LABELS, ignore_index=-100)

    def over_all(z: Any) -> Any:
        return formulas.label_cross_entropy_gradient(z, LABELS, ignore_index=-100, mean_over="samples")

    assert not certify(loss, over_all, Z)


def test_lo14_the_gradient_of_sigmoids_is_proven() -> None:
    y, above = RANDOM.random((4, 3)), RANDOM.standard_normal((4, 3))

    def loss(z: Any, y: Any, g: Any) -> Any:
        return (g * formulas.sigmoid_losses(z, y)).sum()

    assert certify(loss, formulas.sigmoid_losses_gradient, Z, y, above)


def test_lo1_labels_are_one_hot_targets() -> None:
    labels = np.array([0, 2, 1, 1])
    assert np.allclose(formulas.label_cross_entropy(Z, labels), softmax.cross_entropy(Z, np.eye(3)[labels]), rtol=1e-14)


def test_lo7_smoothed_targets_sum_to_one() -> None:
    for smoothing in ("all", "others"):
        found = formulas.smoothed(np.array([0, 2]), 3, 0.3, smoothing)
        assert np.allclose(found.sum(axis=-1), 1, rtol=1e-15)
    assert found[0].tolist() == [0.7, 0.15, 0.15]


def test_in_balls_nothing_is_rounded_away() -> None:
    with ctx.workprec(300):
        found = formulas.label_losses(balls(Z), LABELS, ignore_index=-100, label_smoothing=0.1, weight=WEIGHT)
        assert all(float(each.rad()) < 1e-80 for each in found)


def test_lo13_the_largest_logits_have_a_loss() -> None:
    z, y = np.array([[1e308, -1e308, -700.0]]), np.array([[0.0, 1.0, 0.0]])
    found = enclose(formulas.sigmoid_losses, z, y, within=1e-320)
    assert found.hi[0, :2].tolist() == [1e308, 1e308]
    assert found.hi[0, 2] == pytest.approx(np.exp(-700), rel=1e-14)


def test_lo6_weights_of_one_change_nothing() -> None:
    of = partial(formulas.label_cross_entropy, Z, LABELS, ignore_index=-100)
    assert of(weight=(1.0, 1.0, 1.0)) == of()
    assert of(weight=(2.0, 2.0, 2.0)) == pytest.approx(of())
