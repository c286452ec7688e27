"""A target as a student would hand it in: `nnlaws check examples/my_layers.py`. All functions are right."""

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


def batch_norm_train(
    z: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not len(z):
        raise ValueError("an empty batch has no statistics")
    mean = z.mean(axis=0)
    var = np.square(z - mean).mean(axis=0)
    return gamma * (z - mean) / np.sqrt(var + z.dtype.type(eps)) + beta, mean, var


def batch_norm_backward(
    dout: np.ndarray, z: np.ndarray, gamma: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centred = z - z.mean(axis=0)
    deviation = np.sqrt(np.square(centred).mean(axis=0) + z.dtype.type(eps))
    z_norm = centred / deviation
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / deviation * (dout - dbeta / len(z) - z_norm * (dgamma / len(z))), dgamma, dbeta
