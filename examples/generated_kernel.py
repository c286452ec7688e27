"""A generated kernel, as benchmarks take it, and what has it judged: `nnlaws check examples/generated_kernel.py`.

On uniform random numbers it is as close to torch.softmax as anyone could ask for. See docs/kernels.md.
"""

import numpy as np
import torch

BLOCK = 1024


class ModelNew(torch.nn.Module):
    """Softmax in two passes over blocks of columns."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.empty_like(x)
        total = torch.zeros_like(x[..., :1])
        for start in range(0, x.shape[-1], BLOCK):
            block = torch.exp(x[..., start : start + BLOCK])
            total += block.sum(dim=-1, keepdim=True)
            out[..., start : start + BLOCK] = block
        return out / total


# What nnlaws needs: a function named after the operation, arrays in and out. Contiguous ones are not copied, so that
# what the kernel does to its input, and what it keeps of it, is seen. A kernel for a GPU moves them there and back.

dtypes = ("float32",)
kernel = ModelNew()


def softmax(z: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return kernel(torch.from_numpy(np.ascontiguousarray(z))).numpy()
