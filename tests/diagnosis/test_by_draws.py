"""Diagnosis by draws: a mistake is named by how it draws, and none is named that draws otherwise."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS, MUTANTS, OPERATIONS, chapter_of
from nnlaws.diagnosis import by_draws
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import Cause
from nnlaws.rounding.formats import format_of
from nnlaws_reference import sampling, search
from nnlaws_reference.dtypes import Array
from nnlaws_server.callee import silence
from scipy.special import ndtr

Sampler = Callable[..., Any]

LOG, INTEGER = "sample_log_uniform", "sample_integer"


def units(size: int, seed: int) -> Array:
    return np.random.default_rng(seed).random(size)


def reciprocal(low: float, high: float, *, size: int, seed: int) -> Array:
    return 1 / (1 / low + units(size, seed) * (1 / high - 1 / low))


def in_hundredths(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(10.0 ** np.round(np.log10(low) + units(size, seed) * np.log10(high / low), 2))


def ascending(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** np.sort(units(size, seed)))


def now_and_then_nan(low: float, high: float, *, size: int, seed: int) -> Array:
    u = units(size, seed)
    return np.asarray(np.where(u > 0.999, np.nan, low * (high / low) ** u))


def elsewhere(right: Sampler) -> Sampler:
    """The same mistake, with the numbers of other seeds."""

    def function(low: Any, high: Any, *, size: int, seed: int) -> Array:
        u = np.random.RandomState(seed + 12345).random_sample(size)
        return np.asarray(right(low, high, size=size, seed=int(u[0] * 2**40)))

    return function


def grid_on_a_line(space: Any, *, per_axis: int) -> Array:
    axes = [np.linspace(axis.low, axis.high, per_axis) for axis in space]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(space))


def points_by_one_seed(space: Any, *, budget: int, seed: int) -> Array:
    """Each axis from the seed again."""
    return np.concatenate([search.random_search((axis,), budget=budget, seed=seed) for axis in space], axis=1)


KNOWN = (
    Mutant(LOG, f"{LOG}.reciprocal", "1/x is uniform", "take the logarithm", "", reciprocal),
    Mutant(LOG, f"{LOG}.hundredths", "exponents are rounded", "do not round", "", in_hundredths),
    Mutant(LOG, f"{LOG}.ascending", "in ascending order", "do not sort", "", ascending),
    Mutant(LOG, f"{LOG}.nan", "now and then NaN", "never", "", now_and_then_nan),
    Mutant("grid_search", "grid_search.line", "every axis linear", "use scales", "", grid_on_a_line),
    Mutant("random_search", "random_search.one", "one seed for all axes", "one generator", "", points_by_one_seed),
)


def law_of(operation: str, name: str) -> Law:
    return next(law for law in LAWS if law.id == f"{operation}.{name}")


def chapter_knowing(operation: str, known: tuple[Mutant, ...] = KNOWN) -> Chapter:
    """The operation's chapter, with these mistakes alone."""
    chapter = chapter_of(operation)
    names = {each.name for each in chapter.operations}
    return replace(chapter, mutants=tuple(mutant for mutant in known if mutant.operation in names))


def explained(
    operation: str, law: str, function: Sampler, known: tuple[Mutant, ...] = KNOWN, **conventions: str
) -> tuple[Cause | None, str]:
    """What is said of a function that breaks a law: the cause, and what to do."""
    rule, chapter = law_of(operation, law), chapter_knowing(operation, known)
    subject = GuardedSubject(function, OPERATIONS[operation])
    ruler = Ruler(OPERATIONS[operation], format_of(np.dtype(np.float64)), conventions)
    with silence():
        *_, cause, fix = by_draws.explain(chapter, rule, subject, ruler, [(rule.trials[0], Evidence(2.0))])
    return cause, fix


