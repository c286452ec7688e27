"""Mistakes that everybody makes once: `nnlaws check examples/wrong_layers.py` names each of them."""

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


def batch_norm_train(
    z: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = z.mean(axis=0)
    var = np.maximum(np.square(z).mean(axis=0) - np.square(mean), 0)  # the difference of two large numbers
    return gamma * (z - mean) / np.sqrt(var + z.dtype.type(eps)) + beta, mean, var


def batch_norm_backward(
    dout: np.ndarray, z: np.ndarray, gamma: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, var = z.mean(axis=0), z.var(axis=0)
    deviation = np.sqrt(var + z.dtype.type(eps))
    dgamma = (dout * (z - mean) / deviation).sum(axis=0)
    return gamma * dout / deviation, dgamma, dout.sum(axis=0)  # as if mean and variance were constants
