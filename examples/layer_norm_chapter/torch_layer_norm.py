"""PyTorch's nn.LayerNorm on CPU as a target: `nnlaws check examples/layer_norm_chapter/torch_layer_norm.py`."""

import ml_dtypes
import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn

torch.set_num_threads(1)  # the arrays are small: threads would only wait for each other

description = f"PyTorch {torch.__version__} on CPU: torch.nn.LayerNorm, its gradient by autograd"
dtypes = ("float32", "float64", "float16", "bfloat16")

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def layer_norm(z: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    x = _tensor(z)
    return _array(_layer(x, gamma, beta, eps)(x))


def layer_norm_backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
    x = _tensor(z).requires_grad_()
    layer = _layer(x, gamma, np.zeros_like(gamma), eps)
    dz, dgamma, dbeta = torch.autograd.grad(layer(x), (x, *layer.parameters()), _tensor(dout))
    return _array(dz), _array(dgamma), _array(dbeta)


def _layer(x: torch.Tensor, gamma: Array, beta: Array, eps: float) -> nn.LayerNorm:
    """A layer whose parameters have the samples' dtype, as in a model moved by model.to(dtype)."""
    layer = nn.LayerNorm(x.shape[1], eps=eps, dtype=x.dtype)
    with torch.no_grad():
        layer.weight.copy_(_tensor(gamma))
        layer.bias.copy_(_tensor(beta))
    return layer


def _tensor(x: Array) -> torch.Tensor:
    """A copy. NumPy's bfloat16 is not PyTorch's: their bits are the same."""
    copy = np.array(x, order="C")
    if x.dtype == _BFLOAT16:
        return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(copy)


def _array(x: torch.Tensor) -> Array:
    if x.dtype == torch.bfloat16:
        narrow: Array = x.detach().contiguous().view(torch.int16).numpy().view(_BFLOAT16)
        return narrow
    wide: Array = x.detach().numpy()
    return wide
