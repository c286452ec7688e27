"""A run that is killed leaves a report that is valid and incomplete, and another goes on from there; limits hold."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.api import runner, select
from nnlaws.authoring.errors import UsageError
from nnlaws.harness import resume as saved
from nnlaws.plan import Task
from nnlaws.report import Outcome, Report
from nnlaws.reports.junit import junit
from nnlaws.reports.page import page

Write = Callable[..., str]
Read = Callable[[str], Any]
SLOW = "time.sleep(0.002)\nreturn right(z)"
LAWS = ("SM-1", "SM-2", "SM-3", "SM-6", "CT-2", "CT-3", "CT-4")


def plain(report: dict[str, Any]) -> dict[str, Any]:
    """The report without its times."""
    read = json.loads(json.dumps(report))
    results = [{name: value for name, value in each.items() if name != "seconds"} for each in read["results"]]
    read["provenance"].pop("date")
    return {**{name: value for name, value in read.items() if name != "seconds"}, "results": results}


def whole(target: str) -> dict[str, Any]:
    return nnlaws.check(target, laws=LAWS, profile="quick").as_json()


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_a_valid_report_to_go_on_from(write: Write, read_json: Read) -> None:
    target = write(SLOW)
    command = [sys.executable, "-m", "nnlaws.cli", "check", target, "--profile", "quick", "--json", "left.json"]
    laws = [part for law in LAWS for part in ("--law", law)]
    with subprocess.Popen([*command, *laws, "--jobs", "1"], stdout=subprocess.DEVNULL) as run:
        path, until = Path("left.json"), time.monotonic() + 60
        while not (path.exists() and read_json(path.read_text("utf-8"))["results"]) and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    left = read_json(path.read_text("utf-8"))
    assert left["complete"] is left["conforms"] is False
    assert 0 < len(left["results"]) < left["planned"]
    done = [(each["law"], each["dtype"]) for each in left["results"]]
    again: list[tuple[str, str]] = []
    report = nnlaws.check(
        target,
        laws=LAWS,
        profile="quick",
        resume=path,
        save="whole.json",
        progress=lambda result, number, of: again.append((result.law, result.dtype)),
    )
    assert report.complete
    assert not {*again} & {*done}
    assert len(again) + len(done) == report.planned
    assert plain(read_json(Path("whole.json").read_text("utf-8"))) == plain(report.as_json()) == plain(whole(target))


def test_a_report_is_there_and_incomplete_from_the_beginning(write: Write, read_json: Read) -> None:
    seen: list[bool] = []

    def look(*_: Any) -> None:
        seen.append(read_json(Path("report.json").read_text("utf-8"))["complete"])

    nnlaws.check(write("return right(z)"), laws=("SM-1",), profile="quick", save="report.json", progress=look)
    assert set(seen) == {False}
    assert read_json(Path("report.json").read_text("utf-8"))["complete"] is True
    assert [path.name for path in Path().glob("report*")] == ["report.json"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no report"),
        ("[]", "is no report"),
        ("null", "is no report"),
        ('{"results": [{}]}', "is no report"),
        ('{"results": 3}', "is no report"),
        ("__import__('os').abort()", "is no report"),
    ],
)
def test_what_is_no_report_is_refused(write: Write, text: str, words: str) -> None:
    target = write("return right(z)")
    Path("bad.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        nnlaws.check(target, laws=("SM-1",), profile="quick", resume="bad.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Each container in it, with each key."""
    if not isinstance(data, (dict, list)):
        return []
    items: list[tuple[Any, Any]] = list(data.items() if isinstance(data, dict) else enumerate(data))
    return [(data, key) for key, _ in items] + [place for _, value in items for place in places(value)]


