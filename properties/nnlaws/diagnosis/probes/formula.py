"""Theories of one slip in the formula: another sign, another name, a factor left out, a function in another's place.

The functions that make up the operation's formula are taken apart; each theory is the formula with one place changed,
evaluated in long doubles. What it says is trusted where the unchanged formula, so evaluated, is right.
"""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import CodeType, ModuleType
from typing import Any

from nnlaws.diagnosis.probes.plain import Function, about, evaluated
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Predict, Saying, Theory, Unsaid

STATEMENTS = (ast.Assign, ast.Return, ast.AugAssign, ast.Expr)
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add, ast.Pow),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
}
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "exp": ("exp2", "expm1"),
    "log": ("log2", "log10", "log1p"),
    "sqrt": ("cbrt", "square"),
    "sum": ("mean", "max"),
    "max": ("min",),
}


def slips(bench: Bench) -> Iterator[Theory]:
    """The theories of all formulas with one place changed."""
    operation = bench.operation
    for old, new, make in changes(operation.formulas, operation.name):
        changed = make()
        if changed is not None:
            fault = f"does as the formula would with `{new}` for `{old}`"
            fix = f"compute `{old}`, as the clause says"
            yield Theory(f"`{new}` for `{old}`", fault, fix, trusted_about(bench, changed))


def trusted_about(bench: Bench, changed: Function) -> Predict:
    """What a changed formula says, where the unchanged one is sound."""
    operation, trust = bench.operation, bench.trust
    named = {key: value for key, value in bench.ruler.conventions.items() if key in operation.changing}

    def predict(arguments: Arguments, options: Options) -> Saying:
        key = (id(arguments), *sorted(options.items()))
        if key not in trust:
            right = bench.allowed(bench.ruler.bounds(*arguments, **options))
            plain = evaluated(operation.formula, arguments, {**options, **named})
            sound = [said.fits(one) for said, one in zip(right, plain, strict=True)]
            trust[key] = (arguments, right, sound)  # with the arguments, lest others get their id
        _, right, sound = trust[key]
        try:
            found = evaluated(changed, arguments, {**options, **named})
        except Exception as error:  # a changed formula may do anything
            raise Unsaid from error
        each = zip(found, right, sound, strict=True)
        return tuple(about(bench.ruler.format, value, one, where) for value, one, where in each)

    return predict


Change = tuple[str, str, Callable[[], Function | None]]


@cache
def changes(module: ModuleType, name: str) -> tuple[Change, ...]:
    """Each change of one place: the line before and after, and what makes the changed formula."""
    functions = definitions(module, name)
    codes = codes_of(functions)
    found: dict[tuple[str, str], Change] = {}
    for function in functions.values():
        names = _names(function)
        for statement, field, _, changed in places(function, partial(_at_top, names=names)):
            old, new = _line(statement), _line(_put(statement, field, changed))
            if new != old:
                make = partial(compiled, module, codes, name, function, (statement, field, changed))
                found.setdefault((old, new), (old, new, make))
    return tuple(found.values())


Variations = Callable[[ast.expr], Iterator[tuple[ast.expr, ast.expr]]]
"""Of an expression, parts of it and what may stand in its place."""


def places(function: ast.FunctionDef, variations: Variations) -> Iterator[tuple[ast.stmt, str, ast.expr, ast.expr]]:
    """Each statement and its field, the part that is changed, and the whole expression with the change."""
    for statement in (node for node in ast.walk(function) if isinstance(node, ast.stmt)):
        field = "iter" if isinstance(statement, ast.For) else "value"
        value = getattr(statement, field, None) if isinstance(statement, (*STATEMENTS, ast.For)) else None
        if isinstance(value, ast.expr):
            for part, changed in _changed(value, variations):
                yield statement, field, part, changed


