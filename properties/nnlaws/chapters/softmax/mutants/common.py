"""What mistakes in softmax and its kin share: cures, and the right algorithms that they spoil."""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

SHIFT = "subtract the row's maximum first: z - z.max(axis=-1, keepdims=True)"
LAST_AXIS = "reduce over the last axis only, with keepdims: axis=-1, keepdims=True"
FROM_LOG = "compute the logarithm as shifted - log(sum(exp(shifted))), with nothing added or clipped"
NARROW_SUM = "the sum of exponentials, and its logarithm, are rounded to the narrow type"
WIDE_SUM = "keep the sum and its logarithm in float32, and round the result once"
OVER_M = "divide once by m, the number of rows: z.shape[0]"


def exp(z: Array) -> Array:
    return np.exp(z - z.max(axis=-1, keepdims=True))


def right_softmax(z: Array) -> Array:
    return exp(z) / exp(z).sum(axis=-1, keepdims=True)


def right_log_softmax(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(exp(z).sum(axis=-1, keepdims=True))


def narrow_log_sum_of(z: Array) -> Array:
    wide = z.astype(working_dtype(z.dtype))
    narrow = z.dtype if z.dtype.itemsize == 2 else np.dtype(np.float16)
    total = exp(wide).sum(axis=-1, keepdims=True).astype(narrow)
    log_sum = np.log(total.astype(wide.dtype)).astype(narrow)
    return (wide - wide.max(axis=-1, keepdims=True) - log_sum.astype(wide.dtype)).astype(z.dtype)
