"""Laws at size: every array operation has one; what they see, say, leave out, and make smaller."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws_reference
import numpy as np
import pytest
from nnlaws import check
from nnlaws.authoring.at_size import at_size, letters, positions, repeats
from nnlaws.authoring.blocks import blocks
from nnlaws.authoring.case import expand
from nnlaws.authoring.counting import miscounted
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.law import Law, values
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.harness.planning import find
from nnlaws.harness.search import trials
from nnlaws.harness.sizes import sizes, smallest
from nnlaws.identification import identify
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.report import Outcome
from nnlaws.rounding.formats import format_of

AT_SIZE = [law for law in LAWS if law.at_size]
SINGLE, DOUBLE = format_of(np.dtype("float32")), format_of(np.dtype("float64"))

Function = Callable[..., Any]


def target(**functions: Function) -> Any:
    return SimpleNamespace(**functions)


def exponentials(z: Any) -> Any:
    return np.exp(z.astype(np.float64) - z.max(axis=-1, keepdims=True))


def softmax_of(total: Callable[[Any], Any]) -> Function:
    def softmax(z: Any) -> Any:
        e = exponentials(z)
        return (e / total(e)).astype(z.dtype)

    return softmax


def without_last_beyond(size: int) -> Callable[[Any], Any]:
    return lambda e: (e[:, :-1] if e.shape[1] > size else e).sum(axis=1, keepdims=True)


def judged(law: str, dtype: str = "float32", **functions: Function) -> Any:
    (result,) = check(target(**functions), laws=[law], dtypes=[dtype]).results
    return result


def test_every_operation_on_arrays_has_a_law_at_size() -> None:
    own = {name for name, operation in OPERATIONS.items() if operation.arrays}
    assert {law.operation.name for law in AT_SIZE} == own
    assert all(law.trials and law.largest and law.kind == "size" for law in AT_SIZE)


@pytest.mark.parametrize("law", AT_SIZE, ids=lambda law: law.id)
def test_its_cases_ascend_and_one_has_a_tail(law: Law) -> None:
    steps = letters(law.operation)[0] == "T"
    entries = [(steps and case.m, case.m * case.columns) for case in law.trials]
    assert entries == sorted(entries)
    assert any(size % 8 for case in law.trials for size in (case.m, case.columns) if size > 128)


@pytest.mark.parametrize("law", [law for law in AT_SIZE if law.check is at_size], ids=lambda law: law.operation.name)
@pytest.mark.parametrize("format", [SINGLE, DOUBLE], ids=lambda format: format.name)
def test_in_blocks_it_sees_what_it_sees_at_once(law: Law, format: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On its smallest case made small, in many blocks; of results that are a little off."""
    monkeypatch.setattr("nnlaws.authoring.at_size.BLOCK", 100)
    case = law.trials[0]
    small = Case(min(case.m, 65), min(case.columns, 67), case.family, 0, case.seed % (3 * 512))
    inputs = expand(law.build, small, format, 1)

    def off(*arguments: Any, **options: Any) -> Any:
        results = law.operation.reference(*arguments, **options)
        each = results if isinstance(results, tuple) else (results,)
        wrong = tuple(one * np.linspace(1.25, 1.5, one.size).reshape(one.shape).astype(one.dtype) for one in each)
        return wrong if isinstance(results, tuple) else wrong[0]

    subject, ruler = GuardedSubject(off, law.operation), Ruler(law.operation, format, {})
    whole = values(subject, ruler, *inputs.arguments, **inputs.options)
    found = at_size(subject, ruler, *inputs.arguments, **inputs.options)
    assert found.ratio == pytest.approx(whole.ratio)
    assert found.element is not None
    assert whole.element is not None
    assert (found.element.result, found.element.index) == (whole.element.result, whole.element.index)


def test_of_arguments_that_repeat_one_period_is_looked_at() -> None:
    operation, random = OPERATIONS["softmax"], np.random.default_rng(0)
    z = random.standard_normal((1, 997, 3)).astype(np.float32)
    tiled = np.concatenate([z, z, z[:, :500]], axis=1)
    assert repeats(operation, [tiled]) == 997
    assert list(blocks(operation, [tiled], 1 << 20, 997)) == [slice(0, 997)]
    tiled[0, -1, 0] += 1
    assert repeats(operation, [tiled]) == 0


