"""Functions of NumPy's arrays, as SciPy's, scikit-learn's, or anyone's."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native import functions
from nnlaws.native.functions import Kit
from nnlaws.native.names import Keywords

KIT = Kit("NumPy", lambda x: x, np.asarray, lambda x: isinstance(x, (np.ndarray, np.floating)))


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function that gives NumPy's arrays for them; None for whatever else."""
    return functions.of_a_library(KIT, np.__version__, found, given, settings)
