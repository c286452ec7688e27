"""Which floating types there are, and which one to compute in."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A NumPy array of float16, bfloat16 (from ml_dtypes), float32 or float64."""

DTYPES: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in: float32 for the narrow types, too coarse for a sum; else the dtype itself.

    Raises ValueError for any dtype that is not one of DTYPES.
    """
    if dtype not in DTYPES.values():
        raise ValueError(
            f"expected an array of {', '.join(DTYPES)}, got {dtype}; convert it with .astype(numpy.float64)"
        )
    return DTYPES["float32"] if dtype.itemsize < 4 else dtype
