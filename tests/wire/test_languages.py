"""The clients that `nnlaws template` writes, each in its language, are judged as they are written."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nnlaws import check
from nnlaws.cli import main
from nnlaws.templates.clients import COMMANDS
from nnlaws.wire.client import Client
from nnlaws.wire.words import grammar, unword

FAR = """
import importlib.util
spec = importlib.util.spec_from_file_location("client", "client.py")
client = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client)
print(client.written("y", client.Array("float32", [3], [1e39, -1e39, 0.5])))
"""
TOOLS = {".cpp": "g++", ".java": "java", ".mjs": "node", ".pl": "perl", ".py": "python3", ".rs": "rustc"}


@pytest.mark.release  # and by `make adapters`
@pytest.mark.parametrize("suffix", COMMANDS)
def test_a_client_conforms_as_it_is_written(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(TOOLS[suffix]) is None:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{TOOLS[suffix]} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it")
        pytest.skip(f"{TOOLS[suffix]} is not installed")
    monkeypatch.chdir(tmp_path)
    assert main(["template", f"client{suffix}"]) == 0
    *setup, target = shlex.split(capsys.readouterr().out.rpartition("nnlaws check ")[2])
    trace = tmp_path / "trace"
    report = check(target, setup=setup[-1] if setup else "", profile="quick", trace=str(trace))
    assert report.conforms, str(report)
    assert report.offered == ("softmax",)
    sides = {">": "judge", "<": "client"}
    with Client(target.removeprefix("command:")) as client:
        assert client.hello().facts.keys() == {"name", "language", "dtypes", "operations"}
    said = [line.split(" ", 2)[1:] for line in trace.read_text("utf-8").splitlines()]
    assert {(side, line.partition(" ")[0]) for side, line in said} == {
        *((">", "hello"), ("<", "hello"), (">", "call"), ("<", "done")),
    }
    assert all(line.partition(" ")[0] in grammar()[sides[side]] for side, line in said)
    assert main(["template", f"client{suffix}"]) == 2  # it is there already


def test_a_client_in_plain_python_rounds_what_is_beyond_its_range_to_infinity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["template", "client.py"]) == 0
    said = subprocess.run([sys.executable, "-c", FAR], capture_output=True, text=True, check=True).stdout.strip()
    assert unword(said)[1].tolist() == [float("inf"), float("-inf"), 0.5]
