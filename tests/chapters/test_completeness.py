"""What is easily forgotten of a chapter: the reference and an adapter offer it; README, docs and tests know it."""

import ast
from pathlib import Path

import pytest
from nnlaws.adapters import BUILT_IN
from nnlaws.authoring import Chapter, Operation
from nnlaws.chapters import CHAPTERS, PLUGINS
from nnlaws.harness.targets import resolve
from nnlaws.templates.target import template
from nnlaws.testing import checks_of

ROOT = Path(__file__).resolve().parents[2]
OWN = [chapter for name, chapter in CHAPTERS.items() if name not in {plugin.chapter for plugin in PLUGINS}]
IN_NO_LIBRARY = {"refine", "coarse_to_fine", "panda", "inverse_root_schedule"}
"""Ways to search by hand, and a schedule, which no library that has an adapter offers."""

every_chapter = pytest.mark.parametrize("chapter", OWN, ids=lambda chapter: chapter.name)
every_operation = pytest.mark.parametrize(
    "operation", [operation for chapter in OWN for operation in chapter.operations], ids=str
)


def offered(built_in: str) -> set[str]:
    """What an adapter names at its top level, read and not imported: functions, variables, imports, keywords."""
    module = BUILT_IN[built_in].partition(":")[0]
    path = ROOT / "properties" / Path(*module.split(".")).with_suffix(".py")
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            found |= {each.arg for each in ast.walk(node) if isinstance(each, ast.keyword) and each.arg}
    return found


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def by_adapter() -> dict[str, set[str]]:
    return {name: offered(name) for name in BUILT_IN if name != "reference"}


@every_operation
def test_the_reference_offers_it(operation: Operation) -> None:
    there = resolve("reference").operations
    assert operation.name in there, f"export {operation} in reference/nnlaws_reference/__init__.py"


@every_operation
def test_an_adapter_to_a_library_offers_it(operation: Operation, by_adapter: dict[str, set[str]]) -> None:
    """Unless no library does; then it is named here, and stays so until one does."""
    adapters = [name for name, names in by_adapter.items() if operation.name in names]
    if operation.name in IN_NO_LIBRARY:
        assert not adapters, f"{adapters[0]} offers {operation}: take it out of IN_NO_LIBRARY in this file"
    else:
        assert adapters, (
            f"no adapter offers {operation}: write a function of this name in an adapter, properties/nnlaws/adapters/, "
            "or, if no library has it, add it to IN_NO_LIBRARY in this file"
        )


@every_operation
def test_a_target_file_has_it(operation: Operation) -> None:
    assert f"\ndef {operation.name}(" in template("mine.py")


@every_chapter
def test_the_readme_links_it(chapter: Chapter) -> None:
    link = f"](spec/nnlaws_spec/chapters/{chapter.name}.md)"
    assert page("README.md").count(link), f"name the chapter in README.md, with the link [{chapter.name}{link}"


@every_chapter
def test_what_was_measured_of_it_is_told(chapter: Chapter) -> None:
    """Which laws kill which mutants, and how long it ran without a false alarm: measured before a release."""
    rows = {f"## {operation} (": "docs/kill-matrix.md" for operation in chapter.operations}
    rows[f"| chapter {chapter.name} |"] = "docs/trust.md"
    missing = [f"{row!r} in {path}" for row, path in rows.items() if row not in page(path)]
    if len(missing) < len(rows):
        assert not missing, f"measured in part, see RELEASING.md: there is no {', no '.join(missing)}"
    else:  # a new chapter: measuring it takes longer than writing it
        pytest.skip(f"not measured yet, see RELEASING.md: there is no {', no '.join(missing)}")


@every_chapter
def test_it_has_tests_of_its_own(chapter: Chapter) -> None:
    named = [path for path in (ROOT / "tests").rglob("test_*.py") if chapter.name in (*path.parts, path.stem[5:])]
    assert named, f"write tests/reference/test_{chapter.name}.py, or a folder tests/chapters/{chapter.name}"


@every_chapter
def test_it_keeps_what_is_soon_checked_of_every_chapter(chapter: Chapter) -> None:
    """Its clauses and operations; test_kills.py and test_sound.py hold its laws to its mutants and sound variants."""
    for check in checks_of(chapter):
        if check.name.endswith((" is whole", " is complete", " an example that runs", " has a law", "other chapters")):
            check()
