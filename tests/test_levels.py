"""Levels: what breaks a MUST violates; what breaks a SHOULD falls short, and conforms unless the run is strict."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import nnlaws
import numpy as np
import pytest
from nnlaws.authoring.errors import UsageError
from nnlaws.report import LawResult, Outcome, Report
from nnlaws.reports.junit import junit
from nnlaws.reports.terminal import text
from nnlaws_reference import softmax
from nnlaws_spec import clauses

Array = Any
TEXTBOOK = Path(__file__).parents[1] / "examples" / "textbook.py"
SHORT = ["CT-7", "BN-26", "SC-6", "SM-19"]
"""The SHOULDs that the textbook falls short of."""
ONE: dict[str, Any] = {"laws": ["CT-5", "SM-8"], "dtypes": ["float32"], "operations": ["softmax"], "profile": "quick"}


def no_rows(z: Array) -> Array:
    """Right, but for an empty batch."""
    return softmax(z) if len(z) else np.zeros((1, *z.shape[1:]), z.dtype)


def refuses_no_rows(z: Array) -> Array:
    return softmax(z) / (1 // len(z[:1]))


def judged(function: Callable[..., Array], **more: Any) -> Report:
    return nnlaws.check(SimpleNamespace(softmax=function), **ONE, **more)


def of(report: Report, clause: str) -> LawResult:
    return next(result for result in report.results if result.clause == clause)


@pytest.mark.parametrize("function", [no_rows, refuses_no_rows])
def test_what_breaks_a_should_falls_short_and_conforms(function: Callable[..., Array]) -> None:
    """Whether it returns something wrong or raises; with its example, and a token to replay it."""
    report = judged(function)
    result = of(report, "CT-5")
    assert (result.outcome, result.level) == (Outcome.FALLS_SHORT, "SHOULD")
    assert (report.conforms, report.exit_code, report.short_of) == (True, 0, ("CT-5",))
    assert result.violation is not None
    assert result.replay
    nnlaws.assert_conforms(SimpleNamespace(softmax=function), **ONE)


@pytest.mark.parametrize(("function", "outcome"), [(no_rows, "violates"), (refuses_no_rows, "error")])
def test_strictly_it_counts(function: Callable[..., Array], outcome: str) -> None:
    report = judged(function, strict=True)
    assert of(report, "CT-5").outcome == outcome
    assert (report.conforms, report.exit_code, report.strict) == (False, 1, True)
    with pytest.raises(AssertionError, match=r"replay --strict softmax\.empty_batch"):
        nnlaws.assert_conforms(SimpleNamespace(softmax=function), strict=True, **ONE)


def test_what_breaks_a_must_violates_beside_what_falls_short() -> None:
    report = judged(lambda z: 2 * no_rows(z))
    assert {result.clause: result.outcome for result in report.results} == {
        "CT-5": Outcome.FALLS_SHORT, "SM-8": Outcome.VIOLATES,
    }  # fmt: skip
    assert (report.conforms, report.exit_code) == (False, 1)


def test_what_always_raises_could_not_be_run() -> None:
    def refuse(z: Array) -> Array:
        raise ValueError("no")

    assert judged(refuse).exit_code == 3


def test_a_report_tells_it_last_with_the_reason_of_the_level() -> None:
    shown = " ".join(text(judged(lambda z: 2 * no_rows(z))).split())
    assert shown.index("VIOLATES SM-8 softmax") < shown.index("FALLS SHORT CT-5 softmax float32")
    assert "level SHOULD, because the notes have m ≥ 1 samples" in shown
    shown = " ".join(text(judged(no_rows)).split())
    assert "SimpleNamespace conforms, and falls short of CT-5 (a SHOULD: --strict makes it count): 1" in shown


def test_it_goes_to_json_and_back() -> None:
    report = judged(no_rows)
    data = json.loads(json.dumps(report.as_json()))
    assert [LawResult.from_json(each) for each in data["results"]] == list(report.results)
    assert (data["strict"], data["conforms"]) == (False, True)
    assert {each["level"] for each in data["results"]} == {"MUST", "SHOULD"}


def test_in_junit_it_is_skipped_and_says_why() -> None:
    """No build fails by it, and none hides it."""
    (suite,) = ElementTree.fromstring(junit(judged(no_rows))).iter("testsuite")
    assert (suite.attrib["failures"], suite.attrib["errors"], suite.attrib["skipped"]) == ("0", "0", "1")
    (skipped,) = suite.iter("skipped")
    assert skipped.attrib["message"].startswith("falls short of CT-5, a SHOULD: ")
    assert "FALLS SHORT  CT-5" in f"{skipped.text}"


def test_a_strict_run_does_not_go_on_with_one_that_was_not(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    judged(no_rows, save=saved)
    assert judged(no_rows, resume=saved).short_of == ("CT-5",)
    with pytest.raises(UsageError, match="strict was 'False', and is True now"):
        judged(no_rows, resume=saved, strict=True)


@pytest.mark.slow
def test_the_command_exits_with_1_where_it_is_strict(write: Callable[..., str], command: Callable[..., Any]) -> None:
    target = write("return right(z) if len(z) else np.zeros((1, z.shape[1]), z.dtype)")
    options = ("--law", "CT-5", "--operation", "softmax", "--dtype", "float32", "--profile", "quick")
    ran = command("check", target, *options)
    assert ran.code == 0
    assert "FALLS SHORT  CT-5" in ran.out
    assert command("check", target, *options, "--strict").code == 1
    (token,) = [line.split()[-1] for line in ran.out.splitlines() if line.startswith("  replay ")]
    replayed, strictly = command("replay", token), command("replay", token, "--strict")
    assert (replayed.code, strictly.code) == (0, 1)
    assert "FALLS SHORT  CT-5" in replayed.out
    assert "VIOLATES  CT-5" in strictly.out


def test_a_should_that_ends_the_process_falls_short(write: Callable[..., str]) -> None:
    target = write("if not len(z): os._exit(3)\nreturn right(z)")
    report = nnlaws.check(target, **ONE)
    assert of(report, "CT-5").outcome is Outcome.FALLS_SHORT
    assert "its process ended with exit code 3" in of(report, "CT-5").reason
    assert report.conforms
    assert "got its process ended with exit code 3" in " ".join(text(report).split())


def told(**options: Any) -> set[str]:
    report = nnlaws.check(str(TEXTBOOK), **options)
    assert {result.outcome for result in report.results} <= {
        Outcome.CONFORMS, Outcome.FALLS_SHORT, Outcome.NOT_OFFERED,
    }, text(report)  # fmt: skip
    assert report.conforms
    return set(report.short_of)


@pytest.mark.slow
def test_a_textbook_conforms_and_is_told_what_it_falls_short_of() -> None:
    """Here by its values and the contract; all laws take their time. What it has not, save_at, is not offered."""
    laws = ["value", "scales", "own_scale", *(clause for clause in clauses() if clause.startswith("CT-")), *SHORT]
    assert told(profile="quick", dtypes=["float64"], laws=laws) == set(SHORT)
    assert nnlaws.check(str(TEXTBOOK), profile="quick", laws=SHORT, strict=True).exit_code == 1


@pytest.mark.slow
def test_a_textbook_conforms() -> None:
    assert told(jobs=2) >= set(SHORT)


@pytest.mark.release
def test_what_a_textbook_computes_conforms_however_hard_one_looks() -> None:
    laws = ["SM-1", "BN-13", "LR-3"]
    assert told(profile="thorough", jobs=2, dtypes=["float32"], laws=laws) == set()
