"""Targets: finds the implementation that a name, a path or an object stands for, and what it offers and declares."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.clauses import clauses

from nnlaws.implementations import BUILT_IN
from nnlaws.operations import OPERATIONS

DEFAULT_DTYPES = ("float32", "float64")


class TargetError(Exception):
    """The target cannot be found, loaded or used; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """An implementation: its operations by name, the dtypes it is checked in by default, what it declares."""

    name: str
    description: str
    operations: Mapping[str, Callable[..., Any]]
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    conventions: Mapping[str, str] = field(default_factory=dict[str, str])

    def conventions_for(self, operation: str, dtype: str) -> dict[str, str]:
        """What is declared for this operation in this dtype; `arithmetic` says nothing about the wide dtypes."""
        declared: dict[str, str] = {}
        for key, value in self.conventions.items():
            scope, _, name = key.rpartition(".")
            if scope in ("", operation) and not (name == "arithmetic" and DTYPES[dtype].itemsize > 2):
                declared[name] = value
        return declared


def resolve(target: str) -> Target:
    """A built-in name, a path to a .py file, `module`, or `module:object`. Raises TargetError where that fails."""
    if target in BUILT_IN:
        return of(_import(BUILT_IN[target]), target)
    if target.endswith(".py") or "/" in target or "\\" in target:
        return of(_load(Path(target)), target)
    module, _, attribute = target.partition(":")
    found = _import(module)
    for name in filter(None, attribute.split(".")):
        if not hasattr(found, name):
            raise TargetError(f"{target}: {module} has no attribute {attribute!r}")
        found = getattr(found, name)
    return of(found, target)


def of(implementation: Any, name: str) -> Target:
    """The target that an object is: its attributes named after operations, or itself if it is a function so named."""
    own = getattr(implementation, "__name__", None)
    if callable(implementation) and own in OPERATIONS:
        operations = {own: implementation}
    else:
        found = {operation: getattr(implementation, operation, None) for operation in OPERATIONS}
        operations = {operation: function for operation, function in found.items() if callable(function)}
    description = getattr(implementation, "description", None)
    declared = getattr(implementation, "dtypes", DEFAULT_DTYPES)
    dtypes = tuple(declared) if isinstance(declared, (tuple, list)) else DEFAULT_DTYPES
    conventions = getattr(implementation, "conventions", {})
    if unknown := [dtype for dtype in dtypes if dtype not in DTYPES]:
        raise TargetError(f"{name} declares dtypes {unknown}; there are {', '.join(DTYPES)}")
    return Target(
        name,
        description if isinstance(description, str) else _describe(implementation, name),
        operations,
        dtypes,
        _checked(conventions, name) if isinstance(conventions, Mapping) else {},
    )


def known_conventions() -> dict[str, set[str]]:
    """Every convention that a clause names, with its values beside the clause's own choice."""
    known: dict[str, set[str]] = {}
    for clause in clauses().values():
        for variant in clause.variants:
            known.setdefault(variant.name, set()).add(variant.value)
    return known


def _checked(conventions: Mapping[Any, Any], target: str) -> dict[str, str]:
    known = known_conventions()
    for key, value in conventions.items():
        scope, _, name = str(key).rpartition(".")
        if value not in known.get(name, ()) or (scope and scope not in OPERATIONS):
            there = "; ".join(f"{name} = {' or '.join(sorted(values))}" for name, values in known.items())
            raise TargetError(
                f"{target} declares the convention {key!r}: {value!r}, which no clause names; there are: {there} "
                "(for one operation alone, OPERATION.NAME)"
            )
    return dict(conventions)


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if module.startswith(missing) or module in BUILT_IN.values():
            what = missing if module in BUILT_IN.values() else module
            names = ", ".join(BUILT_IN)
            raise TargetError(
                f"no module named {what!r} can be imported here; expected a built-in ({names}), a path to a .py file, "
                "an importable module or module:object. Is the library installed?"
            ) from error
        raise TargetError(_failed(module, error)) from error
    except BaseException as error:
        raise TargetError(_failed(module, error)) from error


def _load(path: Path) -> Any:
    if not path.is_file():
        raise TargetError(
            f"there is no file {str(path)!r}; expected a path to a .py file that defines {', '.join(OPERATIONS)}"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{str(path)!r} is not a Python file; its name has to end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise TargetError(_failed(str(path), error)) from error
    return module


def _failed(what: str, error: BaseException) -> str:
    return f"importing {what} failed: {type(error).__name__}: {error}"


def _describe(implementation: Any, name: str) -> str:
    version = getattr(implementation, "__version__", None)
    return f"{name} {version}" if isinstance(version, str) else name