Written = tuple[Report, tuple[Task, ...], str, Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A report of a violation, a conforming law and one that is not offered, its tasks, and as it is written."""
    path = tmp_path_factory.mktemp("saved") / "report.json"
    target = SimpleNamespace(softmax=lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True), __name__="mine")
    report = nnlaws.check(target, laws=("SM-6", "SM-8"), dtypes=("float32",), profile="quick", save=path)
    assert {Outcome.VIOLATES, Outcome.CONFORMS, Outcome.NOT_OFFERED} <= {each.outcome for each in report.results}
    with runner(target, select(laws=("SM-6", "SM-8"), dtypes=("float32",))) as here:
        return report, here.plan().tasks, path.read_text("utf-8"), path


@pytest.mark.slow
@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_a_report_with_anything_else_in_it_is_refused_or_can_be_shown(written: Written, data: st.DataObject) -> None:
    """Never a traceback, nor a report that cannot be printed or written again."""
    report, tasks, text, path = written
    changed = json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(changed)))
        if data.draw(st.booleans()):
            container[key] = data.draw(JSON)
        else:
            del container[key]
            if not places(changed):
                break
    path.write_text(json.dumps(changed), encoding="utf-8")
    try:
        found = saved.results(path, report, tasks)
    except UsageError:
        return
    again = replace(report, results=tuple(found.values()))
    for show in (str, page, junit, lambda each: json.dumps(each.as_json(), allow_nan=False)):
        assert show(again)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"results": NaN}', '{"results": [' + "{" * 3000, "\ufeff{}", "\x00", "cos\nsystem\n(S'true'\ntR."],
)
def test_what_no_report_ever_held_is_refused(written: Written, text: str) -> None:
    report, tasks, _, path = written
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is no report"):
        saved.results(path, report, tasks)


def test_a_file_that_is_not_there_is_named(write: Write) -> None:
    with pytest.raises(UsageError, match=r"cannot read nowhere\.json: No such file"):
        nnlaws.check(write("return right(z)"), resume="nowhere.json")


@pytest.mark.sampled
@pytest.mark.parametrize("changed", [{"profile": "ci"}, {"seed": 3}, {"laws": ("SM-2", "SM-3")}])
def test_a_report_of_another_run_is_refused(write: Write, changed: dict[str, Any]) -> None:
    target = write("return right(z)")
    asked: dict[str, Any] = {"laws": ("SM-1",), "profile": "quick"}
    nnlaws.check(target, **asked, save="report.json")
    with pytest.raises(UsageError, match=r"is of another run: (profile|seed|planned) was"):
        nnlaws.check(target, **{**asked, **changed}, resume="report.json")


def test_a_file_that_cannot_be_written_is_an_error_before_the_run(write: Write) -> None:
    with pytest.raises(UsageError, match=r"cannot write no/such/report\.json"):
        nnlaws.check(write("return right(z)"), save="no/such/report.json")


@pytest.mark.slow
def test_a_process_that_takes_too_much_memory_is_ended_and_the_rest_goes_on(write: Write) -> None:
    target = write("kept = [np.ones(2**24) for _ in range(64)]\nreturn right(z)")
    asked: dict[str, Any] = {"laws": ("softmax.value", "log_softmax.value"), "dtypes": ("float32",), "profile": "quick"}
    report = nnlaws.check(target, **asked, memory=0.5, timeout=60)
    softmax, log_softmax = (result for result in report.results if result.outcome is not Outcome.NOT_OFFERED)
    assert softmax.outcome is Outcome.ERROR
    assert "held more than 0.5 GiB" in softmax.reason
    assert log_softmax.outcome is Outcome.CONFORMS


def test_html_escapes_what_a_target_calls_itself(write: Write, process: Callable[..., Any]) -> None:
    write('description = "<script>alert(1)</script> \\x1b[31m {code} & co"\n'
          'def softmax(z):\n    raise ValueError("</pre><img src=x>{title}")\n', whole=True)  # fmt: skip
    ran = process("check", "target.py", "--profile", "quick", "--law", "SM-1", "--html", "page.html")
    text = Path("page.html").read_text("utf-8")
    assert ran.code != 0
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;/pre&gt;&lt;img src=x&gt;{title}" in text.replace("\n", "")
    assert "\x1b" not in text
    assert text.count("</pre>") == 1


def test_the_json_says_what_the_command_says(write: Write, process: Callable[..., Any]) -> None:
    target = write("return right(z)")
    printed = process("check", target, "--profile", "quick", "--law", "SM-1", "--json", "-")
    process("check", target, "--profile", "quick", "--law", "SM-1", "--json", "file.json")
    assert plain(json.loads(printed.out)) == plain(json.loads(Path("file.json").read_text("utf-8")))
