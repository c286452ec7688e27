"""What an object of a library is, as a target: by the library that it comes from, of those that are imported."""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from nnlaws.native.names import Keywords, Unrecognised

__all__ = ["Unrecognised", "recognise"]

LIBRARIES = ("onnx", "numpy", "keras", "flax", "haiku", "equinox", "optax", "torch", "tensorflow", "jax")
"""What an object may be of, and the name of the module here that knows it: the more particular first."""


USUAL = ("as",)
"""Settings that make sense for each library; one that takes more has SETTINGS of its own."""


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """The target that an object is; None where it is nothing of a library that is known.

    given: keywords for its class. settings: as, input, device, params, wrap. The target has `recognised`: lines that
    say what it was taken for, and what was switched off. Raises Unrecognised, which says what is missing.
    """
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
            if beyond := [f"--{each}" for each in settings if each not in getattr(known, "SETTINGS", USUAL)]:
                raise Unrecognised(f"{', '.join(beyond)} cannot be said of what {library} has")
            return made
    if reasons:
        root = str(getattr(found, "__module__", "") or type(found).__module__).partition(".")[0]
        raise Unrecognised(reasons.get(root) or reasons[[*reasons][-1]])
    return None
