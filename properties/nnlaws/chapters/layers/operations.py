"""The operations of a layer with batch norm."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import layers as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.layers import bounds


class BatchNormLayer(Protocol):
    """x: a mini-batch (m, k); W: (n, k); b, gamma, beta: (n,); eps ≥ 0.

    Returns out = γ (z − μ)/√(σ² + ε) + β (m, n) of z = x Wᵀ + b, μ and σ² being the mean and the biased variance of
    each unit's z over the mini-batch (LY-1).
    """

    def __call__(self, x: Array, W: Array, b: Array, gamma: Array, beta: Array, /, *, eps: float) -> Array: ...


class BatchNormLayerBackward(Protocol):
    """dout: the gradient with respect to the result of batch_norm_layer (m, n); x: (m, k); W: (n, k); b, gamma: (n,);
    eps ≥ 0.

    Returns the gradients dx (m, k), dW (n, k), db, dgamma and dbeta (n,) (LY-7 to LY-10).
    """

    def __call__(
        self, dout: Array, x: Array, W: Array, b: Array, gamma: Array, /, *, eps: float
    ) -> tuple[Array, Array, Array, Array, Array]: ...


TEXT = chapter("layers")
_CONVENTIONS = (
    named(
        TEXT,
        "variance",
        "one_pass",
        "weaker bound",
        default="updating",
        unseen="an error that grows with μ²/σ² then goes unseen, where a mean is large any variance",
    ),
    named(TEXT, "epsilon", "outside"),
    named(
        TEXT,
        "preactivation",
        "narrow",
        "weaker bound",
        dtypes=NARROW,
        unseen="what rounds away in the narrow type before the normalisation then goes unseen",
    ),
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
)
_operation = partial(
    Operation,
    formulas=formulas,
    reference_module=nnlaws_reference,
    bounds=bounds,
    conventions=_CONVENTIONS,
    proportional=True,
)

BATCH_NORM_LAYER = _operation(
    "batch_norm_layer",
    "x(m,k), W(n,k), b(n), gamma(n), beta(n), *, eps -> out(m,n)",
    BatchNormLayer,
    together=True,
)
BATCH_NORM_LAYER_BACKWARD = _operation(
    "batch_norm_layer_backward",
    "dout(m,n), x(m,k), W(n,k), b(n), gamma(n), *, eps -> dx(m,k), dW(n,k), db(n), dgamma(n), dbeta(n)",
    BatchNormLayerBackward,
    clauses={"dx": "LY-7", "dW": "LY-8", "db": "LY-9", "dgamma": "LY-10", "dbeta": "LY-10"},
)

OPERATIONS = (BATCH_NORM_LAYER, BATCH_NORM_LAYER_BACKWARD)
