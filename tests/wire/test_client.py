"""A command as a target: what it answers is judged, and what goes wrong with it is said, and costs one law."""

import shlex
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.api import replay, smoke
from nnlaws.authoring.errors import UsageError
from nnlaws.harness.parent import LoadError
from nnlaws.report import LawResult, Report
from nnlaws.wire.client import Absent, Client, ClientError, Refused

CLIENT = Path(__file__).parents[2] / "properties" / "nnlaws" / "templates" / "clients" / "client.py"
SOFTMAX = [("z", np.zeros((1, 2), dtype=np.float32))]


def command(folder: Path, changes: str = "") -> str:
    """The Python client, with these lines before it answers anything."""
    begun, main = CLIENT.read_text("utf-8").split('if __name__ == "__main__":')
    path = folder / "client.py"
    path.write_text(f'{begun}\n{textwrap.dedent(changes)}\nif __name__ == "__main__":{main}', "utf-8")
    return shlex.join([sys.executable, str(path)])


def saying(folder: Path, *lines: str) -> str:
    """A client that says these lines, whatever it is asked, and then nothing more."""
    path = folder / "said.py"
    path.write_text(f"for line in {lines!r}:\n    input()\n    print(line, flush=True)\n", "utf-8")
    return shlex.join([sys.executable, str(path)])


def judged(target: str, **more: object) -> Report:
    given: dict[str, object] = {"operations": ["softmax"], "dtypes": ["float32"], "profile": "quick", **more}
    return check(f"command:{target}", **given)  # type: ignore[arg-type]


def by_clause(report: Report) -> dict[str, LawResult]:
    return {result.clause: result for result in report.results}


def test_a_client_is_judged_and_what_it_cannot_show_is_not_offered(tmp_path: Path) -> None:
    report = judged(command(tmp_path))
    assert report.conforms
    assert report.description == "mine (python)"
    hidden = {clause: each.reason for clause, each in by_clause(report).items() if each.outcome is Outcome.NOT_OFFERED}
    assert hidden == {
        "CT-1": "its client shows nothing of arguments",
        "CT-4": "its client shows nothing of layout",
        "CT-7": "its client shows nothing of surroundings",
        "CT-8": "its client shows nothing of layout",
        "CT-9": "its client shows nothing of memory",
        "CT-10": "its client shows nothing of threads",
    }


def test_a_mistake_of_a_client_is_found_with_its_cause(tmp_path: Path) -> None:
    wrong = (
        "shifted = softmax\ndef softmax(z):\n    return shifted(Array(z.dtype, z.shape, [x / 2 for x in z.values]))\n"
    )
    report = judged(command(tmp_path, f"{wrong}OPERATIONS['softmax'] = softmax"))
    assert not report.conforms
    violation = next(each for each in report.results if each.law == "softmax.value").violation
    assert violation is not None
    assert violation.cause is not None
    assert "0.5" in violation.cause.fault or "half" in violation.cause.fault


def test_a_client_that_sends_its_arguments_back_is_judged_by_what_it_did_to_them(tmp_path: Path) -> None:
    for writes, outcome in (("", Outcome.CONFORMS), ("z.values[0] = 0.0", Outcome.VIOLATES)):
        changed = f"""
        plain = softmax
        def echoing(z):
            results = plain(z)
            {writes or "pass"}
            return {{**results, "after_z": z}}
        OPERATIONS["softmax"] = echoing
        said = answer
        def answer(line):
            return said(line) + (" extensions=arguments" if line.startswith("hello") else "")
        """
        report = judged(command(tmp_path, changed), laws=["CT-1"])
        assert [each.outcome for each in report.results] == [outcome]


def test_a_call_that_goes_wrong_costs_one_law_and_the_client_is_started_anew(tmp_path: Path) -> None:
    dies = """
    import os
    plain = softmax
    def softmax(z):
        if any(x != x for x in z.values):
            print("out of numbers", file=sys.stderr, flush=True)
            os._exit(7)
        return plain(z)
    OPERATIONS["softmax"] = softmax
    """
    laws = ["softmax.value", "SM-2", "SM-10", "SM-18", "CT-1", "CT-2", "CT-3", "CT-6"]
    results = by_clause(judged(command(tmp_path, dies), laws=laws))
    assert results["SM-18"].outcome is Outcome.ERROR
    assert "the client ended with exit code 7 (out of numbers)" in results["SM-18"].reason
    assert {each.outcome for clause, each in results.items() if clause not in ("SM-18", "CT-3")} <= {
        Outcome.CONFORMS,
        Outcome.NOT_OFFERED,
    }