@pytest.mark.parametrize(
    ("law", "function", "name"),
    [
        ("distribution", reciprocal, "reciprocal"),
        ("no_repeats", in_hundredths, "hundredths"),
        ("independent", ascending, "ascending"),
    ],
)
def test_a_mistake_is_known_by_how_it_draws_whatever_the_generator(law: str, function: Sampler, name: str) -> None:
    for each in (function, elsewhere(function)):
        cause, fix = explained(LOG, law, each)
        assert cause is not None
        assert cause.name == f"{LOG}.{name}"
        assert fix in [mutant.fix for mutant in KNOWN]


@pytest.mark.parametrize("law", ["distribution", "no_repeats"])
def test_no_mistake_is_named_that_draws_otherwise(law: str) -> None:
    """Linear draws, each twice, in descending order: no known mistake does that."""

    def function(low: float, high: float, *, size: int, seed: int) -> Array:
        return np.repeat(np.sort(low + (high - low) * units(size, seed))[::-1], 2)[:size]

    cause, fix = explained(LOG, law, function)
    assert cause is None
    assert fix == law_of(LOG, law).fix


def facts(law: str, function: Sampler, operation: str = LOG) -> str:
    """What is told of draws that are like no known mistake's."""
    cause, _ = explained(operation, law, function, ())
    return cause.name if cause else ""


