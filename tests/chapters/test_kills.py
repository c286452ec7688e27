"""Laws must bite: each kills a mutant, and each mutant is killed."""

from collections import Counter
from functools import cache
from itertools import product

import pytest
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import CHAPTERS, LAWS, MUTANTS, OPERATIONS
from nnlaws.chapters.batch_norm import mutants as batch_norm
from nnlaws.chapters.contract import contract_mutants
from nnlaws.chapters.decay import mutants as decay
from nnlaws.chapters.optimizers import mutants as optimizers
from nnlaws.chapters.softmax import mutants as softmax
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence
from nnlaws_spec import clauses

LOOKS = tuple(product(("quick", "ci"), ("float32", "bfloat16", "float64")))
"""How hard and in which dtype to look for what a mutant breaks: the cheap way first, which is nearly always enough."""

CONTRACT = {mutant.name for chapter in CHAPTERS.values() for mutant in contract_mutants(chapter)}
KILLS = Counter[str]()
"""How many laws each mutant has broken: those that have broken most are tried first on the next law."""


@cache
def breaks(mutant: Mutant, law: Law, profile: str, dtype: str) -> bool:
    """Whether results of the mutant contradict the law; that it raises, or returns a wrong shape, is no such result."""
    ruler = Ruler(law.operation, format_of(DTYPES[dtype]), {})
    subject = GuardedSubject(mutant.function, law.operation)
    with silence():
        seen = search(Search(law, subject, ruler, mutant.name, Selection(profile=profile), shrink=False))
    return any(isinstance(failure, Evidence) for _, failure in seen.failures)


def first_broken(mutant: Mutant) -> str:
    """A law that the mutant breaks, or nothing; those that its fault is about come first."""
    laws = [law for law in LAWS if law.operation.name == mutant.operation]
    if mutant.name in CONTRACT and not mutant.computes_in:
        laws.reverse()
    looks = sorted(LOOKS, key=lambda look: bool(mutant.computes_in) and look[1] != "float64")
    return next((law.id for look in looks for law in laws if breaks(mutant, law, *look)), "")


def killer(law: Law) -> str:
    """A mutant that breaks the law, or nothing."""
    mutants = sorted((m for m in MUTANTS if m.operation == law.operation.name), key=lambda m: -KILLS[m.name])
    found = next((mutant.name for look in LOOKS for mutant in mutants if breaks(mutant, law, *look)), "")
    KILLS[found] += 1
    return found


@pytest.mark.sampled
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_killed(mutant: Mutant) -> None:
    assert first_broken(mutant), f"{mutant.name} ({mutant.fault}) breaks no law"


@pytest.mark.sampled
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
