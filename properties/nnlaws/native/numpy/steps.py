"""Steps of optimizers that are functions of NumPy, as courses have them: made into the classes that they could be.

A function takes a parameter, its gradient, what it keeps, perhaps the number of the step, and its numbers, one by one
or in a dictionary; and gives the next parameter and what it keeps, or changes them in place.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from textwrap import dedent
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import NAMES, Keywords, Unrecognised, parameters, pick, raised
from nnlaws.native.numpy.optimizers import GRADIENTS

CONFIG = (
    "config",
    "cfg",
    "optim_config",
    "opt_config",
    "hyperparameters",
    "hyperparams",
    "hparams",
    "options",
    "optim",
)
TIME = ("t", "step", "iteration", "iter", "i", "n_step", "timestep", "count", "k", "epoch")
NETWORK = ("W1", "b1")  # what a matrix and a vector are called in a dictionary of a network's parameters
Numbers = dict[str, float]


@dataclass(frozen=True)
class _Step:
    """How a function is called: what its arguments are called, what it keeps and from what it starts, in what its
    parameters come, and what it gives back, by name where that is known.
    """

    function: Callable[..., Any]
    given: Keywords
    parameter: str
    gradient: str
    config: str = ""
    kept: tuple[str, ...] = ()
    time: str = ""
    start: int = 1
    container: str = "array"  # or list, network
    initial: str = "zeros"  # or none, dictionary, 0
    returned: tuple[str, ...] = ()

    def state(self, theta: Any) -> dict[str, Any]:
        """What is kept, before any step; numbers are added to the dictionary where they come in one."""
        state: dict[str, Any] = {name: STARTS[self.initial](theta) for name in self.kept}
        return {**state, **({self.time: self.start} if self.time else {}), **({self.config: {}} if self.config else {})}

    def moved(self, theta: Any, gradient: Any, state: dict[str, Any], numbers: Numbers) -> Any:
        """The next parameter; the state is changed."""
        own = {**state, **(numbers if not self.config else {})}
        if self.config:
            own[self.config] = {**state[self.config], **numbers}
        out = self.function(**{self.parameter: theta, self.gradient: gradient, **own, **self.given})
        after, *more = out if isinstance(out, tuple) else (out,)
        if self.config:
            state[self.config] = next((each for each in more if isinstance(each, dict)), own[self.config])
        names = self.returned[1:] if len(self.returned) == len(more) + 1 else self._in_order(len(more))
        state |= {name: each for name, each in zip(names, more, strict=False) if name in state and name != self.config}
        if self.time and self.time not in names:
            state[self.time] += 1
        return theta if after is None else after

    def _in_order(self, count: int) -> tuple[str, ...]:
        """What comes back after the parameter, where its names are not known: what is kept, in order."""
        there = [name for name in parameters(self.function) if name in (*self.kept, self.time)]
        return tuple(there if count == len(there) else self.kept)

    def __str__(self) -> str:
        own = [name for name in parameters(self.function) if name not in self.given]
        what = {"array": "", "list": ", given lists", "network": ", given dictionaries of W1 and b1"}[self.container]
        return f"f({', '.join(own)}){what}" + (f", {self.time} from {self.start} on" if self.time else "")


def kind_of(function: Callable[..., Any], given: Keywords) -> tuple[type, str] | None:
    """The class that does what such a function does, made with its numbers; and how that is called, in words. None of
    what takes no gradient or no rate. Raises Unrecognised where it cannot be called.
    """
    step = _arguments(function, given)
    if step is None:
        return None
    numbers: Numbers = {}
    reasons: list[str] = []
    for each in _ways(step):
        try:
            numbers = _numbers(each)
            if _moves(each, numbers):
                step = _counted(each, numbers)
                break
            reasons.append(f"{each} moves no parameter of 8 a little")
        except Unrecognised:
            raise
        except Exception as error:
            reasons.append(f"{each} {raised(error)}")
    else:
        raise Unrecognised("; ".join([*dict.fromkeys(reasons)][:2]))
    return _class_of(step, numbers), str(step)


def _class_of(step: _Step, usual: Numbers) -> type:
    class Made:
        def __init__(self, **numbers: float) -> None:
            self.numbers: Numbers = {**usual, **numbers}
            self.kept: dict[str, Any] = {}

        def update(self, params: dict[str, Array], grads: dict[str, Array]) -> dict[str, Array]:
            after: dict[str, Array] = {}
            for key, theta, gradient in _packed(step.container, params, grads):
                state = self.kept.setdefault(key, step.state(theta))
                moved = step.moved(theta, gradient, state, self.numbers)
                after |= _unpacked(step.container, key, moved, params)
            return after

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter(name, keyword, default=value) for name, value in usual.items()]
    Made.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    return Made


def _arguments(function: Callable[..., Any], given: Keywords) -> _Step | None:
    """What its arguments are, by their names."""
    there = {name: each for name, each in parameters(function).items() if name not in given}
    gradient = next((name for name in there if "grad" in name.lower() or name.lower() in GRADIENTS), "")
    config = next((name for name in CONFIG if name in there), "")
    if not gradient or not (config or pick(there, "learning_rate")):
        return None
    known = {name for names in NAMES.values() for name in names}
    rest = [name for name in there if name not in {gradient, config}]
    parameter = next((name for name in rest if there[name].default is inspect.Parameter.empty), "")
    if not parameter or parameter in known:
        return None
    time = next((name for name in TIME if name in rest and name != parameter), "")
    kept = tuple(
        name
        for name in rest
        if name not in {parameter, time} and name not in known and not isinstance(there[name].default, (int, float))
    )
    return _Step(function, given, parameter, gradient, config, kept, time, returned=_returned(function))


def _returned(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what it gives back, as its source has them: nothing where that is not one tuple of names."""
    with suppress(Exception):
        tree = ast.parse(dedent(inspect.getsource(inspect.unwrap(function))))
        found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
        (only,) = found
        if isinstance(only, ast.Tuple):
            return tuple(each.id if isinstance(each, ast.Name) else "" for each in only.elts)
    return ()


