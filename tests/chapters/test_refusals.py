"""Where a refusal is right and where it is none; and what raises, or returns too little, breaks one clause alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.subject import TargetFault
from nnlaws.chapters import OPERATIONS
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.report import LawResult, Outcome
from nnlaws_reference.dtypes import Array

TRAIN, BACKWARD, RUNNING, INFERENCE = (
    "batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference",
)  # fmt: skip
SHORT = Outcome.FALLS_SHORT
When = Callable[[tuple[Array, ...], dict[str, float]], bool]
WHEN: dict[str, When] = {
    "one sample": lambda arguments, options: arguments[0].shape[-2] == 1,
    "no samples": lambda arguments, options: arguments[0].shape[-2] == 0,
    "no epsilon": lambda arguments, options: options.get("eps") == 0,
    "three samples": lambda arguments, options: arguments[0].shape[-2] == 3,
    "always": lambda arguments, options: True,
}
ALLOWED = [
    ("one sample", TRAIN, "BN-24"),
    ("one sample", BACKWARD, "BN-24"),
    ("one sample", RUNNING, "BN-24"),
    ("no samples", TRAIN, "BN-26"),
    ("no samples", RUNNING, "BN-26"),
    ("no epsilon", TRAIN, "BN-31"),
    ("no epsilon", BACKWARD, "BN-31"),
    ("no epsilon", INFERENCE, "BN-31"),
]
"""Where an implementation may raise an error in place of a result, and the clause that says so."""


def judge(operation: str, instead: Callable[..., Any], when: str, *laws: str, **conventions: str) -> list[LawResult]:
    """A quick check of the reference, with another function in its place `when` it is called so."""
    right = OPERATIONS[operation].reference

    def function(*arguments: Array, **options: float) -> Any:
        return (instead if WHEN[when](arguments, options) else right)(*arguments, **options)

    target = Target("mine", "", {operation: function}, ("float32",), conventions)
    selection = Selection(operations=(operation,), laws=laws, profile="quick")
    return [run(task, target, selection) for task in plan(target, selection)]


def refuse(*arguments: Array, **options: float) -> Any:
    raise ValueError("refused")


def nan(operation: str) -> Callable[..., Any]:
    """Results of the right shapes that are all NaN."""

    def function(*arguments: Array, **options: float) -> Any:
        shapes = OPERATIONS[operation].result_shapes(argument.shape for argument in arguments)
        results = [np.full(shape, np.nan, arguments[0].dtype) for shape in shapes]
        return tuple(results) if len(results) > 1 else results[0]

    return function


def changed(operation: str, change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The reference, with what it returns changed."""
    return lambda *arguments, **options: change(OPERATIONS[operation].reference(*arguments, **options))


@pytest.mark.sampled
@pytest.mark.parametrize(("when", "operation", "clause"), ALLOWED)
def test_a_refusal_is_right_where_a_clause_allows_it(when: str, operation: str, clause: str) -> None:
    """And costs nothing elsewhere: no other law depends on what was refused."""
    results = judge(operation, refuse, when)
    assert clause in {result.clause for result in results}
    assert {result.outcome for result in results} == {Outcome.CONFORMS}, results


@pytest.mark.sampled
@pytest.mark.parametrize("operation", [TRAIN, BACKWARD, RUNNING, INFERENCE, "rmsprop", "adam"])
def test_what_always_refuses_conforms_nowhere(operation: str) -> None:
    """Not even where a clause allows a refusal: that takes a call with other arguments that is accepted."""
    results = [each for each in judge(operation, refuse, "always") if each.outcome is not Outcome.NOT_OFFERED]
    assert all(result.outcome is (SHORT if result.level == "SHOULD" else Outcome.ERROR) for result in results)
    assert all("refused" in result.reason for result in results)


@pytest.mark.parametrize(
    ("when", "operation", "law"),
    [
        ("three samples", TRAIN, "value"),
        ("three samples", RUNNING, "value"),
        ("one sample", INFERENCE, "samples_alone"),
        ("no samples", INFERENCE, "empty_batch"),
    ],
)
def test_a_refusal_of_anything_else_is_an_error(when: str, operation: str, law: str) -> None:
    """Inference may refuse neither one sample nor none: it computes no statistics."""
    (result,) = judge(operation, refuse, when, law)
    assert result.outcome is (SHORT if law == "empty_batch" else Outcome.ERROR)
    assert f"{operation} raised ValueError: refused" in result.reason


@pytest.mark.sampled
@pytest.mark.parametrize(("when", "operation", "clause"), ALLOWED)
def test_nan_is_no_refusal(when: str, operation: str, clause: str) -> None:
    (result,) = judge(operation, nan(operation), when, clause)
    assert result.outcome is (SHORT if clause == "BN-26" else Outcome.VIOLATES)


@pytest.mark.parametrize(("number", "outcome"), [(np.nan, Outcome.VIOLATES), (7.0, Outcome.DECLARED)])
def test_nan_is_no_unbiased_variance_of_one_sample(number: float, outcome: Outcome) -> None:
    """Where it is declared, any number is admitted, but 0/0 is none."""
    change = changed(RUNNING, lambda both: (both[0], np.full_like(both[1], number)))
    (result,) = judge(RUNNING, change, "one sample", "BN-24", running_variance="unbiased")
    assert result.outcome is outcome


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("operation", "change", "words"),
    [
        (TRAIN, lambda three: three[:2], "expected a tuple (out, mean, var), got 2 results"),
        (TRAIN, lambda three: three[0], "expected a tuple (out, mean, var), got a ndarray"),
        (BACKWARD, lambda three: (*three, three[0]), "expected a tuple (dz, dgamma, dbeta), got 4 results"),
        (RUNNING, lambda two: {"mean": two[0], "var": two[1]}, "expected a tuple (mean, var), got a dict"),
        (INFERENCE, lambda one: (one, one), "got a tuple"),
    ],
)
def test_a_wrong_number_of_results_breaks_the_contract(operation: str, change: Any, words: str) -> None:
    """And no other law takes it for results, or for a refusal; an empty batch the reference does refuse."""
    results = judge(operation, changed(operation, change), "always")
    (broken,) = [result for result in results if result.clause == "CT-2"]
    assert broken.outcome is Outcome.VIOLATES
    assert broken.violation is not None
    assert words in broken.violation.reason
    others = [result for result in results if result.clause.startswith("BN") and result.clause != "BN-26"]
    assert {result.outcome for result in others} == {Outcome.ERROR}
    assert all("(CT-2)" in result.reason for result in others)


def test_a_fault_of_the_target_is_not_a_violation() -> None:
    def softmax(z: Array) -> Array:
        raise ZeroDivisionError("mine")

    subject = GuardedSubject(softmax, OPERATIONS["softmax"])
    with pytest.raises(TargetFault, match="softmax raised ZeroDivisionError: mine"):
        subject.form(np.ones((1, 1)))