def definitions(module: ModuleType, name: str) -> dict[str, ast.FunctionDef]:
    """The definitions of the functions of this module that the named one is made with, itself included."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(module)))
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: dict[str, ast.FunctionDef] = {}
    left = [name]
    while left:
        which = left.pop()
        if which in defined and which not in found:
            found[which] = defined[which]
            left += [node.id for node in ast.walk(defined[which]) if isinstance(node, ast.Name)]
    return found


def _line(statement: ast.stmt) -> str:
    """As it is written; of a loop, its head."""
    return ast.unparse(statement).splitlines()[0]


def _names(function: ast.FunctionDef) -> dict[str, list[str]]:
    """Of each number that it is given or assigns, the others of its kind: options, and all else; no convention."""
    own = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    options = [each.arg for each, default in own if default is None]
    assigned = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    lists = {n.func.value.id for n in ast.walk(function) if _appends(n)}  # type: ignore[attr-defined]
    others = [each for each in (*(a.arg for a in function.args.args), *assigned) if each not in lists]
    kinds = (dict.fromkeys(options), dict.fromkeys(others))
    return {name: [other for other in kind if other != name] for kind in kinds for name in kind}


def _appends(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "append"
        and isinstance(node.func.value, ast.Name)
    )


def code_of(function: ast.FunctionDef) -> CodeType:
    return compile(ast.Module(body=[function], type_ignores=[]), f"<{function.name}>", "exec")


def codes_of(functions: dict[str, ast.FunctionDef]) -> dict[str, CodeType]:
    return {which: code_of(function) for which, function in functions.items()}


def compiled(
    module: ModuleType,
    codes: dict[str, CodeType],
    name: str,
    function: ast.FunctionDef,
    change: tuple[ast.stmt, str, ast.expr],
    more: dict[str, Any] | None = None,
) -> Function | None:
    """The formula with one expression of one of its functions replaced. more: what it may call besides."""
    space = {**vars(module), **(more or {})}
    statement, field, new = change
    kept = getattr(statement, field)
    setattr(statement, field, ast.fix_missing_locations(new))
    try:
        changed = code_of(function)
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        setattr(statement, field, kept)
    for each, code in codes.items():
        exec(changed if each == function.name else code, space)
    made: Function = space[name]
    return made


def _changed(node: ast.expr, variations: Variations) -> Iterator[tuple[ast.expr, ast.expr]]:
    """A part, and the expression with that part changed: its top, or one below."""
    yield from variations(node)
    for field, child in ast.iter_fields(node):
        if isinstance(child, ast.expr):
            for part, changed in _changed(child, variations):
                yield part, _put(node, field, changed)
        elif isinstance(child, list):
            for place, each in enumerate(child):
                if isinstance(each, ast.expr):
                    for part, changed in _changed(each, variations):
                        yield part, _put(node, field, [*child[:place], changed, *child[place + 1 :]])
                elif isinstance(each, ast.keyword) and each.arg != "keepdims":
                    for part, changed in _changed(each.value, variations):
                        put = _put(each, "value", changed)
                        yield part, _put(node, field, [*child[:place], put, *child[place + 1 :]])


def _put(node: Any, field: str, value: Any) -> Any:
    other = copy.copy(node)
    setattr(other, field, value)
    return other


def _at_top(node: ast.expr, names: dict[str, list[str]]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The node, and each slip that may be made there."""
    for other in _slips(node, names):
        yield node, other


def _slips(node: ast.expr, names: dict[str, list[str]]) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            for other in OPERATORS.get(type(op), ()):
                yield ast.BinOp(left, other(), right)
            yield left
            yield right
            if isinstance(op, (ast.Sub, ast.Div)):
                yield ast.BinOp(right, op, left)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            yield from (ast.Name(other, ast.Load()) for other in names[name])
            yield ast.UnaryOp(ast.USub(), node)
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            for opposite in COMPARISONS.get(type(op), ()):
                yield ast.Compare(left, [opposite()], comparators)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Call(func=ast.Attribute(value=of, attr=attr) as function, args=args, keywords=keywords):
            if attr == "sum" and not args and isinstance(of, ast.Name):  # an end that is left out
                for ends in ("[..., :-1]", "[..., 1:]", "[..., :-1, :]", "[..., 1:, :]"):
                    part = ast.parse(f"{of.id}{ends}", mode="eval").body
                    yield ast.Call(_put(function, "value", part), args, keywords)
            for another in FUNCTIONS.get(attr, ()):
                yield ast.Call(_put(function, "attr", another), args, keywords)
            if len(args) == 1 and isinstance(of, ast.Name) and of.id == "np":
                yield args[0]
        case ast.Call(func=function, args=[one, other, *rest], keywords=keywords):
            yield ast.Call(function, [other, one, *rest], keywords)
        case _:
            pass
