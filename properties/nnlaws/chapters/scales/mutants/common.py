"""What mistakes of scales share: the cures, and arithmetic in double."""

import numpy as np
from nnlaws_reference.dtypes import Array

LOG = "numpy.exp((1 - u) * numpy.log(low) + u * numpy.log(high))"
LOG_BACK = "numpy.log(x / low) / numpy.log(high / low)"
LOG_DENSITY = "1 / (x * numpy.log(high / low))"
COMPLEMENT = "1 - numpy.exp((1 - u) * numpy.log(1 - low) + u * numpy.log(1 - high))"
COMPLEMENT_BACK = "numpy.log((1 - x) / (1 - low)) / numpy.log((1 - high) / (1 - low))"
COMPLEMENT_DENSITY = "1 / ((1 - x) * numpy.log((1 - low) / (1 - high)))"
CLIP = "clip the result to the box"
AS_GIVEN = "take low and high as they are given: 0 is a number as good as any, and no box is too small or too wide"
DOUBLE = "compute in double, with constants in double"


def double(u: Array) -> Array:
    return u.astype(np.float64)


def between(u: Array, low: float, high: float) -> Array:
    """From low to high in equal steps, in double."""
    share = double(u)
    return np.asarray(low * (1 - share) + high * share)


def above(x: Array, low: float, high: float) -> Array:
    """Where x is between low and high on a linear scale, in double."""
    return (double(x) - low) / (high - low)
