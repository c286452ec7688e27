"""Real libraries in other languages, by the clients of examples/clients, held to what docs/findings.md says of them.

Missing ones are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure.
"""

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from nnlaws import Outcome, check
from nnlaws.report import Report

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "examples" / "clients"
FINDINGS = ROOT / "docs" / "findings.md"
SCRIPTS = {"TensorFlow.js": "tfjs", "onnxruntime-web": "onnx", "stdlib": "stdlib"}


def need(there: object, what: str) -> None:
    if not there:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{what} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it: make adapters")
        pytest.skip(f"{what} is not installed")


def published() -> dict[str, dict[tuple[str, str], set[str]]]:
    """By client, of each operation and dtype the clauses that are broken: the table under "In other languages"."""
    section = FINDINGS.read_text("utf-8").partition("\n## In other languages")[2].partition("\n## ")[0]
    found: dict[str, dict[tuple[str, str], set[str]]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line[:1] != "|" or cells[0] in ("client", "---"):
            continue
        client, operations, *outcomes = cells
        for operation in operations.split(", "):
            for dtype, outcome in zip(("float32", "float64"), outcomes, strict=True):
                if outcome != "–":
                    broken = set(re.findall(r"[A-Z]{2}-\d+", outcome))
                    found.setdefault(client, {})[operation, dtype] = broken
    return found


def broken(report: Report) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for result in report.results:
        if result.operation in report.offered:
            clauses = found.setdefault((result.operation, result.dtype), set())
            if result.outcome in (Outcome.VIOLATES, Outcome.FALLS_SHORT, Outcome.ERROR):
                clauses.add(result.clause)
    return found


@pytest.mark.parametrize("client", SCRIPTS)
def test_a_library_in_javascript_is_as_published(client: str) -> None:
    need(shutil.which("node"), "node")
    need((CLIENTS / "node_modules").is_dir(), "what examples/clients/package.json names")
    report = check(f"command:node {CLIENTS / SCRIPTS[client]}.mjs", profile="quick", jobs=2, timeout=60)
    assert report.complete
    assert broken(report) == published()[client]


def test_pytorch_in_cpp_is_as_published(tmp_path: Path) -> None:
    need(shutil.which("g++"), "g++")
    need(find_spec("torch"), "torch")
    setup = f"{sys.executable} {CLIENTS / 'libtorch.py'} {tmp_path}"
    report = check(f"command:{tmp_path / 'libtorch'}", profile="quick", jobs=2, timeout=60, setup=setup)
    assert report.complete
    assert broken(report) == published()["libtorch"]


def test_every_client_is_published() -> None:
    assert published().keys() == {*SCRIPTS, "libtorch"}