def test_a_wrong_entry_in_a_repeated_row_is_found_where_it_is() -> None:
    operation = OPERATIONS["softmax"]

    def softmax(z: Any) -> Any:
        a = nnlaws_reference.softmax(z)
        if len(a) > 2000:
            a[2345, 1] *= 2
        return a

    law = find("softmax.at_size")
    inputs = expand(law.build, Case(3000, 3, "rows", 0, 0), SINGLE, 1)
    seen = at_size(GuardedSubject(softmax, operation), Ruler(operation, SINGLE, {}), *inputs.arguments)
    assert seen.element is not None
    assert seen.element.index == (2345, 1)


def test_places_include_both_sides_of_blocks() -> None:
    places = set(positions(131_073, 32, np.random.default_rng(0)).tolist())
    every = {place for seed in range(50) for place in positions(131_073, 32, np.random.default_rng(seed)).tolist()}
    assert len(places) == 32
    assert {0, 131_072, 131_071, 4095, 4096, 65_535, 65_536, 1023, 1024} <= every


@pytest.mark.parametrize("lost", [1, 4096, 131_072])
def test_a_class_that_is_lost_is_named(lost: int) -> None:
    def total(e: Any) -> Any:
        kept = np.arange(e.shape[1]) != lost
        return (e[:, kept] if e.shape[1] > 2000 else e).sum(axis=1, keepdims=True)

    operation = OPERATIONS["softmax"]
    counting = find("softmax.at_size").counting
    assert counting is not None
    with np.errstate(all="ignore"):  # a row of which no class counts is divided by 0
        found = miscounted(counting, GuardedSubject(softmax_of(total), operation), SINGLE, 131_073)
    assert [(place, round(count)) for place, count in found] == [(lost, 0)]


def test_a_violation_says_from_which_size_on_and_which_entry() -> None:
    result = judged("softmax.at_size", softmax=softmax_of(without_last_beyond(4096)))
    assert result.outcome is Outcome.VIOLATES
    assert result.size == "fails from C = 4097; class 4096 counts not at all"
    assert "x4097," in result.replay