def test_what_a_client_last_said_is_waited_for() -> None:
    late = "sh -c '(sleep 0.2; echo out of numbers >&2) & exit 7'"
    with Client(late) as client, pytest.raises(ClientError, match=r"ended with exit code 7 \(out of numbers\)"):
        client.hello()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "the client ended with exit code 0"),
        (("hi",), "expected 'hello <number>(?: <fact>)*', got 'hi'"),
        (("hello 2",), "it speaks version 2 of the protocol"),
        (("hello 1",), "offers no operation: its hello needs operations="),
        (("hello 1 operations=softmux",), "there is no 'softmux', but softmax, "),
        (("hello 1 operations=softmax dtypes=float8",), "float8"),
        (("hello 1 operations=adam takes=adan.save_at",), "there is no 'adan'"),
        (("hello 1 operations=softmax extensions=telepathy",), "there is no 'telepathy', but arguments"),
        (("hello 1 operations=adam conventions=velocity",), "expected NAME:VALUE"),
        (("hello 1 operations=adam conventions=velocity:light",), "which no clause names"),
    ],
)
def test_a_hello_that_is_none_says_what_was_expected(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(LoadError) as caught:
        judged(saying(tmp_path, *lines))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "there is no command"), ("no-such-program", "'no-such-program' cannot be run"), ("'", "no command line")],
)
def test_a_command_that_is_none_says_so(text: str, words: str) -> None:
    with pytest.raises(LoadError, match=words):
        judged(text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("done 2 a=float32[1,2]:0000803f0000803f", "expected an answer to call 1, got done 2"),
        ("done 1 a=float32[1,2]:0000803f", "takes 8 bytes, got 4"),
        ("done 1 a=float32[1]:0000803f a=float32[1]:0000803f", "two arrays have one name"),
        ("hello 1", "expected 'done"),
        ("nonsense", "expected 'done"),
        ("failed 1", "expected 'failed"),
    ],
)
def test_an_answer_that_is_none_names_the_call_and_the_line(tmp_path: Path, line: str, words: str) -> None:
    with Client(saying(tmp_path, "hello 1 operations=softmax", line)) as client:
        with pytest.raises(ClientError, match="in call 1 of softmax: ") as caught:
            client.call("softmax", SOFTMAX)
        assert words in str(caught.value)


def test_what_a_client_does_not_do_is_told_apart(tmp_path: Path) -> None:
    with Client(saying(tmp_path, "hello 1", "absent 1")) as client, pytest.raises(Absent):
        client.call("softmax", SOFTMAX)
    for kind in ("refused", "failed"):
        with Client(saying(tmp_path, "hello 1", f"{kind} 1 too large")) as client, pytest.raises(Refused, match="too"):
            client.call("softmax", SOFTMAX)


def test_a_client_is_told_what_it_asks_for_and_that_there_is_no_such_thing(tmp_path: Path) -> None:
    asks = ("hello 1", "ask 5 objective point=float64[]:0000000000000040", "ask 6 secret", "done 1")
    trace = tmp_path / "trace"
    with Client(saying(tmp_path, *asks), str(trace)) as client:
        assert client.call("caviar", [], {"objective": lambda given: {"loss": float(given["point"]) ** 2}}) == {}
    lines = [line.partition(" ")[2] for line in trace.read_text("utf-8").splitlines()]
    assert lines == [
        *("> hello 1", "< hello 1", "> call 1 caviar", "< ask 5 objective point=float64[]:2.0"),
        *("> told 5 loss=float64[]:4.0", "< ask 6 secret"),
        *("> raised 6 there is no secret to ask for, but objective", "< done 1"),
    ]


def test_a_client_that_does_not_answer_is_ended_by_its_time(tmp_path: Path) -> None:
    sleeps = "import time\ndef softmax(z):\n    time.sleep(60)\nOPERATIONS['softmax'] = softmax"
    report = judged(command(tmp_path, sleeps), timeout=0.5, laws=["softmax.value", "SM-2"])
    assert {each.outcome for each in report.results} == {Outcome.ERROR}
    assert all("did not return within" in each.reason for each in report.results)


def test_setup_runs_before_and_says_why_it_failed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert judged(command(tmp_path), setup=f"touch {made}", laws=["SM-1"]).conforms
    assert made.exists()
    failing = shlex.join([sys.executable, "-c", "raise SystemExit('no compiler')"])
    with pytest.raises(LoadError, match="ended with exit code 1: no compiler"):
        judged(command(tmp_path), setup=failing)
    with pytest.raises(LoadError, match="cannot be run"):
        judged(command(tmp_path), setup="no-such-compiler client.c")
    with pytest.raises(LoadError, match="there is no command in it"):
        judged(command(tmp_path), setup=" \t")


def test_a_trace_that_cannot_be_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for trace, words in ((str(tmp_path), "it is a folder"), (str(tmp_path / "no" / "t"), "there is no folder")):
        with pytest.raises(UsageError, match=f"--trace: cannot write .*{words}"):
            judged(command(tmp_path), trace=trace)
    with pytest.raises(UsageError, match="expected a target command:CMD, got scipy"):
        check("scipy", trace=str(tmp_path / "trace"))
    with pytest.raises(UsageError, match="expected a target command:CMD, got scipy"):
        smoke("scipy", trace=str(tmp_path / "trace"))


def test_what_is_hidden_is_said_in_the_report_and_by_replay(tmp_path: Path) -> None:
    target = command(tmp_path)
    assert "not offered: CT-4, CT-8, since its client shows nothing of layout" in str(judged(target))
    with pytest.raises(LoadError, match=r"does not offer softmax\.threads_apart: its client shows nothing of threads"):
        replay(f"softmax.threads_apart/float32/1x1,constant,0,0/command:{target}")


def test_smoke_calls_each_operation_once_in_each_dtype(tmp_path: Path) -> None:
    results = smoke(f"command:{command(tmp_path)}")
    assert [(each.operation, each.dtype, each.outcome) for each in results] == [
        ("softmax", "float32", Outcome.CONFORMS),
        ("softmax", "float64", Outcome.CONFORMS),
    ]
    assert {each.cases for each in results} == {1}
    assert {each.operation for each in smoke("scipy", dtypes=["float64"])} == {"softmax", "log_softmax"}
