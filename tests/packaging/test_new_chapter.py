"""`nnlaws new-chapter` writes a chapter that works; nnlaws finds it, shows it everywhere, and survives broken ones.

Nothing is installed: a folder on PYTHONPATH holds the package, and beside it the metadata that installing would write.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Generator
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nnlaws.chapters import GROUP
from nnlaws.cli import main
from nnlaws.templates.chapter import LONGEST, Names, names, project, write
from nnlaws.testing import checks_of

NAME, PREFIX, PACKAGE = "soft_sign", "SSIGN", "nnlaws-soft-sign"
QUICK = ("--profile", "quick")
HERE = f"chapters of other packages: {NAME} ({PACKAGE} 0.1.0)"


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def run(*command: str, paths: list[Path], folder: Path, **environment: str) -> Ran:
    """Runs a module of Python's, with these folders on PYTHONPATH before what is there."""
    before = [str(path) for path in paths] + list(filter(None, [os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
        timeout=300, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(before), "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )  # fmt: skip
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def register(folder: Path, distribution: str, entry_points: dict[str, str], version: str = "0.1.0") -> None:
    """Writes what installing would: the name, the version and the entry points of a distribution."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), "utf-8")


def installed(names: Names, into: Path) -> Path:
    """The folder of a new chapter, as good as installed."""
    folder = write(names, into)
    described = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    register(folder, described["name"], described["entry-points"][GROUP], described["version"])
    return folder


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(names(NAME), tmp_path_factory.mktemp("new"))


@pytest.fixture
def nnlaws(chapter: Path, tmp_path: Path) -> Callable[..., Ran]:
    """Runs the command where the chapter is installed, in a folder of the test's own."""
    return lambda *arguments, **environment: run(
        "nnlaws.cli", *arguments, paths=[chapter], folder=tmp_path, **environment
    )


def target(folder: Path, returns: str, name: str = "my_module.py") -> str:
    """A module whose soft_sign returns that."""
    text = f"import numpy as np\n\n\ndef {NAME}(x):\n    return {returns}\n"
    (folder / name).write_text(text, encoding="utf-8")
    return name


# What is written


def test_the_command_says_what_it_wrote_and_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-chapter", NAME, "--into", str(tmp_path / "deep" / "er")]) == 0
    folder = tmp_path / "deep" / "er" / PACKAGE
    said = capsys.readouterr().out
    assert f"wrote {folder}" in said
    commands = [line.strip() for line in said.splitlines() if line.startswith("    ")]
    assert commands == [
        f"cd {folder}",
        "pip install -e '.[test]'",
        "pytest",
        f"nnlaws explain {PREFIX}-1",
        f"nnlaws check reference --operation {NAME}",
    ]
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    modules = ("__init__", "bounds", "formulas", "inputs", "laws", "mutants", "operations", "reference", "sound")
    assert written == {
        *(
            "README.md",
            "pyproject.toml",
            "tests/test_chapter.py",
            "nnlaws_soft_sign/chapter.md",
            "nnlaws_soft_sign/py.typed",
        ),
        *(f"nnlaws_soft_sign/{module}.py" for module in modules),
    }
    assert not any("{{" in path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


def test_an_empty_folder_is_written_to(tmp_path: Path) -> None:
    (tmp_path / PACKAGE).mkdir()
    assert main(["new-chapter", NAME, "--into", str(tmp_path), "--prefix", "SOFT"]) == 0
    assert "## SOFT-1 " in (tmp_path / PACKAGE / "nnlaws_soft_sign" / "chapter.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("switched_off", ["", "1"], ids=["installed", "not installed"])
def test_the_chapter_passes_its_own_tests(chapter: Path, switched_off: str) -> None:
    options = ("-W", "error", "-p", "no:cacheprovider", "-q")
    ran = run("pytest", *options, paths=[chapter], folder=chapter, NNLAWS_NO_PLUGINS=switched_off)
    assert ran.code == 0, ran.out + ran.err
    assert re.search(r"^\d\d passed", ran.out, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gelu", "a_name_of_thirty_letters_or_so"])
@pytest.mark.skipif(find_spec("ruff") is None, reason="a tool for developers")
def test_a_linter_and_a_formatter_leave_it_as_it_is(tmp_path: Path, name: str) -> None:
    folder = write(names(name), tmp_path)
    for command in (("check",), ("format", "--diff")):
        ran = run("ruff", *command, "--no-cache", str(folder), paths=[], folder=folder)
        assert ran.code == 0, ran.out + ran.err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="a tool for developers")
def test_its_types_are_right(chapter: Path, tmp_path: Path) -> None:
    known = os.environ.get("PYTHONPATH", "")
    options = (
        "--config-file",
        str(chapter / "pyproject.toml"),
        "--cache-dir",
        str(tmp_path),
        "--follow-imports",
        "silent",
    )
    for what in ((), (str(chapter / "tests"),)):
        ran = run("mypy", *options, *what, paths=[], folder=chapter, MYPYPATH=os.pathsep.join([str(chapter), known]))
        assert ran.code == 0, ran.out + ran.err


@pytest.mark.slow
def test_a_wheel_of_it_would_hold_all_its_files(chapter: Path) -> None:
    """Its build is told the package, and the package's data stand inside it."""
    build = tomllib.loads((chapter / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build == {"packages": ["nnlaws_soft_sign"]}
    assert (chapter / "nnlaws_soft_sign" / "chapter.md").is_file()


# What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Layer"], "'Layer' cannot name a chapter; expected small letters and digits, as in layer_norm"),
        (["1st"], "'1st' cannot name a chapter"),
        (["a-b"], "'a-b' cannot name a chapter"),
        (["_a"], "'_a' cannot name a chapter"),
        (["ärger"], "'ärger' cannot name a chapter"),
        (["lambda"], "'lambda' cannot name a chapter"),
        (["../up"], "'../up' cannot name a chapter"),
        (["x" * (LONGEST + 1)], "is too long; expected at most 30 letters"),
        (["decay"], "there is a chapter 'decay' already; take another name"),
        (["contract"], "there is a chapter 'contract' already"),
        (["adam"], "there is an operation 'adam' already; take another name"),
        (["spec"], "there is a package nnlaws_spec already"),
        (["inputs"], "the files to be written use the name inputs for something else; take another name"),
        (["ab"], "no prefix can be made of 'ab'; give --prefix"),
        (["gelu", "--prefix", "GE"], "'GE' cannot be a prefix; give --prefix 3 to 12 capital letters"),
        (["gelu", "--prefix", "gelu"], "'gelu' cannot be a prefix"),
        (["gelu", "--into", "file"], "cannot write "),
        (["taken"], "nnlaws-taken exists already; take another name or folder (--into), or remove it first"),
        (["filed"], "nnlaws-filed exists already"),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("nnlaws-filed").touch()
    Path("nnlaws-taken").mkdir()
    Path("nnlaws-taken/notes.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(["new-chapter", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.startswith("nnlaws: ")
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("layer_norm", "LNORM"), ("gelu", "GELU"), ("soft_sign", "SSIGN"), ("group_norm_2d", "GND"), ("cosine", "COSINE")],
)
def test_a_prefix_is_made_of_the_name(name: str, prefix: str) -> None:
    assert names(name).prefix == prefix


# What nnlaws makes of it


def test_its_laws_are_listed_and_its_clauses_explained(nnlaws: Callable[..., Ran]) -> None:
    listed = nnlaws("list", "laws")
    assert (listed.code, listed.err) == (0, "")
    assert re.search(rf"^{NAME}\.value +{PREFIX}-1 every entry", listed.out, re.MULTILINE)
    assert re.search(rf"^{NAME}\.shape_and_dtype +CT-2 ", listed.out, re.MULTILINE)
    explained = nnlaws("explain", f"{PREFIX.lower()}-1")
    assert explained.code == 0
    assert explained.out.startswith(f"{PREFIX}-1  The value\n")
    assert f"law {NAME}.value: every entry is x/(1 + |x|)" in explained.out


@pytest.mark.slow
def test_a_target_file_has_its_operation(nnlaws: Callable[..., Ran], tmp_path: Path) -> None:
    assert nnlaws("template", "mine.py").code == 0
    assert f"def {NAME}(x: np.ndarray) -> np.ndarray:" in (tmp_path / "mine.py").read_text("utf-8")


@pytest.mark.slow
def test_the_built_in_reference_offers_it_and_reports_name_where_it_comes_from(
    nnlaws: Callable[..., Ran], tmp_path: Path
) -> None:
    files = ("--json", "report.json", "--html", "report.html", "--junit", "report.xml")
    ran = nnlaws("check", "reference", "--operation", NAME, *QUICK, *files)
    assert (ran.code, ran.err) == (0, ""), ran.out + ran.err
    assert HERE in ran.out.splitlines()
    assert re.search(rf"{PREFIX}-1 +every entry is .* conforms 0\.\d\d +conforms 0\.\d\d", ran.out)
    report: Any = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["plugins"] == [f"{NAME} ({PACKAGE} 0.1.0)"]
    assert {result["clause"] for result in report["results"]} >= {f"{PREFIX}-1", f"{PREFIX}-2", "CT-5"}
    assert HERE in (tmp_path / "report.html").read_text("utf-8")
    assert f'value="{NAME} ({PACKAGE} 0.1.0)"' in (tmp_path / "report.xml").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_mistake_is_found_explained_and_named(nnlaws: Callable[..., Ran], tmp_path: Path, jobs: str) -> None:
    """In one process of the target's, and in several. The law of value leads; the other is named beside it."""
    module = target(tmp_path, "x / (1 + x)")
    ran = nnlaws("check", module, "--operation", NAME, "--dtype", "float32", "--jobs", jobs)
    assert ran.code == 1
    assert f"clause   {PREFIX}-1  " in ran.out
    assert f"also in {PREFIX}-2 float32" in ran.out
    assert f"cause    {NAME}.absolute_value_forgotten: the absolute value is forgotten" in ran.out
    assert "fix      divide by 1 + np.abs(x)" in ran.out
    (again,) = re.findall(rf"nnlaws replay ({NAME}\.\w+/\S+/{module})", ran.out)
    assert nnlaws("replay", again).code == 1


@pytest.mark.slow
def test_its_conventions_are_identified(nnlaws: Callable[..., Ran], tmp_path: Path) -> None:
    module = target(tmp_path, "x / (x.dtype.type(1) + np.abs(x))")
    ran = nnlaws("identify", module, "--operation", NAME, "--dtype", "float16", *QUICK)
    assert ran.code == 0, ran.out + ran.err
    assert 'conventions = {"arithmetic": "narrow"}' in ran.out
    assert HERE in ran.out.splitlines()


@pytest.mark.slow
def test_the_pytest_plugin_has_its_laws(chapter: Path, tmp_path: Path) -> None:
    module = target(tmp_path, "(x / (1 + np.abs(x))).astype(x.dtype)")
    options = ("--nnlaws-profile", "quick", "--nnlaws-dtype", "float32", "-k", NAME, "-rA", "-p", "no:cacheprovider")
    ran = run("pytest", "--nnlaws", module, *options, "--rootdir", ".", paths=[chapter], folder=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert f"nnlaws: {HERE}" in ran.out.splitlines()
    assert re.search(rf"^PASSED .*{PREFIX}-2-{NAME}\.odd-float32$", ran.out, re.MULTILINE)


@pytest.mark.slow
def test_every_mutant_is_killed_those_of_the_contract_too(nnlaws: Callable[..., Ran]) -> None:
    ran = nnlaws("mutants", "--operation", NAME, "--dtype", "float32", "--dtype", "float64", *QUICK)
    assert ran.code == 0, ran.out + ran.err
    assert "20 of 20 mutants killed" in ran.out


@pytest.mark.slow
def test_it_is_switched_off(nnlaws: Callable[..., Ran]) -> None:
    listed = nnlaws("list", "laws", NNLAWS_NO_PLUGINS="1")
    assert listed.code == 0
    assert NAME not in listed.out
    ran = nnlaws("check", "reference", "--operation", NAME, NNLAWS_NO_PLUGINS="1")
    assert ran.code == 2
    assert ran.err.startswith(f"nnlaws: unknown operation '{NAME}'")
    assert f"no clause '{PREFIX}-1'" in nnlaws("explain", f"{PREFIX}-1", NNLAWS_NO_PLUGINS="1").err


@pytest.mark.slow
def test_another_of_its_name_is_refused(nnlaws: Callable[..., Ran]) -> None:
    ran = nnlaws("new-chapter", NAME)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"there is a chapter '{NAME}' already" in ran.err
    again = nnlaws("new-chapter", "steep_sign")
    assert again.code == 2
    assert f"the chapter {NAME} has the prefix {PREFIX} already; give another (--prefix)" in again.err


# What is broken


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    (path,) = folder.rglob(file)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class Broken(NamedTuple):
    """A chapter that is broken in one way, and what is said of it.

    spoilt: in a file, what is replaced by what. point: what its entry point names, and called, what that is called.
    """

    name: str
    said: str
    prefix: str = ""
    spoilt: tuple[str, str, str] | None = None
    point: str = "{package}:CHAPTER"
    called: str = ""

    @property
    def names(self) -> Names:
        return Names(self.name, self.prefix or self.name.upper())


BEFORE = "def value"
BROKEN = (
    Broken("short", "prefixes of 2 letters are nnlaws' own, take a longer one", prefix="QQ"),
    Broken("twin", f"the chapter {NAME} has the prefix {PREFIX} already; take another", prefix=PREFIX),
    Broken("decay", "there is a chapter 'decay' already; take another name"),
    Broken("adam", "there is an operation 'adam' already; take another name"),
    Broken("misnamed", "its entry point calls it 'other', its text 'misnamed'; give both one name", called="other"),
    Broken("unformed", "the formula of unformed is missing; define", spoilt=("formulas.py", "def unformed", "def _f")),
    Broken("raising", "ValueError: 1 2 (", spoilt=("laws.py", BEFORE, f"raise ValueError('1\\n2')\n\n\n{BEFORE}")),
    Broken("unsigned", "expected arrays with their axes, such as", spoilt=("operations.py", '"x(m,n) ->', '"x(m,n ->')),
    Broken("unshared", "has a share of nan; expected a number above 0", spoilt=("laws.py", ": 0.4", ": float('nan')")),
    Broken(
        "chancy",
        "a run has 320 to share, so make fewer",
        spoilt=("laws.py", 'kind="value"', 'kind="value", tests=300, trials=(None,)'),
    ),
    Broken("fatal", "GeneratorExit: no (", spoilt=("laws.py", BEFORE, f"raise GeneratorExit('no')\n\n\n{BEFORE}")),
    Broken(
        "mute",
        "Mute: (its message cannot be shown: RuntimeError)",
        spoilt=(
            "laws.py",
            BEFORE,
            f"class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError\n\n\nraise Mute\n\n\n{BEFORE}",
        ),
    ),
    Broken("unreadable", "its entry point is 'no module at all'; expected a module", point="no module at all"),
    Broken("leaving", "SystemExit: 0 (", spoilt=("laws.py", BEFORE, f"raise SystemExit(0)\n\n\n{BEFORE}")),
    Broken("unsourced", "UNSOURCED-1 in unsourced.md lacks", spoilt=("chapter.md", "Source: Glorot", "From: Glorot")),
    Broken(
        "unfed", "TypeError: ordinary() takes 0", spoilt=("inputs.py", "ordinary(operation: Operation)", "ordinary()")
    ),
    Broken("unheld", "no law is about the operation 'unheld'", spoilt=("__init__.py", "    LAWS,\n", "    (),\n")),
    Broken("pointing", "has no attribute 'CHAPTERS'", point="{package}:CHAPTERS"),
    Broken("texted", "to name a nnlaws.authoring.Chapter, got ChapterText", point="{package}.operations:TEXT"),
    Broken("missing", "ModuleNotFoundError: No module named 'nnlaws_away'", point="nnlaws_away:CHAPTER"),
)


def broken(into: Path) -> dict[str, str]:
    """Writes all of these into a folder, registered; what is said of each, by its distribution."""
    for each in BROKEN:
        made = each.names
        for path, text in project(made).items():
            if path.parts[0] == made.package:
                (into / path).parent.mkdir(exist_ok=True)
                (into / path).write_text(text, encoding="utf-8")
        if each.spoilt is not None:
            spoil(into / made.package, *each.spoilt)
        register(into, made.project, {each.called or each.name: each.point.format(package=made.package)})
    return {each.names.project: each.said for each in BROKEN}


@pytest.fixture(scope="module")
def breakages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("broken")
    return folder, broken(folder)


@pytest.fixture
def beside_broken(
    chapter: Path, breakages: tuple[Path, dict[str, str]], tmp_path: Path
) -> tuple[Callable[..., Ran], dict[str, str]]:
    """The command where the good chapter is installed and all the broken ones, and what is said of these."""
    folder, said = breakages
    return lambda *arguments: run("nnlaws.cli", *arguments, paths=[chapter, folder], folder=tmp_path), said


def assert_one_line_each(lines: list[str], said: dict[str, str]) -> None:
    for distribution, why in said.items():
        (line,) = [line for line in lines if f" of the package {distribution} 0.1.0 is left out: " in line]
        assert why in line
        assert line.endswith("(mend or uninstall the package, or set NNLAWS_NO_PLUGINS=1)")
    assert len(lines) == len(said)


def test_what_is_broken_is_left_out_with_one_line_and_the_rest_runs(
    beside_broken: tuple[Callable[..., Ran], dict[str, str]],
) -> None:
    nnlaws, said = beside_broken
    ran = nnlaws("list", "laws")
    assert ran.code == 0
    assert f"{NAME}.value" in ran.out
    assert "softmax.value" in ran.out
    assert_one_line_each(ran.err.splitlines(), said)


def test_a_report_says_what_was_left_out(
    beside_broken: tuple[Callable[..., Ran], dict[str, str]], tmp_path: Path
) -> None:
    """And the exit code is that of what ran."""
    nnlaws, said = beside_broken
    ran = nnlaws("check", "reference", "--operation", NAME, "--law", "value", *QUICK, "--json", "report.json")
    assert ran.code == 0, ran.out + ran.err
    assert HERE in ran.out.splitlines()
    assert_one_line_each([line for line in ran.out.splitlines() if "is left out" in line], said)
    assert_one_line_each(json.loads((tmp_path / "report.json").read_text("utf-8"))["left_out"], said)


@pytest.mark.slow
def test_pytest_says_what_was_left_out(chapter: Path, breakages: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, said = breakages
    options = ("--nnlaws-profile", "quick", "-k", f"{NAME}.odd", "-p", "no:cacheprovider", "--rootdir", ".")
    ran = run("pytest", "--nnlaws", "reference", *options, paths=[chapter, folder], folder=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert_one_line_each([line for line in ran.out.splitlines() if "is left out" in line], said)


MEDDLER = """\
import os, sys, warnings
import numpy as np
print("hello"), print('{"tasks": []}'), os.write(1, b"raw\\n"), sys.stdin.readline()
os.chdir(os.sep), np.seterr(all="raise"), warnings.simplefilter("error")
"""


def test_what_a_chapter_does_to_the_process_as_it_is_imported_is_put_back(tmp_path: Path) -> None:
    """It prints where answers go, reads what is asked, and changes what all share."""
    (site := tmp_path / "site").mkdir()
    folder = installed(Names(NAME, PREFIX), site)
    spoil(folder, "laws.py", BEFORE, f"{MEDDLER}\n\n{BEFORE}")
    target(tmp_path, "x / (1 + np.abs(x))")
    command = ("check", "my_module.py", "--law", f"{NAME}.odd", "--dtype", "float32", *QUICK, "--json", "-")
    ran = run("nnlaws.cli", *command, paths=[folder], folder=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert json.loads(ran.out)["results"][0]["outcome"] == "conforms"
    state = (
        "import os, warnings, numpy\n"
        "before = os.getcwd(), numpy.geterr()\n"
        "import nnlaws.chapters\n"
        "assert nnlaws.chapters.PLUGINS and before == (os.getcwd(), numpy.geterr())\n"
        "warnings.warn('raises, if the filters are those of the chapter')\n"
    )
    (tmp_path / "state.py").write_text(state, encoding="utf-8")
    ran = run("state", paths=[folder, tmp_path], folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "hello" in ran.err
    assert "hello" not in ran.out


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ("raise KeyError('slip')", "failed here, not the target; please report this:"),
        ("raise SystemExit(3)", "failed here, not the target; please report this:"),
        ("while True: pass", "did not come to an end here, not the target: a law did not call the target for 2 s"),
    ],
)
def test_a_law_that_fails_is_its_chapter_s_fault(tmp_path: Path, slip: str, said: str) -> None:
    (site := tmp_path / "site").mkdir()
    folder = installed(Names(NAME, PREFIX), site)
    spoil(folder, "laws.py", "    return agree_loosely", f"    {slip}\n    return agree_loosely")
    target(tmp_path, "x / (1 + np.abs(x))")
    program = (
        "import nnlaws, nnlaws.harness.parent as parent\n"
        "parent.BETWEEN = 2.0\n"
        f"report = nnlaws.check('my_module.py', operations=['{NAME}'], dtypes=['float32'], profile='quick', jobs=1)\n"
        "print(*(f'{result.law}: {result.outcome} {result.reason}' for result in report.results), sep='\\n')\n"
    )
    (tmp_path / "judge.py").write_text(program, encoding="utf-8")
    ran = run("judge", paths=[folder, tmp_path], folder=tmp_path)
    assert f"{NAME}.odd: error the chapter {NAME} ({PACKAGE} 0.1.0) {said}" in ran.out, ran.out + ran.err
    assert f"{NAME}.value: conforms" in ran.out


# What its tests tell an author


EXAMPLE = """\
    >>> bool(np.all(formulas.spoilt(-x) == -formulas.spoilt(x)))
    True
"""


def failures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str, None, None]:
    """What the checks say of the chapter spoilt in a folder: in this process, where it is not installed."""
    monkeypatch.syspath_prepend(str(folder))
    try:
        for check in checks_of(import_module("nnlaws_spoilt").CHAPTER):
            try:
                check()
            except AssertionError as error:
                yield str(error)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "nnlaws_spoilt"]:
            del sys.modules[name]


def test_a_convention_that_changes_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(names("spoilt"), tmp_path)
    spoil(folder, "bounds.py", '"narrow"', '"broad"')
    spoil(folder, "sound.py", "def narrow(x: Array) -> Array:", "@stored\ndef narrow(x: Array) -> Array:")
    (said,) = failures(folder, monkeypatch)
    assert said.startswith("arithmetic = narrow changes nothing of spoilt: no result, no bound, and no law refuses")


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("formulas.py", "1 + np.abs(x)", "2 + np.abs(x)", "the bound of spoilt computes another y than the formula"),
        ("reference.py", "1 + np.abs(wide)", "2 + np.abs(wide)", "correct the reference, or let the bound admit"),
        ("bounds.py", "1 + np.abs(x)", "2 + np.abs(x)", "the bound of spoilt computes another y than the formula"),
        ("bounds.py", "join(rounded_once, _quotient(x))", "rounded_once", "spoilt.narrow is refused by the law"),
        ("operations.py", '"weaker bound"', '"tighter bound"', "is said to be a tighter bound, and is the opposite"),
        ("mutants.py", "x / (1 + x)", "x / (1 + abs(x))", "no law kills the mutant spoilt.absolute_value_forgotten"),
        ("mutants.py", "(absolute_value_forgotten,)", "()", "the law spoilt.odd kills no mutant, tried: there are no"),
        ("sound.py", "(1 + size)", "(2 + size)", "the sound variant spoilt.sign_put_back is refused by the law"),
        ("sound.py", ', arithmetic="narrow")', ")", "or have it declare a convention"),
        ("laws.py", '"SPOILT-2", odd', '"SPOILT-1", odd', "no law stands for SPOILT-2; add one to LAWS"),
        ("laws.py", ', kind="value"', "", 'no law says what the value of spoilt is; add one of kind="value"'),
        ("__init__.py", '"value",', '"far",', "the chapter's probe is 'far', and spoilt has no law of that name"),
        ("chapter.md", "0.5 ]])", "0.6 ]])", "an example of SPOILT-1 gives something else; correct it, or the formula"),
        ("chapter.md", EXAMPLE, "", "SPOILT-2 shows no example with a result"),
        ("chapter.md", "x MUST be minus", "x is minus", "the first paragraph of SPOILT-2 has 0 MUST; write one"),
        ("chapter.md", "See also: SPOILT-2", "See also: SPOILT-9", "says See also: SPOILT-9, which no clause has"),
        ("chapter.md", "SPOILT-", "SP-", "prefixes of 2 letters are nnlaws' own"),
    ],
    ids=lambda given: given if given.endswith((".py", ".md")) else "",
)  # fmt: skip
def test_a_check_that_fails_says_what_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, said: str
) -> None:
    folder = write(names("spoilt"), tmp_path)
    shutil.rmtree(folder / "tests")
    spoil(folder, file, old, new)
    if old == "SPOILT-":
        spoil(folder, "laws.py", old, new)
    failed: list[str] = []
    with closing(failures(folder, monkeypatch)) as found:
        for each in found:
            failed.append(each)
            if said in each:
                return
    pytest.fail(f"expected {said!r} among {failed}")
