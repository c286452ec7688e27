"""The command keeps its word: exit codes, options, documents that others can read, a line for a mistake."""

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from nnlaws.report import LawResult, Outcome

Run = Callable[..., Any]
Write = Callable[..., str]

ONE = ("--law", "softmax.one_class", "--dtype", "float32", "--profile", "quick")
VALUE = ("--law", "softmax.value", "--dtype", "float32", "--profile", "quick")
WRONG = "return 2 * right(z)"
HOSTILE = "[bold]x[/bold] ]]> <a> & \x1b[31mred\x07\x00\x9b31m\r\ud800"
"""Markup, what ends a CDATA section, a colour, a bell, a zero, a control sequence of one byte, half of a character."""


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return right(z)", 0),
        (WRONG, 1),
        ("raise ValueError", 3),
        ("raise NotImplementedError", 3),
        ("os._exit(0)", 3),
        ("sys.exit(0)", 3),
    ],
)
def test_the_exit_code_is_the_verdict(write: Write, command: Run, body: str, code: int) -> None:
    assert command("check", write(body), *ONE).code == code


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("check", "TARGET"),
        ("check scipy --law SM-99", "unknown law 'SM-99'"),
        ("check scipy --profile slow", "quick"),
        ("check scipy --seed x", "--seed"),
        ("check scipy --timeout x", "--timeout"),
        ("check scipy --timeout 0", "more than 0"),
        (f"check scipy --json /nowhere/x {shlex.join(ONE)}", "cannot write /nowhere/x"),
        (f"check scipy --junit . {shlex.join(ONE)}", "cannot write ."),
        (f"check scipy --json - --junit - {shlex.join(ONE)}", "--junit"),
        (f"check scipy --json same --junit same {shlex.join(ONE)}", "--junit"),
        ("explain", "CLAUSE"),
        ("explain SM-99", "SM-1"),
        ("list", "nnlaws list"),
        ("list everything", "laws"),
        ("template", "FILE"),
        ("template /nowhere/x.py", "cannot write"),
        ("dance", "check"),
        ("--dance", "--dance"),
        ("template \ud800", "cannot write"),
        ("check scipy --seed soon", "expected a whole number or random, got 'soon'"),
        ("replay", "CASE"),
        ("replay x", "law/dtype/case/target"),
        ("replay value/float32/1x1,constant,0,0/scipy", "law"),
        ("replay softmax.value/float32/1x1,constant,0,0,@0=abc/scipy", "abc"),
        ("replay softmax.one_class/float32/1x3,constant,0,0/scipy", "1x3"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line(write: Write, command: Run, arguments: str, words: str) -> None:
    write("return right(z)")  # so that the test's own folder is the one to write to
    ran = command(*shlex.split(arguments))
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert words in ran.err


@pytest.mark.sampled
@pytest.mark.parametrize(
    "target",
    [
        "nowhere.py",
        "no_such_module",
        "os:nothing",
        "os:path",
        ".",
        "",
        ":",
        "/",
        "a\nb",
        "a\x1b[31m.py",
        "raises.py",
    ],
)
def test_a_target_that_cannot_be_run_is_one_line_and_3(write: Write, command: Run, target: str) -> None:
    write("raise ValueError('first\\nsecond \\x1b[31m')", "raises.py", whole=True)
    ran = command("check", target, *ONE)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("nnlaws: ")
    assert ran.err.count("\n") == 1
    assert "\x1b" not in ran.err
    assert "Traceback" not in ran.err


def test_the_version_is_the_packages_own(command: Run) -> None:
    assert command("--version") == (0, f"nnlaws {version('nnlaws')}\n", "")


def test_no_command_is_a_mistake_and_shows_the_help(command: Run) -> None:
    ran = command()
    assert ran.code == 2
    assert ran.out.startswith("usage: nnlaws")


def documents(read_json: Any) -> tuple[dict[str, Any], list[LawResult]]:
    data = read_json(Path("out.json").read_text("utf-8"))
    return data, [LawResult.from_json(result) for result in data["results"]]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--law", "softmax.value"], {"softmax.value"}),
        (["--law", "value", "--operation", "log_softmax"], {"log_softmax.value"}),
        (["--law", "SM-2"], {"softmax.probability_row"}),
        (["--law", "SM-2", "--law", "SM-11"], {"softmax.probability_row", "log_softmax.value", "log_softmax.at_size"}),
        (
            ["--law", "SM-8", "--operation", "softmax", "--operation", "log_softmax"],
            {"softmax.one_class", "log_softmax.one_class"},
        ),
    ],
)
def test_laws_and_operations_are_selected(
    write: Write, command: Run, read_json: Any, options: list[str], expected: set[str]
) -> None:
    write("return right(z)")
    command("check", "target.py", *options, "--dtype", "float32", "--profile", "quick", "--json", "out.json")
    assert {result.law for result in documents(read_json)[1]} == expected