def test_samples_too() -> None:
    def batch_norm_train(z: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        x = z.astype(np.float64)
        m = len(x)
        read = x[: m // 256 * 256] if m > 256 else x
        mean, var = read.sum(axis=0) / m, ((read - read.sum(axis=0) / m) ** 2).sum(axis=0) / m
        out = (x - mean) / np.sqrt(var + eps) * gamma + beta
        return tuple(each.astype(z.dtype) for each in (out, mean, var))

    result = judged("batch_norm_train.at_size", batch_norm_train=batch_norm_train)
    assert result.size == "fails from m = 257; sample 256 counts not at all"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_would_have_been_seen_is(dtype: str) -> None:
    """A softmax that loses as many classes as the report says would have been seen, always at its largest size."""
    right = judged("softmax.at_size", dtype, softmax=nnlaws_reference.softmax)
    assert right.size == "one lost class of 131,073 would have been seen"

    def total(e: Any) -> Any:
        return (np.delete(e, 70_000, axis=1) if e.shape[1] == 131_073 else e).sum(axis=1, keepdims=True)

    wrong = judged("softmax.at_size", dtype, softmax=softmax_of(total))
    assert wrong.outcome is Outcome.VIOLATES


def test_a_slow_target_is_cut_off_by_its_own_time() -> None:
    def softmax(z: Any) -> Any:
        time.sleep(z.size * 4e-6)
        return nnlaws_reference.softmax(z)

    began = time.perf_counter()
    result = judged("softmax.at_size", softmax=softmax)
    assert result.outcome is Outcome.CONFORMS
    assert " on are left out, for a call at " in result.size
    assert time.perf_counter() - began < 5


def test_steps_that_are_slow_are_left_out_whatever_their_number_of_coordinates() -> None:
    def gradient_descent(theta: Any, grads: Any, *, learning_rate: Any) -> Any:
        time.sleep(0.01 * len(grads))
        return nnlaws_reference.gradient_descent(theta, grads, learning_rate=learning_rate)

    result = judged("gradient_descent.at_size", gradient_descent=gradient_descent)
    assert result.outcome is Outcome.CONFORMS
    assert result.size.startswith("sizes from 310 × 4 on are left out, for a call at ")


def test_what_takes_time_by_pairs_is_left_out_before_it_takes_long() -> None:
    asked: list[int] = []

    def softmax(z: Any) -> Any:
        asked.append(z.shape[1])
        time.sleep(z.shape[1] ** 2 * 1e-8)
        return nnlaws_reference.softmax(z)

    result = judged("softmax.at_size", softmax=softmax)
    assert result.outcome is Outcome.CONFORMS
    assert " on are left out, for a call at " in result.size
    assert max(asked) < 20_000


def test_a_fault_when_a_slow_call_is_made_again_is_the_targets() -> None:
    shapes: set[Any] = set()

    def softmax(z: Any) -> Any:
        if z.shape in shapes:
            raise ValueError("only once")
        shapes.add(z.shape)
        time.sleep(z.size * 4e-6)
        return nnlaws_reference.softmax(z)

    result = judged("softmax.at_size", softmax=softmax)
    assert result.outcome is Outcome.ERROR
    assert "only once" in result.reason


def test_a_first_call_that_compiles_is_not_slow() -> None:
    known: set[Any] = set()

    def softmax(z: Any) -> Any:
        if z.shape not in known:
            known.add(z.shape)
            time.sleep(0.2)
        return nnlaws_reference.softmax(z)

    slow, quick = (
        judged("softmax.at_size", softmax=softmax),
        judged("softmax.at_size", softmax=nnlaws_reference.softmax),
    )
    assert "left out" not in slow.size
    assert slow.cases == quick.cases, "a call that is made again for its time is no case of its own"


def test_gaps_in_what_fails_are_told() -> None:
    def softmax(z: Any) -> Any:
        right = nnlaws_reference.softmax(z)
        return right * np.float32(1.001) if z.shape[1] > 1024 and z.shape[1] % 2 else right

    result = judged("softmax.at_size", softmax=softmax)
    assert result.size.startswith("fails at C = 1025, and not at each size from there on")


def test_at_size_the_dtype_and_the_arguments_are_looked_at_too() -> None:
    def wider(z: Any) -> Any:
        right = nnlaws_reference.softmax(z)
        return right.astype(np.float64) if z.size > 10_000 else right

    def written(z: Any) -> Any:
        right = nnlaws_reference.softmax(z)
        if z.size > 10_000:
            z -= z.max(axis=-1, keepdims=True) + 1
        return right

    for function, words in (
        (wider, "expected float32 of shape"),
        (written, "the call has written to its argument z (CT-1)"),
    ):
        result = judged("softmax.at_size", softmax=function)
        assert result.outcome is Outcome.VIOLATES
        assert words in str(result.violation)


def test_at_size_numbers_are_judged_of_what_is_wider_anyway() -> None:
    """That is another clause's; what a sum loses is seen all the same."""

    def wider(z: Any) -> Any:
        return nnlaws_reference.softmax(z).astype(np.float64)

    def losing(z: Any) -> Any:
        kept = wider(z)
        return kept / (1 - kept[..., -1:] * (z.shape[-1] > 4096))

    assert judged("softmax.at_size", softmax=wider).outcome is Outcome.CONFORMS
    result = judged("softmax.at_size", softmax=losing)
    assert result.outcome is Outcome.VIOLATES
    assert "expected float32" not in str(result.violation)


def test_an_error_at_size_is_one() -> None:
    def softmax(z: Any) -> Any:
        if z.shape[1] > 4096:
            raise ValueError("too wide")
        return nnlaws_reference.softmax(z)

    result = judged("softmax.at_size", softmax=softmax)
    assert (result.outcome, result.size) == (Outcome.ERROR, "raises from C = 4097")
    assert "too wide" in result.reason


def test_profiles_and_own_sizes_choose_the_cases() -> None:
    law, adam = find("softmax.at_size"), find("adam.at_size")
    quick, ci, scale = (sizes(law, Selection(profile=name)) for name in ("quick", "ci", "scale"))
    assert quick == ci[: len(quick)]
    assert len(quick) < len(ci) < len(scale)
    assert {case.columns for case in scale} >= {1_000_003, 5}
    own = sizes(law, Selection(columns=5000))
    assert {case.columns for case in own} == {5000}
    assert {case.family for case in own} == {case.family for case in ci}
    assert {case.m for case in sizes(adam, Selection(steps=77, columns=9))} == {77}
    assert {case.m for case in sizes(law, Selection(rows=77))} == {77}
    assert letters(adam.operation) == ("T", "n")
    assert letters(law.operation) == ("m", "C")
    assert letters(OPERATIONS["log_uniform_map"]) == ("m", "")


@pytest.mark.parametrize("law", AT_SIZE, ids=lambda law: law.operation.name)
def test_one_size_that_is_named_bounds_the_other(law: Law) -> None:
    for named in (Selection(columns=10_001), Selection(rows=60_000), Selection(steps=60_000)):
        assert all(case.m * case.columns <= 1 << 21 for case in sizes(law, named))


def test_a_weak_bound_is_no_cause_at_size() -> None:
    """Of classes that count twice in one block, which the bound of logaddexp admits."""

    def total(e: Any) -> Any:
        tail = e[:, e.shape[1] // 1000 * 1000 :] if e.shape[1] > 10_000 else e[:, :0]
        return e.sum(axis=1, keepdims=True) + tail.sum(axis=1, keepdims=True)

    result = judged("softmax.at_size", softmax=softmax_of(total))
    assert result.size == "fails from C = 10001; class 10000 counts twice"
    assert result.violation.cause is None
    assert "declare" not in result.violation.fix


def test_where_many_entries_are_off_none_is_named() -> None:
    """Padded with classes at 0, each class alone seems to count many times: none of them does."""

    def total(e: Any) -> Any:
        return e.sum(axis=1, keepdims=True) + (-e.shape[1] % 1024 if e.shape[1] > 1024 else 0)

    assert judged("softmax.at_size", softmax=softmax_of(total)).size == "fails from C = 1025"


def test_conventions_are_told_apart_on_small_arrays() -> None:
    largest: list[int] = []

    def batch_norm_inference(z: Any, *others: Any, eps: float) -> Any:
        largest.append(z.size)
        return nnlaws_reference.batch_norm_inference(z, *others, eps=eps)

    identify(target(batch_norm_inference=batch_norm_inference), dtypes=["float32"], profile="quick")
    assert max(largest) < 10_000


def test_samplers_draw_ten_million_in_the_profile_scale() -> None:
    law, judging = find("sample_integer.distribution"), chapter_of("sample_integer").judging
    assert isinstance(judging, Chance)
    (case,) = trials(law, Selection(profile="scale"), judging)
    assert (case.m, case.family) == (10_000_019, "beyond_float32")
    assert all(each.m <= 2000 for each in trials(law, Selection(), judging))


def test_with_own_sizes_only_laws_at_size_run() -> None:
    report = check(target(softmax=nnlaws_reference.softmax), columns=300, rows=5, dtypes=["float32"])
    judged = [result.law for result in report.results if result.outcome is not Outcome.NOT_OFFERED]
    assert judged == ["softmax.at_size", "softmax.masked_at_size"]
    assert report.profile == "ci, rows 5, columns 300"
    with pytest.raises(UsageError, match="columns must be from 1 to"):
        check(target(softmax=nnlaws_reference.softmax), columns=-1)


def test_the_smallest_size_that_fails_is_found() -> None:
    asked: list[Case] = []

    def fails(case: Case) -> bool:
        asked.append(case)
        return case.columns > 4096 and case.m >= 3

    assert smallest(Case(8, 131_073, "parts", 0, 0), fails) == (Case(3, 4097, "parts", 0, 0), "columns")
    assert len(asked) < 40


def test_a_case_at_size_is_replayed_from_its_token() -> None:
    from nnlaws.api import replay

    token = "softmax.at_size/float32/2x4097,terraces,0,0/reference"
    assert replay(token).outcome is Outcome.CONFORMS


def test_a_slow_sampler_draws_as_many_as_there_is_time_for() -> None:
    def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Any:
        time.sleep(size * 1e-5)
        return np.random.default_rng(seed).uniform(low, high, size)

    laws, began = ["sample_uniform.distribution"], time.perf_counter()
    (result,) = check(target(sample_uniform=sample_uniform), laws=laws, profile="scale", timeout=4).results
    assert result.outcome is Outcome.CONFORMS
    assert " draws in place of 10,000,019, for 10,007 took " in result.size
    assert time.perf_counter() - began < 20
