"""Functions of NumPy's arrays, as SciPy's, scikit-learn's, or anyone's."""

import inspect
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native import functions
from nnlaws.native.functions import Kit
from nnlaws.native.names import Keywords

KIT = Kit("NumPy", lambda x: x, np.asarray, lambda x: isinstance(x, (np.ndarray, np.floating)))


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function that gives NumPy's arrays for them; None for whatever else."""
    if not callable(found) or inspect.isclass(found):
        return None
    return functions.recognise(
        KIT,
        partial(found, **given) if given else found,
        settings.get("as", ""),
        {"description": f"NumPy {np.__version__}"},
    )
