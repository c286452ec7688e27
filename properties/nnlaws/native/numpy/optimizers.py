"""Optimizers that are classes of NumPy: what takes a parameter and its gradient, and gives or makes the next one."""

import copy
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.driver import OPTIONS, Optimizer, driven
from nnlaws.native.names import NAMES, Keywords, Unrecognised, of_optimizer, parameters, pick, raised, settled, told
from nnlaws.native.numpy.places import Place, maker, numbers, places, put
from nnlaws.native.probed import few_digits

METHODS = ("update", "step", "update_params", "apply", "optimize", "__call__")
WORDS = ("beta1", "beta2", "eps", "beta", "momentum", "weight_decay")
RATE, OTHER_RATE = 0.3125, 0.15625  # that no default is
OLD = (0.75, 0.9375)  # weights of old squares, by which an ε that is written in is found
USUAL = {"beta": 0.75, "beta1": 0.5, "beta2": 0.75, "eps": 1e-3, "weight_decay": 0.01}
GRADIENTS = ("g", "dw", "dx", "dp", "d", "dtheta", "dparam", "dparams", "delta")
NAMED = ("name", "key", "id", "layer_name", "idx", "index")


@dataclass(frozen=True)
class Call:
    """How an optimizer is called: which method, with what by position, and what its parameters come in."""

    method: str
    roles: tuple[str, ...]  # parameter, gradient, name
    container: str = "array"  # or list, dict

    def __str__(self) -> str:
        what = {"array": "", "list": ", given lists", "dict": ", given dictionaries"}[self.container]
        return f"{self.method}({', '.join(self.roles)}){what}"

    def moved(self, optimizer: Any, parts: list[Array], gradients: list[Array]) -> list[Any]:
        """The parameters after a step, which may have changed those given."""
        if self.container == "array":
            pairs = enumerate(zip(parts, gradients, strict=True))
            return [self._after(optimizer, part, gradient, f"p{i}") for i, (part, gradient) in pairs]
        if self.container == "list":
            return list(self._after(optimizer, parts, gradients, "p"))
        keys = [f"p{i}" for i in range(len(parts))]
        after = self._after(optimizer, dict(zip(keys, parts, strict=True)), dict(zip(keys, gradients, strict=True)), "")
        return [after[key] for key in keys]

    def _after(self, optimizer: Any, parameter: Any, gradient: Any, name: str) -> Any:
        by_role = {"parameter": parameter, "gradient": gradient, "name": name}
        out = getattr(optimizer, self.method)(*(by_role[role] for role in self.roles))
        return parameter if out is None else out


def is_one(kind: type) -> bool:
    """Whether a class has a method of a parameter and its gradient, and a rate to be made with. Raises Unrecognised for
    one that has a rate, and methods that take something else.
    """
    rate = pick(parameters(kind), "learning_rate")
    there = {method: list(parameters(getattr(kind, method, None)))[1:] for method in METHODS if hasattr(kind, method)}
    there = {method: taken for method, taken in there.items() if method in _methods_of(kind)}
    if not rate or not there:
        return False
    if any(len(taken) > 1 for taken in there.values()):
        return True
    calls = ", ".join(f"{method}({', '.join(taken)})" for method, taken in there.items())
    raise Unrecognised(
        f"it is made with {rate}, as an optimizer is, and has {calls}, where a parameter and its gradient are expected"
    )


def _methods_of(kind: type) -> set[str]:
    """What it has in Python; a class itself may be called."""
    return {name for each in kind.__mro__ for name, value in vars(each).items() if inspect.isfunction(value)}


def holding(kind: Any) -> type | None:
    """The class of one that holds its parameters, a list of arrays that it is made with, and steps by their gradients
    alone, as one that takes both; None of others.
    """
    first, rate = next(iter(parameters(kind)), ""), pick(parameters(kind), "learning_rate")
    taken = {method: list(parameters(getattr(kind, method, None)))[1:] for method in METHODS}
    steps = [method for method, own in taken.items() if own in (["grads"], ["gradients"])]
    if first not in ("params", "parameters") or not steps or not rate:
        return None
    with suppress(Exception):
        if not hasattr(kind([np.zeros(1)]), rate):
            return None

    class Holding:
        """Numbers that are set anew are set in what was made."""

        def __init__(self, **numbers: Any) -> None:
            self.numbers, self.made, self.held = numbers, None, list[Array]()

        def update(self, params: list[Array], grads: list[Array]) -> list[Array]:
            if self.made is None:
                self.held = [*params]
                self.made = kind(self.held, **self.numbers)
            for name in {*self.numbers} & {*vars(self.made)}:
                setattr(self.made, name, self.numbers[name])
            getattr(self.made, steps[0])(grads)
            return self.held

    own = [each for name, each in parameters(kind).items() if name != first]
    Holding.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    return Holding


