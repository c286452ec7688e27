"""What a program calls: check, assert_conforms and as_test, on whatever an implementation may be."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws
import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws import api
from nnlaws.adapters import scipy as scipy_adapter
from nnlaws.authoring.errors import UsageError
from nnlaws.chapters.softmax.sound import SOUND
from nnlaws.harness.parent import LoadError
from nnlaws.report import LawResult, Outcome, Report

Array = Any
CONFORMS, DECLARED, VIOLATES, NOT_OFFERED = (
    Outcome.CONFORMS,
    Outcome.DECLARED,
    Outcome.VIOLATES,
    Outcome.NOT_OFFERED,
)
QUICK: dict[str, Any] = {"laws": ["softmax.value"], "dtypes": ["float32"], "profile": "quick"}


def softmax(z: Array) -> Array:
    return reference.softmax(z)


def doubled(z: Array) -> Array:
    return 2 * reference.softmax(z)


class Layers:
    """An implementation whose operations are methods."""

    dtypes = ("float64",)

    def softmax(self, z: Array) -> Array:
        return reference.softmax(z)


def outcomes(report: Report) -> set[Outcome]:
    return {result.outcome for result in report.results}


@pytest.mark.parametrize(
    "target",
    [
        scipy_adapter,
        SimpleNamespace(softmax=softmax),
        SimpleNamespace(softmax=lambda z: reference.softmax(z)),
        Layers(),
        softmax,
        "scipy",
    ],
    ids=["module", "namespace", "lambda", "object", "function", "name"],
)
def test_an_implementation_may_be_anything_with_operations(target: Any) -> None:
    report = nnlaws.check(target, **QUICK)
    assert report.conforms
    assert [(result.law, result.dtype, result.outcome) for result in report.results] == [
        ("softmax.value", "float32", CONFORMS)
    ]
    assert nnlaws.assert_conforms(target, **QUICK).offered == report.offered


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["nnlaws_reference", "nnlaws_reference:softmax", "nnlaws.adapters.reference"])
def test_a_module_is_named_and_an_object_in_it_after_a_colon(name: str) -> None:
    assert nnlaws.check(name, **QUICK).conforms


def test_a_path_is_a_target(write: Callable[..., str]) -> None:
    assert nnlaws.check(Path(write("return right(z)")), **QUICK).conforms


@pytest.mark.parametrize("target", [object(), 3, None, SimpleNamespace(softmax=3)])
def test_what_offers_no_operation_is_no_target(target: Any) -> None:
    with pytest.raises(LoadError, match="offers no operation: it needs functions named softmax"):
        nnlaws.check(target, **QUICK)


def test_a_function_that_is_called_otherwise_is_recognised_or_told_why() -> None:
    assert nnlaws.check(partial(softmax), **QUICK).recognised == ("taken for softmax by rows, called as f(z)",)
    with pytest.raises(LoadError, match=r"doubled is not recognised: .*start from `nnlaws template FILE`"):
        nnlaws.check(doubled, **QUICK)


def test_what_does_not_conform_raises_the_whole_report() -> None:
    with pytest.raises(AssertionError, match=r"(?s)VIOLATES  SM-1.*replay.*SimpleNamespace violates: 1 violates"):
        nnlaws.assert_conforms(SimpleNamespace(softmax=doubled), **QUICK)


def test_what_is_still_to_be_written_does_not_conform() -> None:
    def later(z: Array) -> Array:
        raise NotImplementedError

    with pytest.raises(AssertionError, match="offers nothing to judge yet"):
        nnlaws.assert_conforms(SimpleNamespace(softmax=later), **QUICK)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"operations": "softmax"}, r"sequence of names, as in operations=\('softmax',\)"),
        ({"laws": "SM-1"}, "sequence of names"),
        ({"dtypes": "float32"}, "sequence of names"),
        ({"operations": ["soft"]}, "unknown operation 'soft'; did you mean softmax"),
        ({"laws": ["SM-99"]}, "unknown law 'SM-99'"),
        ({"laws": ["softmax.valu"]}, "did you mean softmax.value"),
        ({"dtypes": ["int8"]}, "unknown dtype 'int8'; there are float16, bfloat16, float32, float64"),
        ({"profile": "slow"}, "unknown profile 'slow'; expected one of quick, ci, thorough"),
        ({"timeout": 0}, "timeout must be more than 0 seconds, got 0"),
        ({"timeout": float("nan")}, "timeout must be more than 0 seconds, got nan"),
        ({"laws": ["SM-1"], "operations": ["cross_entropy"]}, "nnlaws list laws"),
    ],
)
def test_a_name_that_does_not_exist_is_a_usage_error(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        nnlaws.check(softmax, **options)
    assert isinstance(raised.value, ValueError)


def test_a_usage_error_comes_from_another_process_too() -> None:
    with pytest.raises(UsageError, match="unknown law 'SM-99'"):
        nnlaws.check("scipy", laws=["SM-99"])


@pytest.mark.parametrize(
    ("law", "case"),
    [
        ("softmax.value", "1x1"),
        ("softmax.value", "0x1,constant,0,0"),
        ("softmax.value", "1x1,circular,0,0"),
        ("softmax.value", "1x1,constant,0,0,@0=abc"),
        ("softmax.value", "1x1,constant,0,0,@0=nan"),
        ("softmax.one_class", "1x3,constant,0,0"),
        ("softmax.two_classes", "1x5,normal,3,0"),
        ("softmax.two_classes", "1x1,normal,3,0"),
        ("softmax.masked_classes", "1x1,normal,3,0"),
        ("cross_entropy.value", "1x3,@,3,0"),
    ],
)
def test_a_case_that_a_law_does_not_speak_of_is_refused(law: str, case: str) -> None:
    """A right softmax would break the law of a single class on three."""
    with api.runner(reference, api.select(laws=(law,), dtypes=("float32",))) as runs:
        (task,) = runs.plan().tasks
        with pytest.raises(UsageError):
            runs.run(replace(task, case=case))


def variant(name: str, **declared: Any) -> SimpleNamespace:
    (found,) = [sound for sound in SOUND if sound.name == name]
    return SimpleNamespace(softmax=found.function, **declared)


@pytest.mark.parametrize("key", ["normalisation", "softmax.normalisation"])
def test_a_declared_convention_is_held_to_and_said(key: str) -> None:
    target = variant("softmax.exp_of_z_minus_lse", conventions={key: "lse"})
    report = nnlaws.check(target, laws=["SM-1", "SM-6"], operations=["softmax"])
    assert outcomes(report) == {DECLARED}
    assert report.conforms
    assert {tuple(result.conventions.items()) for result in report.results} == {(("normalisation", "lse"),)}
    assert "conforms as declared (normalisation = lse)" in str(report)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "conventions", [{}, {"log_softmax.normalisation": "lse"}], ids=["nothing", "another operation"]
)
def test_an_undeclared_convention_violates_and_is_named_as_the_cause(conventions: dict[str, str]) -> None:
    target = variant("softmax.exp_of_z_minus_lse", conventions=conventions)
    for result in nnlaws.check(target, laws=["SM-6"], operations=["softmax"]).results:
        assert result.outcome is VIOLATES
        assert result.violation is not None
        assert result.violation.cause is not None
        assert result.violation.cause.name == "normalisation = lse"
        assert 'declare conventions = {"normalisation": "lse"}' in result.violation.fix


def test_a_declared_convention_lets_nothing_else_through() -> None:
    target = SimpleNamespace(softmax=doubled, conventions={"normalisation": "lse"})
    assert outcomes(nnlaws.check(target, **QUICK)) == {VIOLATES}


@pytest.mark.parametrize(
    "conventions",
    [
        {"normalization": "lse"},
        {"normalisation": "LSE"},
        {"soft.normalisation": "lse"},
        {"normalisation": ["lse"]},
        {3: 4},
        "lse",
    ],
)
def test_an_unknown_convention_is_refused_and_the_known_are_named(conventions: Any) -> None:
    with pytest.raises(LoadError, match=r"(?s)convention.*normalisation = logaddexp or lse"):
        nnlaws.check(SimpleNamespace(softmax=softmax, conventions=conventions), **QUICK)


def test_the_dtypes_declared_are_judged_unless_others_are_asked_for() -> None:
    laws: dict[str, Any] = {"laws": ["softmax.value"], "profile": "quick"}
    assert [result.dtype for result in nnlaws.check(Layers(), **laws).results] == ["float64"]
    assert [result.dtype for result in nnlaws.check(softmax, **laws).results] == ["float32", "float64"]
    both = nnlaws.check(Layers(), dtypes=["bfloat16", "float16"], **laws)
    assert [result.dtype for result in both.results] == ["bfloat16", "float16"]


def test_a_dtype_is_judged_once() -> None:
    twice = nnlaws.check(softmax, laws=["softmax.value"], dtypes=["float32", "float32"], profile="quick")
    assert len(twice.results) == 1


@pytest.mark.parametrize("target", ["scipy", scipy_adapter], ids=["elsewhere", "here"])
def test_progress_is_told_after_each_law(target: Any) -> None:
    told: list[tuple[LawResult, int, int]] = []

    def progress(result: LawResult, done: int, total: int) -> None:
        told.append((result, done, total))

    report = nnlaws.check(target, laws=["SM-8"], dtypes=["float32"], profile="quick", progress=progress)
    assert [(done, total) for _, done, total in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert tuple(result for result, _, _ in told) == report.results
    assert [result.outcome for result in report.results] == [CONFORMS, CONFORMS, NOT_OFFERED, NOT_OFFERED]


def test_an_interrupt_leaves_an_incomplete_report_that_is_no_pass() -> None:
    def interrupt(result: LawResult, done: int, total: int) -> None:
        raise KeyboardInterrupt

    report = nnlaws.check(softmax, laws=["softmax.value"], profile="quick", progress=interrupt)
    assert (len(report.results), report.planned, report.complete, report.conforms) == (1, 2, False, False)
    assert "incomplete: stopped after 1 of 2 laws" in str(report)
    assert report.exit_code not in (0, 1)


def items(test: Callable[..., None]) -> list[tuple[str, Any]]:
    """The names and arguments that pytest would run a test with."""
    (mark,) = test.pytestmark  # type: ignore[attr-defined]
    return list(zip(mark.kwargs["ids"], mark.args[1], strict=True))


def test_as_test_has_one_item_a_law_and_dtype_that_passes_fails_or_is_skipped() -> None:
    target = SimpleNamespace(softmax=softmax, log_softmax=doubled)
    test = nnlaws.as_test(target, laws=["SM-8", "SM-11"], dtypes=["float64"], profile="quick")
    ended: dict[str, str] = {}
    for name, task in items(test):
        try:
            test(task=task)
            ended[name] = "passed"
        except (pytest.fail.Exception, pytest.skip.Exception) as outcome:
            ended[name] = f"{type(outcome).__name__}: {outcome}"
    assert {name: words.partition(":")[0] for name, words in ended.items()} == {
        "SM-8-softmax.one_class-float64": "passed",
        "SM-8-log_softmax.one_class-float64": "Failed",
        "SM-11-log_softmax.value-float64": "Failed",
        "SM-11-log_softmax.at_size-float64": "Failed",
        "SM-8-cross_entropy.one_class-float64": "Skipped",
        "SM-8-cross_entropy_gradient.one_class-float64": "Skipped",
    }
    assert "VIOLATES  SM-11" in ended["SM-11-log_softmax.value-float64"]


def test_importing_nnlaws_imports_nothing_heavy() -> None:
    """Every pytest run imports the package."""
    code = (
        "import sys, nnlaws, nnlaws.api; print({'numpy', 'hypothesis', 'scipy', 'rich', 'flint'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_every_public_name_is_there_and_others_are_named() -> None:
    for name in nnlaws.__all__:
        assert getattr(nnlaws, name).__name__ == name
    with pytest.raises(AttributeError, match=r"no attribute 'chek'; it has .*\bcheck\b"):
        _ = nnlaws.chek


def test_the_arguments_that_a_law_passes_are_of_the_dtype_and_shape_stated() -> None:
    seen: set[tuple[str, int, bool]] = set()

    def look(z: Array) -> Array:
        seen.add((str(z.dtype), z.ndim, isinstance(z, np.ndarray)))
        return reference.softmax(z)

    nnlaws.check(SimpleNamespace(softmax=look), laws=["SM-1"], dtypes=["float16", "float64"], profile="quick")
    assert seen == {("float16", 2, True), ("float64", 2, True)}


def findings(report: Report) -> list[tuple[Any, ...]]:
    """What a report says, but for its times."""
    return [(each.law, each.dtype, each.outcome, each.worst, each.cases, each.replay) for each in report.results]


@pytest.mark.slow
def test_two_processes_say_what_one_says_and_in_the_same_order(write: Callable[..., str]) -> None:
    name = write("np.savetxt(f'{os.getpid()}.pid', [0])\nreturn 2 * right(z)")
    one, two = (nnlaws.check(name, profile="quick", dtypes=("float32", "float64"), jobs=jobs) for jobs in (1, 2))
    assert findings(one) == findings(two)
    assert {result.outcome for result in two.results} >= {CONFORMS, VIOLATES, NOT_OFFERED}
    assert len(list(Path().glob("*.pid"))) == 3


def test_a_few_laws_are_not_worth_a_second_process(write: Callable[..., str]) -> None:
    name = write("np.savetxt(f'{os.getpid()}.pid', [0])\nreturn right(z)")
    assert nnlaws.check(name, jobs=4, **QUICK).conforms
    assert len(list(Path().glob("*.pid"))) == 1


def test_no_process_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="jobs must be 1 or more, got 0"):
        nnlaws.check("scipy", jobs=0)


def test_a_random_seed_is_another_each_time_and_is_in_the_report() -> None:
    first, second = (nnlaws.check(softmax, seed="random", **QUICK) for _ in range(2))
    assert first.seed != second.seed
    assert first.conforms
    assert f"seed {first.seed}" in str(first)
    assert nnlaws.check(softmax, seed=first.seed, **QUICK).results[0].worst == first.results[0].worst


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="must be a whole number or 'random', got 'soon'"):
        nnlaws.check(softmax, seed="soon", **QUICK)
