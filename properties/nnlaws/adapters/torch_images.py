"""PyTorch on CPU, batch norm of images: nn.BatchNorm2d, with the pixels of all images as the samples.

The matrix (m, n) becomes N images of h × w pixels and n channels, N·h·w = m. Where m has divisors enough, none of N, h
and w is 1. PyTorch reads the two memory formats by kernels of their own: each is a target.
"""

from types import SimpleNamespace

import torch
from torch import nn

from nnlaws.adapters.torch import conventions, dtypes
from nnlaws.native.torch import batch_norm

__all__ = ["channels_last", "contiguous"]


def _target(words: str, memory_format: torch.memory_format) -> SimpleNamespace:
    return batch_norm(
        nn.BatchNorm2d,
        input="4d",
        memory_format=memory_format,
        description=f"PyTorch {torch.__version__} on CPU: nn.BatchNorm2d of {words} images, and autograd",
        dtypes=dtypes,
        conventions=conventions,
    )


contiguous = _target("contiguous (N, C, H, W)", torch.contiguous_format)
channels_last = _target("channels_last", torch.channels_last)
