"""Steps of optimizers that are functions of NumPy, as courses have them: made into the classes that they could be.

A function takes a parameter, its gradient, what it keeps, perhaps the number of the step, and its numbers, one by one
or in a dictionary; and gives the next parameter and what it keeps, or changes them in place.
"""

import ast
import inspect
import re
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
    *("config", "cfg", "optim_config", "opt_config", "hyperparameters", "hyperparams", "hparams", "options", "optim"),
)
TIME = ("t", "step", "iteration", "iter", "i", "n_step", "timestep", "count", "k", "epoch")
PARAMETERS = ("w", "x", "theta", "parameters", "params", "param", "parameter", "weights", "weight", "W", "p", "var")
RATE, ALPHA = "learning_rate", "alpha"  # the course's letter, of what has no other rate
NETWORK = ("W1", "b1", "W2", "b2")  # what matrices and vectors are called in a dictionary of a network's parameters
NAMED = re.compile("adam|rms_?prop|momentum|sgd|descent", re.IGNORECASE)
FIRST = 0.0625  # the rate of a step that is tried
AGAIN = re.compile(r"(?:^|(?<=_))(?:new|next|prev|previous|old|updated|cur|curr|t)(?=_|$)|^new|^next|new$|next$|prev$")
"""What is in the name of something at another step."""
Numbers = dict[str, Any]


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
    rate: str = ""  # what the learning rate is called, where that is not its name
    start: int = 1
    container: str = "array"  # or list, network, or dictionary: of gradients by the names of parameters
    initial: str = "zeros"  # or another of STARTS
    returned: tuple[str, ...] = ()

    def state(self, theta: Any) -> dict[str, Any]:
        """What is kept, before any step; numbers are added to the dictionary where they come in one."""
        before = "d" if self.container == "network" else ""
        state: dict[str, Any] = {name: STARTS[self.initial](theta, before) for name in self.kept}
        return {**state, **({self.time: self.start} if self.time else {}), **({self.config: {}} if self.config else {})}

    def moved(self, theta: Any, gradient: Any, state: dict[str, Any], numbers: Numbers) -> Any:
        """The next parameter; the state is changed."""
        own = {**state}
        if self.config:
            own[self.config] = {**state[self.config], **numbers}
        else:
            own |= {self.rate if self.rate and name == RATE else name: value for name, value in numbers.items()}
        out = self.function(**{self.parameter: theta, self.gradient: gradient, **own, **self.given})
        parts = list(out) if isinstance(out, tuple) else [out]
        if self.config:
            state[self.config] = next((each for each in parts if isinstance(each, dict)), own[self.config])
        after, counted = parts[0], False
        for name, each in zip(self._positions(len(parts)), parts, strict=True):
            if name == self.parameter:
                after = each
            elif name == self.time and isinstance(each, (int, float, np.integer)):
                state[name], counted = each, True
            elif name in self.kept and (state[name] is None or isinstance(each, type(state[name]))):
                state[name] = each
        if self.time and not counted:
            state[self.time] += 1
        return theta if after is None else after

    def _positions(self, count: int) -> list[str]:
        """What comes back where: by names that are alike, as v_new and v, and else in the order of the arguments."""
        wanted = [self.parameter, *(name for name in parameters(self.function) if name in (*self.kept, self.time))]
        names = self.returned if len(self.returned) == count else ("",) * count
        found = [""] * count
        for place, name in enumerate(names):
            alike = [each for each in wanted if name and stem(each) == stem(name)]
            if len(alike) == 1 and alike[0] not in found:
                found[place] = alike[0]
        left = iter([each for each in wanted if each not in found])
        return [each or next(left, "") for each in found]

    def __str__(self) -> str:
        own = [name for name in parameters(self.function) if name not in self.given]
        what = {"array": "", "list": ", given lists", "network": ", given dictionaries of W1 and b1"}
        words = what.get(self.container, ", given dictionaries")
        return f"f({', '.join(own)}){words}" + (f", {self.time} from {self.start} on" if self.time else "")


def stem(name: str) -> str:
    """A name without what says that it is of another step.

    >>> stem("v_new"), stem("new_v"), stem("m_prev"), stem("t"), stem("theta_t")
    ('v', 'v', 'm', 't', 'theta')
    """
    return AGAIN.sub("", name).strip("_") or name


def kind_of(function: Callable[..., Any], given: Keywords) -> tuple[type, str] | None:
    """The class that does what such a function does, made with its numbers; and how that is called, in words. None of
    what takes no gradient or no rate. Raises Unrecognised where it cannot be called.
    """
    step = _arguments(function, given)
    if step is None:
        return None
    reasons: list[str] = []
    meant: list[tuple[_Step, Numbers]] = []  # what moves otherwise, of a function whose name says what it is to do
    for each in _ways(step):
        try:
            numbers = _numbers(each)
            after = _first(each, numbers)
        except Unrecognised:
            raise
        except Exception as error:
            reasons.append(f"{each} {raised(error)}")
            continue
        if after.shape == (3,) and 0 < np.abs(after - 8).max() < 4:
            break
        reasons.append(f"{each}, with a rate of {FIRST}, leads from 8 to {after}, and not a small step away")
        far = after.shape == (3,) and (after != 8).any() and 4 < np.abs(after).max() < np.inf
        if far and NAMED.search(function.__name__):
            meant.append((each, numbers))
    else:
        if not meant:
            raise Unrecognised("; ".join([*dict.fromkeys(reasons)][:2]))
        each, numbers = meant[0]
    there = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in numbers}
    if each.kept and not any(pick(there, word) for word in ("betas", "beta1", "beta2", "beta", "momentum")):
        raise Unrecognised(
            f"it keeps {', '.join(each.kept)}, and takes no number that is their weight: what is written in is said "
            "of an adapter, as fixed = {...}"
        )
    step, same = _counted(each, numbers)
    return _class_of(step, numbers), f"{step}, which makes no difference" if same else str(step)


