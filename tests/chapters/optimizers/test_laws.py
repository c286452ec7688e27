"""Optimizers judged from outside: each mistake breaks its own clause, and each convention is found and named."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws
import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws.chapters import OPERATIONS
from nnlaws.harness.targets import Target
from nnlaws.identification import identify
from nnlaws.report import LawResult, Outcome, Report
from nnlaws_reference.dtypes import Array

CONFORMS, VIOLATES, ERROR, NOT_OFFERED = Outcome.CONFORMS, Outcome.VIOLATES, Outcome.ERROR, Outcome.NOT_OFFERED
SAVING = ("momentum", "rmsprop", "adam", "adamw")
VALUE = {"exponential_average": "OP-1", "momentum": "OP-8", "rmsprop": "OP-9", "adam": "OP-10", "adamw": "OP-11"}

Function = Callable[..., Array]


def boxed(name: str, **conventions: str) -> Function:
    """The formula by these conventions, evaluated in float64 and rounded once: sound, and without `save_at`."""

    def function(*arrays: Array, **options: Any) -> Array:
        wide = (array.astype(np.float64) for array in arrays)
        result: Array = OPERATIONS[name].formula(*wide, **options, **conventions)
        return result.astype(arrays[-1].dtype)

    return function


def momentum(
    theta: Array, grads: Array, *, learning_rate: Any, beta: float, save_at: int | None = None, lost: bool = False
) -> Array:
    """As the notes have it; if `lost`, its velocity is not among what is saved."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    here, v, iterates = theta.astype(np.float64), np.zeros(theta.shape), []
    for t, (g, rate) in enumerate(zip(grads.astype(np.float64), rates, strict=True)):
        v = beta * (0 * v if lost and t == save_at else v) + (1 - beta) * g
        here = here - rate * v
        iterates.append(here)
    return np.array(iterates).astype(theta.dtype)


def forgetting(theta: Array, grads: Array, *, learning_rate: Any, beta: float, save_at: int | None = None) -> Array:
    return momentum(theta, grads, learning_rate=learning_rate, beta=beta, save_at=save_at, lost=True)


def judge(name: str, function: Function, *laws: str, dtype: str = "float32", **declared: Any) -> Report:
    """Quickly, by all laws of the operation or by these."""
    target = SimpleNamespace(**{name: function}, **declared)
    return nnlaws.check(target, operations=[name], laws=laws, dtypes=[dtype], profile="quick")


def but(report: Report, outcome: Outcome = CONFORMS) -> dict[str, LawResult]:
    """By clause, the results of any other outcome."""
    return {result.clause: result for result in report.results if result.outcome is not outcome}


# --- OP-17 ---


@pytest.mark.sampled
@pytest.mark.parametrize("name", SAVING)
def test_an_optimizer_without_save_at_conforms_and_is_not_judged_by_its_saved_state(name: str) -> None:
    report = judge(name, boxed(name))
    (resumed,) = but(report).values()
    assert (resumed.clause, resumed.outcome) == ("OP-17", NOT_OFFERED)
    assert resumed.reason == f"{name} does not take save_at: whether its state can be saved is not judged"
    assert (report.conforms, report.exit_code) == (True, 0)


def test_what_is_not_judged_is_skipped_in_its_own_words() -> None:
    """Momentum is offered: only its saved state is not."""
    test = nnlaws.as_test(
        SimpleNamespace(momentum=boxed("momentum")), laws=["OP-17"], operations=["momentum"], profile="quick"
    )
    (mark,) = test.pytestmark  # type: ignore[attr-defined]
    with pytest.raises(pytest.skip.Exception, match=r"^momentum does not take save_at: "):
        test(task=mark.args[1][0])


BARE = """\
import numpy as np


def momentum(theta, grads, *, learning_rate, beta):
    rates = np.broadcast_to(learning_rate, (len(grads),)).astype(theta.dtype)
    v, iterates = np.zeros_like(theta), []
    for g, rate in zip(grads, rates):
        v = theta.dtype.type(beta) * v + theta.dtype.type(1 - beta) * g
        theta = theta - rate * v
        iterates.append(theta)
    return np.array(iterates)
"""


def test_a_law_that_is_not_offered_is_no_pass_when_it_is_replayed(
    write: Callable[..., str], command: Callable[..., Any]
) -> None:
    replayed = command("replay", f"momentum.resumed/float32/3x2,normal,1,0/{write(BARE, whole=True)}")
    assert (replayed.code, replayed.out) == (3, "")
    assert "momentum does not take save_at" in replayed.err
    checked = command(
        "check", "target.py", "--law", "OP-17", "--law", "OP-8", "--profile", "quick", "--junit", "out.xml"
    )
    assert checked.code == 0, checked.out
    assert Path("out.xml").read_text().count('<skipped message="momentum does not take save_at') == 2


def test_a_saved_state_that_goes_on_conforms() -> None:
    assert not but(judge("momentum", momentum))


