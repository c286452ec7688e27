"""The house: dependencies point one way, between packages, rooms and files, and chapters keep to what is theirs.

    python tests/test_house.py [ROOT]      prints rooms, floors, arrows, arrows up and circles of the checkout at ROOT

A room is a folder of a package, or a module at its top; what is below a chapter or a folder of a folder belongs to it.
An arrow goes from a room to one that it imports from. A room stands a floor above all that it imports from; an arrow
that closes a circle of rooms runs up.
"""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGES = ("nnlaws_spec", "nnlaws_reference", "nnlaws_server", "nnlaws")
ROOTS = {
    "nnlaws_spec": "spec",
    "nnlaws_reference": "reference",
    "nnlaws_server": "properties",
    "nnlaws": "properties",
}
MAY_NOT_USE = {
    "nnlaws_spec": {"nnlaws_reference", "nnlaws", "nnlaws_server"},
    "nnlaws_reference": {"nnlaws", "nnlaws_server"},
    "nnlaws_server": {"nnlaws", "nnlaws_reference", "nnlaws_spec"},
    "nnlaws": set[str](),
}
LIGHT = {
    *("__init__", "api", "cli", "plan", "pytest_plugin", "report"),
    *("authoring", "authoring.errors", "authoring.token"),
    *("harness", "harness.heartbeat", "harness.parent", "harness.resume"),
}
"""The modules of nnlaws that live in the parent process, or in every pytest run."""
CHAPTERS_MAY_USE = ("nnlaws.authoring", "nnlaws.rounding", "nnlaws.chance")
"""And what is their own. The contract is about every chapter, and its functions are called with one."""
ADAPTERS, NATIVE = "nnlaws.adapters", "nnlaws.native"
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
CORE = {re.split(r"[^\w-]", needed)[0].replace("-", "_") for needed in PROJECT["project"]["dependencies"]}
HEAVY = {*CORE, "flint", "nnlaws_reference"} - {"python_flint"}

Graph = Mapping[str, set[str]]


def files(package: str, root: Path | None = None) -> dict[str, Path]:
    """The package's modules, by name: of what can be imported here, or of another checkout."""
    if root is None:
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        folder = Path(found.origin).parent
    else:
        folder = root / ROOTS[package] / package
    names = {path: path.relative_to(folder.parent).with_suffix("") for path in sorted(folder.rglob("*.py"))}
    return {".".join(name.parts).removesuffix(".__init__"): path for path, name in names.items()}


def imports(path: Path, *, at_once: bool = False) -> set[str]:
    """What a module names in its imports, each as a dotted name; with `at_once`, when it is imported itself.

    What is imported for type checkers alone is not among these.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_once else list(_walked(tree))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _walked(node: ast.AST) -> Iterable[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _walked(child)


def tops(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def module_graph(root: Path | None = None) -> dict[str, set[str]]:
    """Of each module, those of the house that it imports."""
    modules = {name: path for package in PACKAGES for name, path in files(package, root).items()}
    used = {name: {_module(each, modules) for each in imports(path)} for name, path in modules.items()}
    return {name: found - {"", name} for name, found in used.items()}


def _module(name: str, modules: Mapping[str, Path]) -> str:
    """The module that a dotted name is, or is a name of."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def room(module: str) -> str:
    """Package and folder, or package and module; a chapter is a room of its own."""
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[:2] == ["nnlaws", "chapters"] else 2])


def rooms_of(graph: Graph) -> dict[str, set[str]]:
    """The same arrows, between rooms."""
    found: dict[str, set[str]] = {}
    for module, used in graph.items():
        found.setdefault(room(module), set()).update({room(each) for each in used} - {room(module)})
    return found


