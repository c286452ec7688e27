"""The wheel: what is in it, and that it works where nothing else of this project is."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "constraints.txt",
    "spec",
    "reference",
    "properties",
    "tests",
)
PACKAGES = {
    "nnlaws_spec": "spec",
    "nnlaws_reference": "reference",
    "nnlaws_server": "properties",
    "nnlaws": "properties",
}

EVERY_MODULE = """
import importlib, pathlib, nnlaws, nnlaws_reference, nnlaws_server, nnlaws_spec
for package in (nnlaws_spec, nnlaws_reference, nnlaws_server, nnlaws):
    root = pathlib.Path(package.__file__).parent
    assert "site-packages" in root.parts, root
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
        adapter = name.startswith(("nnlaws.adapters.", "nnlaws.native."))
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:  # pytest and the libraries of the adapters are optional
            assert missing.name == "pytest" or adapter and not missing.name.startswith("nnlaws"), missing
"""


def run(*command: str | Path, folder: Path) -> str:
    """What the command writes; fails where it does."""
    ended = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, encoding="utf-8",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("sdist")
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for entry in SOURCES:
        source = ROOT / entry
        if source.is_dir():
            shutil.copytree(source, folder / "source" / entry, ignore=ignored)
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(source, folder / "source")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, folder=folder / "source")
    (built,) = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir"]
    run(sys.executable, "-m", "pip", "wheel", *options, folder, sdist, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment that has the wheel, and what pip finds it to need."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    pinned: list[str | Path] = ["-c", constraints] if constraints.read_text(encoding="utf-8").strip() else []
    options: list[str | Path] = [
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--no-compile",
        *pinned,
    ]
    run(commands / "python", "-m", "pip", "install", *options, wheel, folder=folder)
    return commands


def test_the_sdist_holds_the_sources_and_their_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames()}
    assert tops - {".gitignore"} == {*SOURCES, "PKG-INFO"}


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES.keys()
    assert len(tops) == len(PACKAGES) + 1
    here = {
        path.relative_to(ROOT / folder).as_posix()
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert here == {name for name in names if ".dist-info/" not in name}
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"nnlaws_spec/chapters/softmax.md", "nnlaws_spec/chapters/contract.md"} <= names


def test_the_wheel_names_its_command_its_plugin_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist() if ".dist-info/" in name}
    assert texts["licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    points = texts["entry_points.txt"].decode()
    assert "[console_scripts]\nnnlaws = nnlaws.cli:main" in points
    assert "[pytest11]\nnnlaws = nnlaws.pytest_plugin" in points


@pytest.mark.slow
def test_the_wheel_works_in_an_environment_of_its_own(installed: Path, tmp_path: Path) -> None:
    assert "scipy conforms" in run(installed / "nnlaws", "check", "scipy", "--profile", "quick", folder=tmp_path)
    assert run(installed / "nnlaws", "explain", "SM-1", folder=tmp_path).startswith("SM-1  ")
    run(installed / "python", "-W", "error", "-c", EVERY_MODULE, folder=tmp_path)
    assert list(tmp_path.iterdir()) == [], "a check leaves no files behind"


@pytest.mark.slow
def test_a_chapter_of_another_package_is_installed_beside_it_and_judged_by(installed: Path, tmp_path: Path) -> None:
    """From its own pyproject.toml, into the same environment, which has nothing else of this project."""
    example = ROOT / "examples" / "layer_norm_chapter"
    shutil.copytree(example, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir"]
    run(sys.executable, "-m", "pip", "wheel", *options, tmp_path, tmp_path / "source", folder=tmp_path)
    (built,) = tmp_path.glob("*.whl")
    assert "layer_norm.value" not in run(installed / "nnlaws", "list", "laws", folder=tmp_path)
    run(installed / "python", "-m", "pip", "install", "--disable-pip-version-check", built, folder=tmp_path)
    assert "LNORM-1" in run(installed / "nnlaws", "list", "laws", folder=tmp_path)
    options = ["--operation", "layer_norm", "--dtype", "float32", "--profile", "quick"]
    text = run(installed / "nnlaws", "check", "reference", *options, folder=tmp_path)
    assert "layer-norm-chapter 0.1.0" in text
    assert "reference conforms" in text
