"""Loads the implementation that a name or a path stands for, and reads what it offers and declares."""

import ast
import importlib
import importlib.util
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from nnlaws_server.errors import TargetError, words

SETTINGS = ("as", "input", "device", "params", "wrap")
"""What may be said of an object that is recognised, as `--as batch_norm`, beside keywords for its class."""
FIXED = "fixed"
"""What may be said of any: a number that is written into it, as `--fixed eps=1e-5`."""
_WORD = re.compile(r"[A-Za-z_]\w*=")
_NAMED = re.compile(r"[A-Za-z_][\w.]*=")
_ONNX = re.compile(r"(?P<path>.+?\.onnx)(?::(?P<node>.+))?")


class OnnxFile(NamedTuple):
    """A file of ONNX, and the node of it that is meant, or the whole of it."""

    path: str
    node: str = ""


class Named(NamedTuple):
    """What a target's text says: the object's name, keywords for its class, settings, and what is fixed."""

    name: str
    given: dict[str, Any]
    settings: dict[str, str]
    fixed: dict[str, Any]


def named(target: str) -> Named:
    """The parts of `timm.layers:BatchNormAct2d apply_act=False --input 4d`; of a client's command, which has words of
    its own, none. Raises TargetError.
    """
    if target.startswith("command:"):
        return Named(target, {}, {}, {})
    try:
        words = shlex.split(target)
    except ValueError:
        return Named(target, {}, {}, {})
    options = {f"--{each}" for each in (*SETTINGS, FIXED)}
    if not any(_WORD.match(word) or word in options for word in words[1:]):
        return Named(target, {}, {}, {})
    found = Named(words[0], {}, {}, {})
    rest = iter(words[1:])
    for word in rest:
        if word == f"--{FIXED}":
            _into(found.fixed, target, next(rest, ""), f" after --{FIXED}")
        elif word in options:
            found.settings[word[2:]] = next(rest, "")
        else:
            _into(found.given, target, word, " after the target")
    return found


def _into(values: dict[str, Any], target: str, word: str, where: str) -> None:
    """Notes what NAME=VALUE says. Raises TargetError for another word."""
    if not _NAMED.match(word):
        raise TargetError(f"{target}: expected NAME=VALUE{where}, got {word!r}")
    key, _, text = word.partition("=")
    values[key] = _value(text)


def _value(text: str) -> Any:
    """What Python makes of the text; the text itself of what is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def loaded(target: str, built_in: Mapping[str, str]) -> Any:
    """The object that `module`, `module:object`, the path of a .py file, `file.py:object`, `file.onnx`,
    `file.onnx:node` or a built-in name stands for. built_in: the modules by name. Raises TargetError.
    """
    if not target.strip():
        raise TargetError(
            f"{target!r} names no target; expected a built-in name, a path or a module: see nnlaws check --help"
        )
    target = named(target).name
    if target in built_in:
        return _attribute(built_in[target], built_in)
    model = _ONNX.fullmatch(target)
    if model and _is_a_path(model["path"]):
        return _onnx(model["path"], model["node"] or "")
    path, _, attribute = target.rpartition(":")
    if path.endswith(".py") and attribute.replace(".", "_").isidentifier():
        return _within(_file(Path(path)), path, attribute)
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


DECLARED = (
    *("description", "__version__", "dtypes", "conventions"),
    *("fixed", "targets", "positive", "below_one", "constant_rate", "deterministic"),
    *("recognised", "insisted"),
)


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


def _is_a_path(path: str) -> bool:
    """Whether it is no module that has such a name, as torch.onnx has."""
    if Path(path).is_file() or "/" in path or "\\" in path:
        return True
    with suppress(ImportError, ValueError):
        return importlib.util.find_spec(path.partition(".")[0]) is None
    return True


def _onnx(path: str, node: str) -> OnnxFile:
    """The file, with the library that reads it, and the one that runs it, if that is there, imported."""
    if not Path(path).is_file():
        raise TargetError(f"there is no file {path!r}; expected a model in the format of ONNX")
    try:
        importlib.import_module("onnx")
    except ImportError:
        raise TargetError(
            f"{path} cannot be read without the package onnx; install it, and onnxruntime to run it by"
        ) from None
    with suppress(ImportError):
        importlib.import_module("onnxruntime")
    return OnnxFile(path, node)


def _attribute(target: str, built_in: Mapping[str, str]) -> Any:
    module, _, attribute = target.partition(":")
    return _within(_module(module, built_in), module, attribute)


def _within(found: Any, module: str, attribute: str) -> Any:
    for name in filter(None, attribute.split(".")):
        if not hasattr(found, name):
            raise TargetError(f"{module}:{attribute}: {module} has no attribute {attribute!r}")
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


class _AsWritten(SourceFileLoader):
    """Compiles the file as it is. What was compiled before may be of other text: Python tells by the second of its
    last change, and by its size.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", dont_inherit=True)


def _file(path: Path) -> Any:
    if not path.is_file():
        raise TargetError(
            f"there is no file {str(path)!r}; expected a path to a .py file that defines operations, such as softmax: "
            "`nnlaws list operations` has all, `nnlaws template FILE` writes them, ready to fill in"
        )
    name = f"nnlaws_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsWritten(name, str(path)))
    if path.suffix != ".py" or spec is None or spec.loader is None:
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
