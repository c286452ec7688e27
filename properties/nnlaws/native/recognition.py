"""What an object of a library is, as a target: by the library that it comes from, of those that are imported."""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native.names import Keywords, Unrecognised, only_what_there_is

__all__ = ["Unrecognised", "recognise"]

LIBRARIES = (
    *("onnx", "numpy", "thinc", "paddle", "keras", "tf_keras", "sonnet", "flax", "haiku", "equinox", "objax"),
    *("optax", "torch", "tensorflow", "jax", "mlx", "tinygrad"),
)
"""What an object may be of, and the name of the module here that knows it: the more particular first."""


EVEN = 0.01  # how far steps of 1 may be from even: rounding is less, an activation more
USUAL = ("as",)
"""Settings that make sense for each library; one that takes more has SETTINGS of its own."""


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """The target that an object is; None where it is nothing of a library that is known.

    given: keywords for its class. settings: as, input, device, params, wrap. The target has `recognised`: lines that
    say what it was taken for, and what was switched off. Raises Unrecognised, which says what is missing.
    """
    only_what_there_is(given)
    reasons: dict[str, str] = {}
    for library in LIBRARIES:
        if library not in sys.modules:
            continue
        known = import_module(f"nnlaws.native.{library}")
        try:
            made: SimpleNamespace | None = known.recognise(found, name, given, settings)
        except Unrecognised as reason:
            reasons[library] = str(reason)
            continue
        if made is not None:
            _batch_norm_alone(made)
            _only(made, settings.get("as", ""))
            if beyond := [f"--{each}" for each in settings if each not in getattr(known, "SETTINGS", USUAL)]:
                raise Unrecognised(f"{', '.join(beyond)} cannot be said of what {library} has")
            return made
    if reasons:
        root = str(getattr(found, "__module__", "") or type(found).__module__).partition(".")[0]
        each = list(dict.fromkeys(reasons.values()))
        raise Unrecognised(reasons.get(root) or "; or ".join(each[:2]))
    return None


def _batch_norm_alone(made: SimpleNamespace) -> None:
    """Raises Unrecognised where what was taken for batch norm has more in it, as an activation: even steps at inference
    are even steps of the output. What cannot be called is left to the laws.
    """
    infer = getattr(made, "batch_norm_inference", None)
    if infer is None:
        return
    fixed, dtypes = getattr(made, "fixed", {}), getattr(made, "dtypes", ("float32",))
    n, dtype = int(fixed.get("n", 3)), np.float32 if "float32" in dtypes else np.dtype(dtypes[0])
    ones, none = np.ones(n, dtype), np.zeros(n, dtype)
    steps = np.arange(-2, 3, dtype=dtype)[:, None] * ones
    try:
        out = np.asarray(infer(steps, ones, none, none, ones, eps=fixed.get("eps", 1e-5)), np.float64)
    except Exception:
        return
    if out.shape == steps.shape and np.abs(np.diff(out, n=2, axis=0)).max() > EVEN:
        raise Unrecognised(
            "at inference its output is no linear function of its input: there is more in it than batch norm, an "
            "activation perhaps"
        )


def _only(made: SimpleNamespace, wanted: str) -> None:
    """Leaves the operation that it was said to be, and its gradient. Raises Unrecognised where it is another."""
    there = [name for name, value in vars(made).items() if callable(value)]
    if not wanted or (wanted == "batch_norm" and any(name.startswith(wanted) for name in there)):
        return
    if wanted not in there:
        raise Unrecognised(f"it is taken for {', '.join(there)}, and not for {wanted}")
    for name in there:
        if not name.startswith(wanted):
            delattr(made, name)