def test_dtypes_profile_and_seed_are_as_asked(write: Write, command: Run, read_json: Any) -> None:
    write("return right(z)")
    cases: dict[str, int] = {}
    for profile in ("quick", "ci"):
        options = [
            "--dtype",
            "float64",
            "--dtype",
            "float16",
            "--profile",
            profile,
            "--seed",
            "7",
            "--json",
            "out.json",
        ]
        command("check", "target.py", "--law", "softmax.one_class", *options)
        data, results = documents(read_json)
        assert (data["profile"], data["seed"], data["planned"]) == (profile, 7, 2)
        assert [result.dtype for result in results] == ["float64", "float16"]
        cases[profile] = results[0].cases
    assert cases["quick"] < cases["ci"]


def test_the_timeout_is_for_one_call(write: Write, command: Run) -> None:
    said = command("check", write("time.sleep(60)"), *ONE, "--timeout", "0.3").out
    assert "the first call did not return within 3.6 s" in said


def test_the_json_is_read_back_and_says_what_the_text_says(write: Write, command: Run, read_json: Any) -> None:
    write("if z.shape[1] == 2: return 2 * right(z)\nif z.shape[1] > 3: raise ValueError('five')\nreturn right(z)")
    selection = ("--law", "SM-9", "--law", "SM-8", "--law", "SM-11", "--law", "CT-1", "--dtype", "float32")
    text = command("check", "target.py", *selection, "--json", "out.json").out
    data, results = documents(read_json)
    assert [read_json(json.dumps(result.as_json())) for result in results] == data["results"]
    assert {result.outcome for result in results} == {*Outcome} - {Outcome.DECLARED, Outcome.FALLS_SHORT}
    assert (data["conforms"], data["complete"], data["planned"]) == (False, True, len(results))
    broken = [result for result in results if result.violation is not None]
    tokens = [shlex.split(line)[-1] for line in text.splitlines() if line.startswith("  replay ")]
    assert sorted(tokens) == sorted(result.replay for result in broken)
    (want,) = [result.violation.want for result in broken if result.violation and result.outcome is Outcome.VIOLATES]
    assert re.search(rf"^  want +{re.escape(want)}  \(", text, re.MULTILINE)
    for outcome in Outcome:
        count = sum(result.outcome is outcome for result in results)
        assert (f"{count} {outcome}," in text) == bool(count)


def test_the_json_of_a_target_that_returns_nan_is_json(write: Write, command: Run, read_json: Any) -> None:
    ran = command("check", write("return np.full_like(z, np.nan)"), *VALUE, "--json", "-")
    assert read_json(ran.out)["results"][0]["outcome"] == "violates"


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["target.py", "it's [bold]a ]]> & <b>.py"])
def test_the_junit_is_xml_whose_counts_agree(write: Write, command: Run, read_json: Any, name: str) -> None:
    body = f"if z.shape[1] == 2: return 2 * right(z)\nif z.shape[1] > 3: raise ValueError({HOSTILE!r})\nreturn right(z)"
    selection = (
        "--law",
        "SM-9",
        "--law",
        "SM-8",
        "--law",
        "CT-1",
        "--dtype",
        "float32",
        "--json",
        "out.json",
    )
    ran = command("check", write(body, name), *selection, "--junit", "-")
    root = ElementTree.fromstring(ran.out)
    results = documents(read_json)[1]
    found = [(suite, case) for suite in root.iter("testsuite") for case in suite.iter("testcase")]
    assert len(found) == len(results)
    for tag, outcome in (("failure", "violates"), ("error", "error"), ("skipped", "not offered")):
        count = sum(str(result.outcome) == outcome for result in results)
        assert count > 0
        assert sum(case.find(tag) is not None for _, case in found) == count
        attribute = tag if tag == "skipped" else f"{tag}s"
        assert sum(int(suite.attrib[attribute]) for suite in root.iter("testsuite")) == count
    assert sum(int(suite.attrib["tests"]) for suite in root.iter("testsuite")) == len(results)
    (error,) = root.iter("error")
    assert "[bold]x[/bold] ]]> <a> & " in error.attrib["message"]


