"""Laws must bite, and must not bark: each kills a mutant, each mutant is killed, and every sound variant conforms."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from inspect import signature
from itertools import product
from typing import Any

import numpy as np
import pytest
from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import Ruler
from nnlaws.cases.case import Case
from nnlaws.evidence import Evidence
from nnlaws.laws import LAWS, Law
from nnlaws.mutants import MUTANTS, Mutant, batch_norm, contract, decay, optimizers, softmax
from nnlaws.operations import OPERATIONS
from nnlaws.runner import evaluate, find, plan, run, search
from nnlaws.sound import SOUND, SoundVariant
from nnlaws.sound import batch_norm as sound_batch_norm
from nnlaws.subject import GuardedSubject, TargetFault, silence
from nnlaws.targets import Target
from nnlaws.verdict import LawResult, Outcome, Selection
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec import clauses

LOOKS = tuple(product(("quick", "ci"), ("float32", "bfloat16", "float64")))
"""How hard and in which dtype to look for what a mutant breaks: the cheap way first, which is nearly always enough."""

KILLS = Counter[str]()
"""How many laws each mutant has broken: those that have broken most are tried first on the next law."""


@cache
def breaks(mutant: Mutant, law: Law, profile: str, dtype: str) -> bool:
    """Whether results of the mutant contradict the law; that it raises, or returns a wrong shape, is no such result."""
    ruler = Ruler(law.operation, format_of(DTYPES[dtype]), {})
    subject = GuardedSubject(mutant.function, law.operation)
    with silence():
        seen = search(law, subject, ruler, mutant.name, Selection(profile=profile), shrink=False)
    return any(isinstance(failure, Evidence) for _, failure in seen.failures)


def first_broken(mutant: Mutant) -> str:
    """A law that the mutant breaks, or nothing; those that its fault is about come first."""
    laws = [law for law in LAWS if law.operation.name == mutant.operation]
    if mutant in contract.MUTANTS and not mutant.computes_in:
        laws.reverse()
    looks = sorted(LOOKS, key=lambda look: bool(mutant.computes_in) and look[1] != "float64")
    return next((law.id for look in looks for law in laws if breaks(mutant, law, *look)), "")


def killer(law: Law) -> str:
    """A mutant that breaks the law, or nothing."""
    mutants = sorted((m for m in MUTANTS if m.operation == law.operation.name), key=lambda m: -KILLS[m.name])
    found = next((mutant.name for look in LOOKS for mutant in mutants if breaks(mutant, law, *look)), "")
    KILLS[found] += 1
    return found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_killed(mutant: Mutant) -> None:
    assert first_broken(mutant), f"{mutant.name} ({mutant.fault}) breaks no law"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.clause}-{law.id}")
def test_every_law_kills_a_mutant(law: Law) -> None:
    """`pytest -s` shows which."""
    found = killer(law)
    print(f"{law.clause:<6} {law.id:<56} {found}")
    assert found, f"no mutant breaks {law.id}: {law.statement}"


def test_every_clause_has_a_law() -> None:
    assert {law.clause for law in LAWS} == set(clauses())


def test_there_are_mutants_enough() -> None:
    """At least 12 of softmax and its gradient, and of each operation of others; the contract's do not count."""
    assert sum(mutant.operation in ("softmax", "cross_entropy_gradient") for mutant in softmax.MUTANTS) >= 12
    for chapter in (batch_norm, optimizers, decay):
        assert min(Counter(mutant.operation for mutant in chapter.MUTANTS).values()) >= 12
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.operation for mutant in MUTANTS} == set(OPERATIONS)


def test_there_are_sound_variants_enough() -> None:
    assert len(SOUND) >= 6
    assert {variant.operation for variant in SOUND} == set(OPERATIONS)


def judged(variant: SoundVariant, dtype: str, conventions: dict[str, str], seed: int | None = None) -> list[LawResult]:
    """A quick check of a variant that declares these; the contract, which no rounding breaks, in wide dtypes alone."""
    target = Target(variant.name, "", {variant.operation: variant.function}, (dtype,), conventions)
    selection = Selection(operations=(variant.operation,), profile="quick", seed=seed)
    idle = () if dtype in ("float32", "float64") else ("CT-1", "CT-2", "CT-3", "CT-5")
    return [run(task, target, selection) for task in plan(target, selection) if task.clause not in idle]


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


