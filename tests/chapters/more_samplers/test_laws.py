"""The laws of the samplers beyond the notes: no sound one is refused, and each mistake breaks its own clauses."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import product
from math import exp
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import check, identify
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered
from nnlaws.authoring.variant import SoundVariant
from nnlaws.chance import shifted
from nnlaws.chance.discrete import Discrete
from nnlaws.chapters import CHAPTERS, OPERATIONS
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import LawResult, Outcome, Report
from nnlaws.rounding.formats import format_of
from nnlaws_reference import sobol
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import silence

CHAPTER = CHAPTERS["more_samplers"]
DOUBLE = format_of(np.dtype(np.float64))
NAMES = [operation.name for operation in CHAPTER.operations]


def judged(name: str, function: Callable[..., Any], **more: Any) -> Report:
    return check(SimpleNamespace(**{name: function}, **more), operations=[name], profile="quick")


def broken(report: Report) -> dict[str, LawResult]:
    """What does not conform, by clause; that another process does not find a function is no fault of it."""
    good = (Outcome.CONFORMS, Outcome.NOT_OFFERED, Outcome.DECLARED)
    return {each.clause: each for each in reversed(report.results) if each.outcome not in good}


def variant(name: str) -> SoundVariant:
    (found,) = [each for each in CHAPTER.sound if each.name == name]
    return found


@pytest.mark.sampled
@pytest.mark.parametrize("each", CHAPTER.sound, ids=lambda each: each.name)
def test_sound_samplers_are_never_refused_and_far_from_it(each: SoundVariant) -> None:
    """Over fresh seeds, of every law."""
    operation = OPERATIONS[each.operation]
    subject, ruler = GuardedSubject(each.function, operation), Ruler(operation, DOUBLE, each.conventions)
    for law in (law for law in CHAPTER.laws_of(operation) if law.clause.startswith("MS-")):
        for seed in range(5):
            for case in law.trials:
                inputs = law.build(replace(case, seed=1000 * seed + case.seed), DOUBLE)
                with silence(), suppress(NotOffered):  # in another process
                    assert law.evidence(subject, ruler, inputs).ratio < 0.6, (law.id, seed)


MISTAKES = {
    "quantised_uniform.rounded": {"MS-1"},
    "quantised_uniform.in_multiples_of_the_step": {"MS-1", "MS-4"},
    "quantised_uniform.multiples_cut_off": {"MS-1", "MS-4"},
    "quantised_uniform.upper_end_missing": {"MS-1"},
    "quantised_uniform.in_float16": {"MS-4"},
    "log_integers.never_high": {"MS-2"},
    "log_integers.uniform": {"MS-2"},
    "log_integers.not_rounded": {"MS-2", "MS-4"},
    "weighted_choice.softmax": {"MS-3", "MS-4"},
    "weighted_choice.zero_weight_drawn": {"MS-4"},
    "latin_hypercube.drawn_for_permuted": {"MS-9"},
    "latin_hypercube.in_the_lower_half": {"MS-10"},
    "latin_hypercube.one_permutation": {"MS-11"},
    "latin_hypercube.last_axes_together": {"MS-11"},
    "sobol.shifted_modulo_one": {"MS-13"},
    "sobol.one_shift": {"MS-14"},
    "sobol.one_polynomial": {"MS-13"},
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_breaks_the_clauses_that_it_should_and_no_others(name: str) -> None:
    (mutant,) = [each for each in CHAPTER.mutants if each.name == name]
    found = set(broken(judged(mutant.operation, mutant.function)))
    assert found == MISTAKES[name]


CONVENTIONS = [each for each in CHAPTER.sound if each.conventions and each.conventions != {"parts": "equal"}]
every_convention = pytest.mark.parametrize("each", CONVENTIONS, ids=lambda each: each.name)


@every_convention
def test_conventions_that_are_not_declared_are_the_cause(each: SoundVariant) -> None:
    ((name, value),) = each.conventions.items()
    for result in broken(judged(each.operation, each.function)).values():
        assert result.violation is not None
        assert result.violation.cause is not None, result.law
        assert result.violation.cause.name == f"{name} = {value}"


@every_convention
def test_declared_conventions_conform_as_declared(each: SoundVariant) -> None:
    report = judged(each.operation, each.function, conventions=each.conventions)
    assert report.conforms
    assert not broken(report)


@every_convention
def test_conventions_that_are_declared_wrongly_violate(each: SoundVariant) -> None:
    report = judged(each.operation, OPERATIONS[each.operation].reference, conventions=each.conventions)
    assert any(result.outcome is Outcome.VIOLATES for result in report.results)


@pytest.mark.sampled
@every_convention
def test_conventions_are_identified(each: SoundVariant) -> None:
    found = identify(SimpleNamespace(**{each.operation: each.function}), profile="quick")
    assert found.declaration == each.conventions


def test_equal_parts_are_told_from_the_clause_s_own_by_many_draws() -> None:
    """From 1 to 2 by 0.0045 nats a draw: 2,000 draws say nothing of that, 16,000 do."""
    equal = variant("log_integers.in_equal_parts")
    for function, conventions in ((equal.function, {}), (OPERATIONS["log_integers"].reference, equal.conventions)):
        more = SimpleNamespace(log_integers=function, conventions=conventions)
        for profile, conforms in (("ci", True), ("thorough", False)):
            report = check(more, laws=["log_integers.distribution"], profile=profile, seed=1)
            assert report.conforms is conforms


def test_of_equal_points_the_seed_is_the_cause_and_no_convention() -> None:
    """PyTorch's: what is cut off a seed is not the sequence itself."""

    def cut(*, size: int, axes: int, seed: int) -> Array:
        return sobol(size=size, axes=axes, seed=seed % 2**32)

    (result,) = broken(judged("sobol", cut)).values()
    assert result.clause == "MS-7"
    assert result.violation is not None
    assert result.violation.cause is not None
    assert "32 bits of the seed count" in result.violation.cause.fault