def test_a_state_that_is_not_saved_breaks_that_clause_alone() -> None:
    broken = but(judge("momentum", forgetting))
    assert {clause: result.outcome for clause, result in broken.items()} == {"OP-17": VIOLATES}
    seen = broken["OP-17"].violation
    assert seen is not None
    assert seen.expected == "the iterate of the run that was not interrupted"
    assert "save_at" in {given["name"] for given in seen.example}


# --- a mistake breaks its own clause ---


def test_one_rate_for_all_steps_errs_where_there_is_one_a_step_and_nowhere_else() -> None:
    def adam(theta: Array, grads: Array, *, learning_rate: float, **options: float) -> Array:
        if not isinstance(learning_rate, float):
            raise TypeError("learning_rate must be a float")
        return boxed("adam")(theta, grads, learning_rate=learning_rate, **options)

    report = judge("adam", adam)
    broken = but(report)
    assert {clause: result.outcome for clause, result in broken.items()} == {"OP-12": ERROR, "OP-17": NOT_OFFERED}
    assert broken["OP-12"].reason == "adam raised TypeError: learning_rate must be a float"
    assert "adam.changing_rate_value/float32/" in broken["OP-12"].replay
    assert (report.conforms, report.exit_code) == (False, 1)


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["gradient_descent", *SAVING])
def test_zero_gradients_that_give_nan_break_their_clause(name: str) -> None:
    def blank(theta: Array, grads: Array, **options: Any) -> Array:
        iterates = boxed(name)(theta, grads, **options)
        return iterates if grads.any() or len(grads) < 2 else np.full_like(iterates, np.nan)

    (result,) = judge(name, blank, "OP-14").results
    assert result.outcome is VIOLATES
    assert result.violation is not None
    assert "nan" in result.violation.got + result.violation.result
    assert judge(name, boxed(name), "OP-14").conforms


def test_an_average_of_the_last_value_is_seen_to_know_the_future() -> None:
    """Where all values are alike, it is right."""

    def average(values: Array, **options: Any) -> Array:
        return boxed("exponential_average")(np.repeat(values[-1:], len(values), axis=0), **options)

    report = judge("exponential_average", average, "OP-4", "OP-16", "OP-15")
    assert {result.clause: result.outcome for result in report.results} == {
        "OP-4": CONFORMS, "OP-15": CONFORMS, "OP-16": VIOLATES,
    }  # fmt: skip


def test_coordinates_that_share_a_root_are_seen_together() -> None:
    def rmsprop(theta: Array, grads: Array, **options: Any) -> Array:
        alike = np.broadcast_to(np.sqrt(np.square(grads.astype(np.float64)).mean(axis=1))[:, None], grads.shape)
        steps = boxed("rmsprop")(np.zeros(theta.shape), alike, **options) * np.sign(grads.astype(np.float64))
        iterates: Array = (theta + steps).astype(theta.dtype)
        return iterates

    report = judge("rmsprop", rmsprop, "OP-15", "OP-16", "CT-3")
    assert {result.clause for result in report.results if result.outcome is VIOLATES} == {"OP-15"}


def test_epochs_from_1_start_below_the_initial_rate() -> None:
    def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
        return boxed("inverse_time_decay")(epoch + epoch.dtype.type(1), initial=initial, rate=rate)

    broken = but(judge("inverse_time_decay", inverse_time_decay))
    assert broken.keys() == {"LR-1", "LR-5"}
    assert {result.outcome for result in broken.values()} == {VIOLATES}


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", ["gradient_descent", "rmsprop", "adam", "staircase_decay", "exponential_average"])
def test_the_formula_rounded_once_conforms_in_every_dtype(name: str, dtype: str) -> None:
    """In float64 it is rounded at every step, in the formula's own order."""
    assert set(but(judge(name, boxed(name), dtype=dtype))) <= {"OP-17"}


# --- conventions ---


def variants(name: str) -> list[dict[str, str]]:
    """Every combination of the conventions that the chapter names for the operation."""
    found: list[dict[str, str]] = [{}]
    operation = OPERATIONS[name]
    for convention in operation.changing:
        named = operation.choices("float64")[convention]
        found = [{**each, **more} for each in found for more in ({}, *({convention: value} for value in named))]
    return found


COMBINATIONS = [(name, each) for name in VALUE for each in variants(name)]
SINGLE = [(name, each) for name, each in COMBINATIONS if len(each) == 1]


def said(name: str, conventions: Mapping[str, str]) -> str:
    return ", ".join((name, *(f"{key} = {value}" for key, value in conventions.items())))


