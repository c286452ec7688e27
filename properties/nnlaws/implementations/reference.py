"""The NumPy reference of this project, judged like any other."""

from importlib.metadata import version

from nnlaws_reference import (
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_running,
    batch_norm_train,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)

__all__ = [
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_norm_train",
    "cross_entropy",
    "cross_entropy_gradient",
    "log_softmax",
    "softmax",
]

description = f"nnlaws_reference {version('nnlaws')}"
dtypes = ("float32", "float64", "float16", "bfloat16")
