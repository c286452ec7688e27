"""What an object is that is no target by itself: by a recogniser, which is imported where it is asked for."""

import difflib
import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from nnlaws_server.errors import TargetError
from nnlaws_server.loading import DECLARED, OnnxFile, named, offered

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
    "sgd": ("beta", "dampening", "weight_decay"),
    "adagrad": ("eps", "initial_accumulator"),
    "amsgrad": ("beta1", "beta2", "eps"),
    "nadam": ("beta1", "beta2", "eps", "momentum_decay"),
    "radam": ("beta1", "beta2", "eps"),
    "lion": ("beta1", "beta2", "weight_decay"),
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
    """A module of someone's own, in which functions that are called otherwise are what they are recognised as. All that
    is named after an operation is meant to be it.
    """
    recogniser = importlib.import_module(by)
    own = {key: value for key, value in vars(found).items() if key in DECLARED}
    whole = dict(there)  # what is not recognised stays, and its errors are told
    lines: list[str] = []
    fixed, positive = dict(own.get("fixed", {})), list(own.get("positive", ()))
    for operation in strange:
        try:
            made = recogniser.recognise(there[operation], f"{name}:{operation}", {}, {})
        except recogniser.Unrecognised as reason:
            lines.append(f"{operation} is not recognised, and is called as the operation is: {reason}")
            continue
        if made is None or not hasattr(made, operation):
            continue
        lines += [f"{operation}: {line}" for line in made.recognised]
        whole[operation] = getattr(made, operation)
        fixed |= {f"{operation}.{key}": value for key, value in getattr(made, "fixed", {}).items()}
        positive += getattr(made, "positive", ())
        own["constant_rate"] = own.get("constant_rate", False) or getattr(made, "constant_rate", False)
    if others := sorted(set(_own(found)) - {*there}):
        lines.append(f"not looked at: {', '.join(others)}; each is judged by itself, as {name}:{others[0]}")
    own |= {"fixed": fixed, "positive": tuple(positive), "recognised": tuple(lines), "insisted": True}
    return SimpleNamespace(**{**own, **whole})


def _own(module: ModuleType) -> list[str]:
    """The functions and classes that are made in a module, for others to use."""
    made = [(name, each) for name, each in vars(module).items() if inspect.isfunction(each) or inspect.isclass(each)]
    return [name for name, each in made if each.__module__ == module.__name__ and not name.startswith("_")]
