"""A chapter of another package: examples/layer_norm_chapter, installed from its own pyproject.toml, is judged by.

Missing libraries are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "layer_norm_chapter"
FROM = "layer_norm (layer-norm-chapter 0.1.0)"
LAYER_NORM = ("--operation", "layer_norm", "--operation", "layer_norm_backward", "--profile", "quick", "--jobs", "1")


def need(library: str) -> None:
    if find_spec(library) is None:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{library} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it")
        pytest.skip(f"{library} is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--no-compile")
    ended = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(EXAMPLE)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def run(
    site: Path | None,
    *arguments: str,
    program: str = "nnlaws.cli",
    folder: Path = ROOT,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """Exit code and text of the command, in a process that has the package; without a site, in one that has not.

    program: a module; without one, the first argument is the code to run.
    """
    places = [str(site)] if site else []
    ours = [str(ROOT / folder) for folder in ("spec", "reference", "properties")]
    ended = subprocess.run(
        [sys.executable, *(("-m", program) if program else ("-c",)), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*places, *ours]), "PYTHONUTF8": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def judged(site: Path, target: str, *options: str) -> tuple[dict[str, Any], str]:
    """The report of a check, as JSON and as text."""
    report = site / f"{target}.json"
    place = f"examples/layer_norm_chapter/{target}.py"
    code, text = run(site, "check", place, *LAYER_NORM, *options, "--json", str(report))
    assert code in (0, 1), text
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found, text


def test_what_is_installed_is_the_package_and_its_entry_point(site: Path) -> None:
    assert {each.name for each in site.iterdir() if each.is_dir()} >= {"layer_norm_chapter"}
    (points,) = site.glob("*.dist-info/entry_points.txt")
    assert "[nnlaws.chapters]\nlayer_norm = layer_norm_chapter:CHAPTER" in points.read_text("utf-8")
    here = {each.name for each in (EXAMPLE / "layer_norm_chapter").iterdir() if each.is_file()}
    assert {each.name for each in (site / "layer_norm_chapter").iterdir() if each.is_file()} == here


def test_it_imports_only_what_authors_of_chapters_may() -> None:
    allowed = ("nnlaws.authoring", "nnlaws.rounding", "nnlaws.chance")
    for path in (EXAMPLE / "layer_norm_chapter").glob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (nnlaws(?:\.\w+)*)\b", path.read_text("utf-8"), re.MULTILINE)
        assert [module for module in found if not module.startswith(allowed)] == [], path.name


IN_ONE_PROCESS = """
import json, sys
from nnlaws.cli import main
sys.exit(max([main(command) for command in json.loads(sys.argv[1])]))
"""


def test_its_clauses_laws_and_operations_are_listed_and_explained(site: Path) -> None:
    commands = [["list", "operations"], ["list", "laws"], ["list", "mutants"], ["explain", "LNORM-13"]]
    code, text = run(site, IN_ONE_PROCESS, json.dumps(commands), program="")
    assert code == 0, text
    assert "layer_norm_backward(dout, z, gamma, *, eps)" in text
    assert "layer_norm.shift_invariance" in text
    assert "layer_norm_backward.scale_last" in text
    assert "LNORM-13  The gradient of z\n" in text
    assert "law layer_norm_backward.value: dz is the gradient in z" in text


@pytest.mark.parametrize(("site_of", "environment"), [(False, {}), (True, {"NNLAWS_NO_PLUGINS": "1"})])
def test_where_it_is_not_installed_or_switched_off_there_is_no_such_clause(
    site: Path, site_of: bool, environment: dict[str, str]
) -> None:
    code, text = run(site if site_of else None, "explain", "LNORM-13", environment=environment)
    assert code == 2
    assert "LNORM-13" in text
    assert "The gradient of z" not in text


def test_its_own_tests_pass(site: Path) -> None:
    code, text = run(site, "-p", "no:cacheprovider", "-q", str(EXAMPLE / "tests"), program="pytest")
    assert code == 0, text


def test_two_planted_mistakes_are_found_and_their_causes_named(site: Path) -> None:
    laws = ("two_features", "layer_norm_backward.value", "samples_alone")
    report, text = judged(site, "wrong_layer_norm", "--dtype", "float32", *(x for law in laws for x in ("--law", law)))
    causes = {
        result["law"]: result["violation"]["cause"]["name"]
        for result in report["results"]
        if result["outcome"] == "violates"
    }
    assert causes == {
        "layer_norm.two_features": "layer_norm.unbiased_deviation_plus_epsilon",
        "layer_norm_backward.value": "layer_norm_backward.scale_last",
    }
    assert report["plugins"] == [FROM]
    assert f"chapters of other packages: {FROM}" in text


def test_it_is_identified_and_collected_by_pytest_too(site: Path, tmp_path: Path) -> None:
    target = tmp_path / "outside.py"
    target.write_text(
        "import numpy as np\n\n\n"
        "def layer_norm(z, gamma, beta, *, eps):\n"
        "    root = z.std(axis=-1, keepdims=True) + z.dtype.type(eps)\n"
        "    return gamma * (z - z.mean(axis=-1, keepdims=True)) / root + beta\n",
        encoding="utf-8",
    )
    options = ("--operation", "layer_norm", "--dtype", "float32", "--profile", "quick")
    code, text = run(site, "identify", str(target), *options)
    assert code == 0, text
    assert "epsilon = outside" in text
    suite = (
        "--nnlaws",
        str(target),
        "--nnlaws-profile",
        "quick",
        "--nnlaws-dtype",
        "float32",
        "-k",
        "LNORM-3",
    )
    code, text = run(site, "-p", "no:cacheprovider", "-q", *suite, str(tmp_path), program="pytest")
    assert code == 1, text
    assert "VIOLATES  LNORM-3" in text


def test_torch_s_layer_norm_is_right_but_rounds_its_gradient_in_the_narrow_type(site: Path) -> None:
    """README.md of the example says so, with a few lines that need no nnlaws."""
    need("torch")
    (program,) = re.findall(
        r"^```python\n(.*?)^```", (EXAMPLE / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    code, printed = run(None, program, program="")
    assert code == 0, printed
    assert printed.splitlines() == re.findall(r"^# (.+)$", program, re.MULTILINE)
    report, _ = judged(site, "torch_layer_norm", "--law", "value", "--dtype", "float32", "--dtype", "float16")
    found = {(result["law"], result["dtype"]): result["outcome"] for result in report["results"]}
    assert found.pop(("layer_norm_backward.value", "float16")) == "violates"
    assert set(found.values()) == {"conforms"}


def console() -> dict[str, str]:
    """The commands of docs/extending.md, each with what the page says that it prints."""
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return dict(each for block in blocks for each in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE))


@pytest.mark.parametrize("command", console())
def test_the_page_on_extending_says_what_its_commands_print(site: Path, tmp_path: Path, command: str) -> None:
    if "torch" in command:
        need("torch")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    words = command.split()
    environment = dict(word.split("=", 1) for word in words[: words.index("nnlaws")])
    _, printed = run(site, *words[words.index("nnlaws") + 1 :], folder=tmp_path, environment=environment)
    expected = [re.escape(part) for part in console()[command].split("…")]
    assert re.search(".*".join(expected), printed, re.DOTALL), printed
