"""Targets: finds the implementation that a name, a path or an object stands for, and what it offers and declares."""

import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import Here
from nnlaws_server.errors import TargetError, words
from nnlaws_server.loading import loaded, named, offered
from nnlaws_server.recognising import recognised

from nnlaws.adapters import BUILT_IN
from nnlaws.authoring.convention import values
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.chapters import CHAPTERS, LAWS, OPERATIONS
from nnlaws.harness.limits import ONE_HOT, Limited, Limits
from nnlaws.isolation.guard import Callee
from nnlaws.wire.client import ClientError
from nnlaws.wire.process import RECOGNISER

DEFAULT_DTYPES = ("float32", "float64")


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
    imported: Callable[[], dict[str, str]] = dict[str, str]
    """What its process has imported since it was asked last, with versions."""
    limits: Limits = field(default_factory=Limits)
    """What it cannot be given."""
    recognised: tuple[str, ...] = ()
    """What it was taken for, of what is no target by itself: then its conventions are found, not declared."""
    insisted: bool = False
    """Whether it is judged as what it was said to be, however far it is from it."""

    def law(self, id: str) -> Law:
        """The law of that id, on what the target can be given."""
        law = next(law for law in LAWS if law.id == id)
        return self.limits.of(law.operation).law(law)

    def hides(self, law: Law) -> str:
        """Why a law that needs more than results, or other sizes than the target takes, is not offered; nothing where
        it is.
        """
        if beyond := self.limits.of(law.operation).beyond(law):
            return beyond
        hidden = [] if self.shows is None else [each for each in law.needs if each not in self.shows]
        return f"its client shows nothing of {', '.join(hidden)}" if hidden else ""

    def conventions_for(self, operation: str, dtype: str) -> dict[str, str]:
        """What is declared and bears on this operation in this dtype: the more closely, the more it counts."""
        declared: dict[str, str] = {}
        bearing = OPERATIONS[operation].choices(dtype)
        for key, value in sorted(self.conventions.items(), key=lambda each: each[0].count(".")):
            *scope, name = key.split(".")
            if name in bearing and set(scope) <= {operation, dtype}:
                declared[name] = value
        return declared


def resolve(target: str) -> Target:
    """A built-in name, a path to a .py file, `module` or `module:object`, loaded into this process: for what is
    trusted. Raises TargetError where that fails.
    """
    return of_object(loaded(target, BUILT_IN), target)


def of_object(found: Any, name: str) -> Target:
    """The target that an object of this process is, or is recognised as. Raises TargetError."""
    with _looking(name):
        return _of(recognised(found, name, OPERATIONS, BUILT_IN, RECOGNISER), name)


def served(target: str, process: "subprocess.Popen[bytes]", ended: Callable[[int | str], NoReturn]) -> Target:
    """The same, loaded into a process of its own that only answers calls (`nnlaws.wire.process`). ended: told how that
    came to an end, where it did so by itself; it does not return. Raises TargetError where it cannot be loaded.
    """
    from nnlaws.wire.served import implementation  # which only what is judged has need of

    found = implementation(target, process, ended)
    return replace(of(found, target), imported=found.imported)


def client(target: str, trace: str = "") -> Target:
    """`command:` and how to run a client. trace: a file that gets what is said to and by it. Raises TargetError."""
    from nnlaws.wire.target import implementation  # which only a client has need of

    try:
        found = implementation(target, trace)
    except ClientError as error:
        raise TargetError(f"{target}: {error}") from None
    return replace(of(found, target), shows=found.shows)


def of(implementation: Any, name: str) -> Target:
    """The target that an object is: its attributes named after operations, or itself if it is a function so named."""
    with _looking(name):
        return _of(implementation, name)


@contextmanager
def _looking(name: str) -> Generator[None]:
    """Whatever is raised meanwhile is a TargetError."""
    try:
        yield
    except TargetError:
        raise
    except Exception as error:  # an attribute may be a property, or a module's __getattr__
        raise TargetError(f"looking for operations in {name} failed: {words(error)}") from error


