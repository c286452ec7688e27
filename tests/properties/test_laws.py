"""Laws must bite, and must not bark: each kills a mutant, each mutant is killed, and every sound variant conforms."""

from functools import cache

import numpy as np
import pytest
from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import Ruler
from nnlaws.laws import LAWS, Law
from nnlaws.mutants import MUTANTS, Mutant, softmax
from nnlaws.operations import OPERATIONS
from nnlaws.runner import plan, run, search
from nnlaws.sound import SOUND, SoundVariant
from nnlaws.subject import GuardedSubject, TargetFault, silence
from nnlaws.targets import Target
from nnlaws.verdict import Outcome, Selection
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec import clauses

QUICK = Selection(profile="quick")


@cache
def killed_by(mutant: Mutant) -> tuple[str, ...]:
    """The laws that the mutant breaks in float32, or, if none, in bfloat16 or float64."""
    laws = [law for law in LAWS if law.operation.name == mutant.operation]
    for profile in ("quick", "ci"):
        for dtype in ("float32", "bfloat16", "float64"):
            if broken := tuple(law.id for law in laws if breaks(mutant, law, dtype, Selection(profile=profile))):
                return broken
    return ()


def breaks(mutant: Mutant, law: Law, dtype: str, selection: Selection) -> bool:
    ruler = Ruler(law.operation, format_of(DTYPES[dtype]), {})
    with silence():
        return bool(
            search(
                law, GuardedSubject(mutant.function, law.operation), ruler, mutant.name, selection, shrink=False
            ).failures
        )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_killed(mutant: Mutant) -> None:
    assert killed_by(mutant), f"{mutant.name} ({mutant.fault}) breaks no law"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.clause}-{law.id}")
def test_every_law_kills_a_mutant(law: Law) -> None:
    assert any(law.id in killed_by(mutant) for mutant in MUTANTS), f"no mutant breaks {law.id}: {law.statement}"


def test_the_matrix_covers_every_clause() -> None:
    """`pytest -s` shows it: a row a mutant, the clauses that it breaks."""
    clause = {law.id: law.clause for law in LAWS}
    matrix = {mutant.name: list(dict.fromkeys(clause[law] for law in killed_by(mutant))) for mutant in MUTANTS}
    for name, broken in matrix.items():
        print(f"{name:<56} {' '.join(broken)}")
    assert {each for broken in matrix.values() for each in broken} == set(clauses())


def test_there_are_mutants_enough() -> None:
    """At least 12 of softmax and its gradient, not counting those of the contract."""
    assert sum(mutant.operation in ("softmax", "cross_entropy_gradient") for mutant in softmax.MUTANTS) >= 12
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.operation for mutant in MUTANTS} == set(OPERATIONS)


def test_there_are_sound_variants_enough() -> None:
    assert len(SOUND) >= 6
    assert {variant.operation for variant in SOUND} == set(OPERATIONS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", SOUND, ids=lambda variant: variant.name)
def test_every_sound_variant_conforms(variant: SoundVariant, dtype: str) -> None:
    target = Target(variant.name, "", {variant.operation: variant.function}, (dtype,), variant.conventions)
    results = [
        run(task, target, QUICK) for task in plan(target, Selection(operations=(variant.operation,), profile="quick"))
    ]
    expected = Outcome.DECLARED if target.conventions_for(variant.operation, dtype) else Outcome.CONFORMS
    assert {result.outcome for result in results} == {expected}, [r for r in results if r.outcome is not expected]


@pytest.mark.parametrize("name", ["softmax.exp_of_z_minus_lse", "log_softmax.z_minus_lse"])
def test_an_undeclared_grade_violates_and_is_named(name: str) -> None:
    """exp(z − LSE) loses digits in LSE: undeclared, that breaks SM-6, and the cause is the convention."""
    (variant,) = [variant for variant in SOUND if variant.name == name]
    target = Target(name, "", {variant.operation: variant.function}, ("float32",))
    selection = Selection(operations=(variant.operation,), laws=("any_size_of_logits",))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert result.violation.cause is not None
    assert result.violation.cause.name == "normalisation = lse"


def test_a_fault_of_the_target_is_not_a_violation() -> None:
    def softmax(z: Array) -> Array:
        raise ZeroDivisionError("mine")

    subject = GuardedSubject(softmax, OPERATIONS["softmax"])
    with pytest.raises(TargetFault, match="softmax raised ZeroDivisionError: mine"):
        subject.raw(np.ones((1, 1)))