def test_reasons_say_what_a_stranger_understands() -> None:
    def reason(name: str, clause: str) -> str:
        (mutant,) = [each for each in CHAPTER.mutants if each.name == name]
        violation = broken(judged(mutant.operation, mutant.function))[clause].violation
        assert violation is not None
        return violation.reason

    assert "times where about" in reason("quantised_uniform.upper_end_missing", "MS-1")
    assert "of 2000 draws it is beyond chance (10^" in reason("weighted_choice.squared", "MS-3")
    assert "of the draws are none of the values" in reason("weighted_choice.zero_weight_drawn", "MS-4")
    assert "equal parts have none of the" in reason("latin_hypercube.drawn_for_permuted", "MS-9")
    assert "in the lower half of their strata" in reason("latin_hypercube.in_the_lower_half", "MS-10")
    assert "equal boxes on the first 2 axes one has 2 points, not 1" in reason("sobol.shifted_modulo_one", "MS-13")


# ---- The statistics of values that are not as likely -----------------------------------------------------------------


def test_a_number_stands_for_its_part_of_the_unit_interval() -> None:
    law = Discrete(3, lambda k: np.array([0.0, 0.25, 0.25, 1.0])[k.astype(int)])
    u = law.uniform(np.array([0.0, 2.0, 2.0]), np.random.default_rng(0))
    assert 0 <= u[0] <= 0.25
    assert (u[1:] >= 0.25).all()
    assert law.shares.tolist() == [0.25, 0.0, 0.75]


def test_densities_of_mistaken_laws_have_the_mean_1_and_are_not_too_high() -> None:
    law = Discrete(4, lambda k: k / 4)
    half = Discrete(4, lambda k: np.clip((k - 0.5) / 3, 0, 1))
    (density,) = law.mistaken([half, Discrete(4, lambda k: k / 4)])[:1]
    u = (np.arange(4000) + 0.5) / 4000
    assert density(u).mean() == pytest.approx(1)
    assert density(np.array([0.1, 0.3])).tolist() == pytest.approx([4 / 6, 4 / 3])
    rare = Discrete(2, lambda k: np.array([0.0, 1e-4, 1.0])[k.astype(int)])
    assert rare.mistaken([Discrete(2, lambda k: k / 2)]) == ()
    assert Discrete(1 << 13, lambda k: k / (1 << 13)).mistaken([law]) == ()


def test_a_shifted_stream_of_uneven_values_is_bet_on_fairly() -> None:
    """The mean of E over all pairs of streams of two draws, by their chances: 1 at most."""
    chances, mean = (0.7, 0.3), 0.0
    for values in product((0, 1), repeat=4):
        streams = np.array(values, dtype=np.float64).reshape(2, 2)
        likely = float(np.prod([chances[value] for value in values]))
        mean += likely * exp(shifted(streams, 1 / 0.7).highest)
    assert mean <= 1


@pytest.mark.parametrize("operation", CHAPTER.operations, ids=str)
def test_what_is_no_array_is_an_outcome(operation: Any) -> None:
    for made in (lambda x: None, lambda x: x.astype(str), lambda x: x + 1j, lambda x: x[..., None]):

        def function(*given: Any, made: Any = made, **options: Any) -> Any:
            return made(operation.reference(*given, **options))

        assert broken(judged(operation.name, function))["MS-8"].outcome in (Outcome.VIOLATES, Outcome.ERROR)
