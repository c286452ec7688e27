"""Laws must not bark: every sound variant conforms; what it would have to declare is named; grades are told apart."""

from collections.abc import Callable
from inspect import signature

import numpy as np
import pytest
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters import OPERATIONS, SOUND
from nnlaws.harness.planning import find, plan
from nnlaws.harness.run import run
from nnlaws.harness.search import evaluate
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.report import LawResult, Outcome
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence


def test_there_are_sound_variants_enough() -> None:
    assert len(SOUND) >= 6
    assert {variant.operation for variant in SOUND} == set(OPERATIONS)


def judged(variant: SoundVariant, dtype: str, conventions: dict[str, str], seed: int | None = None) -> list[LawResult]:
    """A quick check of a variant that declares these, by what rounding could break; by the rest of the contract the
    soak judges it (docs/trust.md), and test_adapters.py the reference.
    """
    target = Target(variant.name, "", {variant.operation: variant.function}, (dtype,), conventions)
    selection = Selection(operations=(variant.operation,), profile="quick", seed=seed)
    tasks = [task for task in plan(target, selection) if task.clause == "CT-6" or not task.clause.startswith("CT")]
    return [run(task, target, selection) for task in tasks]


def _dtypes(operation: str) -> list[str]:
    """Those that it is judged in."""
    return [*DTYPES] if OPERATIONS[operation].arrays else ["float64"]


def _in_turn() -> list[tuple[SoundVariant, str]]:
    """Every variant in one dtype, the next variant of an operation in the next one, and every operation in all dtypes:
    the soak (docs/trust.md) has seen every variant in each.

    Those that declare a convention are held to bounds that no others are: they come in float16 besides, whose range is
    the smallest.
    """
    pairs: list[tuple[SoundVariant, str]] = []
    for operation in OPERATIONS:
        own, dtypes = [variant for variant in SOUND if variant.operation == operation], _dtypes(operation)
        turns = range(max(len(own), len(dtypes)))
        pairs += [(own[turn % len(own)], dtypes[turn % len(dtypes)]) for turn in turns]
    pairs += [(each, "float16") for each in SOUND if each.conventions and "float16" in _dtypes(each.operation)]
    return list({(variant.name, dtype): (variant, dtype) for variant, dtype in pairs}.values())


@pytest.mark.sampled
@pytest.mark.parametrize(("variant", "dtype"), _in_turn(), ids=lambda each: getattr(each, "name", each))
def test_every_sound_variant_conforms(variant: SoundVariant, dtype: str) -> None:
    results = judged(variant, dtype, variant.conventions)
    if "save_at" not in signature(variant.function).parameters:
        results = [result for result in results if result.clause not in ("OP-17", "MO-11")]  # not offered
    declared = Target("", "", {}, (dtype,), variant.conventions).conventions_for(variant.operation, dtype)
    expected = Outcome.DECLARED if declared else Outcome.CONFORMS
    assert {result.outcome for result in results} == {expected}, [r for r in results if r.outcome is not expected]


def test_every_operation_has_a_sound_variant_judged_in_every_dtype() -> None:
    assert {(variant.operation, dtype) for variant, dtype in _in_turn()} == {
        (operation, dtype) for operation in OPERATIONS for dtype in _dtypes(operation)
    }


def variant_of(name: str) -> SoundVariant:
    (variant,) = [variant for variant in SOUND if variant.name == name]
    return variant


def undeclared(name: str, law: str, dtype: str = "float32") -> LawResult:
    """What a law says of a sound variant that declares nothing."""
    variant = variant_of(name)
    target = Target(name, "", {variant.operation: variant.function}, (dtype,))
    selection = Selection(operations=(variant.operation,), laws=(law,))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    return result


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "law", "cause"),
    [
        ("softmax.exp_of_z_minus_lse", "any_size_of_logits", "normalisation = lse"),
        ("log_softmax.z_minus_lse", "any_size_of_logits", "normalisation = lse"),
        ("batch_norm_train.one_pass", "variance_value", "variance = one_pass"),
        ("batch_norm_running.batches_in_one_pass", "variance_value", "variance = one_pass"),
        ("batch_norm_train.epsilon_outside", "value", "epsilon = outside"),
        ("batch_norm_train.unbiased_handed_on", "variance_value", "running_variance = unbiased"),
        ("batch_norm_running.weight_of_new", "value", "weight = new"),
        ("batch_norm_running.cumulative", "value", "running_average = cumulative"),
    ],
)
def test_an_undeclared_convention_violates_and_is_named(name: str, law: str, cause: str) -> None:
    """exp(z − LSE), say, loses digits in LSE: undeclared, that breaks SM-6, and the cause is the convention."""
    result = undeclared(name, law)
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert result.violation.cause is not None
    assert result.violation.cause.name == cause


# --- the range of narrow types ---

NARROW = {"arithmetic": "narrow"}


def holds(law: str, function: Callable[..., object], conventions: dict[str, str], case: str) -> bool:
    """Whether a law holds of a function in float16, on one case."""
    of = find(law)
    subject = GuardedSubject(function, of.operation)
    ruler = Ruler(of.operation, format_of(DTYPES["float16"]), conventions)
    with silence():
        return evaluate(of, subject, ruler, Case.parse(case)).holds


