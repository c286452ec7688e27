"""How to compute it well: a typed NumPy reference, one module a chapter; pure functions with explicit state.

>>> import numpy as np
>>> from nnlaws_reference import softmax
>>> softmax(np.array([[1000.0, 1000.0]]))
array([[0.5, 0.5]])
"""

from nnlaws_reference.batch_norm import (
    LayerCache,
    LayerGradients,
    RunningStatistics,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_running,
    batch_norm_train,
    layer_backward,
    layer_forward,
    running_start,
    running_update,
)
from nnlaws_reference.softmax import cross_entropy, cross_entropy_gradient, log_softmax, softmax

__all__ = [
    "LayerCache",
    "LayerGradients",
    "RunningStatistics",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_norm_train",
    "cross_entropy",
    "cross_entropy_gradient",
    "layer_backward",
    "layer_forward",
    "log_softmax",
    "running_start",
    "running_update",
    "softmax",
]
