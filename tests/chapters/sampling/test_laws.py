"""The laws of samplers: no sound one is refused, each mistake breaks its own clauses, and any result is an outcome."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import chance as statistics
from nnlaws import check, identify
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered
from nnlaws.chance import SHARES
from nnlaws.chance import evidence as about_chance
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.chapters.search import chance_laws as about_searches
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import LawResult, Outcome, Report
from nnlaws.rounding.formats import format_of
from nnlaws_reference import sampling
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import silence
from scipy.special import ndtr

Units = Callable[[int, int], Array]
"""From size and seed to numbers in [0, 1)."""

NAMES = [name for name, each in OPERATIONS.items() if chapter_of(each).name == "sampling"]
MAPS: dict[str, Callable[[Array, Any, Any], Array]] = {
    "sample_uniform": lambda u, low, high: low + u * (high - low),
    "sample_log_uniform": lambda u, low, high: low * (high / low) ** u,
    "sample_one_minus_log_uniform": lambda u, low, high: 1 - (1 - low) * ((1 - high) / (1 - low)) ** u,
    "sample_integer": lambda u, low, high: np.floor(low + u * (high - low + 1)),
}
DOUBLE = format_of(np.dtype(np.float64))


def sampler(name: str, units: Units) -> Callable[..., Array]:
    return lambda low, high, *, size, seed: MAPS[name](units(size, seed), low, high)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def laws(name: str) -> list[Law]:
    return [law for law in LAWS if law.operation.name == name]


def judged(name: str, function: Callable[..., Any], **more: Any) -> Report:
    return check(SimpleNamespace(**{name: function}, **more), operations=[name], profile="quick")


def broken(report: Report) -> dict[str, LawResult]:
    """What does not conform, by clause; that another process does not find a function is no fault of it."""
    good = (Outcome.CONFORMS, Outcome.NOT_OFFERED)
    return {each.clause: each for each in reversed(report.results) if each.outcome not in good}


# ---- No false alarms -------------------------------------------------------------------------------------------------

SOUND: dict[str, Units] = {
    "doubles": lambda size, seed: generator(seed).random(size),
    "singles": lambda size, seed: generator(seed).random(size, dtype=np.float32),
    "singles of 23 bits": lambda size, seed: (generator(seed).integers(0, 1 << 23, size) / (1 << 23)).astype(
        np.float32
    ),
    "32 bits": lambda size, seed: generator(seed).integers(0, 1 << 32, size) / 2.0**32,
    "Mersenne twister": lambda size, seed: np.random.RandomState(seed).random_sample(size),
}


PAIRS = [(name, units) for name in NAMES for units in SOUND if name != "sample_integer" or units.startswith(("d", "M"))]
"""Integers from fewer bits would be uneven, 2²³ is no multiple of 9; and of 2⁴⁰ of them most would never come."""


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "units"), PAIRS)
def test_sound_samplers_are_never_refused_and_far_from_it(name: str, units: str) -> None:
    """Over fresh seeds, of every law."""
    subject = GuardedSubject(sampler(name, SOUND[units]), OPERATIONS[name])
    ruler = Ruler(OPERATIONS[name], DOUBLE, {})
    for law in laws(name):
        for seed in range(5):
            for case in law.trials:
                inputs = law.build(replace(case, seed=1000 * seed + case.seed), DOUBLE)
                with silence(), suppress(NotOffered):  # in another process
                    assert law.evidence(subject, ruler, inputs).ratio < 0.6, (law.id, seed)


@pytest.mark.parametrize("law", [law for law in LAWS if law.trials and not law.at_size], ids=lambda law: law.id)
def test_a_law_says_how_many_tests_of_chance_it_makes(law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them asks what share of the rejection threshold has been reached."""
    asked: list[float] = []

    def used(log_e: float) -> float:
        asked.append(log_e)
        return statistics.used(log_e)

    for module in (about_chance, about_searches):
        monkeypatch.setattr(module, "used", used)
    subject, counts = GuardedSubject(law.operation.reference, law.operation), list[int]()
    for case in law.trials:
        asked.clear()
        with silence():
            assert law.evidence(subject, Ruler(law.operation, DOUBLE, {}), law.build(case, DOUBLE)).holds
        counts.append(len(asked))
    assert max(counts) == law.tests


def test_a_whole_run_makes_no_more_tests_of_chance_than_share_its_false_alarms() -> None:
    assert 60 < sum(law.tests * len(law.trials) for law in LAWS) <= SHARES


