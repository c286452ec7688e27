"""Learning-rate decay: the formulas of chapters/decay.md.

epoch is an array of any shape, of whole numbers ≥ 0, counted from 0; the result has its shape. What is computed with
the options is computed in the array's own kind of number, so in balls nothing is rounded away.
"""

import numpy as np

from nnlaws_spec.formulas import Numbers, floor


def inverse_time_decay(epoch: Numbers, *, initial: float, rate: float) -> Numbers:
    """LR-1: α = α₀ / (1 + rate · epoch)."""
    return initial / (1 + rate * epoch)


def exponential_decay(epoch: Numbers, *, initial: float, rate: float) -> Numbers:
    """LR-2: α = α₀ · rate^epoch."""
    return initial * (rate + 0 * epoch) ** epoch


def staircase_decay(epoch: Numbers, *, initial: float, rate: float, every: float) -> Numbers:
    """LR-3: α = α₀ · rate^⌊epoch / every⌋."""
    return exponential_decay(floor(epoch / every), initial=initial, rate=rate)


def inverse_root_decay(epoch: Numbers, *, initial: float, factor: float) -> Numbers:
    """LR-4: α = α₀ · factor / √(epoch + 1)."""
    return initial * (factor / np.sqrt(epoch + 1))
