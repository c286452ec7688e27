"""How to compute it well: a typed NumPy reference, one module a chapter; pure functions with explicit state.

>>> import numpy as np
>>> from nnlaws_reference import softmax
>>> softmax(np.array([[1000.0, 1000.0]]))
array([[0.5, 0.5]])
"""

from nnlaws_reference.softmax import cross_entropy, cross_entropy_gradient, log_softmax, softmax

__all__ = ["cross_entropy", "cross_entropy_gradient", "log_softmax", "softmax"]