def always_the_same(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.full(size, low * (high / low) ** units(1, seed)[0])


def mirrored(low: float, high: float, *, size: int, seed: int) -> Array:
    u = units((size + 1) // 2, seed)
    return np.asarray(low * (high / low) ** np.concatenate([u, 1 - u])[:size])


def alternating(low: int, high: int, *, size: int, seed: int) -> Array:
    whole = np.random.default_rng(seed).integers(low, high + 1, size) // 2 * 2 + np.arange(size) % 2
    return np.asarray(np.clip(whole, low, high))


def by_low_bits(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** units(size, seed & 0xFFFF))


def by_high_bits(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** units(size, seed >> 2))


def first_shared(low: float, high: float, *, size: int, seed: int) -> Array:
    u = units(size, seed)
    u[:3] = 0.25, 0.5, 0.75
    return np.asarray(low * (high / low) ** u)


def zero_is_no_seed(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** np.random.default_rng(seed or None).random(size))


def never_seeded(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** np.random.default_rng().random(size))


def again_after_500(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** np.resize(units(min(size, 500), seed), size))


def in_sorted_threes(low: float, high: float, *, size: int, seed: int) -> Array:
    u = units(size + 2, seed)
    return np.asarray(low * (high / low) ** np.sort(u[: len(u) // 3 * 3].reshape(-1, 3), axis=1).ravel()[:size])


def by_seeds_modulo_1000(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** units(size, seed % 1000))


def by_folded_seeds(low: float, high: float, *, size: int, seed: int) -> Array:
    return np.asarray(low * (high / low) ** units(size, (seed ^ (seed >> 32)) & 0xFFFFFFFF))


def cut_to_32_bits(low: int, high: int, *, size: int, seed: int) -> Array:
    width = min(high - low, 2**31 - 1)
    return np.asarray(low + np.random.default_rng(seed).integers(0, width, size, endpoint=True))


def in_float32(low: int, high: int, *, size: int, seed: int) -> Array:
    u = np.random.default_rng(seed).random(size, dtype=np.float32)
    return np.asarray((np.float32(low) + np.floor(u * np.float32(high - low + 1))).astype(np.int64).clip(low, high))


def test_what_is_so_of_wide_boxes_alone_is_told() -> None:
    assert facts("distribution", cut_to_32_bits, INTEGER).startswith("of a box 4e+09 wide nothing beyond the first")
    assert "only every 4th whole number is drawn, of its upper half" in facts("last_bits", in_float32, INTEGER)


@pytest.mark.parametrize(
    ("law", "function", "words"),
    [
        ("no_repeats", again_after_500, "draws come again after 500"),
        ("independent", in_sorted_threes, "every 3 draws are in rising order"),
        ("other_seed", by_seeds_modulo_1000, "seeds that are 1000 apart draw the same"),
        ("other_seed", by_folded_seeds, "the high 32 bits of the seed are folded into the low ones"),
        ("distribution", always_the_same, "all draws of a call are equal"),
        ("no_repeats", always_the_same, "all draws of a call are equal"),
        ("independent", ascending, "draws are in rising order"),
        ("seeds_apart", by_low_bits, "only the low 16 bits of the seed count"),
        ("other_seed", by_high_bits, "the lowest 2 bits of the seed do not count"),
        ("seeds_apart", first_shared, "the first 3 of 2000 draws are the same by every seed"),
        ("same_seed", zero_is_no_seed, "seed 0 is not kept to: two calls with it draw differently"),
        ("same_seed", never_seeded, "no seed is kept to: two calls with the same one draw differently"),
        ("distribution", ascending, ""),
        ("distribution", sampling.sample_log_uniform, ""),
        ("seeds_apart", sampling.sample_log_uniform, ""),
        ("other_seed", sampling.sample_log_uniform, ""),
    ],
)
def test_what_is_so_in_draws_is_told_if_it_may_break_the_law(law: str, function: Sampler, words: str) -> None:
    assert facts(law, function) == words


def test_a_mistake_that_cannot_be_judged_by_the_law_is_not_the_cause() -> None:
    """Draws that tell of those two before: like those with a NaN among them, but for the NaN."""

    def function(low: float, high: float, *, size: int, seed: int) -> Array:
        scores = np.random.default_rng(seed).standard_normal(size)
        for number in range(2, size):
            scores[number] = 0.6 * scores[number - 2] + 0.8 * scores[number]
        return np.asarray(low * (high / low) ** ndtr(scores))

    cause, _ = explained(LOG, "independent", function)
    assert cause is None


@pytest.mark.parametrize("law", ["same_seed", "other_seed", "seeds_apart"])
def test_of_seeds_one_call_says_nothing(law: str) -> None:
    assert explained(LOG, law, reciprocal)[0] is None


def test_two_mistakes_that_draw_alike_are_no_cause() -> None:
    twins = (*KNOWN, Mutant(LOG, "twin", "", "", "", elsewhere(reciprocal)))
    assert explained(LOG, "distribution", reciprocal, twins)[0] is None


def test_a_convention_that_would_allow_it_comes_before_any_mistake() -> None:
    def function(low: int, high: int, *, size: int, seed: int) -> Array:
        return np.random.default_rng(seed).integers(low, high, size)

    cause, fix = explained(INTEGER, "distribution", function)
    assert cause is not None
    assert cause.name == "bounds = half_open"
    assert fix == 'declare conventions = {"bounds": "half_open"}, or do as the clause says'
    assert explained(INTEGER, "distribution", sampling.sample_integer, bounds="half_open")[0] is None


def test_a_convention_is_no_cause_where_the_distribution_is_another_still() -> None:
    """Every draw is inside of half-open bounds; but the draws are not as likely as one another there."""

    def function(low: int, high: int, *, size: int, seed: int) -> Array:
        return np.asarray(np.floor(low + units(size, seed) ** 2 * (high - low)))

    assert explained(INTEGER, "distribution", function)[0] is None


def test_what_has_no_chances_has_to_be_the_same() -> None:
    cause, _ = explained("grid_search", "own_scale", grid_on_a_line)
    assert cause is not None
    assert cause.name == "grid_search.line"

    def shifted(space: Any, *, per_axis: int) -> Array:
        return grid_on_a_line(space, per_axis=per_axis) * (1 + 1e-6)

    assert explained("grid_search", "own_scale", shifted)[0] is None


def test_points_are_compared_axis_by_axis_and_with_one_another() -> None:
    """Points whose axes go together, by another generator; and points whose axes do not."""

    def other(space: Any, *, budget: int, seed: int) -> Array:
        return points_by_one_seed(space, budget=budget, seed=seed + 99)

    cause, _ = explained("random_search", "independent_axes", other)
    assert cause is not None
    assert cause.name == "random_search.one"

    def ordered(space: Any, *, budget: int, seed: int) -> Array:
        return np.sort(search.random_search(space, budget=budget, seed=seed), axis=0)

    assert explained("random_search", "independent_axes", ordered)[0] is None


RETURNED: dict[str, Callable[[Array], Any]] = {
    "strings": lambda x: x.astype(str),
    "objects": lambda x: np.full(x.shape, None),
    "complex numbers": lambda x: x + 1j,
    "a list of words": lambda x: ["word"] * len(x),
    "fewer": lambda x: x[:-1],
    "one dimension more": lambda x: x[None],
    "nothing": lambda x: None,
    "NaN": lambda x: x * np.nan,
    "infinity": lambda x: x * np.inf,
}


@pytest.mark.parametrize("returned", RETURNED)
@pytest.mark.parametrize(
    ("operation", "law"),
    [(LOG, "numbers"), (LOG, "distribution"), ("grid_search", "own_scale"), ("random_search", "independent_axes")],
)
def test_whatever_is_returned_while_a_cause_is_sought_names_none(operation: str, law: str, returned: str) -> None:
    right = getattr(sampling, operation, None) or getattr(search, operation)

    def function(*arguments: Any, **options: Any) -> Any:
        return RETURNED[returned](right(*arguments, **options))

    assert explained(operation, law, function)[0] is None


def test_the_example_shown_is_the_one_that_failed_last() -> None:
    rule = law_of(LOG, "distribution")
    failures = [(Case(7, 1, "unit", 0, 1), Evidence(3.0)), (rule.trials[0], Evidence(2.0))]
    subject = GuardedSubject(reciprocal, OPERATIONS[LOG])
    ruler = Ruler(OPERATIONS[LOG], format_of(np.dtype(np.float64)), {})
    case, evidence, *_ = by_draws.explain(chapter_knowing(LOG), rule, subject, ruler, failures)
    assert (case, evidence) == failures[-1]


def test_reports_name_the_cause() -> None:
    from nnlaws import check

    report = check(SimpleNamespace(sample_log_uniform=reciprocal), profile="quick", operations=[LOG])
    (violation,) = (each.violation for each in report.results if each.violation is not None)
    assert violation.cause is not None
    assert violation.cause.fault == "1/x is uniform, not log x"
    assert "1/x is uniform" in str(report)


def test_of_draws_that_are_all_equal_nothing_is_said_of_seeds() -> None:
    cause, _ = explained("sample_uniform", "other_seed", lambda low, high, *, size, seed: np.full(size, high))
    assert cause is not None
    assert cause.name == "all draws of a call are equal"


def test_numbers_that_come_twice_are_in_no_order() -> None:
    def twice(low: int, high: int, *, size: int, seed: int) -> Array:
        return np.repeat(np.random.default_rng(seed).integers(low, high + 1, (size + 1) // 2), 2)[:size]

    cause, _ = explained("sample_integer", "independent", twice, ())
    assert cause is None or "order" not in cause.name


def test_numbers_below_the_box_are_not_the_first_of_it() -> None:
    def wrapped(low: int, high: int, *, size: int, seed: int) -> Array:
        width = high - low + 1
        width = width if width < 2**31 else width - 2**32  # in int32
        u = np.random.default_rng(seed).random(size)
        return (low + np.floor(u * width)).astype(np.int64)

    cause, _ = explained("sample_integer", "distribution", wrapped, ())
    assert cause is None or "nothing beyond" not in cause.name


def test_a_convention_that_hardly_covers_what_is_drawn_is_not_named() -> None:
    """float32's resolution lets a few draws come again, but not the last ones of every call."""
    name = "sample_one_minus_log_uniform.tail_of_the_block_before"
    (mutant,) = [each for each in MUTANTS if each.name == name]
    report = check(SimpleNamespace(**{mutant.operation: mutant.function}), laws=["SA-7"])
    (violation,) = [each.violation for each in report.results if each.violation is not None]
    assert violation.cause is None or not violation.cause.name.startswith("resolution")