def _ways(step: _Step) -> Iterator[_Step]:
    """The ways in which it may be called, the likeliest first."""
    containers = ("array", "list", "network")
    if step.parameter.endswith("s"):
        containers = ("network", "list", "array")
    initial = tuple(STARTS) if step.kept else ("zeros",)
    for container, first in product(containers, initial):
        yield replace(step, container=container, initial=first)


def _numbers(step: _Step) -> Numbers:
    """What its numbers are by default: those of its arguments, or those that it puts into an empty dictionary."""
    if not step.config:
        there = parameters(step.function)
        own = [name for name in there if name not in {step.parameter, step.gradient, step.time, *step.kept}]
        defaults = {name: there[name].default for name in own if name not in step.given}
        return {name: float(each) if isinstance(each, (int, float)) else 0.5 for name, each in defaults.items()}
    theta, gradient = _example(step)
    state = step.state(theta)
    try:
        step.moved(theta, gradient, state, {})
    except KeyError as error:
        raise Unrecognised(f"given an empty {step.config}, it {raised(error)}: say its numbers with defaults") from None
    found = {name: value for name, value in state[step.config].items() if isinstance(value, float)}
    if not any(name in NAMES["learning_rate"] for name in found):
        raise Unrecognised(f"given an empty {step.config}, it leaves {', '.join(state[step.config]) or 'nothing'} in "
                           "it, and no learning rate: say its numbers with defaults")  # fmt: skip
    return found


def _example(step: _Step) -> tuple[Any, Any]:
    _, theta, gradient = next(_packed(step.container, {"p0": np.full(3, 8.0)}, {"p0": np.array([1.0, -2.0, 0.5])}))
    return theta, gradient


def _first(step: _Step, numbers: Numbers) -> Array:
    """Where the first step from 8 leads, with a rate of one part in 16."""
    theta, gradient = _example(step)
    rate = {name: 0.0625 for name in numbers if name in NAMES["learning_rate"]}
    with np.errstate(all="ignore"):
        moved = step.moved(theta, gradient, step.state(theta), {**numbers, **rate})
    (after,) = _unpacked(step.container, "p0", moved, {"p0": np.full(3, 8.0)}).values()
    return np.array(after, np.float64)


def _moves(step: _Step, numbers: Numbers) -> bool:
    after = _first(step, numbers)
    return after.shape == (3,) and bool(0 < np.abs(after - 8).max() < 4)


def _counted(step: _Step, numbers: Numbers) -> _Step:
    """The same, its steps counted from 0 where that makes a difference and gives numbers: it then adds 1 itself."""
    if not step.time:
        return step
    from_0 = replace(step, start=0)
    with suppress(Exception):
        after = _first(from_0, numbers)
        if np.isfinite(after).all() and not np.array_equal(after, _first(step, numbers)):
            return from_0
    return step


def _zeros(theta: Any) -> Any:
    """Of the shape of a parameter; of a network's, by the names of their gradients."""
    if isinstance(theta, dict):
        return {f"d{name}": np.zeros_like(each) for name, each in theta.items()}
    return [np.zeros_like(each) for each in theta] if isinstance(theta, list) else np.zeros_like(theta)


STARTS: dict[str, Callable[[Any], Any]] = {
    "zeros": _zeros,
    "none": lambda _: None,
    "dictionary": lambda _: {},
    "0": lambda _: 0.0,
}
"""From what a function may start that is told what it keeps."""


def _packed(container: str, params: dict[str, Array], grads: dict[str, Array]) -> Iterator[tuple[str, Any, Any]]:
    """The calls that a step is: of each parameter alone, or of all of them together."""
    if container == "array":
        for key, each in params.items():
            yield key, each, grads[key]
    elif container == "list":
        yield "", list(params.values()), list(grads.values())
    else:
        yield "", _network(params, ""), _network(grads, "d")


def _network(parts: dict[str, Array], before: str) -> dict[str, Array]:
    """One or two parts as the weights and the bias of a layer; a bias of 0 where there is none."""
    columns = [part.reshape(-1, 1) for part in parts.values()]
    columns += [np.zeros((1, 1), columns[0].dtype)] * (2 - len(columns))
    return {f"{before}{name}": each for name, each in zip(NETWORK, columns, strict=True)}


def _unpacked(container: str, key: str, moved: Any, params: dict[str, Array]) -> dict[str, Array]:
    if container == "array":
        return {key: moved}
    each = [moved[name] for name in NETWORK] if container == "network" else moved
    return {name: part.reshape(params[name].shape) for name, part in zip(params, each, strict=False)}
