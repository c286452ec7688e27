"""The README says what happens: its code runs, and its verdict is the one that the command prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_first_verdict_is_what_the_command_prints(tmp_path: Path) -> None:
    (tmp_path / "my_layers.py").write_text(blocks("python")[0], encoding="utf-8")
    command = [sys.executable, "-m", "nnlaws.cli", "check", "my_layers.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8")
    assert run.returncode == 1, run.stderr
    (promised,) = blocks("text")
    assert promised.strip() in run.stdout


def test_the_gradient_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in blocks("python") if "gradcheck" in block]
    exec(compile(example, "README.md", "exec"), {})
    assert "agrees with f" in capsys.readouterr().out


def test_a_result_of_ones_own_is_judged() -> None:
    (example,) = [block for block in blocks("python") if "nnlaws.judge" in block]
    exec(compile(example, "README.md", "exec"), {})


def test_the_formula_of_ones_own_is_judged_as_said(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in blocks("python") if "assert_accurate" in block]
    exec(compile(example, "README.md", "exec"), {})
    assert "e-07" in capsys.readouterr().out


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parent.parent
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