def test_documents_go_to_files_beside_the_text(write: Write, command: Run) -> None:
    ran = command("check", write(WRONG), *VALUE, "--json", "out.json", "--junit", "out.xml")
    assert "VIOLATES" in ran.out
    assert ElementTree.parse("out.xml").getroot().tag == "testsuites"
    assert Path("out.json").read_text().startswith("{")


def test_text_and_code_survive_whatever_a_target_says(write: Write, process: Run) -> None:
    ran = process("check", write(f"raise ValueError({HOSTILE!r})"), *VALUE)
    assert (ran.code, ran.err) == (3, "")
    assert "[bold]x[/bold] ]]> <a> & " in ran.out
    assert not set("\x1b\x07\x00\x9b\r") & set(ran.out)


@pytest.mark.slow
def test_the_same_arguments_give_the_same_verdict_and_other_seeds_other_cases(write: Write, command: Run) -> None:
    """Softmax uses another share of the allowed rounding on other cases."""
    target = write("return right(z)")
    runs = [
        command("check", target, *VALUE, *seed) for seed in ([], [], ["--seed", "1"], ["--seed", "1"], ["--seed", "2"])
    ]
    own, same, one, one_again, two = (ran.verdict for ran in runs)
    assert own == same
    assert one == one_again
    assert len({used.partition("conforms ")[2] for used in (own, one, two)}) == 3


@pytest.mark.slow
def test_the_cases_do_not_depend_on_how_the_target_is_named(write: Write, command: Run, tmp_path: Path) -> None:
    target = write("return right(z)")
    names = (target, f"./{target}", str(tmp_path / target))
    used = {command("check", name, *VALUE).out.split("e^z / Σ e^z  conforms ")[1][:4] for name in names}
    assert len(used) == 1