@pytest.mark.parametrize(
    ("name", "law", "case"),
    [
        ("batch_norm_train.every_step_narrow", "constant_feature", "3x9,unlike,188,800772"),
        ("batch_norm_train.one_pass_narrow", "constant_feature", "2x1,constant,163,0"),
        ("batch_norm_train.one_pass_narrow", "one_sample", "1x1,constant,163,0"),
        ("batch_norm_running.running_one_pass_narrow", "one_sample", "1x1,constant,163,0"),
    ],
)
def test_where_squares_pass_the_range_declared_narrow_arithmetic_promises_nothing(
    name: str, law: str, case: str
) -> None:
    """3 × 22140 is more than float16 holds, and so is 258²; undeclared that is a violation."""
    variant = variant_of(name)
    assert holds(f"{variant.operation}.{law}", variant.function, variant.conventions, case)
    assert not holds(f"{variant.operation}.{law}", variant.function, {}, case)


@pytest.mark.parametrize("law", ["constant_feature", "one_sample"])
def test_nan_where_squares_are_in_range_is_none_of_narrow_arithmetic(law: str) -> None:
    def nan(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        return np.full_like(z, np.nan), z[0], np.zeros_like(z[0])

    m = "1" if law == "one_sample" else "3"
    assert not holds(f"batch_norm_train.{law}", nan, NARROW, f"{m}x2,constant,20,0")


# --- grades of the variance ---


def grades(name: str, dtype: str = "float32") -> set[str]:
    variant = variant_of(name)
    return {result.grade for result in judged(variant, dtype, variant.conventions, seed=0)}


@pytest.mark.parametrize(
    "name", [f"batch_norm_{each}" for each in ("train.two_pass", "train.wide", "backward.simplified")]
)
def test_two_passes_reach_the_finest_grade(name: str) -> None:
    assert grades(name) == {"", "two_pass"}


@pytest.mark.parametrize("name", ["batch_norm_train.welford", "batch_norm_train.merged_pairs"])
def test_updating_algorithms_are_told_from_two_passes(name: str) -> None:
    """Where means are many deviations; that is nothing to declare."""
    assert "updating" in grades(name)


def test_at_a_mean_of_ten_thousand_deviations_welford_is_worse_than_two_passes_can_be() -> None:
    """33 samples in float32: both are right, and one is right by the finer bound too."""
    law = find("batch_norm_train.variance_value")
    ruler = Ruler(law.operation, format_of(DTYPES["float32"]), {})
    finest: dict[str, float] = {}
    for name in ("batch_norm_train.two_pass", "batch_norm_train.welford"):
        variant = variant_of(name)
        seen = evaluate(law, GuardedSubject(variant.function, law.operation), ruler, Case.parse("33x4,offset,200,0"))
        assert seen.holds
        assert seen.finest is not None
        finest[name] = seen.finest
    assert finest["batch_norm_train.two_pass"] <= 1 < finest["batch_norm_train.welford"]


ALARMS = (
    ("log_softmax.in_base_two", "any_size_of_logits", "float64", "1x2,integers,-2048,0"),
    ("log_softmax.in_base_two", "any_size_of_logits", "float32", "1x2,one,-2044,0"),
    ("log_softmax.in_base_two", "finite_from_finite", "bfloat16", "1x2,constant,-2044,0,@0=0.0"),
    ("log_softmax.in_base_two_after_the_maximum", "finite_from_finite", "bfloat16", "1x2,constant,-2044,0,@0=0.0"),
    ("momentum.rate_inside_ahead", "scale", "float16", "5x7,unlike,6,292310017"),
    ("momentum.heavy_ball", "scale", "float16", "23x7,unlike,0,4100096"),
)
"""What the soak of 29 November called wrong, and is right."""


@pytest.mark.parametrize(("name", "law", "dtype", "case"), ALARMS)
def test_what_was_once_a_false_alarm_is_none(name: str, law: str, dtype: str, case: str) -> None:
    (variant,) = [each for each in SOUND if each.name == name]
    rule, operation = find(f"{variant.operation}.{law}"), OPERATIONS[variant.operation]
    ruler = Ruler(operation, format_of(DTYPES[dtype]), dict(variant.conventions))
    with silence():
        assert evaluate(rule, GuardedSubject(variant.function, operation), ruler, Case.parse(case)).holds


def test_narrow_batch_norm_may_fold_where_the_slope_passes_the_range() -> None:
    """As Flax does in float16: γ/σ is −∞ where γ (z − mean)/σ is 13852."""

    def folded(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        with np.errstate(all="ignore"):
            slope = gamma * (1 / np.sqrt(var + var.dtype.type(eps)))
            return np.asarray((z - mean) * slope + beta)

    operation = OPERATIONS["batch_norm_inference"]
    law, case = find("batch_norm_inference.value"), Case.parse("2x2,small,2,6")
    for conventions, holds in (({"arithmetic": "narrow"}, True), ({}, False)):
        ruler = Ruler(operation, format_of(DTYPES["float16"]), conventions)
        with silence():
            assert evaluate(law, GuardedSubject(folded, operation), ruler, case).holds is holds
