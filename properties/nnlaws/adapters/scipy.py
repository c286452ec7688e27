"""SciPy: scipy.special.softmax and log_softmax, along the last axis."""

import scipy
from nnlaws_reference.dtypes import Array
from scipy import special

description = f"SciPy {scipy.__version__}: scipy.special.softmax, log_softmax (axis=-1)"
dtypes = ("float32", "float64")


def softmax(z: Array) -> Array:
    result: Array = special.softmax(z, axis=-1)
    return result


def log_softmax(z: Array) -> Array:
    result: Array = special.log_softmax(z, axis=-1)
    return result
