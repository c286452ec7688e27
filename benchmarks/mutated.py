"""Mistakes that nobody thought of: every mutation that mutmut's operators make of a module, one at a time.

Left out are docstrings, annotations, type aliases, imports and `__all__`. A mutation is a *refusal* where it stands in
what can only refuse an argument: an `if` that does nothing but raise, what is computed for such an `if` alone, a call
of a function that does nothing else, an argument that is only shown in a message.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import takewhile
from typing import Any

Span = tuple[int, int]


class MissingTool(Exception):
    """mutmut is not installed."""


@dataclass(frozen=True)
class Mutation:
    """One change of a module: in this function ("" outside), on this line, `change` as in "+ -> -"; the whole new text.

    refusal: see above. raising: the change stands in a raise statement. number: which of those that read alike.
    """

    module: str
    function: str
    line: str
    change: str
    text: str
    refusal: bool
    raising: bool
    number: int = 0

    @property
    def key(self) -> str:
        return f"{self.function} | {self.line} | {self.change} | {self.number}"


def mutations(module: str, source: str) -> list[Mutation]:
    """All mutations of a module, in the order of the text. Raises MissingTool without mutmut."""
    try:
        cst: Any = import_module("libcst")
        operators: Any = import_module("mutmut.mutation.mutators").mutation_operators
    except ImportError as error:
        raise MissingTool("mutations are made by mutmut's operators: pip install 'mutmut>=3.8'") from error
    metadata: Any = import_module("libcst.metadata")
    wrapper = metadata.MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    tree, spans, bare = wrapper.module, wrapper.resolve(metadata.ByteSpanPositionProvider), source.encode()
    functions, refusals, raises = _regions(source)
    found: list[Mutation] = []
    numbers = Counter[str]()
    for node in _mutable(cst, tree):
        at = slice(spans[node].start, spans[node].start + spans[node].length)
        plain = tree.code_for_node(node).encode() == bare[at]  # else it is written with what stands round it
        for kind, operator in operators:
            if not isinstance(node, kind):
                continue
            for changed in operator(node):
                if plain:
                    text = (bare[: at.start] + tree.code_for_node(changed).encode() + bare[at.stop :]).decode()
                else:
                    text = tree.deep_replace(node, changed).code
                start, end = _difference(source, text)
                if text == source or start == end == len(source):
                    continue
                one = Mutation(
                    module,
                    next((name for name, span in functions if _within((start, end), [span])), ""),
                    source[source.rfind("\n", 0, start) + 1 :].partition("\n")[0].strip(),
                    _words(source, text, start, end),
                    text,
                    _within((start, end), refusals),
                    _within((start, end), raises),
                )
                numbers[one.key] += 1
                found.append(replace(one, number=numbers[one.key]))
    return found


def _mutable(cst: Any, tree: Any) -> Iterator[Any]:
    """The nodes, less those that say nothing to the machine."""
    if isinstance(tree, (cst.Annotation, cst.Import, cst.ImportFrom)):
        return
    if isinstance(tree, cst.AnnAssign) and tree.annotation.annotation.deep_equals(cst.Name("TypeAlias")):
        return
    if isinstance(tree, cst.Assign):
        name = tree.targets[0].target
        if isinstance(name, cst.Name) and name.value == "__all__":
            return
        if isinstance(tree.value, cst.Call) and tree.value.func.deep_equals(cst.Name("TypeVar")):
            return
    yield tree
    for child in tree.children:
        yield from _mutable(cst, child)


def _difference(old: str, new: str) -> Span:
    """The part of the old text that is not in the new one, widened to whole words."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    tail = sum(
        1
        for _ in takewhile(
            lambda pair: pair[0] == pair[1], zip(reversed(old[same:]), reversed(new[same:]), strict=False)
        )
    )
    start, end = same, len(old) - tail
    while start and re.match(r"[\w.\"'<>=!]", old[start - 1]):
        start -= 1
    while end < len(old) and re.match(r"[\w.\"'<>=!]", old[end]):
        end += 1
    return start, end


def _words(old: str, new: str, start: int, end: int) -> str:
    """What is changed, in one line: "a -> b", or "drop a"."""
    before, after = (" ".join(part.split()) for part in (old[start:end], new[start : len(new) - (len(old) - end)]))
    return f"{before} -> {after}" if after else f"drop {before}"


def _within(part: Span, spans: Sequence[Span]) -> bool:
    return any(start <= part[0] and part[1] <= end for start, end in spans)


def _regions(source: str) -> tuple[list[tuple[str, Span]], list[Span], list[Span]]:
    """Where the functions are, by name; where arguments are refused; and where something is raised."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()

    def place(line: int, column: int) -> int:  # ast counts bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: Any) -> Span:
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    tree = ast.parse(source)
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    raises = [span(node) for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    refusals: list[Span] = []
    refusing = {name for name, node in defined.items() if _refuses(node)}
    for node in ast.walk(tree):
        if _only_raises(node) or (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in refusing
        ):
            refusals.append(span(node))
    refusals += [span(defined[name]) for name in refusing]
    shown: dict[str, list[int]] = {}
    for name, function in defined.items():
        loads = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                target = node.targets[0].id
                uses = [load for load in loads if load.id == target]
                if uses and all(_within(span(use), refusals) for use in uses):
                    refusals.append(span(node))
        for index, argument in enumerate(function.args.args):
            uses = [load for load in loads if load.id == argument.arg]
            if uses and all(_within(span(use), [*refusals, *raises]) for use in uses):
                shown.setdefault(name, []).append(index)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            refusals += [span(node.args[i]) for i in shown.get(node.func.id, []) if i < len(node.args)]
    return [(name, span(node)) for name, node in defined.items()], refusals, raises


def _only_raises(node: ast.AST) -> bool:
    if not isinstance(node, ast.If) or node.orelse:
        return False
    *before, last = node.body
    return isinstance(last, ast.Raise) and all(isinstance(each, ast.Assign) for each in before)


def _refuses(node: ast.FunctionDef | ast.For) -> bool:
    """Whether all that a function does is to raise, or not."""
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return all(_only_raises(each) or (isinstance(each, ast.For) and _refuses(each)) for each in body)


def used(source: str, roots: Sequence[str]) -> set[str]:
    """The names defined at the top of a module on which those of `roots` depend, themselves included."""
    return _closure({name: {n.id for n in nodes if isinstance(n, ast.Name)} for name, nodes in _defined(source)}, roots)


def mentioned(source: str, root: str) -> set[str]:
    """All that a function mentions, by itself or by way of the module's other functions, after whatever dot."""
    needs = {
        name: {n.id if isinstance(n, ast.Name) else n.attr for n in nodes if isinstance(n, (ast.Name, ast.Attribute))}
        for name, nodes in _defined(source)
    }
    reached = _closure(needs, [root])
    return reached.union(*(needs[name] for name in reached))


def _defined(source: str) -> Iterator[tuple[str, list[ast.AST]]]:
    """What stands at the top of a module: each name and all that its definition is made of."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, list(ast.walk(node))
        elif isinstance(node, ast.Assign):
            yield from ((each.id, list(ast.walk(node))) for each in node.targets if isinstance(each, ast.Name))


def _closure(needs: dict[str, set[str]], roots: Sequence[str]) -> set[str]:
    found, todo = set[str](), list(roots)
    while todo:
        name = todo.pop()
        if name in needs and name not in found:
            found.add(name)
            todo += needs[name]
    return found
