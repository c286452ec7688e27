"""Modules judged at their own size: `python examples/judge_at_size.py --rows 64 --columns 393216`.

Benchmarks of generated kernels give each module a shape, softmax of 4096 × 393216 for one, and accept what is near the
library's own result on random numbers. Of so many random numbers rounding alone may move a sum by a lot, so that even
`nnlaws.judge`, which knows by how much, has to let pass a module that leaves the last classes out. `nnlaws.check` with
that size has inputs made for it, on which one class more or less shows. The whole of it, 4096 rows, takes 14 GB.
"""

import argparse
import sys
from types import SimpleNamespace

import nnlaws
import numpy as np
import torch

BLOCK = 1024
JUDGED = 4  # rows of the benchmark's own, the first and the last among them


class Model(torch.nn.Module):
    """The library's."""

    def forward(self, x):
        return torch.softmax(x, dim=1)


class ModelNew(torch.nn.Module):
    """A generated one: in one pass over blocks of columns, with a maximum that grows. A last block has to be full."""

    def forward(self, x):
        whole = x.shape[1] // BLOCK * BLOCK or x.shape[1]
        top = torch.full_like(x[:, :1], -torch.inf)
        total = torch.zeros_like(top)
        for start in range(0, whole, BLOCK):
            part = x[:, start : start + BLOCK]
            new = torch.maximum(top, part.amax(dim=1, keepdim=True))
            total = total * torch.exp(top - new) + torch.exp(part - new).sum(dim=1, keepdim=True)
            top = new
        return torch.exp(x - top) / total


def target(model):
    def softmax(z):
        with torch.no_grad():
            return model(torch.from_numpy(z)).numpy()

    return SimpleNamespace(softmax=softmax)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--columns", type=int, default=100_003)
    given = parser.parse_args(arguments)
    x = torch.randn(given.rows, given.columns, generator=torch.Generator().manual_seed(0))
    rows = np.unique(np.linspace(0, given.rows - 1, JUDGED).astype(int))
    right = True
    for model in (Model(), ModelNew()):
        with torch.no_grad():
            result = model(x)
        name = f"{type(model).__name__} at {given.rows} × {given.columns}"
        print(f"{name}, on random numbers:", nnlaws.judge("softmax", x.numpy()[rows], result=result.numpy()[rows]))
        report = nnlaws.check(target(model), rows=given.rows, columns=given.columns, dtypes=["float32"])
        judged = [each for each in report.results if each.operation == "softmax"]
        print(f"{name}, on inputs made for that size: {judged[0].outcome}: {judged[0].size}\n")
        right &= report.conforms
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