def _class_of(step: _Step, usual: Numbers) -> type:
    class Made:
        tried = True  # how it is called

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
    rate = ALPHA if ALPHA in there and not pick(there, RATE) else ""
    if not gradient or not (config or rate or pick(there, RATE)):
        return None
    known = {ALPHA, *(name for names in NAMES.values() for name in names)}
    rest = [name for name in there if name not in {gradient, config} and name not in known]
    needed = [name for name in rest if there[name].default is inspect.Parameter.empty]
    parameter = next((name for name in PARAMETERS if name in needed), next(iter(needed), ""))
    if not parameter:
        return None
    time = next((name for name in TIME if name in rest and name != parameter), "")
    kept = tuple(name for name in needed if name not in {parameter, time})
    return _Step(function, given, parameter, gradient, config, kept, time, rate, returned=_returned(function))


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
    """The ways in which it may be called, the likeliest first: what need not be given is left out, or is kept too."""
    containers = ("array", "list", "network", "dictionary")
    if step.parameter.endswith("s"):
        containers = ("network", "dictionary", "list", "array")
    there = parameters(step.function)
    others = [name for name, each in there.items() if each.default is None and name not in (step.config, *step.given)]
    for kept in dict.fromkeys((step.kept, (*step.kept, *others))):
        for container, first in product(containers, STARTS if kept else ("zeros",)):
            yield replace(step, kept=kept, container=container, initial=first)


def _numbers(step: _Step) -> Numbers:
    """What its numbers are by default: those of its arguments, or those that it puts into an empty dictionary."""
    if not step.config:
        found: Numbers = {}
        for name, each in parameters(step.function).items():
            if name in {step.parameter, step.gradient, step.time, *step.kept, *step.given}:
                continue
            if each.default is each.empty:
                found[RATE if name == step.rate else name] = 0.5
            elif isinstance(each.default, (float, tuple)) or type(each.default) is int:
                found[RATE if name == step.rate else name] = each.default
        return found
    theta, gradient = _example(step)
    state = step.state(theta)
    try:
        step.moved(theta, gradient, state, {})
    except KeyError as error:
        raise Unrecognised(f"given an empty {step.config}, it {raised(error)}: say its numbers with defaults") from None
    found = {name: value for name, value in state[step.config].items() if isinstance(value, float)}
    if not any(name in NAMES[RATE] for name in found):
        raise Unrecognised(f"given an empty {step.config}, it leaves {', '.join(state[step.config]) or 'nothing'} in "
                           "it, and no learning rate: say its numbers with defaults")  # fmt: skip
    return found


def _example(step: _Step) -> tuple[Any, Any]:
    _, theta, gradient = next(_packed(step.container, {"p0": np.full(3, 8.0)}, {"p0": np.array([1.0, -2.0, 0.5])}))
    return theta, gradient


def _first(step: _Step, numbers: Numbers) -> Array:
    """Where the first step from 8 leads."""
    theta, gradient = _example(step)
    rate = {name: FIRST for name in numbers if name in NAMES[RATE]}
    with np.errstate(all="ignore"):
        moved = step.moved(theta, gradient, step.state(theta), {**numbers, **rate})
    (after,) = _unpacked(step.container, "p0", moved, {"p0": np.full(3, 8.0)}).values()
    return np.array(after, np.float64)


def _counted(step: _Step, numbers: Numbers) -> tuple[_Step, bool]:
    """The same, its steps counted from 0 where that makes a difference and gives numbers: it then adds 1 itself. And
    whether what number a step has makes no difference at all.
    """
    if not step.time:
        return step, False
    usual, later = _first(step, numbers), replace(step, start=5)
    with suppress(Exception):
        after = _first(replace(step, start=0), numbers)
        if np.isfinite(after).all() and not np.array_equal(after, usual):
            return replace(step, start=0), False
    return step, np.array_equal(usual, _first(later, numbers))


def _zeros(theta: Any, before: str) -> Any:
    """Of the shape of a parameter; of a dictionary's, by their names with something before them."""
    if isinstance(theta, dict):
        return {f"{before}{name}": np.zeros_like(each) for name, each in theta.items()}
    return [np.zeros_like(each) for each in theta] if isinstance(theta, list) else np.zeros_like(theta)


STARTS: dict[str, Callable[[Any, str], Any]] = {
    "zeros": _zeros,
    "named": lambda theta, _: _zeros(theta, ""),
    "none": lambda *_: None,
    "dictionary": lambda *_: {},
    "0": lambda *_: 0.0,
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
        yield "", _network(params, ""), _network(grads, "d" if container == "network" else "")


def _network(parts: dict[str, Array], before: str) -> dict[str, Array]:
    """One or two parts as the weights and the bias of the first of two layers; zeros where there are no more."""
    columns = [part.reshape(-1, 1) for part in parts.values()]
    columns += [np.zeros((1, 1), columns[0].dtype) for _ in range(len(NETWORK) - len(columns))]
    return {f"{before}{name}": each for name, each in zip(NETWORK, columns, strict=True)}


def _unpacked(container: str, key: str, moved: Any, params: dict[str, Array]) -> dict[str, Array]:
    if container == "array":
        return {key: moved}
    each = [moved[name] for name in NETWORK] if isinstance(moved, dict) else moved
    return {name: part.reshape(params[name].shape) for name, part in zip(params, each, strict=False)}
