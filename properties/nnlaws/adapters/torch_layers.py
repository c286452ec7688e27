"""PyTorch on CPU: a layer of torch.nn.functional's linear and batch_norm in training, and its automatic derivative.

Each of the two returns what is of its arguments' dtype: so z is stored in it, and dz on its way back.
"""

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch.nn import functional

from nnlaws.native.torch.arrays import array, tensor

description = f"PyTorch {torch.__version__} on CPU: torch.nn.functional.linear and batch_norm, autograd"
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {"preactivation": "narrow"}


def batch_norm_layer(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return array(_layer(tensor(x), tensor(W), tensor(b), tensor(gamma), tensor(beta), eps))


def batch_norm_layer_backward(
    dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float
) -> tuple[Array, ...]:
    given = tuple(tensor(each).requires_grad_() for each in (x, W, b, gamma, np.zeros_like(b)))
    of_x, of_W, of_b, of_gamma, of_beta = given
    out = _layer(of_x, of_W, of_b, of_gamma, of_beta, eps)
    return tuple(map(array, torch.autograd.grad(out, given, tensor(dout))))


def _layer(
    x: torch.Tensor, W: torch.Tensor, b: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float
) -> torch.Tensor:
    z = functional.linear(x, W, b)
    return functional.batch_norm(z, None, None, gamma, beta, training=True, eps=eps)
