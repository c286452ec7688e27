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
from nnlaws_reference.decay import exponential_decay, inverse_root_decay, inverse_time_decay, staircase_decay
from nnlaws_reference.optimizers import (
    AdamState,
    AverageState,
    MomentumState,
    RMSPropState,
    adam,
    adam_init,
    adam_update,
    adamw,
    adamw_init,
    adamw_update,
    average_init,
    average_update,
    exponential_average,
    gradient_descent,
    gradient_descent_update,
    momentum,
    momentum_init,
    momentum_update,
    rmsprop,
    rmsprop_init,
    rmsprop_update,
)
from nnlaws_reference.softmax import cross_entropy, cross_entropy_gradient, log_softmax, softmax

__all__ = [
    "AdamState",
    "AverageState",
    "LayerCache",
    "LayerGradients",
    "MomentumState",
    "RMSPropState",
    "RunningStatistics",
    "adam",
    "adam_init",
    "adam_update",
    "adamw",
    "adamw_init",
    "adamw_update",
    "average_init",
    "average_update",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_norm_train",
    "cross_entropy",
    "cross_entropy_gradient",
    "exponential_average",
    "exponential_decay",
    "gradient_descent",
    "gradient_descent_update",
    "inverse_root_decay",
    "inverse_time_decay",
    "layer_backward",
    "layer_forward",
    "log_softmax",
    "momentum",
    "momentum_init",
    "momentum_update",
    "rmsprop",
    "rmsprop_init",
    "rmsprop_update",
    "running_start",
    "running_update",
    "softmax",
    "staircase_decay",
]
