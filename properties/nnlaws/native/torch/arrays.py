"""NumPy arrays to PyTorch tensors and back, bfloat16 among them; and making what has tensors of its own."""

from collections.abc import Callable
from typing import Any, TypeVar

import ml_dtypes
import numpy as np
import torch
from nnlaws_reference.dtypes import Array

torch.set_num_threads(1)  # the arrays are small: threads would only wait for each other

Made = TypeVar("Made")
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


def made_apart(make: Callable[..., Made]) -> Callable[..., Made]:
    """As `make`; but what it draws, initial weights say, is drawn beside the global generator, which stays as it was:
    whoever uses the library makes a layer once, and not in each call.
    """

    def run(*arguments: Any, **options: Any) -> Made:
        with torch.random.fork_rng(devices=[]):
            return make(*arguments, **options)

    return run
