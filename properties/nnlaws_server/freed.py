"""Memory that was freed, and what is in it: a kernel that does not write all of its output hands that back."""

import sys
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCKS, FEW = 16, 2  # of each size: more than allocators keep at hand; of a large one, so that none goes to the system
LARGE = 1 << 16  # bytes
POISON = b"\xff"  # in every byte: NaN in every floating type
WIDER = (0, 96)  # bytes more, which the C library takes for what has to begin at a multiple of 64
WIDTHS = (4, 8)  # bytes of a number that others are gathered in


def poison(arrays: Iterable[NDArray[Any]]) -> None:
    """Fills memory and frees it, so that who next asks for as much as these arrays take, or one of their rows or
    columns does, gets NaN: of NumPy, of the C library and, where it is loaded, of PyTorch on each of its devices.
    """
    torch: Any = sys.modules.get("torch")
    devices = [] if not hasattr(torch, "full") else ["cpu", "cuda"] if torch.cuda.is_initialized() else ["cpu"]
    counts = {(count, width) for x in arrays for count in (x.size, *x.shape) for width in (x.itemsize, *WIDTHS)}
    for size, more in product(sorted({count * width for count, width in counts}), WIDER):
        blocks = range(BLOCKS if size < LARGE else FEW)
        held: list[Any] = [np.empty(size + more, np.uint8) for _ in blocks]
        for x in held:
            memoryview(x)[:] = POISON * len(x)  # without an array in between, which would be freed too
        for device in devices:
            held += [torch.full((size + more,), POISON[0], dtype=torch.uint8, device=device) for _ in blocks]
        del held
