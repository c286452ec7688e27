"""Targets: finds the implementation that a name, a path or an object stands for, and what it offers and declares."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nnlaws_reference.dtypes import DTYPES

from nnlaws.adapters import BUILT_IN
from nnlaws.authoring.convention import values
from nnlaws.authoring.errors import words
from nnlaws.authoring.law import Law
from nnlaws.chapters import CHAPTERS, OPERATIONS
from nnlaws.wire import PREFIX
from nnlaws.wire.client import ClientError

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
    shows: frozenset[str] | None = None
    """What a client in another language shows of a call besides its results; None of what is called in Python, which
    shows all."""

    def hides(self, law: Law) -> str:
        """Why a law that needs more than results is not offered; nothing where it is."""
        hidden = [] if self.shows is None else [each for each in law.needs if each not in self.shows]
        return f"its client shows nothing of {', '.join(hidden)}" if hidden else ""

    def conventions_for(self, operation: str, dtype: str) -> dict[str, str]:
        """What is declared and bears on this operation in this dtype."""
        declared: dict[str, str] = {}
        bearing = OPERATIONS[operation].choices(dtype)
        for key, value in self.conventions.items():
            scope, _, name = key.rpartition(".")
            if scope in ("", operation) and name in bearing:
                declared[name] = value
        return declared


def resolve(target: str, trace: str = "") -> Target:
    """A built-in name, a path to a .py file, `module`, `module:object`, or `command:` and how to run a client; trace: a
    file that gets what is said to and by that. Raises TargetError where that fails.
    """
    if not target.strip():
        raise TargetError(
            f"{target!r} names no target; expected a built-in name, a path or a module: see nnlaws check --help"
        )
    if target.startswith(PREFIX):
        return _of_client(target, trace)
    if target in BUILT_IN:
        return replace(resolve(BUILT_IN[target]), name=target)
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
    try:
        return _of(implementation, name)
    except TargetError:
        raise
    except Exception as error:  # an attribute may be a property, or a module's __getattr__
        raise TargetError(f"looking for operations in {name} failed: {words(error)}") from error


def _of_client(target: str, trace: str) -> Target:
    from nnlaws.wire.target import implementation  # which only a client has need of

    try:
        found = implementation(target, trace)
    except ClientError as error:
        raise TargetError(f"{target}: {error}") from None
    return replace(of(found, target), shows=found.shows)


def _of(implementation: Any, name: str) -> Target:
    own = getattr(implementation, "__name__", None)
    if callable(implementation) and isinstance(own, str) and own in OPERATIONS:
        operations = {own: implementation}
    else:
        found = {operation: getattr(implementation, operation, None) for operation in OPERATIONS}
        operations = {operation: function for operation, function in found.items() if callable(function)}
    description = getattr(implementation, "description", None)
    return Target(
        name,
        description if isinstance(description, str) else _describe(implementation, name),
        operations,
        _dtypes(getattr(implementation, "dtypes", DEFAULT_DTYPES), name),
        _conventions(getattr(implementation, "conventions", {}), name),
    )


def _dtypes(declared: Any, target: str) -> tuple[str, ...]:
    """The dtypes declared; an attribute of that name that is no sequence, as in many libraries, declares nothing."""
    if not isinstance(declared, (tuple, list, str)):
        return DEFAULT_DTYPES
    if isinstance(declared, str) or not declared or any(dtype not in list(DTYPES) for dtype in declared):
        raise TargetError(f"{target} declares dtypes = {declared!r}; expected a tuple of some of {', '.join(DTYPES)}")
    return tuple(dict.fromkeys(declared))


def known_conventions() -> dict[str, list[str]]:
    """Every convention that a chapter names, with the values that may be declared."""
    return values(each for chapter in CHAPTERS.values() for each in chapter.conventions)


def _conventions(declared: Any, target: str) -> dict[str, str]:
    if not isinstance(declared, (Mapping, str, tuple, list)):
        return {}
    known = known_conventions()
    there = "; ".join(f"{name} = {' or '.join(sorted(values))}" for name, values in known.items())
    if not isinstance(declared, Mapping):
        raise TargetError(f"{target} declares conventions = {declared!r}; expected a dict of some of {there}")
    for key, value in declared.items():
        scope, _, name = str(key).rpartition(".")
        if not isinstance(value, str) or value not in known.get(name, ()) or (scope and scope not in OPERATIONS):
            raise TargetError(
                f"{target} declares the convention {key!r}: {value!r}, which no clause names; there are: {there} "
                "(for one operation alone, OPERATION.NAME)"
            )
    return {str(key): value for key, value in declared.items()}


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        built_in = module.startswith("nnlaws.adapters.")
        if module.startswith(missing) or built_in:
            what = missing if built_in else module
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
            f"there is no file {str(path)!r}; expected a path to a .py file that defines operations, such as softmax: "
            "`nnlaws list operations` has all, `nnlaws template FILE` writes them, ready to fill in"
        )
    spec = importlib.util.spec_from_file_location(f"nnlaws_target_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{str(path)!r} is not a Python file; its name has to end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise TargetError(_failed(str(path), error)) from error
    return module


def _failed(what: str, error: BaseException) -> str:
    return f"importing {what} failed: {words(error)}"


def _describe(implementation: Any, name: str) -> str:
    version = getattr(implementation, "__version__", None)
    return f"{name} {version}" if isinstance(version, str) else name