@pytest.mark.parametrize(("variant", "dtype"), _in_turn(), ids=lambda each: getattr(each, "name", each))
def test_every_sound_variant_conforms(variant: SoundVariant, dtype: str) -> None:
    results = judged(variant, dtype, variant.conventions)
    if "save_at" not in signature(variant.function).parameters:
        results = [result for result in results if result.clause != "OP-17"]  # not offered
    declared = Target("", "", {}, (dtype,), variant.conventions).conventions_for(variant.operation, dtype)
    expected = Outcome.DECLARED if declared else Outcome.CONFORMS
    assert {result.outcome for result in results} == {expected}, [r for r in results if r.outcome is not expected]


def test_every_operation_has_a_sound_variant_judged_in_every_dtype() -> None:
    assert {(variant.operation, dtype) for variant, dtype in _in_turn()} == {
        (operation, dtype) for operation in OPERATIONS for dtype in _dtypes(operation)
    }


def undeclared(name: str, law: str, dtype: str = "float32") -> LawResult:
    """What a law says of a sound variant that declares nothing."""
    (variant,) = [variant for variant in SOUND if variant.name == name]
    target = Target(name, "", {variant.operation: variant.function}, (dtype,))
    selection = Selection(operations=(variant.operation,), laws=(law,))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    return result


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


# --- grades of the variance ---


def grades(name: str, dtype: str = "float32") -> set[str]:
    (variant,) = [variant for variant in sound_batch_norm.SOUND if variant.name == name]
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
        (variant,) = [variant for variant in SOUND if variant.name == name]
        seen = evaluate(law, GuardedSubject(variant.function, law.operation), ruler, Case.parse("33x4,offset,200,0"))
        assert seen.holds
        assert seen.finest is not None
        finest[name] = seen.finest
    assert finest["batch_norm_train.two_pass"] <= 1 < finest["batch_norm_train.welford"]


# --- refusals ---

TRAIN, BACKWARD, RUNNING, INFERENCE = (
    "batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference",
)  # fmt: skip
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


@pytest.mark.parametrize(("when", "operation", "clause"), ALLOWED)
def test_a_refusal_is_right_where_a_clause_allows_it(when: str, operation: str, clause: str) -> None:
    """And costs nothing elsewhere: no other law depends on what was refused."""
    results = judge(operation, refuse, when)
    assert clause in {result.clause for result in results}
    assert {result.outcome for result in results} == {Outcome.CONFORMS}, results


@pytest.mark.parametrize("operation", [TRAIN, BACKWARD, RUNNING, INFERENCE])
def test_what_always_refuses_conforms_nowhere_else(operation: str) -> None:
    results = judge(operation, refuse, "always")
    allowing = {clause for _, of, clause in ALLOWED if of == operation}
    assert {result.clause for result in results if result.outcome is Outcome.CONFORMS} == allowing
    assert {result.outcome for result in results if result.clause not in allowing} == {Outcome.ERROR}


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
    assert result.outcome is Outcome.ERROR
    assert f"{operation} raised ValueError: refused" in result.reason


@pytest.mark.parametrize(("when", "operation", "clause"), ALLOWED)
def test_nan_is_no_refusal(when: str, operation: str, clause: str) -> None:
    (result,) = judge(operation, nan(operation), when, clause)
    assert result.outcome is Outcome.VIOLATES


@pytest.mark.parametrize(("number", "outcome"), [(np.nan, Outcome.VIOLATES), (7.0, Outcome.DECLARED)])
def test_nan_is_no_unbiased_variance_of_one_sample(number: float, outcome: Outcome) -> None:
    """Where it is declared, any number is admitted, but 0/0 is none."""
    change = changed(RUNNING, lambda both: (both[0], np.full_like(both[1], number)))
    (result,) = judge(RUNNING, change, "one sample", "BN-24", running_variance="unbiased")
    assert result.outcome is outcome


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
        subject.raw(np.ones((1, 1)))
