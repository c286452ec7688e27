"""PyTorch on CPU: torch.nn.functional's softmax, log_softmax and cross_entropy, and cross entropy's autograd gradient.

Where every row of the targets is one-hot, cross_entropy is given class numbers, as most training code does; otherwise
the rows themselves, as probabilities. Those are two code paths in PyTorch, and both are judged.
"""

import ml_dtypes
import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch.nn import functional

description = (
    f"PyTorch {torch.__version__} on CPU: torch.nn.functional.softmax, log_softmax, cross_entropy, and autograd"
)
dtypes = ("float32", "float64", "float16", "bfloat16")

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def softmax(z: Array) -> Array:
    return _array(functional.softmax(_tensor(z), dim=-1))


def log_softmax(z: Array) -> Array:
    return _array(functional.log_softmax(_tensor(z), dim=-1))


def cross_entropy(z: Array, y: Array) -> Array:
    return _array(functional.cross_entropy(_tensor(z), _targets(y)))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    logits = _tensor(z).requires_grad_()
    (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, _targets(y)), logits)
    return _array(gradient)


def _tensor(x: Array) -> torch.Tensor:
    copy = np.array(x, order="C")
    if x.dtype == _BFLOAT16:
        return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(copy)


def _targets(y: Array) -> torch.Tensor:
    if ((y == 1).sum(axis=-1) == 1).all():
        return torch.from_numpy(y.argmax(axis=-1))
    return _tensor(y)


def _array(x: torch.Tensor) -> Array:
    if x.dtype == torch.bfloat16:
        narrow: Array = x.detach().view(torch.int16).numpy().view(_BFLOAT16)
        return narrow
    array: Array = x.detach().numpy()
    return array
