"""Four mistakes that everybody makes once: `nnlaws check examples/wrong_layers.py` names each of them."""

import numpy as np


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max())  # the maximum of the whole batch, not of each row
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.log(e / e.sum(axis=-1, keepdims=True))  # the logarithm of what may have underflowed


def cross_entropy(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -(y * log_softmax_of(z)).mean()  # over m·C entries, not over m samples


def cross_entropy_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax_of(z)) - y  # not divided by m


def log_softmax_of(z: np.ndarray) -> np.ndarray:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
