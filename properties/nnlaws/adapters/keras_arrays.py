"""NumPy arrays to the tensors of Keras's backend and back."""

from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array


def tensor(x: Array) -> Any:
    """A copy, of the same dtype."""
    return keras.ops.convert_to_tensor(np.array(x), dtype=x.dtype.name)


def array(x: Any) -> Array:
    """A copy, since layers and optimizers are used again."""
    return np.array(keras.ops.convert_to_numpy(x))