def recognised(
    kind: Callable[..., Any], given: Keywords, about: Keywords, called: str = "", of_one_average: bool = False
) -> SimpleNamespace:
    """The target that an optimizer of NumPy is. called: how, in words, where that is not as a class is. of_one_average:
    whether its β is the weight of old gradients, where it might be that of old squares. Raises Unrecognised.
    """
    there = dict(parameters(kind))
    rate = pick(there, "learning_rate")
    needed = {name: 0.5 for name, each in there.items() if each.default is each.empty and _ours(name)}
    try:
        probe = kind(**{**needed, rate: RATE, **given})
    except Exception as error:
        raise Unrecognised(f"made with {rate} alone, it {raised(error)}") from None
    attributes = numbers(probe, there, WORDS)
    usual = places(probe)
    only = inspect.Parameter.KEYWORD_ONLY
    there |= {name: inspect.Parameter(name, only, default=usual[place]) for name, place in attributes.items()}
    written = "" if pick(there, "eps") else "eps"
    if written and (pick(there, "beta2") or pick(there, "beta")) and not (of_one_average and pick(there, "momentum")):
        there[written] = inspect.Parameter(written, only, default=0.0)
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)
    always = {key: value for key, value in fixed.items() if key in attributes}
    make = maker(kind, attributes, {rate: RATE, **{key: each for key, each in fixed.items() if key not in always}})

    def made(**own: Any) -> Any:
        return make(**{**always, **{name: value for name, value in own.items() if name != written}})

    rates = [place for place, value in usual.items() if place[-1] in NAMES["learning_rate"] and value == RATE]
    name, keywords = next(iter(operations.items()))
    first = keywords(**{option: USUAL[option] for option in OPTIONS[name]})
    call = _call(kind, lambda: made(**first))
    one = _Kind(made, call, tuple(rates))
    for each in (one, replace(one, made_with=rate)):
        one = each
        if one.first(RATE, **first) != one.first(OTHER_RATE, **first):
            break
    else:
        raise Unrecognised(f"its {rate} changes nothing: it is no learning rate")
    limits: Keywords = {}
    if "eps" in OPTIONS[name]:
        eps = pick(there, "eps")
        if eps == written or one.first(RATE, **first) == one.first(RATE, **{**first, eps: 0.5}):
            squares = "beta2" if "beta2" in OPTIONS[name] else "beta"
            weights = {option: USUAL[option] for option in OPTIONS[name]}
            try:
                limits["eps"] = _acting(one, lambda old: keywords(**{**weights, squares: old}))
            except Unrecognised:
                if eps == written and name == "rmsprop" and not of_one_average and pick(there, "momentum"):
                    return recognised(kind, given, about, called, of_one_average=True)
                raise
    lines = (f"taken for an optimizer: {', '.join(operations)}; called as {called or call}", *told(fixed))
    if one.several:
        lines += ("an odd number of coordinates, from 3 on, comes as two parameters",)
    return SimpleNamespace(
        **{each: _operation(one, each, own) for each, own in operations.items()},
        **about,
        fixed=limits,
        positive=_none_zero(one, operations),
        constant_rate=bool(one.made_with),
        recognised=lines,
    )


def _ours(name: str) -> bool:
    return any(name in NAMES[word] for word in WORDS)


def _operation(one: "_Kind", name: str, keywords: Callable[..., Keywords]) -> Callable[..., Array]:
    return driven(name, lambda **options: one.driven_by(**keywords(**options)))


