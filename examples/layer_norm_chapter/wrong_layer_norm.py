"""Two mistakes to find: `nnlaws check examples/layer_norm_chapter/wrong_layer_norm.py` names each of them."""

import numpy as np


def layer_norm(z: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float) -> np.ndarray:
    mean = z.mean(axis=-1, keepdims=True)
    deviation = z.std(axis=-1, keepdims=True, ddof=1 if z.shape[-1] > 1 else 0)  # over n − 1, as torch.std has it
    return gamma * (z - mean) / (deviation + z.dtype.type(eps)) + beta  # and ε outside the root


def layer_norm_backward(
    dout: np.ndarray, z: np.ndarray, gamma: np.ndarray, *, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centred = z - z.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + z.dtype.type(eps))
    z_norm = centred / deviation
    means = dout.mean(axis=-1, keepdims=True) + z_norm * (dout * z_norm).mean(axis=-1, keepdims=True)
    return gamma * (dout - means) / deviation, (dout * z_norm).sum(axis=0), dout.sum(axis=0)  # γ after the means
