"""Batch norm that is a class of NumPy: a layer with a forward and a backward pass, and the averages that it keeps."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import (
    NAMES,
    Keywords,
    Unrecognised,
    left_to_laws,
    parameters,
    pick,
    raised,
    switched_off,
    told,
)
from nnlaws.native.numpy.making import Maker, Recorder
from nnlaws.native.numpy.modes import Mode, mode_of
from nnlaws.native.numpy.places import Place, get, numbers, places, put
from nnlaws.native.probed import ALSO, MODERATE, PROBE, SMALL, STATE, WEIGHT, acting, averages

FORWARD, BACKWARD = ("forward", "forward_pass", "__call__", "fprop"), ("backward", "backward_pass", "bprop")


def is_one(kind: type, given: Keywords) -> bool:
    """Whether a class has a forward pass, and, made of 3 features and called once, a running mean and variance."""
    if not any(callable(vars(each).get(name)) for each in kind.__mro__ for name in FORWARD):
        return False
    with suppress(Exception):
        layer = Maker(kind, parameters(kind), given, {}).made(PROBE, {})
        with suppress(Exception):
            _forward(layer)(np.random.default_rng(0).standard_normal((4, PROBE)))
        there = {place[-1] for place in places(layer)}
        return all(there & {word, *ALSO[word]} for word in STATE[2:])
    return False


def _forward(layer: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(layer, next(name for name in FORWARD if callable(getattr(layer, name, None))))
    return found


@dataclass(frozen=True)
class _Layer:
    """A kind of layer: what makes it, what its numbers are called, where its state is, and what puts it into a mode."""

    maker: Maker
    eps: str
    momentum: str
    mode: Mode
    state: tuple[Place, ...]
    lazily: bool = False
    old: bool = True
    backward: str = ""
    gradients: tuple[Place, ...] = field(default=())

    def fresh(self, n: int, eps: float, decay: float, *given: Array) -> Any:
        """A new one, with this state: γ, β, mean and variance."""
        momentum = decay if self.old else 1 - decay
        own = {name: value for name, value in ((self.eps, eps), (self.momentum, momentum)) if name}
        layer = self.maker.made(n, own)
        if self.lazily and given:
            self.call(layer, np.zeros((2, n), given[0].dtype), False)  # which makes its parameters
        for place, value in zip(self.state, given, strict=False):
            old = get(layer, place)
            put(layer, place, np.array(value).reshape(old.shape if isinstance(old, np.ndarray) else value.shape))
        return layer

    def call(self, layer: Any, z: Array, training: bool) -> Array:
        keywords = self.mode(layer, training)
        out = _forward(layer)(np.array(z), **keywords)
        return np.asarray(out[0] if isinstance(out, tuple) else out)

    def kept(self, layer: Any, like: Array) -> tuple[Array, Array]:
        mean, var = (np.array(get(layer, place)).astype(like.dtype).reshape(-1) for place in self.state[2:])
        return mean, var

    def train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        layer = self.fresh(z.shape[-1], eps, 0.0, gamma, beta)
        out = self.call(layer, z, True)
        kept = self.kept(layer, z)
        if len(z) % 2:
            out = self.call(self.fresh(z.shape[-1], eps, 0.5, gamma, beta), z, True)
        return out, *kept

    def pulled(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        layer = self.fresh(z.shape[-1], eps, 0.5, gamma, np.zeros_like(gamma))
        self.call(layer, z, True)
        recorders = [each for each in places(layer).values() if isinstance(each, Recorder)]
        before = [get(layer, place) for place in self.state[:2]]
        out = getattr(layer, self.backward)(np.array(dout))
        if isinstance(out, tuple) and len(out) == 3:
            dz, *learnt = out
        elif self.gradients:
            dz, learnt = out, [get(layer, place) for place in self.gradients]
        else:
            given = [pair for each in recorders for pair in each.given]
            dz, learnt = out, [next(grad for w, grad in given if w is each) for each in before]
        dgamma, dbeta = (np.asarray(each).astype(z.dtype).reshape(-1) for each in learnt)
        return np.asarray(dz), dgamma, dbeta

    def running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        layer = self.fresh(batches.shape[-1], 1e-5, decay)
        for batch in batches:
            self.call(layer, batch, True)
        return self.kept(layer, batches)

    def infer(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        layer = self.fresh(z.shape[-1], eps, 0.5, gamma, beta, mean, var)
        for _ in range(len(z) % 2):
            self.call(layer, z, False)
        return self.call(layer, z, False)


def recognised(kind: type, given: Keywords, about: Keywords, called: str = "") -> SimpleNamespace:
    """The target that a class of batch norm is. called: how it is put into training, in words, where that is not as a
    class is. Raises Unrecognised.
    """
    try:
        return _recognised(kind, given, about, called)
    except Unrecognised:
        raise
    except Exception as error:  # a layer may refuse what it is tried on
        raise Unrecognised(f"tried on a few batches, it {raised(error)}") from error


def _recognised(kind: type, given: Keywords, about: Keywords, called: str) -> SimpleNamespace:
    there = parameters(kind)
    names = pick(there, "eps"), pick(there, "bn_momentum")
    left_to_laws(given, {*names} - {""})
    fixed = {**switched_off({name: each for name, each in there.items() if name not in names}, given), **given}
    probe = Maker(kind, there, fixed, {}).made(PROBE, {})
    own = numbers(probe, there, ("eps", "bn_momentum"))
    eps, momentum = (word or next((each for each in NAMES[key] if each in own), "")
                     for word, key in zip(names, ("eps", "bn_momentum"), strict=True))  # fmt: skip
    mode, words = mode_of(parameters(_forward(probe)), probe)
    maker = Maker(kind, there, fixed, own)
    lazily = not all(_place(probe, name) for name in STATE[:2])
    x = np.random.default_rng(0).standard_normal((4, PROBE))
    _forward(probe)(x, **mode(probe, True))
    state = tuple(_place(probe, name) for name in STATE)
    if not all(state):
        lacking = ", ".join(name for name, place in zip(STATE, state, strict=True) if not place)
        raise Unrecognised(f"it has no {lacking} of {PROBE} features, but {', '.join(map('.'.join, places(probe)))}")
    layer = _Layer(maker, eps, momentum, mode, state, lazily)
    _must_act(layer)
    weight = _weight_of_new(layer, WEIGHT)
    acts = bool(momentum) and abs(_weight_of_new(layer, WEIGHT / 2) - weight) > 0.01
    old = abs(weight - (1 - WEIGHT)) < 0.01
    written: Keywords = {}
    if not names[0] and (not eps or _inferred(layer, SMALL)(0.0) == _inferred(layer, MODERATE)(0.0)):
        written["eps"] = acting(_inferred(layer, SMALL))
    if not acts and 0 < (decay := round(1 - weight, 3)) < 1 and abs(1 - weight - decay) < 1e-9:
        written["batch_norm_running.decay"] = decay
    lines = [f"taken for batch norm{f', {averages(weight)}' if acts else ''}; {called or words}", *told(fixed)]
    backward = next((name for name in BACKWARD if callable(getattr(probe, name, None))), "")
    gradients = _gradients(layer, probe, backward, x)
    whole = _Layer(maker, eps, momentum, mode, state, lazily, old, backward, gradients or ())
    made: dict[str, Any] = {"batch_norm_inference": whole.infer}
    if acts:
        made |= {"batch_norm_train": whole.train}
    if acts or "batch_norm_running.decay" in written:
        made |= {"batch_norm_running": whole.running}
    if backward and gradients is not None:
        made |= {"batch_norm_backward": whole.pulled}
    usual = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
    if left := [name for name in usual if name not in made]:
        lines.append(f"{', '.join(left)} cannot be judged: it has no momentum to set, no gradients, or no inference")
    if not made:
        raise Unrecognised(lines[-1])
    return SimpleNamespace(**made, **about, fixed=written, insisted=True, recognised=tuple(lines))


def _place(layer: Any, word: str, prefix: Sequence[str] = ("",), owner: str = "") -> Place:
    """Where one of γ, β and the averages is: what has one number a feature, under one of its names; the nearest. Among
    the gradients, in what is called so, alone where that is the owner that is asked for.
    """
    there = places(layer).items()
    vectors = [place for place, value in there if _is_vector(value)]
    named = {place[-1]: place for place in sorted(vectors, key=len, reverse=True) if _grad(place) == bool(owner)}
    found = (before + name for name in (word, *ALSO[word]) for before in prefix)
    return next((named[name] for name in found if name in named), ())


def _is_vector(value: Any) -> bool:
    """Whether it has one number a feature; what is kept for the backward pass may be a tuple of anything."""
    return isinstance(value, (np.ndarray, list)) and np.size(value) == PROBE


def _grad(place: Place) -> bool:
    return len(place) > 1 and "grad" in place[0].lower()


def _must_act(layer: _Layer) -> None:
    """Raises Unrecognised where γ or β, set where they were found, changes nothing of what inference gives."""
    ones = np.ones(PROBE)
    x = np.random.default_rng(0).standard_normal((4, PROBE))
    usual = layer.infer(x, ones, ones, 0 * ones, ones, eps=SMALL)
    for place, given in zip(layer.state, ((2 * ones, ones), (ones, 2 * ones)), strict=False):
        if np.array_equal(layer.infer(x, *given, 0 * ones, ones, eps=SMALL), usual):
            raise Unrecognised(f"its {'.'.join(place)}, set to other numbers, changes nothing")


def _gradients(layer: _Layer, probe: Any, backward: str, x: Array) -> tuple[Place, ...] | None:
    """Where the gradients of γ and β are after a backward pass; nowhere, where that gives them, or an optimizer gets
    them; None where there are none.
    """
    if not backward:
        return None
    before = [get(probe, place) for place in layer.state[:2]]
    out = getattr(probe, backward)(x)
    if isinstance(out, tuple):
        return () if len(out) == 3 else None
    given = [pair for each in places(probe).values() if isinstance(each, Recorder) for pair in each.given]
    if all(any(w is each for w, _ in given) for each in before):
        return ()
    found = tuple(_place(probe, name, ("d", "d_", "grad_", "d_loss_", "dL_d")) for name in STATE[:2])
    found = found if all(found) else tuple(_place(probe, name, owner="gradients") for name in STATE[:2])
    return found if all(found) else None


def _weight_of_new(layer: _Layer, momentum: float) -> float:
    """The weight of the second batch in the average of two; the first may have been taken as it is."""
    made = layer.fresh(PROBE, SMALL, momentum)
    means: list[float] = []
    for value in (4.0, 8.0):
        layer.call(made, np.full((5, PROBE), value), True)
        means.append(float(np.mean(get(made, layer.state[2]))))
    return (means[1] - means[0]) / (8.0 - means[0]) if means[0] != 8.0 else float("nan")


def _inferred(layer: _Layer, eps: float) -> Callable[[float], float]:
    """What 1 is normalised to at inference, of mean 0 and a variance."""

    def inferred(var: float) -> float:
        ones = np.ones(PROBE)
        with np.errstate(all="ignore"):
            return float(np.mean(layer.infer(np.ones((5, PROBE)), ones, 0 * ones, 0 * ones, var * ones, eps=eps)))

    return inferred
