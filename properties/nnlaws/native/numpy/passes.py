"""Passes of batch norm that are functions of NumPy, as courses have them: made into the layer that they could be."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Unrecognised, parameters, pick, raised
from nnlaws.native.numpy.modes import INFERENCE, TRAINING
from nnlaws.native.probed import ALSO, PROBE, STATE

CONFIG = ("bn_param", "bn_params", "param", "params", "config", "bn_config")
BACKWARD = (("forward", "backward"), ("fwd", "bwd"), ("forward", "backprop"))
USUAL = (1e-5, 0.5)  # ε and momentum, until others are given
MODE = {True: "train", False: "test"}


def kind_of(function: Callable[..., Any], given: Keywords) -> tuple[type, str] | None:
    """The class that a function of batch norm could be, and how that is called in words; None of what takes no γ and β.
    Raises Unrecognised where it keeps no averages, or cannot be called.
    """
    there = {name: each for name, each in parameters(function).items() if name not in given}
    x = next(iter(there), "")
    state = [next((name for name in (word, *ALSO[word]) if name in there and name != x), "") for word in STATE]
    config = next((name for name in CONFIG if name in there), "")
    needed = {name for name, each in there.items() if each.default is each.empty}
    if not all(state[:2]) or not (needed >= {"gamma", "beta"} or config or all(state[2:])):
        return None
    if not (config or all(state[2:])):
        raise Unrecognised(
            f"it takes {', '.join(there)}, and no running mean and variance, by name or in a dictionary, which the "
            "layer has: what it does in training is judged of an adapter, batch_norm_train(z, gamma, beta, *, eps)"
        )
    training = next((name for name in (*TRAINING, *INFERENCE, "mode") if name in there), "")
    if not config and not training:
        raise Unrecognised("nothing tells its training from inference: no argument of its call")
    numbers = [pick(there, word) for word in ("eps", "bn_momentum")] if not config else ["eps", "momentum"]
    usual = {name: value for name, value in zip(numbers, USUAL, strict=True) if name}
    backward, starts = _backward(function), _from_0_and_1
    seen: list[bool] = []  # whether the averages were changed in place: the first call, which tries it, tells

    class Made:
        def __init__(self, num_features: int, **own: float) -> None:
            self.numbers = {**usual, **own}
            self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
            self.running_mean, self.running_var = starts(num_features)
            self.cache: Any = None

        def forward(self, x: Array, training: bool = True) -> Any:
            kept = {"running_mean": self.running_mean, "running_var": self.running_var}
            averages = {name: each.copy() for name, each in kept.items() if each is not None}
            own: Keywords = dict(zip(state[:2], (self.weight, self.bias), strict=True))
            if config:
                own[config] = {"mode": MODE[training], **self.numbers, **averages}
            else:
                own |= dict(zip(state[2:], averages.values(), strict=True)) | self.numbers
                own[training_name] = MODE[training] if training_name == "mode" else training == in_training
            out = function(x, **own, **given)
            result, *more = out if isinstance(out, tuple) else (out,)
            vectors = [each for each in more if _is_like(each, self.weight)]
            if config:
                averages = {name: own[config][name] for name in kept}
            else:
                there = [own[theirs] for theirs in state[2:]]
                seen.append(any(not np.array_equal(a, b) for a, b in zip(there, kept.values(), strict=True)))
                after = there if seen[0] or len(vectors) != 2 else vectors
                averages = dict(zip(averages, after, strict=True))
            self.running_mean, self.running_var = (np.reshape(each, -1) for each in averages.values())
            kept_for_later = [each for each in more if config or not _is_like(each, self.weight)]
            self.cache = kept_for_later[0] if kept_for_later else None
            return result

    training_name, in_training = training, training not in INFERENCE
    if backward is not None:
        Made.backward = lambda self, dout: backward(dout, self.cache)  # type: ignore[attr-defined]
    positional, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter(name, keyword, default=value) for name, value in usual.items()]
    Made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("num_features", positional), *own]
    )
    words = f"{config}['mode'] is 'train' in training" if config else ""
    if not config and training_name != "mode":
        words = f"called with {training_name}={in_training} in training"
    if config:  # a function that starts them itself is left to
        starts = _as_it_does
        with suppress(Exception):
            _must_keep_averages(Made)
            return Made, words
        starts = _from_0_and_1
    _must_keep_averages(Made)
    return Made, words


def _is_like(value: Any, vector: Array) -> bool:
    """Whether it has one number a feature, as a row perhaps."""
    return isinstance(value, np.ndarray) and value.shape in (vector.shape, (1, *vector.shape))


def _from_0_and_1(n: int) -> tuple[Any, Any]:
    return np.zeros(n), np.ones(n)


def _as_it_does(n: int) -> tuple[Any, Any]:
    return None, None


def _must_keep_averages(kind: Any) -> None:
    """Raises Unrecognised where a batch in training leaves no trace: it is no batch norm, or keeps nothing."""
    layer = kind(PROBE)
    try:
        layer.forward(8.0 + np.arange(4.0)[:, None] * np.ones(PROBE), training=True)
    except Exception as error:
        raise Unrecognised(f"called in training, it {raised(error)}") from None
    if not np.any(layer.running_mean):
        raise Unrecognised("called in training, it leaves the running mean as it was, as no batch norm does")


def _backward(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function beside it that is called as its backward pass."""
    beside = getattr(inspect.unwrap(function), "__globals__", {})
    for forward, backward in BACKWARD:
        name = function.__name__.replace(forward, backward)
        if name != function.__name__ and len(parameters(beside.get(name))) == 2:
            found: Callable[..., Any] = beside[name]
            return found
    return None


def forward_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function beside it of which it is called as the backward pass."""
    beside = getattr(inspect.unwrap(function), "__globals__", {})
    for forward, backward in BACKWARD:
        name = function.__name__.replace(backward, forward)
        if name != function.__name__ and inspect.isfunction(beside.get(name)) and len(parameters(function)) == 2:
            found: Callable[..., Any] = beside[name]
            return found
    return None
