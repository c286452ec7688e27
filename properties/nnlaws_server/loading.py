"""Loads the implementation that a name or a path stands for, and reads what it offers and declares."""

import ast
import difflib
import importlib
import importlib.util
import inspect
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from nnlaws_server.errors import TargetError, words

SETTINGS = ("as", "input", "device", "params", "wrap")
"""What may be said of an object that is recognised, as `--as batch_norm`, beside keywords for its class."""
FIXED = "fixed"
"""What may be said of any: a number that is written into it, as `--fixed eps=1e-5`."""
LIBRARIES = {
    *("equinox", "flax", "haiku", "jax", "keras", "mlx", "objax", "optax", "paddle", "scipy", "sklearn"),
    *("sonnet", "tensorflow", "tf_keras", "thinc", "tinygrad", "torch"),
}
"""Whose modules have functions that are called like operations, and are not called as these are."""
OPTIMIZERS = {
    "gradient_descent": (),
    "momentum": ("beta",),
    "rmsprop": ("beta", "eps"),
    "adam": ("beta1", "beta2", "eps"),
    "adamw": ("beta1", "beta2", "eps", "weight_decay"),
}
"""What these operations take besides parameters, gradients and the learning rate."""
TAKEN = {
    **{name: {"learning_rate", *options} for name, options in OPTIMIZERS.items()},
    "batch_norm_train": {"eps"},
    "batch_norm_backward": {"eps"},
    "batch_norm_running": {"decay"},
    "batch_norm_inference": {"eps"},
    "exponential_decay": {"initial", "rate"},
    "inverse_time_decay": {"initial", "rate"},
    "staircase_decay": {"initial", "rate", "every"},
    "inverse_root_decay": {"initial", "factor"},
}
"""The options of operations whose names functions have that are called otherwise: in course code, above all."""
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


