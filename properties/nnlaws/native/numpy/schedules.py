"""Schedules that are functions of an epoch, as courses have them: called as the decays."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import NAMES, Keywords, Unrecognised, left_to_laws, parameters, raised, told

EPOCH = ("epoch", "epochs", "epoch_num", "t", "step", "iteration")
WORDS: Mapping[str, tuple[str, ...]] = {
    "initial": ("initial", "initial_lr", "lr0", "lr_0", "alpha0", "alpha_0", "eta0", "learning_rate0", "base_lr",
                "lr_init", "init_lr", "lr", "learning_rate", "alpha"),
    "every": (*NAMES["every"], "every", "drop_every", "epochs_drop", "interval", "time_interval", "period"),
    "rate": (*NAMES["rate"], "decay", "k", "drop", "factor", "drop_rate"),
}  # fmt: skip
"""What the numbers of a decay are called, in the order in which they are looked for."""


FORMULAS = {
    "exponential_decay": 0.5 * 0.5 ** np.arange(5.0),
    "inverse_time_decay": 0.5 / (1 + 0.5 * np.arange(5.0)),
    "inverse_root_decay": 0.5 * 0.5 / np.sqrt(1 + np.arange(5.0)),
}
"""What the smooth decays are from ½ on with a factor of ½: which of them a function is meant to be."""


def recognised(found: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace | None:
    """The decays that a function of an epoch may be; None of what takes no epoch, no initial rate or no factor.
    Raises Unrecognised where it cannot be called.
    """
    there = [name for name in parameters(found) if name not in given]
    epoch = next((name for name in EPOCH if name in there), "")
    names: dict[str, str] = {}
    for word, theirs in WORDS.items():
        name = next((each for each in theirs if each in there and each not in (epoch, *names.values())), "")
        names |= {word: name} if name else {}
    if epoch.startswith("epoch") and len(there) < 3 and not {"initial", "rate"} <= names.keys():
        raise Unrecognised(
            f"it takes {', '.join(there)}, and no initial rate and factor: numbers that are written in are said of an "
            "adapter, as fixed = {...}"
        )
    if not epoch or not {"initial", "rate"} <= names.keys():
        return None
    left_to_laws(given, {*names.values()})

    def decay(at: Array, **numbers: float) -> Array:
        own = {names[word]: int(value) if word == "every" else value for word, value in numbers.items()}
        return np.array([float(found(**{epoch: int(each), **own, **given})) for each in at], at.dtype)

    def stairs(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
        return decay(epoch, initial=initial, rate=rate, every=every)

    def smooth(epoch: Array, *, initial: float, rate: float) -> Array:
        return decay(epoch, initial=initial, rate=rate)

    def root(epoch: Array, *, initial: float, factor: float) -> Array:
        return decay(epoch, initial=initial, rate=factor)

    operations: Keywords = {"staircase_decay": stairs} if "every" in names else {
        "exponential_decay": smooth, "inverse_time_decay": smooth, "inverse_root_decay": root
    }  # fmt: skip
    numbers = {"initial": 0.5, "rate": 0.5, **({"every": 2.0} if "every" in names else {})}
    try:
        rates = decay(np.arange(5.0), **numbers)
    except Exception as error:
        raise Unrecognised(f"called with {epoch}, {', '.join(names.values())}, it {raised(error)}") from None
    if np.allclose(rates, 0.5 * np.exp(-0.5 * np.arange(5.0))):
        own = names["initial"], names["rate"]
        raise Unrecognised(
            f"it falls as {own[0]} · e^(−{own[1]} {epoch}); the notes' exponential decay takes the factor itself"
        )
    if near := [name for name, formula in FORMULAS.items() if name in operations and np.allclose(rates, formula, 0.01)]:
        operations = {name: operations[name] for name in near}
    called = f"called as f({', '.join((epoch, *names.values()))})"
    lines = (f"taken for a schedule: {', '.join(operations)}, {called}", *told(given))
    return SimpleNamespace(**about, recognised=lines, **operations)
