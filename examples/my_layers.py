"""A target as a student would hand it in: `nnlaws check examples/my_layers.py`. All four functions are right."""

import numpy as np

dtypes = ("float32", "float64")


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -(y * log_softmax(z)).sum() / len(z)


def cross_entropy_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (softmax(z) - y) / max(len(z), 1)
