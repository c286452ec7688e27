"""A verdict names a cause only if it is the cause."""

from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters import MUTANTS
from nnlaws.chapters.batch_norm import mutants as batch_norm
from nnlaws.chapters.softmax import mutants as softmax
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run
from nnlaws.harness.targets import Target
from nnlaws.plan import Selection, Task
from nnlaws.report import LawResult, Outcome, Violation
from nnlaws_reference.dtypes import Array

CONVENTIONS = {
    "batch_norm_train.unbiased_variance_returned": "running_variance = unbiased",
    "batch_norm_train.epsilon_outside": "epsilon = outside",
    "batch_norm_train.one_pass": "variance = one_pass",
    "batch_norm_backward.one_pass_in_gradient": "variance = one_pass",
    "batch_norm_running.weight_of_new": "weight = new",
    "batch_norm_running.running_unbiased": "running_variance = unbiased",
    "batch_norm_running.running_one_pass": "variance = one_pass",
    "batch_norm_running.started_by_first_batch": "running_average = first_batch",
    "batch_norm_running.bias_corrected": "running_average = bias_corrected",
    "batch_norm_running.cumulative": "running_average = cumulative",
    "batch_norm_inference.inference_epsilon_outside": "epsilon = outside",
}
"""Mutants that do no more than follow another convention without declaring it: that is what they are named."""

TOLD = {
    "cross_entropy_gradient.gradient_nan_is_zero": "wrong where z holds NaN",
    "batch_norm_train.epsilon_limited": "eps below 1e-05 acts as 1e-05",
}
"""Mutants that are told by what they do: on the inputs of a law, others are like them."""

OWN = [
    mutant
    for place, mutant in enumerate((*softmax.MUTANTS, *batch_norm.MUTANTS))
    if place % 4 == 0 or mutant.name in CONVENTIONS or "one_pass" in mutant.name
]
"""docs/trust.md has all."""


def of_value(task: Task) -> bool:
    """Whether the law compares a result with its formula."""
    return task.law.endswith("value") or task.clause in ("SM-6", "SM-10", "SM-19", "SM-13", "SM-14")


def first_violation(mutant: Mutant) -> LawResult:
    """Of the laws of value that the mutant breaks, the first; or, where it breaks none, of the others."""
    target = Target("mine", "", {mutant.operation: mutant.function})
    dtype = "bfloat16" if "narrow" in mutant.name else "float32"
    selection = Selection(operations=(mutant.operation,), dtypes=(dtype,))
    tasks = sorted(plan(target, selection), key=lambda task: not of_value(task))
    return next(r for r in (run(task, target, selection) for task in tasks) if r.outcome is Outcome.VIOLATES)


@pytest.mark.sampled
@pytest.mark.parametrize("mutant", OWN, ids=lambda mutant: mutant.name)
def test_a_known_mistake_is_named(mutant: Mutant) -> None:
    """The mutant is recognised, and its fix is given; or the convention that it follows is named, or what it does."""
    violation = first_violation(mutant).violation
    assert violation is not None
    assert violation.cause is not None, violation
    assert violation.cause.name == (CONVENTIONS | TOLD).get(mutant.name, mutant.name)
    if mutant.name in CONVENTIONS:
        name, _, value = CONVENTIONS[mutant.name].partition(" = ")
        assert violation.fix.startswith(f'declare conventions = {{"{name}": "{value}"}}')
    elif mutant.name not in TOLD:
        assert violation.fix.startswith(mutant.fix)


def test_an_unknown_mistake_is_told_by_what_it_does() -> None:
    """Half of each logit, in base 2: not among the mutants, and none of them may be blamed."""
    right = next(mutant for mutant in MUTANTS if mutant.name == "softmax.base_two")
    violation = explained_value("softmax", lambda z: right.function(z / 2))
    assert violation.cause is not None
    assert violation.cause.name == "z is taken 0.346574 times"
    assert violation.fix == "take z as it is"


def test_what_is_like_nothing_known_gets_no_cause() -> None:
    violation = explained_value("softmax", lambda z: np.abs(np.sin(np.clip(z, -50, 50))))
    assert violation.cause is None


def explained_value(operation: str, function: Any) -> Violation:
    """The violation of the first law of value, in float64."""
    target = Target("mine", "", {operation: function})
    selection = Selection(operations=(operation,), laws=("softmax.value",), dtypes=("float64",))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    return result.violation


