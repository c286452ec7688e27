"""What is written, and where: what is no file is never replaced, and the verdict is printed whatever happens."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from nnlaws.authoring.errors import UsageError
from nnlaws.cli import main
from nnlaws.output import apart, writable, write

ONE = ("check", "scipy", "--law", "SM-8", "--profile", "quick", "--jobs", "1")


def test_a_file_is_replaced_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o640)
    write(path, "new\n")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["report"]


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    for there in (True, False):
        target, link = tmp_path / f"target{there}", tmp_path / f"link{there}"
        if there:
            target.write_text("old")
        link.symlink_to(target)
        write(writable("--json", link), "new\n")
        assert link.is_symlink()
        assert target.read_text() == "new\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    pipe, said = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    assert main([*ONE, "--json", str(pipe)]) == 0
    reader.join(30)
    assert json.loads(said[0])["complete"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there is no such device")
@pytest.mark.parametrize("option", ["--json", "--junit", "--html"])
def test_a_device_stays_what_it_is(option: str, tmp_path: Path) -> None:
    """By a link to it: should this ever fail, the device of whoever runs it has to stay, too."""
    before = Path("/dev/null").stat()
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    assert main([*ONE, option, str(link)]) == 0
    assert link.is_symlink()
    assert Path("/dev/null").stat().st_rdev == before.st_rdev
    assert os.listdir(tmp_path) == ["null"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no such device")
@pytest.mark.parametrize("option", ["--json", "--junit", "--html"])
def test_a_full_disk_costs_the_file_and_not_the_verdict(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    assert main([*ONE, option, str(link)]) == 2
    said = capsys.readouterr()
    assert "scipy conforms" in said.out
    assert said.err == f"nnlaws: cannot write {link}: No space left on device\n"
    assert link.is_symlink()


@pytest.mark.parametrize("option", ["--json", "--junit", "--html"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "names no file"),
        ("  ", "names no file"),
        ("/", "it is a folder"),
        (".", "it is a folder"),
        ("nowhere/report", "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_runs(
    option: str,
    path: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*ONE, option, path]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.startswith(f"nnlaws: {option}")


def test_two_options_with_one_file_are_refused_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "report")
    for one, other in (
        ("report", "report"),
        ("report", "./report"),
        ("report", str(tmp_path / "report")),
        ("link", "report"),
    ):
        with pytest.raises(UsageError, match="--json and --html both write to"):
            apart({"--json": one, "--html": other})
    apart({"--json": "report", "--html": "page", "--trace": None})
    apart({"--json": "/dev/null", "--html": "/dev/null"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no report"),
        ("[]", "is no report"),
        ("[" * 100_000, "is no report"),
        ('{"seed": 1' + "0" * 400 + "}", "is no report"),
        ('{"seed": 1' + "0" * 5000 + "}", "is no report"),
        ("\x00", "is no report"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_one_line(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report"
    path.write_text(text)
    assert main([*ONE, "--resume", str(path)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_seconds_beyond_all_numbers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report"
    assert main([*ONE, "--json", str(path)]) == 0
    data = json.loads(path.read_text())
    for name in ("seconds", "worst", "cases"):
        for beyond in (10**400, 2**63):
            data["results"][0][name] = beyond
            path.write_text(json.dumps(data))
            assert main([*ONE, "--resume", str(path)]) == 2
        data["results"][0][name] = 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_no_file_to_go_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main([*ONE, "--resume", str(pipe)]) == 2
    assert "it is a pipe, expected a file" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["", "  ", "\n"])
def test_no_target_is_one_line(target: str) -> None:
    command = [sys.executable, "-c", "import sys; from nnlaws.cli import main; sys.exit(main(sys.argv[1:]))", "check"]
    done = subprocess.run([*command, target], capture_output=True, text=True)
    assert done.returncode == 3
    assert "names no target" in done.stderr
    assert "Traceback" not in done.stderr