def recognised(found: Any, target: str, operations: Iterable[str], built_in: Mapping[str, str], by: str) -> Any:
    """The same object; or, where it is a library's own layer, optimizer, schedule or function, or a module of such
    functions, the target that it is recognised as. by: the module that recognises. Raises TargetError where that cannot
    tell what it is.
    """
    name, given, settings, _ = named(target)
    there = offered(found, operations)
    told = bool(given or settings)
    if name in built_in:
        return found
    strange = [operation for operation, each in there.items() if _is_called_otherwise(each, operation)]
    if strange and not told and isinstance(found, ModuleType) and not _of_a_library(found):
        return _with_recognised(found, name, there, strange, by)
    if there and not (told or strange or _of_a_library(found)):
        return found
    kind, known_kinds = settings.get("as", ""), [*operations, "batch_norm"]
    if kind and kind not in known_kinds:
        near = difflib.get_close_matches(kind, known_kinds, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ": see `nnlaws list operations`"
        raise TargetError(f"{name} is not recognised: --as {kind} names no operation{hint}")
    if isinstance(found, ModuleType):
        if not (there or told or _of_a_library(found)) and name.endswith(".py") and (own := _own(found)):
            line = f"no function in it is called as an operation is; each is judged by itself, as {name}:{own[0]}: "
            return SimpleNamespace(recognised=(line + ", ".join(own),))
        known = found.__name__.partition(".")[0] in LIBRARIES
        return _module_of(found, name, there, by) if there and known and not told else found
    recogniser = importlib.import_module(by)
    try:
        made = recogniser.recognise(found, name, given, settings)
    except recogniser.Unrecognised as reason:
        known = str(getattr(found, "__module__", "")).partition(".")[0] in LIBRARIES
        if there and not (told or known or strange):
            return found
        if isinstance(found, OnnxFile):
            raise TargetError(f"{name}: {reason}") from None
        raise TargetError(
            f"{name} is not recognised: {reason}. Say what it is with --as, or start from `nnlaws template FILE`"
        ) from None
    if made is None and told:
        raise TargetError(f"{name} is nothing that keywords or --as can be given for; see docs/layers.md")
    return found if made is None else made


def _module_of(found: ModuleType, name: str, there: Mapping[str, Any], by: str) -> Any:
    """The functions of a library's module that are named after operations, and are such; the module, if none is."""
    recogniser = importlib.import_module(by)
    whole: dict[str, Any] = {}
    lines: list[str] = []
    for operation, function in there.items():
        try:
            made = recogniser.recognise(function, f"{name}:{operation}", {}, {})
        except recogniser.Unrecognised as reason:
            lines.append(f"{operation} is not recognised: {reason}")
            continue
        if made is not None:
            lines += [f"{operation}: {line}" for line in made.recognised]
            whole |= {key: value for key, value in vars(made).items() if key != "recognised"}
    return SimpleNamespace(**whole, recognised=tuple(lines)) if whole else found


def _of_a_library(found: Any) -> bool:
    """Whether it comes from an installed package, and is no target that someone wrote here."""
    name = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", "") or ""
    root = sys.modules.get(str(name).partition(".")[0])
    files = (getattr(root, "__file__", None) or "", *getattr(root, "__path__", ()))  # a namespace has no file
    return any(folder in file for file in files for folder in ("site-packages", "dist-packages"))


def _is_called_otherwise(function: Any, operation: str) -> bool:
    """Whether a function that has an operation's name is called in another way: as one that makes an optimizer, which
    begins with a learning rate, one that makes a single step, or a backward pass of what was kept.
    """
    if not inspect.isfunction(function):
        return False
    there = inspect.signature(function).parameters
    if next(iter(there), "") in ("learning_rate", "lr"):
        return True
    if any(each.kind is each.VAR_KEYWORD for each in there.values()):
        return False
    return not TAKEN.get(operation, set()) <= {*there}


def _with_recognised(found: ModuleType, name: str, there: Mapping[str, Any], strange: Sequence[str], by: str) -> Any:
    """A module of someone's own, in which functions that are called otherwise are what they are recognised as."""
    recogniser = importlib.import_module(by)
    own = {key: value for key, value in vars(found).items() if key in DECLARED}
    whole = {operation: each for operation, each in there.items() if operation not in strange}
    lines: list[str] = []
    fixed, positive = dict(own.get("fixed", {})), list(own.get("positive", ()))
    for operation in strange:
        try:
            made = recogniser.recognise(there[operation], f"{name}:{operation}", {}, {})
        except recogniser.Unrecognised as reason:
            lines.append(f"not judged as {operation}: {reason}")
            continue
        if made is None or not hasattr(made, operation):
            lines.append(f"not judged as {operation}: it is called otherwise, and does something else")
            continue
        lines += [f"{operation}: {line}" for line in made.recognised]
        whole[operation] = getattr(made, operation)
        fixed |= {f"{operation}.{key}": value for key, value in getattr(made, "fixed", {}).items()}
        positive += getattr(made, "positive", ())
        own["constant_rate"] = own.get("constant_rate", False) or getattr(made, "constant_rate", False)
    if others := sorted(set(_own(found)) - {*there}):
        lines.append(f"not looked at: {', '.join(others)}; each is judged by itself, as {name}:{others[0]}")
    own |= {"fixed": fixed, "positive": tuple(positive), "recognised": tuple(lines)}
    return SimpleNamespace(**{**own, **whole})


def _own(module: ModuleType) -> list[str]:
    """The functions and classes that are made in a module, for others to use."""
    made = [(name, each) for name, each in vars(module).items() if inspect.isfunction(each) or inspect.isclass(each)]
    return [name for name, each in made if each.__module__ == module.__name__ and not name.startswith("_")]


def offered(implementation: Any, operations: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Its attributes named after operations; or itself, where it is a function so named."""
    own = getattr(implementation, "__name__", None)
    if callable(implementation) and isinstance(own, str) and own in operations:
        return {own: implementation}
    found = {operation: getattr(implementation, operation, None) for operation in operations}
    return {operation: function for operation, function in found.items() if callable(function)}


DECLARED = (
    *("description", "__version__", "dtypes", "conventions"),
    *("fixed", "targets", "positive", "below_one", "constant_rate", "deterministic", "recognised"),
    "insisted",
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
