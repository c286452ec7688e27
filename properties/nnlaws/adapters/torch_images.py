"""PyTorch on CPU, batch norm of images: nn.BatchNorm2d, with the pixels of all images as the samples.

The matrix (m, n) becomes N images of h × w pixels and n channels, N·h·w = m. Where m has divisors enough, none of N, h
and w is 1. PyTorch reads the two memory formats by kernels of their own: each is a target.
"""

import torch
from torch import nn

from nnlaws.adapters.torch import BatchNorm, conventions, dtypes

__all__ = ["channels_last", "contiguous"]


def _smallest_divisor(m: int) -> int:
    """The smallest divisor of m above 1; 1 where there is none."""
    return next((d for d in range(2, m + 1) if m % d == 0), 1)


def _images(x: torch.Tensor, memory_format: torch.memory_format) -> torch.Tensor:
    m, n = x.shape
    w = _smallest_divisor(m)
    h = _smallest_divisor(m // w)
    return x.reshape(m // w // h, h, w, n).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)


def _matrix(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


class _Target:
    """What a target declares, and its operations."""

    dtypes = dtypes
    conventions = conventions

    def __init__(self, words: str, memory_format: torch.memory_format) -> None:
        layer = BatchNorm(nn.BatchNorm2d, lambda x: _images(x, memory_format), _matrix)
        self.description = f"PyTorch {torch.__version__} on CPU: nn.BatchNorm2d of {words} images, and autograd"
        self.batch_norm_train = layer.train
        self.batch_norm_backward = layer.backward
        self.batch_norm_running = layer.running
        self.batch_norm_inference = layer.inference


contiguous = _Target("contiguous (N, C, H, W)", torch.contiguous_format)
channels_last = _Target("channels_last", torch.channels_last)
