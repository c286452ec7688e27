"""Batch norm whose habits nobody wrote down: `nnlaws identify examples/black_box.py` finds them out."""

import numpy as np


def batch_norm_train(
    z: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, var = statistics(z)
    out = gamma * (z - mean) / np.sqrt(var + z.dtype.type(eps)) + beta
    return out, mean, kept(var, len(z))


def batch_norm_running(batches: np.ndarray, *, decay: float) -> tuple[np.ndarray, np.ndarray]:
    dtype = batches.dtype.type
    new, old = dtype(decay), dtype(1 - decay)
    running_mean, running_var = np.zeros(batches.shape[-1], dtype), np.ones(batches.shape[-1], dtype)
    for z in batches:
        mean, var = statistics(z)
        running_mean = old * running_mean + new * mean
        running_var = old * running_var + new * kept(var, len(z))
    return running_mean, running_var


def statistics(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = z.mean(axis=0)
    return mean, np.square(z - mean).mean(axis=0)


def kept(var: np.ndarray, m: int) -> np.ndarray:
    return var * var.dtype.type(m / max(m - 1, 1))
