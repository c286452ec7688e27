"""The house: dependencies point one way, properties → reference → spec, and every module can be imported."""

import ast
import importlib
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = ("nnlaws_spec", "nnlaws_reference", "nnlaws")
MAY_NOT_USE = {
    "nnlaws_spec": {"nnlaws_reference", "nnlaws"},
    "nnlaws_reference": {"nnlaws"},
    "nnlaws": set[str](),
}
LIGHT = {"heartbeat", "isolation", "saved", "verdict", "api", "cli", "pytest_plugin", "__init__"}
"""The modules of nnlaws that live in the parent process, or in every pytest run."""


def files(package: str) -> dict[str, Path]:
    """The package's modules, by name."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    root = Path(found.origin).parent
    names = {path: path.relative_to(root.parent).with_suffix("") for path in sorted(root.rglob("*.py"))}
    return {".".join(name.parts).removesuffix(".__init__"): path for path, name in names.items()}


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """The top-level packages that a module imports anywhere; or, with `at_once`, when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_once else list(ast.walk(tree))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def libraries() -> set[str]:
    """Those that adapters import, and that need not be installed."""
    core = {re.split(r"[^\w-]", needed)[0].replace("-", "_") for needed in PROJECT["project"]["dependencies"]}
    adapters = [path for name, path in files("nnlaws").items() if name.startswith("nnlaws.adapters.")]
    return set[str]().union(*map(imported, adapters)) - core - sys.stdlib_module_names - {*PACKAGES}


PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
LIBRARIES = libraries()
HEAVY = {"numpy", "scipy", "hypothesis", "flint", "ml_dtypes", "psutil", "rich", "nnlaws_reference"} | LIBRARIES


@pytest.mark.parametrize("package", PACKAGES)
def test_dependencies_point_one_way(package: str) -> None:
    modules = files(package)
    assert len(modules) > 2
    broken = {name: imported(path) & MAY_NOT_USE[package] for name, path in modules.items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_no_import_is_relative() -> None:
    """A relative import would escape the test above."""
    for package in PACKAGES:
        for name, path in files(package).items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.ImportFrom) and node.level), f"{name}, line {node.lineno}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_can_be_imported(package: str) -> None:
    """But for the adapters to libraries that are optional, which tests/properties/test_adapters.py imports."""
    for name, path in files(package).items():
        if not (name.startswith("nnlaws.adapters.") and imported(path) & LIBRARIES):
            assert importlib.import_module(name).__name__ == name


def test_only_adapters_import_the_libraries() -> None:
    using = {name for name, path in files("nnlaws").items() if imported(path) & LIBRARIES}
    assert using
    assert all(name.startswith("nnlaws.adapters.") for name in using)


def test_mypy_reads_no_library_of_an_adapter() -> None:
    """Otherwise its verdict depends on what is installed."""
    skipped = [each for each in PROJECT["tool"]["mypy"]["overrides"] if each.get("follow_imports") == "skip"]
    assert {name.removesuffix(".*") for each in skipped for name in each["module"]} == LIBRARIES


def test_the_parent_process_and_every_pytest_run_import_nothing_heavy() -> None:
    modules = {name.partition(".")[2] or "__init__": path for name, path in files("nnlaws").items()}
    assert modules.keys() >= LIGHT
    heavy = {name: imported(modules[name], at_once=True) & HEAVY for name in LIGHT}
    assert {name: found for name, found in heavy.items() if found} == {}
