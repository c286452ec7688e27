"""Whatever a target does is an outcome, the right one, with its clause; and every other law is judged as ever."""

import os
import platform
import resource
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws import api
from nnlaws.report import LawResult, Outcome, Report
from nnlaws.reports.terminal import explain
from nnlaws_server import floating_point as arithmetic

Write = Callable[..., str]
CONFORMS, SHORT, VIOLATES, ERROR, NOT_OFFERED = (
    Outcome.CONFORMS,
    Outcome.FALLS_SHORT,
    Outcome.VIOLATES,
    Outcome.ERROR,
    Outcome.NOT_OFFERED,
)

# Bodies of softmax that end no process, and what each clause makes of them: its outcome, and words that say why.
FAULTS: dict[str, tuple[str, dict[str, tuple[Outcome, str]]]] = {
    "raises": ("raise ValueError('out of order')", {
        "SM-1": (ERROR, "softmax raised ValueError: out of order"), "CT-2": (ERROR, "ValueError: out of order")}),
    "raises what cannot be printed": (
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute",
        {"SM-1": (ERROR, "Mute"), "CT-2": (ERROR, "Mute")}),
    "recurses for ever": ("return softmax(z)", {"SM-1": (ERROR, "RecursionError")}),
    "exits": ("sys.exit(5)", {"SM-1": (ERROR, "softmax raised SystemExit: 5")}),
    "forgets to return": ("right(z)", {"SM-1": (ERROR, "object of shape ()")}),
    "returns None": ("return None", {"SM-1": (ERROR, "CT-2"), "CT-2": (VIOLATES, "got a NoneType")}),
    "returns a list": ("return right(z).tolist()", {"SM-1": (CONFORMS, ""), "CT-2": (VIOLATES, "got a list")}),
    "returns a string": ("return 'a'", {"SM-1": (ERROR, "no array of numbers"), "CT-2": (VIOLATES, "got a str")}),
    "returns text for numbers": ("return right(z).astype(str)", {"SM-1": (ERROR, "<U"), "CT-2": (VIOLATES, "<U")}),
    "returns objects": ("return right(z).astype(object)", {
        "SM-1": (ERROR, "object"), "CT-2": (VIOLATES, "got object")}),
    "returns durations": ("return right(z).astype('timedelta64[s]')", {
        "SM-1": (ERROR, "timedelta64"), "CT-2": (VIOLATES, "timedelta64")}),
    "returns a wrong shape": ("return right(z)[:, :1]", {
        "SM-1": (ERROR, "shape (1, 2) is expected"), "CT-2": (VIOLATES, "expected float32 of shape (1, 2)")}),
    "returns a shape that broadcasts": ("return right(z)[:1]", {
        "SM-1": (ERROR, ", 2) is expected"), "CT-2": (VIOLATES, "expected float32 of shape (")}),
    "returns a wider dtype": ("return right(z).astype(np.float64)", {
        "SM-1": (CONFORMS, ""), "CT-2": (VIOLATES, "got float64")}),
    "returns the other order of bytes": ("return right(z).astype('>f4')", {
        "SM-1": (CONFORMS, ""), "CT-2": (VIOLATES, "got >f4")}),
    "returns complex numbers": ("return right(z) + 0j", {
        "SM-1": (ERROR, "complex"), "CT-2": (VIOLATES, "got complex")}),
    "returns NaN": ("return np.full_like(z, np.nan)", {
        "SM-1": (VIOLATES, "nan"), "CT-2": (CONFORMS, ""), "CT-6": (VIOLATES, "a NaN or an infinity")}),
    "returns what fails to become an array": (
        "class Box:\n    def __array__(self, *_, **__): raise ValueError('sealed')\nreturn Box()",
        {"SM-1": (ERROR, "sealed"), "CT-2": (ERROR, "sealed")}),
    "writes over its argument": ("z -= z.max(axis=-1, keepdims=True)\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-1": (VIOLATES, "was written to")}),
    "returns its argument, written over": ("z[...] = right(z)\nreturn z", {
        "SM-1": (CONFORMS, ""), "CT-1": (VIOLATES, "was written to")}),
    "keeps state": ("return right(z) / np.float32(1 + calls % 3)", {
        "SM-1": (VIOLATES, "off by"), "CT-3": (VIOLATES, "returned other bits")}),
    "alternates": ("return right(z) / np.float32(1 + calls % 2)", {
        "SM-1": (VIOLATES, "off by"), "CT-3": (VIOLATES, "returned other bits")}),
    "reuses a buffer": (
        "buffer = softmax.__dict__.setdefault(z.shape, np.empty_like(z))\nbuffer[...] = right(z)\nreturn buffer",
        {"SM-1": (CONFORMS, ""), "CT-3": (VIOLATES, "an array that was returned changed")}),
    "reuses two buffers in turn": (
        "buffer = softmax.__dict__.setdefault((z.shape, calls % 2), np.empty_like(z))\n"
        "buffer[...] = right(z)\nreturn buffer",
        {"SM-1": (CONFORMS, ""), "CT-3": (VIOLATES, "an array that was returned changed")}),
    "is still to be written": ("raise NotImplementedError", {"SM-1": (NOT_OFFERED, ""), "CT-2": (NOT_OFFERED, "")}),
    "changes the floating-point error state": (
        "with np.errstate(all='ignore'): a = right(z)\nnp.seterr(all='raise')\nreturn a",
        {"SM-1": (CONFORMS, ""), "CT-4": (CONFORMS, ""), "CT-6": (CONFORMS, ""),
         "CT-7": (SHORT, "NumPy's error state")}),
    "turns warnings into errors": (
        "import warnings\nwarnings.simplefilter('error')\nreturn right(z)",
        {"SM-1": (CONFORMS, ""), "CT-6": (CONFORMS, ""), "CT-7": (SHORT, "the filters of warnings")}),
    "replaces standard output": ("sys.stdout = None\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "standard output")}),
    "seeds the global generators": ("import random\nrandom.seed(1)\nnp.random.seed(1)\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "NumPy's global generator (numpy.random), Python's global")}),
    "goes to another folder": ("os.chdir('/')\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "the working directory")}),
    "counts calls in the environment": ("os.environ['CALLS'] = str(calls)\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "the environment")}),
    "sets the error state to what it is": ("np.seterr(all='ignore')\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "NumPy's error state")}),
    "ignores all warnings, as is done already": ("import warnings\nwarnings.simplefilter('ignore')\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "the filters of warnings")}),
    "switches the collection of garbage off": ("import gc\ngc.disable()\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "the collection of garbage")}),
    "raises the recursion limit, always to the same": ("sys.setrecursionlimit(5000)\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "the recursion limit")}),
    "prints otherwise": ("np.set_printoptions(precision=3)\nreturn right(z)", {
        "SM-1": (CONFORMS, ""), "CT-7": (SHORT, "NumPy's print options")}),
    "changes what it puts back": ("with np.errstate(all='raise'): np.random.default_rng(0).random()\nreturn right(z)", {
        "CT-7": (CONFORMS, "")}),
    "writes bytes to standard output": ("sys.stdout.buffer.write(b'a')\nreturn right(z)", {"SM-1": (CONFORMS, "")}),
}  # fmt: skip

# What a softmax may do that ends, or stops, the process that it runs in, or the call; and what is said of it.
STRIKES = {
    "hangs": ("time.sleep(60)", "a call did not return within 0.5 s"),
    "reads from standard input": ("input()", ""),
    "ends its process": ("os._exit(3)", "exit code 3"),
    "ends its process as if all were well": ("os._exit(0)", "exit code 0"),
    "leaves its last words to another": (
        "import subprocess; subprocess.Popen('sleep 0.2; echo out of numbers >&2', shell=True); os._exit(3)",
        "exit code 3 (out of numbers)",
    ),
    "crashes": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "interrupts": ("raise KeyboardInterrupt", ""),
    "stops itself": ("import signal; os.kill(os.getpid(), signal.SIGSTOP)", "did not return within 0.5 s"),
    "raises": ("raise ValueError('struck')", "ValueError: struck"),
    "exits": ("sys.exit(5)", "SystemExit: 5"),
}


NOTE = """
import zlib


def note(calls):
    if not os.path.exists('struck'):
        with open('struck', 'w') as file:
            file.write(str(calls))
"""  # the number of the call that was struck first


SOMETIMES = "if z.shape[1] > 1 and zlib.crc32(z.tobytes()) % 8 == 1:\n    note(calls)\n    {}\nreturn right(z)"


def lane_struck() -> int:
    """The place in its batch of the array that was struck first."""
    return (int(Path("struck").read_text()) - 1) % 16


def judge(target: Any, *laws: str, **options: Any) -> Report:
    """A quick check of some laws (default: the values of softmax and log-softmax) in float32, but not at size."""
    options = {"profile": "quick", "dtypes": ["float32"], **options}
    names = {"SM-1": "softmax.value", "SM-11": "log_softmax.value"}
    return nnlaws.check(target, laws=[names.get(law, law) for law in laws or names], **options)


def by_clause(report: Report, operation: str = "softmax") -> dict[str, LawResult]:
    return {result.clause: result for result in report.results if result.operation == operation}


def load(path: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(path))


def again(result: LawResult, target: Any) -> LawResult:
    """The result of the replay token, on the target given."""
    law, dtype, case, _ = result.replay.split("/", 3)
    with api.runner(target, api.select(laws=(law,), dtypes=(dtype,))) as runs:
        (task,) = runs.plan().tasks
        replayed: LawResult = runs.run(replace(task, case=case))
        return replayed


@pytest.mark.sampled
@pytest.mark.parametrize(("body", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_an_outcome_with_its_clause(
    write: Write, body: str, expected: Mapping[str, tuple[Outcome, str]]
) -> None:
    target = load(write(body))
    report = judge(target, *expected, "SM-11", operations=["softmax", "log_softmax"])
    results = by_clause(report)
    assert {clause: results[clause].outcome for clause in expected} == {
        c: outcome for c, (outcome, _) in expected.items()
    }
    for clause, (outcome, words) in expected.items():
        text = explain(results[clause])
        assert words in text
        assert "nnlaws itself failed" not in text
        if outcome in (SHORT, VIOLATES, ERROR):
            assert again(results[clause], load(write(body))).outcome is outcome
    others = by_clause(report, "log_softmax")
    assert {result.outcome for result in others.values()} == {CONFORMS}
    assert report.complete


UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}.get(platform.machine())


@pytest.mark.skipif(sys.platform != "linux" or UPWARD is None, reason="FE_UPWARD is another number elsewhere")
def test_a_call_that_changes_the_direction_of_rounding_is_noticed(write: Write) -> None:
    """At the first call, as at any later one that sets it to the same; and it outlives no call."""
    target = write(f"a = right(z)\nimport ctypes\nctypes.CDLL(None).fesetround({UPWARD})\nreturn a")
    report = judge(target, "SM-1", "SM-3", "CT-7", "SM-11")
    results = by_clause(report)
    assert results["CT-7"].outcome is SHORT
    assert "a call changed the direction of rounding" in explain(results["CT-7"])
    assert results["SM-1"].outcome is results["SM-3"].outcome is CONFORMS
    assert by_clause(report, "log_softmax")["SM-11"].outcome is CONFORMS


@pytest.mark.skipif(sys.platform != "linux" or UPWARD is None, reason="FE_UPWARD is another number elsewhere")
def test_what_an_import_leaves_of_arithmetic_is_kept_for_the_calls_and_for_nothing_else(write: Write) -> None:
    prelude = f"import ctypes\nctypes.CDLL(None).fesetround({UPWARD})\n"
    body = f"up = ctypes.CDLL(None).fegetround()\nreturn right(z) if up == {UPWARD} else np.full_like(z, np.nan)"
    report = judge(write(body, prelude=prelude), "SM-3", "CT-7")
    assert {result.outcome for result in by_clause(report).values()} == {CONFORMS}
    judge(load(write(body, prelude=prelude)), "SM-3")
    assert arithmetic.state() == arithmetic.USUAL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
@pytest.mark.parametrize("child", ["return right(z)", "sys.exit(0)", "raise NotImplementedError"])
def test_a_process_that_a_call_forks_off_does_not_judge_on(write: Write, child: str) -> None:
    report = judge(write(f"if os.fork() == 0: {child}\nreturn right(z)"), "SM-1", "SM-2", "SM-11")
    assert {result.outcome for result in report.results if result.operation in ("softmax", "log_softmax")} == {CONFORMS}
    assert [result.law for result in report.results] == [
        task.law for task in planned("softmax.value", "SM-2", "log_softmax.value")
    ]


def planned(*laws: str) -> tuple[Any, ...]:
    with api.runner("scipy", api.select(laws=laws, dtypes=("float32",))) as runs:
        tasks: tuple[Any, ...] = runs.plan().tasks
        return tasks


def test_what_is_written_where_answers_go_costs_one_law(write: Write) -> None:
    scrawl = (
        "for number in range(3, 20):\n    try: os.write(number, b'?\\n')\n    except OSError: pass\nreturn right(z)"
    )
    report = judge(write(scrawl))
    assert by_clause(report)["SM-1"].outcome is ERROR
    assert "wrote what is no answer where answers go" in by_clause(report)["SM-1"].reason
    assert by_clause(report, "log_softmax")["SM-11"].outcome is CONFORMS
    assert report.complete


def test_a_line_without_an_end_does_not_fill_the_memory_of_who_reads_it(write: Write) -> None:
    target = write("for _ in range(200): os.write(2, b'.' * 2**16)\nif calls > 20: os._exit(3)\nreturn right(z)")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = by_clause(judge(target, timeout=60))["SM-1"]
    assert (result.outcome, len(result.reason) < 1000) == (ERROR, True), result.reason
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes, of 260 MB"


def test_a_target_leaves_the_process_that_judges_it_as_it_was(write: Write) -> None:
    before, folder = np.geterr(), Path.cwd()
    judge(load(write("with np.errstate(all='ignore'): a = right(z)\nnp.seterr(all='raise')\nprint(calls)\nreturn a")))
    assert (np.geterr(), Path.cwd()) == (before, folder)


@pytest.mark.sampled
@pytest.mark.parametrize(("strike", "words"), STRIKES.values(), ids=STRIKES)
def test_a_strike_costs_one_law_and_its_token_names_the_array_that_was_struck(
    write: Write, strike: str, words: str
) -> None:
    """The fault strikes in some arrays only, first in a later one of a batch."""
    target = write(SOMETIMES.format(strike), prelude=NOTE)
    began = time.monotonic()
    report = judge(target, timeout=0.5)
    assert time.monotonic() - began < 15
    assert lane_struck() > 0, "the first array of a batch was struck: this target tests nothing"
    results = by_clause(report)
    assert results["SM-1"].outcome is ERROR
    assert words in results["SM-1"].reason
    assert by_clause(report, "log_softmax")["SM-11"].outcome is CONFORMS
    assert (report.complete, report.exit_code) == (True, 1)
    replayed = api.replay(results["SM-1"].replay, timeout=0.5)
    told = replayed.reason.replace("the first call did not return within 6 s", "a call did not return within 0.5 s")
    assert (replayed.outcome, told) == (ERROR, results["SM-1"].reason)


@pytest.mark.slow
def test_the_token_of_a_violation_names_the_array_that_violates(write: Write) -> None:
    target = write(SOMETIMES.format("return 2 * right(z)"), prelude=NOTE)
    result = by_clause(judge(target))["SM-1"]
    assert lane_struck() > 0, "the first array of a batch was struck: this target tests nothing"
    replayed = api.replay(result.replay)
    assert (result.outcome, replayed.outcome) == (VIOLATES, VIOLATES)
    assert result.violation is not None
    assert replayed.violation is not None
    assert (replayed.violation.example, replayed.violation.want) == (
        result.violation.example,
        result.violation.want,
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    "fault", ["os._exit(3)", "time.sleep(60)", "raise ValueError", "raise NotImplementedError", "return None"]
)
def test_a_violation_is_not_lost_to_a_later_fault(write: Write, fault: str) -> None:
    """A whole batch gives wrong values before the fault first strikes."""
    target = write(f"if calls > {16}: {fault}\nreturn 2 * right(z)")
    deadly = fault.startswith(("os.", "time."))
    (result,) = judge(target if deadly else load(target), "SM-1", timeout=0.5).results
    assert result.outcome is VIOLATES
    assert result.violation is not None


@pytest.mark.parametrize("fault", ["raise ValueError", "raise NotImplementedError", "return None"])
def test_a_violation_is_not_hidden_by_a_fault_on_a_smaller_input(write: Write, fault: str) -> None:
    target = load(write(f"if z.shape[1] == 1: {fault}\nreturn 2 * right(z)"))
    result = by_clause(judge(target))["SM-1"]
    assert result.outcome is VIOLATES
    assert again(result, target).outcome is VIOLATES


def test_what_works_for_some_inputs_is_offered(write: Write) -> None:
    """NotImplementedError for three classes only is a fault, not an operation that is missing."""
    target = load(write("if z.shape[1] > 2: raise NotImplementedError('three')\nreturn right(z)"))
    assert by_clause(judge(target))["SM-1"].outcome is ERROR


@pytest.mark.parametrize("value", ["np.nan", "2"])
def test_a_fault_that_does_not_come_again_is_still_reported(write: Write, value: str) -> None:
    target = load(write(f"return right(z) * np.float32({value} if calls == 50 else 1)"))
    assert by_clause(judge(target))["SM-1"].outcome is VIOLATES


def test_an_exception_that_does_not_come_again_is_still_reported(write: Write) -> None:
    result = by_clause(judge(load(write("if calls == 50: raise ValueError('once')\nreturn right(z)"))))["SM-1"]
    assert (result.outcome, "once" in result.reason) == (ERROR, True)


@pytest.mark.slow
def test_a_target_that_keeps_hanging_is_given_up(write: Write) -> None:
    clauses = ("SM-1", "SM-2", "SM-4", "SM-5", "SM-7", "SM-11")
    began = time.monotonic()
    report = judge(write("time.sleep(60)"), *clauses, operations=["softmax", "log_softmax"], timeout=0.3)
    assert time.monotonic() - began < 40
    assert {result.outcome for result in by_clause(report).values()} == {ERROR}
    assert "not run" in by_clause(report)["SM-7"].reason
    assert {result.outcome for result in by_clause(report, "log_softmax").values()} == {CONFORMS}


@pytest.mark.slow
def test_a_result_that_hangs_when_read_is_a_hang(write: Write, process: Callable[..., Any]) -> None:
    target = write("class Box:\n    def __array__(self, *_, **__): time.sleep(60)\nreturn Box()")
    ran = process(
        "check",
        target,
        "--law",
        "softmax.value",
        "--law",
        "log_softmax.value",
        "--dtype",
        "float32",
        "--timeout",
        "0.5",
        limit=40.0,
    )
    assert ran.code == 1
    assert "did not return within" in ran.out


def test_a_message_without_an_end_is_cut(write: Write) -> None:
    began = time.monotonic()
    result = by_clause(judge(write("raise ValueError('x' * 50_000_000)")))["SM-1"]
    assert time.monotonic() - began < 30
    assert "(50,000,000 characters)" in result.reason
    assert len(result.reason) < 1000


def test_a_message_that_ends_the_process_is_none(write: Write) -> None:
    prelude = "class Mute(Exception):\n    def __str__(self): raise SystemExit\n"
    result = by_clause(judge(write("raise Mute", prelude=prelude)))["SM-1"]
    assert "raised Mute: (its message cannot be shown: SystemExit)" in result.reason


def test_a_loud_target_is_judged_by_its_results(write: Write, process: Callable[..., Any], read_json: Any) -> None:
    """Whatever it prints, by whatever way, at import or in a call, appears in no report."""
    target = write(
        "print('a' * 9999); print('b' * 9999, file=sys.stderr)\n"
        "os.write(1, b'c' * 9999); os.write(2, b'd' * 9999)\nreturn right(z)\nprint('e' * 99999)"
    )
    ran = process("check", target, "--law", "SM-1", "--profile", "quick", "--dtype", "float32", "--json", "-")
    assert (ran.code, ran.err) == (0, "")
    assert read_json(ran.out)["conforms"] is True


@pytest.mark.sampled
@pytest.mark.parametrize("where", ["at import", "in a call"])
def test_a_process_left_behind_does_not_hold_up_the_run(write: Write, where: str) -> None:
    leave = "import subprocess; subprocess.Popen(['sleep', '30'])"
    target = write("return right(z)", prelude=leave + "\n") if where == "at import" else write(f"{leave}; os._exit(3)")
    began = time.monotonic()
    report = judge(target)
    assert time.monotonic() - began < 25
    assert by_clause(report)["SM-1"].outcome is (CONFORMS if where == "at import" else ERROR)
    assert by_clause(report, "log_softmax")["SM-11"].outcome is CONFORMS


def test_a_target_that_changes_folder_and_dies_is_found_again(write: Write) -> None:
    report = judge(write("os.chdir('/')\nif calls > 3: os._exit(3)\nreturn right(z)"))
    assert by_clause(report)["SM-1"].outcome is ERROR
    assert by_clause(report, "log_softmax")["SM-11"].outcome is CONFORMS


def test_a_target_that_can_be_loaded_once_only_ends_in_errors(write: Write) -> None:
    report = judge(write("os.remove(__file__); os._exit(3)"))
    assert {result.outcome for result in report.results} == {ERROR}
    assert "there is no file" in by_clause(report, "log_softmax")["SM-11"].reason
    assert report.exit_code == 3
