"""A command as an implementation: what its client offers, as functions that laws call.

What a function of Python takes and a line cannot say is said in arrays: a space is three, of its axes' ends and scales;
a function that a search calls is asked for in the middle of the call; a model is its number.
"""

import atexit
import inspect
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_reference.search import Scale

from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Unreachable
from nnlaws.chapters import OPERATIONS
from nnlaws.wire import PREFIX
from nnlaws.wire.client import Absent, Client, ClientError, Function, Hello, Refused

SCALES = get_args(Scale)
SPACE, CALLED = "space", ("objective", "train")
EXTENSIONS = ("arguments",)
"""What a client may declare beyond the protocol: that it sends its arguments back, as they are after the call."""


def implementation(name: str, trace: str = "") -> Any:
    """What `command:…` offers and declares, as the attributes that any implementation has; and `shows`, its extensions.

    Raises ClientError where the command cannot be run, or names what there is not.
    """
    client = Client(name.removeprefix(PREFIX), trace)
    atexit.register(client.close)
    hello = client.hello()
    offered, shows = hello.listed("operations"), hello.listed("extensions")
    taken = [each.rpartition(".") for each in hello.listed("takes")]
    _known("operations", offered, OPERATIONS)
    _known("takes", [operation for operation, _, _ in taken], OPERATIONS)
    _known("extensions", shows, EXTENSIONS)
    takes = {name: [keyword for operation, _, keyword in taken if operation == name] for name in offered}
    return SimpleNamespace(
        **{name: Called(client, OPERATIONS[name], takes[name], shows) for name in offered},
        description=_described(hello) or name,
        dtypes=hello.listed("dtypes") or ("float32", "float64"),
        conventions=dict(map(_convention, hello.listed("conventions"))),
        fixed=dict(map(_number, hello.listed("fixed"))),
        targets=hello.facts.get("targets", ""),
        deterministic=hello.facts.get("deterministic") != "no",
        shows=frozenset(shows),
    )


class Called:
    """An operation of a client, called as a function of Python is."""

    def __init__(self, client: Client, operation: Operation, takes: Sequence[str], shows: Sequence[str]) -> None:
        self.client, self.operation, self.shows = client, operation, shows
        self.__name__ = operation.name
        kinds = inspect.Parameter
        self.__signature__ = inspect.Signature(
            [
                *(kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in operation.arguments),
                *(kinds(name, kinds.KEYWORD_ONLY) for name in (*operation.options, *takes)),
            ]
        )
        self._other: Client | None = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        found = self._results(self.client, arguments, options)
        return found[0] if len(found) == 1 else tuple(found)

    def elsewhere(self, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[Array, ...]:
        """The same in another process of the same command. Raises Unreachable where that gives no results."""
        if self._other is None:
            self._other = Client(self.client.command, self.client.trace)
            atexit.register(self._other.close)
        try:
            return tuple(self._results(self._other, arguments, options))
        except (Absent, Refused, ClientError) as error:
            raise Unreachable(f"in another process: {error}") from None

    def _results(self, client: Client, arguments: Sequence[Any], options: Mapping[str, Any]) -> list[Array]:
        named = dict(zip(self.operation.arguments, arguments, strict=True))
        functions: dict[str, Function] = {}
        values: list[tuple[str, Any]] = []
        for name, value in {**named, **options}.items():
            if name == SPACE:
                values += _space(value)
            elif name in CALLED:
                functions[name] = _asked_for(name, value)
            else:
                values.append((name, value))
        results = client.call(self.operation.name, values, functions)
        if "arguments" in self.shows:
            _put_back(named, results)
        wanted = list(self.operation.results)
        if sorted(results) != sorted(wanted):
            got = ", ".join(results) or "nothing"
            raise ClientError(f"{self.operation.name} returned {got}, where {', '.join(wanted)} is expected")
        return [results[name] for name in wanted]


def _space(axes: Sequence[Any]) -> list[tuple[str, Any]]:
    return [
        ("space_low", np.array([float(axis.low) for axis in axes])),
        ("space_high", np.array([float(axis.high) for axis in axes])),
        ("space_scale", np.array([SCALES.index(axis.scale) for axis in axes], dtype=np.int64)),
    ]


def _asked_for(name: str, function: Any) -> Function:
    """What a search calls, by arrays: a loss of a point; and where a model is trained, by its number, another."""
    if name == "objective":
        return lambda given: {"loss": float(function(given["point"]))}
    models: list[Any] = []

    def train(given: Mapping[str, Array]) -> dict[str, Any]:
        model, loss = function(models[int(given["model"])] if "model" in given else None, given["point"])
        models.append(model)
        return {"model": len(models) - 1, "loss": float(loss)}

    return train


def _put_back(arguments: Mapping[str, Any], results: dict[str, Array]) -> None:
    """Writes what the client's arguments are after the call into ours, where they differ."""
    for name, value in arguments.items():
        after = results.pop(f"after_{name}", None)
        if after is not None and isinstance(value, np.ndarray) and after.tobytes() != value.tobytes():
            value[...] = after


def _convention(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    if not value:
        raise ClientError(f"its hello has conventions={text}; expected NAME:VALUE, as in velocity:heavy_ball")
    return key, value


def _number(text: str) -> tuple[str, float]:
    key, _, value = text.partition(":")
    try:
        return key, float(value)
    except ValueError:
        raise ClientError(f"its hello has fixed={text}; expected NAME:NUMBER, as in eps:1e-5") from None


def _described(hello: Hello) -> str:
    language = hello.facts.get("language")
    named = " ".join(hello.facts[fact] for fact in ("name", "version") if hello.facts.get(fact))
    return f"{named} ({language})" if named and language else named


def _known(fact: str, given: Sequence[str], known: Iterable[str]) -> None:
    there = list(known)
    unknown = [each for each in given if each not in there]
    if unknown:
        raise ClientError(f"its hello has {fact}={','.join(given)}; there is no {unknown[0]!r}, but {', '.join(there)}")