def circle(graph: Graph) -> list[str]:
    """The nodes of one circle, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _weight(arrow: tuple[str, str], modules: Graph) -> int:
    """How many modules of one room import from the other."""
    return sum(room(name) == arrow[0] and arrow[1] in map(room, used) for name, used in modules.items())


class House(NamedTuple):
    """How a house stands. up: arrows between rooms that have to go for there to be no circle of rooms."""

    rooms: int
    floors: int
    arrows: int
    up: list[tuple[str, str]]
    circles: list[list[str]]


def house(root: Path | None = None) -> House:
    modules = module_graph(root)
    rooms = rooms_of(modules)
    standing = {name: set(used) for name, used in rooms.items()}
    up: list[tuple[str, str]] = []
    while found := circle(standing):  # of each circle, the arrow that fewest modules stand for
        weakest = min(((b, a) for a, b in pairwise(found)), key=lambda pair: _weight(pair, modules))
        standing[weakest[0]].discard(weakest[1])
        up.append(weakest)
    floors: dict[str, int] = {}
    for name in TopologicalSorter(standing).static_order():
        floors[name] = 1 + max((floors[each] for each in standing.get(name, ())), default=0)
    left = {name: set(used) for name, used in modules.items()}
    circles: list[list[str]] = []
    while found := circle(left):
        circles.append(found)
        left[found[1]].discard(found[0])
    return House(len(rooms), max(floors.values()), sum(map(len, rooms.values())), up, circles)


@pytest.mark.parametrize("package", PACKAGES)
def test_dependencies_point_one_way(package: str) -> None:
    modules = files(package)
    assert len(modules) > 2
    broken = {name: tops(imports(path)) & MAY_NOT_USE[package] for name, path in modules.items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_no_module_imports_in_a_circle_and_no_room_does() -> None:
    modules = module_graph()
    assert circle(modules) == []
    assert circle(rooms_of(modules)) == []


def test_a_chapter_imports_what_authors_may_and_nothing_of_another_chapter() -> None:
    wrong: dict[str, set[str]] = {}
    for module, used in module_graph().items():
        if not module.startswith("nnlaws.chapters."):
            continue
        own = room(module)
        others = {each for each in used if each.startswith("nnlaws.") and room(each) != own}
        found = {each for each in others if not each.startswith(CHAPTERS_MAY_USE)}
        if found:
            wrong[module] = found
    assert wrong == {}


def test_generic_code_names_no_chapter_no_clause_and_no_convention() -> None:
    """What it has to know of them stands in fields of a Chapter, a Law or a Convention."""
    from nnlaws.chapters import CHAPTERS
    from nnlaws_reference.dtypes import DTYPES

    chapters = {*CHAPTERS, "contract"}
    prefixes = tuple(f"{chapter.prefix}-" for chapter in CHAPTERS.values())
    conventions = {word for each in CHAPTERS.values() for c in each.conventions for word in (c.name, c.value)}
    words = (chapters | conventions) - {
        *("value", "one", "new", "box", "bounds", "state", "inside", "outside"),
        *("search", "sum", "parts", "equal", "ends"),
    }
    words -= DTYPES.keys()  # what a sampler's uniform numbers may be
    words -= {"hyperparameters"}  # a convention, and the table that `nnlaws list hyperparameters` prints
    generic = ("nnlaws.authoring", "nnlaws.harness", "nnlaws.diagnosis", "nnlaws.isolation", "nnlaws.reports")
    alone = ("nnlaws.api", "nnlaws.identification", "nnlaws.kill_matrix", "nnlaws.plan", "nnlaws.report", "nnlaws.cli")
    for name, path in files("nnlaws").items():
        if not (name.startswith(generic) or name in alone):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
                assert node.value not in words, f"{name}, line {node.lineno}: {node.value!r}"
                assert not node.value.startswith(prefixes) or " " in node.value, f"{name}, line {node.lineno}"


def test_no_import_is_relative() -> None:
    """A relative import would escape the tests above."""
    for package in PACKAGES:
        for name, path in files(package).items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.ImportFrom) and node.level), f"{name}, line {node.lineno}"


def libraries() -> set[str]:
    """What adapters, and what recognises objects, import besides what nnlaws needs: it need not be installed."""
    adapters = [path for name, path in files("nnlaws").items() if name.startswith((f"{ADAPTERS}.", f"{NATIVE}."))]
    return {top for path in adapters for top in tops(imports(path))} - HEAVY - {*PACKAGES, *sys.stdlib_module_names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_can_be_imported(package: str) -> None:
    """But for what imports libraries that are optional, which tests/adapters imports."""
    optional = libraries()
    assert {"torch", "jax"} <= optional
    for name, path in files(package).items():
        if name.startswith((f"{ADAPTERS}.", f"{NATIVE}.")):
            if tops(imports(path)) & optional:
                continue
            missing = ""
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                missing = str(error.name)
            assert missing in {"", *optional}, f"{name} needs {missing}"
        else:
            assert importlib.import_module(name).__name__ == name


def test_only_adapters_import_the_libraries() -> None:
    optional = libraries()
    using = {name for name, path in files("nnlaws").items() if tops(imports(path)) & optional}
    assert using
    assert all(name.startswith((f"{ADAPTERS}.", f"{NATIVE}.")) for name in using)


def test_mypy_reads_no_library_of_an_adapter() -> None:
    """Otherwise its verdict depends on what is installed."""
    skipped = [each for each in PROJECT["tool"]["mypy"]["overrides"] if each.get("follow_imports") == "skip"]
    assert {name.removesuffix(".*") for each in skipped for name in each["module"]} == libraries()


def test_the_parent_process_and_every_pytest_run_import_nothing_heavy() -> None:
    modules = {name.partition(".")[2] or "__init__": path for name, path in files("nnlaws").items()}
    assert modules.keys() >= LIGHT
    heavy = {name: tops(imports(modules[name], at_once=True)) & (HEAVY | libraries()) for name in LIGHT}
    assert {name: found for name, found in heavy.items() if found} == {}


if __name__ == "__main__":
    found = house(Path(sys.argv[1]) if sys.argv[1:] else None)
    print(f"rooms {found.rooms}, floors {found.floors}, arrows {found.arrows}")
    print(f"arrows up {len(found.up)}", *(f"  {a} -> {b}" for a, b in found.up), sep="\n")
    print(f"circles {len(found.circles)}", *(f"  {' -> '.join(each)}" for each in found.circles), sep="\n")
