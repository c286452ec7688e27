"""NumPy arrays to Paddle's tensors and back, and gradients by backward, for paddle.grad crashes in two threads."""

from typing import Any

import numpy as np
import paddle
from nnlaws_reference.dtypes import Array

from nnlaws.native.functions import Function, Kit

DTYPES = ("float32", "float64")
"""What Paddle computes in on a CPU: of narrow types it has some operations alone."""


def tensor(x: Array) -> Any:
    """A copy, of the same dtype."""
    return paddle.to_tensor(np.array(x))


def array(x: Any) -> Array:
    """A copy, since what is driven goes on."""
    return np.array(x.numpy())


def _gradient(function: Function, z: Array) -> Array:
    logits = tensor(z)
    logits.stop_gradient = False
    function(logits).backward()
    return array(logits.grad)


KIT = Kit("Paddle", tensor, array, lambda x: isinstance(x, paddle.Tensor), _gradient)