@dataclass(frozen=True)
class _Kind:
    """An optimizer that is made with numbers, how it is called, and where its rate is; or, where that cannot be set
    anew, by what name it is made with one for all steps.
    """

    made: Callable[..., Any]
    call: Call
    rates: tuple[Place, ...]
    made_with: str = ""

    def driven_by(self, **own: Any) -> Optimizer[Any]:
        """The optimizer with these numbers; its state is the object itself, of which a deep copy is a saved one."""

        def init(theta: Array) -> tuple[Any, list[Any]]:
            return None if self.made_with else self.made(**own), self._parts(theta)

        def step(state: tuple[Any, list[Any]], gradient: Array, rate: float) -> tuple[Any, list[Any]]:
            optimizer, parts = state
            if optimizer is None:
                optimizer = self.made(**own, **{self.made_with: rate})
            for place in self.rates:
                put(optimizer, place, rate)
            return optimizer, self.call.moved(optimizer, parts, self._parts(gradient))

        return Optimizer(init, step, lambda state: np.concatenate([np.ravel(p) for p in state[1]]), copy.deepcopy)

    def first(self, rate: float, gradient: float = 1.0, **own: Any) -> float:
        """Where the first step of 0 leads."""
        optimizer = self.driven_by(**own)
        return float(optimizer.read(optimizer.step(optimizer.init(np.zeros(1)), np.full(1, gradient), rate))[0])

    @property
    def several(self) -> bool:
        """Whether it tells parameters apart."""
        return self.call.container != "array" or "name" in self.call.roles

    def _parts(self, vector: Array) -> list[Array]:
        """Of an odd number of coordinates, from three on, a matrix and a vector, where several are told apart."""
        n = len(vector)
        if n < 3 or n % 2 == 0 or not self.several:
            return [np.array(vector)]
        return [np.array(vector[: n // 2]).reshape(-1, 1), np.array(vector[n // 2 :])]


def _call(kind: Any, made: Callable[[], Any]) -> Call:
    """The first way of calling it by which a parameter of 8 moves a little."""
    reasons: list[str] = []
    for method in METHODS:
        own = list(parameters(getattr(kind, method, None)).values())[1:]
        roles = _roles([each.name for each in own if each.default is each.empty and each.kind is not each.VAR_KEYWORD])
        if not own:
            continue
        if not roles:
            taken = ", ".join(each.name for each in own)
            reasons.append(f"{method}({taken}) is no call with a parameter and its gradient")
            continue
        several = own[roles.index("parameter")].name.endswith("s")
        for container in ("dict", "list", "array") if several else ("array", "dict", "list"):
            call = Call(method, roles, container)
            before = np.full(3, 8.0)
            try:
                (after,) = call.moved(made(), [before], [np.array([1.0, -2.0, 0.5])])
                if not isinstance(after, np.ndarray) or after.shape != before.shape:
                    reasons.append(f"{call} gives a {type(after).__name__}")
                elif getattr(kind, "tried", False) or 0 < np.abs(after - 8).max() < 4:
                    return call
                else:
                    reasons.append(f"{call} of 8 gives {after}, and no parameter that moved a little")
            except Exception as error:
                reasons.append(f"{call} {raised(error)}")
    raise Unrecognised("; ".join(reasons[:3]))


def _roles(names: list[str]) -> tuple[str, ...]:
    """What each argument is, by its name; none where they are no parameter, gradient, and perhaps a name."""
    roles = [
        "gradient" if "grad" in name.lower() or name.lower() in GRADIENTS else
        "name" if name.lower().rpartition("_")[2] in NAMED else "parameter"
        for name in names
    ]  # fmt: skip
    if "gradient" not in roles and roles.count("parameter") == 2:
        roles[len(roles) - 1 - roles[::-1].index("parameter")] = "gradient"
    return tuple(roles) if sorted(roles) in (["gradient", "parameter"], ["gradient", "name", "parameter"]) else ()


def _acting(one: _Kind, keywords: Callable[[float], Keywords]) -> float:
    """The ε that is written into it, by first steps of tiny gradients. keywords: of the weight of old squares, by which
    those are told apart that scale ε with it. Raises Unrecognised where there is none.
    """

    def moved(gradient: float, old: float = OLD[0]) -> float:
        return -one.first(RATE, gradient, **keywords(old)) / RATE

    with np.errstate(all="ignore"):
        tiny = moved(1e-40) / 1e-40
        if abs(moved(1e-40) / moved(1.0) - 1) < 1e-6:
            return 0.0
        s = (1 - OLD[0]) ** 0.5
        forms: list[tuple[float, Callable[[float, float, float], float]]] = [
            (1 / tiny, lambda g, s, e: g / (g + e)),
            (1 / tiny, lambda g, s, e: g / (s * g + e)),
            (s / tiny, lambda g, s, e: s * g / (s * g + e)),
            (tiny**-2, lambda g, s, e: g / (g * g + e) ** 0.5),
            (tiny**-2, lambda g, s, e: g / (s * s * g * g + e) ** 0.5),
        ]
        for eps, at in forms:
            value, g = few_digits(eps), 1 / tiny
            told_apart = [(moved(g, old), at(g, (1 - old) ** 0.5, value)) for old in OLD]
            if abs(value / eps - 1) < 1e-6 and all(abs(got / want - 1) < 1e-6 for got, want in told_apart):
                return value
    raise Unrecognised("its ε is not known: it has no parameter and no attribute eps, and acts as none of few digits")


def _none_zero(one: _Kind, operations: Mapping[str, Callable[..., Keywords]]) -> tuple[str, ...]:
    """The options that may not be 0, by operation.option: those with which it cannot be made."""
    found: list[str] = []
    for name, keywords in operations.items():
        for option in OPTIONS[name]:
            try:
                one.made(**keywords(**{**{each: USUAL[each] for each in OPTIONS[name]}, option: 0.0}))
            except Exception:
                found.append(f"{name}.{option}")
    return tuple(found)