def test_every_combination_of_conventions_is_among_those_tried() -> None:
    count = {name: sum(each == name for each, _ in COMBINATIONS) for name in VALUE}
    assert count == {"exponential_average": 2, "momentum": 8, "rmsprop": 8, "adam": 5, "adamw": 25}


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "conventions"), COMBINATIONS, ids=[said(*each) for each in COMBINATIONS])
def test_the_conventions_of_a_black_box_are_found(name: str, conventions: dict[str, str]) -> None:
    found = identify(SimpleNamespace(**{name: boxed(name, **conventions)}), dtypes=["float32"], profile="quick")
    assert found.complete, [str(trial) for each in found.found for trial in each.fitting]
    assert found.declaration == conventions


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "conventions"), SINGLE, ids=[said(*each) for each in SINGLE])
def test_a_convention_that_is_not_declared_is_named_as_the_cause(name: str, conventions: dict[str, str]) -> None:
    """And declared it conforms."""
    (result,) = judge(name, boxed(name, **conventions), f"{name}.value").results
    assert (result.clause, result.outcome) == (VALUE[name], VIOLATES)
    assert result.violation is not None
    assert result.violation.cause is not None, result.violation
    ((key, value),) = conventions.items()
    assert result.violation.cause.name == f"{key} = {value}"
    assert f'declare conventions = {{"{key}": "{value}"}}' in result.violation.fix
    declared = judge(name, boxed(name, **conventions), f"{name}.value", conventions=conventions)
    assert {each.outcome for each in declared.results} == {Outcome.DECLARED}


# --- grades that say nothing ---


@pytest.mark.parametrize(
    ("dtype", "bearing"),
    [
        ("float16", {"arithmetic", "state", "hyperparameters", "parameters"}),
        ("bfloat16", {"arithmetic", "state", "hyperparameters", "parameters"}),
        ("float32", {"hyperparameters"}),
        ("float64", set[str]()),
    ],
)
def test_a_grade_bears_only_where_something_else_would_be_computed_in(dtype: str, bearing: set[str]) -> None:
    """Declared, in a dtype in which it says nothing, it does not turn `conforms` into `conforms as declared`."""
    kept = {"state": "narrow", "parameters": "compensated"}
    grades = {"arithmetic": "narrow", "hyperparameters": "working", **kept}
    assert OPERATIONS["adam"].choices(dtype).keys() - {"adam_form"} == bearing
    target = Target("mine", "", {}, conventions={**grades, "adam_form": "epsilon_hat", "velocity": "heavy_ball"})
    assert target.conventions_for("adam", dtype).keys() == {*bearing, "adam_form"}
    assert target.conventions_for("exponential_decay", dtype).keys() == bearing - kept.keys()
    assert target.conventions_for("softmax", dtype).keys() == bearing & {"arithmetic"}


@pytest.mark.parametrize(("dtype", "tried"), [("float32", 4), ("float64", 2)])
def test_identification_loosens_no_grade_that_says_nothing(dtype: str, tried: int) -> None:
    """Of what fits nothing, every combination is tried: two starts, by as many grades as bear."""
    wrong = SimpleNamespace(exponential_average=lambda values, **options: values + 1)
    (found,) = identify(wrong, dtypes=[dtype], profile="quick").found
    names = {name for trial in found.trials for name in trial.conventions}
    assert names == {"average_start", *(["hyperparameters"] if dtype == "float32" else [])}
    assert (len(found.trials), found.fitting) == (tried, [])


def test_no_grade_that_says_nothing_is_named_as_a_cause() -> None:
    (result,) = judge("exponential_average", lambda values, **options: values + 1, "OP-1", dtype="float64").results
    assert result.violation is not None
    assert not re.search("hyperparameters|state|arithmetic", result.violation.fix)


def test_a_fault_on_some_gradients_hides_nothing_that_is_wrong_with_others() -> None:
    """A case of the chapter's own families says that it does not always fail."""

    def descent(theta: Array, grads: Array, **options: Any) -> Array:
        if theta.size == 1:
            raise ValueError("one coordinate")
        return boxed("gradient_descent")(theta, -grads, **options)

    (result,) = judge("gradient_descent", descent, "gradient_descent.value").results
    assert result.outcome is VIOLATES


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["gradient_descent", *SAVING])
def test_what_rounds_to_the_nearest_has_a_drift_and_is_no_rounding_by_chance(name: str, dtype: str) -> None:
    """Small steps come to nothing, or to twice as much; by chance, to themselves on average (test_sound.py)."""

    def nearest(theta: Array, grads: Array, *, learning_rate: Any, weight_decay: float = 0.0, **options: Any) -> Array:
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        wide, steps_of = grads.astype(np.float64), getattr(reference, name.removesuffix("w"))
        walked = steps_of(np.zeros(theta.shape), wide, learning_rate=rates, **options)  # each step from the last
        steps = np.diff(walked, axis=0, prepend=0.0)
        iterates = np.empty_like(grads)
        for t, rate in enumerate(rates):
            here = theta.astype(np.float64)
            iterates[t] = theta = (here - rate * weight_decay * here + steps[t]).astype(theta.dtype)
        return iterates

    def judged(**declared: str) -> LawResult:
        (result,) = judge(name, nearest, "in_many_coordinates", dtype=dtype, conventions=declared).results
        return result

    wrong = judged(parameters="stochastic")
    assert wrong.outcome is VIOLATES
    assert wrong.violation is not None
    assert wrong.violation.expected == "the mean of all coordinates, where rounding has no drift"
    assert sum(len(each["entries"]) for each in wrong.violation.example) < 500  # of hundreds of numbers the ends
    assert judged(state="narrow").outcome is Outcome.DECLARED
