"""What is told of losses of class numbers: options that need not be taken, labels of other types, and causes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws import check, judge
from nnlaws.authoring import UsageError
from nnlaws.report import LawResult, Outcome

Loss = Callable[..., Any]


def judged(
    operation: str, function: Loss, *, dtype: str = "float32", profile: str = "quick", **declared: str
) -> dict[str, LawResult]:
    target = SimpleNamespace(**{operation: function}, conventions=declared)
    report = check(target, operations=[operation], dtypes=[dtype], profile=profile)
    return {each.law.partition(".")[2]: each for each in report.results}


@pytest.mark.usefixtures("hurried")
def test_labels_are_integers() -> None:
    seen: set[tuple[str, int]] = set()

    def losses(z: Any, labels: Any) -> Any:
        seen.add((labels.dtype.name, labels.ndim))
        return -np.log(np.exp(z - z.max(1, keepdims=True)) / np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True))[
            np.arange(len(z)), labels
        ]

    for dtype in ("float32", "bfloat16"):
        judged("label_losses", losses, dtype=dtype)
    assert seen == {("int64", 1)}


def test_what_is_not_taken_is_not_offered() -> None:
    def losses(z: Any, labels: Any) -> Any:
        return reference.label_losses(z, labels)

    found = judged("label_losses", losses)
    left = {name for name, each in found.items() if each.outcome is Outcome.NOT_OFFERED}
    assert left == {"ignored", "ignored_at_size", "weighted", "smoothed", "combined"}
    assert {each.outcome for name, each in found.items() if name not in left} == {Outcome.CONFORMS}


def test_two_options_are_combined_where_a_third_is_not_taken() -> None:
    def mean(z: Any, labels: Any, *, ignore_index: int | None = None, label_smoothing: float = 0.0) -> Any:
        return reference.label_cross_entropy(z, labels, ignore_index=ignore_index, label_smoothing=label_smoothing)

    assert judged("label_cross_entropy", mean)["combined"].outcome is Outcome.CONFORMS


def test_the_mean_may_be_over_all_samples_if_that_is_declared() -> None:
    def mean(z: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
        return reference.label_losses(z, labels, ignore_index=ignore_index).mean()

    undeclared = judged("label_cross_entropy", mean)["ignored"]
    assert undeclared.outcome is Outcome.VIOLATES
    assert undeclared.violation is not None
    assert undeclared.violation.cause is not None
    assert undeclared.violation.cause.name == "mean_over = samples"
    assert judged("label_cross_entropy", mean, mean_over="samples")["ignored"].outcome is Outcome.DECLARED


@pytest.mark.parametrize(
    ("operation", "law", "wrong", "cause"),
    [
        (
            "label_losses_gradient",
            "value",
            lambda z, labels, g: reference.label_losses_gradient(z, labels, np.full_like(g, g[0])),
            "upstream is read with its first column in all columns",
        ),
        (
            "label_losses",
            "ignored",
            lambda z, labels, *, ignore_index=None: reference.label_losses(
                z, np.where(labels == ignore_index, 0, labels)
            ),
            "label_losses.ignored_is_class_zero",
        ),
        (
            "label_cross_entropy",
            "weighted",
            lambda z, labels, *, weight=None: reference.label_cross_entropy(z, labels),
            "label_cross_entropy.weights_without_effect",
        ),
        (
            "sigmoid_losses_gradient",
            "value",
            lambda z, y, g: reference.sigmoid_losses_gradient(z, y, np.ones_like(g)),
            "upstream is taken as 1",
        ),
    ],
)
def test_a_known_mistake_is_the_cause(operation: str, law: str, wrong: Loss, cause: str) -> None:
    found = judged(operation, wrong)[law]
    assert found.outcome is Outcome.VIOLATES
    assert found.violation is not None
    assert found.violation.cause is not None
    assert found.violation.cause.name == cause


def test_a_label_that_is_no_class_falls_short() -> None:
    def from_behind(z: Any, labels: Any) -> Any:
        below = z - z.max(axis=1, keepdims=True)
        logs = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
        return -logs[np.arange(len(z)), labels]

    assert judged("label_losses", from_behind)["no_class"].outcome is Outcome.FALLS_SHORT


def test_class_numbers_are_beyond_16_bits() -> None:
    def wrapped(z: Any, labels: Any) -> Any:
        return reference.label_losses(z, labels % 65536)

    found = judged("label_losses", wrapped, profile="ci")
    assert found["at_size"].outcome is Outcome.VIOLATES
    assert found["value"].outcome is Outcome.CONFORMS


def test_results_at_hand_are_judged_with_options_that_need_not_be_given() -> None:
    z, labels = np.array([[0.0, 1.0], [2.0, 0.0]], np.float32), np.array([0, -1])
    right = reference.label_losses(z, labels, ignore_index=-1)
    assert judge("label_losses", z, labels, result=right, ignore_index=-1).conforms
    assert not judge("label_losses", z, labels, result=right + 1, ignore_index=-1).conforms
    with pytest.raises(UsageError, match=r"takes no options and may take ignore_index, label_smoothing, .*got eps"):
        judge("label_losses", z, labels, result=right, eps=1e-5)
    with pytest.raises(UsageError, match="labels is of float32; expected whole numbers, as int64"):
        judge("label_losses", z, labels.astype(np.float32), result=right)
