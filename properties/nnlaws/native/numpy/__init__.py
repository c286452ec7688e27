"""Functions of NumPy's arrays, as SciPy's, scikit-learn's, or anyone's; and classes written in it, as in courses."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native import functions, samplers
from nnlaws.native.functions import Kit
from nnlaws.native.names import Keywords, Unrecognised, parameters, raised
from nnlaws.native.numpy import batch_norm, losses, optimizers, passes, schedules, steps, trajectories
from nnlaws.native.recognition import LIBRARIES

KIT = Kit("NumPy", lambda x: x, np.asarray, lambda x: isinstance(x, (np.ndarray, np.floating)))
KEPT = ("batch_norm_backward", "description", "fixed", "insisted", "recognised")
ABOUT = {"description": f"NumPy {np.__version__}"}


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function that gives NumPy's arrays for them, or a class of one's own that does so: an optimizer, batch norm, or
    one whose call is a function; a sampler; None for whatever else.
    """
    if (sampler := samplers.recognise(found, name, given, settings)) is not None:
        return sampler
    if _is_own(type(found)) and batch_norm.is_one(type(found), {}):
        raise Unrecognised("it is a layer that was made already: give its class")
    whole = _function(found, given, settings.get("as", "")) if inspect.isfunction(found) else None
    if whole is not None:
        return whole
    if not inspect.isclass(found):
        return functions.of_a_library(KIT, np.__version__, found, given, settings)
    if not _is_own(found):
        return None
    kind = settings.get("as", "")
    if (holding := optimizers.holding(found)) is not None:
        return _tried(lambda: optimizers.recognised(holding, given, ABOUT, "one that holds its parameters"))
    if optimizers.is_one(found):
        return optimizers.recognised(found, given, ABOUT)
    if kind in ("", "batch_norm") and (batch_norm.is_one(found, given) or kind):
        return batch_norm.recognised(found, given, ABOUT)
    own = {each for parent in found.__mro__ for each, value in vars(parent).items() if callable(value)}
    forward = next((each for each in batch_norm.FORWARD if each in own), "")
    if not forward:
        return None
    try:
        made = found(**given)
    except Exception as error:
        raise Unrecognised(
            f"it keeps no running mean and variance, and made without arguments it {raised(error)}"
        ) from None
    if backward := next((each for each in batch_norm.BACKWARD if callable(getattr(made, each, None))), ""):
        return losses.of_class(KIT, partial(found, **given), forward, backward, kind, ABOUT)
    call: Any = made if forward == "__call__" else getattr(made, forward)
    return functions.recognise(KIT, partial(call) if parameters(call) else call, kind, ABOUT)


def _function(found: Any, given: Keywords, kind: str) -> SimpleNamespace | None:
    """What a function is, that is more than one of rows or a loss: a decay, a step or a whole run of an optimizer, a
    pass of batch norm, a loss with its gradient.
    """
    if (whole := trajectories.recognised(found, given, ABOUT)) is not None:
        return whole
    if (decay := schedules.recognised(found, given, ABOUT)) is not None:
        return decay
    if (step := steps.kind_of(found, given)) is not None:
        return _tried(lambda: optimizers.recognised(step[0], {}, ABOUT, step[1]))
    forward = passes.forward_of(found) or found
    if kind in ("", "batch_norm") and (layer := passes.kind_of(forward, given)) is not None:
        made = batch_norm.recognised(layer[0], {}, ABOUT, layer[1])
        if forward is not found:  # its backward pass alone was asked for
            made = SimpleNamespace(**{name: value for name, value in vars(made).items() if name in KEPT})
        return made
    return losses.of_pairs(KIT, found, {"insisted": True, **ABOUT}) if kind in ("", "cross_entropy") else None


def _tried(recognise: Callable[[], SimpleNamespace]) -> SimpleNamespace:
    """What is recognised. Raises Unrecognised for whatever the object raises as it is tried."""
    try:
        return recognise()
    except Unrecognised:
        raise
    except Exception as error:
        raise Unrecognised(f"tried on a few parameters, it {raised(error)}") from None


def _is_own(kind: type) -> bool:
    """Whether a class has a method in Python that we call, and is of no library that others know: what is not written
    in Python may end the process where it is made of nothing.
    """
    roots = {each.__module__.partition(".")[0] for each in kind.__mro__}
    methods = (getattr(kind, name, None) for name in (*batch_norm.FORWARD, *optimizers.METHODS))
    return any(map(inspect.isfunction, methods)) and not roots & {*LIBRARIES}
