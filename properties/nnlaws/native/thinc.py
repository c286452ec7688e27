"""Optimizers and schedules of thinc, and the softmax of its backends and layers. Its arrays are NumPy's."""

import inspect
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import thinc.api as thinc
from nnlaws_reference.dtypes import Array
from thinc.about import __version__ as version
from thinc.loss import Loss

from nnlaws.native import driver, functions, names
from nnlaws.native.driver import Optimizer, none_zero, parts
from nnlaws.native.names import Keywords, Unrecognised, parameters, pick
from nnlaws.native.numpy import KIT

DTYPES = ("float32",)
"""What optimizers of thinc keep their averages in."""
SCHEDULES: dict[str, tuple[str, str, Keywords]] = {
    "inverse_time_decay": ("base_rate", "decay", {}),
    "exponential_decay": ("start", "compound", {"stop": 0.0}),
}
"""What the initial rate and the factor of a schedule are called, and what else it takes."""
State = tuple[list[Array], Any]
"""The parameters, and what steps them."""


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function of thinc that makes an optimizer, a schedule or a layer of logits by rows, or a method of its
    backends; None for whatever else.
    """
    about = {"description": f"thinc {version}"}
    if inspect.isclass(found) and issubclass(found, Loss):
        raise Unrecognised("its losses are of probabilities, not of logits: judge a function of logits that calls it")
    if not callable(found):
        return None
    there = parameters(found)
    rate = pick(there, "learning_rate")
    if rate and isinstance(_made(found, {rate: 0.1, **given}), thinc.Optimizer):
        return _optimizer(found, there, rate, given, about)
    for operation, (start, factor, more) in SCHEDULES.items():
        if {start, factor, *more} <= there.keys():
            return _schedule(found, operation, given, about)
    call = _by_rows(found, name, there, given)
    return None if call is None else functions.recognise(KIT, call, settings.get("as", ""), about)


def _made(factory: Callable[..., Any], given: Keywords) -> Any:
    with suppress(Exception):
        return factory(**given)


def _optimizer(
    factory: Callable[..., Any], there: names.Parameters, rate: str, given: Keywords, about: Keywords
) -> SimpleNamespace:
    operations = names.of_optimizer(there, getattr(factory, "__name__", ""), given)
    fixed = names.settled(there, given, operations)
    if "grad_clip" in there and "grad_clip" not in given:
        fixed["grad_clip"] = 0.0  # none is refused
    whole = {rate: 0.0, **fixed}  # the rate is set anew at each step

    def one_step(**options: Any) -> Array:
        one = np.ones((1, 1), np.float32)
        return driven_by(partial(factory, **options)).trajectory(one[0], one, 0.1)

    positive = none_zero(one_step, operations, whole)
    lines = (f"taken for an optimizer: {', '.join(operations)}", *names.told(fixed))
    made = driver.each(lambda **options: driven_by(partial(factory, **options)), operations, whole)
    return SimpleNamespace(**about, dtypes=DTYPES, positive=positive, recognised=lines, **made)


def driven_by(make: Callable[[], Any]) -> Optimizer[State]:
    """The optimizer that `make` makes. Its rate is a schedule, which is set anew at each step."""

    def init(theta: Array) -> State:
        return [np.array(part) for part in parts(theta)], make()

    def step(state: State, gradient: Array, rate: float) -> State:
        own, optimizer = state
        optimizer.learn_rate = thinc.constant(rate)
        moved = [
            optimizer((number, "theta"), part, np.array(each))[0]
            for number, (part, each) in enumerate(zip(own, parts(gradient), strict=True))
        ]
        optimizer.step_schedules()
        return moved, optimizer

    def restored(state: State) -> State:
        """As pickled, for an optimizer has no other way to be saved."""
        made: State = pickle.loads(pickle.dumps(state))
        return made

    return Optimizer(init, step, lambda state: np.concatenate([part.reshape(-1) for part in state[0]]), restored)


def _schedule(factory: Callable[..., Any], operation: str, given: Keywords, about: Keywords) -> SimpleNamespace:
    start, factor, more = SCHEDULES[operation]
    names.left_to_laws(given, {start, factor, *more})
    whole = {**more, **given}

    def decay(epoch: Array, *, initial: float, rate: float) -> Array:
        made = factory(**{start: initial, factor: rate, **whole})
        return np.array([made(int(each)) for each in epoch], epoch.dtype)

    lines = (f"taken for a schedule: {operation}", *names.told(whole))
    return SimpleNamespace(**about, recognised=lines, **{operation: decay})


def _by_rows(found: Any, name: str, there: names.Parameters, given: Keywords) -> Callable[..., Any] | None:
    """A function of arrays: what a layer predicts, or the method of a backend of which the class has been named."""
    if isinstance(found, thinc.Model):
        return _predicting(found)
    if str(getattr(found, "__module__", "")).partition(".")[0] != "thinc":
        return None
    if next(iter(there), "") == "self" and "." in name.partition(":")[2]:
        kind = names.found(name.rpartition(".")[0])
        if inspect.isclass(kind) and issubclass(kind, thinc.Ops):
            method: Callable[..., Any] = getattr(kind(), found.__name__)
            return partial(method, **given) if given else method
        return None
    made = _made(found, given)
    return _predicting(made) if isinstance(made, thinc.Model) else None


def _predicting(model: Any) -> Callable[[Array], Any]:
    def predict(z: Array) -> Any:
        return model.predict(z)

    return predict