# ---- Each mistake breaks its own clauses -----------------------------------------------------------------------------


def following(size: int, seed: int) -> Array:
    """Each draw is nearer the one before than chance has it; all of them are uniform."""
    scores = generator(seed).standard_normal(size)
    for number in range(1, size):
        scores[number] = 0.5 * scores[number - 1] + 0.75**0.5 * scores[number]
    return np.asarray(ndtr(scores))


def twice(size: int, seed: int) -> Array:
    return np.repeat(generator(seed).random(size), 2)[:size]


def later_draws_of_one_stream(size: int, seed: int) -> Array:
    return np.random.Generator(np.random.PCG64(0).advance(seed)).random(size)


def now_and_then_far_out(size: int, seed: int) -> Array:
    u = generator(seed).random(size)
    return np.where(u < 0.002, 1.2 + u, u)


UNSEEDED = generator(1)

MISTAKES: dict[str, tuple[Units, set[str]]] = {
    "skewed": (lambda size, seed: generator(seed).random(size) ** 1.4, {"SA-1"}),
    "short of high": (lambda size, seed: 0.9 * generator(seed).random(size), {"SA-1"}),
    "now and then far out": (now_and_then_far_out, {"SA-5"}),
    "following": (following, {"SA-6"}),
    "each twice": (twice, {"SA-6", "SA-7"}),
    "16 bits": (lambda size, seed: generator(seed).integers(0, 1 << 16, size) / 2.0**16, {"SA-7"}),
    "stratified": (
        lambda size, seed: (generator(seed).permutation(size) + generator(seed).random(size)) / size,
        {"SA-8"},
    ),
    "not seeded": (lambda size, seed: UNSEEDED.random(size), {"SA-9", "CT-3"}),
    "seed ignored": (lambda size, seed: generator(0).random(size), {"SA-10"}),
    "seeds in pairs": (lambda size, seed: generator(seed // 2).random(size), {"SA-10"}),
    "one stream": (later_draws_of_one_stream, {"SA-10"}),
    "steps of a seed": (lambda size, seed: (generator(0).random(size) + 0.618034 * seed) % 1, {"SA-10"}),
    "one too many": (lambda size, seed: generator(seed).random(size + 1), {"SA-11"}),
}
COARSE = ("16 bits", "steps of a seed")  # too coarse for the widest boxes of integers
CONTINUOUS_ALONE = {"each twice": {"SA-7"}, "16 bits": {"SA-7"}, "stratified": {"SA-8"}}


@pytest.mark.sampled
@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_breaks_the_clauses_that_it_should_and_no_others(name: str, mistake: str) -> None:
    """SA-1 stands for the clause of the operation's own distribution. Integers cannot repeat too often."""
    units, expected = MISTAKES[mistake]
    own = f"SA-{1 + NAMES.index(name)}"
    wanted = {own if clause == "SA-1" else clause for clause in expected}
    if name == "sample_integer":
        wanted -= CONTINUOUS_ALONE.get(mistake, set())
        wanted |= {"SA-4"} if mistake in COARSE else set()
    report = judged(name, sampler(name, units))
    found = {clause for clause, each in broken(report).items() if each.outcome is Outcome.VIOLATES}
    assert found == wanted


@pytest.mark.slow
def test_reasons_say_numbers_that_a_stranger_understands() -> None:
    def reason(name: str, mistake: str, clause: str) -> str:
        violation = broken(judged(name, sampler(name, MISTAKES[mistake][0])))[clause].violation
        assert violation is not None
        return violation.reason

    assert "the middle one of them is 0.00" in reason("sample_log_uniform", "skewed", "SA-2")
    assert "where it should be about 0.01; after" in reason("sample_log_uniform", "skewed", "SA-2")
    assert "of 2000 draws it is beyond chance (10^" in reason("sample_log_uniform", "skewed", "SA-2")
    assert "of the integers" in reason("sample_integer", "skewed", "SA-4").replace("the 9 integers", "the integers")
    assert " of the draws are not in the box" in reason("sample_uniform", "now and then far out", "SA-5")
    assert "the ranks of neighbours correlate by 0." in reason("sample_uniform", "following", "SA-6")
    assert "was drawn 2 times, and only 1000 of 2000 draws differ" in reason("sample_uniform", "each twice", "SA-7")
    assert "fall one each into" in reason("sample_uniform", "stratified", "SA-8")
    assert "with the same seed again" in reason("sample_uniform", "not seeded", "SA-9")
    assert reason("sample_uniform", "seed ignored", "SA-10")
    assert reason("sample_uniform", "one too many", "SA-11") == "expected 1 draws, of shape (1,), got shape (2,)"


# ---- Whatever is returned is an outcome ------------------------------------------------------------------------------


class NoArray:
    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("detach() me first")


RETURNED: dict[str, Callable[[Array], Any]] = {
    "a list": lambda x: x.tolist(),
    "None": lambda x: None,
    "strings": lambda x: x.astype(str),
    "objects": lambda x: np.full(x.shape, None),
    "complex numbers": lambda x: x + 1j,
    "float16": lambda x: x.astype(np.float16),
    "long doubles": lambda x: x.astype(np.longdouble) + np.longdouble(0.1),
    "truth values": lambda x: x > 1,
    "a column": lambda x: x[:, None],
    "one number": lambda x: x[0],
    "NaN": lambda x: np.where(x == x.max(), np.nan, x),
    "infinity": lambda x: np.where(x == x.max(), np.inf, x),
    "dates": lambda x: x.astype("M8[s]"),
    "no array at all": lambda x: NoArray(),
}


@pytest.mark.sampled
@pytest.mark.parametrize("returned", RETURNED)
@pytest.mark.parametrize("name", ["sample_log_uniform", "sample_integer"])
def test_what_is_no_row_of_numbers_is_an_outcome(name: str, returned: str) -> None:
    def function(low: Any, high: Any, *, size: int, seed: int) -> Any:
        return RETURNED[returned](getattr(sampling, name)(low, high, size=size, seed=seed).astype(np.float64))

    report = judged(name, function)
    assert broken(report)["SA-11"].outcome in (Outcome.VIOLATES, Outcome.ERROR)
    others = {each.outcome for clause, each in broken(report).items() if clause != "SA-11"}
    assert others <= {Outcome.ERROR, Outcome.FALLS_SHORT}  # laws of numbers have nothing to say of what is none
    assert bool(others) == (returned != "a list")


def test_what_a_sampler_raises_is_an_error_that_says_it() -> None:
    def function(low: Any, high: Any, *, size: int, seed: int) -> Any:
        raise RuntimeError("no more numbers")

    report = judged("sample_uniform", function)
    assert {each.outcome for each in report.results} == {Outcome.ERROR, Outcome.FALLS_SHORT}
    assert report.results[0].reason == "sample_uniform raised RuntimeError: no more numbers"


# ---- Conventions -----------------------------------------------------------------------------------------------------


def half_open(low: int, high: int, *, size: int, seed: int) -> Array:
    return generator(seed).integers(low, high, size)


def reverse_log(low: float, high: float, *, size: int, seed: int) -> Array:
    return low + high - low * (high / low) ** generator(seed).random(size)


CONVENTIONS = [
    ("sample_integer", half_open, "bounds", "half_open"),
    ("sample_one_minus_log_uniform", reverse_log, "complement", "reverse_log"),
]
every_convention = pytest.mark.parametrize(("name", "function", "convention", "value"), CONVENTIONS)


@every_convention
def test_conventions_that_are_not_declared_are_the_cause(name: str, function: Any, convention: str, value: str) -> None:
    (result,) = broken(judged(name, function)).values()
    assert result.clause == ("SA-4" if name == "sample_integer" else "SA-3")
    assert result.violation is not None
    assert result.violation.cause is not None
    assert result.violation.cause.name == f"{convention} = {value}"
    assert f'declare conventions = {{"{convention}": "{value}"}}' in result.violation.fix


@every_convention
def test_declared_conventions_conform_as_declared(name: str, function: Any, convention: str, value: str) -> None:
    report = judged(name, function, conventions={convention: value})
    assert report.conforms
    assert {each.outcome for each in report.results} == {Outcome.DECLARED}


@every_convention
def test_conventions_that_are_declared_wrongly_violate(name: str, function: Any, convention: str, value: str) -> None:
    report = judged(name, getattr(sampling, name), conventions={convention: value})
    assert any(each.outcome is Outcome.VIOLATES for each in report.results)


@every_convention
def test_conventions_are_identified(name: str, function: Any, convention: str, value: str) -> None:
    found = identify(SimpleNamespace(**{name: function}), profile="quick")
    assert found.complete
    assert found.declaration == {convention: value}
    plain = identify(SimpleNamespace(**{name: getattr(sampling, name)}), profile="quick")
    assert plain.complete
    assert plain.declaration == {}
