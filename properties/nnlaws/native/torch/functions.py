"""Functions and losses of PyTorch on logits, and their gradients by autograd."""

from functools import partial

import torch
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.functions import Function, Kit
from nnlaws.native.torch.arrays import array, tensor


def kit(device: str = "cpu") -> Kit:
    """PyTorch's tensors on a device."""

    def gradient(function: Function, z: Array) -> Array:
        logits = tensor(z, device).requires_grad_()
        (found,) = torch.autograd.grad(function(logits), logits)
        return array(found)

    return Kit("PyTorch", partial(tensor, device=device), array, lambda x: isinstance(x, torch.Tensor), gradient)


KIT = kit()
rows = partial(functions.rows, KIT)
loss = partial(functions.loss, KIT)