def youngs_and_cramer(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Updating, by sums: errs a little more than Welford's, by no means as one pass does."""
    t = z.dtype.type
    total, squares = z[0].copy(), np.zeros_like(z[0])
    for k in range(2, len(z) + 1):
        total = total + z[k - 1]
        away = t(k) * z[k - 1] - total
        squares = squares + away * away / t(k * (k - 1))
    mean, var = total / t(len(z)), squares / t(len(z)) * t(1 + 2e-6)  # and a little more still
    return ((z - mean) / np.sqrt(var + t(eps)) * gamma + beta).astype(z.dtype), mean, var


def test_a_weaker_bound_is_not_proposed_where_its_algorithm_errs_otherwise() -> None:
    """It would admit whatever errs a little more than is allowed; one pass errs more the larger the mean is."""
    target = Target("mine", "", {"batch_norm_train": youngs_and_cramer}, ("float32",))
    selection = Selection(operations=("batch_norm_train",), laws=("BN-2",))
    results = [run(task, target, selection) for task in plan(target, selection)]
    told = [r.violation for r in results if r.violation is not None]
    assert told
    for violation in told:
        assert "one_pass" not in violation.fix
        assert violation.cause is None or "one_pass" not in violation.cause.name


def test_a_convention_says_what_declaring_it_stops_seeing() -> None:
    one_pass = next(mutant for mutant in batch_norm.MUTANTS if mutant.name == "batch_norm_train.one_pass")
    violation = first_violation(one_pass).violation
    assert violation is not None
    assert "unseen" in violation.fix


def test_two_conventions_together_are_no_one_cause() -> None:
    """From the first batch on, and decay as the weight of the new: neither alone explains the mean."""

    def both(batches: Array, *, decay: float) -> tuple[Array, Array]:
        means, variances = batches.astype(np.float64).mean(axis=1), batches.astype(np.float64).var(axis=1)
        for average in (means, variances):
            for t in range(1, len(batches)):
                average[t] = (1 - decay) * average[t - 1] + decay * average[t]
        return means[-1].astype(batches.dtype), variances[-1].astype(batches.dtype)

    target = Target("mine", "", {"batch_norm_running": both}, ("float32",))
    selection = Selection(laws=("batch_norm_running.value",))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert result.violation.cause is None
    assert "nnlaws identify" in result.violation.fix


def test_an_example_shows_what_its_case_sets() -> None:
    """Not the schedule's usual numbers, of which none shows the fault."""
    mutant = next(each for each in MUTANTS if each.name == "staircase_decay.staircase_by_reciprocal")
    result = first_violation(mutant)
    assert ",every=49.0" in result.replay
    assert result.violation is not None
    assert ("every", "49.0") in [(shown["name"], shown["entries"]) for shown in result.violation.example]
    assert result.violation.cause is not None
    assert result.violation.cause.name == mutant.name


def unshifted(z: Array) -> Array:
    e = np.exp(z)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def causes(operation: str, function: Any, *laws: str, dtype: str = "float32") -> list[str]:
    """Of each violation of these laws, the cause's name and fault."""
    target = Target("mine", "", {operation: function})
    selection = Selection(operations=(operation,), laws=laws, dtypes=(dtype,), profile="quick")
    results = [run(task, target, selection) for task in plan(target, selection)]
    violations = [result.violation for result in results if result.violation is not None]
    return [f"{each.cause.name}: {each.cause.fault}" if each.cause else "" for each in violations]


def test_a_cause_is_told_where_wider_numbers_come_back() -> None:
    """The results are compared as they would be in the dtype: that they are wider is another clause's."""
    known = next(mutant for mutant in MUTANTS if mutant.name == "softmax.unshifted")
    (told,) = causes("softmax", lambda z: known.function(z).astype(np.float64), "softmax.any_size_of_logits")
    assert told == f"{known.name}: {known.fault}"


@pytest.mark.parametrize("stored", ["float32", "float64"])
def test_a_known_mistake_that_is_computed_in_float64_is_named(stored: str) -> None:
    """There e^z overflows from 710 on, and not from 89."""
    (told,) = causes("softmax", lambda z: unshifted(z.astype(np.float64)).astype(stored), "softmax.any_size_of_logits")
    assert told.startswith("softmax.unshifted: ")
    assert told.endswith("here computed in float64")


@pytest.mark.parametrize("law", ["softmax.any_size_of_logits", "softmax.masked_classes", "softmax.at_size"])
def test_a_maximum_that_starts_from_another_number_is_not_taken_for_one_that_starts_from_0(law: str) -> None:
    def started(z: Array) -> Array:
        return unshifted(z - np.maximum(z.max(axis=-1, keepdims=True), z.dtype.type(-10000)))

    told = causes("softmax", started, law)
    assert told
    assert not any(each.startswith("softmax.") for each in told)


@pytest.mark.parametrize("delta", [3e-9, 4e-6])
def test_a_logarithm_with_a_floor_of_any_size_is_told_by_it(delta: float) -> None:
    def floored(z: Array, y: Array) -> Array:
        a = unshifted(z - z.max(axis=-1, keepdims=True))
        return np.asarray(-(y * np.log(np.maximum(a, z.dtype.type(delta)))).sum() / len(z)).astype(z.dtype)

    (told,) = causes("cross_entropy", floored, "cross_entropy.value")
    assert f"the logarithm of {delta:.2g}" in told


def test_a_probability_that_is_kept_away_from_0_and_1_is_told_where_the_smallest_example_shows_a_rounding() -> None:
    def clipped(z: Array, y: Array) -> Array:
        a = unshifted(z - z.max(axis=-1, keepdims=True))
        kept = np.clip(a, z.dtype.type(3e-6), z.dtype.type(1 - 3e-6))
        return np.asarray(-(y * np.log(kept)).sum() / len(z)).astype(z.dtype)

    (told,) = causes("cross_entropy", clipped, "cross_entropy.value")
    assert "kept 3e-06 away from 0 and 1" in told
