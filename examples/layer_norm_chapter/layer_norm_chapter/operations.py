"""The operations: what implementations offer, how it is called, and what may be declared of it."""

from functools import partial
from importlib.resources import files
from typing import Protocol

from nnlaws.authoring import NARROW, Operation, named
from nnlaws_reference.dtypes import Array
from nnlaws_spec import read

from layer_norm_chapter import bounds, formulas, reference


class LayerNorm(Protocol):
    """z: samples (m, n); gamma, beta: (n,); eps ≥ 0.

    Returns out = γ (z − μ)/√(σ² + ε) + β (m, n), with the mean μ and the biased variance σ² of each sample over its
    features (LNORM-1 to LNORM-4).
    """

    def __call__(self, z: Array, gamma: Array, beta: Array, /, *, eps: float) -> Array: ...


class LayerNormBackward(Protocol):
    """dout: the gradient with respect to the result of layer_norm (m, n); z: (m, n); gamma: (n,); eps ≥ 0.

    Returns the gradients dz (m, n), dgamma (n,) and dbeta (n,) (LNORM-13 to LNORM-15).
    """

    def __call__(self, dout: Array, z: Array, gamma: Array, /, *, eps: float) -> tuple[Array, Array, Array]: ...


TEXT = read("layer_norm", (files("layer_norm_chapter") / "chapter.md").read_text("utf-8"), notes=False)
_operation = partial(
    Operation,
    formulas=formulas,
    reference_module=reference,
    bounds=bounds,
    conventions=(
        named(TEXT, "variance", "two_pass", "tighter bound", default="updating"),
        named(TEXT, "variance", "one_pass", "weaker bound", default="updating"),
        named(TEXT, "epsilon", "outside"),
        named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
    ),
)

LAYER_NORM = _operation("layer_norm", "z(m,n), gamma(n), beta(n), *, eps -> out(m,n)", LayerNorm)
LAYER_NORM_BACKWARD = _operation(
    "layer_norm_backward", "dout(m,n), z(m,n), gamma(n), *, eps -> dz(m,n), dgamma(n), dbeta(n)", LayerNormBackward
)

OPERATIONS = (LAYER_NORM, LAYER_NORM_BACKWARD)