@pytest.mark.sampled
@pytest.mark.parametrize(
    "arguments", ["explain SM-1", "list laws", "list mutants", "--help", f"check scipy {shlex.join(ONE)}"]
)
def test_a_reader_that_has_seen_enough_is_no_mistake(arguments: str) -> None:
    """As in `nnlaws list laws | head -1`, but surely: the pipe's reader has gone before the first line is written."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ended = subprocess.run(
            [sys.executable, "-m", "nnlaws.cli", *arguments.split()],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ended.stderr, ended.returncode) == (b"", 0)


def test_the_first_line_through_head() -> None:
    script = f"set -o pipefail; {shlex.quote(sys.executable)} -m nnlaws.cli explain SM-1 | head -1"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert (ended.stderr, ended.returncode) == (b"", 0)
    assert ended.stdout.startswith(b"SM-1  ")


def test_a_violation_is_not_forgotten_when_the_reader_has_gone(write: Write) -> None:
    target = write(WRONG)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ended = subprocess.run([sys.executable, "-m", "nnlaws.cli", "check", target, *ONE], stdout=pipe, check=False)
    assert ended.returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "nnlaws.cli", "explain", "SM-1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode not in (0, 1)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", ["explain SM-1", "list laws"])
def test_a_terminal_that_knows_only_ascii_gets_what_it_can_show(process: Run, arguments: str) -> None:
    ran = process(*arguments.split(), PYTHONIOENCODING="ascii")
    assert (ran.code, ran.err) == (0, "")


def test_an_interrupted_check_says_what_it_found(write: Write) -> None:
    """Ctrl-C goes to every process of the terminal; the report is marked incomplete, and is no pass."""
    target = write("if calls > 500:\n    open('began', 'w').close()\n    time.sleep(0.01)\nreturn right(z)")
    running = subprocess.Popen(
        [sys.executable, "-m", "nnlaws.cli", "check", target, "--dtype", "float32"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )  # fmt: skip
    with running:
        limit = time.monotonic() + 20
        while not Path("began").exists() and time.monotonic() < limit:
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert err == ""
    assert re.search(r"incomplete: stopped after [1-9]\d* of", out)
    assert running.returncode not in (0, 1)


def test_a_template_imports_is_not_offered_and_is_never_overwritten(write: Write, command: Run) -> None:
    write("")
    ran = command("template", "mine.py")
    assert (ran.code, ran.err) == (0, "")
    text = Path("mine.py").read_text("utf-8")
    compile(text, "mine.py", "exec")
    checked = command("check", "mine.py", "--profile", "quick", "--dtype", "float32", "--law", "SM-8", "--law", "SM-12")
    assert checked.code == 3
    assert "not offered" in checked.out
    assert "conforms" not in checked.out
    refused = command("template", "mine.py")
    assert (refused.code, refused.err.count("\n"), Path("mine.py").read_text("utf-8")) == (2, 1, text)


def test_a_template_filled_in_with_the_reference_conforms(write: Write, command: Run) -> None:
    write("")
    command("template", "mine.py")
    text = (
        Path("mine.py").read_text("utf-8").replace("import numpy", "import nnlaws_reference as reference\nimport numpy")
    )
    for each in (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)):
        given = [argument.arg for argument in each.args.args]
        given += [f"{option.arg}={option.arg}" for option in each.args.kwonlyargs]
        text = text.replace("raise NotImplementedError", f"return reference.{each.name}({', '.join(given)})", 1)
    Path("mine.py").write_text(text, encoding="utf-8")
    laws = ("SM-8", "SM-3", "BN-4", "BN-13", "BN-18", "BN-21", "OP-2", "OP-10", "LR-1")
    selection = [word for law in laws for word in ("--law", law)]
    ran = command("check", "mine.py", "--profile", "quick", "--dtype", "float32", *selection)
    assert (ran.code, "mine.py conforms: 24 conforms, on" in ran.out) == (0, True)


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["target.py", "it's $HOME; `a` [b].py"])
def test_the_replay_line_of_a_violation_is_a_command_that_shows_it_again(write: Write, command: Run, name: str) -> None:
    ran = command("check", write(WRONG, name), *VALUE)
    (line,) = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("replay ")]
    _, program, *arguments = shlex.split(line)
    assert program == "nnlaws"
    again = command(*arguments)
    assert again.code == 1
    assert line in again.out
    assert [line for line in again.out.splitlines() if line.strip().startswith(("got", "want"))] == [
        line for line in ran.out.splitlines() if line.strip().startswith(("got", "want"))
    ]


@pytest.mark.slow
def test_a_replay_of_a_good_target_conforms(write: Write, command: Run) -> None:
    token = "softmax.value/float32/2x3,normal,5,1,@2=-0.5"
    ran = command("replay", f"{token}/{write('return right(z)')}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("softmax.value float32: conforms")
    assert "not reproduced: called by itself, in a new process, this conforms" in ran.out
    assert command("replay", f"{token}/{write(WRONG, 'wrong.py')}").code == 1
    assert command("replay", f"{token}/wrong.py", "--target", "target.py").code == 0
    assert command("replay", f"{token}/nowhere.py").code == 3


def test_a_replay_of_what_is_not_offered_is_no_pass(command: Run) -> None:
    assert command("replay", "cross_entropy.value/float32/1x1,constant,0,0/scipy").code == 3


def test_every_law_and_clause_that_is_listed_can_be_explained(command: Run) -> None:
    laws = command("list", "laws").out.splitlines()
    clauses = {line.split()[1] for line in laws}
    assert clauses == {line.split()[0] for line in command("list", "clauses").out.splitlines()}
    for clause in clauses:
        ran = command("explain", clause.lower())
        assert ran.code == 0
        for law in (line.split()[0] for line in laws if line.split()[1] == clause):
            assert f"law {law}: " in ran.out