def _of(implementation: Any, name: str) -> Target:
    description = getattr(implementation, "description", None)
    limits = _limits(implementation, name)
    operations = offered(implementation, OPERATIONS)
    lines = getattr(implementation, "recognised", ())
    taken = tuple(map(str, lines)) if isinstance(lines, tuple) else ()
    return Target(
        name,
        description if isinstance(description, str) else _describe(implementation, name),
        {operation: _limited(each, OPERATIONS[operation], limits) for operation, each in operations.items()},
        _dtypes(getattr(implementation, "dtypes", DEFAULT_DTYPES), name),
        _conventions(getattr(implementation, "conventions", {}), name),
        limits=limits,
        recognised=taken,
        insisted=bool(taken) and (getattr(implementation, "insisted", False) is True or "as" in named(name).settings),
    )


def _limited(function: Callable[..., Any], operation: Operation, limits: Limits) -> Callable[..., Any]:
    own = limits.of(operation)
    if not own:
        return function
    return Limited(function if isinstance(function, Callee) else Here(function, len(operation.results)), operation, own)


def _limits(implementation: Any, target: str) -> Limits:
    """What is declared as `fixed`, `targets`, `positive`, `below_one`, `constant_rate` and `deterministic`; attributes
    of these names that are something else declare nothing. What is said with --fixed comes first.
    """
    fixed, targets = getattr(implementation, "fixed", {}), getattr(implementation, "targets", "")
    said, deterministic = named(target).fixed, getattr(implementation, "deterministic", True)
    fixed = {**(fixed if isinstance(fixed, Mapping) else {}), **said}
    options = {option for operation in OPERATIONS.values() for option in operation.options}
    arrays = [operation for operation in OPERATIONS.values() if operation.arrays]
    sizes = {letter for operation in arrays for dims in operation.arguments.values() for letter in dims} - options
    vectors = {name for operation in arrays for name, dims in operation.arguments.items() if len(dims) == 1}
    for key, value in fixed.items():
        scope, _, name = str(key).rpartition(".")
        if name not in options | sizes | vectors or (scope and scope not in OPERATIONS):
            there = f"{', '.join(sorted(options | vectors))}; or sizes: {', '.join(sorted(sizes))}"
            raise TargetError(
                f"{target} declares fixed = {fixed!r}; expected options or vectors of operations: {there}"
            )
        if name in sizes and (type(value) is not int or value < 1):
            raise TargetError(f"{target} declares fixed = {fixed!r}; expected a size, {name}, of 1 or more")
        if isinstance(value, str):
            raise TargetError(f"{target} declares {key} = {value!r} fixed; expected a number")
    if isinstance(targets, str) and targets not in ("", ONE_HOT):
        raise TargetError(f"{target} declares targets = {targets!r}; expected {ONE_HOT!r}, or nothing")
    values = {str(key): value for key, value in fixed.items()}

    def named_options(name: str) -> tuple[str, ...]:
        declared = getattr(implementation, name, ())
        return tuple(map(str, declared)) if isinstance(declared, (tuple, list)) else ()

    return Limits(
        values,
        targets if isinstance(targets, str) else "",
        deterministic is not False,
        positive=named_options("positive"),
        below_one=named_options("below_one"),
        constant_rate=getattr(implementation, "constant_rate", False) is True,
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
        *scope, name = str(key).split(".")
        of_operations, of_dtypes = ([each for each in scope if each in there] for there in (OPERATIONS, DTYPES))
        misplaced = len(of_operations) > 1 or len(of_dtypes) > 1 or len(scope) > len(of_operations) + len(of_dtypes)
        if not isinstance(value, str) or value not in known.get(name, ()) or misplaced:
            raise TargetError(
                f"{target} declares the convention {key!r}: {value!r}, which no clause names; there are: {there} "
                "(for one operation or one dtype alone, OPERATION.NAME, DTYPE.NAME or OPERATION.DTYPE.NAME)"
            )
    return {str(key): value for key, value in declared.items()}


def _describe(implementation: Any, name: str) -> str:
    version = getattr(implementation, "__version__", None)
    return f"{name} {version}" if isinstance(version, str) else name
