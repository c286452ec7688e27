"""Loads the implementation that a name or a path stands for, and reads what it offers and declares."""

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import numpy as np

from nnlaws_server.errors import TargetError, words


def loaded(target: str, built_in: Mapping[str, str]) -> Any:
    """The object that `module`, `module:object`, the path of a .py file or a built-in name stands for. built_in: the
    modules by name. Raises TargetError.
    """
    if not target.strip():
        raise TargetError(
            f"{target!r} names no target; expected a built-in name, a path or a module: see nnlaws check --help"
        )
    if target in built_in:
        return _attribute(built_in[target], built_in)
    if target.endswith(".py") or "/" in target or "\\" in target:
        return _file(Path(target))
    return _attribute(target, built_in)


def offered(implementation: Any, operations: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Its attributes named after operations; or itself, where it is a function so named."""
    own = getattr(implementation, "__name__", None)
    if callable(implementation) and isinstance(own, str) and own in operations:
        return {own: implementation}
    found = {operation: getattr(implementation, operation, None) for operation in operations}
    return {operation: function for operation, function in found.items() if callable(function)}


DECLARED = ("description", "__version__", "dtypes", "conventions")


def declared(implementation: Any) -> dict[str, Any]:
    """What it says of itself, by attribute, as JSON that `read_again` reads."""
    absent = object()
    found = {name: getattr(implementation, name, absent) for name in DECLARED}
    return {name: _written(value) for name, value in found.items() if value is not absent}


class Strange:
    """A value that only its own process has: here, how it is written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _written(value: Any) -> Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, (tuple, list)):
        return {"sequence": [_written(each) for each in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[_written(key), _written(each)] for key, each in value.items()]}
    return {"strange": repr(value)}


def read_again(value: Any) -> Any:
    """The value that was written: tuples for lists, too."""
    if not isinstance(value, dict):
        return value
    if "sequence" in value:
        return tuple(map(read_again, value["sequence"]))
    if "mapping" in value:
        return {read_again(key): read_again(each) for key, each in value["mapping"]}
    return Strange(str(value["strange"]))


@contextmanager
def contained() -> Generator[None]:
    """Meanwhile what is printed goes to standard error, for standard output is the report's, and there is nothing to
    read. Afterwards the working directory, NumPy's error state and the filters of warnings are as they were.
    """
    folder, reading = None, sys.stdin
    with suppress(OSError):  # a folder that is gone
        folder = os.getcwd()
    try:
        with open(os.devnull) as nothing, redirect_stdout(sys.stderr), np.errstate(), warnings.catch_warnings():
            sys.stdin = nothing
            yield
    finally:
        sys.stdin = reading
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)


def _attribute(target: str, built_in: Mapping[str, str]) -> Any:
    module, _, attribute = target.partition(":")
    found = _module(module, built_in)
    for name in filter(None, attribute.split(".")):
        if not hasattr(found, name):
            raise TargetError(f"{target}: {module} has no attribute {attribute!r}")
        found = getattr(found, name)
    return found


def _module(module: str, built_in: Mapping[str, str]) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        ours = module in built_in.values()
        if module.startswith(missing) or ours:
            what = missing if ours else module
            raise TargetError(
                f"no module named {what!r} can be imported here; expected a built-in ({', '.join(built_in)}), a path "
                "to a .py file, an importable module or module:object. Is the library installed?"
            ) from error
        raise TargetError(_failed(module, error)) from error
    except BaseException as error:
        raise TargetError(_failed(module, error)) from error


def _file(path: Path) -> Any:
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
