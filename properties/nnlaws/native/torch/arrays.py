"""NumPy arrays to PyTorch tensors and back, bfloat16 among them."""

import ml_dtypes
import numpy as np
import torch
from nnlaws_reference.dtypes import Array

torch.set_num_threads(1)  # the arrays are small: threads would only wait for each other

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def tensor(x: Array, device: str = "cpu") -> torch.Tensor:
    """A copy, on that device."""
    copy = np.array(x, order="C")
    there = (
        torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16) if x.dtype == _BFLOAT16 else torch.from_numpy(copy)
    )
    return there if device == "cpu" else there.to(device)


def array(x: torch.Tensor) -> Array:
    """The tensor's own memory; of another device, a copy."""
    here = x.detach().cpu()
    if here.dtype == torch.bfloat16:
        narrow: Array = here.contiguous().view(torch.int16).numpy().view(_BFLOAT16)
        return narrow
    wide: Array = here.numpy()
    return wide
