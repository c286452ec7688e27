"""NumPy arrays to PyTorch tensors and back, bfloat16 among them."""

import ml_dtypes
import numpy as np
import torch
from nnlaws_reference.dtypes import Array

torch.set_num_threads(1)  # the arrays are small: threads would only wait for each other

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def tensor(x: Array) -> torch.Tensor:
    """A copy."""
    copy = np.array(x, order="C")
    if x.dtype == _BFLOAT16:
        return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(copy)


def array(x: torch.Tensor) -> Array:
    """The tensor's own memory."""
    if x.dtype == torch.bfloat16:
        narrow: Array = x.detach().contiguous().view(torch.int16).numpy().view(_BFLOAT16)
        return narrow
    wide: Array = x.detach().numpy()
    return wide
